"""The one line that a request leaves: the work, its cost, the metrics; never data."""

import itertools
import json
import re

import pytest

import handler
import metrics
import service
from protocol import BridgeError
from tests.bridge_support import arguments, refused


@pytest.fixture
def work(monkeypatch, index):
    """An operation that asks the service twice and finds one vector."""

    def operation(arguments, session):
        session.hit()
        for _ in range(2):
            session.call(index, "QueryVectors", json.dumps(arguments).encode())
        return {"vectors": [{"key": "secret-key", "metadata": {"m": "secret"}}]}

    monkeypatch.setitem(handler.OPERATIONS, "query_vectors", operation)


@pytest.fixture
def line(event, context, capsys, arn):
    def line(operation="query_vectors", **arguments):
        given = {"index_arn": arn, "query_vector": "secret", "metadata_filter": {"f": "secret"}} | arguments
        handler.handle(event(operation, given), context())
        text = capsys.readouterr().out
        assert text.count("\n") == 1
        assert "secret" not in text
        assert "123456789012" not in text
        return json.loads(text)

    return line


def test_the_line_tells_the_work_and_not_the_data(work, wire, line):
    wire.reply("QueryVectors", b"{}")
    wire.refuse("QueryVectors", "ServiceUnavailableException", status=503)
    wire.reply("QueryVectors", b"{}")
    found = line()
    assert found.pop("milliseconds") >= found.pop("service_milliseconds") >= 0
    # RFC 3339: by which Lambda takes the line's own level.
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("timestamp"))
    assert found == {
        "level": "INFO",
        "message": "answered",
        "request_id": "5a1c0f3e-0000-4000-8000-000000000001",
        "operation": "query_vectors",
        "index": "stdlib",
        "vectors": 1,
        "service_calls": 2,
        "pages": 2,
        "retries": 1,
        "cache_hits": 1,
        "error_code": None,
        "service_request_id": None,
    }


def test_on_lambda_the_line_carries_metrics(work, wire, line, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "vectordb-dev-bridge")
    wire.reply("QueryVectors", b"{}")
    wire.reply("QueryVectors", b"{}")
    found = line()
    assert found["_aws"].pop("Timestamp") > 1_700_000_000_000
    written = {
        "Calls": 1,
        "ServiceCalls": 2,
        "ServiceMilliseconds": found["service_milliseconds"],
        "Pages": 2,
        "CacheHits": 1,
    }
    units = {"ServiceMilliseconds": "Milliseconds"}
    assert found["_aws"] == {
        "CloudWatchMetrics": [
            {
                "Namespace": "VectorDB/Bridge",
                "Dimensions": [["FunctionName"]],
                "Metrics": [{"Name": name, "Unit": units.get(name, "Count")} for name in written],
            }
        ]
    }
    assert {name: found[name] for name in found if name[0].isupper()} == written | {
        "FunctionName": "vectordb-dev-bridge"
    }


def test_an_error_is_counted_and_named_without_its_text(work, wire, line, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "bridge")
    wire.refuse("QueryVectors", "ValidationException", "Invalid record for key 'secret'", request_id="service-2")
    found = line()
    assert (found["level"], found["message"]) == ("WARN", "refused")
    assert (found["error_code"], found["service_request_id"]) == ("ValidationException", "service-2")
    assert (found["Calls"], found["Errors"], found["ServiceCalls"]) == (1, 1, 1)
    assert "Retries" not in found


def test_a_request_that_came_to_nothing_is_counted_too(line, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "bridge")
    found = line("no such operation")
    assert (found["Calls"], found["Errors"], found["ServiceCalls"], found["error_code"]) == (1, 1, 0, "InvalidRequest")


def test_elsewhere_there_are_no_metrics():
    assert metrics.members(None, failed=True) == {}


@pytest.mark.parametrize(
    ("result", "count"),
    [
        ({"vectors": [1, 2]}, 2),
        ({"results": [[1, 2], [], [3]], "taken": 3}, 3),
        ({"indexes": [1]}, 1),
        ({"indexes": 4, "operations": []}, None),
        ({"written": 7, "error": None}, 7),
        ({"deleted": 0, "error": None}, 0),
        ({"dimension": 3}, None),
    ],
)
def test_how_many_vectors_there_were(line, monkeypatch, result, count):
    monkeypatch.setitem(handler.OPERATIONS, "query_vectors", lambda arguments, session: result)
    assert line()["vectors"] == count


@pytest.mark.parametrize("failing", [0, 1])
def test_a_write_that_the_service_ends_is_an_error(call, emulated, capsys, monkeypatch, failing):
    """Although its answer is none: it tells how far the write came."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "bridge")
    turns = itertools.count()
    emulated.instead["DeleteVectors"] = lambda _: (
        refused("AccessDeniedException", "no", 403) if next(turns) == failing else None
    )
    assert call("delete_vectors", arguments("delete_vectors", keys=[f"k{n}" for n in range(600)]))["error"]
    found = json.loads(capsys.readouterr().out)
    assert (found["level"], found["message"], found["error_code"]) == ("WARN", "cut short", "AccessDeniedException")
    assert (found["service_request_id"], found["vectors"], found["Errors"]) == ("service-1", failing * 500, 1)


def test_a_write_that_goes_on_in_another_request_is_none(call, emulated, capsys, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(service.time, "monotonic", lambda: next(clock) * 0.1)
    given = arguments("delete_vectors", keys=[f"k{n}" for n in range(5000)])
    assert call("delete_vectors", given, timeout_ms=2500)["error"]["code"] == "DeadlineExceeded"
    found = json.loads(capsys.readouterr().out)
    assert (found["level"], found["message"], found["error_code"]) == ("INFO", "answered", None)


def test_an_unexpected_failure_is_an_error_by_its_type(line, monkeypatch):
    def fail(arguments, session):
        raise RuntimeError("secret")

    monkeypatch.setitem(handler.OPERATIONS, "query_vectors", fail)
    found = line()
    assert (found["level"], found["error_code"]) == ("ERROR", "UnexpectedError")


def test_an_index_that_is_not_allowed_is_named_all_the_same(line, monkeypatch):
    def refuse(arguments, session):
        raise BridgeError("IndexNotAllowed", "no")

    monkeypatch.setitem(handler.OPERATIONS, "query_vectors", refuse)
    found = line(index_arn="arn:aws:s3vectors:us-east-1:123456789012:bucket/other/index/private")
    assert (found["index"], found["error_code"]) == ("private", "IndexNotAllowed")
    assert line(index_arn="secret")["index"] is None
