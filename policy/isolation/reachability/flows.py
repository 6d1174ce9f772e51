"""Which node can open a connection to which: what one's groups let out, the other's let in, and the way between lets pass."""

from collections.abc import Iterator
from dataclasses import dataclass

from isolation.reachability.blocks import PUBLIC, Blocks
from isolation.reachability.gateways import Gateways
from isolation.reachability.groups import EGRESS, INGRESS
from isolation.reachability.names import NOBODY, Reference, shown
from isolation.reachability.network import Door, Network, network
from isolation.reachability.nodes import Node
from isolation.reachability.traffic import ALL, Traffic
from isolation.reachability.way import Ways, admitted, released
from isolation.stack import Stack


@dataclass(frozen=True, slots=True)
class Flow:
    """Traffic that can be opened from one node to another, by one pair of rules."""

    source: Node
    target: Node
    traffic: Traffic
    via: tuple[str, ...]
    """URNs of the rules that let it pass."""
    names: tuple[str, ...]
    """Their names, in the same order."""
    everywhere: Traffic
    """The part of the traffic that passes whichever of their subnets the two are in."""
    certain: bool
    """Whether it is there whatever the unknown values turn out to be."""
    doubtful: tuple[str, ...] = ()
    """Of `via` the rules that may turn out to be for somebody else; all, when it is the way between that is not certain."""


@dataclass(frozen=True, slots=True)
class _End:
    """A rule that stands at one end of a pair of nodes."""

    traffic: Traffic
    urn: str
    name: str
    certain: bool


_ASSUMED = _End(ALL, "", "", certain=True)
"""The rules of what is not in the plan: nothing is known that would stop it."""
_Pairs = dict[tuple[str, str], list[_End]]


def flows(stack: Stack) -> tuple[Flow, ...]:
    """Every flow of a plan, in the order of its nodes."""
    return stack.once(_flows)


def _flows(stack: Stack) -> tuple[Flow, ...]:
    reader = _Reader(network(stack))
    return (*reader.between_nodes(), *reader.through_gateways(), *reader.with_own_addresses(), *reader.to_addresses())


def addresses_node(blocks: Blocks, vpc: str = "") -> Node:
    """What stands for addresses that a rule names, whoever has them."""
    text = str(blocks)
    label = f"addresses {text}"
    return Node(text, "outside", label, (), "", "", "", vpc, NOBODY, NOBODY, public=None, blocks=blocks)


