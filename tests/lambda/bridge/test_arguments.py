"""What is refused before the service is asked, and how each refusal names its argument."""

import base64
import json

import pytest

import indexes
from tests.bridge_support import ARN, arguments, packed, record

TWO = packed([0.5, -0.25])


def said(call, operation, **changes):
    """The refusal of a request whose arguments are valid but for the changes."""
    error = call(operation, arguments(operation, **changes))
    assert error["code"] == "InvalidRequest"
    assert (error["retryable"], error["request_id"]) == (False, None)
    return error["message"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query_vector": [0.5, 0.25]}, "query_vector must be base64 of 32-bit floats"),
        ({"query_vector": "[1,2]"}, "query_vector must be base64 of 32-bit floats"),
        ({"query_vector": TWO + "\n"}, "query_vector must be base64 of 32-bit floats"),
        ({"query_vector": "é" + TWO}, "query_vector must be base64 of 32-bit floats"),
        ({"query_vector": TWO[:-1]}, "query_vector must be base64 of 32-bit floats"),
        ({"query_vector": ""}, "query_vector must have 1 to 4096 dimensions of four bytes each, not 0 bytes"),
        ({"query_vector": base64.b64encode(b"12345").decode()}, "query_vector must have 1 to 4096 dimensions of four bytes each, not 5 bytes"),
        ({"query_vector": packed([0.5] * 4097)}, "query_vector must have at most 4096 dimensions"),
        ({"query_vector": packed([1.0, float("nan")])}, "query_vector[1] must be finite"),
        ({"query_vector": packed([float("inf"), float("-inf")])}, "query_vector[0] must be finite"),
        ({"query_vector": packed([0.0, float("-inf")])}, "query_vector[1] must be finite"),
        ({"query_vector": None}, "query_vector and query_texts must not both be null"),
        ({"query_texts": []}, "query_texts must be an array of 1 to 10 texts"),
        ({"query_texts": [{"key": f"k{n}", "text": "x"} for n in range(11)]}, "query_texts must be an array of 1 to 10 texts"),
        ({"query_texts": {"key": "a", "text": "b"}}, "query_texts must be an array of 1 to 10 texts"),
        ({"query_texts": [{"key": "a"}]}, "query_texts[0] must be an object of key and text"),
        ({"query_texts": [{"key": "a", "text": "b", "weight": 1}]}, "query_texts[0] must be an object of key and text"),
        ({"query_texts": [{"key": "", "text": "b"}]}, "query_texts[0].key must be a string of 1 to 63 characters"),
        ({"query_texts": [{"key": "a", "text": ""}]}, "query_texts[0].text must be a string of 1 to 1024 characters"),
        ({"query_texts": [{"key": "a", "text": "x" * 1025}]}, "query_texts[0].text must be a string of 1 to 1024 characters"),
        ({"query_texts": [{"key": "a", "text": "b"}] * 2}, "query_texts must have distinct keys"),
        ({"top_k": 0}, "top_k must be an integer from 1 to 10000"),
        ({"top_k": 10_001}, "top_k must be an integer from 1 to 10000"),
        ({"top_k": True}, "top_k must be an integer from 1 to 10000"),
        ({"top_k": 10.0}, "top_k must be an integer from 1 to 10000"),
        ({"limit": 0}, "limit must be an integer from 1 to 10000"),
        ({"received": 10}, "received must be an integer from 0 to 9"),
        ({"received": -1}, "received must be an integer from 0 to 9"),
        ({"return_metadata": None}, "return_metadata must be true or false"),
        ({"return_metadata": 1}, "return_metadata must be true or false"),
        ({"query_mode": "classic"}, "query_mode must be CLASSIC or ENHANCED"),
        ({"query_mode": ["CLASSIC"]}, "query_mode must be CLASSIC or ENHANCED"),
        ({"epoch": -1}, "epoch must be an integer from 0 to 9223372036854775807"),
        ({"epoch": "1"}, "epoch must be an integer from 0 to 9223372036854775807"),
        ({"next_token": ""}, "next_token must be a string of 1 to 4112 characters"),
        ({"next_token": "0:" + "x" * 4111}, "next_token must be a string of 1 to 4112 characters"),
        ({"next_token": "\ud800"}, "next_token is not valid Unicode"),
        ({"next_token": 5}, "next_token must be a string of 1 to 4112 characters"),
        ({"next_token": "abc"}, "next_token must be one of an earlier answer"),
        ({"next_token": ":abc"}, "next_token must be one of an earlier answer"),
        ({"next_token": "٣:abc"}, "next_token must be one of an earlier answer"),
        ({"next_token": "123456:abc"}, "next_token must be one of an earlier answer"),
        ({"scope": []}, "scope must be an object of key and values"),
        ({"scope": {"key": "t"}}, "scope must be an object of key and values"),
        ({"scope": {"key": "t", "values": []}}, "scope.values must be an array of strings, numbers or booleans, at least one"),
        ({"scope": {"key": "t", "values": [None]}}, "scope.values must be an array of strings, numbers or booleans, at least one"),
        ({"scope": {"key": "t", "values": "a"}}, "scope.values must be an array of strings, numbers or booleans, at least one"),
        ({"scope": {"key": "", "values": ["a"]}}, "scope.key must be a metadata key"),
        ({"scope": {"key": "$or", "values": ["a"]}}, "scope.key must be a metadata key"),
        ({"index_arn": "stdlib"}, "index_arn must be the ARN of an S3 Vectors index"),
        ({"index_arn": ["x"]}, "index_arn must be the ARN of an S3 Vectors index"),
        ({"index_arn": ...}, "missing argument(s): index_arn"),
        ({"scope": ..., "epoch": ...}, "missing argument(s): epoch, scope"),
    ],
)  # fmt: skip
def test_a_query_refuses(call, wire, changes, message):
    assert said(call, "query_vectors", **changes) == message


