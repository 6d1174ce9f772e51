"""Delivery sync_lambda: one call of the worker for each statement, within its transaction."""

import json

import psycopg
import pytest

from tests.embed.model import POISON, RefusedError
from tests.sql.cases import failure
from tests.sql.doubles import Answer
from tests.sql.embed_delivery import ARN, TITAN, Stage

ABORT = "embed.deliver_sync_lambda(on_failure => 'abort')"
ENQUEUE = "embed.deliver_sync_lambda()"
TABLE, COLUMN = "embed.to_table()", "embed.to_column('embedding')"
destinations = pytest.mark.parametrize("destination", [TABLE, COLUMN], ids=["table", "column"])


@destinations
def test_rows_are_embedded_when_their_statement_ends(stage: Stage, destination: str) -> None:
    stage.docs(ABORT, destination)
    stage.bench.run("INSERT INTO app.docs SELECT n, 't', 'body ' || n FROM generate_series(1, 5) AS n")
    assert [len(call["embed"]) for call in stage.asked] == [5]
    assert {call["purpose"] for call in stage.asked} == {"document"}
    assert stage.vectors() == dict.fromkeys(range(1, 6), "right")
    stage.bench.run("UPDATE app.docs SET body = 'other ' || id WHERE id < 3")
    assert [one["key"] for one in stage.asked[1]["embed"]] == ["[1]", "[2]"]
    assert stage.vectors() == dict.fromkeys(range(1, 6), "right")
    stage.bench.run("UPDATE app.docs SET views = 1, title = 'x'")
    stage.bench.run("UPDATE app.docs SET body = ' ' WHERE id = 5")
    stage.bench.run("DELETE FROM app.docs WHERE id = 1")
    assert len(stage.asked) == 2
    assert stage.vectors() == {2: "right", 3: "right", 4: "right", 5: "none"}
    assert stage.settled()
    assert stage.bells == []


@destinations
def test_an_upsert_and_a_new_key(stage: Stage, destination: str) -> None:
    stage.docs(ABORT, destination)
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    stage.bench.run(
        "INSERT INTO app.docs VALUES (1, 't', 'uno'), (2, 't', 'due')"
        " ON CONFLICT (id) DO UPDATE SET body = excluded.body"
    )
    stage.bench.run("UPDATE app.docs SET id = 9 WHERE id = 2")
    assert stage.vectors() == {1: "right", 9: "right"}
    assert stage.settled()


def test_abort_lets_the_statement_fail_and_enqueue_does_not(stage: Stage) -> None:
    stage.docs(ABORT)
    stage.model.failing = RefusedError(403, "AccessDeniedException", "not authorized")
    told = failure(stage.bench.owner, "INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert told == (
        "EMB01",
        "the vectorizer docs could not embed what was written: AccessDeniedException: not authorized",
        "class configuration",
        (
            "To let it be written and embed it later: SELECT embed.alter_vectorizer('docs', delivery => "
            "embed.deliver_sync_lambda(on_failure => 'enqueue'));"
        ),
    )
    assert stage.bench.value("SELECT count(*) FROM app.docs") == 0
    assert stage.bench.work() == []
    stage.deliver(ENQUEUE)
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert stage.bench.work() == [(1, "[1]", "u")]
    assert len(stage.bells) == 1
    stage.model.failing = None
    assert stage.answer_bells() == 1
    assert stage.vectors() == {1: "right"}
    assert stage.settled()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b'{"errorMessage": "boom"}', 200, "Unhandled"),
        Answer(b"null"),
        Answer(b"[]"),
        Answer(b'{"ok": true}'),
        Answer(b'{"ok": true, "results": []}'),
        Answer(b'{"ok": true, "results": [{"key": "[1]", "chunks": []}]}'),
        Answer(
            b'{"ok": true, "results": [{"key": "[1]", "chunks": [{"hash": "00", "text": "x", "embedding": null}]}]}'
        ),
        Answer(
            b'{"ok": true, "results": [{"key": "[1]", "chunks": [{"hash": "00", "text": "x", "embedding": "[1,2]"}]}]}'
        ),
        Answer(b"", 429),
    ],
    ids=["error", "null", "array", "nothing", "empty", "no-chunks", "no-vector", "dimension", "throttled"],
)
def test_an_answer_that_is_none(stage: Stage, answer: Answer) -> None:
    stage.docs(ABORT)
    stage.refusal = answer
    assert failure(stage.bench.owner, "INSERT INTO app.docs VALUES (1, 't', 'one')")[0] == "EMB01"
    stage.deliver(ENQUEUE)
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert stage.bench.work() == [(1, "[1]", "u")]
    assert stage.vectors() == {1: "none"}


