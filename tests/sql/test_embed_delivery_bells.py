"""Deliveries event and queue: a transaction that enqueued rings once, when it commits, and only when nobody comes anyway."""

import threading
import time

import pytest

from tests.embed.model import POISON, RefusedError
from tests.sql.cases import failure
from tests.sql.embed_delivery import ARN, TITAN, Stage

EVENT = "embed.deliver_event()"
FAST = "embed.limits(requests_per_minute => 60000)"


def test_a_transaction_rings_once_whatever_it_writes(stage: Stage) -> None:
    docs = stage.docs(EVENT, limits=FAST)
    with stage.bench.owner.transaction():
        stage.bench.run("INSERT INTO app.docs SELECT n, 't', 'body ' || n FROM generate_series(1, 500) AS n")
        stage.bench.run("UPDATE app.docs SET body = 'b' || id WHERE id < 100")
        stage.bench.run("DELETE FROM app.docs WHERE id = 500")
        assert stage.bells == []
    assert stage.bells == [{"vectorizer": docs}]
    assert stage.bench.database.lambda_.functions[-1] == ARN
    assert stage.bench.value("SELECT count(*) FROM embed.bell") == 0
    assert stage.answer_bells() == 500
    assert set(stage.vectors().values()) == {"right"}
    assert stage.settled()


def test_what_changes_nothing_does_not_ring(stage: Stage) -> None:
    stage.docs(EVENT)
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    stage.answer_bells()
    stage.forget_bell()
    stage.bench.run("UPDATE app.docs SET views = 7")
    stage.bench.run("UPDATE app.docs SET body = 'x' WHERE id = 99")
    stage.bench.run("BEGIN; INSERT INTO app.docs VALUES (2, 't', 'two'); ROLLBACK")
    stage.bench.run("BEGIN; SAVEPOINT a; INSERT INTO app.docs VALUES (2, 't', 'two'); ROLLBACK TO a; COMMIT")
    assert stage.bells == []
    # A savepoint that is taken back takes its bell along, not the next one's.
    stage.bench.run(
        "BEGIN; SAVEPOINT a; INSERT INTO app.docs VALUES (2, 't', 'two'); ROLLBACK TO a;"
        " INSERT INTO app.docs VALUES (3, 't', 'three'); COMMIT"
    )
    assert len(stage.bells) == 1
    for statement in ("DELETE FROM app.docs WHERE id = 3", "TRUNCATE app.docs"):
        stage.answer_bells()
        stage.forget_bell()
        stage.bench.run(statement)
        assert len(stage.bells) == 1, statement
    stage.answer_bells()
    assert stage.settled()


def test_nobody_is_called_who_is_on_the_way(stage: Stage) -> None:
    docs = stage.docs(EVENT)
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    # Within a quarter of a second of the last bell.
    stage.bench.run("INSERT INTO app.docs VALUES (2, 't', 'two')")
    assert len(stage.bells) == 1
    # After that: the bell has not been answered.
    stage.forget_bell(rung=False)
    stage.bench.run("INSERT INTO app.docs VALUES (3, 't', 'three')")
    assert len(stage.bells) == 1
    # A worker that claimed just now looks again.
    claim = stage.bench.worker.claim(docs, lease=90)
    assert len(claim.rows) == 3
    stage.forget_bell()
    stage.bench.run("INSERT INTO app.docs VALUES (4, 't', 'four')")
    assert len(stage.bells) == 1
    # One that has been silent for longer may be gone.
    stage.forget_bell()
    stage.bench.run("UPDATE embed.work SET not_before = clock_timestamp() + interval '30 s' WHERE lease IS NOT NULL")
    stage.bench.run("INSERT INTO app.docs VALUES (5, 't', 'five')")
    assert len(stage.bells) == 2


