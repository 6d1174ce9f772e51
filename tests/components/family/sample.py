"""One sample of the family, the same in every run; recorded once for all checks."""

import os
from functools import cache

from hypothesis import HealthCheck, Phase, given, settings

from tests.components.family import strategies
from tests.components.family.stack import Stack
from vectordb.plan.recording import Recording

SIZE = int(os.environ.get("FAMILY_SIZE", "100"))
"""200 in `make test-long`: each takes a third of a second, and these hundred have every shape."""


@cache
def sample() -> tuple[Stack, ...]:
    """`SIZE` different stacks whose configuration is accepted."""
    found: dict[str, Stack] = {}

    @settings(
        max_examples=SIZE + SIZE // 4,  # a few come twice
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategies.stacks())
    def collect(stack: Stack) -> None:
        if len(found) < SIZE:
            found.setdefault(repr(stack), stack)

    collect()
    assert len(found) == SIZE
    return tuple(found.values())


@cache
def deployed() -> tuple[tuple[Stack, Recording], ...]:
    """Each stack of the sample with the recording in which every output is known."""
    return tuple((stack, stack.deployed()) for stack in sample())
