"""Ways in from other networks, other accounts and other organisations exist only where they are declared."""

from collections.abc import Iterator, Mapping
from typing import Final

from pulumi_policy import Severity

from isolation.declared import identifiers, presence_unless, strings
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, aws

_SETTING: Final = "peers"
_PEERS: Final = identifiers(
    _SETTING,
    "The other networks that belong to the system, by what the resource names them with: the id of a VPC, a gateway or an "
    "attachment, an ARN, an account number; or the resource's own name.",
)

# What each of them does, and the properties that say with whom.
_WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "ec2/vpcPeeringConnection": ("peers with another VPC", "peerVpcId"),
    "ec2/vpcPeeringConnectionAccepter": ("accepts a peering with another VPC", "vpcPeeringConnectionId"),
    "ec2/peeringConnectionOptions": ("sets up a peering with another VPC", "vpcPeeringConnectionId"),
    "ec2/vpcEndpointConnectionAccepter": ("lets another network's endpoint in", "vpcEndpointId"),
    "ec2/vpnGateway": ("is a VPN gateway",),
    "ec2/vpnGatewayAttachment": ("attaches a VPN gateway", "vpnGatewayId"),
    "ec2/vpnGatewayRoutePropagation": ("lets a VPN gateway write routes", "vpnGatewayId"),
    "ec2/customerGateway": ("is the other end of a VPN", "ipAddress"),
    "ec2/vpnConnection": ("is a VPN", "customerGatewayId"),
    "ec2/vpnConnectionRoute": ("routes to the other end of a VPN", "vpnConnectionId"),
    "ec2/vpnConcentrator": ("ends the VPNs of many sites", "transitGatewayId"),
    "ec2transitgateway/vpcAttachment": ("attaches a VPC to a transit gateway", "transitGatewayId"),
    "ec2transitgateway/vpcAttachmentAccepter": ("accepts a VPC at a transit gateway", "transitGatewayAttachmentId"),
    "ec2transitgateway/peeringAttachment": ("peers with another transit gateway", "peerTransitGatewayId"),
    "ec2transitgateway/peeringAttachmentAccepter": ("accepts a transit gateway", "transitGatewayAttachmentId"),
    "ec2transitgateway/connect": ("connects an appliance to a transit gateway", "transitGatewayId"),
    "ec2transitgateway/connectPeer": ("connects an appliance to a transit gateway", "peerAddress"),
    "ec2transitgateway/route": ("routes between networks", "transitGatewayAttachmentId"),
    "ec2transitgateway/prefixListReference": ("routes between networks", "transitGatewayAttachmentId"),
    "ec2transitgateway/routeTablePropagation": ("routes between networks", "transitGatewayAttachmentId"),
    "directconnect/gatewayAssociation": ("attaches a network to Direct Connect", "dxGatewayId"),
    "directconnect/privateVirtualInterface": ("is an interface of Direct Connect", "connectionId"),
    "directconnect/transitVirtualInterface": ("is an interface of Direct Connect", "connectionId"),
    "directconnect/publicVirtualInterface": ("is an interface of Direct Connect", "connectionId"),
    "directconnect/hostedPrivateVirtualInterface": ("is an interface of Direct Connect", "ownerAccountId"),
    "directconnect/hostedTransitVirtualInterface": ("is an interface of Direct Connect", "ownerAccountId"),
    "directconnect/hostedPublicVirtualInterface": ("is an interface of Direct Connect", "ownerAccountId"),
    "networkmanager/vpcAttachment": ("attaches a VPC to a core network", "coreNetworkId"),
    "networkmanager/siteToSiteVpnAttachment": ("attaches a VPN to a core network", "coreNetworkId"),
    "networkmanager/connectAttachment": ("connects an appliance to a core network", "coreNetworkId"),
    "networkmanager/transitGatewayPeering": ("peers a core network with a transit gateway", "coreNetworkId"),
    "networkmanager/dxGatewayAttachment": ("attaches Direct Connect to a core network", "coreNetworkId"),
    "odb/networkPeeringConnection": ("peers with a database network", "odbNetworkId", "odbNetworkArn"),
    "ec2/localGatewayRoute": ("routes to an Outpost's local network", "localGatewayRouteTableId"),
    "ec2/localGatewayRouteTableVpcAssociation": ("joins a VPC to an Outpost's network", "localGatewayRouteTableId"),
    "vpc/routeServerVpcAssociation": ("lets a route server write routes", "routeServerId"),
    "vpc/routeServerPropagation": ("lets a route server write routes", "routeServerId"),
    "vpc/securityGroupVpcAssociation": ("uses a security group in another VPC", "vpcId"),
    "vpclattice/serviceNetworkVpcAssociation": (
        "joins a VPC to a VPC Lattice service network",
        "serviceNetworkIdentifier",
    ),
    "vpclattice/resourceGateway": ("lets VPC Lattice reach into a VPC",),
    "vpclattice/resourceConfiguration": ("offers something in a VPC to VPC Lattice", "resourceGatewayIdentifier"),
    "ec2/networkInterfacePermission": ("gives another account an interface", "awsAccountId"),
    "ec2/trafficMirrorSession": ("copies an interface's traffic", "trafficMirrorTargetId"),
    "ec2/trafficMirrorTarget": ("receives copies of traffic",),
    "quicksight/vpcConnection": ("lets QuickSight reach into a VPC", "awsAccountId"),
    "apprunner/vpcConnector": ("lets App Runner reach into a VPC", "vpcConnectorName"),
    "appstream/fleet": ("puts desktops of AppStream into a VPC",),
    "workspaces/directory": ("puts desktops of WorkSpaces into a VPC", "directoryId"),
    "ram/principalAssociation": ("shares resources with somebody else", "principal"),
    "route53/resolverEndpoint": ("opens the VPC's resolver to other networks",),
    "route53/vpcAssociationAuthorization": ("lets another account's VPC use a private zone", "vpcId"),
}  # fmt: skip


