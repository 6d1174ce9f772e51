"""Widgets of a CloudWatch dashboard, and their places. Structure: CloudWatch API Reference, dashboard body structure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLUMNS = 24
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#7f7f7f"


@dataclass(frozen=True)
class Widget:
    """A widget without its place: `width` of 24 columns, `height` in rows."""

    type: str
    width: int
    height: int
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """A level across a graph, such as an alarm's threshold."""

    value: float
    label: str
    color: str = RED


def metric(namespace: str, name: str, dimensions: Mapping[str, str], **options: Any) -> list[Any]:
    """One metric of a graph: [namespace, name, dimension, value, …, options]; options are stat, label, color, id, …"""
    named = [part for item in dimensions.items() for part in item]
    return [namespace, name, *named, options] if options else [namespace, name, *named]


def math(expression: str, **options: Any) -> list[Any]:
    """A line that is computed from metrics of the same graph, by their ids."""
    return [{"expression": expression, **options}]


def graph(
    title: str,
    region: str,
    metrics: Sequence[list[Any]],
    *,
    unit: str,
    width: int = 8,
    lines: Sequence[Line] = (),
    **properties: Any,
) -> Widget:
    """Metrics over time.

    Args:
        title: above the graph.
        region: where the metrics are.
        metrics: of `metric` and `math`.
        unit: of the left axis, as people read it. The axis starts at zero.
        width: columns.
        lines: levels across it.
        properties: what replaces the defaults: stat Average, period 60, view timeSeries, not stacked.
    """
    annotations = [{"label": line.label, "value": line.value, "color": line.color} for line in lines]
    return Widget(
        "metric",
        width,
        6,
        {
            "title": title,
            "region": region,
            "view": "timeSeries",
            "stacked": False,
            "stat": "Average",
            "period": 60,
            "metrics": list(metrics),
            "yAxis": {"left": {"min": 0, "label": unit, "showUnits": False}},
            **({"annotations": {"horizontal": annotations}} if annotations else {}),
            **properties,
        },
    )


def number(title: str, region: str, metrics: Sequence[list[Any]], *, width: int = 8) -> Widget:
    """One number for the whole time that the dashboard shows: the period is the range."""
    return Widget(
        "metric",
        width,
        6,
        {
            "title": title,
            "region": region,
            "view": "singleValue",
            "stat": "Average",
            "period": 3600,
            "setPeriodToTimeRange": True,
            "metrics": list(metrics),
        },
    )


def text(markdown: str, *, height: int = 1, width: int = COLUMNS) -> Widget:
    """Words and links, without a frame."""
    return Widget("text", width, height, {"markdown": markdown, "background": "transparent"})


def log_lines(title: str, region: str, groups: Sequence[str], query: str) -> Widget:
    """The newest lines that a query of CloudWatch Logs Insights finds in `groups`."""
    sources = " | ".join([*(f"SOURCE '{group}'" for group in groups), query])
    return Widget("log", COLUMNS, 6, {"title": title, "region": region, "view": "table", "query": sources})


def alarm_states(arns: Sequence[str]) -> list[Widget]:
    """The state of every alarm; one widget takes a hundred."""
    return [
        Widget("alarm", COLUMNS, 1 + -(-len(part) // 4), {"title": "Alarms", "alarms": part})
        for part in (list(arns[at : at + 100]) for at in range(0, len(arns), 100))
    ]


def lay_out(sections: Iterable[Sequence[Widget]]) -> list[dict[str, Any]]:
    """Places for the widgets: from left to right, a new row where one does not fit or a section begins."""
    placed: list[dict[str, Any]] = []
    top = 0
    for section in sections:
        left = height = 0
        for widget in section:
            if left + widget.width > COLUMNS:
                top, left, height = top + height, 0, 0
            placed.append(
                {
                    "type": widget.type,
                    "x": left,
                    "y": top,
                    "width": widget.width,
                    "height": widget.height,
                    "properties": dict(widget.properties),
                }
            )
            left, height = left + widget.width, max(height, widget.height)
        top += height
    return placed
