"""The result at a glance: what happens in a minute at the same quota, and a bar for each demand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vectordb.bench import shown
from vectordb.bench.embedding import quota
from vectordb.bench.embedding.race import OURS as OUR_PLACE
from vectordb.bench.embedding.race import THEIRS as THEIR_PLACE
from vectordb.bench.picture import INK, MISSED, OURS, SAMPLE, available
from vectordb.bench.result import Result, Row

_NAMES = ("the sample's shape", "vectordb")
_SHARES = (("alone", "all of it"), ("halved", "halved\nwithout notice"))
_WRITES = (("write-scheduled", "scheduled"), ("write-event", "event"), ("write-queue", "queue"))
_COSTS = (
    ("poison", "One text of 96 is refused:\nrequests more than without it"),
    ("edit-sent", "One paragraph of 50 is edited:\ncharacters sent to the model"),
    ("irrelevant-cpu", "100,000 rows updated, not what is\nembedded of them: processor time,\nof that on a bare table"),
)
_DEMANDED_BY = {"edit-sent": "edit"}
"""A row that shows more than the one that is demanded."""


def draw(result: Result, file: Path) -> None:
    """Write a PNG file.

    Raises:
        VectordbError: matplotlib is not installed.
    """
    figure_canvas, figure_class = available()
    rows = {row.key: row for row in result.rows}
    figure = figure_class(figsize=(13, 9.5), layout="constrained")
    figure_canvas(figure)
    figure.suptitle(
        "Rows that change, and their embeddings: each side with the same model and the same quota",
        fontsize=15,
        color=INK,
    )
    grid = figure.add_gridspec(2, 12, height_ratios=[1.15, 1])
    _course(figure.add_subplot(grid[0, :8]), result, rows)
    _rates(figure.add_subplot(grid[0, 8:]), rows["packed"])
    _shares(figure.add_subplot(grid[1, :4]), rows)
    _writes(figure.add_subplot(grid[1, 4:8]), rows)
    costs = grid[1, 8:].subgridspec(len(_COSTS), 1)
    for place, (key, what) in enumerate(_COSTS):
        _cost(figure.add_subplot(costs[place]), rows[key], rows[_DEMANDED_BY.get(key, key)], what)
    handles = [figure_class().add_subplot().barh([0], [1], color=colour) for colour in (SAMPLE, OURS)]
    figure.legend(handles, _NAMES, loc="outside lower center", ncols=2, frameon=False, fontsize=12)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120, metadata={"Software": "vectordb bench"})


def _course(axes: Any, result: Result, rows: dict[str, Row]) -> None:
    """Rows embedded while time goes on, with the sample's losses."""
    points = result.courses["alone"]
    seconds = [point[0] for point in points]
    ours, theirs = ([point[side] for point in points] for side in (OUR_PLACE, THEIR_PLACE))
    total, rate = max(ours), quota.PER_MINUTE / 60
    axes.plot([0, total / rate], [0, total], color=INK, linewidth=1, linestyle=(0, (4, 4)))
    axes.plot(seconds, theirs, color=SAMPLE, linewidth=4)
    axes.plot(seconds, ours, color=OURS, linewidth=4)
    axes.annotate(
        "the quota",
        (0.55 * total / rate, 0.55 * total),
        xytext=(-12, 10),
        textcoords="offset points",
        ha="right",
        color=INK,
        fontsize=11,
    )
    lost = rows["lost"]
    missing, letters = (
        shown.number(each.sample.median, "rows") if each.sample else "" for each in (lost, rows["letters"])
    )
    axes.annotate(
        f"{missing} rows never get their embedding,\n{letters} messages end in the dead letters",
        (seconds[-1], theirs[-1]),
        xytext=(0.97, 0.3),
        textcoords="axes fraction",
        ha="right",
        va="center",
        color=MISSED,
        fontsize=12,
        fontweight="bold",
        arrowprops={"arrowstyle": "->", "color": MISSED, "linewidth": 1.5},
    )
    axes.set_ylim(0, total * 1.08)
    axes.set_xlim(0, seconds[-1] * 1.02)
    axes.set_xlabel("seconds", color=INK)
    text = f"{total:,.0f} rows written at once, a model of one text a request: rows embedded"
    _title(axes, text, lost, demanded=f"none of ours may be lost: {shown.number(lost.ours.median, 'rows')}")
    _plain(axes)


