"""Graphs of the embeddings: the same numbers as `vectordb embed status`, over time."""

from collections.abc import Mapping
from typing import Any, cast

from components.observability.embedding_alarms import NAMESPACE
from components.observability.monitored import MonitoredEmbeddingArgs
from components.observability.widgets import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    Line,
    Widget,
    graph,
    math,
    metric,
    text,
)


def embedding_graphs(watched: MonitoredEmbeddingArgs, region: str, levels: Mapping[str, Line]) -> list[Widget]:
    """Two rows: how fresh, how fast, what is wrong."""
    name = cast("str", watched["function_name"])
    named = {"FunctionName": name}

    def all_of(metric_name: str, statistic: str = "Maximum") -> list[list[Any]]:
        """A line for each vectorizer, whichever there are (CloudWatch User Guide, search expressions)."""
        found = f'{{{NAMESPACE},FunctionName,Vectorizer}} FunctionName="{name}" MetricName="{metric_name}"'
        return [math(f"SEARCH('{found}', '{statistic}')", id="each", label="${PROP('Dim.Vectorizer')}")]

    def one(metric_name: str, label: str, color: str) -> list[Any]:
        return metric(NAMESPACE, metric_name, named, label=label, color=color, stat="Maximum")

    return [
        text("## embeddings: how fresh, how fast, what is wrong"),
        graph("Waiting", region, all_of("Pending"), unit="rows"),
        graph(
            "How long the oldest waits",
            region,
            [one("OldestAgeSeconds", "oldest", ORANGE)],
            unit="s",
            lines=[levels["oldest"]],
        ),
        graph("Covered", region, all_of("Coverage", "Minimum"), unit="% of the rows"),
        graph(
            "Embedded",
            region,
            [one("RowsPerSecond", "rows", GREEN), one("TokensPerSecond", "tokens", BLUE)],
            unit="a second",
        ),
        graph(
            "Refused by the model",
            region,
            [one("Throttles", "throttled", ORANGE), one("Errors", "failed", RED)],
            unit="calls in the last minute or two",
        ),
        graph(
            "Given up, standing still, out of step",
            region,
            [
                one("Dead", "dead rows", RED),
                one("CircuitOpen", "open circuits", PURPLE),
                one("Problems", "sources not watched as declared", BLUE),
                one("Missing", "missing, as last reconciled", GREY),
                one("Stale", "stale", ORANGE),
                one("Orphan", "orphans", GREY),
                one("HiddenGarbage", "hidden vectors to delete", GREEN),
            ],
            unit="number",
        ),
    ]
