"""Lambda down, slow, or answering what it should not: always an error with an SQLSTATE, never an empty result."""

import contextlib
import json
import threading
import time

import psycopg
import pytest

import limits
from tests.sql.cases import MORE_READS, READS, failure, reads
from tests.sql.doubles import FUNCTION_ARN, Answer


def says(body, **options):
    return lambda event: Answer(body, **options)


@pytest.mark.parametrize(
    ("behaviour", "state", "message"),
    [
        (lambda event: None, "08006", "the database could not call the function"),
        (says(b"", status=500), "08006", "the database could not call the function"),
        (says(b"<html>Bad gateway</html>", status=502), "08006", "the database could not call the function"),
        (
            says(
                b'{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}', status=429
            ),
            "53400",
            "Lambda refuses more calls of the function for now",
        ),
        (
            says(
                b'{"Message":"User: arn:aws:sts::123456789012:assumed-role/x is not authorized to perform: lambda:InvokeFunction"}',
                status=403,
            ),
            "42501",
            "the database may not call the function",
        ),
        (
            says(
                b'{"Type":"User","Message":"Function not found: arn:aws:lambda:us-east-1:123456789012:function:x"}',
                status=404,
            ),
            "42704",
            "there is no such function",
        ),
        (
            says(
                b'{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}', status=413
            ),
            "54000",
            "the request is larger than Lambda carries",
        ),
        (
            says(
                b'{"errorMessage":"2026-11-21T10:00:00Z x Task timed out after 20.00 seconds"}',
                function_error="Unhandled",
            ),
            "58000",
            "the function ran out of time",
        ),
        (
            says(
                b'{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size"}',
                function_error="Unhandled",
            ),
            "54000",
            "the answer is larger than Lambda carries",
        ),
        (
            says(
                b'{"errorType":"Runtime.ImportModuleError","errorMessage":"No module named handler"}',
                function_error="Unhandled",
            ),
            "58000",
            "the function failed",
        ),
    ],
    ids=["hangs up", "500", "502", "429", "403", "404", "413", "timed out", "too large", "import"],
)
def test_lambda_s_failures(database, app, behaviour, state, message):
    for read in MORE_READS:
        with database.lambda_.behaving(behaviour):
            found, said, detail, hint = failure(app, read)
        assert (found, said.split(": ", 1)[1]) == (state, message)
        assert detail
        assert len(hint) > 20
        assert "arn:" not in said + detail + hint


@contextlib.contextmanager
def sleeping(database):
    """The function does not answer before this is over."""
    over = threading.Event()

    def asleep(event):
        over.wait(20)

    with database.lambda_.behaving(asleep):
        try:
            yield
        finally:
            over.set()


def test_a_slow_function_is_an_error_in_time(database, app):
    for read in MORE_READS:
        app.execute("SET aws_lambda.request_timeout_ms = 100")
        started = time.monotonic()
        with sleeping(database):
            found, said, _, hint = failure(app, read)
        assert time.monotonic() - started < 0.6
        assert (found, said.split(": ", 1)[1]) == ("08006", "the function did not answer in time")
        assert "aws_lambda.request_timeout_ms" in hint


WAITING = {
    **dict(zip((read.partition("s3vl.")[2].partition("(")[0] for read in MORE_READS), MORE_READS, strict=True)),
    "search_join": "SELECT * FROM s3vl.search_join('[1,2,3,4,5]', 'demo-index', 'SELECT unnest($1)')",
    "put_vectors": "SELECT s3vl.put_vectors(ARRAY['k'], ARRAY['[1,2,3]']::vector[], NULL, 'empty')",
    "delete_vectors": "SELECT s3vl.delete_vectors(ARRAY['k'], 'empty')",
    "validate_config": "SELECT * FROM s3vl.validate_config()",
    "get_config": "SELECT * FROM s3vl.get_config()",
}


@pytest.mark.parametrize("statement", WAITING.values(), ids=WAITING)
def test_a_cancelled_statement_ends_at_once(database, app, statement):
    """By its timeout, and by pg_cancel_backend, which is what a client's cancel is."""
    with sleeping(database):
        app.execute("SET statement_timeout = '100ms'")
        started = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled):
            app.execute(statement)
        assert time.monotonic() - started < 0.6
        app.execute("SET statement_timeout = 0")
        cancelled = []

        def cancel():
            cancelled.append(time.monotonic())
            app.cancel_safe()

        timer = threading.Timer(0.1, cancel)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            app.execute(statement)
        assert time.monotonic() - cancelled[0] < 0.5
    assert app.execute("SELECT 1").fetchone() == (1,)


@reads
def test_nobody_answers(database, app, read):
    app.execute(read)
    with database.lambda_.down():
        found, said, detail, hint = failure(app, read)
    assert (found, said.split(": ", 1)[1]) == ("08006", "the database could not call the function")
    assert detail == "AWS Lambda client returned 'Unable to connect to endpoint'."
    assert "interface endpoint" in hint
    assert app.execute(read).fetchall()