def test_an_unknown_argument_is_refused_without_being_named(call, wire):
    message = said(call, "query_vectors", endpoint_url="http://169.254.169.254", region="x")
    assert message.startswith("2 unknown argument(s); known are epoch, index_arn, ")
    assert "169.254" not in message


@pytest.mark.parametrize(
    ("operation", "own"),
    [
        ("query_vectors", {}),
        ("query_vectors_batch", {"query_vectors": [TWO]}),
        ("search_text", {"model": "m"}),
        ("get_vectors", {"keys": ["a"]}),
        ("list_vectors", {}),
        ("list_segments", {"segment_count": 1, "segments": []}),
        ("put_vectors", {"vectors": []}),
        ("delete_vectors", {"keys": ["a"]}),
    ],
)
def test_a_scope_that_is_left_out_is_not_no_scope(call, wire, operation, own):
    assert said(call, operation, scope=..., **own) == "missing argument(s): scope"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (..., "missing argument(s): query_vectors"),
        (TWO, "query_vectors must be an array of 1 to 1000 vectors"),
        ([], "query_vectors must be an array of 1 to 1000 vectors"),
        ([TWO] * 1001, "query_vectors must be an array of 1 to 1000 vectors"),
        ([TWO, None], "query_vectors[1] must be base64 of 32-bit floats"),
        ([TWO, packed([1.0])], "query_vectors[1] has 1 dimensions, the first has 2"),
    ],
)
def test_a_batch_refuses(call, wire, value, message):
    assert said(call, "query_vectors_batch", query_vectors=value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": ""}, "text must be a string of 1 to 50000 characters"),
        ({"text": "x" * 1025, "full_text_keys": ["body"]}, "text must be a string of 1 to 1024 characters"),
        ({"model": None}, "model must be a string of 1 to 256 characters"),
        ({"dimension": 0}, "dimension must be an integer from 1 to 4096"),
        ({"full_text_keys": []}, "full_text_keys must be an array of 1 to 10 metadata keys"),
        ({"full_text_keys": [5]}, "full_text_keys[0] must be a string of 1 to 63 characters"),
        ({"full_text_keys": ["a", "a"]}, "full_text_keys must be distinct"),
    ],
)
def test_a_search_refuses(call, wire, changes, message):
    assert said(call, "search_text", **{"model": "m", **changes}) == message


