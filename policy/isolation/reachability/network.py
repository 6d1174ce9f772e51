"""The graph of a plan, built once for all rules: networks, nodes, and the rules of the nodes' security groups."""

from dataclasses import dataclass
from functools import cached_property

from isolation.reachability import groups as security
from isolation.reachability.blocks import EVERYWHERE, Blocks, joined
from isolation.reachability.groups import EGRESS, INGRESS, GroupRule
from isolation.reachability.links import Link, links
from isolation.reachability.names import NOBODY, Names, Reference, by_type
from isolation.reachability.nodes import UNFILTERED, Node, nodes
from isolation.reachability.prefix_lists import PrefixLists
from isolation.reachability.topology import NO_VPC, VPCS, Subnet, Topology, Vpc, topology
from isolation.reachability.traffic import ALL
from isolation.stack import Stack


@dataclass(frozen=True, slots=True)
class Door:
    """A security group's rule as it stands before one node."""

    rule: GroupRule
    blocks: Blocks
    """The known addresses on the other side."""
    peers: Reference
    """The groups on the other side, default ones by their VPC."""
    lists: Reference
    certain: bool
    """Whether the rule is the node's, and all that it says is known."""
    open_ended: bool
    """Whether it may be for other addresses than `blocks`: unknown ones, or those of a list that is not in the plan."""


class Network:
    """What a plan says about its networks."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.found = by_type(stack)
        self.names = Names(stack)
        self.topology: Topology = topology(self.names, self.found)
        self.lists = PrefixLists(self.names, self.found)
        self.nodes: list[Node] = nodes(self.names, self.found, dict(stack.by_urn), self.topology)
        self.links: tuple[Link, ...] = links(self.names, self.found)
        self._subnets = {node.id: self.topology.of(node.subnets) for node in self.nodes}

    def subnets(self, node: Node) -> list[Subnet]:
        """The subnets of the plan in which a node is."""
        return self._subnets.get(node.id, [])

    def vpc(self, node: Node) -> Vpc:
        """A node's VPC; one of which nothing is known, when it is not in the plan."""
        return self.topology.vpcs.get(node.vpc, NO_VPC)

    def addresses(self, node: Node) -> Blocks:
        """The known addresses among which a node's are: those of its subnets, or else of its VPC."""
        return joined(subnet.blocks for subnet in self.subnets(node)) or self.vpc(node).blocks

    def doors(self, node: Node, direction: str) -> list[Door]:
        """The rules that let something into a node (`ingress`) or out of it (`egress`)."""
        held = self.held(node)
        if UNFILTERED in held.names:
            return [_ANYTHING[direction]]
        return [
            Door(each.rule, each.blocks, each.peers, each.lists, each.certain and held.certain, each.open_ended)
            if not held.certain
            else each
            for name in sorted(held.names)
            for each in self._doors[direction].get(name, ())
        ]

    def held(self, node: Node) -> Reference:
        """A node's security groups, under the names that rules have them by."""
        return security.as_groups(node.groups, self._vpcs, self._adopted)

    @cached_property
    def _vpcs(self) -> frozenset[str]:
        # The VPC of a node may be one that only its id is known of.
        return frozenset(self.topology.vpcs) | {node.vpc for node in self.nodes if node.vpc}

    @cached_property
    def _adopted(self) -> dict[str, str]:
        found = {}
        for resource in self.found.get(security.DEFAULT_GROUP, ()):
            for vpc in self.names.one(resource, "vpcId", *VPCS).names:
                found[resource.urn] = vpc
        return found

    @cached_property
    def rules(self) -> tuple[GroupRule, ...]:
        """Every security group rule of the plan, and AWS's own of default groups that are not adopted."""
        own = [rule for vpc in self._vpcs - set(self._adopted.values()) for rule in security.untouched(vpc)]
        return (*security.rules(self.names, self.found), *own)

    @cached_property
    def _doors(self) -> dict[str, dict[str, list[Door]]]:
        found: dict[str, dict[str, list[Door]]] = {INGRESS: {}, EGRESS: {}}
        for rule in self.rules:
            group = security.as_groups(rule.group, self._vpcs, self._adopted)
            listed, all_listed = self.lists.of(rule.lists)
            door = Door(
                rule,
                rule.blocks | listed,
                security.as_groups(rule.peers, self._vpcs, self._adopted),
                rule.lists,
                certain=rule.known and group.certain,
                open_ended=not rule.known or not all_listed,
            )
            for name in group.names:
                found[rule.direction].setdefault(name, []).append(door)
        return found


_ANYTHING = {
    direction: Door(
        GroupRule(NOBODY, direction, ALL, EVERYWHERE, NOBODY, NOBODY, known=True, urn="", name=UNFILTERED),
        EVERYWHERE,
        NOBODY,
        NOBODY,
        certain=True,
        open_ended=False,
    )
    for direction in (INGRESS, EGRESS)
}


def network(stack: Stack) -> Network:
    """The graph of a stack, made for the first rule that asks."""
    return stack.once(Network)
