"""Single-row inserts by many clients at once: what is left of a bare table's throughput."""

import tempfile
from pathlib import Path

from vectordb.bench import database
from vectordb.bench.embedding import pgbench
from vectordb.bench.embedding.pgbench import Measured
from vectordb.bench.embedding.queue import Queue
from vectordb.bench.embedding.sample import VISIBILITY_SECONDS
from vectordb.bench.embedding.stage import PACKED, Stage
from vectordb.bench.result import Least, Row, Unit
from vectordb.bench.spread import Spread

_DELIVERIES = ("scheduled", "event", "queue")
_INSERT = "INSERT INTO {table} (id, title, content) VALUES (nextval('bench.number'), 'a title', 'the body of a row that is to be found by its meaning')"
_MEANINGS = {
    "scheduled": "the queue alone",
    "event": "the queue and a bell at the commit, which calls the worker function now and then",
    "queue": "the queue and a bell that asks for tickets",
}


def inserts(stage: Stage, rounds: int, seconds: float) -> list[Row]:
    """Inserts a second of 32 clients, each in a transaction of its own that is flushed to the disk, in turns with a bare table."""
    tables = {"bare": "bench.plain_table", "sample": "plain_embedding.documents"}
    stage.superuser.execute(b"CREATE SEQUENCE bench.number")
    stage.superuser.execute(f"GRANT USAGE ON SEQUENCE bench.number TO {database.USER}".encode())
    _let_sample_write(stage)
    stage.table("plain_table")
    for delivery in _DELIVERIES:
        stage.table(delivery)
        stage.declare(delivery, PACKED, delivery=f"embed.deliver_{delivery}()")
        tables[delivery] = f"bench.{delivery}"
    measured: dict[str, list[Measured]] = {name: [] for name in tables}
    rung: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="vectordb-pgbench-") as folder:
        for number in range(rounds):
            # Each comes first some time: a disk is not the same from one minute to the next.
            order = list(tables)[number % len(tables) :] + list(tables)[: number % len(tables)]
            for name in order:
                _empty(stage, tables)
                before = stage.bell.rung
                statement = _INSERT.format(table=tables[name])
                measured[name].append(pgbench.transactions(stage.server, statement, seconds, Path(folder)))
                rung[name] = stage.bell.rung - before
    _empty(stage, tables)
    for delivery in _DELIVERIES:
        stage.end(delivery)
    return _rows(measured, rung)


def _rows(measured: dict[str, list[Measured]], rung: dict[str, int]) -> list[Row]:
    rates = {name: [run.rate for run in runs] for name, runs in measured.items()}
    shares = {
        name: Spread.of([100 * own / bare for own, bare in zip(each, rates["bare"], strict=True)])
        for name, each in rates.items()
    }
    rows: list[Row] = []
    for delivery in _DELIVERIES:
        bells = f"; {rung[delivery]} bells in the last round" if delivery != "scheduled" else ""
        rows.append(
            Row(
                f"write-{delivery}",
                f"single-row inserts by {pgbench.CLIENTS} clients, delivery {delivery}: of a bare table's throughput",
                "%",
                shares["sample"],
                shares[delivery],
                Least(60, "%"),
                _MEANINGS[delivery] + bells,
            )
        )
    processors = {name: [run.processor for run in runs] for name, runs in measured.items()}
    return [
        *rows,
        *_explaining("write-rate", "inserts", "inserts/s", rates),
        *_explaining("write-cpu", "the server's processor time for an insert", "ms", processors),
    ]


def _explaining(key: str, what: str, unit: Unit, values: dict[str, list[float]]) -> list[Row]:
    rows = [Row(f"{key}-bare", f"  {what}: a bare table", unit, None, Spread.of(values["bare"]))]
    theirs = Spread.of(values["sample"])
    rows += [
        Row(f"{key}-{name}", f"  {what}: delivery {name}", unit, theirs, Spread.of(values[name]))
        for name in _DELIVERIES
    ]
    return rows


def _empty(stage: Stage, tables: dict[str, str]) -> None:
    """Every table and the queues, and what was written before is on the disk."""
    stage.superuser.execute(f"TRUNCATE {', '.join(tables.values())} CASCADE".encode())
    # What TRUNCATE has left to do, as well.
    stage.superuser.execute(b"TRUNCATE embed.work, embed.inbox, embed.sweep")
    stage.sample.queue = Queue(VISIBILITY_SECONDS)
    stage.superuser.execute(b"CHECKPOINT")


def _let_sample_write(stage: Stage) -> None:
    """The sample has no boundary of its own: whoever writes the table may call the function."""
    for schema in ("plain_embedding", "aws_lambda"):
        stage.superuser.execute(f"GRANT USAGE ON SCHEMA {schema} TO {database.USER}".encode())
        stage.superuser.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {database.USER}".encode())
    stage.superuser.execute(
        f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA plain_embedding TO {database.USER}".encode()
    )
