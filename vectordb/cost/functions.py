"""Lambda functions, queues, topics and events: paid by use."""

from decimal import Decimal

from vectordb.cost.resource import Resource
from vectordb.cost.sheet import Sheet

DEFAULT_MEMORY_MB = 128
INCLUDED_DISK_MB = 512
MILLION = Decimal(1_000_000)


def function(resource: Resource, sheet: Sheet) -> None:
    """Calls and the memory that they hold while they last. The account's free tier is not taken off."""
    architectures = sheet.entries(resource, "architectures", 1)
    kind = "arm64" if architectures == ["arm64"] else "x86_64"
    memory = sheet.number(resource, "memorySize", DEFAULT_MEMORY_MB)
    calls = sheet.usage.exact("queries")
    sheet.used(resource, f"Lambda requests, {kind}", calls / MILLION, f"lambda.{kind}.requests")
    held = calls * sheet.usage.exact("function_seconds") * memory / 1024
    sheet.used(resource, f"Lambda duration, {kind}", held, f"lambda.{kind}")
    if sheet.number(resource, "size", INCLUDED_DISK_MB, within="ephemeralStorage") > INCLUDED_DISK_MB:
        sheet.no_price(resource, "ephemeral storage of more than 512 MB")


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


def parameter(resource: Resource, sheet: Sheet) -> None:
    """Standard parameters are free."""
    tier = sheet.text(resource, "tier", "Standard")
    if tier != "Standard":
        sheet.no_price(resource, f"parameters of tier {tier}")
