"""query_vectors and search_text: pages, limits, time, texts, the cache, and a service that contradicts itself."""

import itertools
import json

import pytest

import limits
import service
from tests.bridge_support import ARN, answered, arguments, packed, refused, unpacked, vectors

DIMENSIONS = 4


def fill(emulated, count):
    emulated.index(DIMENSIONS, "euclidean")
    rows = vectors(count, DIMENSIONS)
    emulated.put({f"k{n}": (row, {"n": n}) for n, row in enumerate(rows)})
    emulated.query = packed(rows[0])
    distance = [sum((a - b) ** 2 for a, b in zip(rows[0], row, strict=True)) for row in rows]
    emulated.order = [f"k{n}" for n in sorted(range(count), key=distance.__getitem__)]
    return emulated


@pytest.fixture
def filled(emulated):
    """300 vectors of four dimensions, euclidean; `filled.order` is the exact order of distance from the first."""
    return fill(emulated, 300)


def ask(call, emulated, **changes):
    return call("query_vectors", arguments("query_vectors", query_vector=emulated.query, **changes))


def keys(result):
    return [vector["key"] for vector in result["vectors"]]


@pytest.mark.parametrize("top_k", [1, 99, 100, 101, 300])
def test_a_query_follows_tokens_to_top_k(call, filled, top_k):
    """Defect 3 of the sample: one page of 100, however many were asked for."""
    result = ask(call, filled, top_k=top_k, return_metadata=False)
    assert keys(result) == filled.order[:top_k]
    assert (result["metric"], result["next_token"]) == ("euclidean", None)
    assert result["vectors"][0] == {"key": "k0", "distance": 0.0}
    assert len(filled.called("QueryVectors")) == -(-top_k // 100)


def test_a_thousand_of_five_thousand_and_all_of_them_in_order(call, emulated):
    fill(emulated, 5000)
    result = ask(call, emulated, top_k=1000, return_metadata=False)
    assert (keys(result), result["next_token"]) == (emulated.order[:1000], None)
    result = ask(call, emulated, top_k=10_000, return_metadata=False)
    assert (keys(result), result["next_token"]) == (emulated.order, None)


@pytest.mark.parametrize("limit", [30, 100, 130, 400])
def test_answers_of_any_limit_go_on_where_they_ended(call, filled, limit):
    found, token, answers = [], None, 0
    while True:
        result = ask(call, filled, top_k=250, limit=limit, received=len(found), next_token=token)
        assert len(result["vectors"]) <= limit
        found += keys(result)
        token = result["next_token"]
        answers += 1
        if token is None:
            break
        assert len(result["vectors"]) == limit
    assert found == filled.order[:250]
    assert answers == -(-250 // limit)


def test_a_request_says_what_was_asked_and_no_more(call, filled):
    ask(call, filled, return_metadata=False)
    ask(call, filled, metadata_filter={"n": {"$lt": 9}}, query_mode="ENHANCED", top_k=3)
    plain, full = filled.called("QueryVectors")
    assert plain == {
        "indexArn": ARN,
        "topK": 10,
        "queryVector": {"float32": pytest.approx(unpacked(filled.query))},
        "returnDistance": True,
    }
    assert set(full) == {*plain, "returnMetadata", "filter", "queryMode"}
    assert (full["filter"], full["queryMode"], full["topK"]) == ({"n": {"$lt": 9}}, "ENHANCED", 3)


@pytest.mark.parametrize("numbers", [[0.0] * DIMENSIONS, [1.0] * 3, [1.0] * 4096])
def test_a_vector_that_the_index_cannot_compare_is_the_service_s_refusal(call, emulated, numbers):
    emulated.index(DIMENSIONS)
    error = call("query_vectors", arguments("query_vectors", query_vector=packed(numbers)))
    assert (error["code"], error["retryable"], error["request_id"]) == ("ValidationException", False, "service-1")


def page(*names, token=None, **members):
    found = [{"key": name, "distance": 0.5, "metadata": {}} for name in names]
    return {"vectors": found, "distanceMetric": "cosine", **({"nextToken": token} if token else {}), **members}


def test_empty_pages_on_the_way_are_not_the_end(call, wire):
    for reply in (page(token="a"), page(token="b"), page("x", "y")):
        wire.reply("QueryVectors", reply)
    assert keys(call("query_vectors", arguments("query_vectors"))) == ["x", "y"]


def test_an_empty_token_is_none(call, wire):
    wire.reply("QueryVectors", page("x", nextToken=""))
    assert call("query_vectors", arguments("query_vectors"))["next_token"] is None


@pytest.mark.parametrize(
    ("replies", "what"),
    [
        ([page(token="t"), page("x", token="t")], "a page that leads to itself"),
        ([page("a", token="t"), page("b", token="u"), page("c", token="t")], "pages that lead in a circle"),
        ([page(*"abcdefghijk")], "more vectors than were asked for"),
        ([page(*"abcdef", token="t"), page(*"ghijkl")], "more vectors than were asked for"),
        ([page("a", "a")], "one vector twice"),
        ([page("a", token="t"), page("a")], "one vector twice"),
        ([page("a", distanceMetric="dot")], "without a usable distanceMetric"),
        ([page("a", distanceMetric=None)], "without a usable distanceMetric"),
        ([page("a", distanceMetric=["cosine"])], "without a usable distanceMetric"),
        ([page("a", token="t"), page("b", distanceMetric="euclidean")], "without a usable distanceMetric"),
        ([page("a", nextToken=5)], "without a usable nextToken"),
        ([{"distanceMetric": "cosine"}], "without a usable vectors"),
        ([page() | {"vectors": {}}], "without a usable vectors"),
        ([page() | {"vectors": [None]}], "a vector without a key"),
        ([page() | {"vectors": [{"distance": 1}]}], "a vector without a key"),
        ([page() | {"vectors": [{"key": "a"}]}], "a vector without a usable distance"),
        ([page() | {"vectors": [{"key": "a", "distance": "0.5"}]}], "a vector without a usable distance"),
        ([page() | {"vectors": [{"key": "a", "distance": True}]}], "a vector without a usable distance"),
        ([page() | {"vectors": [{"key": "a", "distance": 0.5, "metadata": []}]}], "without usable metadata"),
        ([b'{"vectors":[{"key":"a","distance":1e999}],"distanceMetric":"cosine"}'], "a vector without a usable distance"),
        ([b'{"vectors":[{"key":"a","distance":0,"metadata":{"n":1e999}}],"distanceMetric":"cosine"}'], "metadata that is no number"),
        ([b'{"vectors":[{"key":"a","distance":0,"metadata":{"n":[1,1e999]}}],"distanceMetric":"cosine"}'], "metadata that is no number"),
        ([b""], "no JSON object"),
        ([b'{"vectors":['], "no JSON object"),
        ([b"[]"], "no JSON object"),
        ([b"<html>"], "no JSON object"),
    ],
)  # fmt: skip
def test_a_service_that_contradicts_itself_is_an_error(call, wire, replies, what):
    for reply in replies:
        wire.reply("QueryVectors", reply)
    error = call("query_vectors", arguments("query_vectors"))
    assert (error["code"], error["retryable"]) == ("ServiceContradiction", True)
    assert what in error["message"]


def test_a_first_page_that_shrank_since_is_an_error(call, wire):
    wire.reply("QueryVectors", page("a"))
    error = call("query_vectors", arguments("query_vectors", received=2, next_token="2:"))
    assert error["code"] == "ServiceContradiction"


def test_metadata_that_the_service_leaves_out_is_empty(call, wire):
    wire.reply("QueryVectors", {"vectors": [{"key": "a", "distance": 0}], "distanceMetric": "cosine"})
    assert call("query_vectors", arguments("query_vectors"))["vectors"] == [
        {"key": "a", "distance": 0.0, "metadata": {}}
    ]


@pytest.mark.parametrize("text", ["x" * 30_000, "é" * 15_000])
def test_a_large_answer_stops_where_it_is_full_and_says_so(call, emulated, text):
    emulated.index(2, non_filterable=["text"])
    for start in range(0, 300, 100):
        emulated.put({f"k{n}": ([1.0, n + 1.0], {"text": text}) for n in range(start, start + 100)})
    found, token = [], None
    while True:
        result = call("query_vectors", arguments("query_vectors", top_k=300, received=len(found), next_token=token))
        assert len(json.dumps(result)) <= limits.MAX_ANSWER_BYTES
        found += keys(result)
        token = result["next_token"]
        if token is None:
            break
    assert sorted(found) == sorted(f"k{n}" for n in range(300))


def test_one_vector_that_fits_no_answer_is_an_error(call, wire, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 50)
    wire.reply("QueryVectors", page("a" * 100))
    error = call("query_vectors", arguments("query_vectors"))
    assert (error["code"], error["message"]) == (
        "ResponseTooLarge",
        "one vector is larger than an answer of Lambda may be",
    )


def slow(monkeypatch, seconds):
    """Every look at the clock finds it `seconds` later."""
    clock = itertools.count()
    monkeypatch.setattr(service.time, "monotonic", lambda: next(clock) * seconds)


def test_out_of_time_with_something_to_show_says_where_to_go_on(call, filled, monkeypatch):
    slow(monkeypatch, 0.3)
    result = call("query_vectors", arguments("query_vectors", query_vector=filled.query, top_k=300), timeout_ms=2500)
    assert keys(result) == filled.order[:100]
    assert result["next_token"].startswith("0:")


def test_out_of_time_with_nothing_to_show_is_an_error(call, filled):
    error = call("query_vectors", arguments("query_vectors"), remaining_ms=150)
    assert (error["code"], error["retryable"]) == ("DeadlineExceeded", True)
    assert filled.calls == []


def test_a_refusal_on_a_later_page_is_never_a_short_answer(call, filled):
    pages = itertools.count()
    filled.instead["QueryVectors"] = lambda _: refused("AccessDeniedException") if next(pages) == 2 else None
    assert ask(call, filled, top_k=300)["code"] == "AccessDeniedException"


def test_a_service_that_fails_for_now_on_a_later_page_is_asked_on_by_the_caller(call, filled):
    throttled = refused("TooManyRequestsException", status=429)
    pages = itertools.count()
    filled.instead["QueryVectors"] = lambda _: throttled if 2 <= next(pages) < 8 else None
    first = ask(call, filled, top_k=300)
    assert keys(first) == filled.order[:200]
    rest = {"received": 200, "next_token": first["next_token"], "top_k": 300}
    assert ask(call, filled, **rest)["code"] == "TooManyRequestsException"
    assert keys(ask(call, filled, **rest)) == filled.order[200:300]


# Texts


@pytest.fixture
def texts(emulated):
    emulated.index(2, texts=["body"])
    emulated.put(
        {
            "red": ([1.0, 0.0], {"body": "red apples", "n": 1}),
            "green": ([0.0, 1.0], {"body": "green apples and green pears", "n": 2}),
            "blue": ([-1.0, 0.0], {"body": "blue sky", "n": 3}),
        }
    )
    return emulated


def test_words_alone_find_by_their_score(call, texts):
    given = [{"key": "body", "text": "green apples"}]
    result = call(
        "query_vectors", arguments("query_vectors", query_vector=None, query_texts=given, return_metadata=False)
    )
    assert keys(result) == ["green", "red"]
    assert all(
        vector.keys() == {"key", "distance", "bm25"} and vector["distance"] is None for vector in result["vectors"]
    )
    assert [vector["bm25"]["body"] > 0 for vector in result["vectors"]] == [True, True]
    (request,) = texts.called("QueryVectors")
    assert request == {
        "indexArn": ARN,
        "topK": 10,
        "returnScores": True,
        "queryTexts": [{"text": "green apples", "metadataKey": "body"}],
    }


def test_words_and_a_vector_are_fused(call, texts):
    given = [{"key": "body", "text": "sky"}]
    changes = {
        "query_vector": packed([1.0, 0.0]),
        "query_texts": given,
        "top_k": 2,
        "metadata_filter": {"n": {"$gte": 1}},
    }
    result = call("query_vectors", arguments("query_vectors", **changes))
    found = {vector["key"]: vector for vector in result["vectors"]}
    assert set(found) == {"red", "blue"}
    assert found["red"]["distance"] == pytest.approx(0, abs=1e-6)
    assert "bm25" not in found["red"]
    assert found["blue"]["distance"] is None
    assert found["blue"]["bm25"].keys() == {"body"}
    assert all(vector["fused"] > 0 and vector["metadata"]["n"] in {1, 3} for vector in result["vectors"])


@pytest.mark.parametrize(
    "item",
    [
        {"key": "a"},
        {"key": "a", "scores": []},
        {"key": "a", "scores": {"fused": "1"}},
        {"key": "a", "scores": {"vectorDistance": []}},
        {"key": "a", "scores": {"bm25Scores": {"body": 1}}},
        {"key": "a", "scores": {"bm25Scores": [{"metadataKey": "body"}]}},
        {"key": "a", "scores": {"bm25Scores": [{"metadataKey": "body", "score": None}]}},
    ],
)
def test_scores_that_are_none_are_an_error(call, wire, item):
    wire.reply("QueryVectors", {"vectors": [item], "distanceMetric": "cosine"})
    given = [{"key": "body", "text": "words"}]
    error = call("query_vectors", arguments("query_vectors", query_texts=given))
    assert error["code"] == "ServiceContradiction"


@pytest.fixture
def model(texts, monkeypatch):
    """A model that embeds a text as its length and 256 - 1 zeros."""
    monkeypatch.setenv("VECTORDB_MODELS", '["amazon.titan-embed-text-v2:0"]')
    texts.index(256, texts=["body"])
    texts.put({"a": ([1.0] + [0.0] * 255, {"body": "green apples"}), "b": ([0.0] * 255 + [1.0], {"body": "words"})})
    path = "model/amazon.titan-embed-text-v2%3A0/invoke"
    texts.embedded = path

    def embed(request):
        return answered({"embedding": [float(len(request["inputText"]))] + [0.0] * 255})

    texts.instead[path] = embed
    return texts


def search(call, **changes):
    given = {"model": "amazon.titan-embed-text-v2:0", "dimension": 256, "text": "words", **changes}
    return call("search_text", arguments("search_text", **given))


def test_a_text_is_embedded_and_searched(call, model):
    result = search(call)
    assert keys(result) == ["a", "b"]
    assert unpacked(result["query_vector"]) == [5.0] + [0.0] * 255
    assert result["next_token"] is None
    assert "queryTexts" not in model.called("QueryVectors")[0]


def test_a_text_is_searched_for_its_words_too(call, model):
    result = search(call, full_text_keys=["body"], top_k=1, limit=1)
    assert model.called("QueryVectors")[0]["queryTexts"] == [{"text": "words", "metadataKey": "body"}]
    assert len(result["vectors"]) == 1


def test_a_model_that_is_not_allowed_is_refused(call, model):
    assert search(call, model="amazon.titan-embed-text-v1")["code"] == "ModelNotAllowed"
    assert model.calls == []


# The cache


@pytest.fixture
def cached(monkeypatch):
    monkeypatch.setenv("VECTORDB_CACHE_SECONDS", "60")


def test_an_answer_is_kept_for_one_epoch(call, filled, cached):
    first = ask(call, filled, epoch=7, top_k=150)
    assert ask(call, filled, epoch=7, top_k=150) == first
    assert len(filled.called("QueryVectors")) == 2
    assert ask(call, filled, epoch=8, top_k=150) == first
    assert len(filled.called("QueryVectors")) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": None},
        {"top_k": 11},
        {"limit": 9_999},
        {"return_metadata": False},
        {"metadata_filter": {"n": 1}},
        {"query_mode": "ENHANCED"},
        {"query_vector": packed([1.0, 0.0, 0.0, 0.0])},
        {"scope": {"key": "n", "values": [1]}},
        {"next_token": "0:"},
    ],
)
def test_what_an_answer_depends_on_is_part_of_its_key(call, filled, cached, changes):
    given = {"query_vector": filled.query, "epoch": 7}
    for changed in ({}, changes):
        assert "vectors" in call("query_vectors", arguments("query_vectors", **{**given, **changed}))
    assert len(filled.called("QueryVectors")) == 2


