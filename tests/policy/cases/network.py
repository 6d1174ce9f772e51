"""Network ACLs, gateways, routes, and the VPC itself."""

from tests.policy.cases.case import ABSENT_FALSE, PUBLIC, Case
from tests.policy.support import UNKNOWN

_S3_ANSWERS = {"ruleNo": 120, "action": "allow", "protocol": "tcp", "fromPort": 1024, "toPort": 65535}

_ACL_RULE = "network-acl-ingress-private"
_ACL = "ec2/networkAcl"
_ACL_ENTRY = "ec2/networkAclRule"
_NETWORK_ACLS = [
    Case(_ACL_RULE, _ACL, {"ingress": [{"ruleNo": 1, "action": "allow", "protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlock": "0.0.0.0/0"}]}, (("ingress[0].cidrBlock", f"is 0.0.0.0/0, {PUBLIC}"),)),
    Case(_ACL_RULE, "ec2/defaultNetworkAcl", {"ingress": [{"ruleNo": 1, "action": "ALLOW", "protocol": "tcp", "fromPort": 22, "toPort": 22, "ipv6CidrBlock": "::/0"}]}, (("ingress[0].ipv6CidrBlock", f"is ::/0, {PUBLIC}"),)),
    Case(_ACL_RULE, _ACL_ENTRY, {"ruleAction": "allow", "protocol": "tcp", "fromPort": 5432, "toPort": 5432, "cidrBlock": "0.0.0.0/1"}, (("cidrBlock", f"is 0.0.0.0/1, {PUBLIC}"),)),
    Case(_ACL_RULE, _ACL_ENTRY, {"egress": UNKNOWN, "ruleAction": UNKNOWN, "protocol": "-1", "cidrBlock": "8.8.8.0/24"}, (("cidrBlock", f"is 8.8.8.0/24, {PUBLIC}"),)),
    # Each of these is the answers of S3 but for one thing: too wide, not TCP, a low port, IPv6.
    Case(_ACL_RULE, _ACL, {"ingress": [_S3_ANSWERS | {"cidrBlock": "52.0.0.0/14"}]}, (("ingress[0].cidrBlock", f"is 52.0.0.0/14, {PUBLIC}"),)),
    Case(_ACL_RULE, _ACL, {"ingress": [_S3_ANSWERS | {"cidrBlock": "52.216.0.0/15", "protocol": "17"}]}, (("ingress[0].cidrBlock", f"is 52.216.0.0/15, {PUBLIC}"),)),
    Case(_ACL_RULE, _ACL, {"ingress": [_S3_ANSWERS | {"cidrBlock": "52.216.0.0/15", "fromPort": 1023}]}, (("ingress[0].cidrBlock", f"is 52.216.0.0/15, {PUBLIC}"),)),
    Case(_ACL_RULE, _ACL, {"ingress": [_S3_ANSWERS | {"cidrBlock": "52.216.0.0/15", "toPort": "all"}]}, (("ingress[0].cidrBlock", f"is 52.216.0.0/15, {PUBLIC}"),)),
    Case(_ACL_RULE, _ACL, {"ingress": [_S3_ANSWERS | {"ipv6CidrBlock": "2600:1fa0::/36"}]}, (("ingress[0].ipv6CidrBlock", f"is 2600:1fa0::/36, {PUBLIC}"),)),
    Case(_ACL_RULE, _ACL, {"ingress": [{"protocol": "tcp", "toPort": 65535, "cidrBlock": "52.216.0.0/15"}]}, (("ingress[0].cidrBlock", f"is 52.216.0.0/15, {PUBLIC}"),)),
    Case(_ACL_RULE, _ACL, {"ingress": [{"fromPort": 1024, "toPort": 65535, "cidrBlock": "52.216.0.0/15"}]}, (("ingress[0].cidrBlock", f"is 52.216.0.0/15, {PUBLIC}"),)),
    Case(_ACL_RULE, _ACL, {"ingress": [_S3_ANSWERS | {"cidrBlock": "52.216.0.0/15"}, _S3_ANSWERS | {"protocol": 6.0, "fromPort": 1024.0, "cidrBlock": "54.231.0.0/16"}]}),
    Case(_ACL_RULE, _ACL, {"ingress": [{"action": "allow", "protocol": "-1", "cidrBlock": "10.0.0.0/16"}]}, (("ingress[0].cidrBlock", f"is 10.0.0.0/16, {PUBLIC}"),), settings={"privateCidrs": ["10.20.0.0/16"]}),
    Case(_ACL_RULE, _ACL, {"ingress": [{"ruleNo": 1, "action": "deny", "protocol": "-1", "cidrBlock": "0.0.0.0/0"}, {"ruleNo": 2, "action": "allow", "protocol": "-1", "cidrBlock": "10.0.0.0/16"}]}),
    Case(_ACL_RULE, _ACL, {"egress": [{"ruleNo": 1, "action": "allow", "protocol": "-1", "cidrBlock": "0.0.0.0/0"}]}),
    Case(_ACL_RULE, "ec2/defaultNetworkAcl", {}),
    Case(_ACL_RULE, _ACL_ENTRY, {"ruleAction": "deny", "protocol": "-1", "cidrBlock": "0.0.0.0/0"}),
    Case(_ACL_RULE, _ACL_ENTRY, {"egress": True, "ruleAction": "allow", "protocol": "-1", "cidrBlock": "0.0.0.0/0"}),
]  # fmt: skip

