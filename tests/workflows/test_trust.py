"""The documents of docs/ci.md are what the policy pack would let a program make."""

import json
import re
from pathlib import Path

import pytest

from isolation.registry import RULES
from isolation.rule import Resource, ResourceRule

PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
TRUST, READS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def found(kind, properties):
    """What any rule finds in a resource."""
    type_ = f"aws:iam/{kind[0].lower()}{kind[1:]}:{kind}"
    resource = Resource(type_, "deployer", f"urn:pulumi:dev::ci::{type_}::deployer", properties)
    return {
        finding.problem
        for rule in RULES
        if isinstance(rule, ResourceRule) and type_ in rule.checks
        for finding in rule.findings(resource)
    }


def trusted(**changes):
    document = json.loads(json.dumps(TRUST))
    for test, claims in changes.items():
        document["Statement"][0]["Condition"] = {test: claims} if claims else {}
    return found("Role", {"assumeRolePolicy": json.dumps(document)})


def test_the_role_that_deploys_trusts_one_environment_of_one_repository():
    assert trusted() == set()


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": "sts.amazonaws.com"},
        {"aud": "sts.amazonaws.com", "sub": "repo:octo-org/*"},
        {"aud": "sts.amazonaws.com", "sub": "repo:*:environment:prod"},
    ],
    ids=["nothing", "audience", "organization", "any-repository"],
)
def test_a_wider_trust_is_refused(claims):
    named = {f"token.actions.githubusercontent.com:{claim}": value for claim, value in claims.items()}
    assert "trusts GitHub without a sub that names one repository" in trusted(StringLike=named)


def test_the_role_that_reads_may_decrypt_and_nothing_else():
    assert found("RolePolicy", {"role": "vectordb-preview", "policy": json.dumps(READS)}) == set()
