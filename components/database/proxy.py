"""RDS Proxy: pooled connections, TLS and IAM logins from end to end.

Creates: aws:ec2/securityGroup:SecurityGroup and the rules to the database, aws:iam/role:Role with its policy,
aws:cloudwatch/logGroup:LogGroup, aws:rds/proxy:Proxy, aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup,
aws:rds/proxyTarget:ProxyTarget.
"""

from collections.abc import Sequence
from typing import NotRequired, TypedDict, cast

import pulumi
import pulumi_aws as aws

from components import iam
from components.component import Component
from components.database.database import identifier
from components.network.flows import POSTGRESQL, allow

KINDS = ("aurora", "rds")


class DatabaseProxyArgs(TypedDict):
    """What a proxy is made from. It has to be made after the database's writer: name that in `depends_on`."""

    vpc_id: pulumi.Input[str]
    """The VPC."""
    subnet_ids: pulumi.Input[list[str]]
    """Subnets in at least two zones."""
    key_arn: pulumi.Input[str]
    """The customer key of the proxy's log."""
    account: pulumi.Input[str]
    """The account."""
    partition: pulumi.Input[str]
    """aws, aws-cn or aws-us-gov."""
    region: pulumi.Input[str]
    """The region."""
    kind: str
    """aurora or rds."""
    identifier: pulumi.Input[str]
    """The cluster's or instance's identifier."""
    resource_id: pulumi.Input[str]
    """The cluster's or instance's resource id."""
    security_group_id: pulumi.Input[str]
    """The database's security group."""
    users: list[str]
    """The database users that log in through the proxy, by IAM."""
    clients: NotRequired[dict[str, pulumi.Input[str]]]
    """Name → security group that may connect to the proxy."""
    generation: NotRequired[int]
    """Part of the proxy's name. Default 1."""
    log_retention_days: NotRequired[int]
    """How long the log is kept. Default 30."""
    idle_client_seconds: NotRequired[int]
    """After how long an idle client is disconnected, 1 to 28800. Default 1800."""
    max_connections_percent: NotRequired[int]
    """The part of the database's `max_connections` that the proxy may use, 1 to 100. Default 90."""
    tags: NotRequired[dict[str, str]]
    """Tags for everything that can carry them, beside Name, Project and Stack."""