_PLACES = (
    ("ec2/securityGroup", "vpcId"),
    ("rds/cluster", "dbSubnetGroupName"),
    ("rds/instance", "dbSubnetGroupName"),
    ("docdb/cluster", "dbSubnetGroupName"),
    ("neptune/cluster", "neptuneSubnetGroupName"),
    ("redshift/cluster", "clusterSubnetGroupName"),
    ("dms/replicationInstance", "replicationSubnetGroupId"),
    ("elasticache/cluster", "subnetGroupName"),
    ("elasticache/replicationGroup", "subnetGroupName"),
)
_GATEWAYS = [
    Case("no-internet-gateway", "ec2/internetGateway", {"vpcId": UNKNOWN}, (("", "is an internet gateway"),)),
    Case("no-internet-gateway", "ec2/internetGatewayAttachment", {"vpcId": UNKNOWN}, (("", "attaches an internet gateway to a VPC"),)),
    Case("no-internet-gateway", "ec2/egressOnlyInternetGateway", {}, (("", "is an egress-only internet gateway"),)),
    Case("no-internet-gateway", "ec2/carrierGateway", {}, (("", "is a carrier gateway"),)),
    Case("no-internet-gateway", "ec2/natGateway", {"subnetId": UNKNOWN}, (("", "is a public NAT gateway"),)),
    Case("no-internet-gateway", "ec2/natGateway", {"connectivityType": "public"}, (("", "is a public NAT gateway"),)),
    Case("no-internet-gateway", "ec2/vpcBlockPublicAccessExclusion", {}, (("", "exempts a network from VPC Block Public Access"),)),
    Case("no-internet-gateway", "ec2/routeTableAssociation", {"gatewayId": "igw-1", "routeTableId": UNKNOWN}, (("gatewayId", "routes what comes in through a gateway"),)),
    Case("no-internet-gateway", "ec2/routeTableAssociation", {"subnetId": UNKNOWN, "routeTableId": UNKNOWN}),
    Case("no-internet-gateway", "ec2/natGateway", {"connectivityType": "private"}),
    Case("no-default-network", "ec2/defaultVpc", {}, (("", "adopts the account's default VPC"),)),
    Case("no-default-network", "ec2/defaultSubnet", {}, (("", "adopts one of the account's default subnets"),)),
    *(Case("no-default-network", type_, {"tags": {}}, ((key, "is absent, so that the account's default VPC is used"),)) for type_, key in _PLACES),
    *(Case("no-default-network", type_, {key: "own"}) for type_, key in _PLACES),
    Case("no-default-network", "rds/cluster", {"dbSubnetGroupName": "default"}, (("dbSubnetGroupName", "is AWS's own, in the account's default VPC"),)),
    Case("no-default-network", "ec2/instance", {}, (("subnetId", "is absent, so that one of the account's default subnets is used"),)),
    Case("no-default-network", "ec2/spotInstanceRequest", {}, (("subnetId", "is absent, so that one of the account's default subnets is used"),)),
    Case("no-default-network", "autoscaling/group", {"availabilityZones": ["eu-west-1a"]}, (("availabilityZones", "names zones and no subnets, so that the account's default subnets are used"),)),
    Case("no-default-network", "rds/instance", {"replicateSourceDb": UNKNOWN}),
    Case("no-default-network", "elasticache/cluster", {"replicationGroupId": UNKNOWN}),
    Case("no-default-network", "ec2/instance", {"networkInterfaces": [{"networkInterfaceId": UNKNOWN}]}),
    Case("no-default-network", "autoscaling/group", {"vpcZoneIdentifiers": [UNKNOWN]}),
]  # fmt: skip

