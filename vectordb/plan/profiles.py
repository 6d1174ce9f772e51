"""The stacks whose cost the documentation shows: each a stack's configuration with some keys replaced."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vectordb.cost.estimate import Estimate
from vectordb.cost.usage import Usage
from vectordb.plan import cost, plan, stack_configuration
from vectordb.plan.stack_configuration import StackConfiguration


@dataclass(frozen=True)
class Profile:
    """One row of the comparison.

    Attributes:
        title: what the reader sees.
        stack: whose configuration it starts from, in `directory`.
        changes: `namespace:key` → value; an object is laid over the stack's own, anything else replaces it.
        usage: the assumptions.
        directory: of the project, relative to this one's root.
    """

    title: str
    stack: str = "dev"
    changes: Mapping[str, Any] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    directory: str = "."


PROFILES: tuple[Profile, ...] = (
    Profile("`dev`"),
    Profile("`dev`, never paused (`minCapacity: 0.5`)", changes={"vectordb:database": {"minCapacity": 0.5}}),
    Profile("`dev` without vectors in S3 (`indexes: []`)", changes={"vectordb:indexes": []}),
    Profile(
        "`dev` with embeddings (`embedding: {models: [amazon.titan-embed-text-v2:0]}`)",
        changes={"vectordb:embedding": {"models": ["amazon.titan-embed-text-v2:0"]}},
    ),
    Profile("Aurora by its Data API, no bastion and no endpoint (`examples/data-api`)", directory="examples/data-api"),
    Profile("RDS `db.t4g.small` (`examples/rds`)", directory="examples/rds"),
    Profile("Aurora and RDS, each behind a proxy (`examples/both-engines`)", directory="examples/both-engines"),
    Profile("`prod`, at rest: three zones, a reader, 0.5 ACU each", stack="prod"),
)


def estimates(directory: Path, profiles: Iterable[Profile] = PROFILES) -> list[tuple[Profile, Estimate]]:
    """Each profile with its bill; the program runs once for each.

    Raises:
        VectordbError: a profile's stack or project is not there, or its program refuses the configuration.
    """
    found = []
    for profile in profiles:
        configuration = changed(stack_configuration.read(directory / profile.directory, profile.stack), profile.changes)
        found.append((profile, cost.of(plan.record(configuration), configuration.region, profile.usage)))
    return found


def changed(configuration: StackConfiguration, changes: Mapping[str, Any]) -> StackConfiguration:
    """`configuration` with `changes` laid over it."""
    values = dict(configuration.values)
    for key, change in changes.items():
        value = change
        if isinstance(change, dict):
            value = {**json.loads(values.get(key, "{}")), **change}
        values[key] = value if isinstance(value, str) else json.dumps(value)
    return replace(configuration, values=values)
