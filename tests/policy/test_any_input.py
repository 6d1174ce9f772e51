"""The checks digest any JSON by themselves: the net below them is not needed."""

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from isolation.registry import RULES
from isolation.rule import Resource, ResourceRule, StackRule
from isolation.stack import Stack
from tests.policy.cases import CASES
from tests.policy.support import NAME, UNKNOWN, plain_resource, resource

CHECKS = [(rule, token) for rule in RULES if isinstance(rule, ResourceRule) for token in rule.checks]
STACK_RULES = [rule for rule in RULES if isinstance(rule, StackRule)]
TYPES = sorted({token.split(":")[1] for _, token in CHECKS})

OF_DOCUMENTS = {
    "Statement",
    "Effect",
    "Principal",
    "AWS",
    "Action",
    "Resource",
    "Condition",
    "Bool",
    "aws:SecureTransport",
}
# The words of the rules' own cases: what a check looks for is among them.
WORDS: dict[str, list[str]] = {}
for _case in CASES:
    found = {word for word in re.findall(r"[A-Za-z0-9:]+", repr(_case.properties)) if not word[0].isdigit()}
    WORDS[_case.rule] = sorted({*WORDS.get(_case.rule, OF_DOCUMENTS), *found})
ALL_WORDS = sorted({word for words in WORDS.values() for word in words})

leaves = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        [UNKNOWN, "0.0.0.0/0", "true", "{}", '{"Statement":[{}]}', "tcp", "rds.force_ssl", "igw-1", "default.x"]
    )
)


def objects(words: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(words)
    values = st.recursive(
        leaves,
        lambda children: st.lists(children, max_size=3) | st.dictionaries(names, children, max_size=4),
        max_leaves=12,
    )
    return st.dictionaries(names, values, max_size=6)


OBJECTS = {rule.id: objects(WORDS.get(rule.id, ALL_WORDS)) for rule in RULES}
ANYTHING = objects(ALL_WORDS)


@settings(max_examples=120)
@given(st.sampled_from(CHECKS), st.data())
def test_any_properties_are_judged_without_failing(check: tuple[ResourceRule, str], data: Any) -> None:
    rule, token = check
    properties = data.draw(OBJECTS[rule.id])
    path = token.split(":")[1]
    for judged in (resource(path, properties), plain_resource(path, properties)):
        for finding in rule.findings(judged):
            assert "could not be judged" not in finding.problem
            assert rule.message(judged, finding).startswith(NAME)


def _resources(draw: Any) -> list[Resource]:
    found = draw(st.lists(st.tuples(st.sampled_from(TYPES), ANYTHING), max_size=5))
    return [resource(path, properties, f"{NAME}{number}") for number, (path, properties) in enumerate(found)]


@settings(max_examples=30)
@given(st.data())
def test_any_stack_is_judged_without_failing(data: Any) -> None:
    stack = Stack(_resources(data.draw))
    for rule in STACK_RULES:
        for _, finding in rule.findings(stack):
            assert "could not be judged" not in finding.problem
