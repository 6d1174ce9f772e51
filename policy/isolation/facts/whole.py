"""What is true of a stack, as data for a report: what is exposed, which flows exist, what is encrypted, who may do what.

`version`        of this shape
`exposure`       `open`: what can be reached from outside, each with a sentence; `interfaces`: how many there are; `unproven`
`nodes`, `vpcs`  what has an address, and where
`flows`          who reaches whom, declared in flows.toml or not, through which rules, encrypted or not; `missing_flows`:
                 declared, and not there; `paths`: chains of flows
`stores`         where data lies, and what proves that it is encrypted there and on its way
`access`         a row for each principal of each statement of each policy (access/rows.py)
`to_check`       what rules read and only the deployment will know (unknowns.py)
`errors`         a sentence for each part that could not be told, whose keys are empty then
"""

from collections.abc import Callable
from typing import Any, Final

from isolation.access import matrix
from isolation.facts import encrypted, reach
from isolation.facts.unknowns import to_check
from isolation.loading import Loaded
from isolation.registry import RULES

VERSION: Final = 1
"""Of the shape that `facts` returns."""

_EMPTY: Final[dict[str, Any]] = {
    "exposure": {"open": [], "interfaces": 0, "unproven": []},
    "nodes": [],
    "vpcs": [],
    "flows": [],
    "missing_flows": [],
    "stores": [],
    "access": [],
    "to_check": [],
}

_PARTS: Final[dict[str, Callable[[Loaded], dict[str, Any]]]] = {
    "reachability": lambda loaded: reach.facts(loaded.stack),
    "encryption": lambda loaded: encrypted.facts(loaded.stack),
    "access": lambda loaded: {"access": matrix.access(loaded)},
    "unknowns": lambda loaded: {"to_check": to_check(loaded, RULES)},
}


def facts(loaded: Loaded) -> dict[str, Any]:
    """Every part of them; never raises."""
    told: dict[str, Any] = {"version": VERSION, **_EMPTY, "errors": []}
    for name, part in _PARTS.items():
        try:
            told |= part(loaded)
        except Exception as error:  # noqa: BLE001 - what cannot be told must not hide the rest; the error's text may hold a value
            told["errors"].append(f"{name} could not be told ({type(error).__name__})")
    return told
