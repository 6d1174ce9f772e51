"""Good plans broken in hundreds of ways: the rule that is meant for it notices each; no rule minds a harmless change."""

from dataclasses import replace

import pytest

from isolation.registry import RULES
from isolation.rule import ResourceRule, StackRule
from isolation.stack import Stack
from tests.policy.mutations import MUTATIONS
from tests.policy.mutations.changing import Variation
from tests.policy.mutations.harmless import HARMLESS, Harmless
from tests.policy.mutations.plans import BUILT, Plan, plans

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def found(rule: ResourceRule | StackRule, variation: Variation, plan: Plan | None = None) -> list[str]:
    """What a rule finds about what was changed, and a stack rule about the stack that it left behind.

    Under the defaults, which are strict; or as the plan's own stack configures the rule.
    """
    settings = plan.configuration.rules[rule.id].settings if plan else rule.defaults
    if isinstance(rule, ResourceRule):
        touched = [
            replace(resource, settings=settings) for resource in variation.touched if resource.type in rule.checks
        ]
        return [rule.message(resource, finding) for resource in touched for finding in rule.findings(resource)]
    stack = Stack(variation.resources, settings)
    return [f"{resource.name if resource else ''}: {finding}" for resource, finding in rule.findings(stack)]


def test_the_plans_are_good() -> None:
    for plan in plans():
        whole = Variation(plan.name, plan.resources, plan.resources)
        assert [(plan.name, rule.id, message) for rule in RULES for message in found(rule, whole, plan)] == []


@every_rule
def test_each_way_to_break_a_plan_is_caught_by_the_rule_that_is_meant_for_it(rule: ResourceRule | StackRule) -> None:
    """And every rule is meant for some: without it they would pass, and there is no rule that never fires."""
    mutations = [mutation for mutation in MUTATIONS if mutation.rule == rule.id]
    assert mutations
    idle, missed = [], []
    for mutation in mutations:
        variations = [variation for plan in plans() for variation in mutation.change(plan)]
        idle += [] if variations else [mutation.what]
        missed += [(mutation.what, variation.label) for variation in variations if not found(rule, variation)]
    assert missed == []
    assert idle == [] or not BUILT, "no plan can be broken like this"


def test_mutations_are_meant_for_rules_that_there_are() -> None:
    assert {mutation.rule for mutation in MUTATIONS} <= {rule.id for rule in RULES}


@pytest.mark.parametrize("harmless", HARMLESS, ids=str)
def test_a_harmless_change_passes(harmless: Harmless) -> None:
    """Rules about resources look at each of them; rules about the stack, which take longer, at the first in two stacks."""
    variations = [(plan, list(harmless.change(plan))) for plan in plans()]
    assert any(varied for _, varied in variations) or not BUILT, "no plan can be changed like this"
    minded = [
        (rule.id, variation.label, message)
        for plan, varied in variations
        for rule in RULES
        for variation in (varied if isinstance(rule, ResourceRule) else varied[: plan.name in ("prod", "both-engines")])
        for message in found(rule, variation, plan)
    ]
    assert minded == []


def test_there_are_three_hundred_ways_and_more() -> None:
    ways = {
        (mutation.rule, mutation.what, variation.label)
        for mutation in MUTATIONS
        for plan in plans()
        for variation in mutation.change(plan)
    }
    assert len({(rule, what) for rule, what, _ in ways}) >= 300
    assert len(ways) >= 1000