_ROUTES = [
    Case("no-internet-route", "ec2/route", {"destinationCidrBlock": "0.0.0.0/0", "gatewayId": UNKNOWN}, (("destinationCidrBlock", f"is 0.0.0.0/0, {PUBLIC}"),)),
    Case("no-internet-route", "ec2/route", {"destinationIpv6CidrBlock": "::/0", "transitGatewayId": "tgw-1"}, (("destinationIpv6CidrBlock", f"is ::/0, {PUBLIC}"),)),
    Case("no-internet-route", "ec2/route", {"destinationCidrBlock": "10.1.0.0/16", "gatewayId": "igw-1"}, (("gatewayId", "leads to an internet gateway"),)),
    Case("no-internet-route", "ec2/route", {"destinationPrefixListId": UNKNOWN, "natGatewayId": "nat-1"}, (("natGatewayId", "leads to a NAT gateway"),)),
    Case("no-internet-route", "ec2/routeTable", {"routes": [{"cidrBlock": "0.0.0.0/1"}, {"cidrBlock": "128.0.0.0/1"}]}, (("routes[0].cidrBlock", f"is 0.0.0.0/1, {PUBLIC}"), ("routes[1].cidrBlock", f"is 128.0.0.0/1, {PUBLIC}"))),
    Case("no-internet-route", "ec2/routeTable", {"routes": [{"ipv6CidrBlock": "fd00::/8", "egressOnlyGatewayId": "eigw-1"}]}, (("routes[0].egressOnlyGatewayId", "leads to an egress-only internet gateway"),)),
    Case("no-internet-route", "ec2/routeTable", {"routes": [{"cidrBlock": "10.1.0.0/16", "carrierGatewayId": "cagw-1"}]}, (("routes[0].carrierGatewayId", "leads to a carrier gateway"),)),
    Case("no-internet-route", "ec2/defaultRouteTable", {"routes": [{"ipv6CidrBlock": "::/0"}]}, (("routes[0].ipv6CidrBlock", f"is ::/0, {PUBLIC}"),)),
    Case("no-internet-route", "ec2/route", {"destinationCidrBlock": "10.1.0.0/16", "networkInterfaceId": "eni-1"}, (("networkInterfaceId", "leads to a network interface, which may pass it on anywhere"),)),
    Case("no-internet-route", "ec2/route", {"destinationCidrBlock": "100.64.0.0/10", "transitGatewayId": "tgw-1"}, (("destinationCidrBlock", f"is 100.64.0.0/10, {PUBLIC}"),), settings={"privateCidrs": ["10.0.0.0/8"]}),
    Case("no-internet-route", "ec2/route", {"destinationCidrBlock": "10.1.0.0/16", "vpcPeeringConnectionId": "pcx-1"}),
    Case("no-internet-route", "ec2/route", {"destinationCidrBlock": "10.1.0.0/16", "gatewayId": "vgw-1", "natGatewayId": ""}),
    Case("no-internet-route", "ec2/routeTable", {"routes": [{"cidrBlock": "10.0.0.0/16", "gatewayId": "local"}]}),
    Case("no-internet-route", "ec2/defaultRouteTable", {"routes": []}),
]  # fmt: skip

