"""Ways in from outside: each takes all of its parts, and says what they are."""

from dataclasses import replace
from typing import Any

import pytest

from isolation.reachability.exposure import exposure
from isolation.rule import Resource
from isolation.stack import Stack
from tests.policy.reachability.plans import (
    acl,
    both,
    group,
    host,
    let_in,
    make,
    pair,
    previewed,
    subnet,
    two_hosts,
    vpc,
)
from tests.policy.support import UNKNOWN, secret, stack_rule

RULE = "no-way-in-from-outside"
EVERYBODY = {"cidrIpv4": "0.0.0.0/0"}


def found(stack: Stack, **settings: Any) -> list[tuple[str, str]]:
    rule = stack_rule(RULE)
    configured = stack.configured({"networks": [], **settings})
    return [(subject.name if subject else "", finding.problem) for subject, finding in rule.findings(configured)]


def public(table: dict[str, Any] | None = None, *more: Resource, **instance: Any) -> list[Resource]:
    """A host with a public address, behind an internet gateway, a route and a rule for everybody."""
    routes = [{"cidrBlock": "0.0.0.0/0", "gatewayId": "internetGateway-gate"}]
    return [
        vpc(),
        subnet("a", "10.0.1.0/24"),
        group("web"),
        host("web", "a", "web", **({"associatePublicIpAddress": True} | instance)),
        make("ec2/internetGateway", "gate", vpcId="vpc-net"),
        make("ec2/routeTable", "out", vpcId="vpc-net", **(table or {"routes": routes})),
        make("ec2/routeTableAssociation", "a", subnetId="subnet-a", routeTableId="routeTable-out"),
        let_in("web", 22, **EVERYBODY),
        *more,
    ]


def test_all_parts_together_are_a_way_in() -> None:
    for stack in both(public()):
        [(name, problem)] = found(stack)
        assert name == "web"
        assert problem == (
            "can be reached from outside. The internet (any public IPv4 address) can reach EC2 instance web with tcp 22: "
            "internet gateway gate, route in out, subnet a, network ACL the default network ACL as AWS makes it, ingress "
            "rule web-22-0.0.0.0/0"
        )


@pytest.mark.parametrize("missing", ["routeTableAssociation", "securityGroupIngressRule", "routeTable-out"])
def test_without_one_part_there_is_none(missing: str) -> None:
    plan = [each for each in public() if missing not in str(each.properties["id"])]
    for stack in both(plan):
        assert found(stack) == []
        assert exposure(stack).unproven == ()


def test_without_a_public_address_there_is_none() -> None:
    for stack in both(public(associatePublicIpAddress=False)):
        assert found(stack) == []


@pytest.mark.parametrize("gives", [True, False])
def test_a_subnet_gives_out_addresses_to_what_says_nothing(*, gives: bool) -> None:
    plan = public(associatePublicIpAddress=None)
    plan[1] = subnet("a", "10.0.1.0/24", mapPublicIpOnLaunch=gives)
    for stack in both(plan):
        assert len(found(stack)) == int(gives)


def test_an_elastic_address_is_one() -> None:
    plan = public(None, make("ec2/eip", "fixed", instance="instance-web"), associatePublicIpAddress=False)
    for stack in both(plan):
        assert len(found(stack)) == 1


def test_an_acl_that_shuts_the_way_has_to_be_known() -> None:
    shut = acl("a", "a", ingress=[(1, "allow", "10.0.0.0/8", 0, 65535)], egress=[(1, "allow", "0.0.0.0/0", 0, 65535)])
    for stack in both(public(None, shut)):
        assert found(stack) == []
    unclear = make("ec2/networkAcl", "a", vpcId="vpc-net", subnetIds=["subnet-a"], ingress=UNKNOWN, egress=UNKNOWN)
    for stack in both(public(None, unclear)):
        assert len(found(stack)) == 1


def test_no_answers_no_connection() -> None:
    mute = acl("a", "a", ingress=[(1, "allow", "0.0.0.0/0", 0, 65535)], egress=[(1, "allow", "10.0.0.0/8", 0, 65535)])
    for stack in both(public(None, mute)):
        assert found(stack) == []


