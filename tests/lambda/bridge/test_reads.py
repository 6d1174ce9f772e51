"""Paging, chunks, the time and the size that an answer may take."""

import itertools
import json

import pytest

import service
import vectors


def rows(first, count):
    return [{"key": f"k{n}", "distance": n / 1024, "metadata": {"n": n}} for n in range(first, first + count)]


def queue_pages(stub, total, *, page=100, top_k=None, last_token=None):
    """Queue the pages of a query that finds `total` vectors, with the requests that must ask for them."""
    for start in range(0, total, page):
        end = min(start + page, total)
        token = f"t{end}" if end < total else last_token
        request = {
            "indexArn": "arn:aws:s3vectors:us-east-1:123456789012:bucket/vectordb-dev/index/stdlib",
            "queryVector": {"float32": [0.5, -0.25]},
            "topK": top_k or total,
            "returnDistance": True,
            "returnMetadata": True,
        } | ({"nextToken": f"t{start}"} if start else {})
        answer = {"vectors": rows(start, end - start), "distanceMetric": "cosine"} | (
            {"nextToken": token} if token else {}
        )
        stub.add_response("query_vectors", answer, request)


@pytest.mark.parametrize("total", [1, 99, 100, 101, 1000, 10_000])
def test_a_query_follows_tokens_to_top_k(call, stub, query, total):
    """Defect 3 of the sample: one page of 100, however many were asked for."""
    queue_pages(stub, total)
    result = call("query_vectors", query(top_k=total))
    assert result == {"metric": "cosine", "vectors": rows(0, total), "next_token": None}


def test_a_query_ends_where_the_index_ends(call, stub, query):
    queue_pages(stub, 130, top_k=1000)
    result = call("query_vectors", query(top_k=1000))
    assert (len(result["vectors"]), result["next_token"]) == (130, None)


def test_a_query_never_gives_more_than_top_k(call, stub, query):
    queue_pages(stub, 100, top_k=50, last_token="more")
    result = call("query_vectors", query(top_k=50))
    assert (result["vectors"], result["next_token"]) == (rows(0, 50), None)


def test_a_query_goes_on_where_an_answer_ended(call, stub, query):
    stub.add_response("query_vectors", {"vectors": rows(100, 100), "distanceMetric": "cosine", "nextToken": "t200"})
    result = call("query_vectors", query(top_k=150, next_token="t100", received=100))
    assert (result["vectors"], result["next_token"]) == (rows(100, 50), None)


def test_empty_pages_on_the_way_are_not_the_end(call, stub, query):
    stub.add_response("query_vectors", {"vectors": [], "distanceMetric": "cosine", "nextToken": "a"})
    stub.add_response("query_vectors", {"vectors": [], "distanceMetric": "cosine", "nextToken": "b"})
    stub.add_response("query_vectors", {"vectors": rows(0, 2), "distanceMetric": "cosine"})
    assert call("query_vectors", query())["vectors"] == rows(0, 2)


def test_an_empty_page_that_leads_to_itself_is_an_error(call, stub, query):
    for _ in range(2):
        stub.add_response("query_vectors", {"vectors": [], "distanceMetric": "cosine", "nextToken": "same"})
    assert call("query_vectors", query())["code"] == "ServiceContradiction"


def test_metadata_and_filter_go_as_given(call, stub, query, arn):
    document = {"$and": [{"module": {"$in": ["gzip", "zlib"]}}, {"lines": {"$gt": 3.5}}]}
    stub.add_response(
        "query_vectors",
        {"vectors": [{"key": "a", "distance": 0.25}], "distanceMetric": "euclidean"},
        {
            "indexArn": arn,
            "queryVector": {"float32": [0.5, -0.25]},
            "topK": 10,
            "returnDistance": True,
            "returnMetadata": False,
            "filter": document,
        },
    )
    result = call("query_vectors", query(return_metadata=False, metadata_filter=document))
    assert result == {"metric": "euclidean", "vectors": [{"key": "a", "distance": 0.25}], "next_token": None}


def test_a_large_answer_stops_early_and_says_where(call, stub, query):
    def page(start, token):
        heavy = [row | {"metadata": {"text": "x" * 30_000}} for row in rows(start, 100)]
        return {"vectors": heavy, "distanceMetric": "cosine"} | ({"nextToken": token} if token else {})

    stub.add_response("query_vectors", page(0, "t100"))
    result = call("query_vectors", query(top_k=300))
    assert (len(result["vectors"]), result["next_token"]) == (100, "t100")
    assert len(json.dumps(result)) < vectors.MAX_ANSWER_BYTES


def slow(monkeypatch, seconds):
    """Every look at the clock finds it `seconds` later."""
    clock = itertools.count()
    monkeypatch.setattr(service.time, "monotonic", lambda: next(clock) * seconds)


def test_out_of_time_with_something_to_show_says_where_to_go_on(call, stub, query, monkeypatch):
    queue_pages(stub, 100, top_k=1000, last_token="t100")
    slow(monkeypatch, 0.4)
    result = call("query_vectors", query(top_k=1000), timeout_ms=2000)
    assert (result["vectors"], result["next_token"]) == (rows(0, 100), "t100")