_DECLARED = "routes-declared"
_UNDECLARED = "is a network that the setting destinations does not name"
_PEER = {"destinations": ["10.1.0.0/16", "fd00:1::/32"]}
_OTHER_ROUTES = [
    Case(_DECLARED, "ec2/route", {"destinationCidrBlock": "10.1.0.0/16", "vpcPeeringConnectionId": UNKNOWN}, (("destinationCidrBlock", _UNDECLARED),)),
    Case(_DECLARED, "ec2/route", {"destinationCidrBlock": "10.0.0.0/8", "transitGatewayId": "tgw-1"}, (("destinationCidrBlock", _UNDECLARED),), settings=_PEER),
    Case(_DECLARED, "ec2/route", {"destinationPrefixListId": "pl-1", "coreNetworkArn": "arn:aws:networkmanager::123456789012:core-network/c"}, (("destinationPrefixListId", "names networks by a prefix list, and the setting destinations names none"),)),
    Case(_DECLARED, "ec2/routeTable", {"routes": [{"cidrBlock": "10.0.0.0/16", "gatewayId": "local"}, {"ipv6CidrBlock": "fd00::/8", "localGatewayId": "lgw-1"}]}, (("routes[1].ipv6CidrBlock", _UNDECLARED),)),
    Case(_DECLARED, "ec2/routeTable", {"propagatingVgws": ["vgw-1"]}, (("propagatingVgws", "lets a gateway write routes that no plan shows"),)),
    Case(_DECLARED, "ec2/defaultRouteTable", {"routes": [{"cidrBlock": "192.168.0.0/16", "gatewayId": "vgw-1"}]}, (("routes[0].cidrBlock", _UNDECLARED),)),
    Case(_DECLARED, "ec2/defaultRouteTable", {"propagatingVgws": [UNKNOWN]}, (("propagatingVgws", "lets a gateway write routes that no plan shows"),)),
    Case(_DECLARED, "ec2/route", {"destinationCidrBlock": "10.1.2.0/24", "vpcPeeringConnectionId": UNKNOWN}, settings=_PEER),
    Case(_DECLARED, "ec2/route", {"destinationIpv6CidrBlock": "fd00:1::/48", "transitGatewayId": "tgw-1"}, settings=_PEER),
    Case(_DECLARED, "ec2/route", {"destinationPrefixListId": "pl-1", "vpcEndpointId": "vpce-1"}, settings=_PEER),
    Case(_DECLARED, "ec2/routeTable", {"routes": [{"cidrBlock": "10.0.0.0/16", "gatewayId": "local"}], "propagatingVgws": []}),
    Case(_DECLARED, "ec2/defaultRouteTable", {"routes": []}),
]  # fmt: skip

