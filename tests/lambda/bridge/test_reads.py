"""get_vectors and list_vectors: chunks, pages, the time and the size that an answer may take."""

import itertools
import json
import threading
import time

import pytest

import limits
import reads
import service
from protocol import BridgeError
from tests.bridge_support import ARN, answered, arguments, refused, vectors


@pytest.fixture
def filled(emulated):
    """250 vectors of three dimensions."""
    emulated.index(3)
    emulated.rows = vectors(250, 3)
    emulated.put({f"k{n:03}": (row, {"n": n}) for n, row in enumerate(emulated.rows)})
    return emulated


def get(call, keys, **changes):
    return call("get_vectors", arguments("get_vectors", keys=keys, **changes))


def numbers(vector):
    return [float(number) for number in vector["data"].split(",")]


def slow(monkeypatch, seconds):
    """Every look at the clock finds it `seconds` later."""
    clock = itertools.count()
    monkeypatch.setattr(service.time, "monotonic", lambda: next(clock) * seconds)


def test_get_asks_for_a_hundred_keys_at_a_time_and_keeps_their_order(call, filled):
    keys = [f"k{n:03}" for n in reversed(range(250))]
    result = get(call, keys, return_data=True)
    assert result["taken"] == 250
    assert [vector["key"] for vector in result["vectors"]] == keys
    assert [numbers(vector) for vector in reversed(result["vectors"])] == [pytest.approx(row) for row in filled.rows]
    assert result["vectors"][0].keys() == {"key", "data", "metadata"}
    asked = filled.called("GetVectors")
    assert sorted(len(request["keys"]) for request in asked) == [50, 100, 100]
    assert all(request["indexArn"] == ARN and request["returnData"] and request["returnMetadata"] for request in asked)


def test_get_leaves_out_what_does_not_exist(call, filled):
    result = get(call, ["none", "k001"], return_metadata=True)
    assert result == {"vectors": [{"key": "k001", "metadata": {"n": 1}}], "taken": 2}
    result = get(call, ["k001"], return_metadata=False)
    assert result == {"vectors": [{"key": "k001"}], "taken": 1}
    assert filled.called("GetVectors")[1] == {"indexArn": ARN, "keys": ["k001"]}


def test_get_gives_the_numbers_as_the_service_wrote_them(call, wire):
    body = b'{"vectors":[{"key":"a","data":{"float32":[0.10000000149011612,-2.5E-5,1]}}]}'
    wire.reply("GetVectors", body)
    result = get(call, ["a"], return_data=True, return_metadata=False)
    assert result["vectors"] == [{"key": "a", "data": "0.10000000149011612,-2.5E-5,1"}]


@pytest.mark.parametrize("dimension", [1, 4096])
def test_any_key_and_any_metadata_come_back(call, emulated, dimension):
    """Keys of 1024 bytes and characters, and a character of every plane of Unicode."""
    emulated.index(dimension)
    planes = {
        f"p{plane}": "".join(chr(plane * 0x10000 + offset) for offset in (1, 0x20, 0xE9, 0xFFFD)) for plane in range(17)
    }
    rows = {
        "k" * 1024: ([1.0] * dimension, planes),
        "é" * 512: ([1.0] * dimension, {"list": ["a", 1, True, 2.5], "n": -1e-300}),
        "😀" * 1024: ([1.0] * dimension, {}),
        '"},\\ {\u2028': ([1.0] * dimension, {'"data":{"float32":[1]}': '"data":{"float32":[1]}'}),
    }
    emulated.put(rows)
    result = get(call, list(rows), return_data=True)
    assert {vector["key"]: vector["metadata"] for vector in result["vectors"]} == {
        key: row[1] for key, row in rows.items()
    }
    assert all(numbers(vector) == [1.0] * dimension for vector in result["vectors"])


def test_get_takes_fewer_keys_when_the_answer_grows_too_large(call, wire):
    keys = [f"k{n}" for n in range(100)]
    wide = [{"key": key, "data": {"float32": [-0.012345678918063641] * 4096}} for key in keys]
    wire.reply("GetVectors", {"vectors": wide})
    result = get(call, keys, return_data=True, return_metadata=False)
    assert 55 <= result["taken"] == len(result["vectors"]) < 65
    assert 0.95 * limits.MAX_ANSWER_BYTES < len(json.dumps(result)) <= limits.MAX_ANSWER_BYTES + 100


def test_one_vector_too_large_for_any_answer_is_an_error(call, filled, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 10)
    assert get(call, ["k001"])["code"] == "ResponseTooLarge"
    assert call("list_vectors", arguments("list_vectors"))["code"] == "ResponseTooLarge"


def test_get_takes_what_it_has_when_time_runs_out(call, filled, monkeypatch):
    slow(monkeypatch, 0.3)
    result = call("get_vectors", arguments("get_vectors", keys=[f"k{n:03}" for n in range(250)]), timeout_ms=2500)
    assert (result["taken"], len(result["vectors"])) == (100, 100)


def test_a_chunk_that_runs_out_of_time_leaves_those_before_it(call, filled):
    def answer(request):
        if "k120" in request["keys"]:
            raise BridgeError("DeadlineExceeded", "too late", retryable=True)

    filled.instead["GetVectors"] = answer
    assert get(call, [f"k{n:03}" for n in range(250)])["taken"] == 100
    assert get(call, [f"k{n:03}" for n in range(101, 250)])["code"] == "DeadlineExceeded"


