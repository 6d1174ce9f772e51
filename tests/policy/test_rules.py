"""What holds for every resource rule, whatever it checks, over the cases of tests/policy/cases: the seven kinds of test.

A violation is found, what is harmless passes, and then: absent, unknown, secret, configured, and many resources. Each test
goes through the cases of one rule; the case that fails is in the assertion.
"""

from collections import defaultdict
from typing import Any

import pytest

from isolation.registry import RULES
from isolation.rule import Resource, ResourceRule, aws
from tests.policy.cases import CASES, VIOLATING, Case
from tests.policy.support import NAME, UNKNOWN, messages, plain_resource, resource, secret

RESOURCE_RULES = [rule for rule in RULES if isinstance(rule, ResourceRule)]
OF_RULE: dict[str, list[Case]] = defaultdict(list)
for _case in CASES:
    OF_RULE[_case.rule].append(_case)
# Where being there is the violation, so that nothing of the resource has to be known.
PRESENT = {(case.rule, aws(case.type)) for case in VIOLATING if ("" in {path for path, _ in case.found})}

every_rule = pytest.mark.parametrize("rule", RESOURCE_RULES, ids=lambda rule: rule.id)


def mapped(value: Any, leaf: Any) -> Any:
    """`value` with `leaf` applied to everything that is neither an object nor a list."""
    if isinstance(value, dict):
        return {key: mapped(item, leaf) for key, item in value.items()}
    if isinstance(value, list):
        return [mapped(item, leaf) for item in value]
    return leaf(value)


def judged(rule: ResourceRule, case: Case, properties: Any = None, make: Any = resource, **changes: Any) -> Resource:
    """The resource of a case, with the rule's settings as the case configures them."""
    given = case.properties if properties is None else properties
    made: Resource = make(case.type, given, settings=rule.defaults | case.settings, **changes)
    return made


def found(rule: ResourceRule, subject: Resource) -> tuple[tuple[str, str], ...]:
    return tuple((finding.path, finding.problem) for finding in rule.findings(subject))


def test_the_cases_are_of_rules_that_there_are() -> None:
    assert set(OF_RULE) <= {rule.id for rule in RESOURCE_RULES}


@every_rule
def test_a_violation_is_found_and_what_is_harmless_passes(rule: ResourceRule) -> None:
    for case in OF_RULE[rule.id]:
        assert found(rule, judged(rule, case)) == case.found, case


@every_rule
def test_each_type_has_a_violating_case_and_the_rule_a_compliant_one(rule: ResourceRule) -> None:
    violating = {aws(case.type) for case in OF_RULE[rule.id] if case.found}
    assert set(rule.checks) - violating == set()
    if {(rule.id, token) for token in rule.checks} - PRESENT:
        assert [case for case in OF_RULE[rule.id] if not case.found]


@every_rule
def test_absent_properties_are_judged(rule: ResourceRule) -> None:
    """Each property that a harmless resource has, taken away; and all of them."""
    for case in OF_RULE[rule.id]:
        for rest in ({}, *({k: v for k, v in case.properties.items() if k != key} for key in case.properties)):
            for _, problem in found(rule, judged(rule, case, rest)):
                assert "could not be judged" not in problem, (case, rest)


@every_rule
def test_a_resource_of_which_nothing_is_known_is_not_judged(rule: ResourceRule) -> None:
    """Unless being there is the violation."""

    class Everything(dict[str, Any]):
        def __missing__(self, key: str) -> str:
            return UNKNOWN

    for token in rule.checks:
        unknown = Resource(token, NAME, f"urn:{NAME}", Everything(), settings=rule.defaults)
        assert len(found(rule, unknown)) == int((rule.id, token) in PRESENT), token


@every_rule
def test_an_unknown_beside_it_hides_no_violation(rule: ResourceRule) -> None:
    def with_unknowns(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: with_unknowns(item) for key, item in value.items()} | {"tags": UNKNOWN, "region": UNKNOWN}
        return [*map(with_unknowns, value), UNKNOWN] if isinstance(value, list) else value

    for case in OF_RULE[rule.id]:
        if case.found and not case.about_absence:
            assert found(rule, judged(rule, case, with_unknowns(case.properties))) == case.found, case


@every_rule
def test_an_unknown_element_may_be_the_one_that_is_missed(rule: ResourceRule) -> None:
    for case in OF_RULE[rule.id]:
        if case.about_absence:
            extended = {k: [*v, UNKNOWN] if isinstance(v, list) else v for k, v in case.properties.items()}
            assert found(rule, judged(rule, case, extended)) == (), case


@every_rule
def test_a_secret_is_judged_as_what_it_holds_and_plain_dicts_as_the_sdk_s_proxies(rule: ResourceRule) -> None:
    for case in OF_RULE[rule.id]:
        hidden = mapped(case.properties, secret)
        assert found(rule, judged(rule, case, hidden)) == case.found, case
        assert found(rule, judged(rule, case, hidden, plain_resource)) == case.found, case
        assert found(rule, judged(rule, case, make=plain_resource)) == case.found, case


@every_rule
def test_no_value_is_repeated_unless_it_is_a_cidr_block(rule: ResourceRule) -> None:
    for case in OF_RULE[rule.id]:
        replaced = mapped(case.properties, lambda value: "hunter2" if isinstance(value, str) else value)
        assert "hunter2" not in "".join(messages(rule, judged(rule, case, replaced))), case
        spoken = "".join(messages(rule, judged(rule, case)))
        assert "correct horse" not in spoken, case
        assert "arn:aws" not in spoken, case


@pytest.mark.parametrize("rule", [rule for rule in RESOURCE_RULES if rule.settings], ids=lambda rule: rule.id)
def test_a_setting_changes_what_is_found(rule: ResourceRule) -> None:
    configured = {
        name
        for case in OF_RULE[rule.id]
        if case.settings and found(rule, judged(rule, case)) != found(rule, resource(case.type, case.properties))
        for name in case.settings
    }
    assert {setting.name for setting in rule.settings} - configured == set()


@every_rule
def test_among_many_resources_the_violating_one_is_found(rule: ResourceRule) -> None:
    """Once, under its own name."""
    compliant = [case for case in OF_RULE[rule.id] if not case.found and not case.settings] * 50
    for violating in {case.type: case for case in OF_RULE[rule.id] if case.found and not case.settings}.values():
        resources = [judged(rule, case, name=f"good{number}") for number, case in enumerate(compliant[:50])]
        resources.insert(len(resources) // 2, judged(rule, violating, name="bad"))
        spoken = [message for each in resources for message in messages(rule, each)]
        assert len(spoken) == len(violating.found), violating
        assert all(message.startswith("bad") for message in spoken), violating


@every_rule
def test_what_a_rule_repairs_it_no_longer_finds(rule: ResourceRule) -> None:
    """Constants at plain paths, each of which some case finds."""
    for token, repairs in rule.repairs.items():
        for path, value in repairs.items():
            properties: Any = value
            for key in reversed(path.split(".")):
                properties = {key: properties}
            repaired = plain_resource(token.split(":")[1], properties)
            assert path not in {where for where, _ in found(rule, repaired)}, (token, path)
        assert set(repairs) <= {path for case in OF_RULE[rule.id] if aws(case.type) == token for path, _ in case.found}
