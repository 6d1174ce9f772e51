"""The function between SQL and S3 Vectors.

Creates: aws:cloudwatch/logGroup:LogGroup, aws:iam/role:Role with its policy, aws:lambda/function:Function,
aws:lambda/alias:Alias; in a VPC its aws:ec2/securityGroup:SecurityGroup and a rule to each endpoint.

It runs outside the VPC unless it is told otherwise: it never talks to the database, which calls it through the `lambda`
endpoint and waits for the answer. So it needs no interface, no `s3vectors` endpoint and no NAT
(docs/decisions/003-bridge-outside-the-vpc.md).
"""

import json
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import bridge_permissions as permissions
from components import iam
from components.component import Component
from components.lambda_package import RUNTIME, build
from components.naming import plain
from components.network.flows import HTTPS, allow

ALIAS = "live"
TIMEOUT_SECONDS = 20
"""Below `aws_lambda.request_timeout_ms` (components/database/parameters.py), above what the function's own client waits."""
MEMORY_MB = 1024
"""By measurement: a single query takes 1 ms of a processor, a batch of 100 takes 100 ms, and of it there are 0.58 at this size.
At 512 MB a batch waits as long again, at 1,769 MB little less."""
CACHE_MEGABYTES = 16
CONCURRENCY = 32


class LambdaBridgeArgs(TypedDict):
    index_arns: pulumi.Input[dict[str, str]]
    """Index name → ARN: all that the function may read and write."""
    key_arn: pulumi.Input[str]
    """The customer key of the indexes, the log and the function's environment."""
    account: pulumi.Input[str]
    """The account, for the role's trust."""
    region: pulumi.Input[str]
    """The region."""
    partition: pulumi.Input[str]
    """aws, aws-cn or aws-us-gov."""
    models: NotRequired[list[str]]
    """Embedding models of Bedrock that the function may ask, by id, such as amazon.titan-embed-text-v2:0. Default none."""
    memory_mb: NotRequired[int]
    """128 to 10240; a processor's share grows with it. Default 1024."""
    batch_concurrency: NotRequired[int]
    """How many queries of one batch are under way at once, 1 to 64. Default 32."""
    cache_seconds: NotRequired[int]
    """How long an answer may be given again, up to 3600. Default 0: never."""
    cache_megabytes: NotRequired[int]
    """How much such answers may take of the memory. Default 16."""
    tracing: NotRequired[bool]
    """Send traces to AWS X-Ray. Default true."""
    vpc_id: NotRequired[pulumi.Input[str]]
    """Run in this VPC. Needs `subnet_ids` and `endpoint_security_group_ids`, and endpoints for `s3vectors` and, with
    `models`, `bedrock-runtime`. Default: outside of any."""
    subnet_ids: NotRequired[pulumi.Input[list[str]]]
    """The VPC's isolated subnets."""
    endpoint_security_group_ids: NotRequired[pulumi.Input[dict[str, str]]]
    """Service → security group of its interface endpoint: `s3vectors` and, with `models`, `bedrock-runtime`."""
    one_endpoint_group: NotRequired[bool]
    """Both have the same security group, to which a rule can be added once. Default false."""
    log_retention_days: NotRequired[int]
    """How long the function's log is kept, in days. Default 30."""
    tags: NotRequired[dict[str, str]]
    """Tags of every resource."""