_ACL_EGRESS = "network-acl-egress-private"
_S3_REQUESTS = {
    "ruleNo": 300,
    "action": "allow",
    "protocol": "tcp",
    "fromPort": 443,
    "toPort": 443,
    "cidrBlock": "52.216.0.0/15",
}
_LET_OUT = [
    Case(_ACL_EGRESS, _ACL, {"egress": [{"ruleNo": 1, "action": "allow", "protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlock": "0.0.0.0/0"}]}, (("egress[0].cidrBlock", f"is 0.0.0.0/0, {PUBLIC}"),)),
    Case(_ACL_EGRESS, _ACL, {"egress": [_S3_REQUESTS | {"toPort": 444}]}, (("egress[0].cidrBlock", f"is 52.216.0.0/15, {PUBLIC}"),)),
    Case(_ACL_EGRESS, "ec2/defaultNetworkAcl", {"egress": [{"action": "allow", "protocol": "tcp", "ipv6CidrBlock": "::/1"}]}, (("egress[0].ipv6CidrBlock", f"is ::/1, {PUBLIC}"),)),
    Case(_ACL_EGRESS, _ACL_ENTRY, {"egress": True, "ruleAction": "allow", "protocol": "tcp", "fromPort": 1024, "toPort": 65535, "cidrBlock": "52.216.0.0/15"}, (("cidrBlock", f"is 52.216.0.0/15, {PUBLIC}"),)),
    Case(_ACL_EGRESS, _ACL_ENTRY, {"egress": UNKNOWN, "protocol": "-1", "cidrBlock": "8.0.0.0/5"}, (("cidrBlock", f"is 8.0.0.0/5, {PUBLIC}"),)),
    Case(_ACL_EGRESS, _ACL, {"egress": [{"action": "allow", "protocol": "-1", "cidrBlock": "10.0.0.0/16"}]}, (("egress[0].cidrBlock", f"is 10.0.0.0/16, {PUBLIC}"),), settings={"privateCidrs": ["10.20.0.0/16"]}),
    Case(_ACL_EGRESS, _ACL, {"egress": [_S3_REQUESTS, {"ruleNo": 1, "action": "allow", "protocol": "-1", "cidrBlock": "10.0.0.0/16"}]}),
    Case(_ACL_EGRESS, _ACL, {"egress": [{"action": "deny", "protocol": "-1", "cidrBlock": "0.0.0.0/0"}]}),
    Case(_ACL_EGRESS, "ec2/defaultNetworkAcl", {}),
    Case(_ACL_EGRESS, _ACL_ENTRY, {"ruleAction": "allow", "protocol": "-1", "cidrBlock": "0.0.0.0/0"}),
    Case(_ACL_EGRESS, _ACL_ENTRY, {"egress": False, "ruleAction": "allow", "protocol": "-1", "cidrBlock": "0.0.0.0/0"}),
]  # fmt: skip

_EMPTY = "vpc-defaults-empty"
_CIDR = "vpc-cidr-private"
_NAMES = "vpc-resolves-privately"
_VPCS = [
    Case(_EMPTY, "ec2/defaultSecurityGroup", {"ingress": [{"self": True, "protocol": "-1"}], "egress": [{}]}, (("ingress", "is not empty"), ("egress", "is not empty"))),
    Case(_EMPTY, "ec2/defaultNetworkAcl", {"egress": [UNKNOWN]}, (("egress", "is not empty"),)),
    Case(_EMPTY, "ec2/defaultRouteTable", {"routes": [{"cidrBlock": "10.1.0.0/16"}]}, (("routes", "is not empty"),)),
    Case(_EMPTY, "ec2/defaultSecurityGroup", {"vpcId": UNKNOWN}),
    Case(_EMPTY, "ec2/defaultNetworkAcl", {"ingress": [], "egress": UNKNOWN}),
    Case(_EMPTY, "ec2/defaultRouteTable", {"routes": []}),
    Case(_CIDR, "ec2/vpc", {"cidrBlock": "54.0.0.0/16"}, (("cidrBlock", f"is 54.0.0.0/16, {PUBLIC}"),)),
    Case(_CIDR, "ec2/vpc", {"cidrBlock": "100.64.0.0/16"}, (("cidrBlock", f"is 100.64.0.0/16, {PUBLIC}"),), settings={"privateCidrs": ["10.0.0.0/8"]}),
    Case(_CIDR, "ec2/vpcIpv4CidrBlockAssociation", {"vpcId": UNKNOWN, "cidrBlock": "8.8.0.0/16"}, (("cidrBlock", f"is 8.8.0.0/16, {PUBLIC}"),)),
    Case(_CIDR, "ec2/subnet", {"cidrBlock": "54.0.0.0/24"}, (("cidrBlock", f"is 54.0.0.0/24, {PUBLIC}"),)),
    Case(_CIDR, "ec2/vpc", {"cidrBlock": "10.0.0.0/16"}),
    Case(_CIDR, "ec2/vpc", {"ipv4IpamPoolId": UNKNOWN}),
    Case(_NAMES, "ec2/vpc", {"enableDnsSupport": False}, (("enableDnsSupport", "is false, not true"), ("enableDnsHostnames", ABSENT_FALSE))),
    Case(_NAMES, "ec2/vpc", {"enableDnsHostnames": False}, (("enableDnsHostnames", "is false, not true"),)),
    Case(_NAMES, "ec2/vpcDhcpOptions", {"domainNameServers": ["AmazonProvidedDNS", "10.0.0.53"]}, (("domainNameServers[1]", "is a resolver that is not the VPC's own"),)),
    Case(_NAMES, "ec2/vpc", {"enableDnsHostnames": True}),
    Case(_NAMES, "ec2/vpc", {"enableDnsSupport": True, "enableDnsHostnames": UNKNOWN}),
    Case(_NAMES, "ec2/vpcDhcpOptions", {"domainNameServers": ["AmazonProvidedDNS", UNKNOWN]}),
    Case(_NAMES, "ec2/vpcDhcpOptions", {"domainName": "corp.internal"}),
    Case("flow-log-records-all", "ec2/flowLog", {"vpcId": UNKNOWN, "trafficType": "REJECT"}, (("trafficType", "records a part of the traffic"),)),
    Case("flow-log-records-all", "ec2/flowLog", {"subnetId": "subnet-1"}, (("trafficType", "is absent"),)),
    Case("flow-log-records-all", "ec2/flowLog", {"vpcId": "vpc-1", "trafficType": "ALL"}),
    Case("flow-log-records-all", "ec2/flowLog", {"transitGatewayId": "tgw-1"}),
]  # fmt: skip

