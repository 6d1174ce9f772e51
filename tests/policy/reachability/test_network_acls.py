"""Network ACLs between two subnets: stateless, ordered, of either family."""

from typing import Any

import pytest

from isolation.rule import Resource
from isolation.stack import Stack
from tests.policy.reachability.plans import (
    ANYTHING,
    WITHIN,
    acl,
    group,
    holds,
    host,
    make,
    pair,
    passing,
    previewed,
    subnet,
    two_hosts,
    vpc,
)
from tests.policy.support import UNKNOWN

REQUEST, ANSWER = (100, "allow", "10.0.0.0/16", 5432, 5432), (110, "allow", "10.0.0.0/16", 1024, 65535)


@pytest.mark.parametrize(
    ("ingress", "egress", "passes"),
    [
        ([REQUEST], [ANSWER], True),
        ([REQUEST], [], False),
        ([REQUEST], [(110, "allow", "10.0.0.0/16", 5432, 5432)], True),
        ([REQUEST], [(110, "allow", "10.0.0.0/16", 443, 443)], False),
        ([], [ANSWER], False),
        ([(90, "deny", "10.0.1.0/24", 0, 65535), REQUEST], [ANSWER], False),
        ([(105, "deny", "10.0.1.0/24", 0, 65535), REQUEST], [ANSWER], True),
        ([(90, "deny", "10.0.9.0/24", 0, 65535), REQUEST], [ANSWER], True),
        ([(90, "deny", "0.0.0.0/0", 5000, 6000), REQUEST], [ANSWER], False),
        ([REQUEST], [(90, "deny", "10.0.1.0/24", 1024, 65535), ANSWER], False),
    ],
    ids=str,
)
def test_an_acl_needs_the_request_and_its_answer(ingress: list[Any], egress: list[Any], *, passes: bool) -> None:
    fence = acl("b", "b", ingress=ingress, egress=egress)
    holds(two_hosts(*pair("web", "db"), fence), *([WITHIN] if passes else []))


def test_the_source_s_acl_counts_too() -> None:
    closed = acl("a", "a", ingress=[], egress=[ANYTHING])
    holds(two_hosts(*pair("web", "db"), closed))
    open_ = acl("a", "a", ingress=[ANSWER], egress=[REQUEST])
    holds(two_hosts(*pair("web", "db"), open_), WITHIN)


def test_within_one_subnet_no_acl_is_asked() -> None:
    closed = acl("a", "a", ingress=[], egress=[])
    plan = [
        vpc(),
        subnet("a", "10.0.1.0/24"),
        group("web"),
        group("db"),
        host("web", "a", "web"),
        host("db", "a", "db"),
    ]
    holds([*plan, *pair("web", "db"), closed], WITHIN)


def test_standalone_entries_and_associations_count() -> None:
    """The third type of an entry, and the second way to associate."""
    bare = make("ec2/networkAcl", "bare", vpcId="vpc-net")
    joined = make("ec2/networkAclAssociation", "b", networkAclId="networkAcl-bare", subnetId="subnet-b")
    holds(two_hosts(*pair("web", "db"), bare, joined))
    entries = [
        make(
            "ec2/networkAclRule",
            f"entry-{egress}",
            networkAclId="networkAcl-bare",
            egress=egress,
            ruleNumber=1,
            ruleAction="allow",
            protocol="-1",
            cidrBlock="10.0.0.0/16",
        )
        for egress in (False, True)
    ]
    holds(two_hosts(*pair("web", "db"), bare, joined, *entries), WITHIN)


@pytest.mark.parametrize(
    ("entry", "passes"),
    [
        ({"cidrBlock": UNKNOWN}, True),
        ({"ipv6CidrBlock": UNKNOWN}, False),
        ({"cidrBlock": "10.0.0.0/16", "action": UNKNOWN}, True),
        ({"cidrBlock": "10.0.0.0/16", "protocol": UNKNOWN}, True),
    ],
    ids=str,
)
def test_an_unknown_entry_may_let_pass_within_its_family(entry: dict[str, Any], *, passes: bool) -> None:
    allow = {"ruleNo": 1, "action": "allow", "protocol": "tcp", "fromPort": 0, "toPort": 65535} | entry
    fence = make("ec2/networkAcl", "b", vpcId="vpc-net", subnetIds=["subnet-b"], ingress=[allow], egress=[allow])
    assert passing(Stack(two_hosts(*pair("web", "db"), fence))) == ({WITHIN} if passes else set())


def test_an_unknown_refusal_refuses_nothing_for_certain() -> None:
    deny = {"ruleNo": 1, "action": "deny", "protocol": "-1", "cidrBlock": UNKNOWN}
    allow = {"ruleNo": 2, "action": "allow", "protocol": "-1", "cidrBlock": "0.0.0.0/0"}
    both_ways = [deny, allow]
    fence = make("ec2/networkAcl", "b", vpcId="vpc-net", subnetIds=["subnet-b"], ingress=both_ways, egress=both_ways)
    assert passing(Stack(two_hosts(*pair("web", "db"), fence))) == {WITHIN}


def test_a_subnet_without_an_acl_has_the_default_one() -> None:
    """AWS's own lets everything pass; an adopted one without entries nothing; within a subnet none is asked."""
    locked = make("ec2/defaultNetworkAcl", "locked", defaultNetworkAclId="acl-default")
    plan = two_hosts(*pair("web", "db"))
    plan[0] = vpc(defaultNetworkAclId="acl-default")
    holds(plan, WITHIN)
    assert passing(Stack([*plan, locked])) == set()
    preview = Resource(locked.type, "locked", locked.urn, {"defaultNetworkAclId": UNKNOWN}, "", _of_the_vpc())
    assert passing(Stack([*previewed(plan), preview])) == set()


def _of_the_vpc() -> dict[str, tuple[str, ...]]:
    return {"defaultNetworkAclId": ("urn:vpc-net",)}


def test_an_acl_nobody_knows_the_subnets_of_excuses_nothing() -> None:
    closed = make("ec2/networkAcl", "closed", vpcId="vpc-net", subnetIds=UNKNOWN)
    locked = make("ec2/defaultNetworkAcl", "locked", defaultNetworkAclId="acl-default")
    plan = two_hosts(*pair("web", "db"), closed, locked)
    plan[0] = vpc(defaultNetworkAclId="acl-default")
    assert passing(Stack(plan)) == {WITHIN}


# ---- IPv6


@pytest.mark.parametrize(("block", "passes"), [("2600:1f16:abc:de00::/56", True), ("2001:db8::/32", False)])
def test_a_subnet_with_ipv6_only(block: str, *, passes: bool) -> None:
    entry = [(100, "allow", block, 0, 65535)]
    plan = [
        vpc(cidr="10.0.0.0/16", ipv6CidrBlock="2600:1f16:abc:de00::/56"),
        make("ec2/subnet", "a", vpcId="vpc-net", ipv6CidrBlock="2600:1f16:abc:de00::/64", ipv6Native=True),
        make("ec2/subnet", "b", vpcId="vpc-net", ipv6CidrBlock="2600:1f16:abc:de01::/64", ipv6Native=True),
        group("web"),
        group("db"),
        host("web", "a", "web"),
        host("db", "b", "db"),
        acl("b", "b", ingress=entry, egress=entry),
        *pair("web", "db"),
    ]
    holds(plan, *([WITHIN] if passes else []))
