"""The stacks of this repository as the pack sees them in a preview, recorded once."""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from isolation.registry import RULES
from isolation.rule import Resource
from isolation.serving.configuration import Configuration, read
from tests.components.models.stacks import STACKS, configuration, planned
from tests.components.recorded import ROOT
from vectordb.plan.plan import record
from vectordb.plan.presumed import presume
from vectordb.plan.recording import opened
from vectordb.plan.stack_configuration import StackConfiguration

EMBEDDING: Final = "embedding"
BUILT: Final = (Path(sys.prefix) / "lambda-arm64").is_dir()
"""Whether `make install` laid the worker's libraries where its program looks for them."""


class Plan(NamedTuple):
    name: str
    resources: tuple[Resource, ...]

    @property
    def configuration(self) -> Configuration:
        """What the stack of that name says about the rules; every example is a `dev`."""
        return _configuration("prod" if self.name == "prod" else "dev")


@cache
def _configuration(stack: str) -> Configuration:
    loaded = json.loads((ROOT / "policy" / f"config.{stack}.json").read_text())
    return read(RULES, {name: value for name, value in loaded.items() if isinstance(value, dict)})


def _of_embedding() -> StackConfiguration:
    """The dev stack with everything that the embedding pipeline can have."""
    settings = {"embedding": {"models": ["amazon.titan-embed-text-v2:0"], "batch": True}}
    values = {"aws:region": "us-east-1"} | {f"vectordb:{key}": json.dumps(value) for key, value in settings.items()}
    return StackConfiguration("vectordb", "dev", ROOT, values, frozenset())


@cache
def plan(name: str) -> Plan:
    wanted = _of_embedding() if name == EMBEDDING else configuration(name)
    recording = record(wanted) if name == EMBEDDING else planned(name)
    completed = presume(wanted, recording).completed(recording)
    return Plan(
        name,
        tuple(
            Resource(
                each.type,
                each.name,
                each.urn,
                opened(each.inputs),
                parent=each.parent,
                references=each.property_dependencies,
                protect=each.protect,
                ignored=each.ignore_changes,
            )
            for each in completed.resources
        ),
    )


def plans() -> list[Plan]:
    return [plan(name) for name in (*STACKS, *([EMBEDDING] if BUILT else []))]