KEYS = [
    (..., "missing argument(s): keys"),
    ([], "keys must be an array of 1 to 10000 keys"),
    (["k"] * 10_001, "keys must be an array of 1 to 10000 keys"),
    (["a", 5], "keys[1] must be a string of 1 to 1024 characters"),
    ([""], "keys[0] must be a string of 1 to 1024 characters"),
    (["x" * 1025], "keys[0] must be a string of 1 to 1024 characters"),
    (["ok", "\udfff"], "keys[1] is not valid Unicode"),
    (["a", "b", "a"], "keys must be distinct"),
]


@pytest.mark.parametrize("operation", ["get_vectors", "delete_vectors"])
@pytest.mark.parametrize(("keys", "message"), KEYS)
def test_keys_are_refused(call, wire, operation, keys, message):
    assert said(call, operation, keys=keys) == message


@pytest.mark.parametrize("limit", [0, 1001, None, "5", 2.0])
def test_a_listing_refuses(call, wire, limit):
    assert said(call, "list_vectors", max_results=limit) == "max_results must be an integer from 1 to 1000"


def test_a_listing_takes_tokens_as_long_as_the_service_s(call, wire):
    wire.reply("ListVectors", {"vectors": []})
    assert call("list_vectors", arguments("list_vectors", next_token="x" * 2048))["next_token"] is None
    message = said(call, "list_vectors", next_token="x" * 2049)
    assert message == "next_token must be a string of 1 to 2048 characters"


def segment(index, token=None):
    return {"index": index, "next_token": token}


@pytest.mark.parametrize(
    ("count", "segments", "message"),
    [
        (0, [segment(0)], "segment_count must be an integer from 1 to 16"),
        (17, [segment(0)], "segment_count must be an integer from 1 to 16"),
        (2, [], "segments must be an array of 1 to 2 segments"),
        (2, [segment(0), segment(1), segment(0)], "segments must be an array of 1 to 2 segments"),
        (2, [segment(0), segment(0)], "segments must be distinct"),
        (2, [segment(2)], "segments[0].index must be an integer from 0 to 1"),
        (2, [segment(True)], "segments[0].index must be an integer from 0 to 1"),
        (2, [{"index": 0}], "segments[0] must be an object of index and next_token"),
        (2, [segment(1, "")], "next_token must be a string of 1 to 2048 characters"),
    ],
)
def test_segments_are_refused(call, wire, count, segments, message):
    assert said(call, "list_segments", segment_count=count, segments=segments) == message


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (..., "missing argument(s): vectors"),
        ([], "vectors must be an array of 1 to 10000 vectors"),
        ({"key": "a"}, "vectors must be an array of 1 to 10000 vectors"),
        ([5], "vectors[0] must be an object of key, data and metadata"),
        ([{"key": "a", "data": TWO}], "vectors[0] must be an object of key, data and metadata"),
        ([record("a", [1.0]) | {"vector": 1}], "vectors[0] must be an object of key, data and metadata"),
        ([record("a", [1.0]), record("", [1.0])], "vectors[1].key must be a string of 1 to 1024 characters"),
        ([record("a", [1.0]) | {"data": [1.0]}], "vectors[0].data must be base64 of 32-bit floats"),
        ([record("a", [1.0, float("nan")])], "vectors[0].data[1] must be finite"),
        ([record("b", [1.0]), record("a", [1.0]), record("b", [2.0])], "vectors[2].key is given twice"),
        ([record("a", [1.0]) | {"metadata": []}], "vectors[0].metadata must be an object"),
        (
            [record("a", [1.0], {"title": None})],
            "vectors[0].metadata.title must be a string, a number, a boolean or an array of these; leave out what is null",
        ),
        (
            [record("a", [1.0], {"a": "b", "deep": {"c": 1}})],
            "vectors[0].metadata.deep must be a string, a number, a boolean or an array of these; leave out what is null",
        ),
        (
            [record("a", [1.0], {"list": [1, [2]]})],
            "vectors[0].metadata.list must be a string, a number, a boolean or an array of these; leave out what is null",
        ),
        (
            [record("a", [1.0], {"half": "\ud800"})],
            "vectors[0].metadata.half must be a string, a number, a boolean or an array of these; leave out what is null",
        ),
        ([record("a", [1.0], {"\ud800": 1})], "vectors[0].metadata has a key that is not valid Unicode"),
        (
            [record("a", [1.0], {f"k{n}": n for n in range(51)})],
            "vectors[0].metadata has 51 keys, at most 50 are allowed",
        ),
    ],
)
def test_vectors_to_be_written_are_refused(call, wire, vectors, message):
    assert said(call, "put_vectors", vectors=vectors) == message


