"""How a plan's flows differ from the declared ones: more, fewer, and what cannot be said yet."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from isolation.reachability.declared import EVERY, OPTIONAL, SOURCES, TARGETS, Role, Row, Table
from isolation.reachability.flows import Flow, flows
from isolation.reachability.groups import EGRESS, INGRESS
from isolation.reachability.names import shown
from isolation.reachability.network import Door, Network, network
from isolation.reachability.nodes import Node
from isolation.reachability.traffic import NONE, Traffic
from isolation.stack import Stack

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Judged:
    """What can pass from one node to another, as far as it is declared by the same rows, or not at all."""

    source: Node
    target: Node
    traffic: Traffic
    rows: tuple[Row, ...]
    """Empty for what is not declared."""
    via: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """A declared flow that nothing lets pass, though both its ends are there."""

    source: Node
    target: Node
    row: Row
    reason: str
    """Which rules or networks stand in the way."""


@dataclass(frozen=True, slots=True)
class Differences:
    """A plan held against a table."""

    declared: tuple[Judged, ...]
    undeclared: tuple[Judged, ...]
    possible: tuple[Judged, ...]
    """Not declared, and only there if an unknown value turns out so."""
    missing: tuple[Missing, ...]


def differences(stack: Stack, table: Table) -> Differences:
    """Hold the flows of a plan against a table."""
    graph = network(stack)
    rows = [row for row in table.rows if all(role.present(graph.nodes, stack.resources) for role in row.needs)]
    covering = _Covering(rows)
    allowed, rest = [], []
    for flow in flows(stack):
        used = covering.rows(flow)
        mine, left = _parted(flow.traffic, used)
        if mine:
            allowed.append((flow, mine, used))
        if left:
            rest.append((flow, left, ()))
    # Pulumi knows a rule's candidates only: it is harmless when a declared flow is among what it may be for.
    harmless = {urn for flow, _, _ in allowed for urn in flow.doubtful}
    more = _merged(each for each in rest if harmless.isdisjoint(each[0].doubtful))
    possible = _merged(each for each in rest if not harmless.isdisjoint(each[0].doubtful))
    missing = tuple(_missing(graph, rows, flows(stack))) if _readable(graph) else ()
    return Differences(_merged(allowed), more, possible, missing)


class _Covering:
    """The rows of a table that are for a flow; each node's roles are looked at once."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._from: dict[str, frozenset[int]] = {}
        self._to: dict[str, frozenset[int]] = {}

    def rows(self, flow: Flow) -> tuple[Row, ...]:
        source, target = flow.source, flow.target
        if source.id not in self._from:
            self._from[source.id] = self._places(source, [row.source for row in self._rows])
        if target.id not in self._to:
            self._to[target.id] = self._places(target, [row.target for row in self._rows])
        both = self._from[source.id] & self._to[target.id]
        return tuple(row for row in (self._rows[place] for place in sorted(both)) if row.traffic & flow.traffic)

    def _places(self, node: Node, roles: list[tuple[Role, ...]]) -> frozenset[int]:
        return frozenset(place for place, some in enumerate(roles) if any(role.matches(node) for role in some))


def _parted(traffic: Traffic, rows: Sequence[Row]) -> tuple[Traffic, Traffic]:
    """The declared part of some traffic, and the rest."""
    allowed = NONE
    for row in rows:
        allowed |= row.traffic
    return traffic & allowed, traffic - allowed


def _merged(parts: Iterable[tuple[Flow, Traffic, tuple[Row, ...]]]) -> tuple[Judged, ...]:
    found: dict[tuple[str, str], Judged] = {}
    for flow, traffic, rows in parts:
        key = (flow.source.id, flow.target.id)
        known = found.get(key) or Judged(flow.source, flow.target, NONE, (), (), ())
        found[key] = Judged(
            flow.source,
            flow.target,
            known.traffic | traffic,
            _together(known.rows, rows),
            _together(known.via, flow.via),
            _together(known.names, flow.names),
        )
    return tuple(found.values())


def _together(some: tuple[Item, ...], others: tuple[Item, ...]) -> tuple[Item, ...]:
    return (*some, *(each for each in others if each not in some))


def _readable(graph: Network) -> bool:
    """Whether each rule says whose it is, and for whom: one that does not may be what seems to be missing."""
    ends = (end for rule in graph.rules for end in (rule.group, rule.peers, rule.lists))
    groups = (graph.held(node) for node in graph.nodes)
    return all(each.certain or each.names for each in (*ends, *groups))


def _missing(graph: Network, rows: Sequence[Row], found: Sequence[Flow]) -> Iterator[Missing]:
    passing: dict[tuple[str, str], Traffic] = {}
    for flow in found:
        key = (flow.source.id, flow.target.id)
        passing[key] = passing.get(key, NONE) | flow.everywhere
    present = [node for node in graph.nodes if node.attached]
    for row in rows:
        if row.expected == OPTIONAL:
            continue
        sources = [node for node in present if any(role.matches(node) for role in row.source)]
        targets = [node for node in present if any(role.matches(node) for role in row.target)]
        pairs = [(one, other) for one in sources for other in targets if one is not other]
        shut = [(one, other) for one, other in pairs if row.traffic - passing.get((one.id, other.id), NONE)]
        for source, target in _short(row, pairs, shut):
            yield Missing(source, target, row, _reason(graph, source, target, row.traffic))


def _short(row: Row, pairs: list[tuple[Node, Node]], shut: list[tuple[Node, Node]]) -> list[tuple[Node, Node]]:
    """The pairs that count as missing: all that are shut, or the first of a source or target that has no other."""
    if row.expected == EVERY:
        return shut
    end = {SOURCES: 0, TARGETS: 1}[row.expected]
    served = {pair[end].id for pair in pairs if pair not in shut}
    first: dict[str, tuple[Node, Node]] = {}
    for pair in shut:
        first.setdefault(pair[end].id, pair)
    return [pair for name, pair in first.items() if name not in served]


def _reason(graph: Network, source: Node, target: Node, traffic: Traffic) -> str:
    out = [door for door in graph.doors(source, EGRESS) if door.rule.traffic & traffic and _names(graph, door, target)]
    into = [
        door for door in graph.doors(target, INGRESS) if door.rule.traffic & traffic and _names(graph, door, source)
    ]
    if not out:
        return f"no egress rule of {_groups(graph, source)} is for {target.label} and {traffic}"
    if target.kind != "gateway-endpoint" and not into:
        return f"no ingress rule of {_groups(graph, target)} is for {source.label} and {traffic}"
    rules = ", ".join(dict.fromkeys(door.rule.name for door in (*out, *into)))
    where = ", ".join(dict.fromkeys(s.name for node in (source, target) for s in graph.subnets(node)))
    return f"{rules} would let it pass; the network ACLs or routes of {where or 'their subnets'} do not in each of them"


def _names(graph: Network, door: Door, other: Node) -> bool:
    return bool(
        door.peers.names & graph.held(other).names
        or door.lists.names & set(other.urns)
        or door.blocks.meets(graph.addresses(other))
    )


def _groups(graph: Network, node: Node) -> str:
    names = [shown(graph.stack, name) for name in graph.held(node).names]
    return ", ".join(sorted(names)) or f"{node.label}, which has no security group,"
