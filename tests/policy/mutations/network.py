"""Doors of every kind, in every spelling of an address that is not private."""

from typing import Any

from tests.policy.mutations.changing import GONE, Mutation, added, changed, edited, listed, without

EVERYWHERE_V4 = ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "0.0.0.1/0", "10.0.0.0/7", "100.0.0.0/8", "52.95.110.1/32")
EVERYWHERE_V6 = ("::/0", "2000::/3", "::/1", "::ffff:0.0.0.0/96", "::ffff:52.95.110.1/128", "64:ff9b::/96")
NO_BLOCK = ("0.0.0.0", "010.0.0.0/8", "0.0.0.0/0.0.0.0", "everywhere")
BOTH = (*(("4", cidr) for cidr in (*EVERYWHERE_V4, *NO_BLOCK)), *(("6", cidr) for cidr in EVERYWHERE_V6))
POSTGRES: dict[str, Any] = {"description": "Other.", "fromPort": 5432, "toPort": 5432}

_GROUP = "security-group-ingress-private"
_INGRESS = [
    mutation
    for version, cidr in BOTH
    for inline in [
        POSTGRES | {"protocol": "tcp", "cidrBlocks" if version == "4" else "ipv6CidrBlocks": ["10.0.0.0/8", cidr]}
    ]
    for mutation in (
        Mutation(
            _GROUP,
            f"one more rule admits {cidr}",
            added(
                "vpc/securityGroupIngressRule",
                POSTGRES | {"ipProtocol": "tcp", f"cidrIpv{version}": cidr},
                securityGroupId="ec2/securityGroup",
            ),
        ),
        Mutation(_GROUP, f"an inline rule admits {cidr}", listed("ec2/securityGroup", "ingress", inline)),
        Mutation(_GROUP, f"the default group admits {cidr}", listed("ec2/defaultSecurityGroup", "ingress", inline)),
        Mutation(
            _GROUP,
            f"a rule of the older kind admits {cidr}",
            added("ec2/securityGroupRule", inline | {"type": "ingress"}, securityGroupId="ec2/securityGroup"),
        ),
        Mutation(
            _GROUP,
            f"a rule admits {cidr} instead of a group",
            changed("vpc/securityGroupIngressRule", **{"referencedSecurityGroupId": GONE, f"cidrIpv{version}": cidr}),
        ),
    )
]

_ROUTES = [
    mutation
    for version, cidr in BOTH
    for key in ["destinationCidrBlock" if version == "4" else "destinationIpv6CidrBlock"]
    for inline in [{"cidrBlock" if version == "4" else "ipv6CidrBlock": cidr, "transitGatewayId": "tgw-1"}]
    for mutation in (
        Mutation(
            "no-internet-route",
            f"a route to {cidr}",
            added("ec2/route", {key: cidr, "networkInterfaceId": "eni-1"}, routeTableId="ec2/routeTable"),
        ),
        Mutation("no-internet-route", f"a table routes {cidr}", listed("ec2/routeTable", "routes", inline)),
        Mutation(
            "no-internet-route", f"the main table routes {cidr}", listed("ec2/defaultRouteTable", "routes", inline)
        ),
    )
]

_ALLOW = {"protocol": "-1", "fromPort": 0, "toPort": 0}
_ACLS = [
    mutation
    for version, cidr in BOTH
    for key in ["cidrBlock" if version == "4" else "ipv6CidrBlock"]
    for mutation in (
        Mutation(
            "network-acl-ingress-private",
            f"an entry admits {cidr}",
            listed("ec2/networkAcl", "ingress", _ALLOW | {"ruleNo": 1, "action": "allow", key: cidr}),
        ),
        Mutation(
            "network-acl-ingress-private",
            f"the default ACL admits {cidr}",
            listed("ec2/defaultNetworkAcl", "ingress", _ALLOW | {"ruleNo": 1, "action": "ALLOW", key: cidr}),
        ),
        Mutation(
            "network-acl-ingress-private",
            f"a standalone entry admits {cidr}",
            added(
                "ec2/networkAclRule",
                _ALLOW | {"ruleNumber": 1, "ruleAction": "allow", "egress": False, key: cidr},
                networkAclId="ec2/networkAcl",
            ),
        ),
    )
]

_LISTS = [
    Mutation(
        "prefix-list-private",
        f"a prefix list with {cidr}",
        added("ec2/managedPrefixList", {"addressFamily": f"IPv{version}", "entries": [{"cidr": cidr}]}),
    )
    for version, cidr in BOTH
]

