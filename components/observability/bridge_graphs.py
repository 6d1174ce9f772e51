"""The bridge's own metrics: what it asks of Amazon S3 Vectors, which has none of its own in CloudWatch."""

from typing import Any, cast

from components.observability.monitored import MonitoredFunctionArgs
from components.observability.widgets import BLUE, GREEN, ORANGE, PURPLE, RED, Widget, graph, math, metric

NAMESPACE = "VectorDB/Bridge"
"""Written with the function's log (lambda/bridge/metrics.py), with the dimension FunctionName alone."""


def bridge_graphs(function: MonitoredFunctionArgs, region: str) -> list[Widget]:
    """Calls of S3 Vectors and Bedrock by cause, and how much of a call is theirs."""
    named = {"FunctionName": cast("str", function["function_name"])}

    def one(name: str, **options: Any) -> list[Any]:
        return metric(NAMESPACE, name, named, **options)

    return [
        graph(
            f"{function['name']}: calls of S3 Vectors and Bedrock",
            region,
            [
                one("ServiceCalls", label="calls", color=BLUE),
                one("Pages", label="further pages", color=GREEN),
                one("Retries", label="made again", color=ORANGE),
            ],
            unit="calls a minute",
            stat="Sum",
        ),
        graph(
            f"{function['name']}: how long they take",
            region,
            [
                one("ServiceMilliseconds", stat="p50", label="half of them", color=GREEN),
                one("ServiceMilliseconds", stat="p95", label="p95", color=ORANGE),
                one("ServiceMilliseconds", stat="p99", label="p99", color=RED),
            ],
            unit="ms of an invocation",
        ),
        graph(
            f"{function['name']}: refused, and answered from the cache",
            region,
            [
                math("100*FILL(errors,0)/calls", id="refused", label="refused", color=RED),
                math("100*FILL(hits,0)/calls", id="cached", label="from the cache", color=PURPLE),
                one("Errors", id="errors", visible=False),
                one("CacheHits", id="hits", visible=False),
                one("Calls", id="calls", visible=False),
            ],
            unit="% of the invocations",
            stat="Sum",
        ),
    ]
