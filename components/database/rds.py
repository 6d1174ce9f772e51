"""PostgreSQL with pgvector on RDS.

Creates: what components/database/database.py lists, aws:rds/parameterGroup:ParameterGroup, aws:rds/instance:Instance; with
`allow_invoke` the role that the instance assumes, its policies and aws:rds/roleAssociation:RoleAssociation.
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
from components.database.engine_versions import RDS

INSTANCE_CLASS = "db.t4g.small"
LOGS = ["postgresql", "iam-db-auth-error"]
PROVISIONED = ("io1", "io2")
GENERAL_GIB = 20
PROVISIONED_GIB = 100
PROVISIONED_IOPS = 1_000
"""The least that Provisioned IOPS storage has (RDS User Guide, Provisioned IOPS SSD storage)."""
STRIPED_GIB = 400
STRIPED_GP3 = {"iops": 12_000, "storage_throughput": 500}
"""What gp3 has from 400 GiB on, at no extra price (RDS User Guide, gp3 storage)."""


class RdsDatabaseArgs(DatabaseArgs):
    """What an RDS instance is made from."""

    instance_class: NotRequired[str]
    """The instance's class. Default db.t4g.small: IAM logins need memory that a micro has not."""
    allocated_storage: NotRequired[int]
    """GiB, up to 65536. It can grow, never shrink. Default: the least, 20, or 100 with io1 and io2."""
    max_allocated_storage: NotRequired[int]
    """Let AWS grow the storage up to this many GiB. Default: it does not."""
    storage_type: NotRequired[str]
    """gp3, gp2, io1 or io2. Default gp3."""
    iops: NotRequired[int]
    """I/O operations per second of io1 and io2. Default: the least that fits the storage."""
    multi_az: NotRequired[bool]
    """Keep a standby in another zone. Default false."""


class RdsDatabase(Database):
    """An RDS instance: IAM logins, forced TLS, customer key, master password kept by Secrets Manager."""

    def __init__(self, name: str, args: RdsDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("RdsDatabase", name, args, opts)
        self._rds = cast("RdsDatabaseArgs", self._args)
        self._warn(RDS)
        self.instance = self._instance()
        self._instances = [self.instance]
        self.ready = [self.instance]
        self.endpoint = self.instance.address
        self.reader_endpoint = pulumi.Output.from_input("")
        self.port = self.instance.port
        self.database_name = pulumi.Output.from_input(DATABASE_NAME)
        self.identifier = self.instance.identifier
        self.resource_id = self.instance.resource_id
        self.arn = self.instance.arn
        self.secret_arn = self.instance.master_user_secrets.apply(lambda secrets: secrets[0].secret_arn or "")
        self._allow_functions()
        self.register_outputs(self._outputs())

    def _instance(self) -> aws.rds.Instance:
        args, restored = self._rds, self._restoration
        monitored, before = self._monitoring(f"db:{self._identifier}")
        if restored.asked:
            self._tell_restored()
        # RestoreDBInstanceFromDBSnapshot takes no key: a restored instance has its snapshot's for good.
        ignored = [*restoration.IGNORED, "dbName", "username", "kmsKeyId", *self._ignored()]
        return aws.rds.Instance(
            f"{self._name}-instance",
            identifier=self._identifier,
            engine=RDS,
            instance_class=args.get("instance_class", INSTANCE_CLASS),
            parameter_group_name=self._parameters().name,
            max_allocated_storage=args.get("max_allocated_storage"),
            multi_az=args.get("multi_az", False),
            publicly_accessible=False,
            ca_cert_identifier=args.get("certificate_authority", CERTIFICATE_AUTHORITY),
            backup_window=args.get("backup_window"),
            maintenance_window=args.get("maintenance_window"),
            enabled_cloudwatch_logs_exports=LOGS,
            **storage(args.get("storage_type", "gp3"), args.get("allocated_storage"), args.get("iops")),
            **self._common(),
            **monitored,
            **(restored.of_instance() or {"db_name": DATABASE_NAME, "username": MASTER_USERNAME}),
            opts=pulumi.ResourceOptions.merge(
                self._guarded,
                pulumi.ResourceOptions(
                    depends_on=[*self._log_groups("instance", LOGS), *before],
                    ignore_changes=ignored,
                    # Another generation makes another instance; RDS could rename this one.
                    replace_on_changes=["identifier"],
                ),
            ),
        )

    def _tell_restored(self) -> None:
        pulumi.log.warn(
            f"{self._name} is made {self._restoration.described}, with the databases, the master user and the key that "
            "are in it: copy a snapshot under the stack's key first if it has another. When it is done, remove restore "
            "from the configuration; nothing is replaced.",
            self,
        )

    def _associate(
        self, name: str, feature: str, role_arn: pulumi.Output[str], opts: pulumi.ResourceOptions
    ) -> pulumi.Resource:
        return aws.rds.RoleAssociation(
            name, db_instance_identifier=self.instance.identifier, role_arn=role_arn, feature_name=feature, opts=opts
        )

    def _parameters(self) -> aws.rds.ParameterGroup:
        # Whoever may invoke functions has to find their endpoint's private name (RDS User Guide, Invoking an AWS Lambda
        # function, step 1).
        private_names = "endpoint_security_group_id" in self._args
        return aws.rds.ParameterGroup(
            f"{self._name}-parameters",
            family=self._postgresql.family(RDS),
            description="Forced TLS, and time for the functions that SQL calls",
            parameters=[{**parameter} for parameter in self._parameter_values(private_names=private_names)],
            opts=self._child,
        )


def storage(kind: str, gib: int | None, iops: int | None) -> dict[str, Any]:
    """The storage arguments of an instance.

    Args:
        kind: gp3, gp2, io1 or io2.
        gib: how much; none for the least.
        iops: operations per second; only io1 and io2 have them for any size.

    Raises:
        ValueError: the storage is too small for the kind, or the kind takes no operations.
    """
    if kind not in PROVISIONED:
        if iops is not None:
            raise ValueError(f"iops is {iops} with storage_type {kind}. Leave it out, or take io2.")
        size = GENERAL_GIB if gib is None else gib
        # Said although it is what AWS gives: storage that grows past 400 GiB would be asked for with the operations that it
        # had below, which RDS refuses (terraform-provider-aws, issue 28382). Below, RDS refuses to be told.
        baseline = STRIPED_GP3 if kind == "gp3" and size >= STRIPED_GIB else {}
        return {"storage_type": kind, "allocated_storage": size, **baseline}
    gib = PROVISIONED_GIB if gib is None else gib
    if gib < PROVISIONED_GIB:
        raise ValueError(f"storage_type {kind} begins at {PROVISIONED_GIB} GiB; allocated_storage is {gib}.")
    # At least half an operation for each GiB (RDS API, CreateDBInstance, Iops).
    least = max(PROVISIONED_IOPS, (gib + 1) // 2)
    return {"storage_type": kind, "allocated_storage": gib, "iops": iops or least}
