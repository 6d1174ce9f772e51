"""VPC endpoints, endpoint services and other ways in from the side."""

from tests.policy.cases.case import ABSENT_FALSE, Case, policy
from tests.policy.support import UNKNOWN

_RULE = "endpoint-policy-narrow"
_ENDPOINT = "ec2/vpcEndpoint"
_POLICY = "ec2/vpcEndpointPolicy"
_ROLE = "arn:aws:iam::123456789012:role/one"
_CALL = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "lambda:InvokeFunction",
    "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:one",
}
_BY_ROLE = {"Condition": {"ArnEquals": {"aws:PrincipalArn": _ROLE}}}
_READ = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::al2023-repos-eu-west-1-de612dc2/*",
}
_EVERYBODY = ("policy", "has a statement whose Principal lets everybody through, under no condition that narrows that")
_RESOURCE = ("policy", "has a statement whose Resource lets data go to, or come from, whatever account it names")
_ACTION = ("policy", "has a statement whose Action lets every action pass")

_POLICIES = [
    Case(_RULE, _ENDPOINT, {"policy": policy({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})}, (_ACTION, _RESOURCE, _EVERYBODY)),
    Case(_RULE, _POLICY, {"policy": policy(_CALL | {"Action": "s3:Put*", "Resource": "arn:aws:s3:::*"} | _BY_ROLE)}, (_RESOURCE,)),
    Case(_RULE, _POLICY, {"policy": policy(_CALL | {"Action": ["ssm:GetDocument", "sqs:SendMessage"], "Resource": ["arn:aws:sqs:*:*:*"]} | _BY_ROLE)}, (_RESOURCE,)),
    Case(_RULE, _POLICY, {"policy": policy(_CALL | {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::own-batch/*"} | _BY_ROLE)}),
    Case(_RULE, _POLICY, {"policy": policy(_CALL | {"Action": "ssm:UpdateInstanceInformation", "Resource": "*"} | _BY_ROLE)}),
    Case(_RULE, _POLICY, {"policy": policy(_CALL)}, (_EVERYBODY,)),
    Case(_RULE, _POLICY, {"policy": policy(_CALL | {"Principal": {"AWS": ["*"]}})}, (_EVERYBODY,)),
    Case(_RULE, _POLICY, {"policy": policy(_CALL | {"Action": "lambda:*"} | _BY_ROLE)}, (_ACTION,)),
    Case(_RULE, _POLICY, {"policy": policy(_CALL | {"Condition": {"ArnLike": {"aws:PrincipalArn": "*"}}})}, (_EVERYBODY,)),
    Case(_RULE, _POLICY, {"policy": policy(_CALL | {"Condition": {"StringNotEquals": {"aws:PrincipalAccount": "1"}}})}, (_EVERYBODY,)),
    # Each of these is the reading of a public repository but for one thing.
    Case(_RULE, _POLICY, {"policy": policy(_READ | {"Action": "s3:PutObject"})}, (_EVERYBODY,)),
    Case(_RULE, _POLICY, {"policy": policy(_READ | {"Action": ["s3:GetObject", "s3:PutObject"]})}, (_EVERYBODY,)),
    Case(_RULE, _POLICY, {"policy": policy(_READ | {"Resource": "arn:aws:s3:::one/*"})}, (_EVERYBODY,)),
    Case(_RULE, _POLICY, {"policy": policy(_READ | {"Resource": "*"})}, (_RESOURCE, _EVERYBODY)),
    Case(_RULE, _POLICY, {"policy": policy(_READ)}, (_EVERYBODY,), settings={"publicBuckets": ["other-"]}),
    Case(_RULE, _POLICY, {"policy": policy(_CALL | _BY_ROLE | {"NotAction": "s3:PutObject"})}, (("policy", "has a statement whose NotAction lets everything pass that it does not name"),)),
    Case(_RULE, _ENDPOINT, {"policy": "hunter"}),
    Case(_RULE, _ENDPOINT, {"policy": policy(_CALL | _BY_ROLE, _READ)}),
    Case(_RULE, _ENDPOINT, {}),
    Case(_RULE, _POLICY, {"policy": policy(_CALL | {"Principal": {"AWS": _ROLE}})}),
    Case(_RULE, _POLICY, {"policy": {"Statement": [_CALL | {"Effect": "Deny"}, UNKNOWN]}}),
    Case(_RULE, _POLICY, {"policy": UNKNOWN}),
]  # fmt: skip

_NAMES = [
    Case("endpoint-private-dns", _ENDPOINT, {"vpcEndpointType": "Interface"}, (("privateDnsEnabled", ABSENT_FALSE),)),
    Case("endpoint-private-dns", _ENDPOINT, {"vpcEndpointType": "Interface", "privateDnsEnabled": False}, (("privateDnsEnabled", "is false, not true"),)),
    Case("endpoint-private-dns", "vpc/endpointPrivateDns", {"vpcEndpointId": UNKNOWN, "privateDnsEnabled": False}, (("privateDnsEnabled", "is false, not true"),)),
    Case("endpoint-private-dns", _ENDPOINT, {"vpcEndpointType": "Interface", "privateDnsEnabled": True}),
    Case("endpoint-private-dns", _ENDPOINT, {"vpcEndpointType": "Gateway"}),
    Case("endpoint-private-dns", _ENDPOINT, {}),
    Case("endpoint-private-dns", "vpc/endpointPrivateDns", {"privateDnsEnabled": UNKNOWN}),
]  # fmt: skip

_NETWORKS = "other-networks-declared"
# The type, the property that says with whom, and what is said about it.
_SIDES = [
    ("ec2/vpcPeeringConnection", "peerVpcId", "peers with another VPC"),
    ("ec2/vpcPeeringConnectionAccepter", "vpcPeeringConnectionId", "accepts a peering with another VPC"),
    ("ec2/peeringConnectionOptions", "vpcPeeringConnectionId", "sets up a peering with another VPC"),
    ("ec2/vpcEndpointConnectionAccepter", "vpcEndpointId", "lets another network's endpoint in"),
    ("quicksight/vpcConnection", "awsAccountId", "lets QuickSight reach into a VPC"),
    ("apprunner/vpcConnector", "vpcConnectorName", "lets App Runner reach into a VPC"),
    ("workspaces/directory", "directoryId", "puts desktops of WorkSpaces into a VPC"),
    ("ec2/vpnGatewayAttachment", "vpnGatewayId", "attaches a VPN gateway"),
    ("ec2/vpnGatewayRoutePropagation", "vpnGatewayId", "lets a VPN gateway write routes"),
    ("ec2/customerGateway", "ipAddress", "is the other end of a VPN"),
    ("ec2/vpnConnection", "customerGatewayId", "is a VPN"),
    ("ec2/vpnConnectionRoute", "vpnConnectionId", "routes to the other end of a VPN"),
    ("ec2/vpnConcentrator", "transitGatewayId", "ends the VPNs of many sites"),
    ("ec2transitgateway/vpcAttachment", "transitGatewayId", "attaches a VPC to a transit gateway"),
    ("ec2transitgateway/vpcAttachmentAccepter", "transitGatewayAttachmentId", "accepts a VPC at a transit gateway"),
    ("ec2transitgateway/peeringAttachment", "peerTransitGatewayId", "peers with another transit gateway"),
    ("ec2transitgateway/peeringAttachmentAccepter", "transitGatewayAttachmentId", "accepts a transit gateway"),
    ("ec2transitgateway/connect", "transitGatewayId", "connects an appliance to a transit gateway"),
    ("ec2transitgateway/connectPeer", "peerAddress", "connects an appliance to a transit gateway"),
    ("ec2transitgateway/route", "transitGatewayAttachmentId", "routes between networks"),
    ("ec2transitgateway/prefixListReference", "transitGatewayAttachmentId", "routes between networks"),
    ("ec2transitgateway/routeTablePropagation", "transitGatewayAttachmentId", "routes between networks"),
    ("directconnect/gatewayAssociation", "dxGatewayId", "attaches a network to Direct Connect"),
    ("directconnect/privateVirtualInterface", "connectionId", "is an interface of Direct Connect"),
    ("directconnect/transitVirtualInterface", "connectionId", "is an interface of Direct Connect"),
    ("directconnect/publicVirtualInterface", "connectionId", "is an interface of Direct Connect"),
    ("directconnect/hostedPrivateVirtualInterface", "ownerAccountId", "is an interface of Direct Connect"),
    ("directconnect/hostedTransitVirtualInterface", "ownerAccountId", "is an interface of Direct Connect"),
    ("directconnect/hostedPublicVirtualInterface", "ownerAccountId", "is an interface of Direct Connect"),
    ("networkmanager/vpcAttachment", "coreNetworkId", "attaches a VPC to a core network"),
    ("networkmanager/siteToSiteVpnAttachment", "coreNetworkId", "attaches a VPN to a core network"),
    ("networkmanager/connectAttachment", "coreNetworkId", "connects an appliance to a core network"),
    ("networkmanager/transitGatewayPeering", "coreNetworkId", "peers a core network with a transit gateway"),
    ("networkmanager/dxGatewayAttachment", "coreNetworkId", "attaches Direct Connect to a core network"),
    ("odb/networkPeeringConnection", "odbNetworkId", "peers with a database network"),
    ("ec2/localGatewayRoute", "localGatewayRouteTableId", "routes to an Outpost's local network"),
    ("ec2/localGatewayRouteTableVpcAssociation", "localGatewayRouteTableId", "joins a VPC to an Outpost's network"),
    ("vpc/routeServerVpcAssociation", "routeServerId", "lets a route server write routes"),
    ("vpc/routeServerPropagation", "routeServerId", "lets a route server write routes"),
    ("vpc/securityGroupVpcAssociation", "vpcId", "uses a security group in another VPC"),
    ("vpclattice/serviceNetworkVpcAssociation", "serviceNetworkIdentifier", "joins a VPC to a VPC Lattice service network"),
    ("vpclattice/resourceConfiguration", "resourceGatewayIdentifier", "offers something in a VPC to VPC Lattice"),
    ("ec2/networkInterfacePermission", "awsAccountId", "gives another account an interface"),
    ("ec2/trafficMirrorSession", "trafficMirrorTargetId", "copies an interface's traffic"),
    ("ram/principalAssociation", "principal", "shares resources with somebody else"),
    ("route53/vpcAssociationAuthorization", "vpcId", "lets another account's VPC use a private zone"),
]  # fmt: skip
_OTHERS = [
    *(Case(_NETWORKS, type_, {key: "other-1"}, (("", what),)) for type_, key, what in _SIDES),
    *(Case(_NETWORKS, type_, {key: "other-1"}, settings={"peers": ["other-1"]}) for type_, key, what in _SIDES),
    Case(_NETWORKS, "ec2/vpcPeeringConnection", {"peerVpcId": UNKNOWN}, (("", "peers with another VPC"),), settings={"peers": ["vpc-1"]}),
    Case(_NETWORKS, "ec2/vpcPeeringConnection", {"peerVpcId": UNKNOWN}, settings={"peers": ["thing"]}),
    Case(_NETWORKS, "odb/networkPeeringConnection", {"odbNetworkArn": "arn:aws:odb:eu-west-1:123456789012:odb-network/o"}, settings={"peers": ["arn:aws:odb:eu-west-1:123456789012:odb-network/o"]}),
    Case(_NETWORKS, "appstream/fleet", {}, (("", "puts desktops of AppStream into a VPC"),)),
    Case(_NETWORKS, "ec2/vpnGateway", {}, (("", "is a VPN gateway"),)),
    Case(_NETWORKS, "vpclattice/resourceGateway", {"vpcId": UNKNOWN}, (("", "lets VPC Lattice reach into a VPC"),)),
    Case(_NETWORKS, "ec2/trafficMirrorTarget", {}, (("", "receives copies of traffic"),)),
    Case(_NETWORKS, "route53/resolverEndpoint", {"direction": "INBOUND"}, (("", "opens the VPC's resolver to other networks"),)),
    Case(_NETWORKS, _ENDPOINT, {"serviceName": "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0"}, (("serviceName", "is a service that is not AWS's own"),)),
    Case(_NETWORKS, _ENDPOINT, {"serviceName": "evil.example"}, (("serviceName", "is a service that is not AWS's own"),)),
    Case(_NETWORKS, _ENDPOINT, {"resourceConfigurationArn": "arn:aws:vpc-lattice:eu-west-1:210987654321:resourceconfiguration/r"}, (("resourceConfigurationArn", "leads to a resource of VPC Lattice"),)),
    Case(_NETWORKS, _ENDPOINT, {"serviceNetworkArn": "arn:aws:vpc-lattice:eu-west-1:210987654321:servicenetwork/s"}, (("serviceNetworkArn", "leads to a service network of VPC Lattice"),)),
    Case(_NETWORKS, _ENDPOINT, {"serviceName": "com.amazonaws.eu-west-1.lambda"}),
    Case(_NETWORKS, _ENDPOINT, {"serviceName": "cn.com.amazonaws.cn-north-1.ssm"}),
    Case(_NETWORKS, _ENDPOINT, {"serviceName": "com.amazonaws.vpce.eu-west-1.vpce-svc-1"}, settings={"peers": ["com.amazonaws.vpce.eu-west-1.vpce-svc-1"]}),
    Case(_NETWORKS, _ENDPOINT, {"serviceName": UNKNOWN, "serviceNetworkArn": UNKNOWN}),
]  # fmt: skip

_SERVICE_RULE = "endpoint-service-asks"
_SERVICE = "ec2/vpcEndpointService"
_PRINCIPAL = "ec2/vpcEndpointServiceAllowedPrinciple"
_SOMEBODY = "is somebody whom the setting peers does not name"
_PARTNER = "arn:aws:iam::210987654321:root"
_SERVICES = [
    Case(_SERVICE_RULE, _SERVICE, {"acceptanceRequired": False, "allowedPrincipals": ["*"]}, (("acceptanceRequired", "is false, not true"), ("allowedPrincipals[0]", "is everyone"))),
    Case(_SERVICE_RULE, _SERVICE, {"acceptanceRequired": True, "allowedPrincipals": [UNKNOWN, _PARTNER]}, (("allowedPrincipals[1]", _SOMEBODY),)),
    Case(_SERVICE_RULE, _SERVICE, {}, (("acceptanceRequired", "is absent, not true"),)),
    Case(_SERVICE_RULE, _PRINCIPAL, {"principalArn": "arn:aws:iam::*:root"}, (("principalArn", "is everyone"),), settings={"peers": ["arn:aws:iam::*:root"]}),
    Case(_SERVICE_RULE, _PRINCIPAL, {"principalArn": _PARTNER}, (("principalArn", _SOMEBODY),)),
    Case(_SERVICE_RULE, _SERVICE, {"acceptanceRequired": True, "allowedPrincipals": [_PARTNER]}, settings={"peers": [_PARTNER]}),
    Case(_SERVICE_RULE, _SERVICE, {"acceptanceRequired": UNKNOWN}),
    Case(_SERVICE_RULE, _PRINCIPAL, {"principalArn": UNKNOWN}),
]  # fmt: skip

_GATEWAY = "ec2transitgateway/transitGateway"
_LATTICE = [
    Case("transit-gateway-asks", _GATEWAY, {"autoAcceptSharedAttachments": "enable"}, (("autoAcceptSharedAttachments", "lets every account that the gateway is shared with attach a network"),)),
    Case("transit-gateway-asks", _GATEWAY, {}),
    Case("transit-gateway-asks", _GATEWAY, {"autoAcceptSharedAttachments": "disable"}),
    Case("lattice-authenticated", "vpclattice/service", {}, (("authType", "is absent, and NONE by default"),)),
    Case("lattice-authenticated", "vpclattice/serviceNetwork", {"authType": "NONE"}, (("authType", "is not AWS_IAM"),)),
    Case("lattice-authenticated", "vpclattice/service", {"authType": "AWS_IAM"}),
    Case("lattice-authenticated", "vpclattice/serviceNetwork", {"authType": UNKNOWN}),
]  # fmt: skip

CASES = [*_POLICIES, *_NAMES, *_OTHERS, *_SERVICES, *_LATTICE]
