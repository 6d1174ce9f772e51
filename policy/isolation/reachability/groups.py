"""The rules of security groups, in every form that they can take.

Facts: Amazon VPC User Guide, "Security group rules"; that a group without rules of its own lets nothing out, because the
provider takes AWS's rule away, is in the provider's documentation of aws.ec2.SecurityGroup.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from isolation.reachability.blocks import EVERYWHERE, NOWHERE, Blocks, block, joined
from isolation.reachability.names import DEFAULT_GROUP_OF, NOBODY, Names, Reference
from isolation.reachability.traffic import ALL, Traffic, spelled
from isolation.reading.properties import Property
from isolation.rule import Resource

GROUP, DEFAULT_GROUP = "ec2/securityGroup", "ec2/defaultSecurityGroup"
# The id of a VPC's default group leads to the VPC, unless the stack adopts the group.
_GROUPS = (GROUP, DEFAULT_GROUP, "ec2/vpc")
_LISTS = ("ec2/managedPrefixList", "ec2/vpcEndpoint")
_CIDRS = ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6")
_PEERS = ("securityGroups", "sourceSecurityGroupId", "referencedSecurityGroupId")
_PREFIX_LISTS = ("prefixListIds", "prefixListId")
INGRESS, EGRESS = "ingress", "egress"


@dataclass(frozen=True, slots=True)
class GroupRule:
    """One rule: what it lets pass, and from or to whom."""

    group: Reference
    direction: str
    traffic: Traffic
    """At most; all of it where `known`."""
    blocks: Blocks
    """The addresses that are known."""
    peers: Reference
    """The security groups that it names."""
    lists: Reference
    """The prefix lists that it names, as lists or as the gateway endpoints that they belong to."""
    known: bool
    """Whether the traffic and all addresses are."""
    urn: str
    name: str

    @property
    def described(self) -> str:
        return f"{self.direction} rule {self.name}" if self.urn else self.name


def default_group(vpc: str) -> str:
    """What the default security group of a VPC is called here, whether or not the stack adopts it."""
    return DEFAULT_GROUP_OF + vpc


def rules(names: Names, found: dict[str, list[Resource]]) -> Iterator[GroupRule]:
    """Every rule of the plan."""
    for resource in found.get(GROUP, ()):
        yield from _inline(names, resource, Reference(frozenset([resource.urn])))
    for resource in found.get(DEFAULT_GROUP, ()):
        yield from _inline(names, resource, owner(names.one(resource, "vpcId", "ec2/vpc")))
    for resource in found.get("ec2/securityGroupRule", ()):
        direction = EGRESS if resource.at("type").text == EGRESS else INGRESS
        yield from _standalone(names, resource, direction, "protocol")
    for path, direction in (("vpc/securityGroupIngressRule", INGRESS), ("vpc/securityGroupEgressRule", EGRESS)):
        for resource in found.get(path, ()):
            yield from _standalone(names, resource, direction, "ipProtocol")


def untouched(vpc: str) -> Iterator[GroupRule]:
    """The rules that AWS gives a default security group: each of its members from the others, and all out."""
    group = Reference(frozenset([default_group(vpc)]))
    name = "the VPC's default security group as AWS makes it"
    yield GroupRule(group, INGRESS, ALL, NOWHERE, group, NOBODY, known=True, urn="", name=name)
    yield GroupRule(group, EGRESS, ALL, EVERYWHERE, NOBODY, NOBODY, known=True, urn="", name=name)


def owner(vpcs: Reference) -> Reference:
    """The default security group of VPCs."""
    return Reference(frozenset(map(default_group, vpcs.names)), vpcs.certain)


def as_groups(reference: Reference, vpcs: frozenset[str], adopted: dict[str, str]) -> Reference:
    """Groups under the names that rules have them by: default ones by their VPC.

    Args:
        reference: to groups, or to VPCs whose default group is meant.
        vpcs: URNs of the VPCs of the plan.
        adopted: URN of a default group in the plan → its VPC.
    """
    names = {
        default_group(adopted.get(name, name)) if name in vpcs or name in adopted else name for name in reference.names
    }
    return Reference(frozenset(names), reference.certain)


def _inline(names: Names, resource: Resource, group: Reference) -> Iterator[GroupRule]:
    for direction in (INGRESS, EGRESS):
        entries = resource.at(direction)
        if entries.unknown:
            yield _unknown(group, direction, resource)
        for entry in entries.elements():
            if entry.unknown:
                yield _unknown(group, direction, resource)
            elif entry.given:
                yield _rule(names, resource, entry, direction, group, "protocol")


def _standalone(names: Names, resource: Resource, direction: str, protocol: str) -> Iterator[GroupRule]:
    group = names.one(resource, "securityGroupId", *_GROUPS)
    yield _rule(names, resource, resource.root, direction, group, protocol)


def _unknown(group: Reference, direction: str, resource: Resource) -> GroupRule:
    return GroupRule(group, direction, ALL, NOWHERE, NOBODY, NOBODY, known=False, urn=resource.urn, name=resource.name)


def _rule(
    names: Names, resource: Resource, entry: Property, direction: str, group: Reference, protocol: str
) -> GroupRule:
    traffic, known = spelled(entry.at(protocol), entry.at("fromPort"), entry.at("toPort"))
    blocks: list[Blocks] = []
    for key in _CIDRS:
        given = entry.at(key)
        known = known and given.whole
        blocks += [block(each.value) for each in given.each()]
    peers = group if entry.at("self").truth is True else NOBODY
    for key in _PEERS:
        peers |= names.of(resource, entry.at(key), *_GROUPS)
    lists = NOBODY
    for key in _PREFIX_LISTS:
        lists |= names.of(resource, entry.at(key), *_LISTS)
    return GroupRule(
        group, direction, traffic, joined(blocks), peers, lists, known=known, urn=resource.urn, name=resource.name
    )
