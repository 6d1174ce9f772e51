"""PostgreSQL with pgvector on Aurora.

Creates: what components/database/database.py lists, aws:rds/clusterParameterGroup:ClusterParameterGroup, aws:rds/cluster:Cluster,
an aws:rds/clusterInstance:ClusterInstance for the writer and each reader; with `reader_scaling_max` a scaling target and
its policy; with `allow_invoke` and `allow_bedrock` the role that the cluster assumes, its policies and its
aws:rds/clusterRoleAssociation:ClusterRoleAssociation.
"""

from typing import Any, NotRequired, cast

import pulumi
import pulumi_aws as aws

from components.database import restoration
from components.database.database import (
    CERTIFICATE_AUTHORITY,
    DATABASE_NAME,
    MASTER_USERNAME,
    Database,
    DatabaseArgs,
)
from components.database.engine_versions import AURORA
from components.database.reader_scaling import READER_NAMES, scale_readers

SERVERLESS = "db.serverless"


class AuroraDatabaseArgs(DatabaseArgs):
    """What an Aurora cluster is made from."""

    min_capacity: NotRequired[float]
    """ACU, 0 to 256 in steps of 0.5; at 0 an idle cluster pauses and costs storage only. Default 0."""
    max_capacity: NotRequired[float]
    """ACU, 1 to 256. Default 4."""
    auto_pause_seconds: NotRequired[int]
    """How long a cluster of minimum 0 is idle before it pauses, 300 to 86400. Default 300."""
    instance_class: NotRequired[str]
    """The class of the writer and the readers. Default db.serverless, whose capacity follows the load."""
    readers: NotRequired[int]
    """Readers beside the writer, 0 to 15. The first is the one to take over, and grows with the writer. Default 0."""
    reader_scaling_max: NotRequired[int]
    """Let the number of readers follow the load, up to this many in all. Default: it does not."""
    reader_scaling_cpu: NotRequired[int]
    """The readers' average CPU to aim at, percent. Default 60."""
    storage_type: NotRequired[str]
    """aurora (I/O is paid by request) or aurora-iopt1 (I/O is included). Default: AWS's, which is aurora."""
    data_api: NotRequired[bool]
    """Answer the RDS Data API. Default false."""
    bedrock_models: NotRequired[list[pulumi.Input[str]]]
    """ARNs of the models that SQL may invoke; the same as `allow_bedrock`."""
    bedrock_security_group_id: NotRequired[pulumi.Input[str]]
    """The security group of the `bedrock-runtime` endpoint. Default: `endpoint_security_group_id`."""


