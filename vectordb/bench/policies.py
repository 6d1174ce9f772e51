"""What the policy pack takes: to start, and to judge a stack of a thousand resources, as `vectordb plan` asks it.

The resources are those of a stack of this project, registered again and again under other names, each with what it depends
on. Client and pack are two processes that talk over gRPC, as with the Pulumi CLI; both are in the time.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, islice

from vectordb.bench import machine
from vectordb.bench.result import Limit, Result, Row
from vectordb.bench.spread import Spread
from vectordb.plan import analyzer, plan
from vectordb.plan.recording import Recording, Registration
from vectordb.plan.stack_configuration import StackConfiguration

RESOURCES = 1000
ROUNDS = 7
STEPS = ROUNDS + 1
_MOST_TO_START = 0.5
_MOST_TO_JUDGE = 1.0


def run(configuration: StackConfiguration, *, quick: bool, say: Callable[[str], None]) -> Result:
    """Measure the nearest pack on the stack of `configuration`.

    Raises:
        VectordbError: the program, its configuration or the pack failed.
    """
    say("the stack is recorded")
    many = enlarged(plan.record(configuration), RESOURCES)
    starts, judgements, processor, policies = [], [], [], 0
    for number in range(3 if quick else ROUNDS):
        say(f"round {number + 1}")
        begun, spent = time.perf_counter(), _processor_seconds()
        with analyzer.started(analyzer.nearest(configuration.directory), configuration) as process:
            pack = analyzer.connect(process)
            ready = time.perf_counter()
            analyzer.analyze(pack, many)
            done = time.perf_counter()
        starts.append(ready - begun)
        judgements.append(done - ready)
        processor.append(_processor_seconds() - spent)
        policies = len(pack.policies)
    rows = (
        Row("start", "the pack starts", "s", None, Spread.of(starts), Limit(_MOST_TO_START, "s")),
        Row(
            "judge",
            f"{policies} policies judge {RESOURCES:,} resources and the stack",
            "s",
            None,
            Spread.of(judgements),
            Limit(_MOST_TO_JUDGE, "s"),
        ),
        Row(
            "processor",
            "processor time of both, client and pack",
            "s",
            None,
            Spread.of(processor),
            note="What the clock says depends on what else the machine does; this hardly does.",
        ),
    )
    return Result(rows, machine.described(quick=quick) | {"stack": configuration.stack})


def _processor_seconds() -> float:
    """Of this process, and of the children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def enlarged(recording: Recording, resources: int) -> Recording:
    """The recording with its resources registered again under other names, until there are so many."""
    return replace(recording, resources=tuple(islice(_copies(recording), resources)))


def _copies(recording: Recording) -> Iterator[Registration]:
    for number in count():
        for resource in recording.resources:
            yield replace(
                resource,
                name=f"{resource.name}-{number}",
                urn=f"{resource.urn}-{number}",
                parent=f"{resource.parent}-{number}" if resource.parent else "",
                dependencies=_renamed(resource.dependencies, number),
                property_dependencies={
                    key: _renamed(urns, number) for key, urns in resource.property_dependencies.items()
                },
            )


def _renamed(urns: tuple[str, ...], number: int) -> tuple[str, ...]:
    return tuple(f"{urn}-{number}" for urn in urns)
