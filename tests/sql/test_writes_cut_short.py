"""s3vl.put_vectors and s3vl.delete_vectors are no transaction: what a rollback, a failure and a cancelled statement leave, and say."""

import json
import threading
import time

import pytest
from psycopg import errors

from tests.sql.cases import failure
from tests.sql.doubles import Answer, refused
from tests.sql.writing import PUT_MANY, SAFE, epoch, failing_at


def test_a_rollback_takes_nothing_back(database, copies, app):
    before = epoch(database)
    with app.transaction(force_rollback=True):
        app.execute(PUT_MANY, (3,))
    assert list(copies.contents("copies")) == ["0001", "0002", "0003"]
    assert epoch(database) != before


def test_a_failure_in_the_middle_says_what_was_written(database, copies, app):
    before = epoch(database)
    failing_at(copies, "PutVectors", 2, refused("AccessDeniedException", "no longer", 403))
    state, message, detail, hint = failure(app, PUT_MANY, 1200)
    assert (state, message) == ("42501", "s3vl.put_vectors: AccessDeniedException: no longer")
    assert detail.startswith("500 of 1200 vectors were written: the first 500 of vector_ids, from '0001' to '0500'.")
    assert detail.endswith("Request id of the service: s3-request-1. Request id of the function: lambda-request-1.")
    assert hint.startswith(SAFE)
    assert len(copies.contents("copies")) == 500
    assert epoch(database) != before
    copies.before = None
    assert app.execute(PUT_MANY, (1200,)).fetchone() == (1200,)
    assert len(copies.contents("copies")) == 1200


def test_a_failure_in_a_later_request_counts_what_came_before(database, copies, app):
    failing_at(copies, "PutVectors", 10, refused("TooManyRequestsException", "slow down", 429))
    state, message, detail, _ = failure(app, PUT_MANY, 5000)
    assert (state, message) == ("53400", "s3vl.put_vectors: TooManyRequestsException: slow down")
    assert detail.startswith("4500 of 5000 vectors were written: the first 4500 of vector_ids, from '0001' to '4500'.")
    assert len(database.lambda_.events) == 2


def test_refused_before_the_first_vector_nothing_was_written(copies, app):
    failing_at(copies, "PutVectors", 1, refused("AccessDeniedException", "never", 403))
    state, message, detail, hint = failure(app, PUT_MANY, 3)
    assert (state, message) == ("42501", "s3vl.put_vectors: AccessDeniedException: never")
    assert "written" not in detail
    assert SAFE not in hint


def test_an_answer_that_was_lost_may_have_been_written(database, copies, app):
    """aws_lambda gave up waiting, the function did not: the same call again is safe, and says so."""

    def carried_out_and_lost(event):
        database.lambda_.honest(event)

    with database.lambda_.behaving(carried_out_and_lost):
        state, _, detail, hint = failure(app, PUT_MANY, 3)
    assert state == "08006"
    assert detail.startswith("None of 3 vectors is known to be written.")
    assert hint.startswith(SAFE)
    assert len(copies.contents("copies")) == 3


def test_out_of_time_after_some_it_goes_on(database, copies, app):
    """The function answers what it has done before its time ends; the rest is asked for again."""

    def half(event):
        asked = json.loads(event)
        vectors = asked["arguments"]["vectors"]
        asked["arguments"]["vectors"] = vectors[: (len(vectors) + 1) // 2]
        answer = json.loads(database.lambda_.honest(json.dumps(asked).encode()).body)
        if len(vectors) > 1:
            answer["result"]["error"] = {
                "code": "DeadlineExceeded",
                "message": "late",
                "retryable": True,
                "request_id": None,
            }
        return Answer(json.dumps(answer).encode())

    with database.lambda_.behaving(half):
        assert app.execute(PUT_MANY, (10,)).fetchone() == (10,)
    assert [len(json.loads(event)["arguments"]["vectors"]) for event in database.lambda_.events] == [10, 5, 2, 1]
    assert len(copies.contents("copies")) == 10


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"written": 2},
        {"written": 4, "error": None},
        {"written": -1, "error": {"code": "X", "message": "x"}},
        {"written": 3, "error": {"code": "X", "message": "x"}},
        {"written": "all", "error": None},
        {"deleted": None, "error": None},
    ],
)
def test_an_answer_that_does_not_say_what_was_done_is_an_error(database, copies, app, result):
    def foreign(event):
        asked = json.loads(event)
        envelope = {key: asked[key] for key in ("v", "operation", "nonce")}
        return Answer(json.dumps(envelope | {"request_id": "r", "ok": True, "result": result}).encode())

    with database.lambda_.behaving(foreign):
        state, message, _, hint = failure(app, PUT_MANY, 3)
    assert state == "S3V01"
    assert message == "s3vl.put_vectors: the answer is not the bridge function's: it does not say how many it has done"
    assert hint.startswith(SAFE)


def test_a_cancelled_write_ends_at_once_and_moves_the_epoch(database, copies, app):
    before = epoch(database)
    waiting = threading.Event()

    def slow(event):
        waiting.wait(5)
        return database.lambda_.honest(event)

    app.execute("SET statement_timeout = '200ms'")
    started = time.monotonic()
    with database.lambda_.behaving(slow), pytest.raises(errors.QueryCanceled):
        app.execute(PUT_MANY, (3,))
    assert time.monotonic() - started < 0.7
    cancelled = epoch(database)
    waiting.set()
    database.lambda_.settle()
    assert cancelled != before


def test_delete_says_how_far_it_came(copies, app):
    app.execute(PUT_MANY, (1100,))
    failing_at(copies, "DeleteVectors", 2, refused("InternalServerException", "oh", 500))
    keys = "ARRAY(SELECT lpad(n::text, 4, '0') FROM generate_series(1, 1100) n)"
    state, message, detail, hint = failure(app, f"SELECT s3vl.delete_vectors({keys}, 'copies')")
    assert (state, message) == ("58000", "s3vl.delete_vectors: InternalServerException: oh")
    assert detail.startswith("500 of 1100 vectors were deleted: the first 500 of vector_ids, from '0001' to '0500'.")
    assert hint.startswith(SAFE)
