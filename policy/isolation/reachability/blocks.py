"""Sets of addresses, of both families."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, summarize_address_range

from isolation.reachability.ranges import Ranges, difference, intersection, union
from isolation.reading.addresses import PRIVATE as PRIVATE_CIDRS
from isolation.reading.addresses import network

_LAST_V4, _LAST_V6 = 2**32 - 1, 2**128 - 1
_MOST_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Blocks:
    """A set of addresses, as intervals of numbers. Empty is false."""

    v4: Ranges = ()
    v6: Ranges = ()

    def __bool__(self) -> bool:
        return bool(self.v4 or self.v6)

    def __and__(self, other: "Blocks") -> "Blocks":
        return Blocks(intersection(self.v4, other.v4), intersection(self.v6, other.v6))

    def __or__(self, other: "Blocks") -> "Blocks":
        return Blocks(union(self.v4, other.v4), union(self.v6, other.v6))

    def __sub__(self, other: "Blocks") -> "Blocks":
        return Blocks(difference(self.v4, other.v4), difference(self.v6, other.v6))

    def meets(self, other: "Blocks") -> bool:
        """Whether they have an address in common."""
        return _meet(self.v4, other.v4) or _meet(self.v6, other.v6)

    def cidrs(self) -> list[str]:
        """The CIDR blocks that make it up."""
        v4 = [net for a, b in self.v4 for net in summarize_address_range(IPv4Address(a), IPv4Address(b))]
        v6 = [net for a, b in self.v6 for net in summarize_address_range(IPv6Address(a), IPv6Address(b))]
        return [str(block) for block in [*v4, *v6]]

    def __str__(self) -> str:
        shown = self.cidrs()
        more = f" and {len(shown) - _MOST_SHOWN} more" if len(shown) > _MOST_SHOWN else ""
        return ", ".join(shown[:_MOST_SHOWN]) + more


def _meet(one: Ranges, other: Ranges) -> bool:
    return any(first <= to and start <= last for first, last in one for start, to in other)


def block(cidr: object) -> Blocks:
    """The addresses of a CIDR block; none when it is no CIDR block."""
    found = network(cidr)
    if found is None:
        return NOWHERE
    interval = ((int(found.network_address), int(found.broadcast_address)),)
    return Blocks(v4=interval) if isinstance(found, IPv4Network) else Blocks(v6=interval)


def joined(many: Iterable[Blocks]) -> Blocks:
    """All addresses of any of them."""
    every = list(many)
    return Blocks(union(*(each.v4 for each in every)), union(*(each.v6 for each in every)))


NOWHERE = Blocks()
EVERYWHERE = Blocks(((0, _LAST_V4),), ((0, _LAST_V6),))
PRIVATE = joined(map(block, PRIVATE_CIDRS))
PUBLIC = EVERYWHERE - PRIVATE
"""What the internet may route: everything that no standard sets aside for private networks."""