def honest_but(database, change):
    """The function's own answer with a change."""

    def behaviour(event):
        answer = json.loads(database.lambda_.honest(event).body)
        change(answer)
        return Answer(json.dumps(answer).encode())

    return behaviour


NONSENSE = {
    "empty body": b"",
    "null": b"null",
    "a number": b"5",
    "a string": b'"ok"',
    "a list": b"[]",
    "empty object": b"{}",
    "the sample's placeholder": b'{"statusCode": 200, "body": "\\"Hello from Lambda!\\""}',
    "the sample's success": b'{"success": true, "result": [], "execution_time_ms": 1, "request_id": "x"}',
    "the sample's failure": b'{"success": false, "error": {"message": "x", "type": "y"}}',
    "half a JSON": b'{"v": 2, "operation": "query_vectors", "result": {"vectors": [',
    "no JSON": b"<html>",
    "not UTF-8": b'{"v": 2, "x": "\xff"}',
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
def test_an_answer_of_something_else(database, app, body):
    """Defect 4 of the sample: no rows and no error."""
    for read in MORE_READS:
        with database.lambda_.behaving(says(body)):
            found, message, _, hint = failure(app, read)
        # The client inside the database, too, refuses what is empty or no text.
        assert found == "S3V01" or (found == "08006" and body in {NONSENSE["empty body"], NONSENSE["not UTF-8"]})
        if found == "S3V01":
            assert ": the answer is not the bridge function's: " in message
            assert "s3vl.configure" in hint


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda answer: answer.pop("v"), "S3V01"),
        (lambda answer: answer.update(v=0), "S3V02"),
        (lambda answer: answer.update(v=1), "S3V02"),
        (lambda answer: answer.update(v=3), "S3V02"),
        (lambda answer: answer.update(v="1"), "S3V02"),
        (lambda answer: answer.pop("operation"), "S3V01"),
        (lambda answer: answer.update(operation="availability_check"), "S3V01"),
        (lambda answer: answer.pop("nonce"), "S3V01"),
        (lambda answer: answer.update(nonce="another"), "S3V01"),
        (lambda answer: answer.pop("ok"), "S3V01"),
        (lambda answer: answer.update(ok="true"), "S3V01"),
        (lambda answer: answer.update(ok=1), "S3V01"),
        (lambda answer: answer.update(ok=None), "S3V01"),
        (lambda answer: answer.pop("result"), "S3V01"),
        (lambda answer: answer.update(result=[]), "S3V01"),
        (lambda answer: answer.update(result={}), "S3V01"),
        (lambda answer: answer.update(ok=False), "S3V01"),
        (lambda answer: answer.update(ok=False, error="x"), "S3V01"),
        (lambda answer: answer.update(ok=False, error={}), "S3V01"),
        (lambda answer: answer.update(ok=False, error={"code": "X", "message": None}), "S3V01"),
        (lambda answer: answer["result"].pop("vectors"), "S3V01"),
        (lambda answer: answer["result"].update(vectors=None), "S3V01"),
        (lambda answer: answer["result"].update(vectors={}), "S3V01"),
        (lambda answer: answer["result"].update(vectors="[]"), "S3V01"),
        (lambda answer: answer["result"].update(vectors=[1]), "S3V01"),
        (lambda answer: answer["result"].update(vectors=[{}]), "S3V01"),
        (lambda answer: answer["result"].update(vectors=[{"key": None, "distance": 1.0}]), "S3V01"),
        (lambda answer: answer["result"]["vectors"][0].pop("key"), "S3V01"),
        (lambda answer: answer["result"]["vectors"][0].update(key=""), "S3V01"),
        (lambda answer: answer["result"]["vectors"][0].update(metadata="text"), "S3V01"),
        (lambda answer: answer["result"]["vectors"][0].update(metadata=[1]), "S3V01"),
    ],
)
def test_an_answer_that_is_nearly_right(database, app, change, state):
    for read in READS:
        with database.lambda_.behaving(honest_but(database, change)):
            found, message, _, _ = failure(app, read)
        assert found == state
        assert "the answer is not the bridge function's" in message


@pytest.mark.parametrize(
    "change",
    [
        lambda result: result.pop("metric"),
        lambda result: result.update(next_token="t", vectors=[]),
        lambda result: result.update(vectors=result["vectors"] * 2),
        lambda result: result["vectors"][0].pop("distance"),
        lambda result: result["vectors"][0].update(distance="near"),
        lambda result: result["vectors"][0].update(distance=None),
        lambda result: result["vectors"][0].update(distance="NaN"),
    ],
)
def test_a_query_s_answer_that_is_nearly_right(database, app, change):
    with database.lambda_.behaving(honest_but(database, lambda answer: change(answer["result"]))):
        assert failure(app, READS[0])[0] == "S3V01"


