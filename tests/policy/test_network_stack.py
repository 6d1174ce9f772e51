"""What must be there beside a VPC and its subnets."""

from typing import Any

import pytest

from isolation.rule import Resource
from tests.policy.stages import Stage, hidden, judged, stage
from tests.policy.support import UNKNOWN

__all__ = ["stage"]

S3 = {"ruleNo": 300, "action": "allow", "protocol": "tcp", "fromPort": 1024, "toPort": 65535, "cidrBlock": "52.216.0.0/15"}  # fmt: skip
INSIDE = {"ruleNo": 100, "action": "allow", "protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlock": "10.0.0.0/16"}  # fmt: skip
RULES = (
    "network-acl-public-needs-endpoint",
    "subnet-has-network-acl",
    "subnet-has-route-table",
    "vpc-defaults-taken-over",
    "vpc-defaults-not-extended",
    "vpc-has-flow-log",
)


def network(stage: Stage, prefix: str = "net", zones: int = 2) -> list[Resource]:
    """A VPC as the component makes it."""
    defaults = {key: f"{key}-of-{prefix}" for key in ("defaultNetworkAclId", "defaultRouteTableId")}
    vpc = stage.make(
        "ec2/vpc", prefix, {"cidrBlock": "10.0.0.0/16", "defaultSecurityGroupId": f"sg-{prefix}"} | defaults
    )
    subnets = [stage.make("ec2/subnet", f"{prefix}-{zone}", vpcId=vpc) for zone in range(zones)]
    table = stage.make("ec2/routeTable", f"{prefix}-table", vpcId=vpc)

    def default(path: str, key: str) -> Resource:
        """An update knows the id of the VPC's own, which is not the VPC's."""
        if stage.is_update:
            return stage.make(path, f"{prefix}-default", {key: defaults[key]})
        return stage.make(path, f"{prefix}-default", **{key: vpc})

    return [
        vpc,
        *subnets,
        table,
        *(
            stage.make("ec2/routeTableAssociation", f"{prefix}-{zone}", subnetId=subnet, routeTableId=table)
            for zone, subnet in enumerate(subnets)
        ),
        stage.make("ec2/networkAcl", f"{prefix}-acl", {"ingress": [INSIDE, S3]}, vpcId=vpc, subnetIds=subnets),
        stage.make("ec2/vpcEndpoint", f"{prefix}-s3", {"vpcEndpointType": "Gateway"}, vpcId=vpc),
        stage.make("ec2/defaultSecurityGroup", f"{prefix}-default", vpcId=vpc),
        default("ec2/defaultNetworkAcl", "defaultNetworkAclId"),
        default("ec2/defaultRouteTable", "defaultRouteTableId"),
        stage.make("ec2/flowLog", f"{prefix}-flows", {"trafficType": "ALL"}, vpcId=vpc),
    ]


def without(resources: list[Resource], *paths: str) -> list[Resource]:
    return [each for each in resources if each.type.split(":")[1] not in paths]


@pytest.mark.parametrize("rule", RULES)
def test_the_network_of_the_component_passes(rule: str, stage: Stage) -> None:
    assert judged(rule, network(stage)) == []
    assert judged(rule, hidden(network(stage))) == []
    assert judged(rule, []) == []


@pytest.mark.parametrize("rule", RULES)
def test_many_networks_pass_together(rule: str, stage: Stage) -> None:
    many = [each for number in range(30) for each in network(stage, f"net{number}", zones=6)]
    assert judged(rule, many) == []


@pytest.mark.parametrize(
    ("rule", "missing", "expected"),
    [
        ("subnet-has-network-acl", "ec2/networkAcl", [("net-0", "", "has no network ACL of its own"), ("net-1", "", "has no network ACL of its own")]),
        ("subnet-has-route-table", "ec2/routeTableAssociation", [("net-0", "", "has no route table of its own"), ("net-1", "", "has no route table of its own")]),
        ("vpc-has-flow-log", "ec2/flowLog", [("net", "", "has no flow log")]),
        ("vpc-defaults-taken-over", "ec2/defaultSecurityGroup", [("net", "", "has a default security group that this stack does not take over")]),
        ("vpc-defaults-taken-over", "ec2/defaultNetworkAcl", [("net", "", "has a default network ACL that this stack does not take over")]),
        ("vpc-defaults-taken-over", "ec2/defaultRouteTable", [("net", "", "has a default route table that this stack does not take over")]),
        ("network-acl-public-needs-endpoint", "ec2/vpcEndpoint", [("net-acl", "ingress[1].cidrBlock", "is 52.216.0.0/15, which reaches outside private address space, and this stack has no gateway endpoint that answers there")]),
    ],
)  # fmt: skip
def test_what_is_missing_is_found(rule: str, missing: str, expected: Any, stage: Stage) -> None:
    """Beside a network that has it, and when everything is a secret."""
    broken = without(network(stage), missing)
    assert judged(rule, broken) == expected
    assert judged(rule, hidden(broken)) == expected
    if rule != "network-acl-public-needs-endpoint":
        assert judged(rule, [*network(stage, "good"), *broken]) == expected


