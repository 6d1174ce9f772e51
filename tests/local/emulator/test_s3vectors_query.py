"""QueryVectors: exact against numpy, filtered, in pages, and while others write."""

import threading

import numpy as np
import pytest
from botocore.exceptions import ClientError

DIMENSION = 24
COUNT = 700


def put(client, names, keys, rows, metadata=None):
    for start in range(0, len(keys), 500):
        client.put_vectors(
            **names,
            vectors=[
                {"key": keys[n], "data": {"float32": rows[n].tolist()}, "metadata": metadata[n] if metadata else {}}
                for n in range(start, min(start + 500, len(keys)))
            ],
        )


@pytest.fixture
def rows():
    return np.random.default_rng(7).standard_normal((COUNT, DIMENSION)).astype(np.float32)


def distances(rows, query, metric):
    """Brute force in float64."""
    wide, query = rows.astype(np.float64), np.asarray(query, dtype=np.float64)
    if metric == "euclidean":
        return np.sqrt(((wide - query) ** 2).sum(axis=1))
    return 1 - wide @ query / np.sqrt((wide**2).sum(axis=1)) / np.sqrt((query**2).sum())


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_nearest_are_the_nearest(s3vectors, make_index, rows, metric):
    names = make_index(dimension=DIMENSION, metric=metric)
    keys = [f"v{n}" for n in range(COUNT)]
    put(s3vectors, names, keys, rows)
    for query in np.random.default_rng(8).standard_normal((5, DIMENSION)):
        answer = s3vectors.query_vectors(**names, topK=50, queryVector={"float32": query.tolist()}, returnDistance=True)
        expected = distances(rows, query, metric)
        nearest = np.argsort(expected, kind="stable")[:50]
        assert [found["key"] for found in answer["vectors"]] == [keys[n] for n in nearest]
        assert np.allclose([found["distance"] for found in answer["vectors"]], expected[nearest], atol=1e-6)
        assert answer["distanceMetric"] == metric
        assert "nextToken" not in answer


def test_a_copy_is_at_distance_zero(s3vectors, make_index, rows):
    for metric in ("cosine", "euclidean"):
        names = make_index(dimension=DIMENSION, metric=metric, index=metric)
        put(s3vectors, names, [str(n) for n in range(COUNT)], rows * 100)
        answer = s3vectors.query_vectors(
            **names, topK=1, queryVector={"float32": (rows[3] * 100).tolist()}, returnDistance=True
        )
        assert answer["vectors"][0]["key"] == "3"
        assert answer["vectors"][0]["distance"] == pytest.approx(0, abs=1e-6)


def test_a_filter_narrows_before_the_nearest_are_taken(s3vectors, make_index, rows):
    names = make_index(dimension=DIMENSION, non_filterable=["text"])
    keys = [str(n) for n in range(COUNT)]
    metadata = [{"group": n % 50, "name": f"name-{n % 3}", "text": "long"} for n in range(COUNT)]
    put(s3vectors, names, keys, rows, metadata)
    query = rows[5] + rows[6]
    order = np.argsort(distances(rows, query, "cosine"), kind="stable")
    cases = [
        ({"group": 7}, lambda m: m["group"] == 7),
        (
            {"group": {"$lt": 10}, "name": {"$startsWith": "name-1"}},
            lambda m: m["group"] < 10 and m["name"] == "name-1",
        ),
        ({"group": 99}, lambda m: False),
    ]
    for document, wanted in cases:
        answer = s3vectors.query_vectors(
            **names, topK=20, queryVector={"float32": query.tolist()}, filter=document, returnMetadata=True
        )
        expected = [n for n in order if wanted(metadata[n])][:20]
        assert answer["vectors"] == [{"key": keys[n], "metadata": metadata[n]} for n in expected]


def test_pages_of_a_hundred_make_one_ranking(s3vectors, make_index, rows):
    names = make_index(dimension=DIMENSION, metric="euclidean")
    put(s3vectors, names, [str(n) for n in range(COUNT)], rows)
    query = {"float32": rows[0].tolist()}
    pages = []
    for page in s3vectors.get_paginator("query_vectors").paginate(**names, topK=350, queryVector=query):
        pages.append([found["key"] for found in page["vectors"]])
        # A nearer one comes in between; this ranking is made.
        s3vectors.put_vectors(**names, vectors=[{"key": "late", "data": query}])
    assert [len(page) for page in pages] == [100, 100, 100, 50]
    order = np.argsort(distances(rows, rows[0], "euclidean"), kind="stable")
    assert [key for page in pages for key in page] == [str(n) for n in order[:350]]


