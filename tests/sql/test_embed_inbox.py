"""What writers append, and workers fold into the queue: nothing is lost on the way, whoever folds, and whenever who wrote it commits."""

import time

import pytest

from tests.sql.cases import failure
from tests.sql.conftest import Database
from tests.sql.embed_cases import ENQUEUE, HOLD, Bench

INBOX = "SELECT key FROM embed.inbox ORDER BY key"


def test_changes_of_a_row_are_one_row_of_the_queue(bench: Bench) -> None:
    bench.docs()
    docs = bench.vectorizer()
    bench.run("INSERT INTO app.docs VALUES (1, 't', 'one'), (2, 't', 'two'), (3, 't', 'three')")
    bench.run("UPDATE app.docs SET body = body || '!' WHERE id < 3")
    bench.run("DELETE FROM app.docs WHERE id = 2")
    assert len(bench.run(INBOX)) == 6
    # As one row to those who look, before it is folded and after.
    status = "SELECT pending, oldest_age BETWEEN '0 s' AND '1 min', coverage FROM embed.status"
    assert bench.run(status) == [(3, True, 0)]
    assert bench.value("SELECT embed.has_work(%s)", docs) is True
    oldest = bench.run("SELECT key, min(queued_at) FROM embed.inbox GROUP BY key ORDER BY key")
    assert bench.value("SELECT embed.fold()") == 6
    assert bench.run("SELECT key, queued_at FROM embed.work ORDER BY key") == oldest
    assert bench.run(status) == [(3, True, 0)]
    # Who works on it looks whether it is there.
    bench.run("DELETE FROM app.docs WHERE id = 3")
    bench.run("DELETE FROM app.docs WHERE id = 1; INSERT INTO app.docs VALUES (1, 't', 'again')")
    assert bench.work() == [(1, "[1]", "u"), (1, "[2]", "u"), (1, "[3]", "u")]
    assert bench.worker.drain(docs) == 3
    assert bench.run("SELECT id, chunk FROM embeddings.docs") == [(1, "again")]
    assert bench.run(status) == [(0, None, 1)]


def test_what_is_not_committed_is_not_waited_for_and_not_forgotten(bench: Bench) -> None:
    """One that began before others were folded commits when all of them are embedded, and its own row with them."""
    bench.docs(2)
    docs = bench.vectorizer(backfill="'none'")
    with bench.session() as late, late.transaction():
        late.execute("UPDATE app.docs SET body = 'late' WHERE id = 1")
        bench.run("UPDATE app.docs SET body = 'early' WHERE id = 2")
        assert bench.worker.drain(docs) == 1
        assert bench.run(INBOX) == []
    assert bench.run(INBOX) == [("[1]",)]
    assert bench.worker.drain(docs) == 1
    assert bench.run("SELECT chunk FROM embeddings.docs ORDER BY id") == [("late",), ("early",)]


@pytest.mark.parametrize("committed", [True, False])
def test_one_who_folds_and_has_not_ended(bench: Bench, *, committed: bool) -> None:
    """Others fold the rest, and nothing twice. What is rolled back is folded by the next."""
    bench.docs(6)
    docs = bench.vectorizer(backfill="'none'")
    bench.run("UPDATE app.docs SET body = body || '!'")
    with bench.session() as other:
        other.execute("BEGIN")
        other.execute("SET LOCAL ROLE vectordb_owner")
        assert other.execute("SELECT embed.fold(4)").fetchone() == (4,)
        assert bench.worker.drain(docs) == 2
        other.execute("COMMIT" if committed else "ROLLBACK")
    assert len(bench.run(INBOX)) == (0 if committed else 4)
    assert bench.worker.drain(docs) == 4
    assert bench.reconciled() == (0, 0, 0, 0)


def test_a_deletion_that_is_folded_after_what_came_later(bench: Bench) -> None:
    """Somebody folds it and dies, while another folds the row that came back, and a worker embeds that."""
    bench.docs(1)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    bench.run("DELETE FROM app.docs")
    with bench.session() as other, other.transaction(force_rollback=True):
        other.execute("SELECT FROM embed.inbox FOR UPDATE")
        bench.run("INSERT INTO app.docs VALUES (1, 't', 'back')")
        assert bench.worker.drain(docs) == 1
    assert bench.run(INBOX) == [("[1]",)]
    assert bench.worker.drain(docs) == 1
    assert bench.run("SELECT chunk FROM embeddings.docs") == [("back",)]
    assert bench.reconciled() == (0, 0, 0, 0)


def test_keys_that_another_holds_in_the_queue_are_left_for_later(bench: Bench) -> None:
    """As a transaction does that embeds within its statements, after the delivery was changed. Nobody else's rows wait for it."""
    bench.docs(300)
    docs = bench.vectorizer(backfill="'none'")
    bench.run("UPDATE app.docs SET body = body || '!' WHERE id = 7")
    bench.worker.available()
    bench.run("UPDATE app.docs SET body = body || '!'")
    with bench.session() as other, other.transaction(force_rollback=True):
        other.execute(HOLD, (["[7]"],))
        other.execute(ENQUEUE, (["[200]"],))
        began = time.monotonic()
        assert bench.value("SELECT embed.fold()") > 200
        assert time.monotonic() - began < 2
        bench.run("SELECT embed.fold()")
        assert bench.run(INBOX) == [("[200]",), ("[7]",)]
        assert bench.value("SELECT pending FROM embed.status") == 300
    assert bench.value("SELECT embed.fold()") == 2
    assert bench.worker.drain(docs) == 300


