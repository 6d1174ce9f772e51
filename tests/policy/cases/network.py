"""Security groups, prefix lists, network ACLs, gateways and routes."""

from tests.policy.cases.case import PUBLIC, Case
from tests.policy.support import UNKNOWN

_PORTS = {"protocol": "tcp", "fromPort": 443, "toPort": 443}
_S3_ANSWERS = {"ruleNo": 120, "action": "allow", "protocol": "tcp", "fromPort": 1024, "toPort": 65535}

_GROUP_RULE = "security-group-ingress-private"
_GROUP = "ec2/securityGroup"
_DEFAULT_GROUP = "ec2/defaultSecurityGroup"
_LEGACY = "ec2/securityGroupRule"
_MODERN = "vpc/securityGroupIngressRule"

_SECURITY_GROUPS = [
    Case(_GROUP_RULE, _GROUP, {"ingress": [_PORTS | {"cidrBlocks": ["10.0.0.0/8", "0.0.0.0/0"]}]}, (("ingress[0].cidrBlocks[1]", f"is 0.0.0.0/0, {PUBLIC}"),)),
    Case(_GROUP_RULE, _GROUP, {"ingress": [_PORTS | {"cidrBlocks": ["0.0.0.0/1", "128.0.0.0/1"]}]}, (("ingress[0].cidrBlocks[0]", f"is 0.0.0.0/1, {PUBLIC}"), ("ingress[0].cidrBlocks[1]", f"is 128.0.0.0/1, {PUBLIC}"))),
    Case(_GROUP_RULE, _GROUP, {"ingress": [_PORTS, _PORTS | {"ipv6CidrBlocks": ["::/0"]}]}, (("ingress[1].ipv6CidrBlocks[0]", f"is ::/0, {PUBLIC}"),)),
    Case(_GROUP_RULE, _GROUP, {"ingress": [_PORTS | {"cidrBlocks": ["everywhere"]}]}, (("ingress[0].cidrBlocks[0]", "is a string that is no CIDR block"),)),
    Case(_GROUP_RULE, _GROUP, {"ingress": _PORTS | {"cidrBlocks": "0.0.0.0/0"}}, (("ingress.cidrBlocks", f"is 0.0.0.0/0, {PUBLIC}"),)),
    Case(_GROUP_RULE, _DEFAULT_GROUP, {"ingress": [_PORTS | {"cidrBlocks": ["0.0.0.1/0"]}]}, (("ingress[0].cidrBlocks[0]", f"is 0.0.0.1/0, {PUBLIC}"),)),
    Case(_GROUP_RULE, _LEGACY, _PORTS | {"type": "ingress", "cidrBlocks": ["8.0.0.0/8"]}, (("cidrBlocks[0]", f"is 8.0.0.0/8, {PUBLIC}"),)),
    Case(_GROUP_RULE, _LEGACY, _PORTS | {"type": "ingress", "ipv6CidrBlocks": ["2000::/3"]}, (("ipv6CidrBlocks[0]", f"is 2000::/3, {PUBLIC}"),)),
    Case(_GROUP_RULE, _LEGACY, _PORTS | {"type": UNKNOWN, "cidrBlocks": ["0.0.0.0/0"]}, (("cidrBlocks[0]", f"is 0.0.0.0/0, {PUBLIC}"),)),
    Case(_GROUP_RULE, _MODERN, {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}, (("cidrIpv4", f"is 0.0.0.0/0, {PUBLIC}"),)),
    Case(_GROUP_RULE, _MODERN, {"ipProtocol": "-1", "cidrIpv6": "::ffff:0:0/96"}, (("cidrIpv6", f"is ::ffff:0:0/96, {PUBLIC}"),)),
    Case(_GROUP_RULE, _GROUP, {"egress": [_PORTS | {"cidrBlocks": ["0.0.0.0/0"]}]}),
    Case(_GROUP_RULE, _GROUP, {"ingress": [_PORTS | {"cidrBlocks": ["10.0.0.0/16"], "ipv6CidrBlocks": ["fd00::/8"], "securityGroups": ["sg-1"]}]}),
    Case(_GROUP_RULE, _DEFAULT_GROUP, {}),
    Case(_GROUP_RULE, _LEGACY, _PORTS | {"type": "egress", "cidrBlocks": ["0.0.0.0/0"]}),
    Case(_GROUP_RULE, _LEGACY, _PORTS | {"type": "ingress", "sourceSecurityGroupId": "sg-1"}),
    Case(_GROUP_RULE, _MODERN, {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "referencedSecurityGroupId": "sg-1"}),
]  # fmt: skip

