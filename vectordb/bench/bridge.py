"""`vectordb bench bridge`: the project's bridge beside one in the shape of AWS's sample."""

from collections.abc import Callable
from pathlib import Path

from vectordb.bench import harness, machine, rounds
from vectordb.bench.result import Result, Row
from vectordb.bench.rounds import QUICK, Repeats

SERVICE_MILLISECONDS = 64.0
"""QueryVectors from a function in the region, median, 100,000 vectors of 1,024 dimensions (reported by others)."""
STEPS = 13
"""How often `say` is called."""


def run(
    directory: Path,
    *,
    stack: str,
    quick: bool = False,
    service_milliseconds: float = SERVICE_MILLISECONDS,
    say: Callable[[str], None] = lambda _: None,
    runtimes: Path | None = None,
) -> Result:
    """Measure everything: 20 seconds when quick, else about two minutes.

    Args:
        directory: the project.
        stack: the stack whose package is measured.
        quick: fewer repetitions.
        service_milliseconds: what a request takes in S3 Vectors where time is measured by the clock.
        say: gets the progress.
        runtimes: where installations of PostgreSQL are kept.

    Raises:
        VectordbError: something did not start, or the two sides answer differently.
    """
    repeats = QUICK if quick else Repeats()
    seconds = service_milliseconds / 1000
    with harness.running(directory, stack=stack, say=say, runtimes=runtimes) as running:
        say("letting both sides answer the same")
        rounds.warm_up(running, repeats)
        measurements: list[tuple[str, Callable[[], list[Row]]]] = [
            ("one query, by the clock", lambda: rounds.single_wall(running, repeats, seconds)),
            ("one query, processor time", lambda: rounds.single_processor(running, repeats)),
            ("100 queries", lambda: rounds.batch(running, repeats, seconds)),
            ("get_vectors", lambda: rounds.fetch(running, repeats)),
            ("payload", lambda: rounds.payload(running)),
            ("new processes of the functions", lambda: rounds.cold_start(running, repeats)),
            ("cancelling", lambda: rounds.cancel(running, repeats)),
            ("SQL and function without the way between", lambda: rounds.warm_overhead(running, repeats)),
        ]
        rows: list[Row] = []
        for what, measure in measurements:
            say(f"measuring: {what}")
            rows += measure()
        memory = ", ".join(f"{side.name} {side.function.memory} MB" for side in running.sides)
    conditions = {"memory of the functions at most": memory, **running.conditions}
    service = {"service time": f"{service_milliseconds:g} ms by the clock, 0 ms for processor time"}
    return Result(tuple(rows), conditions | service | machine.described(quick=quick))
