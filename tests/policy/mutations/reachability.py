"""Flows that nobody declared, declared ones that cannot pass, and ways in that take several resources."""

from collections.abc import Iterator
from typing import Any

from isolation.rule import aws
from tests.policy.mutations.changing import (
    GONE,
    Change,
    Mutation,
    Variation,
    added,
    changed,
    edited,
    listed,
    with_new,
    without,
)
from tests.policy.mutations.plans import Plan

_MORE, _IN = "flows-as-declared", "no-way-in-from-outside"
_INGRESS, _EGRESS, _GROUP = "vpc/securityGroupIngressRule", "vpc/securityGroupEgressRule", "ec2/securityGroup"
_OFFICE = "192.168.0.0/16"


def together(*changes: Change) -> Change:
    """Several changes one after the other, each in its first variation."""

    def change(plan: Plan) -> Iterator[Variation]:
        touched: tuple[Any, ...] = ()
        for each in changes:
            variation = next(each(plan), None)
            if variation is None:
                return
            plan, touched = plan._replace(resources=variation.resources), (*touched, *variation.touched)
        yield Variation(f"{plan.name}: together", plan.resources, touched)

    return change


def _both_sides(where: str, **values: Any) -> Change:
    return together(changed(_EGRESS, f"{where}-egress", **values), changed(_INGRESS, f"{where}-ingress", **values))


def with_flows(change: Change) -> Change:
    """Only in plans that have a bastion: in others the database is reached by nothing, and nothing is missed."""

    def narrowed(plan: Plan) -> Iterator[Variation]:
        if any(resource.type == aws("ec2/instance") for resource in plan.resources):
            yield from change(plan)

    return narrowed


def _with_gateway(change: Change) -> Change:
    """Only in plans that make S3's endpoint."""

    def narrowed(plan: Plan) -> Iterator[Variation]:
        if any(resource.name == "network-s3" for resource in plan.resources):
            yield from change(plan)

    return narrowed


def _tunnel(plan: Plan) -> Iterator[Variation]:
    """An EC2 Instance Connect Endpoint that has the bastion's group."""
    place = next((each.urn for each in plan.resources if each.type == aws("ec2/subnet")), "")
    held = next((each.urn for each in plan.resources if each.name == "bastion-group"), "")
    if place and held:
        references = {"subnetId": place, "securityGroupIds": held}
        yield with_new(plan, "ec2transitgateway/instanceConnectEndpoint", {}, references)


def _shut(direction: str, first: int) -> Change:
    def edit(properties: dict[str, Any]) -> bool:
        entries = properties.get(direction) or []
        properties[direction] = [entry for entry in entries if entry["fromPort"] != first]
        return len(properties[direction]) < len(entries)

    return with_flows(edited("ec2/networkAcl", edit))


def _first_denied(direction: str, cidr: str) -> Change:
    denied = {"ruleNo": 1, "action": "deny", "protocol": "-1", "cidrBlock": cidr, "fromPort": 0, "toPort": 0}
    return with_flows(listed("ec2/networkAcl", direction, denied))


def _reached_by(target: dict[str, str]) -> Change:
    """A route to another network, and an ACL and a group that admit it."""
    entry = {"ruleNo": 1, "action": "allow", "protocol": "-1", "cidrBlock": _OFFICE, "fromPort": 0, "toPort": 0}
    rule = {"protocol": "tcp", "fromPort": 5432, "toPort": 5432, "cidrBlocks": [_OFFICE]}
    return together(
        listed("ec2/routeTable", "routes", {"cidrBlock": _OFFICE, **target}),
        listed("ec2/networkAcl", "ingress", entry),
        listed("ec2/networkAcl", "egress", entry),
        listed(_GROUP, "ingress", rule, "database"),
    )


MUTATIONS = [
    # ---- more
    *(
        Mutation(
            _MORE, f"the database admits the whole VPC by {key}", listed(_GROUP, "ingress", rule, "database-group")
        )
        for key, rule in (
            ("port", {"protocol": "tcp", "fromPort": 5432, "toPort": 5432, "cidrBlocks": ["10.0.0.0/8"]}),
            ("range", {"protocol": "6", "fromPort": 0, "toPort": 65535, "cidrBlocks": ["10.0.0.0/9", "10.128.0.0/9"]}),
            ("-1", {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/1"]}),
        )
    ),
    Mutation(
        _MORE,
        "the database may reach anybody in the VPC",
        listed(
            _GROUP,
            "egress",
            {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/8"]},
            "database-group",
        ),
    ),
    *(
        Mutation(_MORE, f"the bastion reaches the database with {values}", _both_sides("bastion-to-database", **values))
        for values in (
            {"fromPort": 5431},
            {"toPort": 65535},
            {"ipProtocol": "-1"},
            {"ipProtocol": "udp"},
            {"fromPort": -1, "toPort": -1},
            {"fromPort": GONE, "toPort": GONE},
        )
    ),
    Mutation(
        _MORE,
        "a port of another stack's group",
        added(
            _EGRESS,
            {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "referencedSecurityGroupId": "sg-0123456789abcdef0"},
            securityGroupId=_GROUP,
        ),
    ),
    Mutation(
        _MORE,
        "another stack's group reaches the endpoint",
        changed(_INGRESS, "database-to-endpoints", referencedSecurityGroupId="sg-0123456789abcdef0"),
    ),
    Mutation(
        _MORE,
        "the default group is as AWS makes it, and an instance has it",
        together(without("ec2/defaultSecurityGroup"), changed("ec2/instance", vpcSecurityGroupIds=GONE)),
    ),
    # ---- fewer
    *(
        Mutation(_MORE, f"the {side} of {flow} is gone", without(path, f"{flow}-{side}"))
        for flow in ("bastion-to-database", "database-to-endpoints")
        for path, side in ((_INGRESS, "ingress"), (_EGRESS, "egress"))
    ),
    Mutation(_MORE, "the bastion reaches no packages", _with_gateway(without(_EGRESS, "bastion-to-s3"))),
    Mutation(_MORE, "S3's endpoint is in no route table", changed("ec2/vpcEndpoint", "network-s3", routeTableIds=[])),
    *(
        Mutation(_MORE, f"the ACL lacks {what}", _shut(direction, port))
        for direction, port, what in (
            ("ingress", 1024, "answers and PostgreSQL"),
            ("egress", 1024, "answers"),
            ("egress", 443, "requests to endpoints"),
        )
    ),
    *(
        Mutation(_MORE, f"the ACL refuses {cidr} first, {direction}", _first_denied(direction, cidr))
        for direction in ("ingress", "egress")
        for cidr in ("0.0.0.0/0", "10.0.0.0/8")
    ),
    Mutation(
        _MORE, "the ACL is of no subnet, so that the locked one is", with_flows(changed("ec2/networkAcl", subnetIds=[]))
    ),
    # ---- ways in
    *(
        Mutation(_IN, f"another network by {key}", _reached_by({key: identifier}))
        for key, identifier in (
            ("transitGatewayId", "tgw-0123456789abcdef0"),
            ("vpcPeeringConnectionId", "pcx-0123456789abcdef0"),
            ("gatewayId", "vgw-0123456789abcdef0"),
            ("coreNetworkArn", "arn:aws:networkmanager::123456789012:core-network/core-network-1"),
        )
    ),
    Mutation(_IN, "a tunnel of EC2 Instance Connect", _tunnel),
]
