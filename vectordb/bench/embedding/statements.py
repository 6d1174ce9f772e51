"""A statement that changes nothing of what is embedded, over a whole table: what the triggers cost it."""

import time
from dataclasses import dataclass, field

from psycopg import sql

from vectordb.bench import database
from vectordb.bench.clocks import ProcessClock
from vectordb.bench.embedding.stage import PACKED, Stage
from vectordb.bench.result import Limit, Row
from vectordb.bench.spread import Spread

ROWS = 100_000
_TABLES = {"bare": "bench.bare", "ours": "bench.watched", "sample": "plain_embedding.documents"}
_FILL = """
INSERT INTO {table} (id, title, content)
SELECT n, 'title ' || n, string_agg(md5(n || ' ' || g), ' ') FROM generate_series(1, {count}) AS n, generate_series(1, 8) AS g GROUP BY n"""


@dataclass
class _Times:
    """Milliseconds, of each round."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


def irrelevant_update(stage: Stage, rounds: int) -> list[Row]:
    """Another column of every row is written: on a bare table, on ours, and on the other side's."""
    stage.sample.clear()
    stage.table("bare")
    stage.table("watched")
    stage.superuser.execute(b"ALTER TABLE plain_embedding.documents DISABLE TRIGGER USER")
    for table in _TABLES.values():
        stage.superuser.execute(_FILL.format(table=table, count=ROWS).encode())
        stage.superuser.execute(f"VACUUM ANALYZE {table}".encode())
    stage.superuser.execute(b"ALTER TABLE plain_embedding.documents ENABLE TRIGGER USER")
    stage.declare("watched", PACKED)
    called = len(stage.sample.queue)
    times = {name: _Times() for name in _TABLES}
    for number in range(rounds + 1):
        names = list(_TABLES)
        for name in names[number % 3 :] + names[: number % 3]:
            wall, processor = _update(stage, _TABLES[name])
            if number:  # the first makes plans and room on the pages
                times[name].wall.append(wall)
                times[name].processor.append(processor)
    queued = [len(stage.sample.queue) - called, stage.queued()]
    stage.end("watched")
    stage.superuser.execute(b"DROP TABLE bench.bare")
    stage.sample.clear()
    return [
        Row(
            "irrelevant-queued",
            f"an update of {ROWS:,} rows that changes nothing of their content: rows queued",
            "rows",
            Spread.of([float(queued[0])]),
            Spread.of([float(queued[1])]),
            Limit(0, "rows"),
        ),
        *_costs("irrelevant-cpu", "processor time", {name: each.processor for name, each in times.items()}),
        *_costs("irrelevant-wall", "time by the clock", {name: each.wall for name, each in times.items()}),
    ]


def _costs(key: str, what: str, taken: dict[str, list[float]]) -> list[Row]:
    theirs, ours = (
        Spread.of([own / bare for own, bare in zip(taken[side], taken["bare"], strict=True)])
        for side in ("sample", "ours")
    )
    return [
        Row(key, f"  its {what}, of that on a bare table", "times", theirs, ours, Limit(2, "times")),
        Row(f"{key}-itself", f"  its {what}", "ms", Spread.of(taken["sample"]), Spread.of(taken["ours"])),
        Row(f"{key}-bare", f"  {what} on a bare table", "ms", None, Spread.of(taken["bare"])),
    ]


def _update(stage: Stage, table: str) -> tuple[float, float]:
    """Milliseconds by the clock, and of the server's process, in a session of its own."""
    with stage.server.superuser_connection(database.DATABASE) as connection:
        clock = ProcessClock(connection.info.backend_pid)
        spent = clock.milliseconds()
        began = time.perf_counter()
        connection.execute(sql.SQL("UPDATE {} SET views = views + 1").format(sql.Identifier(*table.split("."))))
        wall = 1000 * (time.perf_counter() - began)
        processor = clock.milliseconds() - spent
        connection.execute(f"VACUUM {table}".encode())
    return wall, processor
