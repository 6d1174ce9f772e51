"""How numbers of a bill are written for people."""

from decimal import Decimal

from vectordb.cost.line import CENT, Line


def dollars(usd: Decimal) -> str:
    """1234.5 → `1,234.50`."""
    return f"{usd:,.2f}"


def cost(line: Line) -> str:
    """A line's dollars; what comes to less than half a cent is not written as nothing."""
    if line.quantity is None:
        return ""
    return dollars(line.usd) if line.usd >= CENT else "< 0.01"


def quantity(line: Line) -> str:
    """How much of the unit, to three digits or whole; a rate has none."""
    if line.quantity is None:
        return ""
    return f"{number(line.quantity)} {plural(line.price.unit, line.quantity)}"


def rate(line: Line) -> str:
    """`0.01 / hour`."""
    return f"{price(line.price.usd)} / {line.price.unit}"


def price(usd: Decimal) -> str:
    """A price as it is listed: 2.50, 0.0042; it may be a millionth of a dollar."""
    whole, _, fraction = f"{usd:,f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def number(value: Decimal) -> str:
    """Whole numbers whole, everything else to three digits: 2,190, 1.43, 0.0123."""
    if value == value.to_integral_value():
        return f"{value.to_integral_value():,}"
    return f"{round(value, max(2 - value.adjusted(), 0)):,f}".rstrip("0").rstrip(".")


def named(assumption: str) -> str:
    """`storage_gb` → `storage GB`."""
    return assumption.replace("_gb", "_GB").replace("_", " ")


def plural(unit: str, count: Decimal) -> str:
    """`hour` or `hours`; units of bulk and of size stay as they are."""
    return unit if count == 1 or unit.endswith(("s", "GB", "TB")) else f"{unit}s"
