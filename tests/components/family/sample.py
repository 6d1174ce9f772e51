"""One sample of the family, the same in every run; recorded once for all checks."""

import os
from collections import Counter
from collections.abc import Iterator
from functools import cache

from hypothesis import HealthCheck, Phase, given, settings

from tests.components.family import strategies
from tests.components.family.stack import Stack
from vectordb.plan.recording import Recording

SIZE = int(os.environ.get("FAMILY_SIZE", "100"))
"""200 in `make test-long`: each takes a third of a second, and these hundred have every shape."""
CANDIDATES = 3 * SIZE
OFTEN = 3
"""As many stacks of the sample as have each choice, at least, if so many candidates have it."""


@cache
def sample() -> tuple[Stack, ...]:
    """`SIZE` different stacks whose configuration is accepted: first those that have what is rare, then whatever comes.

    Which candidates there are depends on what else is imported: Hypothesis draws from the constants of the modules that are.
    """
    found: dict[str, Stack] = {}

    @settings(
        max_examples=CANDIDATES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategies.stacks())
    def collect(stack: Stack) -> None:
        found.setdefault(repr(stack), stack)

    collect()
    assert len(found) >= SIZE
    chosen = _with_what_is_rare(list(found.values()))
    rest = [stack for stack in found.values() if stack not in chosen]
    return tuple([*chosen, *rest][:SIZE])


def _with_what_is_rare(candidates: list[Stack]) -> list[Stack]:
    choices = [frozenset(_choices("", stack.keys)) | {stack.region} for stack in candidates]
    number = Counter(choice for each in choices for choice in each)
    lacking = {choice: OFTEN for choice, times in number.items() if times >= OFTEN}
    chosen: list[Stack] = []
    # Whoever has the rarest choice comes first.
    for place in sorted(range(len(candidates)), key=lambda place: min(number[choice] for choice in choices[place])):
        if any(lacking.get(choice, 0) for choice in choices[place]):
            chosen.append(candidates[place])
            for choice in choices[place]:
                lacking[choice] = max(0, lacking.get(choice, 0) - 1)
    return chosen


def _choices(path: str, value: object) -> Iterator[str]:
    """The keys that are given, and what switches and enumerations say."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}.{key}"
            yield from _choices(f"{path}.{key}", inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _choices(path, inner)
    elif isinstance(value, bool | str):
        yield f"{path}={value}"


@cache
def deployed() -> tuple[tuple[Stack, Recording], ...]:
    """Each stack of the sample with the recording in which every output is known."""
    return tuple((stack, stack.deployed()) for stack in sample())