_ADDRESSES = [
    Mutation("no-internet-gateway", f"an {path}", added(path, vpcId="ec2/vpc"))
    for path in ("ec2/internetGateway", "ec2/internetGatewayAttachment", "ec2/egressOnlyInternetGateway", "ec2/carrierGateway")
] + [
    Mutation("no-internet-gateway", "a NAT gateway", added("ec2/natGateway", {}, subnetId="ec2/subnet")),
    Mutation("no-public-address", "an address", added("ec2/eip", {"domain": "vpc"})),
    Mutation("no-public-address", "an address for the bastion", added("ec2/eipAssociation", {}, instanceId="ec2/instance")),
    Mutation("no-public-address", "subnets give addresses out", changed("ec2/subnet", mapPublicIpOnLaunch=True)),
    Mutation("no-public-address", "subnets give IPv6 out", changed("ec2/subnet", assignIpv6AddressOnCreation=True)),
    Mutation("no-public-address", "the bastion has one", changed("ec2/instance", associatePublicIpAddress=True)),
    Mutation("database-not-public", "the instance", changed("rds/instance", publiclyAccessible=True)),
    Mutation("database-not-public", "the cluster's instance", changed("rds/clusterInstance", publiclyAccessible=True)),
    Mutation("function-url-authenticated", "a URL", added("lambda/functionUrl", {"authorizationType": "NONE"}, functionName="lambda/function")),
    Mutation("load-balancer-internal", "a load balancer", added("lb/loadBalancer", {"loadBalancerType": "network"}, subnets="ec2/subnet")),
    Mutation("no-default-network", "the default VPC", added("ec2/defaultVpc")),
    Mutation("no-default-network", "a default subnet", added("ec2/defaultSubnet", {"availabilityZone": "eu-central-1a"})),
]  # fmt: skip

_CLOUDFRONT = {"prefixListId": "pl-a3a144ca"}


def _inline_from_cloudfront(properties: dict[str, Any]) -> None:
    properties["ingress"] = [POSTGRES | {"protocol": "tcp", "prefixListIds": ["pl-a3a144ca"]}]


_ACROSS = [
    Mutation("security-group-ingress-prefix-list-declared", "CloudFront may come in", added("vpc/securityGroupIngressRule", POSTGRES | {"ipProtocol": "tcp"} | _CLOUDFRONT, securityGroupId="ec2/securityGroup")),
    Mutation("security-group-ingress-prefix-list-declared", "CloudFront may come in, inline", edited("ec2/securityGroup", _inline_from_cloudfront)),
    Mutation("security-group-egress-prefix-list-https", "everything to a list of AWS's", changed("vpc/securityGroupEgressRule", "to-s3", ipProtocol="-1", prefixListId="pl-63a5400a")),
    Mutation("security-group-egress-prefix-list-https", "SSH to a list of AWS's", changed("vpc/securityGroupEgressRule", "to-s3", fromPort=22, prefixListId="pl-63a5400a")),
    Mutation("security-group-rules-in-one-place", "an inline rule beside others", listed("ec2/securityGroup", "ingress", POSTGRES | {"protocol": "tcp", "self": True}, "bastion")),
    Mutation("network-acl-public-needs-endpoint", "no gateway endpoint, its answers pass", without("ec2/vpcEndpoint", "-s3")),
    Mutation("subnet-has-network-acl", "no ACL", without("ec2/networkAcl")),
    Mutation("subnet-has-route-table", "no association", without("ec2/routeTableAssociation")),
    Mutation("subnet-has-route-table", "one more subnet", added("ec2/subnet", {"cidrBlock": "10.0.250.0/24"}, vpcId="ec2/vpc")),
    Mutation("subnet-has-network-acl", "one more subnet", added("ec2/subnet", {"cidrBlock": "10.0.250.0/24"}, vpcId="ec2/vpc")),
    Mutation("vpc-has-flow-log", "no flow log", without("ec2/flowLog")),
    Mutation("vpc-has-flow-log", "one more VPC", added("ec2/vpc", {"cidrBlock": "10.9.0.0/16"})),
    *(Mutation("vpc-defaults-taken-over", f"no {path}", without(path)) for path in ("ec2/defaultSecurityGroup", "ec2/defaultNetworkAcl", "ec2/defaultRouteTable")),
    Mutation("vpc-defaults-taken-over", "one more VPC", added("ec2/vpc", {"cidrBlock": "10.9.0.0/16"})),
    Mutation("vpc-defaults-not-extended", "a route in the main table", added("ec2/route", {"destinationCidrBlock": "10.9.0.0/16"}, routeTableId="ec2/defaultRouteTable")),
    Mutation("vpc-defaults-not-extended", "a rule of the default group", added("vpc/securityGroupIngressRule", {"ipProtocol": "-1"}, securityGroupId="ec2/defaultSecurityGroup")),
    Mutation("endpoint-has-policy", "an endpoint's policy is gone", without("ec2/vpcEndpointPolicy")),
    Mutation("endpoint-has-policy", "an endpoint's policy says nothing", changed("ec2/vpcEndpointPolicy", policy=GONE)),
    Mutation("endpoint-has-security-group", "no group", changed("ec2/vpcEndpoint", "ssm", securityGroupIds=GONE)),
    Mutation("endpoint-has-security-group", "an empty list of groups", changed("ec2/vpcEndpoint", "ssm", securityGroupIds=[])),
]  # fmt: skip

MUTATIONS = [*_INGRESS, *_ROUTES, *_ACLS, *_LISTS, *_ADDRESSES, *_ACROSS]
