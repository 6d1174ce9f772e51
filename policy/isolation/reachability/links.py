"""What joins a VPC with other networks. Facts: Amazon VPC User Guide, "Connect your VPC"."""

from collections.abc import Iterator
from dataclasses import dataclass

from isolation.reachability.names import Names, Reference
from isolation.reachability.topology import VPCS
from isolation.rule import Resource

# type → (what routes call it, the property with its id, if it is not the resource itself, and the target's type,
# the properties that name the VPCs which it joins)
_LINKS: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("ec2/vpcPeeringConnection", "peering connection", "", "", ("vpcId", "peerVpcId")),
    (
        "ec2/vpcPeeringConnectionAccepter",
        "peering connection",
        "vpcPeeringConnectionId",
        "ec2/vpcPeeringConnection",
        ("vpcId",),
    ),
    (
        "ec2transitgateway/vpcAttachment",
        "transit gateway",
        "transitGatewayId",
        "ec2transitgateway/transitGateway",
        ("vpcId",),
    ),
    ("ec2/vpnGateway", "VPN gateway", "", "", ("vpcId",)),
    ("ec2/vpnGatewayAttachment", "VPN gateway", "vpnGatewayId", "ec2/vpnGateway", ("vpcId",)),
    ("networkmanager/vpcAttachment", "core network", "coreNetworkId", "networkmanager/coreNetwork", ("vpcArn",)),
    ("ec2/internetGateway", "internet gateway", "", "", ("vpcId",)),
    ("ec2/internetGatewayAttachment", "internet gateway", "internetGatewayId", "ec2/internetGateway", ("vpcId",)),
)


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that VPCs are joined by."""

    kind: str
    targets: Reference
    """What routes name: the connection, the gateway."""
    vpcs: Reference
    """The VPCs that it joins, as far as they are known."""
    urn: str
    name: str


def links(names: Names, found: dict[str, list[Resource]]) -> tuple[Link, ...]:
    """Every peering connection, attachment and gateway of a plan."""
    return tuple(_links(names, found))


def _links(names: Names, found: dict[str, list[Resource]]) -> Iterator[Link]:
    for path, kind, key, target_type, ends in _LINKS:
        for resource in found.get(path, ()):
            own = Reference(frozenset([resource.urn]))
            targets = names.one(resource, key, target_type) if key else own
            vpcs = Reference()
            for end in ends:
                vpcs |= names.one(resource, end, *VPCS)
            yield Link(kind, targets, vpcs, resource.urn, resource.name)