@pytest.mark.parametrize(
    "routes",
    [
        [{"cidrBlock": half, "gatewayId": "igw-0123"} for half in ("0.0.0.0/1", "128.0.0.0/1")],
        [{"cidrBlock": "0.0.0.1/0", "gatewayId": "igw-0123"}],
        [{"destinationPrefixListId": "managedPrefixList-out", "gatewayId": "igw-0123"}],
    ],
    ids=["halves", "host bits", "prefix list"],
)
def test_a_route_out_in_any_spelling(routes: list[dict[str, str]]) -> None:
    halves = [{"cidr": "0.0.0.0/1"}, {"cidr": "128.0.0.0/1"}]
    plan = public({"routes": routes}, make("ec2/managedPrefixList", "out", entries=halves))
    for stack in both(plan):
        assert found(stack)


def test_standalone_routes_and_the_main_table_count() -> None:
    route = {"destinationCidrBlock": "0.0.0.0/0", "gatewayId": "internetGateway-gate"}
    plan = public({"routes": []}, make("ec2/route", "out", routeTableId="routeTable-out", **route))
    for stack in both(plan):
        assert len(found(stack)) == 1
    main = make("ec2/mainRouteTableAssociation", "main", vpcId="vpc-net", routeTableId="routeTable-out")
    alone = [each for each in [*plan, main] if "routeTableAssociation" not in str(each.properties["id"])]
    for stack in both(alone):
        assert len(found(stack)) == 1


def test_prefix_lists_of_halves_admit_everybody() -> None:
    halves = [{"cidr": "0.0.0.0/1"}, {"cidr": "128.0.0.0/1"}]
    lists = make("ec2/managedPrefixList", "all", entries=halves)
    plan = [each for each in public(None, lists) if "IngressRule" not in each.type]
    for stack in both([*plan, let_in("web", 22, prefixListId="managedPrefixList-all")]):
        assert len(found(stack)) == 1


def test_ipv6_addresses_are_public_by_themselves() -> None:
    routes = [{"ipv6CidrBlock": "::/0", "gatewayId": "internetGateway-gate"}]
    plan = public({"routes": routes}, let_in("web", 22, cidrIpv6="::/0"), associatePublicIpAddress=False)
    assert found(Stack(plan)) == []
    plan[1] = subnet("a", "10.0.1.0/24", ipv6CidrBlock="2600:1f16:abc:de00::/64")
    assert len(found(Stack(plan))) == 1


def test_what_is_unknown_is_said_and_hides_nothing_that_is_known() -> None:
    unsure = public(associatePublicIpAddress=UNKNOWN)
    for stack in both(unsure):
        assert found(stack) == []
        assert len(exposure(stack).unproven) == 1
    second = [host("open", "a", "web", associatePublicIpAddress=True)]
    for stack in both([*unsure, *second]):
        assert [name for name, _ in found(stack)] == ["open"]


def test_an_association_nobody_knows_makes_a_way_possible() -> None:
    plan = [each for each in public() if "routeTableAssociation" not in str(each.properties["id"])]
    unknown = make("ec2/routeTableAssociation", "a", subnetId=UNKNOWN, routeTableId="routeTable-out")
    stack = Stack([*plan, unknown])
    assert found(stack) == []
    assert len(exposure(stack).unproven) == 1


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ({"gatewayId": "vgw-0123"}, "VPN gateway vgw-0123"),
        ({"transitGatewayId": "tgw-0123"}, "transit gateway tgw-0123"),
        ({"vpcPeeringConnectionId": "pcx-0123"}, "peering connection pcx-0123"),
        ({"coreNetworkArn": "arn:aws:networkmanager::123456789012:core-network/core-1"}, "core network"),
    ],
    ids=str,
)
def test_other_networks_reach_what_admits_them(target: dict[str, str], kind: str) -> None:
    plan = public({"routes": [{"cidrBlock": "192.168.0.0/16", **target}]}, associatePublicIpAddress=False)
    assert found(Stack([*plan[:7], let_in("web", 22, cidrIpv4="172.16.0.0/12")])) == []
    admitted = [*plan[:7], let_in("web", 22, cidrIpv4="192.168.0.0/24")]
    for stack in both(admitted):
        [(_, problem)] = found(stack)
        assert f"The network behind {kind}" in problem
        assert "(192.168.0.0/24)" in problem
        assert found(stack, networks=["192.168.0.0/16"]) == []
        assert len(found(stack, networks=["192.168.1.0/24"])) == 1


def test_the_internet_is_never_a_network_that_may() -> None:
    assert len(found(Stack(public()), networks=["0.0.0.0/0"])) == 1


