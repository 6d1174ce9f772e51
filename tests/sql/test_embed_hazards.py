"""What goes wrong with queues of embeddings elsewhere, each tried here: stale and orphaned results, blocked users, deadlocks."""

import threading
import time
from typing import Any

import psycopg
import pytest

from tests.sql.embed_cases import ENQUEUE, HOLD, Bench


def chunks(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.run("SELECT id, chunk FROM embeddings.docs ORDER BY id, chunk_number")


def test_a_row_that_changes_while_it_is_embedded(bench: Bench) -> None:
    """The result of what the row was is dropped, and the row claimed again."""
    bench.docs(2)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    claim = bench.worker.read(bench.worker.claim(docs))
    bench.run("UPDATE app.docs SET body = 'newer' WHERE id = 1")
    assert bench.worker.finish(claim) == {"[1]": "changed", "[2]": "done"}
    assert chunks(bench) == [(2, "body 2")]
    assert bench.worker.drain(docs) == 1
    assert chunks(bench) == [(1, "newer"), (2, "body 2")]


def test_content_read_after_a_change_that_the_claim_did_not_see(bench: Bench) -> None:
    """Claiming never reads the source: what is read later may be newer than the claim, never older than the version."""
    bench.docs(1)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    claim = bench.worker.claim(docs)
    bench.run("UPDATE app.docs SET body = 'newer'")
    bench.worker.read(claim)
    assert claim.contents["[1]"]["content"] == "newer"
    assert bench.worker.finish(claim) == {"[1]": "changed"}
    assert bench.worker.drain(docs) == 1
    source = bench.value("SELECT prosrc FROM pg_proc WHERE oid = 'embed.claim'::regproc")
    assert "EXECUTE" not in source
    assert "embed_content" not in source


def test_a_row_that_is_deleted_while_it_is_embedded(bench: Bench) -> None:
    """The user waits for nobody, and no orphan stays."""
    bench.docs(1)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    claim = bench.worker.read(bench.worker.claim(docs))
    started = time.monotonic()
    bench.run("DELETE FROM app.docs")
    assert time.monotonic() - started < 0.5
    assert bench.worker.finish(claim) == {"[1]": "changed"}
    assert bench.worker.drain(docs) == 1
    assert chunks(bench) == []
    assert bench.reconciled() == (0, 0, 0, 0)


def test_a_row_that_comes_back(bench: Bench) -> None:
    """A version is never used twice: an old lease on a row of the same key matches nothing."""
    bench.docs(1)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    old = bench.worker.read(bench.worker.claim(docs, lease=1))
    bench.run("DELETE FROM app.docs")
    assert bench.worker.drain(docs) == 1
    bench.run("INSERT INTO app.docs VALUES (1, 't', 'another')")
    assert bench.worker.finish(old) == {"[1]": "changed"}
    assert bench.worker.drain(docs) == 1
    assert chunks(bench) == [(1, "another")]


def test_a_worker_that_slept_past_its_lease(bench: Bench) -> None:
    bench.docs(1)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    zombie = bench.worker.read(bench.worker.claim(docs, lease=1))
    assert bench.worker.claim(docs).rows == []
    time.sleep(1.1)
    other = bench.worker.read(bench.worker.claim(docs))
    assert (other.keys, other.rows[0]["version"]) == (zombie.keys, zombie.rows[0]["version"])
    assert bench.worker.finish(zombie) == {"[1]": "changed"}
    assert bench.worker.rows("SELECT embed.renew(%s, 1, %s, %s, 60)", docs, zombie.keys, zombie.leases) == []
    assert bench.worker.rows(
        "SELECT * FROM embed.fail(%s, 1, %s, %s, 'poison', 'late')", docs, zombie.keys, zombie.leases
    ) == [{"key": "[1]", "outcome": "lost"}]
    assert bench.worker.rows("SELECT embed.release(%s, 1, %s, %s) AS n", docs, zombie.keys, zombie.leases) == [{"n": 0}]
    assert bench.worker.finish(other) == {"[1]": "done"}
    # Twice is not done twice.
    assert bench.worker.finish(other) == {"[1]": "changed"}


def test_finishing_and_a_user_never_wait_for_each_other(bench: Bench) -> None:
    """The user holds row 2 and then wants row 1, which the worker is finishing: what it writes is of before, and embedded once more."""
    bench.docs(2)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    claim = bench.worker.read(bench.worker.claim(docs))
    items = bench.worker.items(claim)
    with bench.session() as user, user.transaction():
        user.execute("UPDATE app.docs SET body = 'b2' WHERE id = 2")
        with bench.worker.connection.transaction():
            started = time.monotonic()
            assert bench.worker.finish(claim, items) == {"[1]": "done", "[2]": "done"}
            user.execute("SET statement_timeout = '500ms'")
            user.execute("UPDATE app.docs SET body = 'b1' WHERE id = 1")
            assert time.monotonic() - started < 1
    assert bench.worker.finish(claim, items) == {"[1]": "changed", "[2]": "changed"}
    assert bench.worker.drain(docs) == 2
    assert chunks(bench) == [(1, "b1"), (2, "b2")]


def test_a_row_of_the_queue_that_another_holds_keeps_its_result(bench: Bench) -> None:
    """As sync_lambda holds it for its user's transaction: finishing passes it over and waits for nobody, nor does folding."""
    bench.docs(1)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    claim = bench.worker.read(bench.worker.claim(docs))
    items = bench.worker.items(claim)
    with bench.session() as other, other.transaction(force_rollback=True):
        other.execute(HOLD, (["[1]"],))
        assert bench.worker.finish(claim, items) == {"[1]": "locked"}
    assert bench.worker.finish(claim, items) == {"[1]": "done"}
    assert chunks(bench) == [(1, "body 1")]
    assert bench.reconciled() == (0, 0, 0, 0)


def test_backfill_never_waits_for_a_user_nor_deadlocks_one(bench: Bench) -> None:
    """A key that somebody has enqueued and not committed is passed over and comes later."""
    bench.docs(100)
    docs = bench.vectorizer()
    with bench.session() as user:
        with user.transaction(force_rollback=True):
            user.execute(ENQUEUE, (["[40]", "[90]"],))
            started = time.monotonic()
            slice_ = bench.worker.rows("SELECT * FROM embed.advance(%s, 1)", docs)[0]
            assert slice_ == {"enqueued": 98, "swept": 0, "more": True}
            assert time.monotonic() - started < 1
            assert bench.run("SELECT skipped, reached_end FROM embed.backfill") == [(["[40]", "[90]"], True)]
        assert bench.worker.rows("SELECT * FROM embed.advance(%s, 1)", docs)[0] == {
            "enqueued": 2,
            "swept": 0,
            "more": False,
        }
    assert bench.worker.drain(docs) == 100


def test_backfill_beside_one_who_holds_everything(bench: Bench) -> None:
    bench.docs(2000)
    docs = bench.vectorizer()
    with bench.session() as user, user.transaction(force_rollback=True):
        user.execute(ENQUEUE, ([f"[{n}]" for n in range(1, 2001)],))
        started = time.monotonic()
        slice_ = bench.worker.rows("SELECT * FROM embed.advance(%s, 1, 1000)", docs)[0]
        assert (slice_["enqueued"], slice_["more"]) == (0, True)
        assert time.monotonic() - started < 2
    bench.worker.advance(docs, rows=1000)
    assert bench.value("SELECT count(*) FROM embed.work") == 2000


def test_a_transaction_that_began_before_the_vectorizer(bench: Bench) -> None:
    """Whoever is writing the source is waited for; whoever has an old snapshot and writes later is captured all the same."""
    bench.docs(1)
    created: list[int] = []
    with bench.session() as old, bench.session() as writer:
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT count(*) FROM pg_class")
        writer.execute("BEGIN")
        writer.execute("INSERT INTO app.docs VALUES (2, 't', 'before')")
        thread = threading.Thread(target=lambda: created.append(bench.vectorizer()))
        thread.start()
        time.sleep(0.2)
        assert created == []
        writer.execute("COMMIT")
        thread.join()
        old.execute("INSERT INTO app.docs VALUES (3, 't', 'old snapshot')")
        old.execute("COMMIT")
    assert bench.worker.drain(created[0]) == 3
    assert bench.reconciled() == (0, 0, 0, 0)


def test_a_changed_primary_key(bench: Bench) -> None:
    bench.docs(3)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    bench.run("UPDATE app.docs SET id = 9 WHERE id = 1")
    assert bench.work() == [(1, "[1]", "u"), (1, "[9]", "u")]
    bench.worker.drain(docs)
    # Two rows that change places, in one statement.
    bench.run("ALTER TABLE app.docs DROP CONSTRAINT docs_pkey, ADD PRIMARY KEY (id) DEFERRABLE")
    bench.run("UPDATE app.docs SET id = 5 - id WHERE id IN (2, 3)")
    assert bench.work() == [(1, "[2]", "u"), (1, "[3]", "u")]
    bench.worker.drain(docs)
    assert chunks(bench) == [(2, "body 3"), (3, "body 2"), (9, "body 1")]


def test_claims_of_many_workers_are_apart(bench: Bench) -> None:
    bench.docs(400)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    claimed: list[str] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            with bench.database.server.superuser_connection("vectordb") as connection:
                while rows := connection.execute("SELECT key FROM embed.claim(%s, 1, 7, 60)", (docs,)).fetchall():
                    claimed.extend(key for (key,) in rows)
        except psycopg.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(claimed) == sorted(f"[{n}]" for n in range(1, 401))


def test_a_rolled_back_change_is_no_change(bench: Bench) -> None:
    bench.docs(1)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    with bench.session() as user, user.transaction(force_rollback=True):
        user.execute("UPDATE app.docs SET body = 'never'")
        user.execute("INSERT INTO app.docs VALUES (2, 't', 'never')")
    assert bench.work() == []
    assert bench.worker.available() == []


def test_a_generation_given_up_and_another_begun_while_one_is_embedded(bench: Bench) -> None:
    """A number is never given twice: else what the first model made would be taken for the second's."""
    bench.docs(2)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    first = bench.value(
        "SELECT embed.alter_vectorizer('docs', embedding => embed.http('http://model.test', 'first', 5))"
    )
    bench.worker.advance(docs, first)
    claim = bench.worker.read(bench.worker.claim(docs, first))
    items = bench.worker.items(claim, 5)
    bench.run("SELECT embed.abandon('docs', %s)", first)
    second = bench.value(
        "SELECT embed.alter_vectorizer('docs', embedding => embed.http('http://model.test', 'second', 5))"
    )
    assert second != first
    with pytest.raises(psycopg.errors.UndefinedObject):
        bench.worker.finish(claim, items)
    assert bench.value(f"SELECT count(*) FROM embeddings.docs_generation_{second}") == 0
    bench.worker.drain(docs, second, dimension=5)
    assert bench.value("SELECT embed.cutover('docs')") == second


def test_another_content_expression_while_a_row_is_embedded(bench: Bench) -> None:
    """What was read by the expression of before is not taken, for nobody would find it: the row is known to be queued."""
    bench.docs(2)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    claim = bench.worker.read(bench.worker.claim(docs))
    items = bench.worker.items(claim)
    with bench.owner.transaction():
        bench.run("SELECT embed.refresh('docs', content => 'title')")
        with bench.database.server.superuser_connection("vectordb") as other:
            # Nobody reads by it any more, and writes by the new one have not begun.
            other.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("SELECT * FROM embed.content(%s, 1, '{[1]}')", (docs,))
    assert bench.reconciled(repair="true")[1] == 0
    assert set(bench.worker.finish(claim, items).values()) == {"changed"}
    bench.worker.drain(docs)
    assert chunks(bench) == [(1, "t1"), (2, "t2")]
    assert bench.reconciled() == (0, 0, 0, 0)


def test_a_snapshot_of_before_a_worker_came(bench: Bench) -> None:
    """A transaction of REPEATABLE READ that writes a row which a worker has claimed and finished since."""
    bench.docs(1)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    with bench.session() as user:
        user.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        user.execute("SELECT count(*) FROM pg_class")
        claim = bench.worker.read(bench.worker.claim(docs))
        user.execute("UPDATE app.docs SET body = 'newer'")
        assert bench.worker.finish(claim) == {"[1]": "done"}
        user.execute("COMMIT")
    bench.worker.drain(docs)
    assert chunks(bench) == [(1, "newer")]


def test_after_a_restore_an_administrator_can_keep_keys_from_coming_twice(bench: Bench) -> None:
    """docs/embeddings.md, "Copies and restores of the database"."""
    before = bench.value("SELECT nextval('embed.lease')")
    bench.run("SELECT setval('embed.lease', nextval('embed.lease') + 1000000000)")
    assert bench.value("SELECT nextval('embed.lease')") > before + 1000000000
