"""The table of declared flows, and plans that have more or fewer of them."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from isolation.reachability.declared import FILE, FOLDER, parse, table
from isolation.reachability.differences import differences
from isolation.reachability.traffic import ALL, of
from isolation.rule import Resource
from isolation.stack import Stack
from tests.policy.reachability.plans import (
    acl,
    both,
    component,
    group,
    host,
    let_in,
    let_out,
    make,
    pair,
    previewed,
    subnet,
    two_hosts,
    vpc,
)
from tests.policy.support import UNKNOWN, secret, stack_rule

TABLE = """
[roles]
web = { kind = "instance", name = "web*" }
db = { kind = "instance", name = "db" }
office = { addresses = "10.0.0.0/16" }
given = { group = "given" }
extra = { resource = "Vpc" }

[[flow]]
source = "web"
target = "db"
protocol = "tcp"
ports = "5432"
why = "The pages are in the database."
"""


@pytest.fixture
def declared(tmp_path: Path) -> Any:
    """Judges plans by a table with further text at its end: (subject, problem) of each finding."""

    def judge(stack: Stack, more: str = "", text: str = TABLE) -> list[tuple[str, str]]:
        file = tmp_path / "own.toml"
        file.write_text(text + more)
        stack = stack.configured({"flows": str(file)})
        found = stack_rule("flows-as-declared").findings(stack)
        return [(each.name if each else "", f"{finding.path} {finding.problem}".strip()) for each, finding in found]

    return judge


def test_the_declared_flow_and_no_other_passes(declared: Any) -> None:
    for stack in both(two_hosts(*pair("web", "db"))):
        assert declared(stack) == []


def test_more_is_named_with_the_rules_that_let_it_pass(declared: Any) -> None:
    for stack in both(two_hosts(*pair("web", "db"), *pair("web", "db", 22))):
        [(name, problem)] = declared(stack)
        assert name == "web-22-db"
        assert problem.startswith("lets EC2 instance web reach EC2 instance db with tcp 22, together with db-22-web; /")
        assert problem.endswith("own.toml has no such flow")


def test_the_part_of_a_range_that_is_not_declared_is_more(declared: Any) -> None:
    wide = make(
        "vpc/securityGroupIngressRule",
        "wide",
        securityGroupId="securityGroup-db",
        referencedSecurityGroupId="securityGroup-web",
        ipProtocol="tcp",
        fromPort=5000,
        toPort=6000,
    )
    for stack in both(two_hosts(let_out("web", None, group="db"), wide)):
        assert "with tcp 5000-5431, 5433-6000, together" in declared(stack)[0][1]


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([], "no egress rule of web is for EC2 instance db and tcp 5432"),
        (pair("web", "db")[:1], "no ingress rule of db is for EC2 instance web and tcp 5432"),
        (pair("web", "db", 22), "no egress rule of web is for EC2 instance db and tcp 5432"),
        (
            [*pair("web", "db"), acl("b", "b", ingress=[(1, "allow", "10.0.0.0/8", 5432, 5432)], egress=[])],
            "web-5432-db, db-5432-web would let it pass; the network ACLs or routes of a, b do not in each of them",
        ),
    ],
    ids=["none", "egress", "another port", "acl"],
)
def test_fewer_is_named_with_what_stands_in_the_way(declared: Any, rules: list[Resource], reason: str) -> None:
    for stack in both(two_hosts(*rules)):
        name, problem = declared(stack)[-1]
        assert name == "web"
        assert problem.startswith("cannot reach EC2 instance db with tcp 5432, though ")
        assert problem.endswith(f"declares it (The pages are in the database): {reason}")


def test_a_flow_without_its_ends_is_not_missed(declared: Any) -> None:
    for stack in both([vpc(), subnet("a", "10.0.1.0/24"), group("web"), host("web", "a", "web")]):
        assert declared(stack) == []
    assert declared(Stack([])) == []


OPTIONAL = """
expected = "optional"
"""


@pytest.mark.parametrize(
    ("expected", "missing"), [("each pair", 1), ("each source", 1), ("each target", 0), ("optional", 0)]
)
def test_what_has_to_pass_is_said(declared: Any, expected: str, missing: int) -> None:
    """Of two sources, one has its flow."""
    second = [group("other"), host("web-2", "a", "other")]
    for stack in both(two_hosts(*pair("web", "db"), *second)):
        assert len(declared(stack, f'expected = "{expected}"\n')) == missing


def test_what_a_flow_needs_has_to_be_there_for_it_to_be_declared(declared: Any) -> None:
    for stack in both(two_hosts(*pair("web", "db"))):
        assert declared(stack, 'needs = ["extra"]\n') == []
        assert len(declared(stack, 'needs = ["given"]\n')) == 1


def test_addresses_and_given_groups_are_sources_that_can_be_declared(declared: Any) -> None:
    rows = "".join(
        f'[[flow]]\nsource = "{name}"\ntarget = "db"\nprotocol = "tcp"\nports = "5432"\nwhy = "Known."\nexpected = "optional"\n'
        for name in ("office", "given")
    )
    doors = [let_in("db", cidrIpv4="10.0.0.0/8"), let_in("db", referencedSecurityGroupId="sg-0123456789abcdef0")]
    for stack in both(two_hosts(*pair("web", "db"), *doors)):
        assert len(declared(stack)) == 2
        assert declared(stack, rows) == []


def test_unknown_groups_excuse_nothing_that_is_known(declared: Any) -> None:
    unknown = make(
        "vpc/securityGroupIngressRule", "odd", securityGroupId=UNKNOWN, ipProtocol="-1", cidrIpv4="10.0.0.0/8"
    )
    stack = Stack(two_hosts(*pair("web", "db"), *pair("web", "db", 22), unknown))
    assert [name for name, _ in declared(stack)] == ["web-22-db"]


def test_a_rule_nobody_knows_the_owner_of_may_be_what_seems_missing(declared: Any) -> None:
    unknown = make(
        "vpc/securityGroupIngressRule", "odd", securityGroupId=UNKNOWN, ipProtocol="-1", cidrIpv4="10.0.0.0/8"
    )
    assert declared(Stack(two_hosts(let_out("web", group="db"), unknown))) == []


def one_of(*candidates: str) -> Stack:
    """A preview in which a rule lets `web` into one of several groups, and nobody knows which."""
    plan = previewed(
        two_hosts(let_out("web", group="db"), let_out("web", group="other"), group("other"), host("x", "b", "other"))
    )
    rule = Resource(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "in",
        "urn:in",
        {"securityGroupId": UNKNOWN, "referencedSecurityGroupId": UNKNOWN, "ipProtocol": "-1"},
        references={
            "securityGroupId": tuple(f"urn:securityGroup-{each}" for each in candidates),
            "referencedSecurityGroupId": ("urn:securityGroup-web",),
        },
    )
    return Stack([*plan, rule])


def test_one_of_several_is_a_violation_when_each_would_be(declared: Any) -> None:
    assert declared(one_of("db", "other")) == []
    assert len(declared(one_of("other"), OPTIONAL)) == 1


def test_secrets_are_read_as_what_they_hold_and_not_repeated(declared: Any) -> None:
    door = let_in("db", 22, cidrIpv4="10.0.0.0/8")
    hidden = Resource(
        door.type,
        "door",
        door.urn,
        {key: secret(value) for key, value in door.properties.items()} | {"description": secret("hunter2")},
    )
    found = declared(Stack(two_hosts(*pair("web", "db"), hidden)))
    assert [name for name, _ in found] == ["door"]
    assert "hunter2" not in str(found)


def test_what_stands_where_an_id_should_is_not_repeated(declared: Any) -> None:
    door = let_in("db", 22, referencedSecurityGroupId="hunter2")
    odd = let_out("web", 443, prefixListId="correct horse")
    said = str(declared(Stack(two_hosts(*pair("web", "db"), door, odd))))
    assert "has the security group an id that is not of this stack reach" in said
    assert "hunter2" not in said.replace("db-22-hunter2", "")
    assert "correct horse" not in said.replace("web-443-correct horse", "")


def test_many_resources(declared: Any) -> None:
    crowd = [each for n in range(40) for each in (group(f"g{n}"), host(f"web-{n}", "a", f"g{n}"), *pair(f"g{n}", "db"))]
    for stack in both(two_hosts(*pair("web", "db"), *crowd)):
        assert declared(stack) == []


# ---- the file


def test_the_pack_s_own_table_is_well_formed_and_every_role_is_used() -> None:
    own = table()
    assert own.problems == ()
    text = (FOLDER / FILE).read_text()
    rows = tomllib.loads(text)
    used = {name for row in rows["flow"] for key in ("source", "target", "needs") for name in _names(row.get(key, []))}
    assert used == set(rows["roles"])
    assert len(own.rows) == len(rows["flow"])


def _names(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


ROLES = {"a": {"kind": "instance"}}
GOOD = {"source": "a", "target": "a", "protocol": "tcp", "ports": "1", "why": "Yes."}


@pytest.mark.parametrize(
    ("parsed", "problem"),
    [
        ({"flows": []}, "flows: is neither roles nor flow"),
        ({"roles": 7}, "roles: is no table"),
        ({"flow": {}}, "flow: is no array of tables; write each flow under [[flow]]"),
        ({"flow": [7]}, "flow[0]: is no table"),
        ({"roles": {"a": 7}}, "roles.a: is no table with one of"),
        ({"roles": {"a": {}}}, "roles.a: is no table with one of"),
        ({"roles": {"a": {"sort": "x"}}}, "roles.a.sort: is none of"),
        ({"roles": {"a": {"kind": [1]}}}, "roles.a.kind: is neither a string nor a list of them"),
        ({"roles": {"a": {"group": "mine"}}}, 'roles.a.group: can only be "given"'),
        ({"roles": {"a": {"addresses": "10.0.0.0"}}}, "roles.a.addresses: is no CIDR block"),
        (GOOD | {"source": "b"}, "flow[0].source: 'b' is no role of this file"),
        (GOOD | {"source": []}, "flow[0].source: names no role"),
        (GOOD | {"needs": []}, "flow[0].needs: names no role"),
        (GOOD | {"protocol": "http"}, "flow[0].protocol: is none of"),
        (GOOD | {"ports": "ssh"}, "flow[0].ports: is no list of ports"),
        (GOOD | {"ports": "70000"}, "flow[0].ports: is no list of ports"),
        (GOOD | {"ports": "9-1"}, "flow[0].ports: is no list of ports"),
        (GOOD | {"ports": None}, "flow[0].ports: is no list of ports"),
        (GOOD | {"why": " "}, "flow[0].why: says nothing"),
        (GOOD | {"expected": "never"}, "flow[0].expected: is none of"),
        (GOOD | {"encrypted": 1}, "flow[0].encrypted: is no string"),
        (GOOD | {"port": "1"}, "flow[0].port: is none of"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_with_a_table_is_said_and_the_rest_is_read(parsed: dict[str, Any], problem: str) -> None:
    if "source" in parsed:
        parsed = {"roles": ROLES, "flow": [parsed, GOOD]}
        assert len(parse("x", parsed).rows) >= 1
    assert parse("x", parsed).problems[0].startswith(problem)


@pytest.mark.parametrize("text", ["[roles", "\x00", "a = 1\na = 2"])
def test_what_is_no_toml_is_a_violation(declared: Any, text: str) -> None:
    [(_, problem)] = declared(Stack([]), text=text)
    assert "is no TOML" in problem


@pytest.mark.parametrize("file", ["missing.toml", "../..", "\x00.toml"])
def test_a_file_that_cannot_be_read_is_a_violation(file: str) -> None:
    stack = Stack([]).configured({"flows": file})
    [(_, finding)] = stack_rule("flows-as-declared").findings(stack)
    assert finding.problem.startswith(("cannot be read", "is no TOML"))


def test_ports_and_protocols_are_what_they_say() -> None:
    rows = [GOOD | {"ports": "443, 8000-8010"}, GOOD | {"protocol": "all"}, GOOD | {"ports": 53, "protocol": "udp"}]
    first, second, third = parse("x", {"roles": ROLES, "flow": rows}).rows
    assert first.traffic == of({"tcp": ((443, 443), (8000, 8010))})
    assert second.traffic is ALL
    assert third.traffic == of({"udp": ((53, 53),)})


def test_a_component_of_the_user_s_gets_a_role_of_its_own(declared: Any) -> None:
    own = component("api", "Api")
    plan = [
        own,
        *two_hosts(*pair("web", "db")),
        group("api"),
        make(
            "lambda/function",
            "handler",
            component=own.urn,
            vpcConfig={"subnetIds": ["subnet-a"], "securityGroupIds": ["securityGroup-api"]},
        ),
        *pair("api", "db"),
    ]
    more = '[roles.api]\nkind = "function"\ncomponent = "Api"\n[[flow]]\nsource = "api"\ntarget = "db"\nprotocol = "tcp"\nports = "5432"\nwhy = "Asks."\n'
    for stack in both(plan):
        assert len(declared(stack)) == 1
        assert declared(stack, more) == []


def test_facts_of_differences_are_complete() -> None:
    found = differences(Stack(two_hosts(*pair("web", "db"))), parse("x", {"roles": {}, "flow": []}))
    assert [(each.source.id, each.target.id, str(each.traffic)) for each in found.undeclared] == [
        ("web", "db", "tcp 5432")
    ]
    assert (found.declared, found.possible, found.missing) == ((), (), ())