def test_the_function_is_down(stage: Stage) -> None:
    stage.docs(ABORT)
    with stage.bench.database.lambda_.down():
        assert failure(stage.bench.owner, "INSERT INTO app.docs VALUES (1, 't', 'one')")[0] == "EMB01"
        stage.deliver(ENQUEUE)
        stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    assert stage.bench.work() == [(1, "[1]", "u")]
    assert stage.work({"sweep": True})["rows"] == 1
    assert stage.settled()


def test_a_poisoned_row_is_left_to_the_worker_and_delays_nobody(stage: Stage) -> None:
    stage.docs(ENQUEUE)
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one'), (2, 't', %s), (3, 't', 'three')", POISON)
    assert stage.vectors() == {1: "right", 2: "none", 3: "right"}
    assert stage.bench.work() == [(1, "[2]", "u")]
    stage.answer_bells()
    assert stage.bench.run("SELECT key, class FROM embed.dead") == [("[2]", "poison")]
    stage.bench.run("UPDATE app.docs SET body = 'two' WHERE id = 2")
    assert stage.bench.run("SELECT count(*) FROM embed.dead") == [(0,)]
    assert stage.settled()
    stage.deliver(ABORT)
    told = failure(stage.bench.owner, f"UPDATE app.docs SET body = '{POISON} secret'")
    assert told[1].startswith("the vectorizer docs could not embed what was written: 3 of 3 rows were refused: ")
    assert "secret" not in str(told)


def test_rolled_back(stage: Stage) -> None:
    stage.docs(ENQUEUE)
    with stage.bench.owner.transaction(force_rollback=True):
        stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
        assert stage.vectors() == {1: "right"}
    stage.bench.run("BEGIN; SAVEPOINT a; INSERT INTO app.docs VALUES (2, 't', 'two'); ROLLBACK TO a; COMMIT")
    assert stage.bench.value("SELECT count(*) FROM embeddings.docs") == 0
    assert stage.settled()


def test_more_rows_than_the_limit_are_queued_and_a_bell_rings_once(stage: Stage) -> None:
    stage.docs("embed.deliver_sync_lambda('abort', row_limit => 10)")
    stage.bench.run("INSERT INTO app.docs SELECT n, 't', 'body ' || n FROM generate_series(1, 11) AS n")
    assert stage.asked == []
    assert len(stage.bench.work()) == 11
    assert len(stage.bells) == 1
    assert stage.answer_bells() == 11
    assert stage.settled()


def test_requests_are_divided_below_six_megabytes(stage: Stage) -> None:
    stage.docs(ABORT, chunking="embed.chunk_recursive(20000)", limits="embed.limits(requests_per_minute => 60000)")
    stage.bench.run(
        "INSERT INTO app.docs SELECT n, 't', repeat('word ' || n || ' ', 50000) FROM generate_series(1, 12) AS n"
    )
    sizes = [len(json.dumps(call)) for call in stage.asked]
    assert len(sizes) > 1
    assert sum(len(call["embed"]) for call in stage.asked) == 12
    assert max(sizes) < 6_291_556
    assert stage.bench.value("SELECT count(DISTINCT id) FROM embeddings.docs") == 12
    assert stage.settled()


def test_a_worker_that_holds_the_row_is_too_late(stage: Stage) -> None:
    docs = stage.docs("embed.deliver_scheduled()")
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    claim = stage.bench.worker.read(stage.bench.worker.claim(docs))
    stage.deliver(ABORT)
    stage.bench.run("UPDATE app.docs SET body = 'uno'")
    items = stage.bench.worker.items(claim, 256)
    assert stage.bench.worker.finish(claim, items) == {"[1]": "changed"}
    assert stage.vectors() == {1: "right"}
    assert stage.settled()


