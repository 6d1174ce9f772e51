"""put_vectors and delete_vectors: checked first, written in chunks, and what is written when one fails."""

import itertools
import json

import pytest

import describe
import service
import writes
from tests.bridge_support import ARN, arguments, packed, record, refused, vectors

INVOCATION = "5a1c0f3e-0000-4000-8000-000000000001"


def put(call, records, **changes):
    return call("put_vectors", arguments("put_vectors", vectors=records, **changes))


def delete(call, keys, **changes):
    return call("delete_vectors", arguments("delete_vectors", keys=keys, **changes))


def test_vectors_are_written_as_they_are(call, emulated):
    emulated.index(3)
    rows = vectors(20, 3)
    records = [
        record(f"k{n}", row, {"n": n, "tags": ["a", 1, True], "text": "é😀\u2028"}) for n, row in enumerate(rows)
    ]
    assert put(call, records) == {"written": 20, "error": None}
    assert emulated.contents() == {item["key"]: item["metadata"] for item in records}
    assert emulated.data("k7") == pytest.approx(rows[7], rel=1e-8)


@pytest.mark.parametrize("key", ["k" * 1024, "é" * 512, "😀" * 1024, '"],\\ {}\n\x00', "' OR 1=1"])
def test_any_key_is_written_and_deleted(call, emulated, key):
    assert put(call, [record(key, [1.0, 2.0], None)]) == {"written": 1, "error": None}
    assert emulated.contents() == {key: {}}
    assert delete(call, [key]) == {"deleted": 1, "error": None}
    assert emulated.contents() == {}


def test_metadata_of_every_plane_is_written(call, emulated):
    planes = {f"p{plane}é": chr(plane * 0x10000 + 0x21) * 3 for plane in range(17)}
    assert put(call, [record("a", [1.0, 2.0], planes)])["written"] == 1
    assert emulated.contents() == {"a": planes}


def test_a_vector_of_the_same_key_is_replaced(call, emulated):
    put(call, [record("a", [1.0, 2.0], {"n": 1})])
    put(call, [record("a", [3.0, 4.0], {"n": 2})])
    assert (emulated.contents(), emulated.data("a")) == ({"a": {"n": 2}}, [3.0, 4.0])


def test_chunks_hold_five_hundred(call, emulated):
    emulated.index(1, "euclidean")
    assert put(call, [record(f"k{n}", [float(n)]) for n in range(1201)]) == {"written": 1201, "error": None}
    assert [len(request["vectors"]) for request in emulated.called("PutVectors")] == [500, 500, 201]
    assert delete(call, [f"k{n}" for n in range(1201)]) == {"deleted": 1201, "error": None}
    assert [len(request["keys"]) for request in emulated.called("DeleteVectors")] == [500, 500, 201]
    assert emulated.contents() == {}


def test_chunks_hold_what_a_request_may(call, emulated, monkeypatch):
    monkeypatch.setattr(writes, "MAX_BODY_BYTES", 1000)
    sizes = []
    emulated.instead["PutVectors"] = lambda request: sizes.append(len(json.dumps(request, separators=(",", ":"))))
    assert put(call, [record(f"k{n:02}", [1.0, 2.0], {"t": "x" * 200}) for n in range(20)])["written"] == 20
    assert len(sizes) == 7
    assert max(sizes) <= 1000


LIMITS = [
    ({"title": "x" * 2036}, None),
    (
        {"n": 1, "title": "x" * 2037},
        "vectors[1].metadata has 2055 bytes filterable, at most 2048 are allowed; the largest is title with 2039",
    ),
    (
        {"title": "é" * 1025},
        "vectors[1].metadata has 2062 bytes filterable, at most 2048 are allowed; the largest is title with 2052",
    ),
    ({"body": "x" * 40_000, "title": "y" * 900}, None),
    (
        {"body": "x" * 40_000, "title": "y" * 1000},
        "vectors[1].metadata has 41022 bytes in all, at most 40960 are allowed; the largest is body with 40002",
    ),
]


