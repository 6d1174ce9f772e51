"""`vectordb bench embed`: embeddings that follow their rows, beside the shape of AWS's sample."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vectordb.bench import machine
from vectordb.bench.embedding import pgbench, quota, sample, single, stage, statements, writes
from vectordb.bench.embedding.race import Course
from vectordb.bench.result import Result, Row

MODEL_MILLISECONDS = 300.0
"""A request to an embedding model of Amazon Bedrock: 100 to 400 ms are reported."""
STEPS = 9
"""How often `say` is called."""


@dataclass(frozen=True)
class Repeats:
    """How long and how often each thing is measured."""

    packed_seconds: float = 20
    alone_seconds: float = 40
    halved_seconds: float = 30
    poison: int = 4
    edits: int = 10
    updates: int = 5
    write_rounds: int = 7
    write_seconds: float = 2


QUICK = Repeats(
    packed_seconds=8, alone_seconds=12, halved_seconds=20, poison=1, edits=3, updates=1, write_rounds=1, write_seconds=2
)


def run(
    directory: Path,
    *,
    quick: bool = False,
    model_milliseconds: float = MODEL_MILLISECONDS,
    say: Callable[[str], None] = lambda _: None,
    runtimes: Path | None = None,
) -> Result:
    """Measure everything: two minutes when quick, else about five.

    Args:
        directory: the project.
        quick: shorter, and fewer repetitions.
        model_milliseconds: what a request takes in the model.
        say: gets the progress.
        runtimes: where installations of PostgreSQL are kept.

    Raises:
        VectordbError: something did not start.
    """
    repeats = QUICK if quick else Repeats()
    rows: list[Row] = []
    courses: dict[str, Course] = {}
    with stage.running(directory, model_seconds=model_milliseconds / 1000, say=say, runtimes=runtimes) as running:
        pgbench.program(running.server)
        for name, what, race, seconds in (
            ("packed", "a model of 96 texts a request", quota.packed, repeats.packed_seconds),
            ("alone", "a model of one text a request", quota.alone, repeats.alone_seconds),
            ("halved", "a quota that is halved", quota.halved, repeats.halved_seconds),
        ):
            say(f"measuring both sides at once: {what}")
            found, courses[name] = race(running, seconds)
            rows += found
        measurements: list[tuple[str, Callable[[], list[Row]]]] = [
            ("a text that the model refuses", lambda: single.poison(running, repeats.poison)),
            ("an edited paragraph", lambda: single.edit(running, repeats.edits)),
            ("updates of something else", lambda: statements.irrelevant_update(running, repeats.updates)),
            ("single-row inserts", lambda: writes.inserts(running, repeats.write_rounds, repeats.write_seconds)),
        ]
        for what, measure in measurements:
            say(f"measuring: {what}")
            rows += measure()
        conditions = {
            **running.conditions,
            "the sample's shape": f"{sample.BATCHES} batches of {sample.BATCH} messages at a time, visibility timeout {sample.VISIBILITY_SECONDS:g} s "
            "in place of 300, dead letters after 3 receives, at most 3 attempts of the SDK",
            "vectordb": "one worker, as the container runs it, logged in by IAM over TLS",
        }
    points = {name: course.points for name, course in courses.items()}
    return Result(tuple(rows), conditions | machine.described(quick=quick), points)