def test_a_long_or_unprintable_metadata_key_is_shown_shortened(call, wire):
    long = said(call, "put_vectors", vectors=[record("a", [1.0], {"x" * 500: None})])
    assert long.startswith(f"vectors[0].metadata.{'x' * 60}... must be")
    odd = said(call, "put_vectors", vectors=[record("a", [1.0], {"a\nb": None})])
    assert odd.startswith("vectors[0].metadata.a?b must be")


def test_an_index_outside_the_list_is_refused(call, wire):
    error = call("query_vectors", arguments("query_vectors", index_arn=ARN.replace("index/stdlib", "index/secret")))
    assert error["code"] == "IndexNotAllowed"
    assert error["message"] == "the function may not use this index: it is not in VECTORDB_INDEX_ARNS"


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        (None, "the function's variable VECTORDB_INDEX_ARNS is not a JSON list of index ARNs"),
        ("arn:aws:s3vectors", "the function's variable VECTORDB_INDEX_ARNS is not a JSON list of index ARNs"),
        ('{"a": 1}', "the function's variable VECTORDB_INDEX_ARNS is not a JSON list of index ARNs"),
        ('["arn:aws:s3:::bucket"]', "entry 0 of the function's variable VECTORDB_INDEX_ARNS is no index ARN"),
        ("[5]", "entry 0 of the function's variable VECTORDB_INDEX_ARNS is no index ARN"),
    ],
)
def test_without_a_readable_list_nothing_is_allowed(call, wire, monkeypatch, variable, message):
    if variable is None:
        monkeypatch.delenv(indexes.VARIABLE)
    else:
        monkeypatch.setenv(indexes.VARIABLE, variable)
    for operation in ("query_vectors", "list_vectors", "describe_index", "availability_check"):
        error = call(operation, arguments(operation))
        assert (error["code"], error["message"]) == ("BridgeMisconfigured", message)


@pytest.mark.parametrize(
    ("partition", "region"),
    [
        ("aws", "us-west-2"),
        ("aws-cn", "cn-north-1"),
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-eusc", "eusc-de-east-1"),
    ],
)
def test_region_and_partition_come_from_the_index(monkeypatch, call, wire, partition, region):
    """Defects 9 and 10 of the sample: one region and one partition written into the code."""
    arn = f"arn:{partition}:s3vectors:{region}:123456789012:bucket/b-1/index/i.1"
    monkeypatch.setenv(indexes.VARIABLE, json.dumps([arn]))
    wire.reply("QueryVectors", {"vectors": [], "distanceMetric": "euclidean"})
    assert call("query_vectors", arguments("query_vectors", index_arn=arn))["metric"] == "euclidean"
    ((service, asked, path, request),) = wire.requests
    assert (service, asked, path, request["indexArn"]) == ("s3vectors", region, "/QueryVectors", arn)