@pytest.mark.parametrize(
    "change",
    [
        lambda result: result.pop("taken"),
        lambda result: result.update(taken=0),
        lambda result: result.update(taken=2),
        lambda result: result.update(taken=None),
        lambda result: result.update(taken="all"),
        lambda result: result.update(vectors=result["vectors"] * 2),
        lambda result: result["vectors"][0].pop("data"),
        lambda result: result["vectors"][0].update(data=[]),
        lambda result: result["vectors"][0].update(data=[1.0, None]),
        lambda result: result["vectors"][0].update(data=[[1.0]]),
        lambda result: result["vectors"][0].update(data=["x"]),
        lambda result: result["vectors"][0].update(data={"float32": [1.0]}),
        lambda result: result["vectors"][0].update(data=1.0),
    ],
)
def test_a_get_s_answer_that_is_nearly_right(database, app, change):
    with database.lambda_.behaving(honest_but(database, lambda answer: change(answer["result"]))):
        assert failure(app, READS[1])[0] == "S3V01"


def test_a_list_s_answer_that_is_nearly_right(database, app):
    change = honest_but(database, lambda answer: answer["result"].update(vectors=answer["result"]["vectors"] * 100))
    with database.lambda_.behaving(change):
        assert failure(app, READS[2])[0] == "S3V01"


@pytest.mark.parametrize(
    ("state", "message", "expected"),
    [
        ("3F000", 'schema "aws_lambda" does not exist', ("55000", "x: aws_lambda is not installed")),
        ("42883", "function aws_lambda.invoke(text, json) does not exist", ("55000", "x: aws_lambda is not installed")),
        ("XX000", "unheard of: arn:aws:lambda:x", ("XX000", "x: unheard of: arn:aws:lambda:x")),
    ],
)
def test_what_else_aws_lambda_may_raise(database, state, message, expected):
    with database.login("operator") as operator:
        found = failure(operator, "SELECT s3vl.raise_invocation('x', %s, %s, '')", state, message)
    assert found[:3] == (*expected, message)


def test_without_the_right_to_call_lambda(database, app):
    with database.login("vectordb_admin") as master:
        master.execute("REVOKE USAGE ON SCHEMA aws_lambda FROM vectordb_owner")
        try:
            found, message, _, hint = failure(app, READS[0])
        finally:
            master.execute("GRANT USAGE ON SCHEMA aws_lambda TO vectordb_owner")
    assert (found, message) == ("42501", "s3vl.query_vectors: the bridge has lost its right to call aws_lambda")
    assert "GRANT USAGE ON SCHEMA aws_lambda TO vectordb_owner" in hint


def test_an_answer_to_an_earlier_request_is_refused(database, app):
    """A proxy or a cache that repeats itself."""
    first = app.execute(READS[0]).fetchall()
    assert len(first) == 10
    stale = database.lambda_.honest(database.lambda_.events[-1])
    with database.lambda_.behaving(lambda event: stale):
        found, message, _, _ = failure(app, READS[0])
    assert (found, message.rpartition(": ")[2]) == ("S3V01", "it answers another request")


def test_a_later_failure_gives_no_rows_at_all(database, app, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 8_000)  # so that there is a second answer
    answers = iter([database.lambda_.honest, says(b"", status=500)])

    def changeable(event):
        return next(answers)(event)

    with database.lambda_.behaving(changeable):
        found, _, _, _ = failure(app, "SELECT * FROM s3vl.query_vectors('[0,0]', 'many', top_k => 300)")
    assert found == "08006"


def test_the_session_goes_on_after_an_error(database, app):
    with app.transaction(force_rollback=True):
        app.execute("CREATE TEMP TABLE kept (n int)")
        with pytest.raises(psycopg.Error), app.transaction(), database.lambda_.behaving(says(b"")):
            app.execute(READS[0])
        app.execute("INSERT INTO kept VALUES (1)")
        assert len(app.execute(READS[0]).fetchall()) == 10


def test_the_function_is_told_how_long_to_wait(database, app):
    """Defect 12 of the sample: timeout_seconds was stored and never read."""
    assert database.lambda_.functions == []
    app.execute(READS[0])
    assert database.lambda_.functions == [FUNCTION_ARN]
    app.execute("SET aws_lambda.request_timeout_ms = 2000")
    app.execute(READS[0])
    app.execute("SET aws_lambda.request_timeout_ms = 600")
    app.execute(READS[0])
    app.execute("SET aws_lambda.request_timeout_ms = 900000")
    app.execute(READS[0])
    assert [json.loads(event)["timeout_ms"] for event in database.lambda_.events] == [9500, 1500, 300, 30000]
