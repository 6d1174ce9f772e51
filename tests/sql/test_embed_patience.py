"""Declarations beside users: who holds a table is waited for in short tries, and nobody queues up behind them."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest

from tests.sql.cases import failure
from tests.sql.conftest import Connection
from tests.sql.embed_cases import MODEL, Bench

CREATE = f"SELECT embed.create_vectorizer('docs', 'app.docs', 'body', embedding => {MODEL})"
LONGEST = 0.9
"""Seconds that a user may wait behind a declaration; a try is a quarter of one."""


@pytest.fixture
def pool(bench: Bench) -> Iterator[ThreadPoolExecutor]:
    if bench.database.server.version == 16:
        pytest.skip("locks are the same on PostgreSQL 16 and 18, and each of these waits for some")
    with ThreadPoolExecutor(4) as pool:
        yield pool


def longest_wait(connection: Connection, statement: str, until: "Future[object]") -> float:
    longest = 0.0
    while not until.done():
        began = time.monotonic()
        connection.execute(statement)
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.02)
    return longest


def test_who_writes_is_not_held_up_by_a_declaration_that_waits(bench: Bench, pool: ThreadPoolExecutor) -> None:
    bench.docs(2)
    bench.run("SET lock_timeout = '1200ms'")
    with bench.session() as slow, bench.session() as other:
        slow.execute("BEGIN; UPDATE app.docs SET views = 1 WHERE id = 1")
        pid = slow.info.backend_pid
        declared = pool.submit(failure, bench.owner, CREATE)
        assert longest_wait(other, "UPDATE app.docs SET views = views + 1 WHERE id = 2", declared) < LONGEST
        code, message, _, hint = declared.result()
        assert (code, message.partition(" (of server process ")[0]) == (
            "55P03",
            "embed.create_vectorizer: another transaction was in the way for 00:00:01.2",
        )
        assert f"{pid} of app.docs" in message
        assert "SET lock_timeout = '60s'" in hint
        assert bench.run("SELECT name FROM embed.status") == []
        # One that ends in time is waited for.
        declared = pool.submit(bench.run, CREATE)
        time.sleep(0.4)
        slow.execute("COMMIT")
        assert len(declared.result()) == 1
    assert bench.value("SHOW lock_timeout") == "1200ms"
    bench.run("UPDATE app.docs SET body = 'x' WHERE id = 1; RESET lock_timeout")
    assert len(bench.work()) == 1


def test_who_searches_is_not_held_up_by_a_cutover_that_waits(bench: Bench, pool: ThreadPoolExecutor) -> None:
    bench.docs(2)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    bench.run("SELECT embed.alter_vectorizer('docs', chunking => embed.chunk_sentence())")
    bench.worker.drain(docs, 2)
    bench.run("SET lock_timeout = '1200ms'")
    with bench.session() as slow, bench.session() as other:
        slow.execute("BEGIN; SELECT FROM embeddings.docs")
        switched = pool.submit(failure, bench.owner, "SELECT embed.cutover('docs')")
        assert longest_wait(other, "SELECT FROM embeddings.docs", switched) < LONGEST
        assert switched.result()[0] == "55P03"
        assert bench.run("SELECT generation FROM embed.status WHERE generation_state = 'live'") == [(1,)]
        slow.execute("COMMIT")
    assert bench.value("SELECT embed.cutover('docs')") == 2
    bench.run("RESET lock_timeout")


def test_dropping_beside_a_transaction_that_has_written(bench: Bench, pool: ThreadPoolExecutor) -> None:
    bench.docs(2)
    docs = bench.vectorizer()
    with bench.session() as slow:
        slow.execute("BEGIN; UPDATE app.docs SET body = 'held'")
        dropped = pool.submit(bench.run, "SELECT embed.drop_vectorizer('docs')")
        time.sleep(0.4)
        assert not dropped.done()
        slow.execute("UPDATE app.docs SET body = 'held on'; COMMIT")
        dropped.result()
    assert bench.work() == []
    assert bench.worker.available() == []
    assert bench.value("SELECT count(*) FROM pg_proc WHERE proname LIKE %s", f"capture_{docs}_%") == 0


def test_two_of_one_name_at_once(bench: Bench, pool: ThreadPoolExecutor) -> None:
    bench.docs(2)
    with bench.session() as one, bench.session() as two:
        one.execute("BEGIN")
        one.execute(CREATE)
        second = pool.submit(failure, two, CREATE)
        time.sleep(0.3)
        one.execute("COMMIT")
        assert second.result()[:2] == (
            "42710",
            "embed.create_vectorizer: another session has made a vectorizer 'docs' just now",
        )


@pytest.mark.parametrize("end", ["pg_terminate_backend", "pg_cancel_backend"])
def test_killed_in_the_middle(bench: Bench, pool: ThreadPoolExecutor, end: str) -> None:
    bench.docs(2)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    before = bench.run("SELECT name, generation, generation_state FROM embed.status")
    victim = bench.session()
    with bench.session() as slow:
        slow.execute("BEGIN; UPDATE app.docs SET views = 1")
        doing = pool.submit(victim.execute, "SELECT embed.alter_vectorizer('docs', chunking => embed.chunk_sentence())")
        time.sleep(0.4)
        bench.run(f"SELECT {end}(%s)", victim.info.backend_pid)
        with pytest.raises(psycopg.OperationalError):
            doing.result()
        slow.execute("COMMIT")
    assert bench.run("SELECT name, generation, generation_state FROM embed.status") == before
    assert bench.value("SELECT to_regclass('embeddings.docs_generation_2')") is None
    bench.run("UPDATE app.docs SET body = 'x' WHERE id = 1")
    assert bench.worker.drain(docs) == 1
    victim.close()
