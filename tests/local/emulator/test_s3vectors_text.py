"""Full-text and hybrid search through boto3: configuring, querying, and every refusal."""

import json
import math

import pytest

from tests.local.emulator.running import Running, eventually

SLOW_BACKFILL = 0.6
DOCUMENTS = {
    "gzip": ([1, 0], "Compress and decompress files with gzip", "archives"),
    "zlib": ([0.9, 0.1], "Compression compatible with gzip", "archives"),
    "csv": ([0, 1], "Read and write CSV files", "formats"),
    "json": ([0.1, 0.9], "Encode and decode JSON", "formats"),
    "none": ([-1, 0], "", "archives"),
}


def vector(key, numbers, **metadata):
    return {"key": key, "data": {"float32": numbers}, "metadata": metadata}


def texts(text, key="summary"):
    return [{"text": text, "metadataKey": key}]


@pytest.fixture
def documents(s3vectors, make_index):
    names = make_index(non_filterable=["summary"], searchable={"summary": "en", "group": None})
    s3vectors.put_vectors(
        **names,
        vectors=[vector(key, row, summary=text, group=group) for key, (row, text, group) in DOCUMENTS.items()],
    )
    return names


def found(s3vectors, names, **query):
    return [hit["key"] for hit in s3vectors.query_vectors(**names, **{"topK": 10, **query})["vectors"]]


def statuses(client, names):
    configuration = client.get_index(**names)["index"].get("metadataConfiguration", {})
    return {one["metadataKey"]: one["status"] for one in configuration.get("textSearchConfigurations", [])}


# Queries


def test_text_search_finds_what_matches_one_word_best_first(s3vectors, documents):
    assert found(s3vectors, documents, queryTexts=texts("gzip files")) == ["gzip", "zlib", "csv"]
    # English: stop words match nothing, a plural is its singular; another case is the same word.
    assert found(s3vectors, documents, queryTexts=texts("the FILE")) == ["gzip", "csv"]
    assert found(s3vectors, documents, queryTexts=texts("and with the")) == []
    assert found(s3vectors, documents, queryTexts=texts("!?")) == []
    assert found(s3vectors, documents, queryTexts=texts("gzip files"), topK=1) == ["gzip"]
    # The standard analyzer of the other key knows no plural.
    assert found(s3vectors, documents, queryTexts=texts("archive", "group")) == []
    assert found(s3vectors, documents, queryTexts=texts("Formats", "group")) == ["csv", "json"]


def test_text_scores(s3vectors, documents):
    query = {**documents, "topK": 10, "queryTexts": [*texts("csv"), *texts("formats", "group")]}
    answer = s3vectors.query_vectors(**query, returnScores=True, returnDistance=True)
    # Four vectors have a summary, of 4, 3, 4 and 3 terms without stop words; all five have a group of one term.
    of_csv = math.log(1 + 3.5 / 1.5) * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 4 / 3.5))
    of_group = math.log(1 + 3.5 / 2.5)
    by_group = {"metadataKey": "group", "score": pytest.approx(of_group, rel=1e-6)}
    by_summary = {"metadataKey": "summary", "score": pytest.approx(of_csv, rel=1e-6)}
    assert answer["vectors"] == [
        {"key": "csv", "scores": {"bm25Scores": [by_summary, by_group]}},
        {"key": "json", "scores": {"bm25Scores": [by_group]}},
    ]
    assert answer["distanceMetric"] == "cosine"
    plain = s3vectors.query_vectors(**query, returnMetadata=True)["vectors"]
    assert plain[1] == {"key": "json", "metadata": {"summary": "Encode and decode JSON", "group": "formats"}}