def test_one_subnet_that_was_forgotten_is_found(stage: Stage) -> None:
    resources = network(stage)
    extra = stage.make("ec2/subnet", "extra", vpcId=resources[0])
    for rule in ("subnet-has-network-acl", "subnet-has-route-table"):
        assert [name for name, *_ in judged(rule, [*resources, extra])] == ["extra"]
    association = stage.make("ec2/networkAclAssociation", "extra", {"networkAclId": UNKNOWN}, subnetId=extra)
    assert judged("subnet-has-network-acl", [*resources, extra, association]) == []


def test_an_endpoint_of_which_the_type_is_unknown_may_be_the_gateway(stage: Stage) -> None:
    resources = without(network(stage), "ec2/vpcEndpoint")
    rule = "network-acl-public-needs-endpoint"
    assert judged(rule, [*resources, stage.make("ec2/vpcEndpoint", "some", {"vpcEndpointType": UNKNOWN})]) == []
    assert len(judged(rule, [*resources, stage.make("ec2/vpcEndpoint", "some", {"vpcEndpointType": "Interface"})])) == 1


def test_without_an_endpoint_the_configured_blocks_are_all_that_passes(stage: Stage) -> None:
    resources = without(network(stage), "ec2/vpcEndpoint")
    rule = "network-acl-public-needs-endpoint"
    assert judged(rule, resources, privateCidrs=["10.0.0.0/8", "52.216.0.0/15"]) == []
    entry = {"egress": True, "ruleAction": "allow", "protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlock": "3.5.0.0/19"}  # fmt: skip
    [(name, path, _)] = judged(rule, [stage.make("ec2/networkAclRule", "answers", entry)])
    assert (name, path) == ("answers", "cidrBlock")


@pytest.mark.parametrize(
    ("path", "key", "default"),
    [
        ("vpc/securityGroupIngressRule", "securityGroupId", "ec2/defaultSecurityGroup"),
        ("vpc/securityGroupEgressRule", "securityGroupId", "ec2/defaultSecurityGroup"),
        ("ec2/securityGroupRule", "securityGroupId", "ec2/defaultSecurityGroup"),
        ("ec2/networkAclRule", "networkAclId", "ec2/defaultNetworkAcl"),
        ("ec2/route", "routeTableId", "ec2/defaultRouteTable"),
    ],
)
def test_what_is_added_to_a_default_is_found(path: str, key: str, default: str, stage: Stage) -> None:
    resources = network(stage)
    taken = next(each for each in resources if each.type.split(":")[1] == default)
    # Names repeat across types here, and so do the ids that they are made from: only this one may be meant.
    others = [each for each in resources if each.name != taken.name]
    rule = "vpc-defaults-not-extended"
    added = stage.make(path, "added", **{key: taken})
    assert judged(rule, [*others, taken, added]) == [("added", key, "is one of the defaults of a VPC")]


def test_what_is_added_by_the_id_that_a_vpc_gives_is_found(stage: Stage) -> None:
    resources = network(stage)
    if stage.is_update:
        added = stage.make("vpc/securityGroupIngressRule", "added", {"securityGroupId": "sg-net"})
    else:
        added = stage.make("vpc/securityGroupIngressRule", "added", securityGroupId=resources[0])
    assert [name for name, *_ in judged("vpc-defaults-not-extended", [*resources, added])] == ["added"]


def test_what_is_made_of_more_than_a_vpc_is_no_default() -> None:
    stage = Stage("preview")
    resources = network(stage)
    group = stage.make("ec2/securityGroup", "group", vpcId=resources[0])
    rule = stage.make("vpc/securityGroupIngressRule", "rule", securityGroupId=[resources[0], group])
    assert judged("vpc-defaults-not-extended", [*resources, group, rule]) == []


def test_a_flow_log_of_something_else_is_not_the_vpcs(stage: Stage) -> None:
    resources = without(network(stage), "ec2/flowLog")
    subnet = resources[1]
    log = stage.make("ec2/flowLog", "flows", {"trafficType": "ALL"}, subnetId=subnet)
    assert judged("vpc-has-flow-log", [*resources, log]) == [("net", "", "has no flow log")]


def test_an_account_may_log_its_vpcs_elsewhere(stage: Stage) -> None:
    assert judged("vpc-has-flow-log", without(network(stage), "ec2/flowLog"), required=False) == []
