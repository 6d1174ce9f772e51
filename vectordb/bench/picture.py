"""A result as bars beside each other, on a logarithmic scale: the shorter, the better."""

import textwrap
from pathlib import Path
from typing import Any

from vectordb.bench import shown
from vectordb.bench.result import Result, Row, Unit
from vectordb.errors import VectordbError

SAMPLE, OURS, INK, MISSED = "#b0b7c3", "#1f6feb", "#24292f", "#cf222e"
"""Colours: of the two sides, of letters, of what is not met."""
_HEIGHT = 0.38
"""Of a bar, of the 1 between two rows."""
_INCHES_A_ROW = 0.66
_LABEL = 36
"""Characters of a line of a label."""
_PANELS: tuple[tuple[Unit, str], ...] = (("ms", "milliseconds"), ("bytes", "bytes"))


def available() -> tuple[Any, Any]:
    """matplotlib's canvas and figure: to be asked for before two minutes of measurements.

    Raises:
        VectordbError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise VectordbError(
            "The picture is drawn by matplotlib, which is not installed.",
            remedy="Install it: pip install 'vectordb[bench]'; in the project's folder `make install` does.",
        ) from None
    return FigureCanvasAgg, Figure


def draw(result: Result, file: Path, title: str) -> None:
    """Write a PNG file: two bars for each demand, values on the bars, the ratio and what is demanded of it at the right.

    Raises:
        VectordbError: matplotlib is not installed.
    """
    figure_canvas, figure_class = available()
    panels = [(unit, name, _rows(result, unit)) for unit, name in _PANELS]
    panels = [panel for panel in panels if panel[2]]
    counts = [len(rows) for _, _, rows in panels]
    figure = figure_class(figsize=(11, 1.6 + _INCHES_A_ROW * sum(counts) + 0.5 * len(panels)), layout="constrained")
    figure_canvas(figure)
    figure.suptitle(f"{title}: medians, the shorter the better", fontsize=14, color=INK)
    all_axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=[count + 0.6 for count in counts])
    for axes, (unit, name, rows) in zip(all_axes[:, 0], panels, strict=True):
        _panel(axes, rows, unit, name)
    handles, labels = all_axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=11)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=130, metadata={"Software": "vectordb bench"})


def _rows(result: Result, unit: Unit) -> list[Row]:
    return [row for row in result.rows if row.unit == unit and row.sample and row.demanded]


def _panel(axes: Any, rows: list[Row], unit: Unit, name: str) -> None:
    places = range(len(rows))
    sides = (
        ("the sample's shape", SAMPLE, -_HEIGHT / 2, [row.sample for row in rows]),
        ("vectordb", OURS, _HEIGHT / 2, [row.ours for row in rows]),
    )
    for label, colour, shift, spreads in sides:
        values = [spread.median if spread else 0.0 for spread in spreads]
        bars = axes.barh([place + shift for place in places], values, _HEIGHT, color=colour, label=label)
        axes.bar_label(bars, [shown.number(value, unit) for value in values], padding=4, fontsize=10, color=INK)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    axes.xaxis.set_minor_formatter("")
    largest = max(row.sample.median for row in rows if row.sample)
    smallest = min(min(row.ours.median, row.sample.median) for row in rows if row.sample)
    # A bar on a logarithmic scale begins somewhere: below the shortest, and with room for the number behind the longest.
    axes.set_xlim(smallest / 3, largest * 6)
    for place, row in zip(places, rows, strict=True):
        mark = f"   {'✓' if row.met else '✗'} {row.demanded}"
        axes.text(
            1.02, place, f"{shown.factor(row)}{mark}", transform=axes.get_yaxis_transform(), ha="left", va="center",
            fontsize=10.5, color=MISSED if row.met is False else INK, fontweight="bold",
        )  # fmt: skip
    axes.set_yticks(list(places), [textwrap.fill(row.what, _LABEL) for row in rows], fontsize=10.5, color=INK)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(name, fontsize=10, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", which="major", color="#d0d7de", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
