"""Groups, tables, interfaces and target groups are of the stack, wherever they are named."""

from typing import Any

import pytest

from isolation.rule import Resource
from tests.policy.stages import Stage, hidden, judged, stage
from tests.policy.support import UNKNOWN, resource

__all__ = ["stage"]

RULE = "network-parts-of-own-stack"
FOREIGN = "names a part of the network that this stack does not make"
GROUP, TABLE, ACL = "ec2/securityGroup", "ec2/routeTable", "ec2/networkAcl"
TARGETS, INTERFACE, SUBNETS, CLASSIC = "lb/targetGroup", "ec2/networkInterface", "rds/subnetGroup", "elb/loadBalancer"
NAMING: list[tuple[str, str, str]] = [
    ("ec2/instance", "vpcSecurityGroupIds[0]", GROUP),
    ("ec2/instance", "securityGroups[0]", GROUP),
    ("ec2/instance", "networkInterfaces[0].networkInterfaceId", INTERFACE),
    ("ec2/instance", "primaryNetworkInterface.networkInterfaceId", INTERFACE),
    ("ec2/spotInstanceRequest", "vpcSecurityGroupIds[0]", GROUP),
    ("ec2/spotInstanceRequest", "securityGroups[0]", GROUP),
    ("ec2/launchTemplate", "vpcSecurityGroupIds[0]", GROUP),
    ("ec2/launchTemplate", "networkInterfaces[0].securityGroups[0]", GROUP),
    ("ec2/launchTemplate", "networkInterfaces[0].networkInterfaceId", INTERFACE),
    ("ec2/launchConfiguration", "securityGroups[0]", GROUP),
    ("ec2/networkInterface", "securityGroups[0]", GROUP),
    ("ec2/networkInterfaceAttachment", "networkInterfaceId", INTERFACE),
    ("ec2/networkInterfaceSecurityGroupAttachment", "securityGroupId", GROUP),
    ("ec2/securityGroupAssociation", "securityGroupId", GROUP),
    ("ec2/vpcEndpoint", "securityGroupIds[0]", "ec2/defaultSecurityGroup"),
    ("rds/cluster", "vpcSecurityGroupIds[0]", GROUP),
    ("rds/cluster", "dbSubnetGroupName", SUBNETS),
    ("rds/instance", "vpcSecurityGroupIds[0]", GROUP),
    ("rds/instance", "dbSubnetGroupName", SUBNETS),
    ("rds/proxy", "vpcSecurityGroupIds[0]", GROUP),
    ("lambda/function", "vpcConfig.securityGroupIds[0]", GROUP),
    ("ecs/service", "networkConfiguration.securityGroups[0]", GROUP),
    ("ecs/service", "loadBalancers[0].targetGroupArn", TARGETS),
    ("lb/loadBalancer", "securityGroups[0]", GROUP),
    ("alb/loadBalancer", "securityGroups[0]", GROUP),
    ("elb/loadBalancer", "securityGroups[0]", GROUP),
    ("lb/targetGroupAttachment", "targetGroupArn", "alb/targetGroup"),
    ("alb/targetGroupAttachment", "targetGroupArn", TARGETS),
    ("elb/attachment", "elb", CLASSIC),
    ("autoscaling/attachment", "lbTargetGroupArn", TARGETS),
    ("autoscaling/attachment", "elb", CLASSIC),
    ("autoscaling/group", "targetGroupArns[0]", TARGETS),
    ("autoscaling/group", "loadBalancers[0]", CLASSIC),
    ("ec2/routeTableAssociation", "routeTableId", TABLE),
    ("ec2/mainRouteTableAssociation", "routeTableId", "ec2/defaultRouteTable"),
    ("ec2/networkAclAssociation", "networkAclId", ACL),
    ("ec2/vpcDhcpOptionsAssociation", "dhcpOptionsId", "ec2/vpcDhcpOptions"),
]


def properties(path: str, identifier: Any) -> Any:
    """What has `identifier` at a path such as `networkInterfaces[0].networkInterfaceId`."""
    value = identifier
    for key in reversed(path.split(".")):
        value = {key.removesuffix("[0]"): [value] if key.endswith("[0]") else value}
    return value


@pytest.mark.parametrize(("type_", "where", "part"), NAMING)
def test_a_part_of_somebody_else_is_found(type_: str, where: str, part: str, stage: Stage) -> None:
    own = stage.make(part, "own", {"arn": "arn-of-own", "name": "name-of-own"} if stage.is_update else {})

    def naming(identifier: Any) -> Resource:
        return resource(type_, properties(where, identifier), "user")

    expected = [("user", where, FOREIGN)]
    assert judged(RULE, [own, naming("other-0123456789abcdef0")]) == expected
    assert judged(RULE, hidden([own, naming("other-0123456789abcdef0")])) == expected
    assert judged(RULE, [own, naming("other-1")], parts=["other-1"]) == []
    assert judged(RULE, [own, naming(UNKNOWN), naming(None), resource(type_, {}, "user")]) == []
    if stage.is_update:
        assert judged(RULE, [own, *(naming(each) for each in ("id-of-own", "arn-of-own", "name-of-own"))]) == []


def test_a_part_of_another_kind_does_not_count() -> None:
    own = resource("ec2/vpc", {"id": "id-of-own"}, "own")
    assert judged(RULE, [own, resource("rds/cluster", {"vpcSecurityGroupIds": ["id-of-own"]})]) != []


def test_an_unknown_part_hides_no_foreign_one_among_many() -> None:
    users = [
        resource("rds/cluster", {"vpcSecurityGroupIds": [UNKNOWN, "sg-1"] if n == 400 else [UNKNOWN]}, f"c{n}")
        for n in range(800)
    ]
    assert judged(RULE, users) == [("c400", "vpcSecurityGroupIds[1]", FOREIGN)]
