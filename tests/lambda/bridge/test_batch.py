"""query_vectors_batch: each query's answer is the single query's, in order; side by side; complete or not there."""

import itertools
import json
import threading
import time
from collections import Counter

import pytest

import limits
import parallel
import service
from protocol import BridgeError
from tests.bridge_support import answered, arguments, packed, refused, vectors

DIMENSIONS = 4
ROWS = vectors(150, DIMENSIONS)


@pytest.fixture
def filled(emulated):
    emulated.index(DIMENSIONS, "euclidean")
    emulated.put({f"k{n}": (row, {"n": n}) for n, row in enumerate(ROWS)})
    return emulated


def batch(call, rows=ROWS, *, timeout_ms=20_000, **changes):
    given = arguments("query_vectors_batch", query_vectors=[packed(row) for row in rows], **changes)
    return call("query_vectors_batch", given, timeout_ms=timeout_ms)


def test_each_query_is_answered_as_alone(call, filled):
    result = batch(call, ROWS[:40], top_k=3)
    assert (result["taken"], result["metric"], len(result["results"])) == (40, "euclidean", 40)
    for number, row in enumerate(ROWS[:40]):
        alone = call("query_vectors", arguments("query_vectors", query_vector=packed(row), top_k=3))
        assert result["results"][number] == alone["vectors"]
        assert result["results"][number][0]["key"] == f"k{number}"


def test_each_query_follows_its_pages(call, filled):
    result = batch(call, ROWS[:5], top_k=130, return_metadata=False)
    assert [len(found) for found in result["results"]] == [130] * 5
    assert len(filled.called("QueryVectors")) == 10


def test_filter_and_mode_are_every_query_s(call, filled):
    batch(call, ROWS[:3], metadata_filter={"n": {"$lt": 2}}, query_mode="ENHANCED", return_metadata=False)
    for request in filled.called("QueryVectors"):
        assert (request["filter"], request["queryMode"]) == ({"n": {"$lt": 2}}, "ENHANCED")
        assert "returnMetadata" not in request


@pytest.fixture
def watched(wire, monkeypatch):
    """A service that takes its time, and how many calls it had at once."""
    running, most, lock = [0], [0], threading.Lock()

    def exchange(*_, **__):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1
        return answered({"vectors": [], "distanceMetric": "cosine"})

    monkeypatch.setattr("transport.exchange", exchange)
    return most


def test_a_hundred_queries_take_little_longer_than_one(call, watched):
    started = time.monotonic()
    assert batch(call, ROWS[:100])["taken"] == 100
    assert time.monotonic() - started < 100 * 0.02 / 4
    assert 8 <= watched[0] <= 32


@pytest.mark.parametrize(("variable", "bound"), [("3", 3), ("1", 1), ("0", 1), ("x", 32), ("-5", 32), ("1_0", 32)])
def test_how_many_run_at_once_is_configured(call, watched, monkeypatch, variable, bound):
    monkeypatch.setenv("VECTORDB_BATCH_CONCURRENCY", variable)
    assert parallel.concurrency() == bound
    if bound <= 3:
        batch(call, ROWS[:12])
        assert watched[0] == bound


def test_rankings_that_fill_the_memory_are_asked_one_after_the_other(call, watched):
    batch(call, ROWS[:5], top_k=10_000)
    assert watched[0] <= 2


@pytest.mark.parametrize("failing", [1, 7, 40])
def test_a_query_that_fails_fails_the_batch_by_its_number(call, filled, failing):
    wanted = json.loads(json.dumps(ROWS[failing - 1]))

    def answer(request):
        asked = request["queryVector"]["float32"]
        return refused("ValidationException", "too odd") if asked == pytest.approx(wanted) else None

    filled.instead["QueryVectors"] = answer
    error = batch(call, ROWS[:40])
    assert error == {
        "code": "ValidationException",
        "message": f"query {failing}: too odd",
        "retryable": False,
        "request_id": "service-1",
    }


def test_after_a_failure_nothing_runs_on(call, filled):
    filled.instead["QueryVectors"] = lambda _: refused("ValidationException")
    batch(call)
    asked = len(filled.calls)
    time.sleep(0.05)
    assert len(filled.calls) == asked < 100


def test_throttled_queries_are_tried_again(call, filled):
    asked = Counter()

    def answer(request):
        first = tuple(request["queryVector"]["float32"])
        asked[first] += 1
        return refused("TooManyRequestsException", status=429) if asked[first] == 1 else None

    filled.instead["QueryVectors"] = answer
    result = batch(call, ROWS[:30], top_k=1)
    assert [found[0]["key"] for found in result["results"]] == [f"k{n}" for n in range(30)]
    assert list(asked.values()) == [2] * 30


