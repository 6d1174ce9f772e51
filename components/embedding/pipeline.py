"""The worker that keeps embeddings fresh, in the VPC, with what wakes it.

Creates: aws:ec2/securityGroup:SecurityGroup with a rule to the database and to each endpoint, aws:cloudwatch/logGroup:LogGroup,
aws:iam/role:Role with its policy, aws:lambda/function:Function, aws:lambda/alias:Alias,
aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig, aws:sqs/queue:Queue of dead letters with its policy; with `queue`
the queue of tickets with its policies, and aws:lambda/eventSourceMapping:EventSourceMapping.

Tickets and bells carry no data: they say that there may be work, which stands in the database. So one that comes twice does no
harm, and one that is lost is covered by the next sweep (components/embedding/schedule.py).
"""

import json
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import bridge_permissions as shared
from components import iam
from components.component import Component
from components.embedding import batch, permissions
from components.embedding.queues import queues
from components.lambda_package import RUNTIME, build
from components.naming import bounded, plain
from components.network.flows import HTTPS, POSTGRESQL, allow

ALIAS = "live"
TIMEOUT_SECONDS = 120
"""The worker begins no call of a model in the last 22 s, and gives back what it holds then (lambda/embedder/handler.py)."""
MEMORY_MB = 1024
MAX_CONCURRENCY = 8
BATCH_SIZE = 1
"""One ticket is one worker's: tickets that came together would be one worker's as well."""
OLDEST_EVENT_SECONDS = 3600
"""A bell that waited longer, for a throttled function, is of no use: a sweep has come meanwhile."""


class ModelServerArgs(TypedDict):
    """A server of models inside the VPC."""

    origin: str
    """Scheme, host and port: https://models.internal:8443."""
    port: int
    """Its port, which the worker's security group opens towards `security_group_id`."""
    security_group_id: str
    """The security group in front of it; a rule that lets the worker in is added."""
    token_arn: NotRequired[pulumi.Input[str]]
    """Secret of AWS Secrets Manager with the token that is sent. Default: none is."""
    token_key_arn: NotRequired[pulumi.Input[str]]
    """The customer key of that secret. Default: it is under AWS's own."""
    ca_certificate: NotRequired[str]
    """PEM of the authority that its certificate is checked against. Default: the public ones."""


class BatchInferenceArgs(TypedDict):
    """What the worker makes batch inference jobs with: outputs of `EmbeddingBatch`."""

    bucket_arn: pulumi.Input[str]
    """The bucket of the jobs' files."""
    bucket_name: pulumi.Input[str]
    """Its name."""
    role_arn: pulumi.Input[str]
    """The role that Bedrock assumes for a job."""
    s3_prefix_list_id: pulumi.Input[str]
    """S3's prefix list, towards which the worker's security group opens: `Network.s3_prefix_list_id`."""


class EmbeddingPipelineArgs(TypedDict):
    vpc_id: pulumi.Input[str]
    """The VPC."""
    subnet_ids: pulumi.Input[list[str]]
    """Its isolated subnets."""
    key_arn: pulumi.Input[str]
    """The customer key of the queues, the log and the function's environment."""
    account: pulumi.Input[str]
    """The account."""
    region: pulumi.Input[str]
    """The region."""
    partition: pulumi.Input[str]
    """aws, aws-cn or aws-us-gov."""
    host: pulumi.Input[str]
    """The database's endpoint: the name in its certificate."""
    port: pulumi.Input[int]
    """Its port."""
    database_name: pulumi.Input[str]
    """The database."""
    resource_id: pulumi.Input[str]
    """The cluster's or instance's resource id, on which the worker may log in as `vectordb_embedder`."""
    database_security_group_id: pulumi.Input[str]
    """The database's security group."""
    endpoint_security_group_ids: dict[str, pulumi.Input[str]]
    """Service → security group of its interface endpoint: with `models` `bedrock-runtime`, with `queue` `sqs`, with `index_arns`
    `s3vectors`, with tokens `secretsmanager`, with `batch` `bedrock`. Those that share a group are named once: a rule can be added to it once."""
    models: list[str]
    """Embedding models of Bedrock that the worker may ask, by id."""
    servers: NotRequired[list[ModelServerArgs]]
    """Other servers of models that it may ask. Default none."""
    index_arns: NotRequired[dict[str, pulumi.Input[str]]]
    """Name → ARN of an index of S3 Vectors that is a destination. Default none."""
    batch: NotRequired[BatchInferenceArgs]
    """The worker may make batch inference jobs. Default: it may not."""
    queue: NotRequired[bool]
    """Make a queue of tickets. Default true."""
    max_concurrency: NotRequired[int]
    """How many workers the queue has at most, 2 to 1000. Default 8."""
    memory_mb: NotRequired[int]
    """256 to 10240; a processor's share grows with it. Default 1024."""
    tracing: NotRequired[bool]
    """Send traces to AWS X-Ray. Default true."""
    log_retention_days: NotRequired[int]
    """How long the function's log is kept, in days. Default 30."""
    tags: NotRequired[dict[str, str]]
    """Tags of every resource."""


