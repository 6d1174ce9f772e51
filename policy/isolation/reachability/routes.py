"""Routes: where packets of a subnet go besides its own VPC. Facts: Amazon VPC User Guide, "Route tables"."""

from collections.abc import Iterator
from dataclasses import dataclass

from isolation.reachability.blocks import EVERYWHERE, NOWHERE, Blocks, block
from isolation.reachability.names import Names, Reference
from isolation.reachability.prefix_lists import LIST, PrefixLists
from isolation.reading.properties import Property
from isolation.rule import Resource

TABLE, DEFAULT_TABLE = "ec2/routeTable", "ec2/defaultRouteTable"
_VPCS = ("ec2/vpc", "ec2/defaultVpc")
_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "cidrBlock", "ipv6CidrBlock")
_LISTS = ("destinationPrefixListId",)
# The property that names a route's target → what the target may be: kind → type in the plan, prefix of its id.
_TARGETS = {
    "gatewayId": {
        "internet gateway": ("ec2/internetGateway", "igw-"),
        "VPN gateway": ("ec2/vpnGateway", "vgw-"),
    },
    "natGatewayId": {"NAT gateway": ("ec2/natGateway", "")},
    "egressOnlyGatewayId": {"egress-only internet gateway": ("ec2/egressOnlyInternetGateway", "")},
    "carrierGatewayId": {"carrier gateway": ("ec2/carrierGateway", "")},
    "transitGatewayId": {"transit gateway": ("ec2transitgateway/transitGateway", "")},
    "vpcPeeringConnectionId": {"peering connection": ("ec2/vpcPeeringConnection", "")},
    "coreNetworkArn": {"core network": ("networkmanager/coreNetwork", "")},
    "localGatewayId": {"local gateway": ("", "")},
    "vpcEndpointId": {"Gateway Load Balancer endpoint": ("ec2/vpcEndpoint", "")},
    "instanceId": {"instance": ("ec2/instance", "")},
    "networkInterfaceId": {"interface": ("ec2/networkInterface", "")},
}


@dataclass(frozen=True, slots=True)
class Route:
    """A way out of a VPC."""

    kind: str
    """What it leads to: `internet gateway`, `NAT gateway`, `transit gateway`, …"""
    target: Reference
    destinations: Blocks
    """At most; everything where some are not known."""
    known: bool
    urn: str
    name: str


class Tables:
    """The routes of each subnet."""

    def __init__(self, names: Names, found: dict[str, list[Resource]]) -> None:
        self._names, self._lists = names, PrefixLists(names, found)
        self._main = self._mains(found)
        self._routes: dict[str, list[Route]] = {}
        for path in (TABLE, DEFAULT_TABLE):
            for resource in found.get(path, ()):
                self._routes[resource.urn] = [*self._inline(resource), *self._propagated(resource)]
        for resource in found.get("ec2/route", ()):
            self._add(resource, list(self._route(resource, resource.root)))
        for resource in found.get("ec2/vpnGatewayRoutePropagation", ()):
            target = names.one(resource, "vpnGatewayId", "ec2/vpnGateway")
            learned = Route("VPN gateway", target, EVERYWHERE, known=False, urn=resource.urn, name=resource.name)
            self._add(resource, [learned])
        self._of: dict[str, str] = {}
        self._unclear: list[str] = []
        for resource in found.get("ec2/routeTableAssociation", ()):
            self._associate(resource)

    def of(self, subnet: str, vpc: str) -> tuple[Route, ...]:
        """What leads out of a subnet; routes that may be another subnet's are not known."""
        if subnet in self._of:
            return tuple(self._routes.get(self._of[subnet], ()))
        # The main table that the plan does not adopt goes by the name of its VPC.
        main = self._routes.get(self._main.get(vpc, vpc), [])
        perhaps = [_unsure(route) for table in self._unclear for route in self._routes.get(table, ())]
        return (*main, *perhaps)

    def table(self, subnet: str, vpc: str) -> str:
        """The route table of a subnet, as URN or id; empty when it is not known."""
        return self._of.get(subnet, "" if self._unclear else self._main.get(vpc, vpc))

    def _mains(self, found: dict[str, list[Resource]]) -> dict[str, str]:
        main = {}
        for resource in found.get(DEFAULT_TABLE, ()):
            for vpc in self._names.one(resource, "defaultRouteTableId", *_VPCS).names:
                main[vpc] = resource.urn
        for resource in found.get("ec2/mainRouteTableAssociation", ()):
            for vpc in self._names.one(resource, "vpcId", *_VPCS).names:
                for table in self._names.one(resource, "routeTableId", TABLE).names:
                    main[vpc] = table
        return main

    def _associate(self, resource: Resource) -> None:
        tables = self._names.one(resource, "routeTableId", TABLE, DEFAULT_TABLE, *_VPCS)
        subnets = self._names.one(resource, "subnetId", "ec2/subnet", "ec2/defaultSubnet")
        if subnets.certain and tables.certain:
            self._of |= {subnet: table for subnet in subnets.names for table in tables.names}
        else:
            self._unclear += tables.names or self._routes

    def _add(self, resource: Resource, routes: list[Route]) -> None:
        tables = self._names.one(resource, "routeTableId", TABLE, DEFAULT_TABLE, *_VPCS)
        sure = tables.certain and bool(tables.names)
        # A route into a VPC's main table may name it by the VPC.
        wanted = {self._main.get(table, table) for table in tables.names} or set(self._routes)
        for table in wanted:
            self._routes.setdefault(table, []).extend(routes if sure else map(_unsure, routes))

    def _inline(self, resource: Resource) -> Iterator[Route]:
        for route in resource.at("routes").each():
            yield from self._route(resource, route)

    def _propagated(self, resource: Resource) -> Iterator[Route]:
        # Of a table without any, the provider says what there is after the deployment only.
        target = self._names.one(resource, "propagatingVgws", "ec2/vpnGateway")
        if target.names:
            yield Route("VPN gateway", target, EVERYWHERE, known=False, urn=resource.urn, name=resource.name)

    def _route(self, resource: Resource, route: Property) -> Iterator[Route]:
        destinations, known = self._destinations(resource, route)
        for key, kinds in _TARGETS.items():
            given = route.at(key)
            if given.absent or given.text == "local":
                continue
            for kind, (path, prefix) in kinds.items():
                target = self._names.of(resource, given, *([path] if path else []))
                urns = frozenset(name for name in target.names if name.startswith("urn:"))
                literal = given.text is not None and not urns and given.text.startswith(prefix)
                if urns or literal or (given.unknown and len(kinds) == 1):
                    sure = known and (target.certain or literal)
                    yield Route(kind, target, destinations, known=sure, urn=resource.urn, name=resource.name)

    def _destinations(self, resource: Resource, route: Property) -> tuple[Blocks, bool]:
        blocks, known = NOWHERE, True
        for key in _DESTINATIONS:
            given = route.at(key)
            known = known and not given.unknown
            blocks |= block(given.value)
        for key in _LISTS:
            given = route.at(key)
            if not given.absent:
                listed, sure = self._lists.of(self._names.of(resource, given, LIST))
                blocks, known = blocks | listed, known and sure
        return (blocks if known else EVERYWHERE), known


def _unsure(route: Route) -> Route:
    return Route(route.kind, route.target, route.destinations, known=False, urn=route.urn, name=route.name)