def test_what_waits_and_was_not_rung_for_silences_nobody(stage: Stage) -> None:
    """Of those that commit together one asks whether to ring; what the others put there is no sign that one of them rang."""
    docs = stage.docs(EVENT)
    stage.bench.run(f"SELECT setval('embed.bell_{docs}', embed.milliseconds() + 9000)")
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert stage.bells == []
    stage.forget_bell()
    stage.bench.run("INSERT INTO app.docs VALUES (2, 't', 'two')")
    assert len(stage.bells) == 1
    assert stage.answer_bells() == 2
    # It was answered: what comes now is not known to anybody.
    stage.forget_bell(rung=False)
    stage.bench.run("INSERT INTO app.docs VALUES (3, 't', 'three')")
    assert len(stage.bells) == 1
    assert stage.answer_bells() == 1
    assert stage.settled()


def test_a_session_remembers_until_when_all_are_silent(stage: Stage) -> None:
    """And what a user sets there himself fails no commit."""
    docs = stage.docs(EVENT)
    remembered = f"embed.silent_{docs}"
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    stage.bench.run("INSERT INTO app.docs VALUES (2, 't', 'two')")
    assert stage.bench.value(
        f"SELECT current_setting('{remembered}') = pg_sequence_last_value('embed.bell_{docs}')::text"
    )
    for number, ours in enumerate(["no time", "9", "99999999999999999999", "-1", ""], 3):
        stage.bench.run("SELECT set_config(%s, %s, false)", remembered, ours)
        stage.bench.run(f"SELECT setval('embed.bell_{docs}', 1), setval('embed.rung_{docs}', 1)")
        stage.bells.clear()
        stage.bench.run(f"INSERT INTO app.docs VALUES ({number}, 't', 'b')")
    assert len(stage.bells) == 1
    # A transaction rings though the one before it in its session was silent, once that is over.
    stage.bench.run("SELECT pg_sleep(0.26)")
    stage.bench.run(f"SELECT setval('embed.rung_{docs}', 1)")
    stage.bench.run("INSERT INTO app.docs VALUES (99, 't', 'b')")
    assert len(stage.bells) == 2


def test_a_transaction_that_drops_what_it_would_ring_for(stage: Stage) -> None:
    stage.docs(EVENT)
    stage.bench.run("BEGIN; INSERT INTO app.docs VALUES (1, 't', 'one'); SELECT embed.drop_vectorizer('docs'); COMMIT")
    assert stage.bells == []


def test_a_bell_that_was_lost_is_rung_again_after_five_seconds(stage: Stage) -> None:
    docs = stage.docs(EVENT)
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    stage.bells.clear()
    stage.forget_bell(rung=False)
    stage.bench.run(f"SELECT setval('embed.rung_{docs}', embed.milliseconds() - 5000)")
    stage.bench.run("INSERT INTO app.docs VALUES (2, 't', 'two')")
    assert len(stage.bells) == 1
    assert stage.answer_bells() == 2
    assert stage.settled()


def test_a_bell_that_comes_twice_or_too_early_does_no_harm(stage: Stage) -> None:
    docs = stage.docs(EVENT)
    with stage.bench.owner.transaction():
        stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
        stage.bench.run("SET CONSTRAINTS ALL IMMEDIATE")
        assert stage.bells == [{"vectorizer": docs}]
        # Long before the commit: nothing is found, and nobody waits.
        assert stage.answer_bells() == 0
    assert stage.work({"sweep": True})["rows"] == 1
    assert stage.work({"vectorizer": docs}) == {"complete": True, "rows": 0, "dead": 0}
    assert stage.work({"vectorizer": 999}) == {"complete": True, "rows": 0, "dead": 0}
    assert stage.settled()


def test_a_worker_that_is_faster_than_the_commit_looks_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedder.handler.SECOND_LOOK_SECONDS", 0.5)
    stage.docs(EVENT)
    stage.at_once = True
    for number in range(1, 6):
        stage.forget_bell()
        stage.bench.run(f"INSERT INTO app.docs VALUES ({number}, 't', 'body {number}')")
        for thread in stage.threads:
            thread.join(30)
        assert stage.bench.work() == []
    assert stage.settled()


