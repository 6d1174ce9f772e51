"""What is registered, and the net below the checks."""

import re
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from pulumi_policy import Severity

import isolation.rules
from isolation.registry import RULES
from isolation.rule import Finding, Frameworks, ResourceRule, StackRule, aws
from isolation.stack import Stack
from tests.policy.support import messages, resource

# ---- the net below the checks


def _failing(judged: Any) -> Any:
    yield Finding("size", "is hunter1")
    raise ValueError("hunter2")


def test_a_check_that_fails_is_a_finding_beside_what_it_found_before() -> None:
    rule = ResourceRule(id="x", title="X.", severity=Severity.LOW, remedy="Do.", checks={aws("ebs/volume"): _failing})
    assert messages(rule, resource("ebs/volume", {})) == [
        "thing: size is hunter1. Do.",
        (
            "thing could not be judged (ValueError). Correct the resource's inputs; if they are right, the rule is wrong: "
            "please report it."
        ),
    ]


def test_a_stack_check_that_fails_is_a_finding() -> None:
    def check(stack: Stack) -> Any:
        yield stack.resources[0], Finding("", "is there")
        raise KeyError("hunter2")

    rule = StackRule(id="x", title="X.", severity=Severity.LOW, remedy="Do.", check=check)
    judged = resource("ebs/volume", {})
    assert [(at, finding.problem) for at, finding in rule.findings(Stack([judged]))] == [
        (judged, "is there"),
        (None, "could not be judged (KeyError)"),
    ]


def test_other_types_are_not_looked_at() -> None:
    rule = ResourceRule(id="x", title="X.", severity=Severity.LOW, remedy="Do.", checks={aws("ebs/volume"): _failing})
    assert list(rule.findings(resource("ebs/snapshot", {}))) == []


# ---- the registry


def test_every_rule_of_every_module_is_registered_once() -> None:
    modules = sorted(path.stem for path in Path(isolation.rules.__file__).parent.glob("[!_]*.py"))
    defined = {
        value.id
        for name in modules
        for value in vars(__import__(f"isolation.rules.{name}", fromlist=["*"])).values()
        if isinstance(value, ResourceRule | StackRule)
    }
    assert sorted(rule.id for rule in RULES) == sorted(defined)
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_it_is(rule: ResourceRule | StackRule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
    assert rule.title.endswith(".")
    assert rule.remedy.endswith(".")
    assert len(set(rule.frameworks.labels())) == len(rule.frameworks.labels())
    with pytest.raises(FrozenInstanceError):
        rule.id = "other"  # type: ignore[misc]  # the assignment is what must fail


def test_labels_name_the_catalogue() -> None:
    frameworks = Frameworks(fsbp=("RDS.3",), cis=("2.3.1",), cdk_nag=("AwsSolutions-RDS2",), checkov=("CKV_AWS_16",))
    assert frameworks.labels() == ["FSBP RDS.3", "CIS 3.0.0 2.3.1", "cdk-nag AwsSolutions-RDS2", "Checkov CKV_AWS_16"]
