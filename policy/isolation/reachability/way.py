"""What the networks between two nodes let pass: routes, and the ACLs of both subnets, for requests and for answers."""

from dataclasses import dataclass
from functools import cached_property

from isolation.reachability.acls import Acl, answered
from isolation.reachability.blocks import NOWHERE, Blocks
from isolation.reachability.network import Network
from isolation.reachability.nodes import Node
from isolation.reachability.topology import Subnet
from isolation.reachability.traffic import ALL, NONE, Traffic


@dataclass(frozen=True, slots=True)
class Way:
    """What the networks between two nodes let pass."""

    traffic: Traffic
    """Between some of their subnets: what can be reached."""
    everywhere: Traffic
    """Between all of them: what works wherever the two may be."""
    certain: bool
    """Whether the way is there whatever the unknown values turn out to be."""


class Ways:
    """The ways between the subnets of a plan, each looked at once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._between: dict[tuple[str, str], tuple[Traffic, bool]] = {}

    def between(self, source: Node, target: Node) -> "Way":
        """What passes from one node to another.

        An ACL that is not known excuses nothing: it lets everything pass here. So does a VPC that is not in the plan.
        """
        here, there = self._network.subnets(source), self._network.subnets(target)
        together = not source.vpc or not target.vpc or source.vpc == target.vpc
        if not here or not there:
            if together:
                return Way(ALL, ALL, certain=True)
            linked = ALL if self._linked(source.vpc, target.vpc) else NONE
            return Way(linked, linked, certain=False)
        passed, everywhere, sure = NONE, ALL, False
        for one in here:
            for other in there:
                traffic, certain = self._of_subnets(one, other)
                passed, everywhere = passed | traffic, everywhere & traffic
                sure = sure or (bool(traffic) and certain)
        return Way(passed, everywhere, certain=sure)

    def _of_subnets(self, one: Subnet, other: Subnet) -> tuple[Traffic, bool]:
        key = (one.urn, other.urn)
        if key not in self._between:
            self._between[key] = self._look(one, other)
        return self._between[key]

    def _look(self, one: Subnet, other: Subnet) -> tuple[Traffic, bool]:
        if one.urn == other.urn:
            return ALL, True
        sure = True
        if one.vpc and other.vpc and one.vpc != other.vpc:
            joined, sure = self._routed(one, other)
            if not joined:
                return NONE, False
        return fenced(one, other), sure

    def _linked(self, one: str, other: str) -> bool:
        return any({one, other} <= vpcs for vpcs in self._joined.values())

    @cached_property
    def _joined(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for link in self._network.links:
            for target in link.targets.names:
                found.setdefault(target, set()).update(link.vpcs.names)
        return found

    def _routed(self, one: Subnet, other: Subnet) -> tuple[bool, bool]:
        """Whether routes lead from one VPC to another and back over the same link, and whether that is certain."""
        there = dict(_targets(one, other.blocks))
        back = dict(_targets(other, one.blocks))
        joined = self._joined
        both = [name for name in there.keys() & back.keys() if {one.vpc, other.vpc} <= joined.get(name, set())]
        return bool(both), any(there[name] and back[name] for name in both)


def _targets(subnet: Subnet, remote: Blocks) -> list[tuple[str, bool]]:
    return [
        (name, route.known)
        for route in subnet.routes
        if route.destinations.meets(remote) or not remote
        for name in route.target.names
    ]


def fenced(one: Subnet, other: Subnet) -> Traffic:
    """What the ACLs of two subnets let pass from one to the other, with its answers, over either family."""
    if one.acl is None and other.acl is None:
        return ALL
    known = [(near, far) for near, far in zip(one.families, other.families, strict=True) if near and far]
    passed = NONE
    # Addresses that are not known yet may be any.
    for near, far in known or [(NOWHERE, NOWHERE)]:
        requests = passes(one.acl, "egress", far) & passes(other.acl, "ingress", near)
        answers = passes(other.acl, "egress", near) & passes(one.acl, "ingress", far)
        passed |= answered(requests, answers)
    return passed


def admitted(subnet: Subnet, remote: Blocks) -> Traffic:
    """What a subnet's ACL lets in from `remote`, with its answers."""
    if subnet.blocks.meets(remote):
        return ALL
    return answered(passes(subnet.acl, "ingress", remote), passes(subnet.acl, "egress", remote))


def released(subnet: Subnet, remote: Blocks) -> Traffic:
    """What a subnet's ACL lets out to `remote`, with its answers."""
    return answered(passes(subnet.acl, "egress", remote), passes(subnet.acl, "ingress", remote))


def passes(acl: Acl | None, direction: str, remote: Blocks) -> Traffic:
    """What an ACL lets pass; everything where it is not known which one it is."""
    return ALL if acl is None else acl.passes(direction, remote)