class AuroraDatabase(Database):
    """An Aurora cluster: IAM logins, forced TLS, customer key, master password kept by Secrets Manager."""

    bedrock_role_arn: pulumi.Output[str]
    """The role with which SQL invokes models; empty until one is allowed."""

    def __init__(self, name: str, args: AuroraDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("AuroraDatabase", name, args, opts)
        self._aurora = args = cast("AuroraDatabaseArgs", self._args)
        self._class = args.get("instance_class", SERVERLESS)
        self._warn(AURORA)
        self.cluster = self._cluster()
        self.writer = self._instance("writer", 0, after=[])
        self.readers = [
            # Tier 1 scales with the writer, the others by their own load (Aurora User Guide, Serverless v2 scaling). One
            # after the other needs the writer: an instance that is made first would become it.
            self._instance(f"reader-{number}", number, after=[self.writer])
            for number in range(1, args.get("readers", 0) + 1)
        ]
        self._instances = [self.writer, *self.readers]
        self.ready = [self.writer]
        self._scaling()
        self.endpoint = self.cluster.endpoint
        self.reader_endpoint = self.cluster.reader_endpoint
        self.port = self.cluster.port
        self.database_name = pulumi.Output.from_input(DATABASE_NAME)
        self.identifier = self.cluster.cluster_identifier
        self.resource_id = self.cluster.cluster_resource_id
        self.arn = self.cluster.arn
        self.secret_arn = self.cluster.master_user_secrets.apply(lambda secrets: secrets[0].secret_arn or "")
        self.bedrock_role_arn = pulumi.Output.from_input("")
        self._allow_functions()
        if models := args.get("bedrock_models"):
            self.allow_bedrock(models)
        self.register_outputs({**self._outputs(), "bedrock_role_arn": self.bedrock_role_arn})

    def allow_bedrock(self, model_arns: list[pulumi.Input[str]]) -> list[pulumi.Resource]:
        """Let SQL invoke models through `aws_bedrock` of the extension aws_ml, over the `bedrock-runtime` endpoint.

        Args:
            model_arns: the models' ARNs (of foundation models, or of inference profiles and their models).

        Returns:
            What SQL that invokes a model depends on.

        Raises:
            ValueError: it was called before, or the cluster cannot reach the endpoint.
        """
        own, shared = self._aurora.get("bedrock_security_group_id"), self._args.get("endpoint_security_group_id")
        group = own if own is not None else shared
        if group is None:
            raise ValueError(
                f"{self._name}: allow_bedrock needs bedrock_security_group_id or endpoint_security_group_id in the "
                "database's args"
            )
        made = self._feature_roles().permit("Bedrock", "bedrock", "bedrock", "bedrock:InvokeModel", model_arns)
        self.bedrock_role_arn = made.role_arn
        return self._permitted([*made.needed, *self._reach("endpoints" if own is None else "bedrock", group)])

    def _cluster(self) -> aws.rds.Cluster:
        args, restored = self._aurora, self._restoration
        serverless = self._class == SERVERLESS
        pauses = serverless and args.get("min_capacity", 0) == 0
        # `instance` tells why a cluster did not pause (Aurora User Guide, monitoring pausing and resuming).
        logs = ["postgresql", "iam-db-auth-error", *(["instance"] if pauses else [])]
        monitored, before = self._monitoring(*self._sources())
        ignored = [*restoration.IGNORED, "databaseName", "masterUsername", *self._ignored()]
        if restored.asked:
            self._tell_restored()
        return aws.rds.Cluster(
            f"{self._name}-cluster",
            cluster_identifier=self._identifier,
            engine=AURORA,
            db_cluster_parameter_group_name=self._parameters().name,
            serverlessv2_scaling_configuration=_capacity(args) if serverless else None,
            storage_type=args.get("storage_type"),
            preferred_backup_window=args.get("backup_window"),
            preferred_maintenance_window=args.get("maintenance_window"),
            enabled_cloudwatch_logs_exports=logs,
            **self._common(),
            **monitored,
            **_content(args, restored),
            opts=pulumi.ResourceOptions.merge(
                self._guarded,
                pulumi.ResourceOptions(
                    depends_on=[*self._log_groups("cluster", logs), *before], ignore_changes=ignored
                ),
            ),
        )

    def _sources(self) -> list[str]:
        """For whom Enhanced Monitoring assumes its role: the cluster, its instances, the readers that AWS adds."""
        scaled = [f"db:{READER_NAMES}"] if "reader_scaling_max" in self._aurora else []
        return [f"cluster:{self._identifier}", f"db:{self._identifier}-*", *scaled]

    def _tell_restored(self) -> None:
        later = ["IAM logins", "insights", *(["the Data API"] if self._aurora.get("data_api", False) else [])]
        pulumi.log.warn(
            f"{self._name} is made {self._restoration.described}, with the databases and the master user that are in "
            f"it. RDS leaves {', '.join(later)} off in that step. When it is done, remove restore from the configuration "
            "and run `pulumi up` once more; nothing is replaced.",
            self,
        )

    def _instance(self, role: str, tier: int, *, after: list[pulumi.Resource]) -> aws.rds.ClusterInstance:
        # Logs, insights and monitoring are the cluster's, and an instance's own would contradict them (ModifyDBInstance:
        # "MonitoringInterval conflicts with cluster level parameter"). The provider takes an interval that is not given
        # for 0, and would set it at the next run.
        own = pulumi.ResourceOptions(depends_on=after, ignore_changes=["monitoringInterval", "monitoringRoleArn"])
        return aws.rds.ClusterInstance(
            f"{self._name}-{role}",
            identifier=f"{self._identifier}-{role}",
            cluster_identifier=self.cluster.id,
            engine=aws.rds.EngineType.AURORA_POSTGRESQL,
            instance_class=self._class,
            promotion_tier=tier,
            publicly_accessible=False,
            ca_cert_identifier=self._args.get("certificate_authority", CERTIFICATE_AUTHORITY),
            auto_minor_version_upgrade=not self._postgresql.exact,
            preferred_maintenance_window=self._args.get("maintenance_window"),
            apply_immediately=self._args.get("apply_immediately", True),
            opts=pulumi.ResourceOptions.merge(self._guarded, own),
        )

    def _scaling(self) -> None:
        maximum = self._aurora.get("reader_scaling_max")
        if maximum is not None:
            scale_readers(
                self._name,
                self.cluster.cluster_identifier,
                minimum=len(self.readers),
                maximum=maximum,
                cpu_percent=self._aurora.get("reader_scaling_cpu", 60),
                opts=pulumi.ResourceOptions(parent=self, depends_on=self._instances),
            )

    def _associate(
        self, name: str, feature: str, role_arn: pulumi.Output[str], opts: pulumi.ResourceOptions
    ) -> pulumi.Resource:
        return aws.rds.ClusterRoleAssociation(
            name, db_cluster_identifier=self.cluster.id, role_arn=role_arn, feature_name=feature, opts=opts
        )

    def _parameters(self) -> aws.rds.ClusterParameterGroup:
        return aws.rds.ClusterParameterGroup(
            f"{self._name}-parameters",
            family=self._postgresql.family(AURORA),
            description="Forced TLS, and time for the functions that SQL calls",
            parameters=[{**parameter} for parameter in self._parameter_values(private_names=False)],
            opts=self._child,
        )


def _capacity(args: AuroraDatabaseArgs) -> aws.rds.ClusterServerlessv2ScalingConfigurationArgs:
    minimum = args.get("min_capacity", 0)
    return aws.rds.ClusterServerlessv2ScalingConfigurationArgs(
        min_capacity=minimum,
        max_capacity=args.get("max_capacity", 4),
        seconds_until_auto_pause=args.get("auto_pause_seconds", 300) if minimum == 0 else None,
    )


def _content(args: AuroraDatabaseArgs, restored: restoration.Restoration) -> dict[str, Any]:
    """What a new cluster has in it. A restored one has its source's databases and master user."""
    if restored.asked:
        # RestoreDBClusterFromSnapshot and RestoreDBClusterToPointInTime have no EnableHttpEndpoint.
        return restored.of_cluster()
    return {
        "database_name": DATABASE_NAME,
        "master_username": MASTER_USERNAME,
        "enable_http_endpoint": args.get("data_api", False),
    }