@pytest.mark.parametrize(("metadata", "message"), LIMITS)
def test_metadata_is_measured_as_the_service_does(call, emulated, metadata, message):
    emulated.index(2, non_filterable=["body"])
    result = put(call, [record("a", [1.0, 0.0]), record("b", [1.0, 0.0], metadata)])
    if message is None:
        assert result == {"written": 2, "error": None}  # the local service measures, too
    else:
        assert (result["code"], result["message"]) == ("InvalidRequest", message)
        assert emulated.called("PutVectors") == []


def test_the_largest_filterable_metadata_is_the_service_s(call, emulated):
    """One byte more is refused here, and would be there."""
    exact = {"title": "x" * (2048 - len('{"title":""}'))}
    assert put(call, [record("a", [1.0, 0.0], exact)])["written"] == 1
    exact["title"] += "x"
    assert put(call, [record("a", [1.0, 0.0], exact)])["code"] == "InvalidRequest"


@pytest.mark.parametrize(
    ("metric", "numbers", "message"),
    [
        ("cosine", [0.0, 0.0], "vectors[1].data is all zeros, which has no cosine distance"),
        ("cosine", [0.0, -0.0], "vectors[1].data is all zeros, which has no cosine distance"),
        ("euclidean", [0.0, 0.0], None),
        ("cosine", [1e-45, 0.0], None),
        ("cosine", [1.0], "vectors[1].data has 1 dimensions, the index has 2"),
        ("cosine", [1.0] * 4096, "vectors[1].data has 4096 dimensions, the index has 2"),
    ],
)
def test_vectors_fit_the_index(call, emulated, metric, numbers, message):
    emulated.index(2, metric)
    result = put(call, [record("a", [1.0, 2.0]), record("b", numbers)])
    if message is None:
        assert result == {"written": 2, "error": None}
    else:
        assert (result["code"], result["message"]) == ("InvalidRequest", message)
        assert emulated.contents() == {}


def test_the_index_is_asked_for_its_settings_once(call, emulated):
    for n in range(3):
        put(call, [record(f"k{n}", [1.0, 2.0])])
    assert len(emulated.called("GetIndex")) == 1


def test_settings_that_changed_are_read_again_before_a_refusal(call, emulated):
    put(call, [record("a", [1.0, 2.0])])
    emulated.index(3)
    assert put(call, [record("a", [1.0, 2.0, 3.0])]) == {"written": 1, "error": None}
    assert len(emulated.called("GetIndex")) == 2
    assert put(call, [record("a", [1.0])])["message"] == "vectors[0].data has 1 dimensions, the index has 3"


def test_settings_are_forgotten_when_the_service_disagrees(call, emulated):
    put(call, [record("a", [1.0, 2.0])])
    emulated.index(3)
    result = put(call, [record("a", [1.0, 2.0])])
    assert (result["written"], result["error"]["code"]) == (0, "ValidationException")
    assert put(call, [record("a", [1.0, 2.0])])["message"] == "vectors[0].data has 2 dimensions, the index has 3"


