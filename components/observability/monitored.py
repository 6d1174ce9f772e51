"""What a stack has to watch: the arguments that decide which alarms, graphs and event subscriptions there are."""

from typing import NotRequired, TypedDict

import pulumi


class MonitoredDatabaseArgs(TypedDict):
    """One Aurora cluster or one RDS instance."""

    name: str
    """What people call it; also part of the alarms' names, so it is used once."""
    kind: str
    """aurora or rds."""
    identifier: pulumi.Input[str]
    """The cluster's identifier (aurora) or the instance's (rds)."""
    serverless: NotRequired[bool]
    """Aurora Serverless v2: capacity follows the load. Default false."""
    min_capacity: NotRequired[float]
    """ACU of a serverless cluster. Default 0."""
    max_capacity: NotRequired[float]
    """ACU of a serverless cluster, of each of its instances. Default 4."""
    auto_pause: NotRequired[bool]
    """An idle cluster pauses, reports next to nothing then, and starts again with a cold cache. Default false."""
    readers: NotRequired[int]
    """Readers of a cluster beside its writer, without those that scaling adds. Default 0."""
    instance_class: NotRequired[str]
    """The class, unless serverless: it decides the thresholds of memory, load and connections."""
    allocated_storage: NotRequired[int]
    """GiB of an RDS instance."""
    max_allocated_storage: NotRequired[int]
    """GiB up to which AWS grows the storage of an RDS instance. Default: it does not."""
    max_connections: NotRequired[int]
    """The parameter of that name, if it was set. Default: what AWS derives from the memory."""
    insights: NotRequired[bool]
    """Database Insights is on, so that there is a DBLoad. Default true."""
    instance_identifiers: NotRequired[list[pulumi.Input[str]]]
    """A cluster's instances, for their own events. Default: the cluster's events only."""
    acu_hour_usd: NotRequired[float]
    """What an ACU-hour costs. Default 0.12, the list price of us-east-1 for the storage type aurora."""


class MonitoredFunctionArgs(TypedDict):
    """One Lambda function."""

    name: str
    """What people call it; also part of the alarms' names, so it is used once."""
    function_name: pulumi.Input[str]
    """The function's name, without its alias."""
    timeout_seconds: int
    """Its time limit."""
    bridge: NotRequired[bool]
    """It writes the bridge's own metrics, of which the dashboard has graphs then. Default false."""
    uses_its_time: NotRequired[bool]
    """It works for as long as it may, so that a long call means nothing. Default false."""


class MonitoredQueueArgs(TypedDict):
    """One SQS queue with its dead-letter queue, or a dead-letter queue alone."""

    name: str
    """What people call it; also part of the alarms' names, so it is used once."""
    queue_name: NotRequired[pulumi.Input[str]]
    """The queue's name. Default: there are dead letters only, of calls and schedules."""
    dead_letter_name: pulumi.Input[str]
    """The name of the queue that takes what failed."""
    oldest_seconds: NotRequired[int]
    """How long the oldest message may wait. Default 900."""


class MonitoredEmbeddingArgs(TypedDict):
    """The embeddings, as the worker's own metrics tell of them."""

    function_name: pulumi.Input[str]
    """The worker's name. Known only when its sweeps are scheduled, or the alarm on them comes before the first one."""
    sweep_minutes: int
    """How often it looks for work by itself; 0: never."""
    oldest_seconds: int
    """How long a changed row may wait for its embedding."""


class MonitoredEndpointArgs(TypedDict):
    """One interface endpoint."""

    service: str
    """The service's name as in the endpoint's, such as ssmmessages."""
    endpoint_id: pulumi.Input[str]
    """The endpoint's id."""


class ObservabilityArgs(TypedDict):
    """What is watched, and who hears of it."""

    key_arn: pulumi.Input[str]
    """The customer key of the topic; its policy contains `publisher_statements`."""
    account: pulumi.Input[str]
    """The account."""
    region: pulumi.Input[str]
    """The region."""
    partition: pulumi.Input[str]
    """aws, aws-cn or aws-us-gov."""
    databases: NotRequired[list[MonitoredDatabaseArgs]]
    """The databases."""
    functions: NotRequired[list[MonitoredFunctionArgs]]
    """The functions."""
    queues: NotRequired[list[MonitoredQueueArgs]]
    """The queues of the embedding pipeline."""
    embedding: NotRequired[MonitoredEmbeddingArgs]
    """The embeddings. Default: there are none."""
    has_bastion: NotRequired[bool]
    """There is a bastion; `bastion_id` says which. Default false."""
    bastion_id: NotRequired[pulumi.Input[str]]
    """The bastion's instance id."""
    vpc_id: NotRequired[pulumi.Input[str]]
    """The VPC of the endpoints."""
    endpoints: NotRequired[list[MonitoredEndpointArgs]]
    """Interface endpoints whose traffic the dashboard shows; they need `vpc_id`."""
    log_groups: NotRequired[list[pulumi.Input[str]]]
    """Names of up to 50 log groups whose errors the dashboard lists. Default: none is queried."""
    email: NotRequired[str]
    """Who is written to; the address has to confirm AWS's first message. Default: nobody."""
    budget: NotRequired[float]
    """USD a month of everything with this stack's tags. Default: no budget is made."""
    tags: NotRequired[dict[str, str]]
    """Tags of every resource."""
