"""Ingress from a prefix list: the stack's own pass, since their entries are judged; somebody else's do not."""

from typing import Any

import pytest

from isolation.rule import Resource
from isolation.stack import Stack
from tests.policy.support import UNKNOWN, resource, stack_rule


def _named(identifier: Any, path: str = "vpc/securityGroupIngressRule") -> Resource:
    properties = {
        "vpc/securityGroupIngressRule": {"prefixListId": identifier},
        "ec2/securityGroupRule": {"type": "ingress", "prefixListIds": [identifier]},
        "ec2/securityGroup": {"ingress": [{"prefixListIds": [UNKNOWN, identifier]}]},
        "ec2/defaultSecurityGroup": {"ingress": [{"prefixListIds": [identifier]}]},
    }[path]
    return resource(path, properties)


DECLARED = resource("ec2/managedPrefixList", {"id": "pl-own", "entries": []}, "own")
UNMADE = resource("ec2/managedPrefixList", {"entries": []}, "unmade")
CLOUDFRONT = "pl-a3a144ca"


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("vpc/securityGroupIngressRule", "prefixListId"),
        ("ec2/securityGroupRule", "prefixListIds[0]"),
        ("ec2/securityGroup", "ingress[0].prefixListIds[1]"),
        ("ec2/defaultSecurityGroup", "ingress[0].prefixListIds[0]"),
    ],
)
def test_ingress_from_a_prefix_list_of_somebody_else_is_found(path: str, where: str) -> None:
    rule = stack_rule("security-group-ingress-prefix-list-declared")
    judged = _named(CLOUDFRONT, path)
    [(at, finding)] = rule.findings(Stack([DECLARED, UNMADE, judged]))
    assert at is judged
    assert rule.message(judged, finding) == (
        f"thing: {where} names a prefix list that this stack does not declare. "
        "Declare the list as an aws.ec2.ManagedPrefixList in this stack, or admit a security group."
    )


@pytest.mark.parametrize("identifier", ["pl-own", UNKNOWN, None])
def test_ingress_from_the_stack_s_own_prefix_list_passes(identifier: Any) -> None:
    rule = stack_rule("security-group-ingress-prefix-list-declared")
    assert list(rule.findings(Stack([_named(identifier), DECLARED, UNMADE]))) == []


def test_a_list_without_an_id_declares_nothing() -> None:
    rule = stack_rule("security-group-ingress-prefix-list-declared")
    assert len(list(rule.findings(Stack([_named(7.0), UNMADE])))) == 1


def test_egress_may_name_any_prefix_list() -> None:
    rule = stack_rule("security-group-ingress-prefix-list-declared")
    egress = resource("ec2/securityGroupRule", {"type": "egress", "prefixListIds": [CLOUDFRONT]})
    other = resource("vpc/securityGroupEgressRule", {"prefixListId": CLOUDFRONT})
    assert list(rule.findings(Stack([egress, other]))) == []