_PREFIX_LISTS = [
    Case("prefix-list-private", "ec2/managedPrefixList", {"entries": [{"cidr": "10.0.0.0/8"}, {"cidr": "52.216.0.0/15"}]}, (("entries[1].cidr", f"is 52.216.0.0/15, {PUBLIC}"),)),
    Case("prefix-list-private", "ec2/managedPrefixListEntry", {"cidr": "::/0"}, (("cidr", f"is ::/0, {PUBLIC}"),)),
    Case("prefix-list-private", "ec2/managedPrefixList", {"entries": [{"cidr": "10.0.0.0/8"}]}),
    Case("prefix-list-private", "ec2/managedPrefixListEntry", {"cidr": "172.16.0.0/12"}),
]  # fmt: skip

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
    Case(_ACL_RULE, _ACL, {"ingress": [{"ruleNo": 1, "action": "deny", "protocol": "-1", "cidrBlock": "0.0.0.0/0"}, {"ruleNo": 2, "action": "allow", "protocol": "-1", "cidrBlock": "10.0.0.0/16"}]}),
    Case(_ACL_RULE, _ACL, {"egress": [{"ruleNo": 1, "action": "allow", "protocol": "-1", "cidrBlock": "0.0.0.0/0"}]}),
    Case(_ACL_RULE, "ec2/defaultNetworkAcl", {}),
    Case(_ACL_RULE, _ACL_ENTRY, {"ruleAction": "deny", "protocol": "-1", "cidrBlock": "0.0.0.0/0"}),
    Case(_ACL_RULE, _ACL_ENTRY, {"egress": True, "ruleAction": "allow", "protocol": "-1", "cidrBlock": "0.0.0.0/0"}),
]  # fmt: skip

_GATEWAYS = [
    Case("no-internet-gateway", "ec2/internetGateway", {"vpcId": UNKNOWN}, (("", "is an internet gateway"),)),
    Case("no-internet-gateway", "ec2/internetGatewayAttachment", {"vpcId": UNKNOWN}, (("", "attaches an internet gateway to a VPC"),)),
    Case("no-internet-gateway", "ec2/egressOnlyInternetGateway", {}, (("", "is an egress-only internet gateway"),)),
    Case("no-internet-gateway", "ec2/carrierGateway", {}, (("", "is a carrier gateway"),)),
    Case("no-internet-gateway", "ec2/natGateway", {"subnetId": UNKNOWN}, (("", "is a public NAT gateway"),)),
    Case("no-internet-gateway", "ec2/natGateway", {"connectivityType": "public"}, (("", "is a public NAT gateway"),)),
    Case("no-internet-gateway", "ec2/vpcBlockPublicAccessExclusion", {}, (("", "exempts a network from VPC Block Public Access"),)),
    Case("no-internet-gateway", "ec2/natGateway", {"connectivityType": "private"}),
    Case("no-default-network", "ec2/defaultVpc", {}, (("", "adopts the account's default VPC"),)),
    Case("no-default-network", "ec2/defaultSubnet", {}, (("", "adopts one of the account's default subnets"),)),
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
    Case("no-internet-route", "ec2/route", {"destinationCidrBlock": "10.1.0.0/16", "vpcPeeringConnectionId": "pcx-1"}),
    Case("no-internet-route", "ec2/route", {"destinationCidrBlock": "10.1.0.0/16", "gatewayId": "vgw-1", "natGatewayId": ""}),
    Case("no-internet-route", "ec2/routeTable", {"routes": [{"cidrBlock": "10.0.0.0/16", "gatewayId": "local"}]}),
    Case("no-internet-route", "ec2/defaultRouteTable", {"routes": []}),
]  # fmt: skip

CASES = [*_SECURITY_GROUPS, *_PREFIX_LISTS, *_NETWORK_ACLS, *_GATEWAYS, *_ROUTES]
