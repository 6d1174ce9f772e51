"""One page for the whole system: alarms, databases, bridge, pipeline, bastion, cost. Pure: a shape in, a body out."""

from collections.abc import Sequence
from typing import Any, cast

from components.observability import database_graphs
from components.observability.alarm import Alarm
from components.observability.alarms import alarms
from components.observability.bridge_graphs import bridge_graphs
from components.observability.consoles import links
from components.observability.costs import cost_graphs
from components.observability.embedding_alarms import TARGET
from components.observability.embedding_graphs import embedding_graphs
from components.observability.monitored import MonitoredFunctionArgs, MonitoredQueueArgs, ObservabilityArgs
from components.observability.widgets import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    Line,
    Widget,
    alarm_states,
    graph,
    lay_out,
    log_lines,
    metric,
    text,
)

LOG_GROUPS = 50
"""How many log groups one query takes (CloudWatch Logs User Guide, quotas)."""
LOG_QUERY = (
    "fields @timestamp, @logStream, @message | filter @message like /(?i)(error|fatal|panic|timed out)/ "
    "| sort @timestamp desc | limit 50"
)


def body(known: ObservabilityArgs, title: str, alarm_arns: Sequence[str] = ()) -> dict[str, Any]:
    """The dashboard's body.

    Args:
        known: what is watched, every value known.
        title: the stack, as people call it.
        alarm_arns: the alarms to show on top.

    Raises:
        ValueError: more log groups than one query takes, or endpoints without their VPC.
    """
    region = cast("str", known["region"])
    found = known_alarms(known)
    sections: list[list[Widget]] = [
        [text(f"# {title}\nMade by Pulumi: the next `pulumi up` undoes changes that are made here.", height=2)],
        alarm_states(alarm_arns),
    ]
    sections += [
        database_graphs.section(database, region, _of(found, database["name"]))
        for database in known.get("databases", [])
    ]
    sections += [_function(f, region, _of(found, f["name"])) for f in known.get("functions", [])]
    sections += [bridge_graphs(f, region) for f in known.get("functions", []) if f.get("bridge")]
    sections += [_queue(q, region, _of(found, q["name"])) for q in known.get("queues", [])]
    if embedding := known.get("embedding"):
        sections.append(embedding_graphs(embedding, region, _of(found, TARGET)))
    if known.get("has_bastion"):
        sections.append(_bastion(cast("str", known.get("bastion_id", "")), region))
    sections += [cost_graphs(known, region), _logs(cast("list[str]", known.get("log_groups", [])), region)]
    sections.append([links(known)])
    return {"start": "-PT6H", "periodOverride": "inherit", "widgets": lay_out(s for s in sections if s)}


def known_alarms(known: ObservabilityArgs) -> list[Alarm]:
    """The alarms of a shape; its identifiers may be outputs."""
    return alarms(
        known.get("databases", []),
        known.get("functions", []),
        known.get("queues", []),
        known.get("bastion_id", "") if known.get("has_bastion") else None,
        known.get("embedding"),
    )


def _of(found: Sequence[Alarm], target: str) -> dict[str, Line]:
    return {alarm.key: Line(alarm.threshold, "alarm") for alarm in found if alarm.target == target}


def _function(function: MonitoredFunctionArgs, region: str, levels: dict[str, Line]) -> list[Widget]:
    named = {"FunctionName": cast("str", function["function_name"])}
    limit = Line(function["timeout_seconds"] * 1000, "time limit", PURPLE)

    def one(name: str, **options: Any) -> list[Any]:
        return metric("AWS/Lambda", name, named, **options)

    return [
        text(f"## {function['name']}: function `{named['FunctionName']}`"),
        graph(
            "Calls, and how many failed",
            region,
            [
                one("Invocations", label="calls", color=BLUE),
                one("Errors", label="errors", color=RED),
                one("Throttles", label="refused", color=ORANGE),
            ],
            unit="calls a minute",
            stat="Sum",
        ),
        graph(
            "How long a call takes",
            region,
            [
                one("Duration", stat="p50", label="half of them", color=GREEN),
                one("Duration", stat="p95", label="p95", color=ORANGE),
                one("Duration", stat="p99", label="p99", color=RED),
            ],
            unit="ms",
            lines=[*([levels["duration"]] if "duration" in levels else []), limit],
        ),
        graph(
            "At the same time",
            region,
            [one("ConcurrentExecutions", label="running", color=BLUE)],
            unit="calls",
            stat="Maximum",
        ),
    ]


def _queue(queue: MonitoredQueueArgs, region: str, levels: dict[str, Line]) -> list[Widget]:
    dead = {"QueueName": cast("str", queue["dead_letter_name"])}
    visible = "ApproximateNumberOfMessagesVisible"
    lost = metric("AWS/SQS", visible, dead, stat="Maximum", label="dead letters", color=RED)
    if "queue_name" not in queue:
        return [
            text(f"## {queue['name']}: dead letters `{dead['QueueName']}`"),
            graph("Failed for good", region, [lost], unit="messages"),
        ]
    named = {"QueueName": cast("str", queue["queue_name"])}

    def one(name: str, **options: Any) -> list[Any]:
        return metric("AWS/SQS", name, named, **options)

    return [
        text(f"## {queue['name']}: queue `{named['QueueName']}`"),
        graph(
            "Waiting and at work",
            region,
            [
                one(visible, label="waiting", color=BLUE),
                one("ApproximateNumberOfMessagesNotVisible", label="at work", color=GREEN),
            ],
            unit="messages",
            stat="Maximum",
        ),
        graph(
            "How long the oldest waits",
            region,
            [one("ApproximateAgeOfOldestMessage", label="oldest", color=ORANGE)],
            unit="s",
            stat="Maximum",
            lines=[levels["age"]],
        ),
        graph(
            "In, done, and failed for good",
            region,
            [
                one("NumberOfMessagesSent", stat="Sum", label="in", color=BLUE),
                one("NumberOfMessagesDeleted", stat="Sum", label="done", color=GREEN),
                lost,
            ],
            unit="messages",
        ),
    ]


def _bastion(instance_id: str, region: str) -> list[Widget]:
    named = {"InstanceId": instance_id}
    return [
        text(f"## bastion: instance `{instance_id}`"),
        graph(
            "Failed status checks",
            region,
            [metric("AWS/EC2", "StatusCheckFailed", named, label="failed", color=RED)],
            unit="checks",
            stat="Maximum",
        ),
        graph(
            "Traffic of the tunnels",
            region,
            [
                metric("AWS/EC2", "NetworkIn", named, label="in", color=BLUE),
                metric("AWS/EC2", "NetworkOut", named, label="out", color=GREEN),
            ],
            unit="bytes in five minutes",
            stat="Sum",
            # EC2 measures every five minutes without detailed monitoring (EC2 User Guide, CloudWatch metrics).
            period=300,
        ),
        graph(
            "CPU",
            region,
            [metric("AWS/EC2", "CPUUtilization", named, label="used", color=ORANGE)],
            unit="%",
            period=300,
        ),
    ]


def _logs(groups: list[str], region: str) -> list[Widget]:
    if len(groups) > LOG_GROUPS:
        raise ValueError(f"log_groups has {len(groups)} names; one query takes {LOG_GROUPS}. Leave some out.")
    if not groups:
        return []
    return [text("## log: what went wrong"), log_lines("Errors, newest first", region, groups, LOG_QUERY)]
