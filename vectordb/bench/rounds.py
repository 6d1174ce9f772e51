"""The measurements. In each, the sides take turns, so that whatever else the machine does meets both."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import psycopg
from psycopg import sql

from vectordb.bench import seed
from vectordb.bench.harness import Call, Harness, Side
from vectordb.bench.invoke import ColdStart
from vectordb.bench.result import Factor, Limit, Row
from vectordb.bench.spread import Spread
from vectordb.bench.statements import BATCH, OURS, SAMPLE, Statements
from vectordb.errors import VectordbError

_ASKED = {"sample": SAMPLE, "ours": OURS}


@dataclass(frozen=True)
class Repeats:
    """How often each thing is measured on each side."""

    warm: int = 5
    single: int = 50
    batch: int = 5
    sample_batch: int = 2
    sample_calls: int = seed.QUERIES
    """Of the 100 calls that stand against one batch, how many are made; the rest is multiplied."""
    fetch: int = 15
    cold: int = 12
    cancel: int = 3


QUICK = Repeats(warm=3, single=15, batch=3, sample_batch=1, sample_calls=20, fetch=5, cold=4, cancel=1)


def warm_up(harness: Harness, repeats: Repeats) -> None:
    """Let both sides answer everything once, and see that they answer alike.

    Raises:
        VectordbError: they do not.
    """
    harness.service.delay(0)
    for side in harness.sides:
        for number in range(1, repeats.warm + 1):
            side.call(_asked(side).single, number)
        side.call(_asked(side).several, repeats.sample_calls)
        for _ in range(repeats.warm):  # an allocator learns the size of what comes back again and again
            side.call(_asked(side).fetch)
    harness.ours.call(BATCH, seed.QUERIES)
    same(harness)


def same(harness: Harness) -> None:
    """Compare the rows of both sides: a comparison of things that differ would say nothing.

    Raises:
        VectordbError: they differ.
    """
    several = [sorted(map(repr, side.call(_asked(side).several, 5).rows)) for side in harness.sides]
    batch = sorted(map(repr, harness.ours.call(BATCH, 5).rows))
    fetched = [side.call(_asked(side).keys).rows for side in harness.sides]
    if several[0] != several[1] or several[0] != batch or fetched[0] != fetched[1] or not several[0]:
        raise VectordbError("The two bridges answer the same question differently; nothing was measured.", exit_code=1)


def single_processor(harness: Harness, repeats: Repeats) -> list[Row]:
    """Processor time of one query, without service time."""
    harness.service.delay(0)
    calls = _single_queries(harness, repeats)
    return [
        Row(
            "single-cpu",
            f"one query, {seed.QUERIED_DIMENSION} dimensions: processor time",
            "ms",
            *calls.spreads(lambda call: call.processor),
            Factor(5),
            "of PostgreSQL's process and the function's",
        ),
        *calls.processors("single-cpu", "  of which PostgreSQL's process", "  of which the function's"),
    ]


def single_wall(harness: Harness, repeats: Repeats, service_seconds: float) -> list[Row]:
    """How much longer than the service one query takes."""
    harness.service.delay(service_seconds)
    calls = _single_queries(harness, repeats)
    return [
        Row(
            "single-wall",
            f"one query, {seed.QUERIED_DIMENSION} dimensions: time beyond the service's",
            "ms",
            *calls.spreads(lambda call: call.beyond_service),
            Factor(5),
            f"of a service that takes {1000 * service_seconds:g} ms",
        )
    ]


def fetch(harness: Harness, repeats: Repeats) -> list[Row]:
    """100 whole vectors."""
    harness.service.delay(0)
    calls = _in_turns(harness, repeats.fetch, lambda side, _: side.call(_asked(side).fetch))
    answers = [float(len(side.function.last.reply)) for side in harness.sides]
    shape = f"{seed.FETCHED_COUNT} × {seed.FETCHED_DIMENSION}"
    return [
        Row(
            "get-wall",
            f"get_vectors, {shape}: time beyond the service's",
            "ms",
            *calls.spreads(lambda call: call.beyond_service),
            Factor(4),
        ),
        *calls.processors("get-cpu", "  processor time of PostgreSQL's process", "  processor time of the function"),
        Row("get-bytes", "  the function's answer", "bytes", Spread.of(answers[:1]), Spread.of(answers[1:])),
    ]


def payload(harness: Harness) -> list[Row]:
    """What the database sends for one query."""
    harness.service.delay(0)
    for side in harness.sides:
        side.call(_asked(side).single, 1)
    sample, ours = (Spread.of([float(len(side.function.last.request))]) for side in harness.sides)
    what = f"payload of one query, {seed.QUERIED_DIMENSION} dimensions"
    return [Row("payload", what, "bytes", sample, ours, Factor(2))]


def batch(harness: Harness, repeats: Repeats, service_seconds: float) -> list[Row]:
    """100 queries: one call of ours against a call each."""
    harness.service.delay(service_seconds)
    scale = seed.QUERIES / repeats.sample_calls
    sample: list[Call] = []
    singles: list[Call] = []
    ours: list[Call] = []
    for turn in range(max(repeats.sample_batch, repeats.batch)):
        if turn < repeats.sample_batch:
            sample.append(harness.sample.call(SAMPLE.several, repeats.sample_calls))
            singles.append(harness.ours.call(OURS.several, repeats.sample_calls))
        if turn < repeats.batch:
            ours.append(harness.ours.call(BATCH, seed.QUERIES))
    counted = "" if scale == 1 else f"; {repeats.sample_calls} calls, times {scale:g}"
    each = _spread(sample, lambda call: call.wall).times(scale)
    return [
        Row(
            "batch",
            f"{seed.QUERIES} queries: a call each against one batch",
            "ms",
            each,
            _spread(ours, lambda call: call.wall),
            Factor(20),
            f"a service that takes {1000 * service_seconds:g} ms{counted}",
        ),
        Row(
            "batch-cpu-function",
            "  processor time of the function",
            "ms",
            _spread(sample, lambda call: call.function_processor).times(scale),
            _spread(ours, lambda call: call.function_processor),
        ),
        Row(
            "batch-singles",
            "  the project's own calls, one each (LATERAL)",
            "ms",
            each,
            _spread(singles, lambda call: call.wall).times(scale),
        ),
    ]


def cold_start(harness: Harness, repeats: Repeats) -> list[Row]:
    """A new process of the function until its first answer: interpreter, import, client, TLS, one query."""
    harness.service.delay(0)
    starts: dict[tuple[str, bool], list[ColdStart]] = {}
    for side in harness.sides:
        side.call(_asked(side).single, 1)
        side.function.cold_start(side.function.last.request)  # leaves the byte-code behind
    for renewed in (False, True):
        for _ in range(repeats.cold):
            for side in harness.sides:
                start = side.function.cold_start(side.function.last.request, renewed=renewed)
                starts.setdefault((side.name, renewed), []).append(start)

    def spreads(read: Callable[[ColdStart], float], *, renewed: bool) -> tuple[Spread, Spread]:
        sample, ours = ([read(start) for start in starts[side.name, renewed]] for side in harness.sides)
        return Spread.of(sample), Spread.of(ours)

    return [
        Row(
            "cold-cpu",
            "new process of the function to its first answer: processor time",
            "ms",
            *spreads(lambda start: start.processor, renewed=False),
            Factor(1.5),
            "with byte-code on both sides, as the package brings it when it is built by the function's version of Python",
        ),
        Row(
            "cold-wall",
            "new process of the function to its first answer: by the clock",
            "ms",
            *spreads(lambda start: start.wall, renewed=False),
            Factor(1.5),
        ),
        Row(
            "cold-compiling",
            "  processor time of a package without byte-code",
            "ms",
            *spreads(lambda start: start.processor, renewed=True),
            None,
            "as when the program that builds it runs on another Python than the function: all is compiled in each start. boto3, "
            "which the sample's shape takes from the runtime, is assumed to be compiled there",
        ),
    ]


def cancel(harness: Harness, repeats: Repeats) -> list[Row]:
    """From the request to cancel a running statement to its end. The functions are left busy."""
    harness.service.delay(1.5)
    taken: dict[str, list[float]] = {side.name: [] for side in harness.sides}
    for _ in range(repeats.cancel):
        for side in harness.sides:
            taken[side.name].append(_cancelled(side))
    harness.service.delay(0)
    return [
        Row(
            "cancel",
            "cancelling a call that runs",
            "ms",
            Spread.of(taken["sample"]),
            Spread.of(taken["ours"]),
            Limit(500, "ms"),
        )
    ]


def warm_overhead(harness: Harness, repeats: Repeats) -> list[Row]:
    """The SQL functions with an `aws_lambda.invoke` that answers at once, and the function's processor time, added.

    Replaces `aws_lambda.invoke` for good: the last measurement.
    """
    harness.service.delay(0)
    spreads = []
    for side in harness.sides:
        side.call(_asked(side).single, 1)  # may wait for a call that was cancelled: the function works on
        calls = [side.call(_asked(side).single, 1) for _ in range(repeats.single)]
        _answer_at_once(harness, side)
        statement = _asked(side).single % 1
        times = side.connection.execute(
            "SELECT (bench.times(%s, %s))[%s:]", (statement, repeats.single + 5, 6)
        ).fetchone()
        assert times is not None
        in_sql: list[float] = times[0]
        spreads.append(
            (
                Spread.of([a + call.function_processor for a, call in zip(in_sql, calls, strict=True)]),
                Spread.of(in_sql),
            )
        )
    what = f"warm overhead in SQL and function, {seed.QUERIED_DIMENSION} dimensions, without the way between"
    return [
        Row("warm", what, "ms", spreads[0][0], spreads[1][0], Limit(3, "ms")),
        Row("warm-sql", "  of which SQL", "ms", spreads[0][1], spreads[1][1]),
    ]


def _asked(side: Side) -> Statements:
    return _ASKED[side.name]


class _Calls(NamedTuple):
    sample: list[Call]
    ours: list[Call]

    def spreads(self, read: Callable[[Call], float]) -> tuple[Spread, Spread]:
        return _spread(self.sample, read), _spread(self.ours, read)

    def processors(self, key: str, database: str, function: str) -> list[Row]:
        """Of which process the time was: rows of these descriptions."""
        return [
            Row(f"{key}-database", database, "ms", *self.spreads(lambda call: call.database_processor)),
            Row(f"{key}-function", function, "ms", *self.spreads(lambda call: call.function_processor)),
        ]


def _single_queries(harness: Harness, repeats: Repeats) -> _Calls:
    return _in_turns(harness, repeats.single, lambda side, turn: side.call(_asked(side).single, 1 + turn % 5))


def _in_turns(harness: Harness, count: int, measure: Callable[[Side, int], Call]) -> _Calls:
    calls: dict[str, list[Call]] = {side.name: [] for side in harness.sides}
    for turn in range(count):
        for side in harness.sides:
            calls[side.name].append(measure(side, turn))
    return _Calls(calls["sample"], calls["ours"])


def _spread(calls: Sequence[Call], read: Callable[[Call], float]) -> Spread:
    return Spread.of([read(call) for call in calls])


def _cancelled(side: Side, attempts: int = 3) -> float:
    """Milliseconds. A statement that ends before it can be cancelled, as on a machine that stands still for a second, counts for nothing."""
    ended: list[float] = []
    failed: list[psycopg.Error] = []

    def run() -> None:
        try:
            side.connection.execute(_asked(side).single.encode(), (1,))
        except psycopg.errors.QueryCanceled:
            ended.append(time.perf_counter())
        except psycopg.Error as error:
            failed.append(error)

    for _ in range(attempts):
        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(0.3)
        asked = time.perf_counter()
        side.connection.cancel_safe()
        thread.join()
        if failed:
            raise VectordbError(
                f"A statement of the {side.name} side failed before it was cancelled: {failed[0]}"
            ) from failed[0]
        if ended:
            return 1000 * (ended[0] - asked)
    raise VectordbError(
        f"{attempts} statements of the {side.name} side ended by themselves before they were cancelled.",
        remedy="Something else keeps this machine busy: measure again when it is quiet.",
    )


def _answer_at_once(harness: Harness, side: Side) -> None:
    """Make `aws_lambda.invoke` give the last answer of the side again, for the nonce that it is asked with."""
    exchanged = side.function.last
    nonce = json.loads(exchanged.request).get("nonce", "no nonce")
    answer = sql.Literal(exchanged.reply.decode()).as_string(None)
    kind = sql.SQL("jsonb" if side.name == "sample" else "json")
    body = f"SELECT 200, replace({answer}, '{nonce}', coalesce($2 ->> 'nonce', ''))::"
    with harness.superuser() as superuser:
        superuser.execute(
            sql.SQL(
                "CREATE OR REPLACE FUNCTION aws_lambda.invoke("
                "IN function_name text, IN payload {kind}, IN region text DEFAULT NULL,"
                " IN invocation_type text DEFAULT 'RequestResponse', IN log_type text DEFAULT 'None',"
                " IN context {kind} DEFAULT NULL, IN qualifier varchar(128) DEFAULT NULL,"
                " OUT status_code integer, OUT payload {kind}, OUT executed_version text, OUT log_result text)"
                " LANGUAGE sql AS {body}"
            ).format(kind=kind, body=sql.Literal(f"{body}{kind.as_string(None)}, '1', NULL::text"))
        )