def test_it_rings_after_what_else_is_deferred_to_the_commit(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks of constraints may take long; a worker that is called before them has looked twice when the transaction commits."""
    monkeypatch.setattr("embedder.handler.SECOND_LOOK_SECONDS", 0.05)
    stage.docs(EVENT)
    stage.bench.run(
        "CREATE TABLE app.others (id integer);"
        "CREATE FUNCTION app.checks() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.6); RETURN NULL; END';"
        "CREATE CONSTRAINT TRIGGER checks AFTER INSERT ON app.others DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.checks()"
    )
    stage.at_once = True
    stage.bench.run("BEGIN; INSERT INTO app.docs VALUES (1, 't', 'one'); INSERT INTO app.others VALUES (1); COMMIT")
    for thread in stage.threads:
        thread.join(30)
    assert stage.bench.work() == []
    assert stage.settled()


def test_a_clock_that_went_back_silences_nobody(stage: Stage) -> None:
    docs = stage.docs(EVENT)
    for kind in ("bell", "rung"):
        stage.bench.run(f"SELECT setval('embed.{kind}_{docs}', embed.milliseconds() + 3600000)")
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert len(stage.bells) == 1
    assert stage.answer_bells() == 1


def test_writers_without_pause_are_all_heard(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """No sweep: the bells alone, while three sessions write what a worker embeds."""
    monkeypatch.setattr("embedder.handler.SECOND_LOOK_SECONDS", 0.5)
    stage.docs(EVENT, limits=FAST)
    stage.at_once = True
    stage.model.latency = 0.02

    def write(first: int) -> None:
        with stage.bench.session() as session:
            for number in range(first, first + 60):
                session.execute("INSERT INTO app.docs VALUES (%s, 't', %s)", (number, f"body {number}"))
                time.sleep(0.01)

    writers = [threading.Thread(target=write, args=[1000 * n]) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    while any(thread.is_alive() for thread in stage.threads):
        time.sleep(0.05)
    assert stage.bench.work() == []
    assert set(stage.vectors().values()) == {"right"}
    assert len(stage.bells) < 60
    assert stage.settled()


@pytest.mark.parametrize("mode", [EVENT, "embed.deliver_queue()"], ids=["event", "queue"])
def test_the_function_is_down(stage: Stage, mode: str) -> None:
    stage.docs(mode)
    with stage.bench.database.lambda_.down():
        stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
        began = time.monotonic()
        # For ten seconds nobody tries again, and so nobody waits.
        for number in range(2, 22):
            stage.bench.run(f"INSERT INTO app.docs VALUES ({number}, 't', 'b')")
        assert time.monotonic() - began < 2
    assert len(stage.bench.work()) == 21
    assert stage.work({"sweep": True})["rows"] == 21
    assert stage.settled()


def test_the_model_fails(stage: Stage) -> None:
    stage.docs(EVENT)
    stage.model.failing = RefusedError(403, "AccessDeniedException", "no")
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert stage.answer_bells() == 0
    assert stage.bench.value("SELECT circuit_reason IS NOT NULL FROM embed.generation")
    stage.model.failing = None
    stage.bench.run("SELECT embed.resume('docs')")
    assert stage.work({"sweep": True})["rows"] == 1
    assert stage.settled()


def test_what_no_change_of_a_row_has_queued_rings_as_well(stage: Stage) -> None:
    docs = stage.docs(EVENT, rows=5, backfill="'low'")
    assert stage.bells == [{"vectorizer": docs}]
    assert stage.answer_bells() == 5
    for statement in (
        "SELECT embed.alter_vectorizer('docs', chunking => embed.chunk_fixed(100))",
        "SELECT embed.pause('docs'); UPDATE app.docs SET body = 'x' WHERE id = 1; SELECT embed.resume('docs')",
    ):
        stage.forget_bell()
        stage.bench.run(statement)
        assert stage.bells == [{"vectorizer": docs}], statement
        stage.answer_bells()
    stage.forget_bell()
    stage.bench.run("INSERT INTO app.docs VALUES (6, 't', %s)", POISON)
    stage.answer_bells()
    stage.bench.run("SELECT pg_sleep(0.3); SELECT embed.retry_dead('docs')")
    assert stage.bells == [{"vectorizer": docs}]


def test_paused_nobody_is_called(stage: Stage) -> None:
    stage.docs(EVENT)
    stage.bench.run("SELECT embed.pause('docs')")
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert stage.bells == []


@pytest.mark.parametrize(("rows", "tickets"), [(1, 1), (20, 2), (21, 3), (500, 4)])
def test_a_queue_gets_as_many_tickets_as_there_is_work_for(stage: Stage, rows: int, tickets: int) -> None:
    stage.bench.run("SELECT embed.configure(%s, has_queue => true)", ARN)
    docs = stage.docs("embed.deliver_queue(maximum_concurrency => 4)", limits="embed.limits(batch_rows => 10)")
    stage.bench.run("INSERT INTO app.docs SELECT n, 't', 'body ' || n FROM generate_series(1, %s) AS n", rows)
    assert stage.bells == [{"relay": [{"vectorizer": docs, "tickets": tickets}]}]


def test_without_a_queue_the_worker_is_called_itself(stage: Stage) -> None:
    docs = stage.docs("embed.deliver_queue()")
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert stage.bells == [{"vectorizer": docs}]
    assert stage.answer_bells() == 1


def test_every_mode_can_follow_every_other_while_rows_are_written(stage: Stage) -> None:
    """Also from within open transactions: what they wrote before and after the change is embedded."""
    stage.docs("embed.deliver_scheduled()", "embed.to_column('embedding')")
    modes = [EVENT, "embed.deliver_queue()", "embed.deliver_sync_lambda()", "embed.deliver_scheduled()"]
    number = 0
    with stage.bench.session() as open_session:
        for first in modes:
            for second in modes:
                stage.deliver(first)
                open_session.execute("BEGIN")
                number += 2
                open_session.execute(f"INSERT INTO app.docs VALUES ({number}, 't', 'body {number}')")
                stage.deliver(second)
                open_session.execute(f"INSERT INTO app.docs VALUES ({number + 1}, 't', 'body {number + 1}')")
                open_session.execute("COMMIT")
    stage.work({"sweep": True})
    assert set(stage.vectors().values()) == {"right"}
    assert len(stage.vectors()) == 2 * len(modes) ** 2
    assert stage.settled()


def test_strangers_cannot_ring(stage: Stage) -> None:
    stage.docs(EVENT)
    with stage.bench.database.login() as app:
        for call in ("embed.ring(1)", "embed.ring_later(1)", "embed.deliver(1, '{}', '{}', '{}')", "embed.run_job(1)"):
            assert failure(app, f"SELECT {call}")[0] == "42501"


def test_a_table_that_is_locked_delays_no_other(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody alters a table for long: the worker gives back what it has of it, and goes on with the other vectorizers."""
    monkeypatch.setattr("embedder.worker.CALM_SECONDS", 0.001)
    stage.docs("embed.deliver_scheduled()", rows=2, backfill="'now'")
    stage.bench.run(
        "CREATE TABLE app.others (id bigint PRIMARY KEY, body text); INSERT INTO app.others VALUES (1, 'one')"
    )
    others = stage.bench.vectorizer("others", "app.others", embedding=TITAN)
    stage.lock_timeout = "100ms"
    stage.bench.run("INSERT INTO app.docs VALUES (7, 't', 'seven')")
    with stage.bench.session() as user, user.transaction():
        user.execute("LOCK TABLE app.docs IN ACCESS EXCLUSIVE MODE")
        assert stage.work({"sweep": True})["rows"] == 1
        assert stage.bench.value("SELECT count(*) FROM embed.work WHERE vectorizer_id = %s", others) == 0
    assert stage.work({"sweep": True})["rows"] == 3
    assert stage.bench.work() == []