_GUARDS = "account-guards-stay"
_OFF = "is not"
_ACCOUNT = [
    Case(_GUARDS, "ec2/vpcBlockPublicAccessOptions", {"internetGatewayBlockMode": "off"}, (("internetGatewayBlockMode", f"{_OFF} block-bidirectional or block-ingress"),)),
    Case(_GUARDS, "ec2/imageBlockPublicAccess", {}, (("state", "is absent, and has to be block-new-sharing"),)),
    Case(_GUARDS, "ec2/imageBlockPublicAccess", {"state": "unblocked"}, (("state", f"{_OFF} block-new-sharing"),)),
    Case(_GUARDS, "ebs/snapshotBlockPublicAccess", {"state": "unblocked"}, (("state", f"{_OFF} block-all-sharing or block-new-sharing"),)),
    Case(_GUARDS, "ec2/serialConsoleAccess", {}, (("enabled", "is absent, and true by default"),)),
    Case(_GUARDS, "ec2/serialConsoleAccess", {"enabled": True}, (("enabled", "is true"),)),
    Case(_GUARDS, "emr/blockPublicAccessConfiguration", {"blockPublicSecurityGroupRules": False}, (("blockPublicSecurityGroupRules", "is false, not true"),)),
    Case(_GUARDS, "emr/blockPublicAccessConfiguration", {"blockPublicSecurityGroupRules": True}),
    Case(_GUARDS, "ec2/instanceMetadataDefaults", {"httpTokens": "optional"}, (("httpTokens", "lets instances start with the first version of the metadata service"),)),
    Case(_GUARDS, "ec2/vpcBlockPublicAccessOptions", {"internetGatewayBlockMode": "block-ingress"}),
    Case(_GUARDS, "ec2/imageBlockPublicAccess", {"state": "block-new-sharing"}),
    Case(_GUARDS, "ebs/snapshotBlockPublicAccess", {"state": UNKNOWN}),
    Case(_GUARDS, "ec2/serialConsoleAccess", {"enabled": False}),
    Case(_GUARDS, "ec2/instanceMetadataDefaults", {"httpTokens": "required"}),
]  # fmt: skip

CASES = [*_NETWORK_ACLS, *_LET_OUT, *_GATEWAYS, *_ROUTES, *_OTHER_ROUTES, *_VPCS, *_ACCOUNT]
