"""What each rule says about what: every form that a violation can take, and its harmless neighbours.

`VIOLATING` and `COMPLIANT` are checked one by one, and are the material of the tests that hold for every rule.
"""

import json
from dataclasses import dataclass
from typing import Any

from tests.policy.support import UNKNOWN

PUBLIC = "which reaches outside private address space"


@dataclass(frozen=True)
class Case:
    rule: str
    type: str
    properties: dict[str, Any]
    found: tuple[tuple[str, str], ...] = ()
    """(property, problem) of each finding, in order."""
    about_absence: bool = False
    """The violation is that a list lacks something: an unknown element may be what is missed."""

    def __str__(self) -> str:
        return f"{self.rule}-{self.type}-{next(iter(self.properties), 'empty')}"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def refusal(service: str, **changes: Any) -> dict[str, Any]:
    """A statement that refuses clear text on a resource and all that it contains."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": f"{service}:*",
        "Resource": [f"arn:aws:{service}:::one", f"arn:aws:{service}:::one/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    } | changes


READ = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "s3:GetObject",
    "Resource": "*",
}
_CLEAR = (("policy", "does not refuse requests over clear text"),)
_NARROWED = {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:SourceVpc": "vpc-1"}}
_PORTS = {"protocol": "tcp", "fromPort": 443, "toPort": 443}
_S3_ANSWERS = {"ruleNo": 120, "action": "allow", "protocol": "tcp", "fromPort": 1024, "toPort": 65535}
_ABSENT_FALSE = "is absent, and false by default"

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

_TRUE = "is true, not false"
_ADDRESSES = [
    Case("no-public-address", "ec2/eip", {}, (("", "is a public address"),)),
    Case("no-public-address", "ec2/eipAssociation", {}, (("", "gives an interface a public address"),)),
    Case("no-public-address", "ec2/natGatewayEipAssociation", {}, (("", "gives a NAT gateway a public address"),)),
    Case("no-public-address", "ec2/subnet", {"mapPublicIpOnLaunch": True, "assignIpv6AddressOnCreation": "true"}, (("mapPublicIpOnLaunch", _TRUE), ("assignIpv6AddressOnCreation", "is a string, not false"))),
    Case("no-public-address", "ec2/defaultSubnet", {"mapPublicIpOnLaunch": True}, (("mapPublicIpOnLaunch", _TRUE),)),
    Case("no-public-address", "ec2/instance", {"associatePublicIpAddress": True}, (("associatePublicIpAddress", _TRUE),)),
    Case("no-public-address", "ec2/instance", {"associatePublicIpAddress": 1}, (("associatePublicIpAddress", "is a number, not false"),)),
    Case("no-public-address", "ec2/spotInstanceRequest", {"associatePublicIpAddress": True}, (("associatePublicIpAddress", _TRUE),)),
    Case("no-public-address", "ec2/launchConfiguration", {"associatePublicIpAddress": True}, (("associatePublicIpAddress", _TRUE),)),
    Case("no-public-address", "ec2/launchTemplate", {"networkInterfaces": [{"associatePublicIpAddress": "false"}, {"associatePublicIpAddress": True}]}, (("networkInterfaces[1].associatePublicIpAddress", _TRUE),)),
    Case("no-public-address", "ec2/launchTemplate", {"networkInterfaces": [{"associateCarrierIpAddress": True}]}, (("networkInterfaces[0].associateCarrierIpAddress", _TRUE),)),
    Case("no-public-address", "ec2/subnet", {"cidrBlock": "10.0.0.0/24"}),
    Case("no-public-address", "ec2/subnet", {"mapPublicIpOnLaunch": False}),
    Case("no-public-address", "ec2/instance", {"associatePublicIpAddress": False}),
    Case("no-public-address", "ec2/launchTemplate", {"networkInterfaces": [{"associatePublicIpAddress": "false"}]}),
]  # fmt: skip

_ENDPOINTS = [
    Case("database-not-public", "rds/cluster", {"publiclyAccessible": True}, (("publiclyAccessible", _TRUE),)),
    Case("database-not-public", "rds/cluster", {"dbClusterInstanceClass": "db.m6gd.large"}, (("publiclyAccessible", "is absent, and true by default without a subnet group"),)),
    Case("database-not-public", "rds/cluster", {"dbClusterInstanceClass": UNKNOWN, "dbSubnetGroupName": "default"}, (("publiclyAccessible", "is absent, and true by default without a subnet group"),)),
    Case("database-not-public", "rds/clusterInstance", {"publiclyAccessible": True}, (("publiclyAccessible", _TRUE),)),
    Case("database-not-public", "rds/instance", {"publiclyAccessible": True}, (("publiclyAccessible", _TRUE),)),
    Case("database-not-public", "rds/cluster", {"engine": "aurora-postgresql"}),
    Case("database-not-public", "rds/cluster", {"dbClusterInstanceClass": "db.m6gd.large", "dbSubnetGroupName": UNKNOWN}),
    Case("database-not-public", "rds/cluster", {"dbClusterInstanceClass": "db.m6gd.large", "publiclyAccessible": False}),
    Case("database-not-public", "rds/clusterInstance", {"publiclyAccessible": False}),
    Case("database-not-public", "rds/instance", {}),
    Case("function-url-authenticated", "lambda/functionUrl", {"authorizationType": "NONE"}, (("authorizationType", "is NONE, not AWS_IAM"),)),
    Case("function-url-authenticated", "lambda/functionUrl", {}, (("authorizationType", "is absent, not AWS_IAM"),)),
    Case("function-url-authenticated", "lambda/functionUrl", {"authorizationType": "aws_iam"}, (("authorizationType", "is a string, not AWS_IAM"),)),
    Case("function-url-authenticated", "lambda/functionUrl", {"authorizationType": "AWS_IAM"}),
    Case("load-balancer-internal", "lb/loadBalancer", {"internal": False}, (("internal", "is false, not true"),)),
    Case("load-balancer-internal", "lb/loadBalancer", {"loadBalancerType": UNKNOWN}, (("internal", _ABSENT_FALSE),)),
    Case("load-balancer-internal", "alb/loadBalancer", {}, (("internal", _ABSENT_FALSE),)),
    Case("load-balancer-internal", "elb/loadBalancer", {}, (("internal", _ABSENT_FALSE),)),
    Case("load-balancer-internal", "lb/loadBalancer", {"internal": True}),
    Case("load-balancer-internal", "lb/loadBalancer", {"loadBalancerType": "gateway"}),
]  # fmt: skip

_STORAGE_RULE = "storage-encrypted"
_STORAGE = [
    Case(_STORAGE_RULE, "rds/cluster", {}, (("storageEncrypted", _ABSENT_FALSE),)),
    Case(_STORAGE_RULE, "rds/cluster", {"storageEncrypted": False}, (("storageEncrypted", "is false, not true"),)),
    Case(_STORAGE_RULE, "rds/instance", {"storageEncrypted": "yes"}, (("storageEncrypted", "is a string, not true"),)),
    Case(_STORAGE_RULE, "ebs/volume", {"size": 8}, (("encrypted", _ABSENT_FALSE),)),
    Case(_STORAGE_RULE, "ec2/instance", {}, (("rootBlockDevice.encrypted", _ABSENT_FALSE),)),
    Case(_STORAGE_RULE, "ec2/instance", {"rootBlockDevice": {"encrypted": True}, "ebsBlockDevices": [{"encrypted": True}, {"deviceName": "b"}]}, (("ebsBlockDevices[1].encrypted", _ABSENT_FALSE),)),
    Case(_STORAGE_RULE, "ec2/spotInstanceRequest", {"rootBlockDevice": {"encrypted": False}}, (("rootBlockDevice.encrypted", "is false, not true"),)),
    Case(_STORAGE_RULE, "ec2/launchConfiguration", {}, (("rootBlockDevice.encrypted", _ABSENT_FALSE),)),
    Case(_STORAGE_RULE, "ec2/launchTemplate", {"blockDeviceMappings": [{"ebs": {"volumeSize": 8}}]}, (("blockDeviceMappings[0].ebs.encrypted", _ABSENT_FALSE),)),
    Case(_STORAGE_RULE, "sqs/queue", {"sqsManagedSseEnabled": False}, (("sqsManagedSseEnabled", "is false and kmsMasterKeyId is absent"),)),
    Case(_STORAGE_RULE, "rds/cluster", {"storageEncrypted": True}),
    Case(_STORAGE_RULE, "rds/instance", {"storageEncrypted": True}),
    Case(_STORAGE_RULE, "ebs/volume", {"encrypted": True}),
    Case(_STORAGE_RULE, "ec2/instance", {"rootBlockDevice": {"encrypted": True}}),
    Case(_STORAGE_RULE, "ec2/launchTemplate", {"blockDeviceMappings": [{"ebs": {"encrypted": "true"}}, {"deviceName": "b", "noDevice": "true"}]}),
    Case(_STORAGE_RULE, "sqs/queue", {}),
    Case(_STORAGE_RULE, "sqs/queue", {"sqsManagedSseEnabled": True}),
    Case(_STORAGE_RULE, "sqs/queue", {"sqsManagedSseEnabled": False, "kmsMasterKeyId": UNKNOWN}),
]  # fmt: skip

_KEY_RULE = "storage-customer-key"
_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
_AWS_KEY = "arn:aws:kms:eu-west-1:123456789012:alias/aws/rds"
_KEYS = [
    Case(_KEY_RULE, "rds/cluster", {}, (("kmsKeyId", "is absent"),)),
    Case(_KEY_RULE, "rds/cluster", {"kmsKeyId": _AWS_KEY}, (("kmsKeyId", "names a key that AWS manages"),)),
    Case(_KEY_RULE, "rds/instance", {"kmsKeyId": "alias/aws/rds", "replicateSourceDb": "other"}, (("kmsKeyId", "names a key that AWS manages"),)),
    Case(_KEY_RULE, "s3/vectorsVectorBucket", {}, (("encryptionConfigurations", "is absent"),)),
    Case(_KEY_RULE, "s3/vectorsVectorBucket", {"encryptionConfigurations": []}, (("encryptionConfigurations", "is empty"),), about_absence=True),
    Case(_KEY_RULE, "s3/vectorsVectorBucket", {"encryptionConfigurations": [{"sseType": "AES256"}]}, (("encryptionConfigurations[0].sseType", "is AES256, not aws:kms"),)),
    Case(_KEY_RULE, "s3/vectorsIndex", {"encryptionConfigurations": [{"kmsKeyArn": _KEY}]}, (("encryptionConfigurations[0].sseType", "is absent, not aws:kms"),)),
    Case(_KEY_RULE, "s3/vectorsIndex", {"encryptionConfigurations": [{"sseType": "aws:kms"}]}, (("encryptionConfigurations[0].kmsKeyArn", "is absent"),)),
    Case(_KEY_RULE, "rds/cluster", {"kmsKeyId": _KEY}),
    Case(_KEY_RULE, "rds/instance", {"replicateSourceDb": UNKNOWN}),
    Case(_KEY_RULE, "s3/vectorsVectorBucket", {"encryptionConfigurations": [{"sseType": "aws:kms", "kmsKeyArn": _KEY}]}),
    Case(_KEY_RULE, "s3/vectorsIndex", {}),
    Case(_KEY_RULE, "s3/vectorsIndex", {"encryptionConfigurations": [{"sseType": UNKNOWN}]}),
    Case(_KEY_RULE, "s3/vectorsIndex", {"encryptionConfigurations": [{"sseType": "aws:kms", "kmsKeyArn": UNKNOWN}]}),
]  # fmt: skip

_TLS_RULE = "database-requires-tls"
_FORCED = {"name": "rds.force_ssl", "value": "1"}
_OTHER = {"name": "log_connections", "value": "1"}
_DEFAULT = (("parameters", "leaves rds.force_ssl to its default, which depends on the version"),)
_TLS = [
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18"}, _DEFAULT),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18", "parameters": [_OTHER]}, _DEFAULT, about_absence=True),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": UNKNOWN, "parameters": [_OTHER | {"value": UNKNOWN}]}, _DEFAULT, about_absence=True),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "postgres16", "parameters": [_OTHER, _FORCED | {"value": "0"}]}, (("parameters[1].value", "of rds.force_ssl is not 1"),)),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "postgres16", "parameters": [{"name": "RDS.force_ssl"}]}, (("parameters[0].value", "of rds.force_ssl is absent"),)),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "postgres16", "parameters": [_FORCED, _FORCED | {"value": 0.0}]}, (("parameters[1].value", "of rds.force_ssl is not 1"),)),
    Case(_TLS_RULE, "rds/cluster", {"engine": "aurora-postgresql"}, (("dbClusterParameterGroupName", "is absent, so AWS's default parameters apply"),)),
    Case(_TLS_RULE, "rds/cluster", {"engine": UNKNOWN, "dbClusterParameterGroupName": "default.aurora-postgresql18"}, (("dbClusterParameterGroupName", "names AWS's default group, which cannot be changed"),)),
    Case(_TLS_RULE, "rds/instance", {}, (("parameterGroupName", "is absent, so AWS's default parameters apply"),)),
    Case(_TLS_RULE, "rds/proxy", {}, (("requireTls", _ABSENT_FALSE),)),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18", "parameters": [_OTHER, _FORCED]}),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18", "parameters": [_FORCED | {"value": 1.0}]}),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18", "parameters": [_OTHER, {"name": UNKNOWN, "value": "0"}]}),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-mysql8.0"}),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18", "parameters": UNKNOWN}),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18", "parameters": [_FORCED | {"value": UNKNOWN}]}),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "mysql8.4"}),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "aurora-postgresql18"}),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "postgres18", "parameters": [_FORCED]}),
    Case(_TLS_RULE, "rds/cluster", {"engine": "aurora-postgresql", "dbClusterParameterGroupName": "own"}),
    Case(_TLS_RULE, "rds/instance", {"engine": "mysql"}),
    Case(_TLS_RULE, "rds/proxy", {"requireTls": True}),
]  # fmt: skip

_POLICY_RULE = "policy-refuses-clear-text"
_BUCKET_POLICY = "s3/bucketPolicy"
_TRANSPORT = [
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(READ)}, _CLEAR),
    Case(_POLICY_RULE, "s3/bucket", {"policy": policy(READ)}, _CLEAR),
    Case(_POLICY_RULE, "s3/bucketV2", {"policy": policy(READ)}, _CLEAR),
    Case(_POLICY_RULE, "s3/vectorsVectorBucketPolicy", {"policy": policy(refusal("s3"))}, _CLEAR),
    Case(_POLICY_RULE, "sqs/queuePolicy", {"policy": policy()}, _CLEAR),
    Case(_POLICY_RULE, "sqs/queue", {"policy": policy(refusal("sqs", Effect="Allow"))}, _CLEAR),
    # Each of these is a refusal but for one thing.
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Principal={"AWS": "arn:aws:iam::123456789012:root"}))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Action="s3:GetObject"))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Resource="arn:aws:s3:::one"))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Resource="arn:aws:s3:::one/*"))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Condition=_NARROWED))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Condition={"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Condition={"Bool": {"aws:SecureTransport": "true"}}))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Condition={"Bool": {"aws:ViaAWSService": "false"}}))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Condition={"StringEquals": {"aws:SecureTransport": "false"}}))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(refusal("s3", Condition={"Bool": ["aws:SecureTransport"]}))}, _CLEAR),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": "{"}, (("policy", "is a string that is no policy document"),)),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": "[" * 100_000}, (("policy", "is a string that is no policy document"),)),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": 7}, (("policy", "is a number that is no policy document"),)),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": policy(READ, refusal("s3"))}),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": json.dumps({"Statement": refusal("s3", Principal={"AWS": ["*"]}, Action="*", Resource="*")})}),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": {"Statement": [refusal("s3", Condition={"BoolIfExists": {"AWS:securetransport": [False]}})]}}),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": {"Statement": [READ, UNKNOWN]}}),
    Case(_POLICY_RULE, _BUCKET_POLICY, {"policy": {"Statement": [refusal("s3", Resource=[UNKNOWN])]}}),
    Case(_POLICY_RULE, "s3/bucket", {}),
    Case(_POLICY_RULE, "s3/vectorsVectorBucketPolicy", {"policy": policy(refusal("s3vectors"))}),
    Case(_POLICY_RULE, "sqs/queuePolicy", {"policy": policy(refusal("sqs", Resource="arn:aws:sqs:eu-west-1:123456789012:one"))}),
    Case(_POLICY_RULE, "sqs/queue", {}),
]  # fmt: skip

_IAM_RULE = "database-iam-authentication"
_LOGINS = [
    Case(_IAM_RULE, "rds/cluster", {}, (("iamDatabaseAuthenticationEnabled", _ABSENT_FALSE),)),
    Case(_IAM_RULE, "rds/instance", {"iamDatabaseAuthenticationEnabled": False}, (("iamDatabaseAuthenticationEnabled", "is false, not true"),)),
    Case(_IAM_RULE, "rds/proxy", {}, (("defaultAuthScheme", "is absent, and NONE by default"),)),
    Case(_IAM_RULE, "rds/proxy", {"defaultAuthScheme": "NONE", "auths": []}, (("defaultAuthScheme", "is not IAM_AUTH"),), about_absence=True),
    Case(_IAM_RULE, "rds/proxy", {"auths": [{"iamAuth": "REQUIRED"}, {"iamAuth": "DISABLED"}, {}]}, (("auths[1].iamAuth", "is not REQUIRED"), ("auths[2].iamAuth", "is absent, and DISABLED by default"))),
    Case(_IAM_RULE, "rds/cluster", {"iamDatabaseAuthenticationEnabled": True}),
    Case(_IAM_RULE, "rds/instance", {"iamDatabaseAuthenticationEnabled": True}),
    Case(_IAM_RULE, "rds/proxy", {"defaultAuthScheme": "IAM_AUTH"}),
    Case(_IAM_RULE, "rds/proxy", {"auths": [{"iamAuth": "REQUIRED"}]}),
    Case(_IAM_RULE, "rds/proxy", {"defaultAuthScheme": UNKNOWN}),
    Case(_IAM_RULE, "rds/proxy", {"auths": UNKNOWN}),
    Case(_IAM_RULE, "rds/proxy", {"auths": [{"iamAuth": UNKNOWN}]}),
]  # fmt: skip

_PASSWORD_RULE = "database-managed-master-password"
_HOLDS = "holds a master password"
_PASSWORDS = [
    Case(_PASSWORD_RULE, "rds/cluster", {}, (("manageMasterUserPassword", _ABSENT_FALSE),)),
    Case(_PASSWORD_RULE, "rds/cluster", {"masterPassword": "correct horse"}, (("masterPassword", _HOLDS), ("manageMasterUserPassword", _ABSENT_FALSE))),
    Case(_PASSWORD_RULE, "rds/cluster", {"manageMasterUserPassword": True, "masterPasswordWo": "correct horse"}, (("masterPasswordWo", _HOLDS),)),
    Case(_PASSWORD_RULE, "rds/cluster", {"masterPassword": UNKNOWN}, (("manageMasterUserPassword", _ABSENT_FALSE),)),
    Case(_PASSWORD_RULE, "rds/instance", {"manageMasterUserPassword": False, "password": "correct horse"}, (("password", _HOLDS), ("manageMasterUserPassword", "is false, not true"))),
    Case(_PASSWORD_RULE, "rds/instance", {"replicateSourceDb": UNKNOWN, "passwordWo": "correct horse"}, (("passwordWo", _HOLDS),)),
    Case(_PASSWORD_RULE, "rds/cluster", {"manageMasterUserPassword": True}),
    Case(_PASSWORD_RULE, "rds/cluster", {"replicationSourceIdentifier": UNKNOWN}),
    Case(_PASSWORD_RULE, "rds/instance", {"manageMasterUserPassword": True}),
    Case(_PASSWORD_RULE, "rds/instance", {"replicateSourceDb": "other"}),
]  # fmt: skip

CASES = [
    *_SECURITY_GROUPS,
    *_PREFIX_LISTS,
    *_NETWORK_ACLS,
    *_GATEWAYS,
    *_ROUTES,
    *_ADDRESSES,
    *_ENDPOINTS,
    *_STORAGE,
    *_KEYS,
    *_TLS,
    *_TRANSPORT,
    *_LOGINS,
    *_PASSWORDS,
]
VIOLATING = [case for case in CASES if case.found]
COMPLIANT = [case for case in CASES if not case.found]
