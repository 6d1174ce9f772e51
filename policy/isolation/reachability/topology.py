"""VPCs, their subnets, where routes lead, and which network ACL stands before a subnet.

Facts: Amazon VPC User Guide, "Route tables" (a subnet without an association has the VPC's main table, and each table
reaches the whole VPC) and "Network ACLs" (a subnet without an association has the default ACL).
"""

from dataclasses import dataclass, field

from isolation.reachability import acls
from isolation.reachability.acls import Acl
from isolation.reachability.blocks import NOWHERE, Blocks, block
from isolation.reachability.names import NOBODY, Names, Reference
from isolation.reachability.routes import Route, Tables
from isolation.rule import Resource

VPCS, SUBNETS = ("ec2/vpc", "ec2/defaultVpc"), ("ec2/subnet", "ec2/defaultSubnet")
_MORE_BLOCKS = ("ec2/vpcIpv4CidrBlockAssociation", "ec2/vpcIpv6CidrBlockAssociation")


@dataclass(frozen=True, slots=True)
class Vpc:
    """A VPC: of the plan, or one that only its id is known of."""

    name: str
    urn: str
    cidr: str
    blocks: Blocks
    """Known ones; none for a VPC that is not in the plan."""


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet of the plan."""

    urn: str
    name: str
    vpc: str
    zone: str
    cidr: str
    blocks: Blocks
    """Known ones."""
    families: tuple[Blocks, Blocks]
    """Those of IPv4 and those of IPv6, each by itself."""
    gives_public_addresses: bool | None
    """None where that is not known yet."""
    acl: Acl | None
    """None where it is not known which, or what it says: then it may let anything pass."""
    routes: tuple[Route, ...]
    table: str
    """Its route table, as URN or id, or its VPC for a main table that is not in the plan; empty when it is not known."""


@dataclass(frozen=True, slots=True)
class Topology:
    """The networks of a plan, each under its URN, or its id where it is not in the plan."""

    vpcs: dict[str, Vpc] = field(default_factory=dict)
    subnets: dict[str, Subnet] = field(default_factory=dict)

    def of(self, subnets: Reference) -> list[Subnet]:
        """The subnets of the plan among those that are named."""
        return [self.subnets[name] for name in sorted(subnets.names) if name in self.subnets]


def topology(names: Names, found: dict[str, list[Resource]]) -> Topology:
    """Read the networks of a plan."""
    vpcs = {each.urn: each for path in VPCS for each in map(_vpc, found.get(path, ()))}
    for path in _MORE_BLOCKS:
        for resource in found.get(path, ()):
            for urn in names.one(resource, "vpcId", *VPCS).names & vpcs.keys():
                known = vpcs[urn]
                blocks = known.blocks | _blocks(resource)
                vpcs[urn] = Vpc(known.name, known.urn, known.cidr, blocks)
    tables, fences = Tables(names, found), _Fences(names, found)
    defaults = {each.urn for each in found.get("ec2/defaultVpc", ())}
    subnets = {}
    for path in SUBNETS:
        for resource in found.get(path, ()):
            vpc = sole(names.one(resource, "vpcId", *VPCS))
            default = path == "ec2/defaultSubnet" or vpc in defaults
            blocks = _blocks(resource)
            subnets[resource.urn] = Subnet(
                resource.urn,
                resource.name,
                vpc,
                resource.at("availabilityZone").text or "",
                resource.at("cidrBlock").text or "",
                blocks,
                (Blocks(v4=blocks.v4), Blocks(v6=blocks.v6)),
                _gives_public(resource, default=path == "ec2/defaultSubnet"),
                fences.of(resource.urn, vpc),
                (*tables.of(resource.urn, vpc), *([_to_the_internet(resource)] if default else [])),
                tables.table(resource.urn, vpc),
            )
    return Topology(vpcs, subnets)


def sole(reference: Reference) -> str:
    """The one thing that is named; empty where it is none or could be several."""
    return next(iter(reference.names)) if len(reference.names) == 1 else ""


def _vpc(resource: Resource) -> Vpc:
    return Vpc(resource.name, resource.urn, resource.at("cidrBlock").text or "", _blocks(resource))


def _blocks(resource: Resource) -> Blocks:
    return block(resource.at("cidrBlock").value) | block(resource.at("ipv6CidrBlock").value)


def _gives_public(resource: Resource, *, default: bool) -> bool | None:
    flag = resource.at("mapPublicIpOnLaunch")
    return None if flag.unknown else default if flag.absent else flag.truth is True


def _to_the_internet(resource: Resource) -> Route:
    """What AWS puts into the main route table of an account's default VPC (Amazon VPC User Guide, "Default VPCs")."""
    gateway = Reference(frozenset(["the default VPC's own"]))
    everywhere = block("0.0.0.0/0")
    return Route("internet gateway", gateway, everywhere, known=True, urn=resource.urn, name=resource.name)


class _Fences:
    """Which ACL stands before which subnet."""

    def __init__(self, names: Names, found: dict[str, list[Resource]]) -> None:
        listed = acls.entries(names, found)
        resources = {each.urn: each for path in (acls.ACL, acls.DEFAULT_ACL) for each in found.get(path, ())}
        self._acls: dict[str, Acl | None] = {
            name: None
            if name in resources and acls.unreadable(resources[name])
            else Acl(resources[name].name if name in resources else name, inward, outward)
            for name, (inward, outward) in listed.items()
        }
        self._of: dict[str, str] = {}
        self._unclear = False
        for acl, subnets in acls.members(names, found):
            if subnets.certain:
                self._of |= dict.fromkeys(subnets.names, acl)
            else:
                self._unclear = True
        self._defaults: dict[str, str] = {}
        for resource in found.get(acls.DEFAULT_ACL, ()):
            for vpc in names.one(resource, "defaultNetworkAclId", *VPCS).names | _own_vpc(names, resource).names:
                self._defaults[vpc] = resource.urn
        self._as_made = Acl("the default network ACL as AWS makes it", [acls.OPEN], [acls.OPEN])

    def of(self, subnet: str, vpc: str) -> Acl | None:
        if subnet in self._of:
            return self._acls.get(self._of[subnet])
        if self._unclear:
            return None
        return self._acls.get(self._defaults[vpc]) if vpc in self._defaults else self._as_made


def _own_vpc(names: Names, resource: Resource) -> Reference:
    vpc = resource.at("vpcId")
    return NOBODY if vpc.absent else names.of(resource, vpc, *VPCS)


NO_VPC = Vpc("", "", "", NOWHERE)
"""Stands for a VPC of which nothing is known."""
