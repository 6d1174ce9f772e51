"""Numbers and rows in words, the same in every form."""

from vectordb.bench.result import Result, Row, Unit
from vectordb.bench.spread import Spread

_COUNTED: frozenset[Unit] = frozenset({"bytes", "rows", "calls", "texts", "characters"})
"""Whole numbers."""
HEADINGS = ("measured", "the sample's shape", "vectordb", "ratio", "demanded", "")


def number(value: float, unit: Unit) -> str:
    """Three significant digits: 0.31 ms, 42.5 ms, 7,910 ms; what is counted as it is."""
    if unit in _COUNTED:
        return f"{value:,.0f}"
    digits = 2 if value < 10 else 1 if value < 100 else 0  # noqa: PLR2004 - the powers of ten of three digits
    return f"{value:,.{digits}f}"


def spread(value: Spread | None, unit: Unit) -> str:
    """Median with its unit, and the quartiles where there are several measurements."""
    if value is None:
        return ""
    median = number(value.median, unit)
    shown = f"{median} {unit.removesuffix('s') if median == '1' and unit in _COUNTED else unit}"
    low, high = number(value.low, unit), number(value.high, unit)
    return shown if low == high or unit == "bytes" else f"{shown} ({low} to {high})"


def factor(row: Row) -> str:
    """How many times better ours is."""
    found = row.factor
    return "" if found is None else f"{found:.1f} ×" if found < 100 else f"{found:,.0f} ×"  # noqa: PLR2004 - as above


def verdict(row: Row) -> str:
    """`met`, `not met`, or nothing."""
    return {True: "met", False: "not met", None: ""}[row.met]


def cells(row: Row) -> tuple[str, ...]:
    """One row, in the order of HEADINGS."""
    demanded = str(row.demanded) if row.demanded else ""
    return (
        row.what,
        spread(row.sample, row.unit),
        spread(row.ours, row.unit),
        factor(row),
        demanded,
        verdict(row),
    )


def conditions(result: Result) -> list[str]:
    """What it was measured on, a line each."""
    return [f"{name}: {value}" for name, value in result.conditions.items()]


def notes(result: Result) -> list[str]:
    """What rows have to say."""
    return [f"{row.what.strip()}: {row.note}" for row in result.rows if row.note]


def conclusion(result: Result) -> str:
    """One line."""
    demanded = [row for row in result.rows if row.demanded]
    missed = [row.what.strip() for row in demanded if row.met is False]
    if not missed:
        return f"All {len(demanded)} demands are met."
    return f"{len(missed)} of {len(demanded)} demands are not met: {'; '.join(missed)}."
