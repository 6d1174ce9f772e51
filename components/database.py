"""PostgreSQL with pgvector on Aurora Serverless v2.

Creates: aws:rds/subnetGroup:SubnetGroup, aws:ec2/securityGroup:SecurityGroup, aws:rds/clusterParameterGroup:ClusterParameterGroup,
aws:rds/cluster:Cluster, aws:rds/clusterInstance:ClusterInstance; with `allow_invoke` also the role that the database
assumes, its policy, aws:rds/clusterRoleAssociation:ClusterRoleAssociation and aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy.
"""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import iam
from components.flows import HTTPS, allow
from components.naming import bounded

DATABASE_NAME = "vectordb"
MASTER_USERNAME = "vectordb_admin"

# aws_lambda gives up after 3 s by default: shorter than a cold start and a query together. The function's own limit
# (components/lambda_bridge.py) is below the request's, so that the error that SQL sees is the function's.
CONNECT_TIMEOUT_MS = 2_000
REQUEST_TIMEOUT_MS = 30_000


class AuroraDatabaseArgs(TypedDict):
    vpc_id: pulumi.Input[str]
    """The VPC."""
    subnet_ids: pulumi.Input[list[str]]
    """Subnets in at least two zones."""
    key_arn: pulumi.Input[str]
    """The customer key of storage and of the master secret."""
    account: pulumi.Input[str]
    """The account, for the trust of the roles that the database assumes."""
    version: str
    """PostgreSQL's major version: 16, 17 or 18. AWS chooses the minor and keeps it current."""
    min_capacity: NotRequired[float]
    """ACU, 0 to 256 in steps of 0.5; at 0 an idle cluster pauses and costs storage only. Default 0."""
    max_capacity: NotRequired[float]
    """ACU, 1 to 256. Default 4."""
    lambda_endpoint_id: NotRequired[pulumi.Input[str]]
    """The `lambda` interface endpoint, for `allow_invoke`."""
    endpoint_security_group_id: NotRequired[pulumi.Input[str]]
    """The endpoints' security group, for `allow_invoke`."""
    generation: NotRequired[int]
    """Part of the final snapshot's name. A stack that is destroyed and made again needs another one. Default 1."""
    protect: NotRequired[bool]
    """Refuse deletion, and take a final snapshot. Default false."""