def test_nobody_waits_for_the_limiter_of_an_open_transaction(stage: Stage) -> None:
    stage.docs(ABORT)
    other = stage.bench.session()
    with other, stage.bench.owner.transaction():
        stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
        other.execute("SET lock_timeout = '1s'")
        other.execute("INSERT INTO app.docs VALUES (2, 't', 'two')")
        stage.bench.worker.rows("SET lock_timeout = '1s'")
        answers = stage.bench.worker.rows(
            "SELECT granted FROM embed.permits(%s, 1)", "bedrock/amazon.titan-embed-text-v2:0"
        )
        assert len(answers) == 1
    assert stage.settled()


def test_what_the_limiter_has_not_is_enqueued(stage: Stage) -> None:
    stage.docs(ENQUEUE, limits="embed.limits(requests_per_minute => 1)")
    stage.bench.run("INSERT INTO app.docs SELECT n, 't', 'body ' || n FROM generate_series(1, 9) AS n")
    stage.bench.run("INSERT INTO app.docs VALUES (10, 't', 'ten')")
    assert len(stage.asked) == 1
    assert stage.bench.work() == [(1, "[10]", "u")]
    # A permit that is asked for now is behind those of the users.
    (answer,) = stage.bench.worker.rows(
        "SELECT granted FROM embed.permits(%s, 1)", "bedrock/amazon.titan-embed-text-v2:0"
    )
    assert answer == {"granted": 0}


def test_paused_and_with_an_open_circuit_nothing_is_asked(stage: Stage) -> None:
    stage.docs(ENQUEUE)
    stage.bench.run("SELECT embed.pause('docs')")
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
    stage.bench.run("SELECT embed.resume('docs')")
    stage.bench.run(
        "UPDATE embed.generation SET circuit_reason = 'no access', circuit_until = clock_timestamp() + interval '1 hour'"
    )
    stage.bench.run("INSERT INTO app.docs VALUES (2, 't', 'two')")
    assert stage.asked == []
    assert [key for _, key, _ in stage.bench.work()] == ["[1]", "[2]"]
    stage.deliver(ABORT)
    assert failure(stage.bench.owner, "INSERT INTO app.docs VALUES (3, 't', 'three')")[:3] == (
        "EMB01",
        "the vectorizer docs could not embed what was written: no access",
        "class configuration",
    )


def test_without_a_function_it_is_refused(stage: Stage) -> None:
    stage.bench.run("SELECT embed.configure(NULL)")
    stage.bench.docs()
    told = failure(
        stage.bench.owner,
        f"SELECT embed.create_vectorizer('docs', 'app.docs', 'body', embedding => {TITAN}, delivery => {ABORT})",
    )
    assert told[:2] == (
        "55000",
        "embed.create_vectorizer: sync_lambda needs the worker function, and none is configured",
    )
    assert failure(stage.bench.owner, "SELECT embed.configure('nonsense')")[0] == "22023"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), stage.bench.database.login() as app:
        app.execute("SELECT embed.configure(%s)", [ARN])


def test_a_question_in_words(stage: Stage) -> None:
    stage.docs(ENQUEUE)
    stage.bench.run("INSERT INTO app.docs VALUES (1, 't', 'alpha'), (2, 't', 'beta')")
    stage.bench.run("GRANT USAGE ON SCHEMA app TO vectordb_app; GRANT SELECT ON app.docs TO vectordb_app")
    stage.bench.run("SELECT embed.refresh('docs')")
    with stage.bench.database.login() as app:
        rows = app.execute(
            "SELECT key, chunk, round(distance::numeric, 4) FROM embed.search_text('docs', 'beta', 1)"
        ).fetchall()
    assert rows == [([2], "beta", 0)]
    assert stage.asked[-1]["purpose"] == "query"
    stage.model.failing = RefusedError(500, "InternalServerException")
    assert failure(stage.bench.owner, "SELECT * FROM embed.search_text('docs', 'beta')")[0] == "EMB01"
    assert failure(stage.bench.owner, "SELECT * FROM embed.search_text('docs', ' ')")[0] == "22023"