def test_what_stays_throttled_leaves_what_came_before_it(call, filled):
    def answer(request):
        late = "k120" in request.get("keys", ()) or "nextToken" in request
        return refused("TooManyRequestsException", status=429) if late else None

    filled.instead["GetVectors"] = filled.instead["ListVectors"] = answer
    assert get(call, [f"k{n:03}" for n in range(250)])["taken"] == 100
    assert get(call, ["k120"])["code"] == "TooManyRequestsException"
    scope = {"key": "n", "values": [7, 1000]}
    page = call("list_vectors", arguments("list_vectors", max_results=2, scope=scope))
    assert (len(page["vectors"]) <= 1, page["next_token"] is None) == (True, False)
    again = call("list_vectors", arguments("list_vectors", max_results=2, scope=scope, next_token=page["next_token"]))
    assert again["code"] == "TooManyRequestsException"


def test_get_reads_side_by_side_once_it_knows_the_size(call, filled, monkeypatch):
    running, most, lock = [0], [0], threading.Lock()

    def exchange(*_, **__):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.01)
        with lock:
            running[0] -= 1
        return answered({"vectors": []})

    monkeypatch.setattr("transport.exchange", exchange)
    assert get(call, [f"x{n}" for n in range(3000)]) == {"vectors": [], "taken": 3000}
    assert most[0] > 4


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"vectors": [{"key": "other", "data": {"float32": [1]}}]}, "a key that was not asked for"),
        ({"vectors": [{"key": "a", "data": {"float32": [1]}}] * 2}, "one vector twice"),
        ({"vectors": [{"key": "a"}]}, "a vector without data"),
        ({"vectors": [{"key": "a", "data": {"float32": ["x"]}}]}, "a vector without data"),
        ({"vectors": [{"key": "a", "data": [1]}]}, "a vector without data"),
        ({"vectors": [{"key": 5, "data": {"float32": [1]}}]}, "a vector without a key"),
        ({"vectors": [{"key": "a", "data": {"float32": [1]}, "metadata": "x"}]}, "without usable metadata"),
        ({}, "without a usable vectors"),
        ([], "no JSON object"),
    ],
)
def test_a_service_that_contradicts_itself_is_an_error(call, wire, document, what):
    wire.reply("GetVectors", document)
    error = get(call, ["a"], return_data=True)
    assert error["code"] == "ServiceContradiction"
    assert what in error["message"]


# Pages


def listing(call, **changes):
    return call("list_vectors", arguments("list_vectors", **changes))


def listed(call, **changes):
    """All pages: the keys, and how many pages there were."""
    found, token, pages = [], None, 0
    while True:
        result = listing(call, next_token=token, **changes)
        found += [vector["key"] for vector in result["vectors"]]
        token, pages = result["next_token"], pages + 1
        if token is None:
            return found, pages


@pytest.mark.parametrize(("size", "pages"), [(10, 25), (100, 3), (1000, 1)])
def test_pages_lead_through_the_whole_index(call, filled, size, pages):
    assert listed(call, max_results=size) == (sorted(f"k{n:03}" for n in range(250)), pages)


def test_a_page_is_asked_for_as_given(call, filled):
    first = listing(call, max_results=10, return_metadata=False, return_data=True)
    assert first["vectors"][0].keys() == {"key", "data"}
    listing(call, max_results=10, next_token=first["next_token"])
    assert filled.called("ListVectors") == [
        {"indexArn": ARN, "maxResults": 10, "returnData": True},
        {"indexArn": ARN, "maxResults": 10, "nextToken": first["next_token"], "returnMetadata": True},
    ]


def test_a_page_without_vectors_but_with_a_token_is_skipped(call, wire):
    wire.reply("ListVectors", {"vectors": [], "nextToken": "t2"})
    wire.reply("ListVectors", {"vectors": [{"key": "a"}]})
    assert listing(call) == {"vectors": [{"key": "a", "metadata": {}}], "next_token": None}
    assert wire.requests[1][3]["nextToken"] == "t2"


def test_an_empty_index_is_an_empty_page(call, emulated):
    assert listing(call) == {"vectors": [], "next_token": None}


def test_a_page_too_large_for_an_answer_is_asked_for_again_smaller(call, wire):
    wide = [{"key": f"k{n}", "data": {"float32": [-0.012345678918063641] * 4096}} for n in range(100)]
    wire.reply("ListVectors", {"vectors": wide, "nextToken": "behind all"})
    wire.reply("ListVectors", lambda request: {"vectors": wide[: request["maxResults"]], "nextToken": "behind these"})
    result = listing(call, return_data=True, return_metadata=False)
    assert len(result["vectors"]) == wire.requests[1][3]["maxResults"] < 65
    assert result["next_token"] == "behind these"


@pytest.mark.parametrize(
    ("replies", "what"),
    [
        ([{"vectors": [{"key": f"k{n}"} for n in range(11)]}], "more vectors than were asked for"),
        ([{"vectors": [], "nextToken": "t"}], "a page that leads to itself"),
        ([{"vectors": [], "nextToken": "a"}, {"vectors": [], "nextToken": "t"}], "pages that lead in a circle"),
        ([{"vectors": [{"key": "a"}, {"key": "a"}]}], "one vector twice"),
    ],
)
def test_a_listing_that_contradicts_itself_is_an_error(call, wire, replies, what):
    for reply in replies:
        wire.reply("ListVectors", reply)
    error = listing(call, max_results=10, next_token="t")
    assert error["code"] == "ServiceContradiction"
    assert what in error["message"]


def test_chunks_are_what_the_service_takes():
    assert reads.GET_CHUNK == 100
