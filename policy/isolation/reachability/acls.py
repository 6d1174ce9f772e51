"""Network ACLs: ordered, stateless. Facts: Amazon VPC User Guide, "Network ACLs"."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from isolation.reachability.blocks import EVERYWHERE, Blocks, block
from isolation.reachability.names import Names, Reference
from isolation.reachability.ranges import Ranges, difference, intersection, union
from isolation.reachability.traffic import ANY, EPHEMERAL, NAMED, NONE, OTHER, PORTS, Traffic, of, spelled
from isolation.reading.properties import Property
from isolation.rule import Resource

ACL, DEFAULT_ACL, ENTRY = "ec2/networkAcl", "ec2/defaultNetworkAcl", "ec2/networkAclRule"
_ANSWERED_FROM_PORTS = ("tcp", "udp")
_LAST = 1 << 32


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an ACL. One that is not `known` is for some of `blocks`, if at all: it never denies for certain."""

    number: int
    allow: bool
    traffic: Traffic
    blocks: Blocks
    known: bool


class Acl:
    """An ACL with its entries in the order of their numbers."""

    def __init__(self, name: str, ingress: list[Entry], egress: list[Entry]) -> None:
        self.name = name
        self._entries = {
            "ingress": sorted(ingress, key=lambda entry: entry.number),
            "egress": sorted(egress, key=lambda entry: entry.number),
        }
        self._passed: dict[tuple[str, Blocks], Traffic] = {}

    def passes(self, direction: str, remote: Blocks) -> Traffic:
        """What passes to or from some address of `remote`; of none that is known: some address at all."""
        key = (direction, remote)
        if key not in self._passed:
            self._passed[key] = _passed(self._entries[direction], remote or EVERYWHERE)
        return self._passed[key]


@lru_cache(4096)
def answered(requests: Traffic, answers: Traffic) -> Traffic:
    """The part of `requests` whose answers come back: TCP and UDP's to the client's own port, others' as they are."""
    found: dict[str, Ranges] = {}
    for protocol, ports in requests.parts:
        for single in (*NAMED, OTHER) if protocol == ANY else (protocol,):
            back = answers & of({single: EPHEMERAL if single in _ANSWERED_FROM_PORTS else PORTS})
            if back:
                found[single] = ports
    return of(found)


def entries(names: Names, found: dict[str, list[Resource]]) -> dict[str, tuple[list[Entry], list[Entry]]]:
    """URN or id of each ACL → its ingress and egress entries, inline and standalone."""
    listed: dict[str, tuple[list[Entry], list[Entry]]] = {}
    for resource in (*found.get(ACL, ()), *found.get(DEFAULT_ACL, ())):
        inline = [_entry(entry, "ruleNo", "action") for entry in resource.at("ingress").each()]
        outward = [_entry(entry, "ruleNo", "action") for entry in resource.at("egress").each()]
        listed[resource.urn] = (inline, outward)
    for resource in found.get(ENTRY, ()):
        entry = _entry(resource.root, "ruleNumber", "ruleAction")
        for acl in names.one(resource, "networkAclId", ACL, DEFAULT_ACL, "ec2/vpc").names:
            inward, outward = listed.setdefault(acl, ([], []))
            (outward if resource.at("egress").truth is True else inward).append(entry)
    return listed


def unreadable(resource: Resource) -> bool:
    """Whether entries of an ACL are unknown as a whole, so that they may let anything pass."""
    return any(
        entries_.unknown or any(each.unknown for each in entries_.elements())
        for entries_ in (resource.at("ingress"), resource.at("egress"))
    )


OPEN = Entry(_LAST, True, of({ANY: PORTS}), EVERYWHERE, True)
"""What AWS's own default ACL has, in both directions."""


def members(names: Names, found: dict[str, list[Resource]]) -> Iterator[tuple[str, Reference]]:
    """(URN or id of an ACL, the subnets that it is associated with) for each association."""
    for resource in (*found.get(ACL, ()), *found.get(DEFAULT_ACL, ())):
        yield resource.urn, names.one(resource, "subnetIds", "ec2/subnet", "ec2/defaultSubnet")
    for resource in found.get("ec2/networkAclAssociation", ()):
        for acl in names.one(resource, "networkAclId", ACL, DEFAULT_ACL).names:
            yield acl, names.one(resource, "subnetId", "ec2/subnet", "ec2/defaultSubnet")


def _entry(entry: Property, number: str, action: str) -> Entry:
    traffic, known = spelled(entry.at("protocol"), entry.at("fromPort"), entry.at("toPort"))
    v4, v6 = entry.at("cidrBlock"), entry.at("ipv6CidrBlock")
    allow = (entry.at(action).text or "allow").casefold() != "deny"
    order = entry.at(number).number
    known = known and not (v4.unknown or v6.unknown or entry.at(action).unknown)
    perhaps = Blocks(EVERYWHERE.v4 if v4.unknown else (), EVERYWHERE.v6 if v6.unknown else ())
    blocks = block(v4.value) | block(v6.value) | perhaps
    return Entry(_LAST if order is None else order, allow, traffic, blocks, known)


def _passed(ordered: list[Entry], remote: Blocks) -> Traffic:
    everything: dict[str, Ranges] = dict.fromkeys((*NAMED, OTHER), PORTS)
    undecided = [(remote, everything)]
    passed = NONE
    for entry in ordered:
        if not entry.known:
            # It may be for any address: as an allowance it may let pass, as a refusal it may be for another.
            if entry.allow:
                for piece, open_ in undecided:
                    passed |= _within(entry.traffic, open_) if piece.meets(entry.blocks) else NONE
            continue
        rest: list[tuple[Blocks, dict[str, Ranges]]] = []
        for piece, open_ in undecided:
            inside = piece & entry.blocks
            if not inside:
                rest.append((piece, open_))
                continue
            if entry.allow:
                passed |= _within(entry.traffic, open_)
            if outside := piece - entry.blocks:
                rest.append((outside, open_))
            if left := _without(open_, entry.traffic):
                rest.append((inside, left))
        undecided = rest
    return passed


def _within(traffic: Traffic, open_: dict[str, Ranges]) -> Traffic:
    found: dict[str, Ranges] = {}
    for protocol, ports in traffic.parts:
        if protocol == ANY:
            return of(dict(open_))
        found[protocol] = intersection(ports, open_.get(protocol if protocol in NAMED else OTHER, ()))
    return of(found)


def _without(open_: dict[str, Ranges], traffic: Traffic) -> dict[str, Ranges]:
    taken = dict(traffic.parts)
    if ANY in taken:
        return {}
    left = {protocol: difference(ports, taken.get(protocol, ())) for protocol, ports in open_.items()}
    return {protocol: union(ports) for protocol, ports in left.items() if ports}
