"""A VPC that exists: what is looked up about it, and whether it is as isolated as one of the stack's own."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.config.loading import ConfigurationError
from components.network.endpoints import service_names

# What a route's target is called; behind these is the internet, or something that could be anything.
_WAYS_OUT = {
    "nat_gateway_id": "a NAT gateway",
    "egress_only_gateway_id": "an egress-only internet gateway",
    "carrier_gateway_id": "a carrier gateway",
    "instance_id": "an instance",
    "network_interface_id": "an interface",
}
# Behind these are other networks of the company's, unless the destination says otherwise: with a default route over a
# transit gateway, the internet is reached through somebody else's gateway.
_WAYS_INSIDE = {
    "transit_gateway_id": "a transit gateway",
    "vpc_peering_connection_id": "a peering connection",
    "core_network_arn": "a core network",
    "local_gateway_id": "a local gateway",
    "odb_network_arn": "a database network",
    "vpc_endpoint_id": "a Gateway Load Balancer endpoint",
}
_PRIVATE = tuple(
    ipaddress.ip_network(block)
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


@dataclass(frozen=True)
class Subnet:
    """What matters of a subnet that was given."""

    id: str
    vpc_id: str
    zone: str
    public_addresses: bool
    ways_out: tuple[str, ...]
    """What its routes lead to besides the VPC, its endpoints and private networks: `igw-…`, `a NAT gateway (nat-…)`."""
    route_table_id: str


@dataclass(frozen=True)
class GivenEndpoint:
    """What matters of an endpoint that was given."""

    id: str
    service: str
    vpc_id: str
    kind: str
    private_dns: bool
    state: str
    security_group_ids: tuple[str, ...]
    prefix_list_id: str


@dataclass(frozen=True)
class ExistingVpc:
    """A VPC with the subnets and endpoints that were named."""

    id: str
    cidrs: tuple[str, ...]
    dns_support: bool
    dns_hostnames: bool
    subnets: tuple[Subnet, ...]
    endpoints: Mapping[str, GivenEndpoint] = field(default_factory=dict)


def find(
    vpc_id: str,
    subnet_ids: Sequence[str],
    endpoints: Mapping[str, str],
    region: str,
    opts: pulumi.InvokeOptions | None = None,
) -> ExistingVpc:
    """Look up a VPC and what was named in it, and refuse it unless it is isolated.

    Raises:
        ConfigurationError: with everything that is wrong with it.
    """
    vpc = aws.ec2.get_vpc(id=vpc_id, opts=opts)
    found = ExistingVpc(
        id=vpc_id,
        cidrs=tuple(item.cidr_block for item in vpc.cidr_block_associations) or (vpc.cidr_block,),
        dns_support=vpc.enable_dns_support,
        dns_hostnames=vpc.enable_dns_hostnames,
        subnets=tuple(_subnet(item, vpc.main_route_table_id, opts) for item in subnet_ids),
        endpoints={service: _endpoint(service, item, region, opts) for service, item in endpoints.items()},
    )
    if wrong := list(problems(found)):
        lines = [f"  vectordb:network.{line}" for line in wrong]
        raise ConfigurationError("\n".join(["The existing VPC cannot be used:", *lines]))
    return found


def problems(vpc: ExistingVpc) -> Iterator[str]:
    """What keeps the system out of this VPC, each as `key: sentence`."""
    if not (vpc.dns_support and vpc.dns_hostnames):
        yield f"vpcId: {vpc.id} needs DNS support and DNS hostnames, for the private DNS of the endpoints; switch both on."
    for place, subnet in enumerate(vpc.subnets):
        key = f"subnetIds[{place}]: {subnet.id}"
        if subnet.vpc_id != vpc.id:
            yield f"{key} is in {subnet.vpc_id}, not in {vpc.id}."
        if subnet.public_addresses:
            yield f"{key} gives out public addresses; choose one that does not."
        for way in subnet.ways_out:
            yield f"{key} has a route to {way} ({subnet.route_table_id}); choose an isolated one."
    if len({subnet.zone for subnet in vpc.subnets}) < 2:  # noqa: PLR2004 - Aurora's and RDS's subnet groups need two
        yield "subnetIds: are all in one zone; a database needs subnets in two."
    yield from _endpoint_problems(vpc)


def _endpoint_problems(vpc: ExistingVpc) -> Iterator[str]:
    for service, endpoint in vpc.endpoints.items():
        key = f"endpoints.{service}: {endpoint.id}"
        if endpoint.vpc_id != vpc.id:
            yield f"{key} is in {endpoint.vpc_id}, not in {vpc.id}."
        if endpoint.state != "available":
            yield f"{key} is {endpoint.state}, not available."
        wanted = "Gateway" if service == "s3" else "Interface"
        if endpoint.kind != wanted:
            yield f"{key} is of type {endpoint.kind}, and {service} needs one of type {wanted}."
        elif wanted == "Interface" and not endpoint.security_group_ids:
            yield f"{key} has no security group; give it one, to which the rules can be added."
        if endpoint.kind == "Interface" and not endpoint.private_dns:
            yield f"{key} has no private DNS; switch it on, or the clients look for {service} in the internet."


def _subnet(subnet_id: str, main_table: str, opts: pulumi.InvokeOptions | None) -> Subnet:
    subnet = aws.ec2.get_subnet(id=subnet_id, opts=opts)
    # A subnet without an association of its own uses the VPC's main table.
    filters = [aws.ec2.GetRouteTablesFilterArgs(name="association.subnet-id", values=[subnet_id])]
    own = aws.ec2.get_route_tables(filters=filters, opts=opts).ids
    table = aws.ec2.get_route_table(route_table_id=own[0] if own else main_table, opts=opts)
    return Subnet(
        id=subnet_id,
        vpc_id=subnet.vpc_id,
        zone=subnet.availability_zone,
        public_addresses=subnet.map_public_ip_on_launch or subnet.assign_ipv6_address_on_creation,
        ways_out=tuple(way for route in table.routes for way in _ways_out(route)),
        route_table_id=table.route_table_id,
    )


def _ways_out(route: aws.ec2.outputs.GetRouteTableRouteResult) -> Iterator[str]:
    # A gateway endpoint is a gateway too, `vpce-…`, as is a VPN's, `vgw-…`; the VPC itself is `local`.
    gateway, private = route.gateway_id or "", _private(route)
    if gateway.startswith("vgw-"):
        if not private:
            yield f"a VPN gateway ({gateway}) for {_destination(route)}"
    elif gateway and not gateway.startswith(("local", "vpce-")):
        yield gateway
    for key, called in _WAYS_OUT.items():
        if target := getattr(route, key, ""):
            yield f"{called} ({target})"
    for key, called in _WAYS_INSIDE.items():
        if (target := getattr(route, key, "")) and not private:
            yield f"{called} ({target}) for {_destination(route)}"


def _destination(route: aws.ec2.outputs.GetRouteTableRouteResult) -> str:
    return route.cidr_block or route.ipv6_cidr_block or route.destination_prefix_list_id or "an unknown destination"


def _private(route: aws.ec2.outputs.GetRouteTableRouteResult) -> bool:
    """Whether the destination is private; of a prefix list nobody says, and whoever made it knows what is in it."""
    if not (cidr := route.cidr_block or route.ipv6_cidr_block):
        return bool(route.destination_prefix_list_id)
    network = ipaddress.ip_network(cidr)
    return any(
        network.version == block.version and network.subnet_of(block)  # type: ignore[arg-type]  # the versions are equal
        for block in _PRIVATE
    )


def _endpoint(service: str, endpoint_id: str, region: str, opts: pulumi.InvokeOptions | None) -> GivenEndpoint:
    # Asked for by service too: AWS finds none when the id is another service's.
    filters = [aws.ec2.GetVpcEndpointFilterArgs(name="service-name", values=service_names(service, region))]
    found = aws.ec2.get_vpc_endpoint(id=endpoint_id, filters=filters, opts=opts)
    return GivenEndpoint(
        id=endpoint_id,
        service=service,
        vpc_id=found.vpc_id,
        kind=found.vpc_endpoint_type,
        private_dns=found.private_dns_enabled,
        state=found.state,
        security_group_ids=tuple(found.security_group_ids),
        prefix_list_id=found.prefix_list_id,
    )
