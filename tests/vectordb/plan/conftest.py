import pytest

from tests.components.recorded import ROOT

PROGRAM = """
import pulumi, pulumi_aws as aws

class Part(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("shop:index:Part", name, {}, opts)
        group = aws.ec2.SecurityGroup(f"{name}-group", description="d", vpc_id="vpc-0123456789abcdef0",
            opts=pulumi.ResourceOptions(parent=self))
        aws.vpc.SecurityGroupIngressRule(f"{name}-rule", security_group_id=group.id, ip_protocol="tcp", from_port=5432,
            to_port=5432, cidr_ipv4=CIDR, description="who", opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})

CIDR = pulumi.Config().get("cidr") or "10.0.0.0/8"
Part("part")
pulumi.export("hidden", pulumi.Output.secret("s3cr3t"))
"""


@pytest.fixture
def project(tmp_path):
    """A small project of its own with the real policy pack."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "policy").symlink_to(ROOT / "policy")
    return tmp_path