def test_top_k_reaches_ten_thousand(s3vectors, make_index):
    names = make_index(metric="euclidean")
    put(s3vectors, names, [str(n) for n in range(1100)], np.array([[n, 0] for n in range(1100)], dtype=np.float32))
    pages = s3vectors.get_paginator("query_vectors").paginate(**names, topK=10_000, queryVector={"float32": [-1, 0]})
    assert [found["key"] for page in pages for found in page["vectors"]] == [str(n) for n in range(1100)]


def test_a_token_belongs_to_its_query(s3vectors, make_index, refused, rows):
    names = make_index(dimension=DIMENSION, searchable=["a"])
    put(s3vectors, names, [str(n) for n in range(COUNT)], rows)
    query = {**names, "topK": 300, "queryVector": {"float32": rows[0].tolist()}, "filter": {"a": {"$exists": False}}}
    token = s3vectors.query_vectors(**query)["nextToken"]
    changes = [
        {"topK": 301},
        {"queryVector": {"float32": rows[1].tolist()}},
        {"filter": {"b": {"$exists": False}}},
        {"queryVector": {"float32": rows[0].tolist()}, "queryTexts": [{"text": "a", "metadataKey": "a"}]},
    ]
    for change in changes:
        code, status, message, path = refused("query_vectors", **{**query, **change}, nextToken=token)
        assert (code, status, path) == ("ValidationException", 400, "/nextToken")
        assert message.startswith("The nextToken belongs to another query")
    # What is returned may change from page to page.
    again = s3vectors.query_vectors(**query, nextToken=token, returnDistance=True, returnMetadata=True)
    assert len(again["vectors"]) == 100
    assert set(again["vectors"][0]) == {"key", "distance", "metadata"}
    assert "has expired" in refused("query_vectors", **query, nextToken="bm9uZS4xMDA=")[2]


@pytest.mark.parametrize(
    ("change", "message", "path"),
    [
        ({"topK": 0}, "Member must be between 1 and 10000, inclusive", "/topK"),
        ({"topK": 10_001}, "Member must be between 1 and 10000, inclusive", "/topK"),
        ({"topK": None}, "Member must not be null", "/topK"),
        ({"topK": "5"}, "Member must be an integer", "/topK"),
        ({"queryVector": {"float32": [1]}}, "Query vector must have length 2, but has length 1", "/queryVector"),
        ({"queryVector": {"float32": [0, 0]}}, "Query vector must not be all zeros", "/queryVector"),
        ({"queryVector": {"float32": ["NaN", 0]}}, "Query vector must not contain NaN", "/queryVector"),
        ({"queryVector": {}}, "Member must have the member float32", "/queryVector"),
        ({"queryVector": None}, "Must specify queryVector, queryTexts, or both", "/queryVector"),
        ({"filter": {"text": "x"}}, "the metadata key 'text' is not filterable", "/filter"),
        ({"returnScores": 1}, "Member must be a boolean", "/returnScores"),
        ({"queryMode": "CLASSIC"}, "CLASSIC cannot be specified for an index in ENHANCED mode", "/queryMode"),
        ({"queryMode": "OTHER"}, "satisfy enum value set: [CLASSIC, ENHANCED]", "/queryMode"),
        ({"returnDistance": "yes"}, "Member must be a boolean", "/returnDistance"),
    ],
)
def test_queries_that_cannot_be(emulator, make_index, change, message, path):
    good = {**make_index(non_filterable=["text"]), "topK": 1, "queryVector": {"float32": [1, 2]}}
    status, headers, body = emulator.request("POST", "/QueryVectors", {**good, **change})
    assert (status, headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert message in body["message"]
    assert body["fieldList"][0]["path"] == path


def test_an_empty_index_answers(s3vectors, make_index):
    answer = s3vectors.query_vectors(**make_index(), topK=5, queryVector={"float32": [1, 2]})
    assert (answer["vectors"], answer["distanceMetric"]) == ([], "cosine")


def test_readers_and_writers_at_once(s3vectors, make_index):
    names = make_index(dimension=8, metric="euclidean")
    failures = []

    def write(writer):
        try:
            for turn in range(10):
                put(
                    s3vectors,
                    names,
                    [f"{writer}-{turn}-{n}" for n in range(20)],
                    np.full((20, 8), writer, dtype=np.float32),
                )
                s3vectors.delete_vectors(**names, keys=[f"{writer}-{turn}-{n}" for n in range(10)])
        except (AssertionError, ClientError) as error:
            failures.append(error)

    def read():
        try:
            for _ in range(30):
                answer = s3vectors.query_vectors(
                    **names, topK=100, queryVector={"float32": [0] * 8}, returnDistance=True
                )
                for found in answer["vectors"]:
                    writer = int(found["key"].split("-")[0])
                    assert found["distance"] == pytest.approx(writer * 8**0.5, rel=1e-6)
        except (AssertionError, ClientError) as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(1, 4)]
    threads += [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(s3vectors.list_vectors(**names)["vectors"]) == 3 * 10 * 10
