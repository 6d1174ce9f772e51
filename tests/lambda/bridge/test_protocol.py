"""The envelope: what is repeated, what is refused, and that nothing makes `handle` raise."""

import json

import pytest

import handler

OPERATIONS = [
    "availability_check",
    "delete_vectors",
    "describe_index",
    "get_vectors",
    "list_indexes",
    "list_segments",
    "list_vectors",
    "put_vectors",
    "query_vectors",
    "query_vectors_batch",
    "search_text",
]


def test_an_answer_repeats_operation_and_nonce(event, context):
    answer = handler.handle(event("availability_check", {}), context())
    assert answer == {
        "v": 2,
        "operation": "availability_check",
        "nonce": "n-1",
        "request_id": "5a1c0f3e-0000-4000-8000-000000000001",
        "ok": True,
        "result": {
            "operations": OPERATIONS,
            "indexes": 1,
        },
    }


@pytest.mark.parametrize("version", [0, 1, 3, "2", 2.0, True, None, ...])
def test_another_version_is_refused_by_name(event, context, version):
    answer = handler.handle(event("availability_check", {}, v=version), context())
    assert (answer["ok"], answer["v"], answer["nonce"]) == (False, 2, "n-1")
    assert answer["error"] == {
        "code": "UnsupportedProtocol",
        "message": "this function speaks protocol 2 only; deploy it and the SQL files together",
        "retryable": False,
        "request_id": None,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"operation": ...}, "operation must be a string"),
        ({"operation": 7}, "operation must be a string"),
        ({"nonce": ...}, "nonce must be a string of 1 to 64 characters"),
        ({"nonce": ""}, "nonce must be a string of 1 to 64 characters"),
        ({"nonce": "x" * 65}, "nonce must be a string of 1 to 64 characters"),
        ({"timeout_ms": 0}, "timeout_ms must be an integer from 1 to 900000"),
        ({"timeout_ms": True}, "timeout_ms must be an integer from 1 to 900000"),
        ({"timeout_ms": 1.5}, "timeout_ms must be an integer from 1 to 900000"),
        ({"arguments": []}, "arguments must be an object"),
        ({"arguments": ...}, "arguments must be an object"),
        (
            {"extra": 1, "more": 2},
            "the event has 2 unknown key(s); known are arguments, nonce, operation, timeout_ms, v",
        ),
        (
            {"operation": "drop_index"},
            f"unknown operation; known are {', '.join(OPERATIONS)}",
        ),
    ],
)
def test_a_wrong_envelope_is_an_invalid_request(event, context, changes, message):
    error = handler.handle(event("availability_check", {}, **changes), context())["error"]
    assert (error["code"], error["message"]) == ("InvalidRequest", message)


@pytest.mark.parametrize("given", [None, [], "text", 5, True, float("nan")])
def test_an_event_that_is_no_object_is_refused(context, given):
    answer = handler.handle(given, context())
    assert (answer["ok"], answer["operation"], answer["nonce"]) == (False, None, None)
    assert answer["error"]["message"] == f"the event must be an object, not {type(given).__name__}"


def test_an_unexpected_failure_tells_its_type_and_not_its_text(event, context, monkeypatch, capsys):
    def fail(arguments, session):
        raise RuntimeError("secret vector 0.123")

    monkeypatch.setitem(handler.OPERATIONS, "availability_check", fail)
    answer = handler.handle(event("availability_check", {}), context())
    assert answer["error"] == {
        "code": "UnexpectedError",
        "message": "the function failed unexpectedly (RuntimeError)",
        "retryable": False,
        "request_id": None,
    }
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["error_code"]) == ("ERROR", "UnexpectedError")
    assert "secret" not in json.dumps([answer, line])


def test_without_a_lambda_context_the_caller_s_time_counts(event):
    answer = handler.handle(event("availability_check", {}), None)
    assert (answer["ok"], answer["request_id"]) == (True, "")
