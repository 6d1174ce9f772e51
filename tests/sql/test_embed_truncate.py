"""TRUNCATE says nothing of whose rows went: what was embedded is swept, and what was on its way is not taken, whenever it comes."""

from typing import Any

import pytest

from tests.sql.embed_cases import HOLD, Bench


def chunks(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.run("SELECT id, chunk FROM embeddings.docs ORDER BY id, chunk_number")


@pytest.mark.parametrize("when", ["finished after", "finished before"])
def test_truncate(bench: Bench, when: str) -> None:
    """Nothing that was embedded before stays, also what was on its way."""
    bench.docs(50)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    first = bench.worker.read(bench.worker.claim(docs, count=20))
    assert set(bench.worker.finish(first).values()) == {"done"}
    second = bench.worker.read(bench.worker.claim(docs, count=20))
    if when == "finished before":
        bench.worker.connection.execute("BEGIN")
        bench.worker.finish(second)
        bench.run("TRUNCATE app.docs")
        with bench.session() as other:
            # The sweep waits for results that are not committed yet.
            other.execute("SET lock_timeout = '100ms'")
            assert other.execute("SELECT more FROM embed.advance(%s, 1)", (docs,)).fetchall() == [(True,)]
            assert bench.run("SELECT fenced FROM embed.sweep") == [(False,)]
        bench.worker.connection.execute("COMMIT")
    else:
        bench.run("TRUNCATE app.docs")
        assert set(bench.worker.finish(second).values()) == {"changed"}
    bench.run("INSERT INTO app.docs VALUES (7, 't', 'after')")
    bench.worker.drain(docs)
    assert bench.value("SELECT sweeping FROM embed.status") is False
    assert chunks(bench) == [(7, "after")]
    assert bench.run("SELECT * FROM embed.search('docs', '[1,1,1]')")[0][:3] == ([7], 0, "after")
    assert bench.reconciled() == (0, 0, 0, 0)
    assert bench.work() == []


@pytest.mark.parametrize("destination", ["table", "column"])
def test_a_result_that_comes_after_the_sweep(bench: Bench, destination: str) -> None:
    """A worker read rows before they were truncated, and is done when nothing remembers the TRUNCATE any more."""
    bench.docs(3)
    if destination == "column":
        bench.run("ALTER TABLE app.docs ADD COLUMN vec public.vector(3)")
    docs = bench.vectorizer(destination="embed.to_column('vec')" if destination == "column" else "embed.to_table()")
    bench.worker.advance(docs)
    late = bench.worker.read(bench.worker.claim(docs, lease=600))
    items = bench.worker.items(late)
    bench.run("TRUNCATE app.docs")
    bench.run("INSERT INTO app.docs VALUES (2, 't', 'after')")
    bench.worker.drain(docs)
    assert bench.run("SELECT version FROM embed.sweep") == []
    assert set(bench.worker.finish(late, items).values()) == {"changed"}
    bench.worker.drain(docs)
    assert bench.work() == []
    assert bench.run("SELECT id FROM embeddings.docs_generation_1_rows") == [(2,)]
    assert bench.reconciled() == (0, 0, 0, 0)


def test_a_sweep_waits_for_who_is_finishing(bench: Bench) -> None:
    """And one that began before a truncated row's work was taken away, but holds it still, keeps the sweep from ending."""
    bench.docs(3)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    late = bench.worker.read(bench.worker.claim(docs, lease=600))
    bench.run("TRUNCATE app.docs")
    with bench.database.server.superuser_connection("vectordb") as other:
        # One who has one of them, and gives it back.
        with bench.session() as user, user.transaction(force_rollback=True):
            user.execute(HOLD, (["[1]"],))
            for _ in range(3):
                assert other.execute("SELECT more FROM embed.advance(%s, 1)", (docs,)).fetchall() == [(True,)]
        bench.worker.advance(docs)
    assert set(bench.worker.finish(late).values()) == {"changed"}
    bench.worker.drain(docs)
    assert chunks(bench) == []
    assert bench.reconciled() == (0, 0, 0, 0)


def test_a_truncate_that_is_rolled_back(bench: Bench) -> None:
    bench.docs(3)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    claim = bench.worker.read(bench.worker.claim(docs))
    with bench.session() as user, user.transaction(force_rollback=True):
        user.execute("TRUNCATE app.docs")
    assert set(bench.worker.finish(claim).values()) == {"done"}
    assert bench.reconciled() == (0, 0, 0, 0)
    assert bench.value("SELECT count(*) FROM embed.sweep") == 0


def test_truncating_under_an_old_snapshot(bench: Bench) -> None:
    """A transaction that sees the moment before a generation was made truncates its rows all the same, and a dropped one's is no error."""
    bench.docs(3)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    with bench.session() as user:
        user.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        user.execute("SELECT count(*) FROM pg_class")
        assert bench.value("SELECT embed.alter_vectorizer('docs', chunking => embed.chunk_sentence())") == 2
        bench.worker.drain(docs, 2)
        user.execute("TRUNCATE app.docs")
        user.execute("COMMIT")
        bench.worker.drain(docs)
        bench.worker.drain(docs, 2)
        assert bench.value("SELECT count(*) FROM embeddings.docs_generation_1_rows") == 0
        assert bench.value("SELECT count(*) FROM embeddings.docs_generation_2_rows") == 0
        user.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        user.execute("SELECT count(*) FROM pg_class")
        bench.run("SELECT embed.abandon('docs', 2)")
        user.execute("TRUNCATE app.docs")
        user.execute("COMMIT")
    bench.worker.drain(docs)
    assert bench.value("SELECT count(*) FROM embed.sweep") == 0


def test_truncating_one_partition(bench: Bench) -> None:
    bench.run("CREATE TABLE app.docs (id integer PRIMARY KEY, body text) PARTITION BY RANGE (id)")
    bench.run("CREATE TABLE app.docs_low PARTITION OF app.docs FOR VALUES FROM (0) TO (10)")
    bench.run("CREATE TABLE app.docs_high PARTITION OF app.docs FOR VALUES FROM (10) TO (20)")
    bench.run("INSERT INTO app.docs SELECT n, 'body ' || n FROM generate_series(5, 14) AS n")
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    bench.worker.finish(bench.worker.read(bench.worker.claim(docs, count=7)))
    on_its_way = bench.worker.read(bench.worker.claim(docs))
    bench.run("TRUNCATE app.docs_low")
    bench.worker.finish(on_its_way)
    bench.worker.drain(docs)
    assert [row[0] for row in chunks(bench)] == [10, 11, 12, 13, 14]
    assert bench.reconciled() == (0, 0, 0, 0)
