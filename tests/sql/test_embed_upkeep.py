"""Backfill in slices, reconciliation of what went past the triggers, and what capture costs."""

import os
from pathlib import Path

import pytest

from tests.sql.embed_cases import Bench


def test_backfill_goes_on_where_it_ended(bench: Bench) -> None:
    bench.run("CREATE TABLE app.docs (a text, b integer, body text, PRIMARY KEY (a, b))")
    bench.run("INSERT INTO app.docs SELECT 'k' || n % 3, n, 'body ' || n FROM generate_series(1, 25) AS n")
    docs = bench.vectorizer()
    enqueued = []
    for _ in range(4):
        slice_ = bench.worker.rows("SELECT * FROM embed.advance(%s, 1, 10)", docs)[0]
        enqueued.append((slice_["enqueued"], slice_["more"]))
        # Whatever comes meanwhile is not done twice and not forgotten.
        bench.run("INSERT INTO app.docs VALUES ('k9', %s, 'late')", 100 + len(enqueued))
        bench.worker.available()
    assert enqueued == [(10, True), (10, True), (5, False), (0, False)]
    assert bench.worker.drain(docs) == 29
    assert bench.reconciled() == (0, 0, 0, 0)


@pytest.mark.parametrize(("backfill", "priorities"), [("now", [0]), ("low", [9]), ("none", [])])
def test_backfill_as_declared(bench: Bench, backfill: str, priorities: list[int]) -> None:
    bench.docs(3)
    bench.vectorizer(backfill=f"'{backfill}'")
    bench.run("CALL embed.backfill('docs', 2)")
    assert [row[0] for row in bench.run("SELECT DISTINCT priority FROM embed.work")] == priorities
    assert bench.value("SELECT backfilling FROM embed.status") is False


def test_reconciliation_finds_what_went_past_the_triggers(bench: Bench) -> None:
    bench.docs(40)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    with bench.database.server.superuser_connection("vectordb") as replica:
        replica.execute("SET session_replication_role = replica")
        replica.execute("INSERT INTO app.docs VALUES (50, 't', 'missing'), (51, 't', 'missing'), (52, 't', NULL)")
        replica.execute("UPDATE app.docs SET body = 'stale' WHERE id IN (7, 23, 38)")
        replica.execute("DELETE FROM app.docs WHERE id = 11")
    bench.run("DELETE FROM embeddings.docs_generation_1 WHERE id = 5")
    bench.run("INSERT INTO embeddings.docs_generation_1 VALUES (777, 0, 'stray', '\\x00', '[1,1,1]')")
    assert bench.work() == []
    assert bench.reconciled(rows="7") == (3, 3, 2, 0)
    assert bench.run("SELECT missing, stale, orphan FROM embed.status") == [(3, 3, 2)]
    assert bench.reconciled(repair="true", rows="1000") == (3, 3, 2, 8)
    # Queued now, so known.
    assert bench.reconciled(repair="true") == (0, 0, 0, 0)
    assert bench.worker.drain(docs) == 8
    assert bench.reconciled(rows="7") == (0, 0, 0, 0)
    assert bench.value("SELECT count(*) FROM embeddings.docs") == 41


def test_reconciliation_can_be_interrupted(bench: Bench) -> None:
    bench.docs(30)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    with bench.database.server.superuser_connection("vectordb") as replica:
        replica.execute("SET session_replication_role = replica")
        replica.execute("UPDATE app.docs SET body = 'stale' WHERE id IN (2, 29)")
    found = []
    while not found or found[-1]["more"]:
        found.append(bench.worker.rows("SELECT * FROM embed.reconcile_slice('docs', rows => 12)")[0])
    assert [(row["examined"], row["stale"], row["more"]) for row in found] == [
        (12, 1, True),
        (12, 0, True),
        (6, 1, True),
        (12, 0, True),
        (12, 0, True),
        (6, 0, False),
    ]
    assert bench.run("SELECT stale, reconciled_at IS NOT NULL FROM embed.status") == [(2, True)]


def spent(bench: Bench, statement: str) -> float:
    """What a statement takes of the processor; the least of three, in seconds."""
    process = Path("/proc", str(bench.value("SELECT pg_backend_pid()")), "stat")

    def processor() -> float:
        return sum(map(int, process.read_text().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    found = []
    for _ in range(3):
        bench.run("VACUUM app.docs")
        started = processor()
        bench.run(statement)
        found.append(processor() - started)
    return min(found)


def test_an_update_of_no_interest(bench: Bench) -> None:
    """100,000 rows: nothing is queued, and it costs at most twice the bare update (of the processor: others share it)."""
    bench.run("CREATE TABLE app.docs (id bigint PRIMARY KEY, title text, body text, views integer DEFAULT 0)")
    bench.run(
        "INSERT INTO app.docs SELECT n, 'title ' || n, repeat('the body of it ', 8) || n FROM generate_series(1, 100000) AS n"
    )
    bare = spent(bench, "UPDATE app.docs SET views = views + 1")
    bench.vectorizer(content="title || E'\\n' || body")
    # The plan of the trigger is made for one row first.
    bench.run("UPDATE app.docs SET views = views + 1 WHERE id = 1")
    watched = spent(bench, "UPDATE app.docs SET views = views + 1")
    assert bench.work() == []
    assert watched < 2 * bare, (bare, watched)


def test_long_values_are_not_read_when_they_stay(bench: Bench) -> None:
    """Values out of line: their place is compared (from PostgreSQL 17), their bytes before that."""
    bench.run("CREATE TABLE app.docs (id integer PRIMARY KEY, body text, views integer DEFAULT 0)")
    bench.run("ALTER TABLE app.docs ALTER COLUMN body SET STORAGE EXTERNAL")
    bench.run("INSERT INTO app.docs SELECT n, repeat('x', 50000) || n FROM generate_series(1, 1000) AS n")
    bench.vectorizer(backfill="'none'")
    bench.run("UPDATE app.docs SET views = 1")
    assert bench.work() == []
    bench.run("UPDATE app.docs SET body = substr(body, 2) WHERE id = 4")
    bench.run("UPDATE app.docs SET body = body || '' WHERE id = 5")
    assert bench.work() == [(1, "[4]", "u")]
