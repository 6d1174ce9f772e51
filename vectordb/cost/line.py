"""A line of the bill."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum

from vectordb.cost.prices import Price

CENT = Decimal("0.01")
_ANY_SIZE = Context(prec=400)
"""An absurd quantity has an absurd price, and not an error: floats have up to 309 digits."""


def cents(usd: Decimal) -> Decimal:
    """`usd` rounded to a cent."""
    return usd.quantize(CENT, ROUND_HALF_UP, context=_ANY_SIZE)


class Group(StrEnum):
    """What decides how much a line comes to."""

    FIXED = "fixed"
    """The resources alone: it is paid in a month without any use."""
    USE = "use"
    """The use that is assumed."""
    RATE = "rate"
    """A use that nothing is assumed of: the line names the price and adds nothing."""


@dataclass(frozen=True)
class Line:
    """So much of one item.

    Attributes:
        part: the component that it belongs to, such as `network`.
        item: what is paid for.
        group: see `Group`.
        quantity: in units of the price; none for a rate.
        price: of one unit.
        urns: the resources that cause it.
    """

    part: str
    item: str
    group: Group
    quantity: Decimal | None
    price: Price
    urns: tuple[str, ...]

    @property
    def usd(self) -> Decimal:
        """US dollars a month, to the cent as on a bill, so that the lines add up to the total."""
        return cents((self.quantity or Decimal(0)) * self.price.usd)


def merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """One line for the same item of the same part at the same price; dearest part first, dearest line first in it."""
    found: dict[tuple[str, str, Group, str], Line] = {}
    for line in lines:
        key = (line.part, line.item, line.group, line.price.key)
        before = found.get(key)
        found[key] = line if before is None else _sum(before, line)
    parts: dict[str, Decimal] = {}
    for line in found.values():
        parts[line.part] = parts.get(line.part, Decimal(0)) + line.usd
    groups = list(Group)
    return tuple(
        sorted(
            found.values(),
            key=lambda line: (groups.index(line.group), -parts[line.part], line.part, -line.usd, line.item),
        )
    )


def _sum(one: Line, other: Line) -> Line:
    quantity = None if one.quantity is None or other.quantity is None else one.quantity + other.quantity
    return replace(one, quantity=quantity, urns=tuple(dict.fromkeys((*one.urns, *other.urns))))
