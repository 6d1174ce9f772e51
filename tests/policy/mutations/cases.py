"""Every violating case of tests/policy/cases, done to the resources of its type in the plans, or to a new one."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

from isolation.rule import aws
from tests.policy.cases import VIOLATING, Case
from tests.policy.mutations.changing import GONE, Change, Mutation, Variation, put, with_new
from tests.policy.mutations.plans import Plan


def _done(case: Case) -> Change:
    def change(plan: Plan) -> Iterator[Variation]:
        victims = [] if case.alone else [each for each in plan.resources if each.type == aws(case.type)]
        for victim in victims[:2]:
            properties = deepcopy(dict(victim.properties))
            for path, _ in case.found:
                # What the case lacks is what is wrong with it.
                put(properties, path.partition("[")[0].split("."), GONE)
            after = replace(victim, properties=properties | case.properties)
            resources = tuple(after if each is victim else each for each in plan.resources)
            yield Variation(f"{plan.name}: {victim.name}", resources, (after,))
        if not victims and plan.name == "dev":
            yield with_new(plan, case.type, case.properties, {})

    return change


MUTATIONS = [
    Mutation(case.rule, f"{case.type} {number}", _done(case))
    for number, case in enumerate(VIOLATING)
    if not case.settings
]
