import pytest

from tests.components.recorded import ROOT

PROGRAM = """
import pulumi, pulumi_aws as aws

class Part(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("shop:index:Part", name, {}, opts)
        self.inner = Inner(f"{name}-inner", pulumi.ResourceOptions(parent=self))

class Inner(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("shop:index:Inner", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        cluster = aws.rds.Cluster(f"{name}-cluster", engine="aurora-postgresql", master_password=pulumi.Output.secret("s3cr3t"),
            serverlessv2_scaling_configuration={"min_capacity": 0, "max_capacity": 2}, opts=child)
        aws.rds.ClusterInstance(f"{name}-writer", cluster_identifier=cluster.id, engine="aurora-postgresql",
            instance_class="db.serverless", opts=child)

part = Part("store")
key = aws.kms.Key("key")
aws.ec2.VpcEndpoint("door", vpc_id="vpc-1", service_name="com.amazonaws.eu-west-1.ssm", vpc_endpoint_type="Interface",
    subnet_ids=[key.id, key.id])
aws.ec2.NatGateway("nat", subnet_id="subnet-1")
"""


@pytest.fixture
def project(tmp_path):
    """A small project of its own."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "policy").symlink_to(ROOT / "policy")
    return tmp_path
