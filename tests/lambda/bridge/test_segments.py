"""list_segments: every vector exactly once, whatever the sizes; segments side by side."""

import json
import threading

import pytest

import limits
from tests.bridge_support import answered, arguments, refused, vectors


def listed(call, count, **changes):
    """All vectors, and how many answers it took."""
    segments = [{"index": index, "next_token": None} for index in range(count)]
    found, answers = [], 0
    while segments:
        result = call("list_segments", arguments("list_segments", segment_count=count, segments=segments, **changes))
        assert len(json.dumps(result)) <= limits.MAX_ANSWER_BYTES + 500
        found += result["vectors"]
        segments = result["segments"]
        answers += 1
        assert answers < 200
    return found, answers


@pytest.fixture
def filled(emulated):
    emulated.index(3)
    emulated.put({f"k{n}": (row, {"n": n}) for n, row in enumerate(vectors(600, 3))})
    return emulated


@pytest.mark.parametrize("count", [1, 2, 8, 16])
def test_every_vector_is_listed_once(call, filled, count):
    found, answers = listed(call, count)
    assert sorted(vector["metadata"]["n"] for vector in found) == list(range(600))
    assert answers == 1
    asked = filled.called("ListVectors")
    assert {(request["segmentIndex"], request["segmentCount"]) for request in asked} == {
        (n, count) for n in range(count)
    }


def test_answers_fill_up_and_go_on(call, filled, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 6_000)
    found, answers = listed(call, 4, return_data=True)
    assert sorted(vector["key"] for vector in found) == sorted(f"k{n}" for n in range(600))
    assert all(vector.keys() == {"key", "data", "metadata"} for vector in found)
    assert answers < 30


def test_vectors_of_any_size_come_through(call, emulated, monkeypatch):
    """The first guess of the size is wrong: pages do not fit, and are asked for smaller."""
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 400_000)
    emulated.index(2, non_filterable=["text"])
    emulated.put({f"k{n}": ([1.0, 2.0], {"text": "é" * (20_000 if n % 2 else 10)}) for n in range(120)})
    found, _ = listed(call, 3)
    assert sorted(vector["key"] for vector in found) == sorted(f"k{n}" for n in range(120))


def test_a_vector_that_fits_no_answer_is_an_error(call, filled, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 20)
    given = arguments("list_segments", segment_count=1, segments=[{"index": 0, "next_token": None}])
    assert call("list_segments", given)["code"] == "ResponseTooLarge"


def test_segments_are_read_side_by_side(call, emulated):
    together = threading.Barrier(8, timeout=5)

    def answer(_):
        together.wait()
        return answered({"vectors": []})

    emulated.instead["ListVectors"] = answer
    assert listed(call, 8) == ([], 1)


def test_only_the_segments_that_are_named_are_read(call, filled):
    given = arguments("list_segments", segment_count=4, segments=[{"index": 2, "next_token": None}])
    result = call("list_segments", given)
    assert 0 < len(result["vectors"]) < 600
    assert {request["segmentIndex"] for request in filled.called("ListVectors")} == {2}


@pytest.mark.parametrize("second", ["t1", "t2"])
def test_a_segment_that_leads_to_itself_is_an_error(call, wire, second):
    wire.reply("ListVectors", {"vectors": [{"key": "a"}], "nextToken": "t2"})
    wire.reply("ListVectors", {"vectors": [{"key": "b"}], "nextToken": second})
    given = arguments("list_segments", segment_count=1, segments=[{"index": 0, "next_token": "t1"}])
    assert call("list_segments", given)["code"] == "ServiceContradiction"


def test_a_segment_that_stays_throttled_is_left_for_the_next_answer(call, filled):
    throttled = [True]

    def answer(request):
        return (
            refused("TooManyRequestsException", status=429) if throttled[0] and request["segmentIndex"] == 2 else None
        )

    filled.instead["ListVectors"] = answer
    segments = [{"index": index, "next_token": None} for index in range(4)]
    first = call("list_segments", arguments("list_segments", segment_count=4, segments=segments))
    assert first["segments"] == segments[2:]
    alone = arguments("list_segments", segment_count=4, segments=segments[2:3])
    assert call("list_segments", alone)["code"] == "TooManyRequestsException"
    throttled[0] = False
    rest = call("list_segments", arguments("list_segments", segment_count=4, segments=first["segments"]))
    assert sorted(vector["metadata"]["n"] for vector in first["vectors"] + rest["vectors"]) == list(range(600))


def test_one_segment_that_fails_fails_the_answer(call, filled):
    def answer(request):
        return answered([]) if request["segmentIndex"] == 3 else None

    filled.instead["ListVectors"] = answer
    segments = [{"index": index, "next_token": None} for index in range(4)]
    given = arguments("list_segments", segment_count=4, segments=segments)
    assert call("list_segments", given)["code"] == "ServiceContradiction"
