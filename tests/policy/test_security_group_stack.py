"""What the rules of security groups say together, and the prefix lists of egress."""

from typing import Any

import pytest

from isolation.rule import Resource
from tests.policy.stages import Stage, hidden, judged, stage
from tests.policy.support import UNKNOWN, resource

__all__ = ["stage"]

LISTS = "security-group-egress-prefix-list-https"
FOREIGN = "is not this stack's own, and more than HTTPS passes"
HTTPS = {"fromPort": 443, "toPort": 443}
S3 = "pl-63a5400a"


def named(path: str, ports: dict[str, Any], identifier: Any = S3) -> Resource:
    properties = {
        "vpc/securityGroupEgressRule": {"prefixListId": identifier, **ports},
        "ec2/securityGroupRule": {"type": "egress", "prefixListIds": [identifier], **ports},
        "ec2/securityGroup": {"egress": [{"prefixListIds": [UNKNOWN, identifier], **ports}]},
        "ec2/defaultSecurityGroup": {"egress": [{"prefixListIds": [identifier], **ports}]},
    }[path]
    return resource(path, properties)


PATHS = {
    "vpc/securityGroupEgressRule": "prefixListId",
    "ec2/securityGroupRule": "prefixListIds[0]",
    "ec2/securityGroup": "egress[0].prefixListIds[1]",
    "ec2/defaultSecurityGroup": "egress[0].prefixListIds[0]",
}


def protocol(path: str, name: Any) -> dict[str, Any]:
    return {"ipProtocol" if path.startswith("vpc/") else "protocol": name}


@pytest.mark.parametrize("path", PATHS)
def test_a_list_of_somebody_else_gets_https_and_nothing_more(path: str) -> None:
    for wide in (
        protocol(path, "-1"),
        protocol(path, "tcp") | {"fromPort": 0, "toPort": 65535},
        protocol(path, "tcp") | {"fromPort": 443, "toPort": 5432},
        protocol(path, "udp") | HTTPS,
        protocol(path, "tcp"),
        HTTPS,
    ):
        assert judged(LISTS, [named(path, wide)]) == [("thing", PATHS[path], FOREIGN)]
        assert judged(LISTS, hidden([named(path, wide)])) == [("thing", PATHS[path], FOREIGN)]
    for narrow in (protocol(path, "TCP") | HTTPS, protocol(path, 6) | {"fromPort": "443", "toPort": 443.0}):
        assert judged(LISTS, [named(path, narrow)]) == []
    assert judged(LISTS, [named(path, protocol(path, UNKNOWN) | HTTPS)]) == []
    assert judged(LISTS, [named(path, protocol(path, "-1"), UNKNOWN if path.startswith("vpc/") else None)]) == []


def test_a_list_of_the_stack_is_judged_by_its_entries() -> None:
    own = resource("ec2/managedPrefixList", {"id": "pl-own"}, "own")
    many = [named("vpc/securityGroupEgressRule", {"ipProtocol": "-1"}, "pl-own") for _ in range(1000)]
    assert judged(LISTS, [*many, own]) == []
    assert len(judged(LISTS, many)) == 1000
    assert judged(LISTS, [resource("ec2/securityGroupRule", {"type": "ingress", "prefixListIds": [S3]})]) == []


ADMITTED = "security-group-ingress-prefix-list-declared"


@pytest.mark.parametrize("path", ["vpc/securityGroupIngressRule", "ec2/securityGroupRule"])
def test_an_unknown_list_that_is_made_of_an_endpoint_is_not_the_stack_s_own(path: str) -> None:
    """S3's list is AWS's: it may be let out to, and not in."""
    preview = Stage("preview")
    s3, own = preview.make("ec2/vpcEndpoint", "s3"), preview.make("ec2/managedPrefixList", "own")
    many = not path.startswith("vpc/")
    key = "prefixListIds" if many else "prefixListId"

    def admits(each: Resource) -> Resource:
        return preview.make(path, "rule", **{key: [each] if many else each})

    expected = [("rule", f"{key}[0]" if many else key, "names a prefix list that this stack does not declare")]
    assert judged(ADMITTED, [s3, own, admits(s3)]) == expected
    assert judged(ADMITTED, [s3, own, admits(own)]) == []


MIXED = "security-group-rules-in-one-place"


@pytest.mark.parametrize("direction", ["ingress", "egress"])
@pytest.mark.parametrize(
    "path", ["ec2/securityGroupRule", "vpc/securityGroupIngressRule", "vpc/securityGroupEgressRule"]
)
def test_a_standalone_rule_of_a_group_with_inline_rules_is_found(path: str, direction: str, stage: Stage) -> None:
    group = stage.make("ec2/securityGroup", "group", {direction: [{"protocol": "tcp", "self": True}]})
    other = stage.make("ec2/securityGroup", "other", {direction: [], "description": UNKNOWN})
    rules = [stage.make(path, f"rule-{each.name}", securityGroupId=each) for each in (group, other)]
    expected = [("rule-group", "securityGroupId", "names group, which has rules of its own inline")]
    assert judged(MIXED, [group, other, *rules]) == expected
    assert judged(MIXED, hidden([group, other, *rules])) == expected
    assert judged(MIXED, [group, other, rules[1]]) == []


def test_a_rule_of_a_group_that_nobody_knows_is_not_judged() -> None:
    inline = resource("ec2/securityGroup", {"ingress": [{"self": True}]}, "group")
    rules = [resource("vpc/securityGroupIngressRule", {"securityGroupId": each}) for each in (UNKNOWN, "sg-1")]
    assert judged(MIXED, [inline, *rules]) == []


def test_inline_rules_that_are_unknown_may_be_none(stage: Stage) -> None:
    group = stage.make("ec2/securityGroup", "group", {"ingress": UNKNOWN})
    rule = stage.make("vpc/securityGroupIngressRule", "rule", securityGroupId=group)
    assert judged(MIXED, [group, rule]) == []


def test_each_of_many_groups_is_judged_by_itself(stage: Stage) -> None:
    groups = [
        stage.make("ec2/securityGroup", f"g{n}", {"ingress": [{"self": True}] if n == 300 else []}) for n in range(500)
    ]
    rules = [stage.make("vpc/securityGroupIngressRule", f"r{n}", securityGroupId=g) for n, g in enumerate(groups)]
    assert [name for name, *_ in judged(MIXED, [*groups, *rules])] == ["r300"]