class AuroraDatabase(pulumi.ComponentResource):
    """A cluster with one writer: IAM logins, forced TLS, customer key, master password kept by Secrets Manager."""

    endpoint: pulumi.Output[str]
    """The writer's host name; certificates and IAM tokens are made out to it."""
    port: pulumi.Output[int]
    """The TCP port."""
    database_name: pulumi.Output[str]
    """The database that the SQL is applied to."""
    resource_id: pulumi.Output[str]
    """The cluster's resource id, as in the ARNs of `rds-db:connect`."""
    arn: pulumi.Output[str]
    """The cluster's ARN."""
    secret_arn: pulumi.Output[str]
    """The master's secret: JSON with username and password, rotated by AWS every seven days."""
    security_group_id: pulumi.Output[str]
    """The database's security group; it has no rule but those that `Network.allow` adds."""

    def __init__(self, name: str, args: AuroraDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vectordb:index:AuroraDatabase", name, dict(args), opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        protect, minimum = args.get("protect", False), args.get("min_capacity", 0)
        guarded = pulumi.ResourceOptions(parent=self, protect=protect)
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            vpc_id=args["vpc_id"],
            description="PostgreSQL: only the flows that are named",
            tags={"Name": name},
            opts=self._child,
        )
        subnets = aws.rds.SubnetGroup(
            f"{name}-subnets", subnet_ids=args["subnet_ids"], description="Isolated subnets", opts=self._child
        )
        cluster = aws.rds.Cluster(
            f"{name}-cluster",
            engine=aws.rds.EngineType.AURORA_POSTGRESQL,
            # The major alone: AWS keeps the minor current, and a pinned minor would ask for a downgrade after that.
            engine_version=args["version"],
            database_name=DATABASE_NAME,
            master_username=MASTER_USERNAME,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=args["key_arn"],
            storage_encrypted=True,
            kms_key_id=args["key_arn"],
            iam_database_authentication_enabled=True,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[group.id],
            db_cluster_parameter_group_name=self._parameters(args["version"]).name,
            serverlessv2_scaling_configuration=aws.rds.ClusterServerlessv2ScalingConfigurationArgs(
                min_capacity=minimum,
                max_capacity=args.get("max_capacity", 4),
                seconds_until_auto_pause=300 if minimum == 0 else None,
            ),
            backup_retention_period=7,
            copy_tags_to_snapshot=True,
            delete_automated_backups=not protect,
            deletion_protection=protect,
            skip_final_snapshot=not protect,
            final_snapshot_identifier=final_snapshot(name, args.get("generation", 1)) if protect else None,
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            apply_immediately=True,
            opts=pulumi.ResourceOptions.merge(guarded, pulumi.ResourceOptions(ignore_changes=["engineVersion"])),
        )
        self.cluster = cluster
        self.writer = aws.rds.ClusterInstance(
            f"{name}-writer",
            cluster_identifier=cluster.id,
            engine=aws.rds.EngineType.AURORA_POSTGRESQL,
            instance_class="db.serverless",
            publicly_accessible=False,
            ca_cert_identifier="rds-ca-rsa2048-g1",
            auto_minor_version_upgrade=True,
            apply_immediately=True,
            opts=guarded,
        )
        self.endpoint = cluster.endpoint
        self.port = cluster.port
        self.database_name = pulumi.Output.from_input(DATABASE_NAME)
        self.resource_id = cluster.cluster_resource_id
        self.arn = cluster.arn
        self.secret_arn = cluster.master_user_secrets.apply(lambda secrets: secrets[0].secret_arn or "")
        self.security_group_id = group.id
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "port": self.port,
                "database_name": self.database_name,
                "resource_id": self.resource_id,
                "arn": self.arn,
                "secret_arn": self.secret_arn,
                "security_group_id": self.security_group_id,
            }
        )

    def allow_invoke(self, function_arn: pulumi.Input[str]) -> list[pulumi.Resource]:
        """Let SQL invoke one function through `aws_lambda`, over the `lambda` endpoint.

        A cluster takes one role for the feature `Lambda`, so this is called once.

        Args:
            function_arn: the function's alias, qualified; no other version can be invoked.

        Returns:
            What SQL that invokes the function depends on.
        """
        if not {"lambda_endpoint_id", "endpoint_security_group_id"} <= self._args.keys():
            raise ValueError(
                "allow_invoke needs lambda_endpoint_id and endpoint_security_group_id in the database's args"
            )
        role = aws.iam.Role(
            f"{self._name}-invoke",
            description=f"{self._name} invokes its functions",
            assume_role_policy=iam.trust("rds.amazonaws.com", account=self._args["account"], source_arn=self.arn),
            opts=self._child,
        )
        policy = aws.iam.RolePolicy(
            f"{self._name}-invoke",
            role=role.name,
            policy=iam.document(iam.allow("lambda:InvokeFunction", function_arn)),
            opts=self._child,
        )
        association = aws.rds.ClusterRoleAssociation(
            f"{self._name}-invoke",
            db_cluster_identifier=self.cluster.id,
            role_arn=role.arn,
            feature_name="Lambda",
            # The writer: RDS refuses to change a cluster's roles while an instance is being made.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.writer, policy]),
        )
        endpoint_policy = aws.ec2.VpcEndpointPolicy(
            f"{self._name}-invoke",
            vpc_endpoint_id=self._args["lambda_endpoint_id"],
            policy=iam.document(
                iam.allow(
                    "lambda:InvokeFunction",
                    function_arn,
                    principal="*",
                    condition={"ArnEquals": {"aws:PrincipalArn": role.arn}},
                )
            ),
            opts=self._child,
        )
        flow = allow(
            f"{self._name}-to-endpoints",
            self.security_group_id,
            self._args["endpoint_security_group_id"],
            HTTPS,
            self._child,
        )
        return [association, endpoint_policy, *flow]

    def _parameters(self, version: str) -> aws.rds.ClusterParameterGroup:
        values = {
            "rds.force_ssl": "1",
            "aws_lambda.connect_timeout_ms": str(CONNECT_TIMEOUT_MS),
            "aws_lambda.request_timeout_ms": str(REQUEST_TIMEOUT_MS),
            "log_connections": "1",
            "log_min_duration_statement": "500",
        }
        return aws.rds.ClusterParameterGroup(
            f"{self._name}-parameters",
            family=f"aurora-postgresql{version}",
            description="Forced TLS, and time for the functions that SQL calls",
            # All of these are dynamic; a static one would need `pending-reboot`.
            parameters=[{"name": key, "value": value, "apply_method": "immediate"} for key, value in values.items()],
            opts=self._child,
        )


def final_snapshot(name: str, generation: int) -> str:
    """The name of the snapshot that a protected cluster leaves; at most 255 characters, and never used twice."""
    suffix = f"-{generation}-final"
    return bounded(f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}", 255 - len(suffix)) + suffix
