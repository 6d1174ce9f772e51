"""Which flows a plan has, whether its ids are known or not."""

from typing import Any

import pytest

from isolation.reachability.flows import flows
from isolation.reachability.network import network
from isolation.reachability.paths import paths
from isolation.rule import Resource
from isolation.stack import Stack
from tests.policy.reachability.plans import (
    ANYTHING,
    WITHIN,
    acl,
    both,
    group,
    holds,
    host,
    let_in,
    let_out,
    make,
    pair,
    passing,
    previewed,
    subnet,
    two_hosts,
    vpc,
)
from tests.policy.support import UNKNOWN

# ---- security groups


def test_rules_on_both_sides_let_pass() -> None:
    holds(two_hosts(*pair("web", "db")), WITHIN)


@pytest.mark.parametrize("one_side", pair("web", "db"), ids=["egress", "ingress"])
def test_one_side_alone_lets_nothing_pass(one_side: Resource) -> None:
    holds(two_hosts(one_side))


FORMS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "group": ({"securityGroups": ["securityGroup-db"]}, (WITHIN,)),
    "cidr": ({"cidrBlocks": ["10.0.2.0/24"]}, (WITHIN, "web -> 10.0.2.0/24 tcp 5432")),
    "half the world": ({"cidrBlocks": ["128.0.0.0/1", "0.0.0.0/1"]}, (WITHIN, "web -> 10.0.0.0/16 tcp 5432")),
    "list": ({"prefixListIds": ["managedPrefixList-db"]}, (WITHIN, "web -> 10.0.2.0/24 tcp 5432")),
}
"""How a rule that lets out may say to whom; and the flows that there are then."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("standalone", [False, True], ids=["inline", "legacy"])
def test_every_form_of_a_rule_is_read(form: str, *, standalone: bool) -> None:
    ports = {"protocol": "6", "fromPort": 5432, "toPort": 5432}
    to, expected = FORMS[form]
    out, into = {**ports, **to}, {**ports, "securityGroups": ["securityGroup-web"]}
    entries = make("ec2/managedPrefixList", "db", entries=[{"cidr": "10.0.2.0/25"}])
    more = make("ec2/managedPrefixListEntry", "db", prefixListId="managedPrefixList-db", cidr="10.0.2.128/25")
    base = [entries, more, vpc(), subnet("a", "10.0.1.0/24"), subnet("b", "10.0.2.0/24")]
    hosts = [host("web", "a", "web"), host("db", "b", "db")]
    if not standalone:
        holds([*base, *hosts, group("web", egress=[out]), group("db", ingress=[into])], *expected)
        return
    rules = [
        make("ec2/securityGroupRule", name, type=kind, securityGroupId=f"securityGroup-{name}", **_legacy(rule))
        for name, kind, rule in (("web", "egress", out), ("db", "ingress", into))
    ]
    holds([*base, *hosts, group("web"), group("db"), *rules], *expected)


def _legacy(rule: dict[str, Any]) -> dict[str, Any]:
    sources = rule.pop("securityGroups", None)
    return rule | ({"sourceSecurityGroupId": sources[0]} if sources else {})


def test_a_group_that_refers_to_itself_joins_its_members_and_no_lone_one() -> None:
    own = {"protocol": "tcp", "fromPort": 5432, "toPort": 5432, "self": True}
    alone = [vpc(), subnet("a", "10.0.1.0/24"), group("web", ingress=[own], egress=[own]), host("web", "a", "web")]
    holds(alone)
    holds([*alone, host("db", "a", "web")], WITHIN, "db -> web tcp 5432")


@pytest.mark.parametrize(
    ("ports", "shown"),
    [
        ({"ipProtocol": "-1"}, "all traffic"),
        ({"ipProtocol": "all", "fromPort": 5432, "toPort": 5432}, "all traffic"),
        ({"ipProtocol": "tcp", "fromPort": -1, "toPort": -1}, "tcp"),
        ({"ipProtocol": "tcp", "fromPort": 0, "toPort": 65535}, "tcp"),
        ({"ipProtocol": "17", "fromPort": 53, "toPort": 53}, "udp 53"),
        ({"ipProtocol": "icmp", "fromPort": 8, "toPort": 0}, "icmp"),
        ({"ipProtocol": "50"}, "50"),
        ({"ipProtocol": "tcp", "fromPort": 5000, "toPort": 6000}, "tcp 5000-6000"),
    ],
    ids=str,
)
def test_protocols_and_ports_are_what_aws_takes_them_for(ports: dict[str, Any], shown: str) -> None:
    one_way = make(
        "vpc/securityGroupIngressRule",
        "in",
        securityGroupId="securityGroup-db",
        referencedSecurityGroupId="securityGroup-web",
        **ports,
    )
    holds(two_hosts(let_out("web", None, group="db"), one_way), f"web -> db {shown}")


def test_an_unknown_port_may_be_any_and_is_not_certain() -> None:
    rule = make(
        "vpc/securityGroupIngressRule",
        "in",
        securityGroupId="securityGroup-db",
        referencedSecurityGroupId="securityGroup-web",
        ipProtocol="tcp",
        fromPort=UNKNOWN,
        toPort=5432,
    )
    stack = Stack(two_hosts(let_out("web", None, group="db"), rule))
    assert passing(stack) == {"web -> db tcp"}
    assert not any(flow.certain for flow in flows(stack))


def test_an_unknown_beside_it_hides_no_known_flow() -> None:
    """In the same list of sources, and in the same list of rules."""
    inline = {
        "protocol": "tcp",
        "fromPort": 5432,
        "toPort": 5432,
        "cidrBlocks": [UNKNOWN, "10.0.1.0/24"],
    }
    base = [vpc(), subnet("a", "10.0.1.0/24"), subnet("b", "10.0.2.0/24"), group("web"), let_out("web", group="db")]
    held = group("db", ingress=[UNKNOWN, inline])
    for stack in both([*base, held, host("web", "a", "web"), host("db", "b", "db")]):
        assert WITHIN in passing(stack)


def test_a_default_group_is_what_has_none_named_and_as_open_as_aws_makes_it() -> None:
    base = [vpc(), subnet("a", "10.0.1.0/24"), subnet("b", "10.0.2.0/24"), host("web", "a"), host("db", "b")]
    holds(base, "web -> db all traffic", "db -> web all traffic")
    holds([*base, make("ec2/defaultSecurityGroup", "locked", vpcId="vpc-net")])


def test_an_endpoint_without_a_group_has_the_default_one() -> None:
    endpoint = make(
        "ec2/vpcEndpoint",
        "sqs",
        vpcId="vpc-net",
        vpcEndpointType="Interface",
        serviceName="com.amazonaws.eu-west-1.sqs",
        subnetIds=["subnet-b"],
    )
    base = [vpc(), subnet("a", "10.0.1.0/24"), subnet("b", "10.0.2.0/24"), host("web", "a"), endpoint]
    for stack in both(base):
        assert "web -> sqs all traffic" in passing(stack)


def test_a_group_of_another_stack_may_be_anybody_s() -> None:
    foreign: dict[str, Any] = {"referencedSecurityGroupId": "sg-0123456789abcdef0"}
    holds(two_hosts(let_in("db", **foreign)), "sg-0123456789abcdef0 -> db tcp 5432")
    holds(two_hosts(let_out("web", 443, **foreign)), "web -> sg-0123456789abcdef0 tcp 443")


def test_one_of_several_groups_is_possible_for_each_and_certain_for_none() -> None:
    rule = Resource(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "in",
        "urn:in",
        {
            "securityGroupId": UNKNOWN,
            "referencedSecurityGroupId": UNKNOWN,
            "ipProtocol": "tcp",
            "fromPort": 5432,
            "toPort": 5432,
        },
        references={
            "securityGroupId": ("urn:securityGroup-db", "urn:securityGroup-web"),
            "referencedSecurityGroupId": ("urn:securityGroup-web",),
        },
    )
    stack = Stack([*previewed(two_hosts(let_out("web", group="db"))), rule])
    assert [(flow.source.id, flow.target.id, flow.certain) for flow in flows(stack)] == [("web", "db", False)]


def test_addresses_of_the_vpc_are_a_source_whoever_has_them() -> None:
    holds(two_hosts(let_in("db", cidrIpv4="10.0.0.0/8")), "10.0.0.0/16 -> db tcp 5432")
    holds(two_hosts(let_in("db", cidrIpv4="192.168.0.0/16")))


def test_addresses_of_the_vpc_are_a_target_whoever_has_them() -> None:
    holds(two_hosts(let_out("web", cidrIpv4="10.0.0.0/8")), "web -> 10.0.0.0/16 tcp 5432")
    holds(two_hosts(let_out("web", cidrIpv4="192.168.0.0/16")))


# ---- between VPCs


def peered(*, there: bool = True, back: bool = True, rules: bool = True, kind: str = "peering") -> list[Resource]:
    """Two VPCs with a host each, joined by a peering connection or a transit gateway."""
    if kind == "peering":
        link = [make("ec2/vpcPeeringConnection", "link", vpcId="vpc-net", peerVpcId="vpc-far")]
        target = {"vpcPeeringConnectionId": "vpcPeeringConnection-link"}
    else:
        link = [make("ec2transitgateway/transitGateway", "hub")] + [
            make("ec2transitgateway/vpcAttachment", each, transitGatewayId="transitGateway-hub", vpcId=f"vpc-{each}")
            for each in ("net", "far")
        ]
        target = {"transitGatewayId": "transitGateway-hub"}
    ways = [("a", "10.1.0.0/16", there), ("b", "10.0.0.0/16", back)]
    tables = [
        each
        for name, destination, open_ in ways
        for each in (
            make(
                "ec2/routeTable",
                name,
                vpcId=f"vpc-{'net' if name == 'a' else 'far'}",
                routes=[{"cidrBlock": destination, **target}] if open_ else [],
            ),
            make("ec2/routeTableAssociation", name, subnetId=f"subnet-{name}", routeTableId=f"routeTable-{name}"),
        )
    ]
    return [
        vpc(),
        vpc("far", "10.1.0.0/16"),
        subnet("a", "10.0.1.0/24"),
        subnet("b", "10.1.1.0/24", "far"),
        group("web"),
        group("db", "far"),
        host("web", "a", "web"),
        host("db", "b", "db"),
        *link,
        *tables,
        *(pair("web", "db") if rules else []),
    ]


@pytest.mark.parametrize("kind", ["peering", "transit"])
def test_another_vpc_takes_routes_both_ways_and_rules(kind: str) -> None:
    holds(peered(kind=kind), WITHIN)
    holds(peered(kind=kind, there=False))
    holds(peered(kind=kind, back=False))
    holds(peered(kind=kind, rules=False))


# ---- gateway endpoints, existing VPCs, what leads out


def s3(*tables: str) -> Resource:
    return make(
        "ec2/vpcEndpoint",
        "s3",
        vpcId="vpc-net",
        serviceName="com.amazonaws.eu-west-1.s3",
        routeTableIds=[f"routeTable-{table}" for table in tables],
        prefixListId="pl-of-s3",
    )


@pytest.mark.parametrize(
    ("target", "besides"),
    [({"prefixListId": "pl-of-s3"}, set()), ({"cidrIpv4": "0.0.0.0/0"}, {"web -> 10.0.0.0/16 tcp 443"})],
    ids=["list", "cidr"],
)
def test_a_gateway_endpoint_takes_a_rule_and_a_route(target: dict[str, str], besides: set[str]) -> None:
    tables = [
        make("ec2/routeTable", "a", vpcId="vpc-net"),
        make("ec2/routeTableAssociation", "a", subnetId="subnet-a", routeTableId="routeTable-a"),
    ]
    plan = two_hosts(*tables, let_out("web", 443, **target))
    assert passing(Stack([*plan, s3("a")])) == {"web -> s3 tcp 443"} | besides
    assert passing(Stack([*plan, s3("other")])) == besides
    shut = acl("a", "a", ingress=[], egress=[ANYTHING])
    assert passing(Stack([*plan, s3("a"), shut])) == set()


def test_an_existing_vpc_of_which_only_ids_are_known() -> None:
    plan = [
        group("web", "0123"),
        group("db", "0123"),
        host("web", "0aaa", "web"),
        host("db", "0bbb", "db"),
        *pair("web", "db"),
    ]
    holds(plan, WITHIN)


def test_a_way_out_is_a_flow_to_the_addresses_behind_it() -> None:
    table = make(
        "ec2/routeTable", "a", vpcId="vpc-net", routes=[{"cidrBlock": "0.0.0.0/0", "natGatewayId": "nat-0123"}]
    )
    joined = make("ec2/routeTableAssociation", "a", subnetId="subnet-a", routeTableId="routeTable-a")
    plan = two_hosts(table, joined, let_out("web", 443, cidrIpv4="8.8.8.0/24"))
    holds(plan, "web -> 8.8.8.0/24 tcp 443")
    holds([each for each in plan if each is not table])


def test_a_database_is_where_its_subnet_group_is() -> None:
    plan = [
        vpc(),
        subnet("a", "10.0.1.0/24"),
        subnet("b", "10.0.2.0/24"),
        group("web"),
        group("db"),
        host("web", "a", "web"),
        make("rds/subnetGroup", "db", subnetIds=["subnet-a", "subnet-b"]),
        make("rds/cluster", "db", dbSubnetGroupName="subnetGroup-db", vpcSecurityGroupIds=["securityGroup-db"]),
        make("rds/clusterInstance", "writer", clusterIdentifier="cluster-db"),
        *pair("web", "db"),
    ]
    holds(plan, WITHIN)
    assert [node.urns for node in [flows(Stack(plan))[0].target]] == [("urn:cluster-db", "urn:clusterInstance-writer")]


def test_two_hops_are_a_path() -> None:
    plan = two_hosts(
        group("jump"),
        host("jump", "a", "jump"),
        make("rds/instance", "store", vpcSecurityGroupIds=["securityGroup-db"]),
        *pair("jump", "web", 22),
        *pair("web", "db"),
    )
    sentences = [path.sentence for path in paths(flows(Stack(plan)))]
    assert sentences == [
        "EC2 instance web reaches RDS instance store (tcp 5432).",
        "EC2 instance jump reaches EC2 instance web (tcp 22), then RDS instance store (tcp 5432).",
    ]


def test_nothing_has_no_flows() -> None:
    holds([])
    holds([vpc()])


def test_what_works_in_one_subnet_only_is_not_everywhere() -> None:
    """A database in two subnets, one of them the client's own: the ACL between them is shut."""
    shut = acl("all", "a", "b", ingress=[], egress=[])
    store = make("rds/subnetGroup", "db", subnetIds=["subnet-a", "subnet-b"])
    database = make("rds/cluster", "db", dbSubnetGroupName="subnetGroup-db", vpcSecurityGroupIds=["securityGroup-db"])
    plan = [
        each
        for each in two_hosts(*pair("web", "db"), shut, store, database)
        if each.type != "aws:ec2/instance:Instance"
    ]
    for stack in both([*plan, host("web", "a", "web")]):
        [flow] = flows(stack)
        assert str(flow.traffic) == "tcp 5432"
        assert not flow.everywhere


def test_a_database_s_features_are_those_it_has_a_role_for() -> None:
    plan = [
        make("rds/cluster", "db"),
        make("rds/clusterRoleAssociation", "invoke", dbClusterIdentifier="cluster-db", featureName="Lambda"),
        make("rds/instance", "other"),
        make("rds/roleAssociation", "load", dbInstanceIdentifier="instance-other", featureName="s3Import"),
    ]
    for stack in both(plan):
        assert [node.features for node in network(stack).nodes] == [("Lambda",), ("s3Import",)]