def test_the_scope_s_filter_given_by_a_caller_is_not_the_scope(call, filled, cached):
    """Even where the filters that are sent are the same, tenants share nothing."""
    ask(call, filled, epoch=7, scope={"key": "n", "values": [1]})
    ask(call, filled, epoch=7, metadata_filter={"n": {"$eq": 1}})
    first, second = filled.called("QueryVectors")
    assert first["filter"] == second["filter"]


def test_an_answer_that_ended_early_is_not_kept(call, filled, cached):
    for _ in range(2):
        assert ask(call, filled, epoch=7, top_k=150, limit=100)["next_token"] is not None
    assert len(filled.called("QueryVectors")) == 2


def test_a_search_by_text_is_kept_before_the_model_is_asked(call, model, cached):
    first = search(call, epoch=3)
    assert search(call, epoch=3) == first
    assert len(model.called(model.embedded)) == len(model.called("QueryVectors")) == 1
    for changes in ({"text": "other"}, {"epoch": 4}, {"full_text_keys": ["body"]}, {"dimension": None}):
        search(call, **{"epoch": 3, **changes})
    assert len(model.called(model.embedded)) == 5


def test_without_a_cache_nothing_is_kept(call, filled):
    ask(call, filled, epoch=7)
    ask(call, filled, epoch=7)
    assert len(filled.called("QueryVectors")) == 2
