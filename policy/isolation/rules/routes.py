"""Routes lead to private destinations only, whatever their target."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.addresses import problem
from isolation.reading import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, aws

# A default route can be written as two halves, or as any blocks that together reach out; each of them is public.
_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "cidrBlock", "ipv6CidrBlock")
_GATEWAYS = {
    "natGatewayId": "a NAT gateway",
    "egressOnlyGatewayId": "an egress-only internet gateway",
    "carrierGatewayId": "a carrier gateway",
}


def _route(route: Property) -> Iterator[Finding]:
    for key in _DESTINATIONS:
        destination = route.at(key)
        if wrong := problem(destination):
            yield Finding(destination.path, wrong)
    gateway = route.at("gatewayId")
    # The same property names virtual private gateways (vgw-) and the VPC itself (local).
    if gateway.text is not None and gateway.text.startswith("igw-"):
        yield Finding(gateway.path, "leads to an internet gateway")
    for key, what in _GATEWAYS.items():
        if (target := route.at(key)).given:
            yield Finding(target.path, f"leads to {what}")


def _table(resource: Resource) -> Iterator[Finding]:
    for route in resource.at("routes").each():
        yield from _route(route)


INTERNET_ROUTES = ResourceRule(
    id="no-internet-route",
    title="Routes lead to private destinations only.",
    severity=Severity.CRITICAL,
    remedy="Remove the route; reach AWS services through VPC endpoints.",
    frameworks=Frameworks(fsbp=("RDS.46",)),
    checks={
        aws("ec2/route"): lambda resource: _route(resource.root),
        aws("ec2/routeTable"): _table,
        aws("ec2/defaultRouteTable"): _table,
    },
)
