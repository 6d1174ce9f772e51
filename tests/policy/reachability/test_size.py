"""Large networks are read in the time that was promised: 200 subnets and 2,000 rules in two seconds of a processor."""

import time

import pytest

from isolation.reachability.exposure import exposure
from isolation.reachability.flows import flows
from isolation.rule import Resource
from isolation.stack import Stack
from tests.policy.reachability.plans import acl, group, host, let_in, let_out, make, subnet, vpc
from tests.policy.support import stack_rule

SUBNETS, RULES, SECONDS = 200, 2000, 2.0


def large(*, open_: bool) -> list[Resource]:
    """A host with a group of its own in each of 200 subnets, ten rules a group: for groups, or for blocks that overlap."""
    everything = [(1, "allow", "10.0.0.0/8", 0, 65535), (2, "deny", "0.0.0.0/0", 0, 65535)]
    plan = [
        vpc(cidr="10.0.0.0/8"),
        acl("all", *(str(n) for n in range(SUBNETS)), ingress=everything, egress=everything),
    ]
    plan += [make("ec2/internetGateway", "gate", vpcId="vpc-net")]
    plan += [
        make(
            "ec2/routeTable",
            "t",
            vpcId="vpc-net",
            routes=[{"cidrBlock": "0.0.0.0/0", "gatewayId": "internetGateway-gate"}],
        )
    ]
    for number in range(SUBNETS):
        name = str(number)
        plan += [
            subnet(name, f"10.{number}.0.0/16"),
            group(name),
            host(name, name, name, associatePublicIpAddress=True),
        ]
        plan += [make("ec2/routeTableAssociation", name, subnetId=f"subnet-{name}", routeTableId="routeTable-t")]
        for step in range(RULES // SUBNETS // 2):
            other = (number + step + 1) % SUBNETS
            to = {"cidrIpv4": f"10.{other}.0.0/{10 + step}"} if open_ else {"group": str(other)}
            back = {"cidrIpv4": f"10.{number}.{step}.0/{10 + step}"} if open_ else {"group": name}
            plan += [let_out(name, 1000 + step, **to), let_in(str(other), 1000 + step, **back)]
    return plan


@pytest.mark.parametrize("open_", [False, True], ids=["groups", "blocks"])
def test_two_hundred_subnets_and_two_thousand_rules(*, open_: bool) -> None:
    plan = large(open_=open_)
    assert sum("SecurityGroup" in each.type and "Rule" in each.type for each in plan) == RULES
    stack = Stack(plan)
    start = time.process_time()
    found = flows(stack)
    ways = exposure(stack)
    list(stack_rule("flows-as-declared").findings(stack))
    spent = time.process_time() - start
    assert len(found) >= RULES // 2
    assert ways.interfaces == SUBNETS
    assert spent < SECONDS
