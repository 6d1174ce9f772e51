"""Lambda functions, queues, topics and events: paid by use."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from vectordb.cost import embedding
from vectordb.cost.resource import Resource
from vectordb.cost.sheet import Sheet

DEFAULT_MEMORY_MB = 128
INCLUDED_DISK_MB = 512
MILLION = Decimal(1_000_000)
BRIDGE_METRICS = 7
"""That the bridge writes with its log (lambda/bridge/metrics.py)."""
_OF_THE_BRIDGE = "VECTORDB_INDEX_ARNS"
"""The variable by which the bridge is known."""


def function(resource: Resource, sheet: Sheet) -> None:
    """Calls and the memory that they hold while they last. The account's free tier is not taken off."""
    architectures = sheet.entries(resource, "architectures", 1)
    kind = "arm64" if architectures == ["arm64"] else "x86_64"
    memory = sheet.number(resource, "memorySize", DEFAULT_MEMORY_MB)
    calls = sheet.usage.exact("queries")
    seconds = calls * sheet.usage.exact("function_seconds")
    variables = dict(_inner(resource, "environment").get("variables") or {})
    if embedding.is_worker(resource):
        calls, seconds = embedding.worker(resource, sheet, variables)
    sheet.used(resource, f"Lambda requests, {kind}", calls / MILLION, f"lambda.{kind}.requests")
    sheet.used(resource, f"Lambda duration, {kind}", seconds * memory / 1024, f"lambda.{kind}")
    if _inner(resource, "tracingConfig").get("mode") == "Active":
        # X-Ray takes one call a second, and every twentieth beyond: fewer than all of them.
        sheet.used(resource, "X-Ray traces, at most", calls / MILLION, "xray.traces")
    if _OF_THE_BRIDGE in variables:
        # A metric is paid by the hours in which it is written (Amazon CloudWatch pricing).
        share = sheet.usage.exact("active_hours") / sheet.prices.hours
        sheet.used(resource, "the bridge's own metrics", BRIDGE_METRICS * share, "cloudwatch.metric")
    if sheet.number(resource, "size", INCLUDED_DISK_MB, within="ephemeralStorage") > INCLUDED_DISK_MB:
        sheet.no_price(resource, "ephemeral storage of more than 512 MB")


def _inner(resource: Resource, key: str) -> Mapping[str, Any]:
    """An object among the inputs; nothing when it is missing or unknown."""
    value = resource.inputs.get(key)
    return value if isinstance(value, Mapping) else {}


def queue(resource: Resource, sheet: Sheet) -> None:
    """Requests, the ones of a poller too."""
    kind = "fifo" if sheet.flag(resource, "fifoQueue", default=False) else "standard"
    sheet.rate(resource, f"SQS requests, {kind} queue", f"sqs.{kind}")


def topic(resource: Resource, sheet: Sheet) -> None:
    """Publications, and messages by e-mail."""
    sheet.rate(resource, "SNS publications", "sns.publish")
    sheet.rate(resource, "SNS messages by e-mail", "sns.email")


def rule(resource: Resource, sheet: Sheet) -> None:
    """Events of AWS's own services are free, and so are scheduled ones."""
    if "scheduleExpression" not in resource.inputs:
        sheet.rate(resource, "EventBridge, events of your own", "eventbridge.custom")


def schedule(resource: Resource, sheet: Sheet) -> None:
    """The account's first 14 million invocations a month are free."""
    sheet.rate(resource, "EventBridge Scheduler, over 14 million", "eventbridge.schedule")
    embedding.awake(resource, sheet)


def parameter(resource: Resource, sheet: Sheet) -> None:
    """Standard parameters are free."""
    tier = sheet.text(resource, "tier", "Standard")
    if tier != "Standard":
        sheet.no_price(resource, f"parameters of tier {tier}")