def test_out_of_time_with_nothing_to_show_is_an_error(call, stub, query):
    error = call("query_vectors", query(), remaining_ms=150)
    assert error == {
        "code": "DeadlineExceeded",
        "message": "the time that the database allows ran out before the service answered",
        "retryable": True,
        "request_id": None,
    }
    assert call("query_vectors", query(), timeout_ms=150)["code"] == "DeadlineExceeded"


def get(arn, keys, *, data=True):
    return {"index_arn": arn, "keys": keys, "return_data": data, "return_metadata": True}


def test_get_asks_for_a_hundred_keys_at_a_time(call, stub, arn):
    keys = [f"k{n}" for n in range(250)]
    for start in (0, 100, 200):
        chunk = keys[start : start + 100]
        answer = {"vectors": [{"key": key, "data": {"float32": [0.1, 1.0]}, "metadata": {}} for key in reversed(chunk)]}
        stub.add_response(
            "get_vectors", answer, {"indexArn": arn, "keys": chunk, "returnData": True, "returnMetadata": True}
        )
    result = call("get_vectors", get(arn, keys))
    assert result["taken"] == 250
    assert [vector["key"] for vector in result["vectors"]] == keys
    assert result["vectors"][0] == {"key": "k0", "data": [0.1, 1.0], "metadata": {}}


def test_get_leaves_out_what_does_not_exist(call, stub, arn):
    stub.add_response("get_vectors", {"vectors": [{"key": "b", "metadata": {"a": 1}}]})
    assert call("get_vectors", get(arn, ["a", "b"], data=False)) == {
        "vectors": [{"key": "b", "metadata": {"a": 1}}],
        "taken": 2,
    }


def test_get_takes_fewer_keys_when_the_answer_grows_too_large(call, stub, arn):
    keys = [f"k{n}" for n in range(100)]
    wide = [{"key": key, "data": {"float32": [-0.012345678918063641] * 4096}} for key in keys]
    stub.add_response("get_vectors", {"vectors": wide})
    result = call("get_vectors", get(arn, keys))
    assert (result["taken"], len(result["vectors"])) == (51, 51)
    assert len(json.dumps(result)) < vectors.MAX_ANSWER_BYTES


def test_get_takes_what_it_has_when_time_runs_out(call, stub, arn, monkeypatch):
    keys = [f"k{n}" for n in range(300)]
    stub.add_response("get_vectors", {"vectors": []})
    slow(monkeypatch, 0.4)
    assert call("get_vectors", get(arn, keys), timeout_ms=2000) == {"vectors": [], "taken": 100}


def test_get_refuses_a_key_that_was_not_asked_for(call, stub, arn):
    stub.add_response("get_vectors", {"vectors": [{"key": "other"}]})
    assert call("get_vectors", get(arn, ["a"]))["code"] == "ServiceContradiction"


def listing(arn, **changes):
    arguments = {"index_arn": arn, "max_results": 10, "next_token": None, "return_data": False, "return_metadata": True}
    return arguments | changes


def test_a_page_carries_its_token(call, stub, arn):
    stub.add_response(
        "list_vectors",
        {"vectors": [{"key": "a", "metadata": {}}], "nextToken": "t2"},
        {"indexArn": arn, "maxResults": 10, "nextToken": "t1", "returnData": False, "returnMetadata": True},
    )
    result = call("list_vectors", listing(arn, next_token="t1"))
    assert result == {"vectors": [{"key": "a", "metadata": {}}], "next_token": "t2"}


def test_a_page_without_vectors_but_with_a_token_is_skipped(call, stub, arn):
    stub.add_response("list_vectors", {"vectors": [], "nextToken": "t2"})
    stub.add_response(
        "list_vectors",
        {"vectors": [{"key": "a"}]},
        {"indexArn": arn, "maxResults": 10, "nextToken": "t2", "returnData": False, "returnMetadata": True},
    )
    assert call("list_vectors", listing(arn)) == {"vectors": [{"key": "a"}], "next_token": None}


def test_an_empty_index_is_an_empty_page(call, stub, arn):
    stub.add_response("list_vectors", {"vectors": []})
    assert call("list_vectors", listing(arn)) == {"vectors": [], "next_token": None}


def test_a_page_too_large_for_an_answer_is_asked_for_again_smaller(call, stub, arn):
    wide = [{"key": f"k{n}", "data": {"float32": [0.5] * 4096}} for n in range(64)]
    stub.add_response("list_vectors", {"vectors": wide, "nextToken": "behind all"})
    stub.add_response(
        "list_vectors",
        {"vectors": wide[:51], "nextToken": "behind 51"},
        {"indexArn": arn, "maxResults": 51, "returnData": True, "returnMetadata": True},
    )
    result = call("list_vectors", listing(arn, return_data=True, max_results=100))
    assert (len(result["vectors"]), result["next_token"]) == (51, "behind 51")