class _Reader:
    def __init__(self, graph: Network) -> None:
        self._network, self._ways, self._gateways = graph, Ways(graph), Gateways(graph)
        self._own = [node for node in graph.nodes if node.attached and node.kind != "gateway-endpoint"]
        self._strangers = self._beyond()
        self._unread = {node.id for node in self._strangers.values()}
        self._nodes = {node.id: node for node in (*self._own, *self._strangers.values())}
        self._members: dict[str, list[Node]] = {name: [node] for name, node in self._strangers.items()}
        for node in self._own:
            for group in graph.held(node).names:
                self._members.setdefault(group, []).append(node)
        self._addresses = [(node, graph.addresses(node)) for node in self._own]
        self._within: dict[Blocks, list[Node]] = {}

    def between_nodes(self) -> Iterator[Flow]:
        """From node to node, by pairs of rules."""
        out, into = self._ends(EGRESS), self._ends(INGRESS)
        for pair in [*out, *(pair for pair in into if pair[0] in self._unread and pair not in out)]:
            source, target = self._nodes[pair[0]], self._nodes[pair[1]]
            leaving = out.get(pair, []) + ([_ASSUMED] if pair[0] in self._unread else [])
            entering = into.get(pair, []) + ([_ASSUMED] if pair[1] in self._unread else [])
            if leaving and entering:
                yield from self._joined(source, target, leaving, entering)

    def _joined(self, source: Node, target: Node, leaving: list[_End], entering: list[_End]) -> Iterator[Flow]:
        way = self._ways.between(source, target)
        for end in leaving:
            open_ = end.traffic & way.traffic
            for other in entering if open_ else ():
                rules = [each for each in (end, other) if each.urn]
                if (traffic := open_ & other.traffic) and (rules or self._by_default(end, other)):
                    certain = way.certain and end.certain and other.certain
                    everywhere = traffic & way.everywhere
                    urns, names = tuple(each.urn for each in rules), tuple(each.name for each in rules)
                    doubtful = () if certain else tuple(each.urn for each in rules if not each.certain) or urns
                    yield Flow(source, target, traffic, urns, names, everywhere, certain, doubtful)

    def _by_default(self, *ends: _End) -> bool:
        # AWS's own rules of a default group let pass without a resource; two assumed ends would be nothing at all.
        return any(end is not _ASSUMED for end in ends)

    def _ends(self, direction: str) -> _Pairs:
        """(source, target) → the rules of one direction that are for this pair."""
        found: _Pairs = {}
        for node in self._nodes.values():
            for door in self._network.doors(node, direction):
                end = door.rule.traffic, door.rule.urn, door.rule.name
                for other, certain in self._others(node, door):
                    pair = (node.id, other.id) if direction == EGRESS else (other.id, node.id)
                    found.setdefault(pair, []).append(_End(*end, certain=certain))
        return found

    def _others(self, node: Node, door: Door) -> Iterator[tuple[Node, bool]]:
        """The nodes on the other side of a rule, and whether it is for them for certain."""
        seen = {node.id}
        for name in sorted(door.peers.names):
            for other in self._members.get(name, ()):
                if other.id not in seen:
                    seen.add(other.id)
                    yield other, door.certain and door.peers.certain and self._network.held(other).certain
        if door.blocks:
            for other in self._inside(door.blocks):
                if other.id not in seen:
                    seen.add(other.id)
                    yield other, door.certain

    def _inside(self, blocks: Blocks) -> list[Node]:
        if blocks not in self._within:
            self._within[blocks] = [node for node, addresses in self._addresses if addresses.meets(blocks)]
        return self._within[blocks]

    def _beyond(self) -> dict[str, Node]:
        """A node for each group that rules of nodes name, and that nothing in the plan has."""
        held = {name for node in self._own for name in self._network.held(node).names}
        doors = (door for node in self._own for way in (INGRESS, EGRESS) for door in self._network.doors(node, way))
        named = {name for door in doors for name in door.peers.names}
        return {name: self._stranger(name, place) for place, name in enumerate(sorted(named - held))}

    def _stranger(self, group: str, place: int) -> Node:
        called = shown(self._network.stack, group)
        label = f"what has the security group {called}"
        groups = Reference(frozenset([group]))
        own = called if called == group else f"{called} ({place})"
        return Node(own, "interface", label, (), "", "", "", "", NOBODY, groups, public=None)

    def through_gateways(self) -> Iterator[Flow]:
        """To the services behind gateway endpoints."""
        for node in self._own:
            for door in self._network.doors(node, EGRESS):
                for target, passed, everywhere, certain in self._gateways.behind(node, door):
                    if traffic := door.rule.traffic & passed:
                        via = (door.rule.urn,) if door.rule.urn else ()
                        doubtful = () if certain else via
                        yield Flow(
                            node, target, traffic, via, (door.rule.name,), traffic & everywhere, certain, doubtful
                        )

    def with_own_addresses(self) -> Iterator[Flow]:
        """From and to addresses of a node's own VPC that a rule names, whoever may have them one day."""
        for node in self._own:
            for direction, fence in ((INGRESS, admitted), (EGRESS, released)):
                for door, inside in self._own_addresses(node, direction):
                    passed = [fence(subnet, inside) for subnet in self._network.subnets(node)] or [ALL]
                    if traffic := door.rule.traffic & _any(passed):
                        others = addresses_node(inside, node.vpc)
                        ends = (others, node) if direction == INGRESS else (node, others)
                        via = (door.rule.urn,)
                        doubtful = () if door.certain else via
                        yield Flow(*ends, traffic, via, (door.rule.name,), traffic, door.certain, doubtful)

    def _own_addresses(self, node: Node, direction: str) -> Iterator[tuple[Door, Blocks]]:
        blocks = self._network.vpc(node).blocks
        for door in self._network.doors(node, direction):
            inside = door.blocks & blocks if blocks else door.blocks - PUBLIC
            if door.rule.urn and inside:
                yield door, inside

    def to_addresses(self) -> Iterator[Flow]:
        """To addresses beyond the VPC, over whatever route leads there."""
        for node in self._own:
            vpc = self._network.vpc(node).blocks
            for subnet in self._network.subnets(node):
                for route in subnet.routes:
                    for door in self._network.doors(node, EGRESS):
                        remote = door.blocks & route.destinations - vpc
                        traffic = door.rule.traffic & released(subnet, remote) if remote else None
                        if traffic:
                            via, names = (door.rule.urn, route.urn), (door.rule.name, route.name)
                            certain = door.certain and route.known
                            doubtful = () if certain else via
                            target = addresses_node(remote)
                            yield Flow(node, target, traffic, via, names, traffic, certain, doubtful)


def _any(parts: list[Traffic]) -> Traffic:
    found = parts[0]
    for part in parts[1:]:
        found |= part
    return found
