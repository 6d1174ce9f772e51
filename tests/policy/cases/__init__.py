"""What each rule says about what: every form that a violation can take, and its harmless neighbours.

Each module holds `CASES` of some rules. `VIOLATING` and `COMPLIANT` are checked one by one, and are the material of the
tests that hold for every rule.
"""

from importlib import import_module
from pkgutil import iter_modules

from tests.policy.cases.case import Case, policy, refusal

__all__ = ["CASES", "COMPLIANT", "VIOLATING", "Case", "policy", "refusal"]

CASES: list[Case] = [
    case
    for module in sorted(found.name for found in iter_modules(__path__) if found.name != "case")
    for case in import_module(f"{__name__}.{module}").CASES
]
VIOLATING = [case for case in CASES if case.found]
COMPLIANT = [case for case in CASES if not case.found]
