"""Putting, getting, listing and deleting vectors: what is stored, what is refused, how pages end."""

import struct

import numpy as np
import pytest


def vector(key: str, *numbers: float, **metadata: object) -> dict[str, object]:
    return {"key": key, "data": {"float32": list(numbers)}, **({"metadata": metadata} if metadata else {})}


def keys(answer):
    return sorted(found["key"] for found in answer["vectors"])


def test_what_is_put_comes_back_as_float32(s3vectors, make_index):
    names = make_index(dimension=3)
    s3vectors.put_vectors(**names, vectors=[vector("é/1", 0.1, -2, 1e-30, tags=["a", 1, True], n=1.5)])
    [found] = s3vectors.get_vectors(**names, keys=["é/1"], returnData=True, returnMetadata=True)["vectors"]
    stored = [struct.unpack("f", struct.pack("f", number))[0] for number in (0.1, -2, 1e-30)]
    assert [np.float32(number) for number in found["data"]["float32"]] == [np.float32(number) for number in stored]
    assert found["metadata"] == {"tags": ["a", 1, True], "n": 1.5}
    assert s3vectors.get_vectors(**names, keys=["é/1"])["vectors"] == [{"key": "é/1"}]


def test_get_leaves_out_what_is_missing_and_repeats_nothing(s3vectors, make_index):
    names = make_index()
    s3vectors.put_vectors(**names, vectors=[vector("a", 1, 0), vector("b", 0, 1)])
    assert keys(s3vectors.get_vectors(**names, keys=["b", "x", "a", "b"])) == ["a", "b"]


def test_put_replaces_with_its_metadata(s3vectors, make_index):
    names = make_index()
    s3vectors.put_vectors(**names, vectors=[vector("a", 1, 0, old=1), vector("a", 5, 5, older=1)])
    s3vectors.put_vectors(**names, vectors=[vector("b", 1, 1), vector("a", 0, 1)])
    [found] = s3vectors.get_vectors(**names, keys=["a"], returnData=True, returnMetadata=True)["vectors"]
    assert (found["data"]["float32"], found["metadata"]) == ([0, 1], {})
    assert len(s3vectors.list_vectors(**names)["vectors"]) == 2


def test_delete_is_idempotent_and_keeps_the_others(s3vectors, make_index):
    names = make_index()
    s3vectors.put_vectors(**names, vectors=[vector(str(n), n + 1, n) for n in range(300)])
    s3vectors.delete_vectors(**names, keys=[str(n) for n in range(0, 300, 2)] + ["missing"])
    s3vectors.delete_vectors(**names, keys=["0"])
    left = s3vectors.list_vectors(**names, returnData=True)["vectors"]
    assert {v["key"]: v["data"]["float32"] for v in left} == {str(n): [n + 1, n] for n in range(1, 300, 2)}


def test_listing_meets_each_vector_once_whatever_is_written_meanwhile(s3vectors, make_index):
    names = make_index()
    s3vectors.put_vectors(**names, vectors=[vector(f"k{n:03}", 1, n) for n in range(100)])
    seen, token = [], {}
    for turn in range(100):
        page = s3vectors.list_vectors(**names, maxResults=7, **token)
        seen += [found["key"] for found in page["vectors"]]
        s3vectors.put_vectors(**names, vectors=[vector(f"a{turn}", 1, 1)])
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert [key for key in seen if key.startswith("k")] == [f"k{n:03}" for n in range(100)]


def test_segments_share_the_keys_out(s3vectors, make_index):
    names = make_index()
    s3vectors.put_vectors(**names, vectors=[vector(f"key {n}", 1, n) for n in range(200)])
    parts = [
        [
            found["key"]
            for page in s3vectors.get_paginator("list_vectors").paginate(
                **names, segmentCount=3, segmentIndex=index, PaginationConfig={"PageSize": 20}
            )
            for found in page["vectors"]
        ]
        for index in range(3)
    ]
    assert sorted(key for part in parts for key in part) == sorted(f"key {n}" for n in range(200))
    assert min(map(len, parts)) > 30


def test_a_page_of_a_listing_ends_at_1_mb(s3vectors, make_index):
    names = make_index(dimension=1024)
    for start in range(0, 600, 300):
        s3vectors.put_vectors(**names, vectors=[vector(f"k{n:03}", *[1] * 1024) for n in range(start, start + 300)])
    first = s3vectors.list_vectors(**names)
    # 4 bytes a number and 4 of the key; metadata counts its JSON: {}
    assert len(first["vectors"]) == 1_000_000 // (4 * 1024 + 4 + 2) + 1
    second = s3vectors.list_vectors(**names, nextToken=first["nextToken"])
    assert keys(first) + keys(second) == [f"k{n:03}" for n in range(len(first["vectors"]) + len(second["vectors"]))]


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"maxResults": 0}, "/maxResults"),
        ({"maxResults": 1001}, "/maxResults"),
        ({"segmentCount": 17, "segmentIndex": 0}, "/segmentCount"),
        ({"segmentCount": 2, "segmentIndex": 2}, "/segmentIndex"),
        ({"segmentCount": 2}, "/segmentCount"),
        ({"nextToken": "!"}, "/nextToken"),
    ],
)
def test_listings_that_cannot_be(emulator, make_index, parameters, path):
    status, headers, body = emulator.request("POST", "/ListVectors", {**make_index(), **parameters})
    assert (status, headers["x-amzn-ErrorType"], body["fieldList"][0]["path"]) == (400, "ValidationException", path)