def test_hybrid_search_fuses_two_rankings(s3vectors, documents):
    query = {
        **documents,
        "topK": 3,
        "queryVector": {"float32": [0, 1]},  # csv, json, zlib
        "queryTexts": texts("gzip files"),  # gzip, zlib, csv
    }
    answer = s3vectors.query_vectors(**query, returnScores=True, returnDistance=True)
    fused = {"csv": 1 / 61 + 1 / 63, "zlib": 1 / 63 + 1 / 62, "gzip": 1 / 61, "json": 1 / 62}
    hits = answer["vectors"]
    assert [hit["key"] for hit in hits] == ["csv", "zlib", "gzip"]
    assert [hit["scores"]["fused"] for hit in hits] == pytest.approx([fused[hit["key"]] for hit in hits], rel=1e-6)
    assert set(hits[0]) == {"key", "distance", "scores"}
    assert hits[0]["distance"] == hits[0]["scores"]["vectorDistance"] == 0
    assert [score["metadataKey"] for score in hits[0]["scores"]["bm25Scores"]] == ["summary"]
    # Not among the three nearest: the vector search did not find it.
    assert set(hits[2]) == {"key", "scores"}
    assert set(hits[2]["scores"]) == {"fused", "bm25Scores"}
    # Without a match in the text there is no BM25 score.
    answer = s3vectors.query_vectors(**{**query, "topK": 5}, returnScores=True)
    last = next(hit for hit in answer["vectors"] if hit["key"] == "json")
    assert set(last["scores"]) == {"fused", "vectorDistance"}
    assert {"distance", "metadata"}.isdisjoint(last)


def test_scores_are_not_added_to_a_vector_search(s3vectors, documents):
    answer = s3vectors.query_vectors(**documents, topK=1, queryVector={"float32": [1, 0]}, returnScores=True)
    assert answer["vectors"] == [{"key": "gzip"}]


def test_a_filter_narrows_both_searches(s3vectors, documents):
    only = {"filter": {"group": "formats"}}
    assert found(s3vectors, documents, queryTexts=texts("gzip files"), **only) == ["csv"]
    # Before the best are taken: one result, and it is the best of the group.
    assert found(s3vectors, documents, queryTexts=texts("gzip files"), topK=1, **only) == ["csv"]
    both = {"queryTexts": texts("gzip files"), "queryVector": {"float32": [1, 0]}}
    assert found(s3vectors, documents, **both, **only) == ["csv", "json"]


def test_writes_are_searchable_at_once(s3vectors, documents):
    s3vectors.put_vectors(**documents, vectors=[vector("csv", [0, 1], summary="Parquet"), vector("new", [1, 1], n=1)])
    assert found(s3vectors, documents, queryTexts=texts("files")) == ["gzip"]
    assert found(s3vectors, documents, queryTexts=texts("parquet")) == ["csv"]
    s3vectors.put_vectors(**documents, vectors=[vector("new", [1, 1], summary=["some", "parquet files", 3])])
    assert found(s3vectors, documents, queryTexts=texts("parquet")) == ["csv", "new"]
    assert found(s3vectors, documents, queryTexts=texts("3")) == []
    s3vectors.delete_vectors(**documents, keys=["csv", "gzip", "absent"])
    assert found(s3vectors, documents, queryTexts=texts("parquet file gzip")) == ["new", "zlib"]


@pytest.mark.parametrize("hybrid", [False, True])
def test_pages_make_one_ranking(s3vectors, make_index, hybrid):
    names = make_index(searchable=["words"])
    keys = [str(n) for n in range(430)]
    for start in range(0, 430, 215):
        s3vectors.put_vectors(
            **names,
            vectors=[
                vector(key, [1, int(key)], words="word " * (1 + int(key) % 7) + "x" * (int(key) % 2))
                for key in keys[start : start + 215]
            ],
        )
    query = {**names, "topK": 320, "queryTexts": texts("word", "words"), "returnScores": True}
    if hybrid:
        query["queryVector"] = {"float32": [1, 0]}
    pages = []
    for page in s3vectors.get_paginator("query_vectors").paginate(**query):
        pages.append(page["vectors"])
        s3vectors.put_vectors(**names, vectors=[vector("late", [1, 0], words="word")])
    assert [len(page) for page in pages] == [100, 100, 100, 20]
    hits = [hit for page in pages for hit in page]
    assert len({hit["key"] for hit in hits}) == 320
    scores = [hit["scores"]["fused" if hybrid else "bm25Scores"] for hit in hits]
    ranking = scores if hybrid else [score[0]["score"] for score in scores]
    assert ranking == sorted(ranking, reverse=True)


