"""Routes lead to private destinations that are declared, whatever their target."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.declared import PRIVATE_CIDRS, private_cidrs, strings
from isolation.reading.addresses import is_private, network, problem, within
from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, Setting, StackRule, aws
from isolation.stack import Stack

# A default route can be written as two halves, or as any blocks that together reach out; each of them is public.
_DESTINATIONS: Final = ("destinationCidrBlock", "destinationIpv6CidrBlock", "cidrBlock", "ipv6CidrBlock")
_PREFIX_LIST: Final = "destinationPrefixListId"
_GATEWAYS: Final = {
    "natGatewayId": "a NAT gateway",
    "egressOnlyGatewayId": "an egress-only internet gateway",
    "carrierGatewayId": "a carrier gateway",
    "networkInterfaceId": "a network interface, which may pass it on anywhere",
}
_TABLES: Final = ("ec2/routeTable", "ec2/defaultRouteTable")


def _routes(resource: Resource) -> Iterator[Property]:
    if resource.type == aws("ec2/route"):
        yield resource.root
    else:
        yield from resource.at("routes").each()


def _internet(resource: Resource) -> Iterator[Finding]:
    private = private_cidrs(resource.settings)
    for route in _routes(resource):
        for key in _DESTINATIONS:
            destination = route.at(key)
            if wrong := problem(destination, private):
                yield Finding(destination.path, wrong)
        gateway = route.at("gatewayId")
        # The same property names virtual private gateways (vgw-) and the VPC itself (local).
        if gateway.text is not None and gateway.text.startswith("igw-"):
            yield Finding(gateway.path, "leads to an internet gateway")
        for key, what in _GATEWAYS.items():
            if (target := route.at(key)).given:
                yield Finding(target.path, f"leads to {what}")


INTERNET_ROUTES = ResourceRule(
    id="no-internet-route",
    title="Routes lead to private destinations only.",
    severity=Severity.CRITICAL,
    remedy="Remove the route; reach AWS services through VPC endpoints.",
    why=(
        "Without a route nothing else that is open reaches anybody: this is the lock that makes a subnet isolated (Amazon VPC "
        "User Guide, Subnet types). The destination is judged and not the target, for a default route to a transit gateway "
        "or a peering connection reaches the internet through somebody else's gateway, and a route to an interface through "
        "whatever runs behind it."
    ),
    settings=(PRIVATE_CIDRS,),
    frameworks=Frameworks(fsbp=("RDS.46",), cis=("5.5",), checkov=("CKV2_AWS_44",)),
    checks=dict.fromkeys((aws("ec2/route"), *(aws(path) for path in _TABLES)), _internet),
)


def _stays_inside(route: Property) -> bool:
    """Whether a route is known to lead nowhere but into its own VPC or to an endpoint of AWS's."""
    gateway = route.at("gatewayId").text or ""
    return gateway == "local" or gateway.startswith("vpce-")


def _undeclared(resource: Resource) -> Iterator[Finding]:
    destinations = strings(resource.settings, "destinations")
    for route in _routes(resource):
        if _stays_inside(route):
            continue
        for key in _DESTINATIONS:
            destination = route.at(key)
            block = network(destination.value)
            # A block that reaches out is no-internet-route's, whose setting says what is private.
            if block is not None and is_private(block) and not within(block, destinations):
                yield Finding(destination.path, "is a network that the setting destinations does not name")
        if (destination := route.at(_PREFIX_LIST)).given and not destinations:
            yield Finding(destination.path, "names networks by a prefix list, and the setting destinations names none")


def _propagating(resource: Resource) -> Iterator[Finding]:
    yield from _undeclared(resource)
    gateways = resource.at("propagatingVgws")
    if any(True for _ in gateways.elements()):
        yield Finding(gateways.path, "lets a gateway write routes that no plan shows", "Leave propagatingVgws out.")


_DESTINATION_SETTING = Setting(
    name="destinations",
    default=[],
    schema={"type": "array", "items": {"type": "string", "pattern": "^[0-9A-Fa-f:.]+/[0-9]{1,3}$"}},
    description="The CIDR blocks of other networks to which routes may lead.",
)

DECLARED_ROUTES = ResourceRule(
    id="routes-declared",
    title="Routes lead to no other network unless it is declared.",
    severity=Severity.HIGH,
    remedy="Remove the route, or add the network's CIDR block to the setting destinations.",
    why=(
        "A route to a peering connection, a transit gateway, a VPN or a local gateway is half of a way in: the answers to "
        "whoever comes from there (Amazon VPC User Guide, Example routing options). Being private makes a network neither "
        "known nor trusted, so each that belongs to the system is named by its CIDR block; routes that propagate by BGP "
        "appear without any plan."
    ),
    settings=(_DESTINATION_SETTING,),
    frameworks=Frameworks(checkov=("CKV2_AWS_44",)),
    checks={
        aws("ec2/route"): _undeclared,
        aws("ec2/routeTable"): _propagating,
        aws("ec2/defaultRouteTable"): _propagating,
    },
)


def _without_table(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    held = {
        subnet.urn
        for association in stack.of("ec2/routeTableAssociation")
        for subnet in stack.referenced(association, "subnetId", "ec2/subnet")
    }
    for subnet in stack.of("ec2/subnet"):
        if subnet.urn not in held:
            yield subnet, Finding("", "has no route table of its own")


SUBNET_TABLES = StackRule(
    id="subnet-has-route-table",
    title="Each subnet is associated with a route table.",
    severity=Severity.MEDIUM,
    remedy="Associate it with an aws.ec2.RouteTable through an aws.ec2.RouteTableAssociation.",
    why=(
        "A subnet without an association of its own uses the VPC's main table (Amazon VPC User Guide, Subnet route tables). "
        "Whoever adds a route there, or makes another table the main one, changes every such subnet without naming it."
    ),
    check=_without_table,
)