GOOD = [1, 2]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            {"key": "k", "data": {"float32": [1, 2, 3]}},
            "Invalid record for key 'k': vector must have length 2, but has length 3",
        ),
        ({"key": "k", "data": {"float32": [1, float("nan")]}}, "must not contain NaN or infinite values"),
        ({"key": "k", "data": {"float32": [1, float("inf")]}}, "must not contain NaN or infinite values"),
        ({"key": "k", "data": {"float32": [1, "-Infinity"]}}, "must not contain NaN or infinite values"),
        ({"key": "k", "data": {"float32": [1, 1e39]}}, "must not contain NaN or infinite values"),
        ({"key": "k", "data": {"float32": [1, 10**400]}}, "must not contain NaN or infinite values"),
        ({"key": "k", "data": {"float32": [0, 0]}}, "must not be all zeros"),
        ({"key": "k", "data": {"float32": [0, 1e-60]}}, "must not be all zeros"),
        ({"key": "k", "data": {"float32": [1, "2"]}}, "must contain numbers only"),
        ({"key": "k", "data": {"float32": [1, True]}}, "must contain numbers only"),
        ({"key": "k", "data": {"float32": [1, None]}}, "must contain numbers only"),
        ({"key": "k", "data": {}}, "Member must have the member float32"),
        ({"key": "k"}, "Member must have the member float32"),
        ({"key": "", "data": {"float32": GOOD}}, "Member must have length between 1 and 1024, inclusive"),
        ({"key": "k" * 1025, "data": {"float32": GOOD}}, "Member must have length between 1 and 1024, inclusive"),
        ({"data": {"float32": GOOD}}, "at '/vectors/1/key' failed to satisfy constraint: Member must not be null"),
        ({"key": "k", "data": {"float32": GOOD}, "metadata": []}, "metadata must be a JSON object"),
        (
            {"key": "k", "data": {"float32": GOOD}, "metadata": {"a": None}},
            "metadata 'a' must be a string, number, boolean",
        ),
        (
            {"key": "k", "data": {"float32": GOOD}, "metadata": {"a": {"b": 1}}},
            "metadata 'a' must be a string, number, boolean",
        ),
        (
            {"key": "k", "data": {"float32": GOOD}, "metadata": {str(n): 1 for n in range(51)}},
            "metadata must have at most 50 keys, but has 51",
        ),
        (
            {"key": "k", "data": {"float32": GOOD}, "metadata": {"a": "x" * 2048}},
            "filterable metadata must have at most 2048 bytes, but has 2056 bytes",
        ),
        (
            {"key": "k", "data": {"float32": GOOD}, "metadata": {"text": "ü" * 20480}},
            "total metadata must have at most 40960 bytes, but has 40971 bytes",
        ),
    ],
)
def test_one_bad_record_refuses_the_whole_put(emulator, s3vectors, make_index, record, message):
    names = make_index(non_filterable=["text"])
    status, headers, body = emulator.request(
        "POST", "/PutVectors", {**names, "vectors": [vector("good", 1, 2), record]}
    )
    assert (status, headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert message in body["message"]
    assert body["fieldList"][0]["path"].startswith("/vectors")
    assert s3vectors.list_vectors(**names)["vectors"] == []


def test_metadata_at_the_limits_is_stored(s3vectors, make_index):
    names = make_index(non_filterable=["text"])
    # {"a":"…"} is 2048 bytes, the whole 40,960.
    metadata = {"a": "x" * 2040, "text": "y" * (40960 - 2048 - 10)}
    s3vectors.put_vectors(**names, vectors=[vector("k", 1, 2, **metadata)])
    [found] = s3vectors.get_vectors(**names, keys=["k"], returnMetadata=True)["vectors"]
    assert found["metadata"] == metadata


def test_euclidean_indexes_take_the_zero_vector(s3vectors, make_index):
    names = make_index(metric="euclidean")
    s3vectors.put_vectors(**names, vectors=[vector("origin", 0, 0), vector("unit", 3, 4)])
    answer = s3vectors.query_vectors(**names, topK=2, queryVector={"float32": [0, 0]}, returnDistance=True)
    assert answer["vectors"] == [{"key": "origin", "distance": 0}, {"key": "unit", "distance": 5}]


@pytest.mark.parametrize(
    ("operation", "parameters", "length", "path", "allowed"),
    [
        ("put_vectors", {"vectors": [vector(str(n), 1, 2) for n in range(501)]}, 501, "/vectors", "1 and 500"),
        ("put_vectors", {"vectors": []}, 0, "/vectors", "1 and 500"),
        ("get_vectors", {"keys": [str(n) for n in range(101)]}, 101, "/keys", "1 and 100"),
        ("delete_vectors", {"keys": [str(n) for n in range(501)]}, 501, "/keys", "1 and 500"),
    ],
)
def test_how_many_at_once(emulator, make_index, operation, parameters, length, path, allowed):
    name = "".join(word.title() for word in operation.split("_"))
    status, _, body = emulator.request("POST", f"/{name}", {**make_index(), **parameters})
    message = f"1 validation error detected. Value with length {length} at '{path}' failed to satisfy constraint: Member must have length between {allowed}, inclusive"
    assert (status, body) == (400, {"message": message, "fieldList": [{"path": path, "message": message}]})


def test_a_request_has_at_most_20_mib(emulator, make_index):
    status, _, body = emulator.request("POST", "/PutVectors", {**make_index(), "padding": "x" * (20 << 20)})
    assert (status, body["message"]) == (400, "The request is larger than 20971520 bytes")


def test_text_that_is_no_unicode_is_refused(emulator, make_index):
    names = make_index()
    for record in (vector("\ud800", 1, 2), vector("k", 1, 2, a="\udfff")):
        status, headers, _ = emulator.request("POST", "/PutVectors", {**names, "vectors": [record]})
        assert (status, headers["x-amzn-ErrorType"]) == (400, "SerializationException")