def test_a_token_belongs_to_its_texts(s3vectors, make_index, refused):
    names = make_index(searchable=["words", "more"])
    s3vectors.put_vectors(**names, vectors=[vector(str(n), [1, n], words="a b", more="a") for n in range(150)])
    query = {**names, "topK": 150, "queryTexts": texts("a", "words")}
    token = s3vectors.query_vectors(**query)["nextToken"]
    for change in (texts("b", "words"), texts("a", "more"), [*texts("a", "words"), *texts("a", "more")]):
        message = refused("query_vectors", **{**query, "queryTexts": change}, nextToken=token)[2]
        assert message.startswith("The nextToken belongs to another query")
    assert len(s3vectors.query_vectors(**query, nextToken=token, returnScores=True)["vectors"]) == 50


@pytest.mark.parametrize(
    ("query_texts", "message", "path"),
    [
        ([], "Value with length 0 at '/queryTexts' failed", "/queryTexts"),
        ([{"text": "x", "metadataKey": str(n)} for n in range(11)], "Value with length 11", "/queryTexts"),
        ("x", "Member must be a list", "/queryTexts"),
        (["x"], "Member must be a structure", "/queryTexts/0"),
        ([{"metadataKey": "summary"}], "'/text' failed to satisfy constraint: Member must not be null", "/text"),
        ([{"text": "x"}], "'/metadataKey' failed to satisfy constraint: Member must not be null", "/metadataKey"),
        (texts(""), "Value with length 0 at '/text'", "/text"),
        (texts("x" * 1025), "Value with length 1025 at '/text'", "/text"),
        (texts(5), "Member must be a string", "/text"),
        (texts("x", "k" * 64), "Value with length 64 at '/metadataKey'", "/metadataKey"),
        (texts("secret", "other"), "'other' is not configured for full-text search", "/queryTexts/0"),
        (texts("secret") * 2, "'summary' is given twice", "/queryTexts"),
    ],
)
def test_texts_that_cannot_be(emulator, documents, query_texts, message, path):
    status, headers, body = emulator.request(
        "POST", "/QueryVectors", {**documents, "topK": 1, "queryTexts": query_texts}
    )
    assert (status, headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert message in body["message"]
    assert body["fieldList"][0]["path"] == path
    assert "secret" not in json.dumps(body)  # the model calls a QueryText sensitive


def test_the_longest_text_and_ten_keys(s3vectors, make_index):
    keys = [f"k{n}" for n in range(10)]
    names = make_index(searchable=keys)
    s3vectors.put_vectors(**names, vectors=[vector("a", [1, 0], **dict.fromkeys(keys, "ä" * 10))])
    query_texts = [{"text": ("ä" * 10).ljust(1024), "metadataKey": key} for key in keys]
    answer = s3vectors.query_vectors(**names, topK=10_000, queryTexts=query_texts, returnScores=True)
    assert [score["metadataKey"] for score in answer["vectors"][0]["scores"]["bm25Scores"]] == keys


# Configuring


def test_an_index_shows_what_it_was_made_with(s3vectors, make_index):
    names = make_index(non_filterable=["summary"], searchable={"summary": "ja", "title": None})
    assert s3vectors.get_index(**names)["index"]["metadataConfiguration"] == {
        "nonFilterableMetadataKeys": ["summary"],
        "textSearchConfigurations": [
            {"metadataKey": "summary", "language": "ja", "status": "ACTIVE"},
            {"metadataKey": "title", "status": "ACTIVE"},
        ],
    }


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """An emulator whose backfills take long enough to be watched."""
    running = Running(
        tmp_path_factory.mktemp("slow") / "state",
        "--no-preload",
        environment={"VECTORDB_EMULATOR_BACKFILL_SECONDS": str(SLOW_BACKFILL)},
    )
    yield running
    running.end()
    assert "Traceback" not in running.errors.read_text(), running.errors.read_text()


def test_an_added_key_is_building_and_then_finds_what_was_stored_before(slow, name):
    client = slow.client("s3vectors")
    client.create_vector_bucket(vectorBucketName=name)
    names = {"vectorBucketName": name, "indexName": "index"}
    arn = client.create_index(**names, dataType="float32", dimension=2, distanceMetric="cosine")["indexArn"]
    client.put_vectors(**names, vectors=[vector(str(n), [1, n], body=f"old number{n}") for n in range(300)])
    add = {"textSearchConfigurations": [{"metadataKey": "body", "language": "en"}]}
    assert client.update_metadata_configuration(**names, add=add)["indexArn"] == arn
    assert client.get_index(**names)["index"]["metadataConfiguration"] == {
        "textSearchConfigurations": [{"metadataKey": "body", "language": "en", "status": "BUILDING"}]
    }
    with pytest.raises(client.exceptions.ValidationException, match="of the metadata key 'body' is still BUILDING"):
        client.query_vectors(**names, topK=1, queryTexts=texts("old", "body"))
    # A vector search is answered, and what is written meanwhile is there as well.
    assert len(found(client, names, queryVector={"float32": [1, 0]})) == 10
    client.put_vectors(**names, vectors=[vector("7", [1, 0], body="new"), vector("late", [1, 0], body="late")])
    client.delete_vectors(**names, keys=["8"])
    eventually(lambda: statuses(client, names) == {"body": "ACTIVE"})
    assert found(client, names, queryTexts=texts("number299", "body")) == ["299"]
    assert found(client, names, queryTexts=texts("number7 number8", "body")) == []
    assert found(client, names, queryTexts=texts("new late", "body")) == ["7", "late"]

    delete = {"textSearchConfigurations": [{"metadataKey": "body"}]}
    client.update_metadata_configuration(indexArn=arn, delete=delete)
    assert "metadataConfiguration" not in client.get_index(**names)["index"]
    with pytest.raises(client.exceptions.ValidationException, match="'body' is not configured"):
        client.query_vectors(**names, topK=1, queryTexts=texts("old", "body"))


def test_keys_come_and_go(s3vectors, make_index, refused):
    names = make_index(searchable={"a": "en", "b": None})
    update = s3vectors.update_metadata_configuration
    s3vectors.put_vectors(**names, vectors=[vector("x", [1, 0], a="files")])
    assert found(s3vectors, names, queryTexts=texts("file", "a")) == ["x"]
    update(**names, delete={"textSearchConfigurations": [{"metadataKey": "a"}]})
    assert statuses(s3vectors, names) == {"b": "ACTIVE"}
    update(**names, add={"textSearchConfigurations": [{"metadataKey": "a"}, {"metadataKey": "c", "language": "zh"}]})
    eventually(lambda: statuses(s3vectors, names) == {"b": "ACTIVE", "a": "ACTIVE", "c": "ACTIVE"})
    # Another language reads it in another way.
    assert found(s3vectors, names, queryTexts=texts("file", "a")) == []
    assert found(s3vectors, names, queryTexts=texts("files", "a")) == ["x"]
    update(**names, add={"textSearchConfigurations": []})
    seven = [{"metadataKey": str(n)} for n in range(7)]
    update(**names, add={"textSearchConfigurations": seven})
    code, status, message, path = refused(
        "update_metadata_configuration", **names, add={"textSearchConfigurations": [{"metadataKey": "eleventh"}]}
    )
    assert (code, status, path) == ("ValidationException", 400, "/add/textSearchConfigurations")
    assert message == "An index has at most 10 text search configurations, not 11"
    code, status, message, _ = refused(
        "update_metadata_configuration",
        **names,
        add={"textSearchConfigurations": [{"metadataKey": "b", "language": "en"}]},
    )
    assert (code, status) == ("ConflictException", 409)
    assert message == "The metadata key 'b' has a text search configuration already"
    assert len(statuses(s3vectors, names)) == 10


@pytest.mark.parametrize(
    ("parameters", "message", "path"),
    [
        ({}, "Must specify either add or delete but not both", "/add"),
        (
            {
                "add": {"textSearchConfigurations": [{"metadataKey": "x"}]},
                "delete": {"textSearchConfigurations": [{"metadataKey": "a"}]},
            },
            "Must specify either add or delete but not both",
            "/add",
        ),
        (
            {"add": {"textSearchConfigurations": [{"metadataKey": "x"}] * 2}},
            "'x' has more than one text search configuration",
            "/add/textSearchConfigurations",
        ),
        (
            {"add": {"textSearchConfigurations": [{"metadataKey": "x", "language": "tlh"}]}},
            "Member must satisfy enum value set: [en, fr, es, pt, it, de, nl, zh, ja, ko]",
            "/language",
        ),
        (
            {"add": {"textSearchConfigurations": [{"metadataKey": "x", "status": "DONE"}]}},
            "Member must satisfy enum value set: [ACTIVE, BUILDING]",
            "/status",
        ),
        ({"add": {"textSearchConfigurations": [{}]}}, "Member must not be null", "/metadataKey"),
        ({"add": {"textSearchConfigurations": [{"metadataKey": ""}]}}, "Value with length 0", "/metadataKey"),
        ({"add": {"textSearchConfigurations": ["x"]}}, "Member must be a structure", "/add/textSearchConfigurations/0"),
        ({"add": []}, "Member must be a structure", "/add"),
        (
            {"delete": {"textSearchConfigurations": [{"metadataKey": "a"}, {"metadataKey": "x"}]}},
            "The metadata key 'x' has no text search configuration",
            "/delete/textSearchConfigurations",
        ),
        (
            {"delete": {"textSearchConfigurations": [{"metadataKey": "a"}] * 2}},
            "A metadata key is given twice",
            "/delete/textSearchConfigurations",
        ),
        ({"delete": {"textSearchConfigurations": []}}, "Value with length 0", "/textSearchConfigurations"),
        ({"delete": {}}, "Member must not be null", "/textSearchConfigurations"),
        ({"indexName": "absent", "add": {}}, "The specified index could not be found", None),
    ],
)
def test_updates_that_cannot_be(emulator, s3vectors, make_index, parameters, message, path):
    names = make_index(searchable=["a"])
    status, headers, body = emulator.request("POST", "/UpdateMetadataConfiguration", {**names, **parameters})
    wanted = ("ValidationException", 400) if path else ("NotFoundException", 404)
    assert (headers["x-amzn-ErrorType"], status) == wanted
    assert message in body["message"]
    assert body.get("fieldList", [{}])[0].get("path") == path
    assert statuses(s3vectors, names) == {"a": "ACTIVE"}


@pytest.mark.parametrize(
    ("configurations", "message"),
    [
        ([{"metadataKey": str(n)} for n in range(11)], "Value with length 11 at '/textSearchConfigurations'"),
        ([{"metadataKey": "x"}, {"metadataKey": "x", "language": "en"}], "more than one text search configuration"),
        ([{"metadataKey": "x", "language": "EN"}], "Member must satisfy enum value set"),
    ],
)
def test_an_index_cannot_be_made_with(emulator, s3vectors, name, configurations, message):
    s3vectors.create_vector_bucket(vectorBucketName=name)
    shape = {"dataType": "float32", "dimension": 2, "distanceMetric": "cosine"}
    names = {"vectorBucketName": name, "indexName": "index"}
    status, headers, body = emulator.request(
        "POST",
        "/CreateIndex",
        {**names, **shape, "metadataConfiguration": {"textSearchConfigurations": configurations}},
    )
    assert (status, headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert message in body["message"]
    assert s3vectors.list_indexes(vectorBucketName=name)["indexes"] == []
