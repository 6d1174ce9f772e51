"""describe_index and list_indexes: what the service says, in the bridge's words."""

import pytest

from tests.bridge_support import ARN, arguments

FULL = {
    "vectorBucketName": "vectordb-dev",
    "indexName": "stdlib",
    "indexArn": ARN,
    "creationTime": 1790000000.25,
    "dataType": "float32",
    "dimension": 1024,
    "distanceMetric": "cosine",
    "metadataConfiguration": {
        "nonFilterableMetadataKeys": ["text"],
        "textSearchConfigurations": [
            {"metadataKey": "summary", "language": "en", "status": "BUILDING"},
            {"metadataKey": "title"},
        ],
    },
    "encryptionConfiguration": {"sseType": "aws:kms", "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k"},
    "indexMode": "ENHANCED",
}


def describe(call):
    return call("describe_index", arguments("describe_index"))


def test_everything_that_the_service_says(call, wire):
    wire.reply("GetIndex", {"index": FULL})
    assert describe(call) == {
        "name": "stdlib",
        "bucket": "vectordb-dev",
        "dimension": 1024,
        "metric": "cosine",
        "data_type": "float32",
        "mode": "ENHANCED",
        "non_filterable_keys": ["text"],
        "full_text_keys": [
            {"key": "summary", "language": "en", "status": "BUILDING"},
            {"key": "title", "language": None, "status": None},
        ],
        "encryption": "aws:kms",
        "kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/k",
        "created_at": 1790000000.25,
    }
    assert wire.requests[0][3] == {"indexArn": ARN}


def test_what_the_service_may_leave_out_is_null(call, wire):
    bare = {key: value for key, value in FULL.items() if not key.endswith("Configuration") and key != "indexMode"}
    wire.reply("GetIndex", {"index": bare})
    found = describe(call)
    assert (found["mode"], found["non_filterable_keys"], found["full_text_keys"]) == (None, [], [])
    assert (found["encryption"], found["kms_key_arn"]) == (None, None)


def test_the_local_service_s_index(call, emulated):
    emulated.index(3, "euclidean", non_filterable=["text"], texts=["body"])
    found = describe(call)
    assert (found["dimension"], found["metric"], found["mode"]) == (3, "euclidean", "ENHANCED")
    assert (found["non_filterable_keys"], found["encryption"]) == (["text"], "AES256")
    assert found["full_text_keys"] == [{"key": "body", "language": "en", "status": "ACTIVE"}]


@pytest.mark.parametrize(
    "change",
    [
        {"indexArn": ARN + "x"},
        {"dimension": 0},
        {"dimension": "3"},
        {"distanceMetric": "dot"},
        {"dataType": None},
        {"creationTime": "yesterday"},
        {"metadataConfiguration": []},
        {"metadataConfiguration": {"nonFilterableMetadataKeys": "text"}},
        {"metadataConfiguration": {"textSearchConfigurations": [{"language": "en"}]}},
        {"encryptionConfiguration": "AES256"},
    ],
)
def test_a_description_that_is_none_is_an_error(call, wire, change):
    wire.reply("GetIndex", {"index": FULL | change})
    assert describe(call)["code"] == "ServiceContradiction"


def test_the_indexes_of_the_bucket(call, emulated):
    for name in ("alpha", "beta"):
        emulated.index(name=name)
    result = call("list_indexes", arguments("list_indexes"))
    assert (result["bucket"], result["next_token"]) == ("vectordb-dev", None)
    assert [index["name"] for index in result["indexes"]] == ["alpha", "beta", "stdlib"]
    assert result["indexes"][2]["arn"] == ARN
    assert emulated.called("ListIndexes") == [{"vectorBucketArn": ARN.rpartition("/index/")[0]}]


def test_a_page_of_indexes_carries_its_token(call, wire):
    wire.reply("ListIndexes", {"indexes": [FULL], "nextToken": "t2"})
    result = call("list_indexes", arguments("list_indexes", next_token="t1"))
    assert result["indexes"] == [{"name": "stdlib", "arn": ARN, "created_at": 1790000000.25}]
    assert (result["next_token"], wire.requests[0][3]["nextToken"]) == ("t2", "t1")


@pytest.mark.parametrize(
    "document", [{}, {"indexes": [None]}, {"indexes": [{"indexName": "x"}]}, {"indexes": [], "nextToken": "t1"}]
)
def test_a_page_of_indexes_that_is_none_is_an_error(call, wire, document):
    wire.reply("ListIndexes", document)
    assert call("list_indexes", arguments("list_indexes", next_token="t1"))["code"] == "ServiceContradiction"