def test_a_change_goes_to_the_generations_that_there_are_when_it_is_folded(bench: Bench) -> None:
    bench.docs(2)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    bench.run("UPDATE app.docs SET body = 'new' WHERE id = 1")
    bench.run("SELECT embed.alter_vectorizer('docs', chunking => embed.chunk_fixed(100))")
    bench.run("DELETE FROM app.docs WHERE id = 2")
    assert bench.work() == [(1, "[1]", "u"), (1, "[2]", "u"), (2, "[1]", "u"), (2, "[2]", "u")]
    bench.run("UPDATE app.docs SET body = 'newer' WHERE id = 1")
    bench.run("SELECT embed.abandon('docs', 2)")
    bench.worker.drain(docs)
    bench.worker.rows("SELECT embed.tidy()")
    assert bench.work() == []
    assert bench.run("SELECT chunk FROM embeddings.docs") == [("newer",)]
    # And of a vectorizer that was dropped to none.
    bench.run("UPDATE app.docs SET body = 'newest' WHERE id = 1")
    bench.run("SELECT embed.drop_vectorizer('docs')")
    bench.worker.rows("SELECT embed.tidy()")
    assert bench.run(INBOX) == bench.work() == []


def test_what_waits_in_the_inbox_is_known_to_who_compares(bench: Bench) -> None:
    bench.docs(4)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    bench.run("UPDATE app.docs SET body = 'new' WHERE id = 1")
    bench.run("DELETE FROM app.docs WHERE id = 2")
    bench.run("INSERT INTO app.docs VALUES (5, 't', 'five')")
    assert bench.reconciled(repair="true") == (0, 0, 0, 0)
    assert len(bench.run(INBOX)) == 3
    assert bench.worker.drain(docs) == 3


def test_paused_changes_are_collected_and_folded(bench: Bench) -> None:
    bench.docs(1)
    docs = bench.vectorizer(backfill="'none'")
    bench.run("SELECT embed.pause('docs')")
    bench.run("UPDATE app.docs SET body = 'new'")
    assert bench.worker.available() == []
    assert bench.run(INBOX) == []
    bench.run("UPDATE app.docs SET body = 'newer'")
    bench.worker.rows("SELECT embed.tidy()")
    assert bench.run(INBOX) == []
    bench.run("SELECT embed.resume('docs')")
    assert bench.worker.drain(docs) == 1


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_snapshot_of_before_a_generation_was_begun(bench: Bench, level: str) -> None:
    """Its change is of the new generation, too, and no worker makes it fail."""
    bench.docs(2)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    with bench.session() as user:
        user.execute(f"BEGIN ISOLATION LEVEL {level}")
        user.execute("SELECT count(*) FROM app.docs")
        bench.run("SELECT embed.alter_vectorizer('docs', chunking => embed.chunk_fixed(100))")
        bench.worker.drain(docs, 2)
        user.execute("UPDATE app.docs SET body = 'new' WHERE id = 1")
        user.execute("COMMIT")
    assert bench.work() == [(1, "[1]", "u"), (2, "[1]", "u")]
    bench.worker.drain(docs)
    bench.worker.drain(docs, 2)
    assert bench.value("SELECT embed.cutover('docs')") == 2
    assert bench.reconciled() == (0, 0, 0, 0)


def test_strangers_cannot_fold(bench: Bench) -> None:
    bench.docs()
    bench.vectorizer()
    with bench.database.login("vectordb_app") as app:
        assert failure(app, "SELECT embed.fold()")[0] == "42501"
        assert failure(app, "INSERT INTO embed.inbox VALUES (1, false, now(), '[1]')")[0] == "42501"


def test_vectorizers_that_are_there_are_captured_as_is_done_now(bench: Bench, database: Database) -> None:
    """As after an upgrade: what captures a vectorizer's changes was written by an earlier release."""
    bench.docs()
    docs = bench.vectorizer()
    written = f"SELECT p.prosrc FROM pg_proc AS p WHERE p.proname = 'capture_{docs}_insert'"
    now = bench.value(written)
    bench.run(
        f"CREATE OR REPLACE FUNCTION embed.capture_{docs}_insert() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )
    assert bench.value(written) != now
    assert database.apply() == []
    bench.run("UPDATE vectordb.migrations SET checksum = 'of another text' WHERE name = '43_embed_capture.sql'")
    bench.run(
        "UPDATE vectordb.migrations SET checksum = 'of others before it' WHERE name = '59_embed_capture_again.sql'"
    )
    assert database.apply() == ["repeatable/43_embed_capture.sql", "repeatable/59_embed_capture_again.sql"]
    assert bench.value(written) == now
    bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert bench.worker.drain(docs) == 1
