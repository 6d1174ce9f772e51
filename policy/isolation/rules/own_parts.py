"""What a stack makes is held by groups, tables and lists that the same stack makes, and that are checked."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from isolation.declared import identifiers, strings
from isolation.reading.properties import Property
from isolation.rule import Finding, Resource, StackRule
from isolation.stack import Stack

_SETTING: Final = identifiers("parts", "The ids, ARNs or names of parts beyond the stack that somebody has read.")

_GROUPS: Final = ("ec2/securityGroup", "ec2/defaultSecurityGroup")
_TABLES: Final = ("ec2/routeTable", "ec2/defaultRouteTable")
_ACLS: Final = ("ec2/networkAcl", "ec2/defaultNetworkAcl")
_TARGETS: Final = ("lb/targetGroup", "alb/targetGroup")
_CLASSIC: Final = ("elb/loadBalancer",)
_SUBNETS: Final = ("rds/subnetGroup",)
_INTERFACES: Final = ("ec2/networkInterface",)

# (type, where it names a part, the types that the part may be of)
_NAMES: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("ec2/instance", "vpcSecurityGroupIds", _GROUPS),
    ("ec2/instance", "securityGroups", _GROUPS),
    ("ec2/instance", "networkInterfaces[].networkInterfaceId", _INTERFACES),
    ("ec2/instance", "primaryNetworkInterface.networkInterfaceId", _INTERFACES),
    ("ec2/spotInstanceRequest", "vpcSecurityGroupIds", _GROUPS),
    ("ec2/spotInstanceRequest", "securityGroups", _GROUPS),
    ("ec2/launchTemplate", "vpcSecurityGroupIds", _GROUPS),
    ("ec2/launchTemplate", "networkInterfaces[].securityGroups", _GROUPS),
    ("ec2/launchTemplate", "networkInterfaces[].networkInterfaceId", _INTERFACES),
    ("ec2/launchConfiguration", "securityGroups", _GROUPS),
    ("ec2/networkInterface", "securityGroups", _GROUPS),
    ("ec2/networkInterfaceAttachment", "networkInterfaceId", _INTERFACES),
    ("ec2/networkInterfaceSecurityGroupAttachment", "securityGroupId", _GROUPS),
    ("ec2/networkInterfaceSecurityGroupAttachment", "networkInterfaceId", (*_INTERFACES, "ec2/instance")),
    ("ec2/securityGroupAssociation", "securityGroupId", _GROUPS),
    ("ec2/vpcEndpoint", "securityGroupIds", _GROUPS),
    ("rds/cluster", "vpcSecurityGroupIds", _GROUPS),
    ("rds/cluster", "dbSubnetGroupName", _SUBNETS),
    ("rds/instance", "vpcSecurityGroupIds", _GROUPS),
    ("rds/instance", "dbSubnetGroupName", _SUBNETS),
    ("rds/proxy", "vpcSecurityGroupIds", _GROUPS),
    ("rds/proxyEndpoint", "vpcSecurityGroupIds", _GROUPS),
    ("rds/proxyTarget", "dbClusterIdentifier", ("rds/cluster",)),
    ("rds/proxyTarget", "dbInstanceIdentifier", ("rds/instance",)),
    ("rds/clusterInstance", "clusterIdentifier", ("rds/cluster",)),
    ("ec2/instance", "iamInstanceProfile", ("iam/instanceProfile",)),
    ("ec2/volumeAttachment", "volumeId", ("ebs/volume",)),
    ("lambda/function", "vpcConfig.securityGroupIds", _GROUPS),
    ("ecs/service", "networkConfiguration.securityGroups", _GROUPS),
    ("ecs/service", "loadBalancers[].targetGroupArn", _TARGETS),
    ("lb/loadBalancer", "securityGroups", _GROUPS),
    ("alb/loadBalancer", "securityGroups", _GROUPS),
    ("elb/loadBalancer", "securityGroups", _GROUPS),
    ("lb/targetGroupAttachment", "targetGroupArn", _TARGETS),
    ("alb/targetGroupAttachment", "targetGroupArn", _TARGETS),
    ("elb/attachment", "elb", _CLASSIC),
    ("autoscaling/attachment", "lbTargetGroupArn", _TARGETS),
    ("autoscaling/attachment", "elb", _CLASSIC),
    ("autoscaling/group", "targetGroupArns", _TARGETS),
    ("autoscaling/group", "loadBalancers", _CLASSIC),
    ("ec2/routeTableAssociation", "routeTableId", _TABLES),
    ("ec2/mainRouteTableAssociation", "routeTableId", _TABLES),
    ("ec2/networkAclAssociation", "networkAclId", _ACLS),
    ("ec2/vpcDhcpOptionsAssociation", "dhcpOptionsId", ("ec2/vpcDhcpOptions",)),
)
_IDENTITIES: Final = ("id", "arn", "name", "identifier", "primaryNetworkInterfaceId", "clusterIdentifier")


def _foreign(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    declared = set(strings(stack.settings, _SETTING.name))
    own: dict[tuple[str, ...], set[str]] = {}
    for path, pattern, kinds in _NAMES:
        known = own.setdefault(kinds, declared | _identities(stack, kinds))
        for resource in stack.of(path):
            for named in _parts(resource, pattern):
                if named.text not in known:
                    yield resource, Finding(named.path, "names a part of the network that this stack does not make")


def _identities(stack: Stack, kinds: tuple[str, ...]) -> set[str]:
    texts = (part.at(key).text for part in stack.of(*kinds) for key in _IDENTITIES)
    return {text for text in texts if text is not None}


def _parts(resource: Resource, pattern: str) -> Iterator[Property]:
    """What is known of one identifier, or of a list of them; ids of this stack's own are unknown during a preview."""
    return (each for found in resource.select(pattern) for each in found.each())


OWN_PARTS = StackRule(
    id="network-parts-of-own-stack",
    title="What the stack makes is behind groups, tables and target groups of the same stack.",
    severity=Severity.HIGH,
    remedy="Use a resource of this stack, or give the identifier in the setting parts after reading what it admits.",
    why=(
        "An id that is written out stands for rules that no plan shows: a security group that admits everybody, a route table "
        "with an internet gateway, the target group of a public load balancer (Amazon VPC User Guide, Security groups and "
        "Route tables). The resource beside it looks closed, and every other rule here passes."
    ),
    settings=(_SETTING,),
    check=_foreign,
)