class LambdaBridge(Component):
    """A published function that reads and writes the store's indexes, asks its models, and may nothing else."""

    function_arn: pulumi.Output[str]
    """The alias's ARN, qualified: what SQL invokes, and all that the database's role may invoke."""
    role_arn: pulumi.Output[str]
    """The function's role."""
    function_name: pulumi.Output[str]
    """The function's name, as in its metrics."""

    def __init__(self, name: str, args: LambdaBridgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("LambdaBridge", name, args, opts)
        self._args = args
        self._models = args.get("models") or []
        self._index_arns = pulumi.Output.from_input(args["index_arns"]).apply(lambda known: sorted(known.values()))
        function_name = plain(f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}", 64)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{function_name}",
            retention_in_days=args.get("log_retention_days", 30),
            kms_key_id=args["key_arn"],
            opts=self._child,
        )
        role, policy = self._role(function_name, logs)
        place, ways = self._place(policy)
        tracing = args.get("tracing", True)
        function = aws.lambda_.Function(
            f"{name}-function",
            name=function_name,
            description="Answers s3vl.* from Amazon S3 Vectors",
            runtime=RUNTIME,
            architectures=["arm64"],
            handler="handler.handle",
            code=pulumi.FileArchive(build("bridge")),
            role=role.arn,
            timeout=TIMEOUT_SECONDS,
            memory_size=args.get("memory_mb", MEMORY_MB),
            publish=True,
            kms_key_arn=args["key_arn"],
            environment=aws.lambda_.FunctionEnvironmentArgs(variables=self._variables()),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="JSON", log_group=logs.name),
            # Said in either case: the provider keeps a mode that is not mentioned any more.
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active" if tracing else "PassThrough"),
            vpc_config=place,
            # The policy: a function that starts without it fails its first calls.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, *ways]),
        )
        alias = aws.lambda_.Alias(
            f"{name}-{ALIAS}",
            name=ALIAS,
            description="What SQL invokes",
            function_name=function.name,
            function_version=function.version,
            opts=self._child,
        )
        self.function_arn = alias.arn
        self.role_arn = role.arn
        self.function_name = function.name
        self.register_outputs(
            {"function_arn": self.function_arn, "role_arn": self.role_arn, "function_name": self.function_name}
        )

    def endpoint_statements(self) -> dict[str, list[dict[str, Any]]]:
        """Service → what its endpoint has to let through for a function in the VPC: `Network.endpoint_policy`."""
        mine = {"principal": "*", "condition": {"ArnEquals": {"aws:PrincipalArn": self.role_arn}}}
        needed = {permissions.VECTORS: permissions.vector_statements(self._index_arns, **mine)}
        if self._models:
            needed[permissions.EMBEDDINGS] = [permissions.model_statement(self._model_arns(), **mine)]
        return needed

    def _role(self, function_name: str, logs: aws.cloudwatch.LogGroup) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        args = self._args
        own_arn = pulumi.Output.format(
            "arn:{0}:lambda:{1}:{2}:function:{3}", args["partition"], args["region"], args["account"], function_name
        )
        role = aws.iam.Role(
            f"{self._name}-role",
            description="Reads and writes the vector indexes",
            # Of the function, and of its versions: the guide shows the first, and a published version is what runs.
            assume_role_policy=iam.trust(
                "lambda.amazonaws.com",
                account=args["account"],
                source_arn=[own_arn, pulumi.Output.format("{0}:*", own_arn)],
            ),
            opts=self._child,
        )
        statements = [
            *permissions.vector_statements(self._index_arns),
            permissions.key_statement(args["key_arn"], args["region"]),
            iam.allow(["logs:CreateLogStream", "logs:PutLogEvents"], pulumi.Output.format("{0}:*", logs.arn)),
            *([permissions.model_statement(self._model_arns())] if self._models else []),
            *([permissions.tracing_statement()] if args.get("tracing", True) else []),
            *(permissions.interface_statements(own_arn) if "vpc_id" in args else []),
        ]
        # Called so since it could read only: another name would be another policy.
        policy = aws.iam.RolePolicy(
            f"{self._name}-read", role=role.name, policy=iam.document(*statements), opts=self._child
        )
        return role, policy

    def _variables(self) -> dict[str, pulumi.Input[str]]:
        args = self._args
        # Lambda's environment is limited to 4 KB in all: components/config/configuration.py counts.
        return {
            "VECTORDB_INDEX_ARNS": self._index_arns.apply(_compact),
            "VECTORDB_MODELS": _compact(self._models),
            "VECTORDB_BATCH_CONCURRENCY": str(int(args.get("batch_concurrency", CONCURRENCY))),
            "VECTORDB_CACHE_SECONDS": str(int(args.get("cache_seconds", 0))),
            "VECTORDB_CACHE_MEGABYTES": str(int(args.get("cache_megabytes", CACHE_MEGABYTES))),
        }

    def _model_arns(self) -> list[pulumi.Output[str]]:
        return permissions.model_arns(self._models, self._args["partition"], self._args["region"])

    def _place(self, policy: pulumi.Resource) -> tuple[aws.lambda_.FunctionVpcConfigArgs | None, list[pulumi.Resource]]:
        """Where in a VPC the function is, and the rules that let it out to the endpoints; nowhere without a VPC."""
        args, name = self._args, self._name
        if "vpc_id" not in args:
            return None, []
        if "subnet_ids" not in args or "endpoint_security_group_ids" not in args:
            raise ValueError(f"{name}: vpc_id needs subnet_ids and endpoint_security_group_ids beside it")
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            vpc_id=args["vpc_id"],
            description="Bridge: no ingress; egress to the endpoints",
            # As the embedding worker's (components/embedding/pipeline.py): the role's policy goes after the interfaces.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        groups = pulumi.Output.from_input(args["endpoint_security_group_ids"])
        services = [permissions.VECTORS, *([permissions.EMBEDDINGS] if self._models else [])]
        # A group takes the same rule once (EC2 API, InvalidPermission.Duplicate).
        reached = services[:1] if args.get("one_endpoint_group", False) else services
        rules = [
            rule
            for service in reached
            for rule in allow(f"{name}-to-{service}", group.id, groups[service], HTTPS, self._child)
        ]
        place = aws.lambda_.FunctionVpcConfigArgs(subnet_ids=args["subnet_ids"], security_group_ids=[group.id])
        return place, rules


def _compact(texts: list[str]) -> str:
    return json.dumps(texts, separators=(",", ":"))
