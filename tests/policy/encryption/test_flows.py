"""What proves that a flow is encrypted, and what does not."""

from typing import Any

import pytest

from isolation.encryption.flows import encrypted
from isolation.encryption.proof import PROVEN, UNKNOWN, UNPROVEN
from isolation.reachability.declared import parse, table
from isolation.reachability.differences import differences
from isolation.rule import Resource
from isolation.stack import Stack
from tests.policy.reachability.plans import both, group, host, let_in, let_out, make, pair, subnet, vpc
from tests.policy.support import UNKNOWN as UNKNOWN_VALUE
from tests.policy.support import secret, stack_rule

ALL_ALLOWED = parse("x", {"roles": {"all": {"addresses": "0.0.0.0/0"}}, "flow": []})
FORCED = make("rds/parameterGroup", "tls", parameters=[{"name": "rds.force_ssl", "value": "1"}])
HELD = {"vpcSecurityGroupIds": ["securityGroup-db"]}
SUBNETS = {"subnetIds": ["subnet-a"], "securityGroupIds": ["securityGroup-db"], "vpcId": "vpc-net"}
ENDPOINT = {"vpcEndpointType": "Interface", "serviceName": "com.amazonaws.eu-west-1.sqs", **SUBNETS}
DATABASE = {"engine": "postgres", "parameterGroupName": "parameterGroup-tls", **HELD}
PROXY = {"vpcSubnetIds": ["subnet-a"], "requireTls": True, **HELD}
BALANCER = {
    "loadBalancerType": "application",
    "internal": True,
    "subnets": ["subnet-a"],
    "securityGroups": ["securityGroup-db"],
}


def listener(protocol: str, port: int = 443) -> Resource:
    return make("lb/listener", "l", loadBalancerArn="loadBalancer-t", protocol=protocol, port=port)


ROWS: list[tuple[str, dict[str, Any], list[Resource], int | None, str]] = [
    ("rds/instance", DATABASE, [FORCED], 5432, PROVEN),
    ("rds/instance", DATABASE, [FORCED], 22, UNPROVEN),
    ("rds/instance", DATABASE, [FORCED], None, UNPROVEN),
    ("rds/instance", DATABASE | {"port": 5433}, [FORCED], 5433, PROVEN),
    ("rds/instance", DATABASE | {"port": UNKNOWN_VALUE}, [FORCED], 5432, UNKNOWN),
    ("rds/instance", DATABASE, [], 5432, UNPROVEN),
    ("rds/instance", DATABASE | {"parameterGroupName": UNKNOWN_VALUE}, [], 5432, UNKNOWN),
    ("rds/proxy", PROXY, [], 5432, PROVEN),
    ("rds/proxy", PROXY | {"requireTls": False}, [], 5432, UNPROVEN),
    ("rds/proxy", PROXY | {"requireTls": UNKNOWN_VALUE}, [], 5432, UNKNOWN),
    ("rds/proxyEndpoint", {"vpcSubnetIds": ["subnet-a"], **HELD}, [], 5432, UNPROVEN),
    ("ec2/vpcEndpoint", ENDPOINT, [], 443, PROVEN),
    ("ec2/vpcEndpoint", ENDPOINT, [], 80, UNPROVEN),
    ("ec2/vpcEndpoint", ENDPOINT, [], None, UNPROVEN),
    ("lb/loadBalancer", BALANCER, [listener("HTTPS")], 443, PROVEN),
    ("lb/loadBalancer", BALANCER, [listener("HTTP")], 443, UNPROVEN),
    ("lb/loadBalancer", BALANCER, [listener(UNKNOWN_VALUE)], 443, UNKNOWN),
    ("lb/loadBalancer", BALANCER, [listener("TLS", 80)], 443, UNPROVEN),
    ("ec2/instance", {"subnetId": "subnet-a", **HELD}, [], 443, UNPROVEN),
]


def plan(path: str, properties: dict[str, Any], beside: list[Resource], port: int | None) -> list[Resource]:
    return [
        vpc(),
        subnet("a", "10.0.1.0/24"),
        group("web"),
        group("db"),
        host("web", "a", "web"),
        make(path, "t", **properties),
        *beside,
        *pair("web", "db", port),
    ]


@pytest.mark.parametrize(("path", "properties", "beside", "port", "state"), ROWS, ids=lambda value: str(value)[:25])
def test_a_flow_is_proven_by_its_target(
    path: str, properties: dict[str, Any], beside: list[Resource], port: int | None, state: str
) -> None:
    for stack in both(plan(path, properties, beside, port)):
        [judged] = differences(stack, ALL_ALLOWED).undeclared
        assert encrypted(stack, judged.target, judged.traffic, ()).state == state


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[3]}-{row[4]}")
def test_what_is_not_proven_is_a_violation_and_what_is_not_known_is_none(row: Any) -> None:
    *made, state = row
    for stack in both(plan(*made)):
        found = [
            (each.name, finding.problem) for each, finding in stack_rule("flows-encrypted").findings(stack) if each
        ]
        assert [name for name, _ in found] == ["t"] * (state == UNPROVEN)
        assert all("from EC2 instance web that nothing proves to be encrypted" in problem for _, problem in found)


def test_what_is_not_in_the_plan_is_as_encrypted_as_its_row_says(tmp_path: Any) -> None:
    text = (
        '[roles]\nweb = {kind = "instance"}\ngiven = {group = "given"}\n[[flow]]\nsource = "web"\ntarget = "given"\n'
        'protocol = "tcp"\nports = "443"\nwhy = "Known."\nexpected = "optional"\n'
    )
    base = [vpc(), subnet("a", "10.0.1.0/24"), group("web"), host("web", "a", "web")]
    stack = Stack([*base, let_out("web", 443, referencedSecurityGroupId="sg-0123456789abcdef0")])
    for said, number in (("", 1), ('encrypted = "HTTPS only."\n', 0)):
        file = tmp_path / f"flows{number}.toml"
        file.write_text(text + said)
        found = list(stack_rule("flows-encrypted").findings(stack.configured({"flows": str(file)})))
        assert len(found) == number
    assert len(list(stack_rule("flows-encrypted").findings(stack))) == 1


def test_flows_from_addresses_are_judged_by_their_target() -> None:
    base = plan("rds/instance", DATABASE, [FORCED], 5432)
    for stack in both([*base, let_in("db", cidrIpv4="10.0.0.0/8")]):
        assert list(stack_rule("flows-encrypted").findings(stack)) == []


def test_one_unknown_hides_no_violation_beside_it_and_no_secret_is_repeated() -> None:
    unclear = make("rds/instance", "u", **(DATABASE | {"parameterGroupName": UNKNOWN_VALUE}))
    hidden = make(
        "rds/instance", "h", **(DATABASE | {"parameterGroupName": secret("hunter2"), "engine": secret("postgres")})
    )
    found = list(
        stack_rule("flows-encrypted").findings(Stack([*plan("rds/proxy", PROXY, [FORCED], 5432), unclear, hidden]))
    )
    assert [each.name for each, _ in found if each] == ["h"]
    assert "hunter2" not in str([finding for _, finding in found])


def test_nothing_and_many() -> None:
    assert list(stack_rule("flows-encrypted").findings(Stack([]))) == []
    crowd = [make("rds/proxy", f"p{number}", **PROXY) for number in range(40)]
    assert list(stack_rule("flows-encrypted").findings(Stack(plan("rds/proxy", PROXY, crowd, 5432)))) == []


def test_every_row_for_what_is_not_in_the_plan_says_what_encrypts_it() -> None:
    assert [row for row in table().rows if any(role.given for role in row.target) and not row.encrypted] == []
