"""What a PostgreSQL database on Aurora and one on RDS share: its arguments, its outputs, its neighbours.

Creates: aws:ec2/securityGroup:SecurityGroup, aws:rds/subnetGroup:SubnetGroup, an aws:cloudwatch/logGroup:LogGroup for
each exported log; with `monitoring_seconds` the role of Enhanced Monitoring; with `clients` the rules that let them in.
"""

from typing import Any, NotRequired, TypedDict, cast

import pulumi
import pulumi_aws as aws

from components.component import Component
from components.database import monitoring, parameters
from components.database.engine_versions import Version
from components.database.feature_roles import FeatureRoles
from components.database.restoration import Restoration
from components.naming import hyphenated
from components.network.flows import HTTPS, POSTGRESQL, allow

DATABASE_NAME = "vectordb"
MASTER_USERNAME = "vectordb_admin"
CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"
NO_EXTENDED_SUPPORT = "open-source-rds-extended-support-disabled"
"""Extended Support costs about 0.10 USD per vCPU and hour, and enrols by itself (RDS API, EngineLifecycleSupport)."""


class DatabaseArgs(TypedDict):
    """What both kinds of database are made from."""

    vpc_id: pulumi.Input[str]
    """The VPC."""
    subnet_ids: pulumi.Input[list[str]]
    """Subnets in at least two zones."""
    key_arn: pulumi.Input[str]
    """The customer key of storage, backups, the master secret, logs and insights. Another key is another database."""
    account: pulumi.Input[str]
    """The account, for the trust of the roles that the database assumes."""
    partition: pulumi.Input[str]
    """aws, aws-cn or aws-us-gov."""
    region: pulumi.Input[str]
    """The region."""
    version: str
    """PostgreSQL's version: 16, 17 or 18, whose minor AWS chooses and keeps current; or an exact one such as 18.6."""
    tags: NotRequired[dict[str, str]]
    """Tags for everything that can carry them, beside Name, Project and Stack."""
    protect: NotRequired[bool]
    """Refuse deletion. Default false."""
    final_snapshot: NotRequired[bool]
    """When it is deleted all the same, leave a snapshot and the automated backups. Default: as `protect`."""
    generation: NotRequired[int]
    """Part of the identifiers, the log groups' names and the final snapshot's name. Another one makes another database:
    what cannot be changed in place, and a restore into an existing stack, need it. Default 1."""
    parameters: NotRequired[dict[str, str]]
    """Parameters beside the program's own."""
    preload_libraries: NotRequired[list[str]]
    """Libraries to preload beside AWS's default, such as pgaudit."""
    cron: NotRequired[bool]
    """Preload pg_cron, for jobs in this database. Default false."""
    insights: NotRequired[str]
    """Database Insights: standard (7 days, free), advanced (15 months), off. Default standard."""
    monitoring_seconds: NotRequired[int]
    """Enhanced Monitoring's interval: 0 (off), 1, 5, 10, 15, 30 or 60. Default 0."""
    backup_days: NotRequired[int]
    """How many days can be restored to any moment, 1 to 35. Default 7."""
    backup_window: NotRequired[str]
    """When backups are taken, UTC, such as 03:00-04:00. Default: AWS's choice."""
    maintenance_window: NotRequired[str]
    """When AWS may restart, UTC, such as sun:04:30-sun:05:30. Default: AWS's choice."""
    log_retention_days: NotRequired[int]
    """How long exported logs are kept. Default 30."""
    certificate_authority: NotRequired[str]
    """Who signs the server's certificate. Default rds-ca-rsa2048-g1."""
    restore_snapshot: NotRequired[str]
    """A snapshot's identifier or ARN, from which the database is made."""
    restore_source: NotRequired[str]
    """Another cluster's or instance's identifier, from whose backups the database is made."""
    restore_time: NotRequired[str]
    """The moment of `restore_source`, UTC as in 2026-01-31T12:00:00Z. Default: the latest."""
    apply_immediately: NotRequired[bool]
    """Apply changes now, not in the maintenance window. Default true."""
    allow_major_upgrade: NotRequired[bool]
    """Let another major `version` upgrade the database in place. Default false."""
    endpoint_security_group_id: NotRequired[pulumi.Input[str]]
    """The security group of the `lambda` interface endpoint. Without it no function can be invoked."""
    functions: NotRequired[dict[str, pulumi.Input[str]]]
    """Name → qualified ARN of a function that SQL may invoke; the same as `allow_invoke` for each."""
    clients: NotRequired[dict[str, pulumi.Input[str]]]
    """Name → security group that may connect."""
    ipv6: NotRequired[bool]
    """Have IPv6 addresses too; the subnets need them. Default false."""


