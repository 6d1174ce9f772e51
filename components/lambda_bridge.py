"""The function between SQL and S3 Vectors.

Creates: aws:cloudwatch/logGroup:LogGroup, aws:iam/role:Role with its policy, aws:lambda/function:Function,
aws:lambda/alias:Alias.

It runs outside the VPC: it never talks to the database, which calls it through the `lambda` endpoint and waits for the
answer. So it needs no interface, no `s3vectors` endpoint and no NAT (docs/decisions/003-bridge-outside-the-vpc.md).
"""

import json
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import iam
from components.component import Component
from components.lambda_package import build
from components.naming import plain
from components.vector_store import read_statements

ALIAS = "live"
TIMEOUT_SECONDS = 20
"""Below `aws_lambda.request_timeout_ms` (components/database/parameters.py), above what the function's own client waits."""
MEMORY_MB = 512


class LambdaBridgeArgs(TypedDict):
    index_arns: pulumi.Input[dict[str, str]]
    """Index name → ARN: all that the function may read."""
    key_arn: pulumi.Input[str]
    """The customer key of the indexes, the log and the function's environment."""
    account: pulumi.Input[str]
    """The account, for the role's trust."""
    region: pulumi.Input[str]
    """The region."""
    partition: pulumi.Input[str]
    """aws, aws-cn or aws-us-gov."""
    log_retention_days: NotRequired[int]
    """How long the function's log is kept, in days. Default 30."""
    tags: NotRequired[dict[str, str]]
    """Tags of every resource."""


class LambdaBridge(Component):
    """A published function that reads the store's indexes and nothing else."""

    function_arn: pulumi.Output[str]
    """The alias's ARN, qualified: what SQL invokes, and all that the database's role may invoke."""
    role_arn: pulumi.Output[str]
    """The function's role."""
    function_name: pulumi.Output[str]
    """The function's name, as in its metrics."""

    def __init__(self, name: str, args: LambdaBridgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("LambdaBridge", name, args, opts)
        index_arns = pulumi.Output.from_input(args["index_arns"]).apply(lambda known: sorted(known.values()))
        function_name = plain(f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}", 64)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{function_name}",
            retention_in_days=args.get("log_retention_days", 30),
            kms_key_id=args["key_arn"],
            opts=self._child,
        )
        function_pattern = pulumi.Output.format(
            "arn:{0}:lambda:{1}:{2}:function:{3}", args["partition"], args["region"], args["account"], function_name
        )
        role = aws.iam.Role(
            f"{name}-role",
            description="Reads the vector indexes",
            # Of the function, and of its versions: the guide shows the first, and a published version is what runs.
            assume_role_policy=iam.trust(
                "lambda.amazonaws.com",
                account=args["account"],
                source_arn=[function_pattern, pulumi.Output.format("{0}:*", function_pattern)],
            ),
            opts=self._child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-read",
            role=role.name,
            policy=iam.document(
                *read_statements(index_arns, args["key_arn"]),
                iam.allow(["logs:CreateLogStream", "logs:PutLogEvents"], pulumi.Output.format("{0}:*", logs.arn)),
            ),
            opts=self._child,
        )
        function = aws.lambda_.Function(
            f"{name}-function",
            name=function_name,
            description="Answers s3vl.* from Amazon S3 Vectors",
            runtime="python3.13",
            architectures=["arm64"],
            handler="handler.handle",
            code=pulumi.FileArchive(build("bridge")),
            role=role.arn,
            timeout=TIMEOUT_SECONDS,
            memory_size=MEMORY_MB,
            publish=True,
            kms_key_arn=args["key_arn"],
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables={"VECTORDB_INDEX_ARNS": index_arns.apply(_compact)}
            ),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="JSON", log_group=logs.name),
            # The policy: a function that starts without it fails its first calls.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
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


def _compact(arns: list[str]) -> str:
    # Lambda's environment is limited to 4 KB in all.
    return json.dumps(arns, separators=(",", ":"))
