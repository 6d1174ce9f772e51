"""Sets of protocols and ports, and how rules spell them."""

from dataclasses import dataclass
from functools import lru_cache

from isolation.reachability.ranges import Ranges, difference, intersection, union
from isolation.reading.properties import Property

ANY = "all"
OTHER = "other"
"""Every protocol that has no name here: what a network ACL leaves when it decides the named ones one by one."""
NAMED = ("tcp", "udp", "icmp", "icmpv6")
PORTS: Ranges = ((0, 65535),)
EPHEMERAL: Ranges = ((1024, 65535),)
"""The ports that clients open connections from, of any operating system and of load balancers (Amazon VPC User Guide,
"Ephemeral ports"): the answers' destination."""
# IANA's numbers, and the words that the provider takes for them.
_SPELLINGS = {"-1": ANY, "all": ANY, "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "ipv6-icmp": "icmpv6"}
_WITH_PORTS = ("tcp", "udp")


@dataclass(frozen=True, slots=True)
class Traffic:
    """A set of protocols, each with ports. Nothing is false. Only TCP and UDP have fewer than all ports."""

    parts: tuple[tuple[str, Ranges], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __and__(self, other: "Traffic") -> "Traffic":
        return _both(self, other)

    def __or__(self, other: "Traffic") -> "Traffic":
        return _either(self, other)

    def __sub__(self, other: "Traffic") -> "Traffic":
        """What is left; all protocols without some of them are still called all."""
        return _left(self, other)

    def rows(self) -> list[tuple[str, str]]:
        """(protocol, ports) of each part: ("tcp", "443, 8000-8010"); all ports are "all"."""
        return [(protocol, _ports(ports)) for protocol, ports in self.parts]

    def __str__(self) -> str:
        shown = [protocol if ports == "all" else f"{protocol} {ports}" for protocol, ports in self.rows()]
        return " and ".join(shown).replace(ANY, "all traffic", 1) if self.parts else "nothing"


def of(parts: dict[str, Ranges]) -> Traffic:
    """The traffic with these parts; all protocols swallow the single ones."""
    if ANY in parts:
        return ALL
    kept = {protocol: ports for protocol, ports in parts.items() if ports}
    if all(kept.get(protocol) == PORTS for protocol in (*NAMED, OTHER)):
        return ALL
    return Traffic(tuple(sorted(kept.items())))


ALL = Traffic(((ANY, PORTS),))
NONE = Traffic()


def spelled(protocol: Property, first: Property, last: Property) -> tuple[Traffic, bool]:
    """What a rule lets pass at most, and whether that is known. What has no meaning to AWS counts as everything."""
    if protocol.unknown:
        return ALL, False
    number = protocol.number
    name = str(number) if number is not None else (protocol.text or ANY).casefold()
    name = _SPELLINGS.get(name, name)
    if name == ANY:
        return ALL, True
    if name not in _WITH_PORTS:
        return Traffic(((name, PORTS),)), True
    if first.unknown or last.unknown:
        return Traffic(((name, PORTS),)), False
    low, high = _port(first), _port(last)
    # -1 is "all" wherever AWS takes it, and so is what is left out.
    if low is None or high is None:
        return Traffic(((name, PORTS),)), True
    return of({name: union([(low, high)])}), True


# A plan has few different sets, and meets them again for each pair of its nodes.
_KEPT = 4096


@lru_cache(_KEPT)
def _both(one: Traffic, other: Traffic) -> Traffic:
    if one is ALL or other is ALL:
        return other if one is ALL else one
    found: dict[str, Ranges] = {}
    for protocol, ports in one.parts:
        for counterpart, others in other.parts:
            common = _common(protocol, counterpart)
            if common and (shared := intersection(ports, others)):
                found[common] = union(found.get(common, ()), shared)
    return of(found)


@lru_cache(_KEPT)
def _either(one: Traffic, other: Traffic) -> Traffic:
    if one is ALL or other is ALL:
        return ALL
    found = dict(one.parts)
    for protocol, ports in other.parts:
        found[protocol] = union(found.get(protocol, ()), ports)
    return of(found)


@lru_cache(_KEPT)
def _left(one: Traffic, other: Traffic) -> Traffic:
    taken = dict(other.parts)
    if ANY in taken:
        return NONE
    return of({protocol: difference(ports, taken.get(protocol, ())) for protocol, ports in one.parts})


def _port(port: Property) -> int | None:
    """The port, or None where all are meant: left out, -1, or nothing that is a port."""
    number = port.number
    return number if number is not None and 0 <= number <= PORTS[0][1] else None


def _common(one: str, other: str) -> str | None:
    if one == other:
        return one
    if ANY in (one, other):
        return other if one == ANY else one
    unnamed = {one, other} - {OTHER}
    return unnamed.pop() if len(unnamed) == 1 and not unnamed & set(NAMED) else None


def _ports(ports: Ranges) -> str:
    if ports == PORTS:
        return "all"
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ports)