def test_settings_grow_old(call, emulated, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(describe.time, "time", lambda: now[0])
    put(call, [record("a", [1.0, 2.0])])
    now[0] += describe.FACTS_SECONDS - 1
    put(call, [record("a", [1.0, 2.0])])
    assert len(emulated.called("GetIndex")) == 1
    now[0] += 1
    put(call, [record("a", [1.0, 2.0])])
    assert len(emulated.called("GetIndex")) == 2


@pytest.mark.parametrize(("code", "status", "retryable"), [("AccessDeniedException", 403, False), ("ServiceUnavailableException", 503, True)])  # fmt: skip
@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_failure_says_what_is_written(call, emulated, monkeypatch, failing, code, status, retryable):
    monkeypatch.setattr(service, "ATTEMPTS", 1)
    turns = itertools.count()
    emulated.instead["PutVectors"] = lambda _: refused(code, "no", status) if next(turns) == failing else None
    records = [record(f"k{n:04}", [1.0, 2.0]) for n in range(1100)]
    result = put(call, records)
    error = {"code": code, "message": "no", "retryable": retryable, "request_id": "service-1"}
    error["function_request_id"] = INVOCATION
    assert result == {"written": failing * 500, "error": error}
    assert sorted(emulated.contents()) == [item["key"] for item in records[: failing * 500]]
    assert put(call, records[failing * 500 :]) == {"written": 1100 - failing * 500, "error": None}


def test_a_deletion_s_failure_says_what_is_done(call, emulated):
    turns = itertools.count()
    emulated.instead["DeleteVectors"] = lambda _: (
        refused("AccessDeniedException", "no", 403) if next(turns) == 1 else None
    )
    result = delete(call, [f"k{n}" for n in range(1100)])
    assert (result["deleted"], result["error"]["code"]) == (500, "AccessDeniedException")


def test_time_that_runs_out_between_chunks_says_what_is_written(call, emulated, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(service.time, "monotonic", lambda: next(clock) * 0.1)
    given = arguments("put_vectors", vectors=[record(f"k{n}", [1.0, 2.0]) for n in range(5000)])
    result = call("put_vectors", given, timeout_ms=2500)
    assert 500 <= result["written"] < 5000
    assert result["error"]["code"] == "DeadlineExceeded"
    assert len(emulated.contents()) == result["written"]
    assert len(emulated.called("PutVectors")) * 500 == result["written"]
    given = arguments("delete_vectors", keys=[f"k{n}" for n in range(5000)])
    result = call("delete_vectors", given, timeout_ms=2500)
    assert len(emulated.called("DeleteVectors")) * 500 == result["deleted"] < 5000
    assert result["error"]["code"] == "DeadlineExceeded"


def test_no_chunk_is_begun_that_may_not_end_in_time(call, emulated, monkeypatch):
    monkeypatch.setattr(service.Session, "has_time", lambda _: False)
    result = put(call, [record(f"k{n}", [1.0, 2.0]) for n in range(1100)])
    error = {"code": "DeadlineExceeded", "message": "the time that the database allows ran out", "retryable": True}
    error |= {"request_id": None, "function_request_id": INVOCATION}
    assert result == {"written": 500, "error": error}
    assert delete(call, [f"k{n}" for n in range(1100)]) == {"deleted": 500, "error": error}


def test_a_refused_slice_writes_nothing(call, emulated):
    records = [record(f"k{n}", [1.0, 2.0]) for n in range(999)] + [record("last", [1.0, 2.0], {"x": None})]
    assert put(call, records)["code"] == "InvalidRequest"
    assert emulated.calls == []


def test_an_answer_that_is_none_is_a_failure(call, wire, monkeypatch):
    monkeypatch.setattr(describe, "_kept", {})
    wire.reply("GetIndex", {"index": _INDEX})
    wire.reply("PutVectors", b"<html>")
    result = put(call, [record("a", [1.0, 2.0])])
    assert (result["written"], result["error"]["code"]) == (0, "ServiceContradiction")


_INDEX = {
    "indexArn": ARN,
    "indexName": "stdlib",
    "vectorBucketName": "vectordb-dev",
    "dimension": 2,
    "distanceMetric": "cosine",
    "dataType": "float32",
    "creationTime": 1.5,
}


def test_a_body_is_valid_json_whatever_it_holds(call, emulated):
    bodies = []
    emulated.instead["PutVectors"] = bodies.append
    odd = {'"]},{"key': '"data":{"float32":[1]}', "\\": '\\"', "\u2028": "\x7f"}
    put(call, [record('"},{"key":"x', [1.0, -2.5], odd)])
    assert bodies == [
        {"indexArn": ARN, "vectors": [{"key": '"},{"key":"x', "data": {"float32": [1, -2.5]}, "metadata": odd}]}
    ]
    assert packed([1.0, -2.5])