class DatabaseProxy(Component):
    """A proxy in front of the writer. Clients sign their token for its endpoint and its resource id."""

    endpoint: pulumi.Output[str]
    """The proxy's host name."""
    resource_id: pulumi.Output[str]
    """The proxy's resource id, `prx-…`, as in the ARNs of its clients' `rds-db:connect`."""
    arn: pulumi.Output[str]
    """The proxy's ARN."""
    security_group_id: pulumi.Output[str]
    """The proxy's security group."""

    def __init__(self, name: str, args: DatabaseProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("DatabaseProxy", name, args, opts)
        if args["kind"] not in KINDS:
            raise ValueError(f"{name}: kind is {args['kind']!r}. Allowed: {', '.join(KINDS)}")
        if not args["users"]:
            raise ValueError(f"{name}: users is empty. Name the database users that log in through the proxy.")
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            vpc_id=args["vpc_id"],
            description="RDS Proxy: only the flows that are named",
            opts=self._child,
        )
        self.security_group_id = group.id
        flow = allow(f"{name}-to-database", group.id, args["security_group_id"], POSTGRESQL, self._child)
        for client, client_group in args.get("clients", {}).items():
            allow(f"{client}-to-{name}", client_group, group.id, POSTGRESQL, self._child)
        self.proxy = self._proxy(args, group)
        self.target = self._target(args, [*flow, *_dependencies(opts)])
        self.endpoint = self.proxy.endpoint
        self.arn = self.proxy.arn
        # arn:aws:rds:us-east-1:123456789012:db-proxy:prx-0123456789abcdef0
        self.resource_id = self.proxy.arn.apply(lambda arn: arn.rpartition(":")[2])
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "resource_id": self.resource_id,
                "arn": self.arn,
                "security_group_id": self.security_group_id,
            }
        )

    def _proxy(self, args: DatabaseProxyArgs, group: aws.ec2.SecurityGroup) -> aws.rds.Proxy:
        proxy_name = identifier(self._name, args.get("generation", 1))
        role, policy = self._role(args)
        logs = aws.cloudwatch.LogGroup(
            f"{self._name}-logs",
            name=f"/aws/rds/proxy/{proxy_name}",
            retention_in_days=args.get("log_retention_days", 30),
            kms_key_id=args["key_arn"],
            opts=self._child,
        )
        return aws.rds.Proxy(
            f"{self._name}-proxy",
            name=proxy_name,
            engine_family="POSTGRESQL",
            # IAM on both sides, so that no secret exists: a user that holds rds_iam cannot log in by password.
            default_auth_scheme="IAM_AUTH",
            require_tls=True,
            debug_logging=False,
            idle_client_timeout=args.get("idle_client_seconds", 1800),
            role_arn=role.arn,
            vpc_subnet_ids=args["subnet_ids"],
            vpc_security_group_ids=[group.id],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[policy, logs],
                # Its subnets cannot change, and a database that gains a zone is no reason for another proxy.
                ignore_changes=["vpcSubnetIds"],
                # Another generation makes another proxy. RDS could rename this one, but it leads to one database only, and
                # would refuse the new one while the old one is registered (RDS User Guide, RDS Proxy limitations).
                replace_on_changes=["name"],
            ),
        )

    def _role(self, args: DatabaseProxyArgs) -> tuple[aws.iam.Role, pulumi.Resource]:
        where = pulumi.Output.format("{0}:{1}", args["region"], args["account"])
        role = aws.iam.Role(
            f"{self._name}-role",
            description=f"{self._name} logs in to the database",
            assume_role_policy=iam.trust(
                "rds.amazonaws.com",
                account=args["account"],
                # A proxy's id is AWS's, and the role comes first.
                source_arn=pulumi.Output.format("arn:{0}:rds:{1}:db-proxy:*", args["partition"], where),
            ),
            opts=self._child,
        )
        database = pulumi.Output.format("arn:{0}:rds-db:{1}:dbuser:{2}", args["partition"], where, args["resource_id"])
        users = [pulumi.Output.format("{0}/{1}", database, user) for user in sorted(args["users"])]
        policy = aws.iam.RolePolicy(
            f"{self._name}-connect",
            role=role.name,
            policy=iam.document(iam.allow("rds-db:connect", users)),
            opts=self._child,
        )
        return role, policy

    def _target(self, args: DatabaseProxyArgs, after: list[pulumi.Input[pulumi.Resource]]) -> aws.rds.ProxyTarget:
        targets = aws.rds.ProxyDefaultTargetGroup(
            f"{self._name}-targets",
            db_proxy_name=self.proxy.name,
            connection_pool_config={
                "max_connections_percent": args.get("max_connections_percent", 90),
                "connection_borrow_timeout": 120,
            },
            opts=self._child,
        )
        cluster = args["kind"] == "aurora"
        return aws.rds.ProxyTarget(
            f"{self._name}-target",
            db_proxy_name=self.proxy.name,
            target_group_name=targets.name,
            db_cluster_identifier=args["identifier"] if cluster else None,
            db_instance_identifier=None if cluster else args["identifier"],
            # RDS registers no cluster that has no instance yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=after),
        )


def _dependencies(opts: pulumi.ResourceOptions | None) -> list[pulumi.Input[pulumi.Resource]]:
    """What the caller named in `depends_on`: a component's children do not inherit it."""
    given = opts.depends_on if opts else None
    if isinstance(given, Sequence):
        return list(given)
    return [cast("pulumi.Input[pulumi.Resource]", given)] if given is not None else []