class Database(Component):
    """What programs use of a database, whichever engine it has."""

    endpoint: pulumi.Output[str]
    """The writer's host name; certificates and IAM tokens are made out to it."""
    reader_endpoint: pulumi.Output[str]
    """The host name that spreads connections over the readers; empty on RDS."""
    port: pulumi.Output[int]
    """The TCP port."""
    database_name: pulumi.Output[str]
    """The database that the SQL is applied to."""
    identifier: pulumi.Output[str]
    """The cluster's or instance's identifier: the dimension of its metrics."""
    resource_id: pulumi.Output[str]
    """The cluster's or instance's resource id, as in the ARNs of `rds-db:connect`."""
    arn: pulumi.Output[str]
    """The cluster's or instance's ARN."""
    secret_arn: pulumi.Output[str]
    """The master's secret: JSON with username and password, rotated by AWS every seven days."""
    security_group_id: pulumi.Output[str]
    """The database's security group; it has no rule but those that are asked for by name."""
    invoker_role_arn: pulumi.Output[str]
    """The role with which SQL invokes functions; empty until one is allowed."""

    def __init__(self, token: str, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None) -> None:
        """Register the component and what surrounds the database.

        Raises:
            ValueError: the arguments contradict one another.
        """
        # An option that is None is one that is left out.
        args = cast("DatabaseArgs", {key: value for key, value in args.items() if value is not None})
        super().__init__(token, name, args, opts)
        self._args = args
        self._kept = args.get("protect", False)
        self._guarded = pulumi.ResourceOptions(parent=self, protect=self._kept)
        self._postgresql = Version(args["version"])
        self._restoration = Restoration(
            args.get("restore_snapshot", ""), args.get("restore_source", ""), args.get("restore_time", "")
        )
        self._identifier = identifier(name, args.get("generation", 1))
        # Attributes of this language only: an annotated class attribute would be an output of the component's schema.
        self.ready: list[pulumi.Resource] = []
        """What SQL depends on: the instance that it runs on, and what it was allowed."""
        self._instances: list[pulumi.Resource] = []
        self._features: FeatureRoles | None = None
        self._reached: dict[str, list[pulumi.Resource]] = {}
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            vpc_id=args["vpc_id"],
            description="PostgreSQL: only the flows that are named",
            opts=self._child,
        )
        self.security_group_id = group.id
        self.subnets = aws.rds.SubnetGroup(
            f"{name}-subnets", subnet_ids=args["subnet_ids"], description="Isolated subnets", opts=self._child
        )
        for client, client_group in args.get("clients", {}).items():
            allow(f"{client}-to-{name}", client_group, group.id, POSTGRESQL, self._child)

    def allow_invoke(self, function_arn: pulumi.Input[str], name: str = "invoke") -> list[pulumi.Resource]:
        """Let SQL invoke a function through `aws_lambda`, over the `lambda` endpoint.

        A database takes one role for the feature `Lambda`: each function is one more policy of it. The endpoint's own
        policy is its owner's business, and has to admit `invoker_role_arn`.

        Args:
            function_arn: the function's alias, qualified; no other version can be invoked.
            name: tells the functions of one database apart.

        Returns:
            What SQL that invokes the function depends on.

        Raises:
            ValueError: the name is taken, or the database cannot reach the endpoint.
        """
        if "endpoint_security_group_id" not in self._args:
            raise ValueError(f"{self._name}: allow_invoke needs endpoint_security_group_id in the database's args")
        made = self._feature_roles().permit("Lambda", "invoke", name, "lambda:InvokeFunction", function_arn)
        self.invoker_role_arn = made.role_arn
        return self._permitted([*made.needed, *self._reach("endpoints", self._args["endpoint_security_group_id"])])

    def _associate(
        self, name: str, feature: str, role_arn: pulumi.Output[str], opts: pulumi.ResourceOptions
    ) -> pulumi.Resource:
        """Attach a role to the database for one of its features."""
        raise NotImplementedError

    def _feature_roles(self) -> FeatureRoles:
        if self._features is None:
            self._features = FeatureRoles(
                self._name,
                self,
                account=self._args["account"],
                source_arn=self.arn,
                # RDS refuses to change a database's roles while an instance of it is being made.
                after=self._instances,
                associate=self._associate,
            )
        return self._features

    def _permitted(self, needed: list[pulumi.Resource]) -> list[pulumi.Resource]:
        # A new list: the old one may be somebody's `depends_on` already.
        self.ready = [*self.ready, *(resource for resource in needed if resource not in self.ready)]
        return needed

    def _reach(self, what: str, group: pulumi.Input[str]) -> list[pulumi.Resource]:
        """Let HTTPS pass to an endpoint's group, once."""
        if what not in self._reached:
            self._reached[what] = allow(f"{self._name}-to-{what}", self.security_group_id, group, HTTPS, self._child)
        return self._reached[what]

    def _log_groups(self, kind: str, logs: list[str]) -> list[pulumi.Resource]:
        return monitoring.log_groups(
            self._name,
            f"/aws/rds/{kind}/{self._identifier}",
            logs,
            key_arn=self._args["key_arn"],
            retention_days=self._args.get("log_retention_days", 30),
            opts=self._child,
        )

    def _monitoring(self, *names: str) -> tuple[dict[str, Any], list[pulumi.Resource]]:
        """The arguments for Enhanced Monitoring, and what they depend on; `names` as in `db:vectordb-dev-rds-1`."""
        seconds, args = self._args.get("monitoring_seconds", 0), self._args
        if not seconds:
            return {"monitoring_interval": 0}, []
        where = pulumi.Output.format("arn:{0}:rds:{1}:{2}", args["partition"], args["region"], args["account"])
        role_arn, policy = monitoring.monitoring_role(
            self._name,
            where.apply(lambda known: [f"{known}:{name}" for name in names]),
            account=args["account"],
            partition=args["partition"],
            region=args["region"],
            opts=self._child,
        )
        return {"monitoring_interval": seconds, "monitoring_role_arn": role_arn}, [policy]

    def _common(self) -> dict[str, Any]:
        """The arguments that a cluster and an instance have alike."""
        leaves = self._args.get("final_snapshot", self._kept)
        args, exact = self._args, self._postgresql.exact
        return {
            "engine_version": self._postgresql.text,
            "auto_minor_version_upgrade": not exact,
            "allow_major_version_upgrade": args.get("allow_major_upgrade", False),
            "engine_lifecycle_support": NO_EXTENDED_SUPPORT,
            "apply_immediately": args.get("apply_immediately", True),
            "manage_master_user_password": True,
            "master_user_secret_kms_key_id": args["key_arn"],
            "storage_encrypted": True,
            "kms_key_id": args["key_arn"],
            "iam_database_authentication_enabled": True,
            "db_subnet_group_name": self.subnets.name,
            "vpc_security_group_ids": [self.security_group_id],
            "network_type": "DUAL" if args.get("ipv6", False) else "IPV4",
            "backup_retention_period": args.get("backup_days", 7),
            "copy_tags_to_snapshot": True,
            "delete_automated_backups": not leaves,
            "deletion_protection": self._kept,
            "skip_final_snapshot": not leaves,
            "final_snapshot_identifier": f"{self._identifier}-final" if leaves else None,
            **monitoring.insights(args.get("insights", "standard"), args["key_arn"]),
        }

    def _ignored(self) -> list[str]:
        """Whether AWS's own minor upgrades are left alone; a wanted major upgrade is not."""
        aws_chooses = not self._postgresql.exact and not self._args.get("allow_major_upgrade", False)
        return ["engineVersion"] if aws_chooses else []

    def _warn(self, engine: str) -> None:
        if doubt := self._postgresql.doubt(engine):
            pulumi.log.warn(doubt, self)

    def _parameter_values(self, *, private_names: bool) -> list[parameters.Parameter]:
        return parameters.group(
            self._args.get("parameters", {}),
            self._args.get("preload_libraries", []),
            database_name=DATABASE_NAME,
            cron=self._args.get("cron", False),
            private_names=private_names,
        )

    def _allow_functions(self) -> None:
        self.invoker_role_arn = pulumi.Output.from_input("")
        for name, arn in self._args.get("functions", {}).items():
            self.allow_invoke(arn, name)

    def _outputs(self) -> dict[str, Any]:
        return {
            "endpoint": self.endpoint,
            "reader_endpoint": self.reader_endpoint,
            "port": self.port,
            "database_name": self.database_name,
            "identifier": self.identifier,
            "resource_id": self.resource_id,
            "arn": self.arn,
            "secret_arn": self.secret_arn,
            "security_group_id": self.security_group_id,
            "invoker_role_arn": self.invoker_role_arn,
        }


_READER_SUFFIX = len("-reader-15")


def identifier(name: str, generation: int) -> str:
    """A cluster's or instance's identifier, made of project, stack, component and generation.

    Lower-case letters, digits and single hyphens, a letter first (RDS API, CreateDBCluster, DBClusterIdentifier); short
    enough that a reader's, which begins with it, has at most the 63 characters that an identifier may have.
    """
    name = f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}"
    if not name[0].isalpha():
        name = f"db-{name}"
    suffix = f"-{generation}"
    return hyphenated(name, 63 - _READER_SUFFIX - len(suffix)) + suffix