def test_people_s_doors_of_aws_are_ways_in() -> None:
    door = make(
        "ec2transitgateway/instanceConnectEndpoint",
        "door",
        subnetId="subnet-a",
        securityGroupIds=["securityGroup-web"],
    )
    plan = [each for each in two_hosts(*pair("web", "db", 22)) if each.name != "web" or "instance" not in each.type]
    for stack in both([*plan, door]):
        assert found(stack) == [
            (
                "db",
                (
                    "can be reached from outside. Whoever may open a tunnel by EC2 Instance Connect can reach EC2 instance db "
                    "with tcp 22: EC2 Instance Connect Endpoint door, rules web-22-db and db-22-web"
                ),
            )
        ]


def balancer(**more: Any) -> Resource:
    return make("lb/loadBalancer", "front", loadBalancerType="network", subnets=["subnet-a"], **more)


@pytest.mark.parametrize(("internal", "ways"), [(True, 0), (False, 1), (None, 1)])
def test_a_load_balancer_is_public_unless_it_says_internal(*, internal: bool | None, ways: int) -> None:
    """A network load balancer without a group has nothing before it."""
    plan = [*public(associatePublicIpAddress=False)[:7], balancer(internal=internal)]
    for stack in both(plan):
        assert [name for name, _ in found(stack)] == ["front"] * ways


def test_an_endpoint_service_lets_other_accounts_in() -> None:
    service = make(
        "ec2/vpcEndpointService",
        "offer",
        networkLoadBalancerArns=["loadBalancer-front"],
        acceptanceRequired=True,
        allowedPrincipals=["*"],
    )
    plan = [vpc(), subnet("a", "10.0.1.0/24"), balancer(internal=True)]
    for stack in both([*plan, service]):
        assert [name for name, _ in found(stack)] == ["front"]
    closed = replace(service, properties={**service.properties, "allowedPrincipals": []})
    for stack in both([*plan, closed]):
        assert found(stack) == []
    principal = make(
        "ec2/vpcEndpointServiceAllowedPrinciple",
        "anybody",
        vpcEndpointServiceId="vpcEndpointService-offer",
        principalArn="*",
    )
    for stack in both([*plan, closed, principal]):
        assert [name for name, _ in found(stack)] == ["front"]


def test_the_default_vpc_has_a_way_to_the_internet() -> None:
    plan = [
        make("ec2/defaultVpc", "old", cidrBlock="172.31.0.0/16"),
        make("ec2/defaultSubnet", "a", vpcId="defaultVpc-old", cidrBlock="172.31.0.0/20"),
        make("ec2/securityGroup", "web", vpcId="defaultVpc-old"),
        make("ec2/instance", "web", subnetId="defaultSubnet-a", vpcSecurityGroupIds=["securityGroup-web"]),
        let_in("web", 22, **EVERYBODY),
    ]
    for stack in both(plan):
        assert [name for name, _ in found(stack)] == ["web"]


def test_an_existing_vpc_s_routes_are_not_in_the_plan() -> None:
    plan = [group("web", "0123"), host("web", "0aaa", "web"), let_in("web", 22, cidrIpv4="192.168.0.0/16")]
    stack = Stack(plan)
    assert found(stack) == []
    assert exposure(stack).unproven == (
        (
            "EC2 instance web: ingress rule web-22-192.168.0.0/16 admits 192.168.0.0/16; the routes of vpc-0123 are not in "
            "this plan."
        ),
    )


def test_groups_nobody_knows_yet_are_said() -> None:
    plan = [vpc(), subnet("a", "10.0.1.0/24"), host("web", "a", vpcSecurityGroupIds=UNKNOWN)]
    assert exposure(Stack(previewed(plan))).unproven == (
        "EC2 instance web: its security groups are not known before the deployment.",
    )


def test_many_resources_and_none() -> None:
    assert found(Stack([])) == []
    crowd = [host(f"host-{number}", "a", "web", associatePublicIpAddress=False) for number in range(50)]
    assert [name for name, _ in found(Stack([*public(), *crowd]))] == ["web"]


def test_a_secret_is_read_as_what_it_holds_and_not_repeated() -> None:
    rule = let_in("web", 22, **EVERYBODY)
    hidden = replace(
        rule, properties={**rule.properties, "cidrIpv4": secret("0.0.0.0/0"), "description": secret("hunter2")}
    )
    plan = [*public()[:7], hidden]
    assert len(found(Stack(plan))) == 1
    assert "hunter2" not in str(found(Stack(plan)))