def _rates(axes: Any, row: Row) -> None:
    """Rows a second of a model that takes many texts."""
    _columns(axes, _NAMES, [row.sample.median if row.sample else 0, row.ours.median], (SAMPLE, OURS), "rows/s")
    _title(axes, f"A model of 96 texts a request:\nrows a second, {shown.factor(row)}", row)


def _shares(axes: Any, rows: dict[str, Row]) -> None:
    """How much of the quota becomes embeddings."""
    for place, (key, _) in enumerate(_SHARES):
        row = rows[key]
        values = [row.sample.median if row.sample else 0, row.ours.median]
        for shift, value, colour in zip((-0.2, 0.2), values, (SAMPLE, OURS), strict=True):
            _column(axes, place + shift, value, colour, "%", 0.38)
        _line(axes, place - 0.45, place + 0.45, row)
    axes.set_xticks(range(len(_SHARES)), [name for _, name in _SHARES])
    axes.set_ylim(0, 115)
    _title(axes, "How much of the quota\nbecomes embeddings", *(rows[key] for key, _ in _SHARES))
    _plain(axes, grid=False)


def _writes(axes: Any, rows: dict[str, Row]) -> None:
    """What is left of the throughput of writers."""
    found = [rows[key] for key, _ in _WRITES]
    sample = found[0].sample
    names = ["the sample's\nshape", *(name for _, name in _WRITES)]
    _columns(
        axes,
        names,
        [sample.median if sample else 0, *(row.ours.median for row in found)],
        (SAMPLE, OURS, OURS, OURS),
        "%",
    )
    _line(axes, 0.5, len(_WRITES) + 0.5, found[0])
    _title(axes, "Single-row inserts, 32 clients,\nof a table without triggers, by delivery", *found)


def _cost(axes: Any, row: Row, demanded: Row, what: str) -> None:
    """Two bars, the shorter the better."""
    values = [row.sample.median if row.sample else 0, row.ours.median]
    bars = axes.barh([0, 1], values, 0.75, color=(SAMPLE, OURS))
    axes.bar_label(
        bars,
        [shown.spread(each, row.unit).partition(" (")[0] for each in (row.sample, row.ours)],
        padding=4,
        fontsize=10,
        color=INK,
    )
    axes.set_xlim(0, max(values) * 1.55)
    axes.set_ylim(1.6, -0.6)
    axes.set_xticks([])
    axes.set_yticks([])
    _title(axes, what, demanded, size=10.5)
    for side in axes.spines.values():
        side.set_visible(False)


def _columns(axes: Any, names: Sequence[str], values: Sequence[float], colours: Sequence[str], unit: Any) -> None:
    for place, (value, colour) in enumerate(zip(values, colours, strict=True)):
        _column(axes, place, value, colour, unit, 0.65)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylim(0, max(values) * 1.15)
    _plain(axes, grid=False)


def _column(axes: Any, place: float, value: float, colour: str, unit: Any, width: float) -> None:
    """A bar; a share has its number inside, where no line is drawn through it."""
    bars = axes.bar([place], [value], width, color=colour)
    said = shown.number(value, unit)
    if unit == "%":
        axes.bar_label(bars, [f"{said} %"], label_type="center", fontsize=11, color="white" if colour == OURS else INK)
    else:
        axes.bar_label(bars, [said], padding=3, fontsize=12, color=INK)


def _line(axes: Any, begin: float, end: float, row: Row) -> None:
    """What is demanded."""
    axes.hlines(getattr(row.demanded, "least", 0), begin, end, color=INK, linewidth=1.2, linestyle=(0, (3, 3)))


def _title(axes: Any, text: str, *rows: Row, demanded: str = "", size: float = 12) -> None:
    """With what is demanded, and whether it is met."""
    met = all(row.met for row in rows)
    demanded = demanded or ", ".join(dict.fromkeys(str(row.demanded) for row in rows))
    axes.set_title(f"{text}\n{'✓' if met else '✗'} {demanded}", loc="left", fontsize=size, color=INK if met else MISSED)


def _plain(axes: Any, *, grid: bool = True) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, labelsize=11)
    if grid:
        axes.grid(color="#d0d7de", linewidth=0.6)
        axes.set_axisbelow(True)
    else:
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