def _endpoint(resource: Resource) -> Iterator[Finding]:
    declared = strings(resource.settings, _SETTING)
    service = resource.at("serviceName")
    # Services of others are `com.amazonaws.vpce.<region>.vpce-svc-…`, and those that AWS Marketplace sells.
    foreign = service.text is not None and (".vpce." in service.text or not _is_of_aws(service.text))
    if foreign and service.text not in declared:
        yield Finding(service.path, "is a service that is not AWS's own")
    for key, what in (("resourceConfigurationArn", "a resource"), ("serviceNetworkArn", "a service network")):
        if (target := resource.at(key)).given and target.text not in declared:
            yield Finding(target.path, f"leads to {what} of VPC Lattice")


def _is_of_aws(service: str) -> bool:
    return service.startswith(("com.amazonaws.", "cn.com.amazonaws.", "aws."))


_CHECKS: Final[dict[str, Check]] = {
    **{aws(path): presence_unless(what, _SETTING, *keys) for path, (what, *keys) in _WAYS.items()},
    aws("ec2/vpcEndpoint"): _endpoint,
}

OTHER_NETWORKS = ResourceRule(
    id="other-networks-declared",
    title="The network is joined to no other network, account or appliance unless it is declared.",
    severity=Severity.HIGH,
    remedy="Remove it, or name the other side in the setting peers.",
    why=(
        "Without an internet gateway the ways that are left come from the side: a peering, a transit gateway, a VPN, Direct "
        "Connect, a core network, VPC Lattice, a shared subnet, a mirrored interface (Amazon VPC User Guide, Connect your "
        "VPC to other networks). Each makes whoever is over there a neighbour whom no catalogue of public addresses finds. "
        "An id that is written in the configuration has been decided by somebody."
    ),
    settings=(_PEERS,),
    frameworks=Frameworks(checkov=("CKV2_AWS_44",)),
    checks=_CHECKS,
)


def _accepts(resource: Resource) -> Iterator[Finding]:
    accept = resource.at("autoAcceptSharedAttachments")
    if accept.given and accept.text != "disable":
        yield Finding(accept.path, "lets every account that the gateway is shared with attach a network")


TRANSIT_GATEWAYS = ResourceRule(
    id="transit-gateway-asks",
    title="A transit gateway accepts no attachment by itself.",
    severity=Severity.HIGH,
    remedy="Leave autoAcceptSharedAttachments out, or set it to disable.",
    why=(
        "Once the gateway is shared, each account of the share can attach a network and be routed at once, with nobody asked "
        "(Amazon VPC Transit Gateways Guide, Transit gateway attachments)."
    ),
    frameworks=Frameworks(fsbp=("EC2.23",), checkov=("CKV_AWS_331",)),
    checks={aws("ec2transitgateway/transitGateway"): _accepts},
    repairs={aws("ec2transitgateway/transitGateway"): {"autoAcceptSharedAttachments": "disable"}},
)


def _service(resource: Resource) -> Iterator[Finding]:
    accept = resource.at("acceptanceRequired")
    if not accept.unknown and accept.truth is not True:
        yield Finding(accept.path, f"is {accept.described}, not true", "Set acceptanceRequired to true.")
    yield from _principals(resource, "allowedPrincipals")


def _principals(resource: Resource, key: str) -> Iterator[Finding]:
    declared = strings(resource.settings, _SETTING)
    for principal in resource.at(key).each():
        if principal.text is not None and "*" in principal.text:
            yield Finding(principal.path, "is everyone")
        elif principal.text not in declared:
            yield Finding(principal.path, "is somebody whom the setting peers does not name")


ENDPOINT_SERVICES = ResourceRule(
    id="endpoint-service-asks",
    title="An endpoint service accepts each connection by hand, and from declared principals only.",
    severity=Severity.CRITICAL,
    remedy="Name the principals one by one, in allowedPrincipals and in the setting peers.",
    why=(
        "An endpoint service lets other accounts reach a load balancer in the VPC past every route and network ACL rule about "
        "their addresses (AWS PrivateLink Guide, Share your services). With `*` any account of AWS's may ask, and without "
        "acceptance whoever asks is in."
    ),
    settings=(_PEERS,),
    frameworks=Frameworks(checkov=("CKV_AWS_123",)),
    checks={
        aws("ec2/vpcEndpointService"): _service,
        aws("ec2/vpcEndpointServiceAllowedPrinciple"): lambda resource: _principals(resource, "principalArn"),
    },
)


def _authenticated(resource: Resource) -> Iterator[Finding]:
    kind = resource.at("authType")
    if not kind.unknown and kind.text != "AWS_IAM":
        yield Finding(kind.path, "is absent, and NONE by default" if kind.absent else "is not AWS_IAM")


LATTICE = ResourceRule(
    id="lattice-authenticated",
    title="Services and service networks of VPC Lattice ask for IAM authentication.",
    severity=Severity.HIGH,
    remedy="Set authType to AWS_IAM, with an auth policy.",
    why=(
        "With NONE, the default, whoever is in an associated VPC calls the service, and security groups see only Lattice's "
        "own addresses (Amazon VPC Lattice User Guide, Control access to VPC Lattice services using auth policies)."
    ),
    checks=dict.fromkeys((aws("vpclattice/service"), aws("vpclattice/serviceNetwork")), _authenticated),
    repairs={aws(path): {"authType": "AWS_IAM"} for path in ("vpclattice/service", "vpclattice/serviceNetwork")},
)