class EmbeddingPipeline(Component):
    """A worker that logs in by IAM, asks its models, takes its tickets, and may nothing else."""

    function_arn: pulumi.Output[str]
    """The alias's ARN, qualified: what SQL and the schedule invoke."""
    function_name: pulumi.Output[str]
    """The function's name, as in its metrics."""
    role_arn: pulumi.Output[str]
    """The function's role."""
    security_group_id: pulumi.Output[str]
    """The worker's security group; nothing is let in."""
    queue_arn: pulumi.Output[str]
    """The queue of tickets; empty without one."""
    queue_url: pulumi.Output[str]
    """Its URL; empty without one."""
    queue_name: pulumi.Output[str]
    """Its name, as in its metrics; empty without one."""
    dead_letter_queue_arn: pulumi.Output[str]
    """Where what failed lies: tickets, bells and sweeps."""
    dead_letter_queue_url: pulumi.Output[str]
    """Its URL."""
    dead_letter_queue_name: pulumi.Output[str]
    """Its name, as in its metrics."""

    def __init__(self, name: str, args: EmbeddingPipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the component.

        Raises:
            ValueError: it may ask no model, or the way to one of its services is not given.
        """
        super().__init__("EmbeddingPipeline", name, args, opts)
        self._servers = list(args.get("servers") or [])
        if not args["models"] and not self._servers:
            raise ValueError(
                f"{name}: models is empty. Give the id of each model that the worker may ask, or a server."
            )
        self._args = args
        self._secret_arns = [server["token_arn"] for server in self._servers if "token_arn" in server]
        self._index_arns = dict(args.get("index_arns") or {})
        self._model_arns = shared.model_arns(args["models"], args["partition"], args["region"])
        made = queues(name, args["key_arn"], TIMEOUT_SECONDS, self._child, tickets=args.get("queue", True))
        self._dead, self._tickets = made.dead, made.tickets
        nothing = pulumi.Output.from_input("")
        self.queue_arn = self._tickets.arn if self._tickets else nothing
        self.queue_url = self._tickets.url if self._tickets else nothing
        self.queue_name = self._tickets.name if self._tickets else nothing
        self.dead_letter_queue_arn, self.dead_letter_queue_url = self._dead.arn, self._dead.url
        self.dead_letter_queue_name = self._dead.name
        function_name = plain(f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}", 64)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{function_name}",
            retention_in_days=args.get("log_retention_days", 30),
            kms_key_id=args["key_arn"],
            opts=self._child,
        )
        role, policy = self._role(function_name, logs)
        group, ways = self._place(policy)
        function = aws.lambda_.Function(
            f"{name}-function",
            name=function_name,
            description="Embeds what changed in the database",
            runtime=RUNTIME,
            architectures=["arm64"],
            handler="embedder.handler.handle",
            code=pulumi.FileArchive(build("embedder")),
            role=role.arn,
            timeout=TIMEOUT_SECONDS,
            memory_size=args.get("memory_mb", MEMORY_MB),
            publish=True,
            kms_key_arn=args["key_arn"],
            environment=aws.lambda_.FunctionEnvironmentArgs(variables=self._variables()),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="JSON", log_group=logs.name),
            # Said in either case: the provider keeps a mode that is not mentioned any more.
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(
                mode="Active" if args.get("tracing", True) else "PassThrough"
            ),
            vpc_config=aws.lambda_.FunctionVpcConfigArgs(subnet_ids=args["subnet_ids"], security_group_ids=[group.id]),
            # The policy: a function that starts without it fails its first calls.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, *ways]),
        )
        alias = aws.lambda_.Alias(
            f"{name}-{ALIAS}",
            name=ALIAS,
            description="What SQL, tickets and sweeps invoke",
            function_name=function.name,
            function_version=function.version,
            opts=self._child,
        )
        self._wake(function, alias, policy)
        self.function_arn, self.function_name = alias.arn, function.name
        self.role_arn, self.security_group_id = role.arn, group.id
        outputs = (
            "function_arn function_name role_arn security_group_id queue_arn queue_url queue_name dead_letter_queue_arn "
            "dead_letter_queue_url dead_letter_queue_name"
        )
        self.register_outputs({output: getattr(self, output) for output in outputs.split()})

    def endpoint_statements(self) -> dict[str, list[dict[str, Any]]]:
        """Service → what its endpoint has to let through for the worker: `Network.endpoint_policy`."""
        return permissions.endpoint_statements(
            self.role_arn,
            model_arns=self._model_arns,
            queue_arn=self.queue_arn if self._tickets else None,
            index_arns=self._index_arns,
            secret_arns=self._secret_arns,
            jobs=self._jobs() if "batch" in self._args else None,
            files_bucket_arn=self._args["batch"]["bucket_arn"] if "batch" in self._args else None,
        )

    def _jobs(self) -> pulumi.Output[str]:
        return batch.job_arns(self._args["partition"], self._args["region"], self._args["account"])

    def _wake(self, function: aws.lambda_.Function, alias: aws.lambda_.Alias, policy: pulumi.Resource) -> None:
        """What calls the function, and where a call that failed for good lies. Lambda checks the role when they are made."""
        after = pulumi.ResourceOptions(parent=self, depends_on=[policy])
        aws.lambda_.FunctionEventInvokeConfig(
            f"{self._name}-bells",
            function_name=function.name,
            qualifier=alias.name,
            maximum_event_age_in_seconds=OLDEST_EVENT_SECONDS,
            maximum_retry_attempts=2,
            destination_config=aws.lambda_.FunctionEventInvokeConfigDestinationConfigArgs(
                on_failure=aws.lambda_.FunctionEventInvokeConfigDestinationConfigOnFailureArgs(
                    destination=self._dead.arn
                )
            ),
            opts=after,
        )
        if self._tickets:
            aws.lambda_.EventSourceMapping(
                f"{self._name}-tickets",
                event_source_arn=self._tickets.arn,
                function_name=alias.arn,
                batch_size=BATCH_SIZE,
                function_response_types=["ReportBatchItemFailures"],
                # Not reserved concurrency: that takes from the account's, of which a new one has ten.
                scaling_config=aws.lambda_.EventSourceMappingScalingConfigArgs(
                    maximum_concurrency=self._args.get("max_concurrency", MAX_CONCURRENCY)
                ),
                opts=after,
            )

    def _role(self, function_name: str, logs: aws.cloudwatch.LogGroup) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        args = self._args
        where = {"account": args["account"], "region": args["region"], "partition": args["partition"]}
        own_arn = pulumi.Output.format(
            "arn:{0}:lambda:{1}:{2}:function:{3}", args["partition"], args["region"], args["account"], function_name
        )
        role = aws.iam.Role(
            f"{self._name}-role",
            description="Embeds what changed in the database",
            assume_role_policy=iam.trust(
                "lambda.amazonaws.com",
                account=args["account"],
                source_arn=[own_arn, pulumi.Output.format("{0}:*", own_arn)],
            ),
            opts=self._child,
        )
        tickets = [self._tickets.arn] if self._tickets else []
        statements = [
            permissions.login_statement(args["resource_id"], **where),
            *([shared.model_statement(self._model_arns)] if self._model_arns else []),
            *(permissions.taking_statement(arn) for arn in tickets),
            permissions.sending_statement([*tickets, self._dead.arn]),
            permissions.queue_key_statement(args["key_arn"], args["region"]),
            iam.allow(["logs:CreateLogStream", "logs:PutLogEvents"], pulumi.Output.format("{0}:*", logs.arn)),
            *([shared.tracing_statement()] if args.get("tracing", True) else []),
            *shared.interface_statements(own_arn),
        ]
        if self._index_arns:
            statements += [
                permissions.vector_statement(permissions.in_order(self._index_arns)),
                shared.key_statement(args["key_arn"], args["region"]),
            ]
        if self._secret_arns:
            statements.append(permissions.token_statement(self._secret_arns))
        if keys := [server["token_key_arn"] for server in self._servers if "token_key_arn" in server]:
            statements.append(permissions.token_key_statement(keys, args["region"]))
        if jobs := args.get("batch"):
            statements += batch.worker_statements(
                jobs["bucket_arn"],
                jobs["role_arn"],
                args["key_arn"],
                args["region"],
                jobs=self._jobs(),
                model_arns=self._model_arns,
            )
        policy = aws.iam.RolePolicy(
            f"{self._name}-work", role=role.name, policy=iam.document(*statements), opts=self._child
        )
        return role, policy

    def _variables(self) -> dict[str, pulumi.Input[str]]:
        args = self._args
        variables: dict[str, pulumi.Input[str]] = {
            "VECTORDB_HOST": args["host"],
            "VECTORDB_PORT": pulumi.Output.from_input(args["port"]).apply(lambda port: str(int(port))),
            "VECTORDB_DATABASE": args["database_name"],
            "VECTORDB_USER": permissions.LOGIN,
            "VECTORDB_MODELS": json.dumps(sorted(args["models"]), separators=(",", ":")),
            "VECTORDB_EMBED_INDEX_ARNS": permissions.in_order(self._index_arns).apply(
                lambda arns: json.dumps(arns, separators=(",", ":"))
            ),
        }
        if self._tickets:
            variables["VECTORDB_EMBED_QUEUE_URL"] = self._tickets.url
        if jobs := args.get("batch"):
            told = {"bucket": jobs["bucket_name"], "roleArn": jobs["role_arn"], "keyArn": args["key_arn"]}
            variables["VECTORDB_EMBED_BATCH"] = pulumi.Output.json_dumps(
                {**told, "account": args["account"], "hours": batch.HOURS}, separators=(",", ":")
            )
        if self._servers:
            variables["VECTORDB_EMBED_ENDPOINTS"] = pulumi.Output.json_dumps(
                [
                    {
                        "origin": server["origin"],
                        **({"secret": server["token_arn"]} if "token_arn" in server else {}),
                        **({"ca": server["ca_certificate"]} if "ca_certificate" in server else {}),
                    }
                    for server in self._servers
                ],
                separators=(",", ":"),
            )
        return variables

    def _place(self, policy: pulumi.Resource) -> tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]:
        """The worker's group, and the rules that let it out; nothing is let in."""
        args, name = self._args, self._name
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            vpc_id=args["vpc_id"],
            description="Embedding worker: no ingress; egress to the database and the endpoints",
            # Lambda deletes its network interfaces with the function's role (Lambda Developer Guide, VPC), minutes after the function
            # is gone. The group waits for them when it is deleted, and the policy goes after the group.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        rules = allow(f"{name}-to-database", group.id, args["database_security_group_id"], POSTGRESQL, self._child)
        for service, endpoint_group in sorted(args["endpoint_security_group_ids"].items()):
            rules += allow(f"{name}-to-{service}", group.id, endpoint_group, HTTPS, self._child)
        if jobs := args.get("batch"):
            rules.append(
                aws.vpc.SecurityGroupEgressRule(
                    f"{name}-to-s3",
                    security_group_id=group.id,
                    prefix_list_id=jobs["s3_prefix_list_id"],
                    ip_protocol="tcp",
                    from_port=HTTPS,
                    to_port=HTTPS,
                    description="Files of batch inference jobs, through the S3 gateway endpoint",
                    opts=self._child,
                )
            )
        # Two servers behind one group and port share its rules: a second one of the same would be refused. So the rules are named by
        # that door, where its group is known: else they would be made anew before the old ones go when the first server is taken out.
        doors = {(server["security_group_id"], server["port"]): server for server in reversed(self._servers)}
        for (server_group, port), server in doors.items():
            door = (
                f"{server_group}-{port}" if isinstance(server_group, str) else server["origin"].removeprefix("https://")
            )
            rules += allow(f"{name}-to-server-{bounded(door, 100)}", group.id, server_group, port, self._child)
        return group, rules
