"""The types and properties that rules read are the provider's: one that is misspelt would find nothing."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pulumi_aws

from isolation.registry import RULES
from isolation.rule import ResourceRule
from tests.policy.cases import CASES
from vectordb.plan.replacement import REPLACES

RESOURCE_RULES = [rule for rule in RULES if isinstance(rule, ResourceRule)]
# The provider still takes the earlier names of these, each as an alias of its type.
EARLIER = {"elasticloadbalancingv2": "lb", "elasticloadbalancing": "elb", "applicationloadbalancing": "alb"}
# Properties whose keys are the author's, or another language's.
FREE = {
    "policy",
    "assumeRolePolicy",
    "inlinePolicy",
    "variables",
    "tags",
    "content",
    "connectionProperties",
    "defaultArguments",
    "endpoints",
    "permissions",
    "redrivePolicy",
    "redriveAllowPolicy",
    "templateBody",
}


def _folder(path: str) -> Path:
    """Where the provider declares the resources of a module."""
    module = path.partition("/")[0]
    return Path(pulumi_aws.__path__[0]) / ({"lambda": "lambda_"} | EARLIER).get(module, module)


@cache
def _names(file: Path) -> frozenset[str]:
    """The properties that a module of the provider declares; importing all of them would take seconds."""
    text = file.read_text() if file.exists() else ""
    return frozenset(re.findall(r'(?:@pulumi\.getter\(name=|pulumi\.set\(__self__, )"([A-Za-z0-9_]+)"', text))


@cache
def _file(path: str) -> Path:
    name = path.rpartition("/")[2]
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return _folder(path) / f"{snake}.py"


def _below(value: Any) -> list[str]:
    """The names of the properties within a value."""
    if isinstance(value, dict):
        return [*value, *(name for key, item in value.items() if key not in FREE for name in _below(item))]
    return [name for item in value for name in _below(item)] if isinstance(value, list) else []


def test_every_type_is_one_of_the_provider_s() -> None:
    tokens = {token for rule in RESOURCE_RULES for token in rule.checks}
    assert [token for token in sorted(tokens) if token not in _file(token.split(":")[1]).read_text()] == []


def test_every_property_of_a_case_is_one_of_the_provider_s() -> None:
    wrong = []
    for case in CASES:
        nested = _names(_folder(case.type) / "_inputs.py")
        wrong += [(case.rule, name) for name in case.properties if name not in _names(_file(case.type))]
        inner = [name for key, value in case.properties.items() if key not in FREE for name in _below(value)]
        wrong += [(case.rule, name) for name in inner if name not in nested]
    assert wrong == []


def test_what_is_repaired_is_one_of_the_provider_s_and_replaces_nothing() -> None:
    for rule in RESOURCE_RULES:
        for token, repairs in rule.repairs.items():
            path = token.split(":")[1]
            for repair in repairs:
                first, *below = repair.split(".")
                assert first in _names(_file(path)), (rule.id, repair)
                assert {*below} <= _names(_folder(path) / "_inputs.py"), (rule.id, repair)
                assert not {first, repair} & REPLACES.get(token, frozenset()), (rule.id, repair)
