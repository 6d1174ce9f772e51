"""Good plans broken in hundreds of ways, each of which names the rule that has to notice.

plans     the stacks of this repository as the pack sees them, recorded once
changing  ways to change a plan
cases     every violating case of tests/policy/cases, done to the plans
others    hand-written mutations, a module for each idea; each module holds `MUTATIONS`
harmless  changes that no rule may mind
"""

from importlib import import_module
from pkgutil import iter_modules

from tests.policy.mutations.changing import Mutation

_OWN = {"plans", "changing", "harmless"}

MUTATIONS: list[Mutation] = [
    mutation
    for module in sorted(found.name for found in iter_modules(__path__) if found.name not in _OWN)
    for mutation in import_module(f"{__name__}.{module}").MUTATIONS
]