def test_as_many_complete_results_as_fit(call, filled, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 20_000)
    taken, results = 0, []
    while taken < 60:
        result = batch(call, ROWS[taken:60], top_k=50)
        assert len(json.dumps(result)) < 20_000 + 200
        assert 1 <= result["taken"] == len(result["results"]) < 60
        assert all(len(found) == 50 for found in result["results"])
        results += result["results"]
        taken += result["taken"]
    assert [found[0]["key"] for found in results] == [f"k{n}" for n in range(60)]


def test_a_first_result_that_fits_no_answer_is_left_to_query_vectors(call, filled, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 500)
    assert batch(call, ROWS[:3], top_k=100) == {"metric": "euclidean", "results": [], "taken": 0}


def test_when_time_runs_out_the_complete_ones_are_answered(call, filled, monkeypatch):
    monkeypatch.setenv("VECTORDB_BATCH_CONCURRENCY", "1")
    clock = itertools.count()
    monkeypatch.setattr(service.time, "monotonic", lambda: next(clock) * 0.05)
    result = batch(call, ROWS, top_k=1, timeout_ms=3000)
    assert 1 <= result["taken"] < 60
    assert [found[0]["key"] for found in result["results"]] == [f"k{n}" for n in range(result["taken"])]


@pytest.mark.parametrize("late", [0, 1, 7])
def test_a_query_that_runs_out_of_time_leaves_those_before_it(call, filled, late):
    wanted = pytest.approx(ROWS[late])

    def answer(request):
        if request["queryVector"]["float32"] == wanted:
            raise BridgeError("DeadlineExceeded", "too late", retryable=True)

    filled.instead["QueryVectors"] = answer
    result = batch(call, ROWS[:20], top_k=1)
    if late:
        assert (result["taken"], [found[0]["key"] for found in result["results"]]) == (
            late,
            [f"k{n}" for n in range(late)],
        )
    else:
        assert (result["code"], result["message"]) == ("DeadlineExceeded", "query 1: too late")


def test_a_query_that_stays_throttled_leaves_those_before_it(call, filled):
    wanted = pytest.approx(ROWS[7])

    def answer(request):
        asked = request["queryVector"]["float32"]
        return refused("TooManyRequestsException", status=429) if asked == wanted else None

    filled.instead["QueryVectors"] = answer
    result = batch(call, ROWS[:20], top_k=1)
    assert (result["taken"], [found[0]["key"] for found in result["results"]]) == (7, [f"k{n}" for n in range(7)])
    assert batch(call, ROWS[7:20], top_k=1)["code"] == "TooManyRequestsException"


def test_a_query_whose_pages_take_too_long_is_left_to_query_vectors(call, filled, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(service.time, "monotonic", lambda: now[0])

    def slow(_):
        now[0] += 3.9

    filled.instead["QueryVectors"] = slow
    assert batch(call, ROWS[:1], top_k=150, timeout_ms=10_000) == {"metric": "euclidean", "results": [], "taken": 0}
    assert batch(call, ROWS[:1], top_k=150, timeout_ms=12_000)["taken"] == 1


def test_a_query_that_fails_for_now_on_a_later_page_is_left_to_query_vectors(call, filled):
    def answer(request):
        return refused("ServiceUnavailableException", status=503) if "nextToken" in request else None

    filled.instead["QueryVectors"] = answer
    assert batch(call, ROWS[:1], top_k=150) == {"metric": "euclidean", "results": [], "taken": 0}


def test_without_time_for_the_first_it_is_an_error(call, filled):
    error = batch(call, ROWS[:3], timeout_ms=100)
    assert error["code"] == "DeadlineExceeded"
    assert error["message"].startswith("query 1: ")


def test_two_metrics_are_a_contradiction(call, filled):
    turns = itertools.count()

    def answer(_):
        return answered({"vectors": [], "distanceMetric": "cosine" if next(turns) else "euclidean"})

    filled.instead["QueryVectors"] = answer
    assert batch(call, ROWS[:3])["code"] == "ServiceContradiction"


def test_the_cache_is_shared_with_single_queries_and_not_with_tenants(call, filled, monkeypatch):
    monkeypatch.setenv("VECTORDB_CACHE_SECONDS", "60")
    first = batch(call, ROWS[:20], epoch=1)
    assert batch(call, ROWS[:20], epoch=1) == first
    assert len(filled.calls) == 20
    alone = arguments("query_vectors", query_vector=packed(ROWS[3]), epoch=1, limit=10)
    assert call("query_vectors", alone)["vectors"] == first["results"][3]
    assert len(filled.calls) == 20
    batch(call, ROWS[:20], epoch=1, scope={"key": "n", "values": [1]})
    assert len(filled.calls) == 40
