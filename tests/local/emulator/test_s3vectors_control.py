"""Buckets, indexes, policies and tags through boto3."""

import datetime as dt

import pytest

ACCOUNT = "123456789012"


def test_a_bucket_and_an_index_come_back_as_they_were_made(s3vectors, name):
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234"
    encryption = {"sseType": "aws:kms", "kmsKeyArn": key}
    bucket_arn = f"arn:aws:s3vectors:us-east-1:{ACCOUNT}:bucket/{name}"
    made = s3vectors.create_vector_bucket(
        vectorBucketName=name, encryptionConfiguration=encryption, tags={"team": "search"}
    )
    assert made["vectorBucketArn"] == bucket_arn

    bucket = s3vectors.get_vector_bucket(vectorBucketArn=bucket_arn)["vectorBucket"]
    age = dt.datetime.now(dt.UTC) - bucket.pop("creationTime")
    assert abs(age) < dt.timedelta(minutes=1)
    assert bucket == {
        "vectorBucketName": name,
        "vectorBucketArn": bucket_arn,
        "encryptionConfiguration": encryption,
        "defaultIndexMode": "ENHANCED",
    }

    keys = {"nonFilterableMetadataKeys": ["text", "doc"]}
    index_arn = s3vectors.create_index(
        vectorBucketName=name,
        indexName="my.index-1",
        dataType="float32",
        dimension=4096,
        distanceMetric="euclidean",
        metadataConfiguration=keys,
    )["indexArn"]
    assert index_arn == f"{bucket_arn}/index/my.index-1"
    index = s3vectors.get_index(vectorBucketName=name, indexName="my.index-1")["index"]
    index.pop("creationTime")
    assert index == {
        "vectorBucketName": name,
        "indexName": "my.index-1",
        "indexArn": index_arn,
        "dataType": "float32",
        "dimension": 4096,
        "distanceMetric": "euclidean",
        "metadataConfiguration": keys,
        "encryptionConfiguration": encryption,
        "indexMode": "ENHANCED",
    }


def test_defaults(s3vectors, make_index):
    index = s3vectors.get_index(**make_index(dimension=1))["index"]
    assert index["encryptionConfiguration"] == {"sseType": "AES256"}
    assert "metadataConfiguration" not in index


def test_regions_are_apart(emulator, s3vectors, name):
    s3vectors.create_vector_bucket(vectorBucketName=name)
    elsewhere = emulator.client("s3vectors", region="eu-central-1")
    arn = elsewhere.create_vector_bucket(vectorBucketName=name)["vectorBucketArn"]
    assert arn == f"arn:aws:s3vectors:eu-central-1:{ACCOUNT}:bucket/{name}"
    assert [b["vectorBucketName"] for b in elsewhere.list_vector_buckets()["vectorBuckets"]] == [name]


def test_a_second_of_one_name_is_a_conflict(s3vectors, make_index, refused):
    names = make_index(dimension=3)
    code, status, message, _ = refused("create_vector_bucket", vectorBucketName=names["vectorBucketName"])
    assert (code, status, message) == (
        "ConflictException",
        409,
        "A vector bucket with the specified name already exists",
    )
    same = {**names, "dataType": "float32", "dimension": 3, "distanceMetric": "cosine"}
    assert refused("create_index", **same)[:2] == ("ConflictException", 409)
    code, _, message, _ = refused("create_index", **{**same, "dimension": 4})
    assert code == "ConflictException"
    assert message.endswith("with other settings: dimension 3, distanceMetric cosine, metadataConfiguration {}")


def test_deleting(s3vectors, make_index, refused):
    names = make_index()
    bucket = {"vectorBucketName": names["vectorBucketName"]}
    assert refused("delete_vector_bucket", **bucket)[:3] == (
        "ConflictException",
        409,
        "The specified vector bucket is not empty",
    )
    s3vectors.put_vectors(**names, vectors=[{"key": "a", "data": {"float32": [1, 2]}}])
    s3vectors.delete_index(**names)
    assert refused("get_index", **names)[:3] == ("NotFoundException", 404, "The specified index could not be found")
    assert (
        refused("put_vectors", **names, vectors=[{"key": "a", "data": {"float32": [1, 2]}}])[0] == "NotFoundException"
    )
    s3vectors.create_index(**names, dataType="float32", dimension=5, distanceMetric="cosine")
    assert s3vectors.list_vectors(**names)["vectors"] == []
    s3vectors.delete_index(**names)
    s3vectors.delete_vector_bucket(**bucket)
    assert refused("get_vector_bucket", **bucket)[:3] == (
        "NotFoundException",
        404,
        "The specified vector bucket could not be found",
    )


def test_listing_in_pages_by_prefix(s3vectors, name):
    s3vectors.create_vector_bucket(vectorBucketName=name)
    wanted = [f"a-{number:02}" for number in range(7)]
    for index in [*reversed(wanted), "b-other"]:
        s3vectors.create_index(
            vectorBucketName=name, indexName=index, dataType="float32", dimension=1, distanceMetric="cosine"
        )
    pages = list(
        s3vectors.get_paginator("list_indexes").paginate(
            vectorBucketName=name, prefix="a-", PaginationConfig={"PageSize": 3}
        )
    )
    assert [[index["indexName"] for index in page["indexes"]] for page in pages] == [
        wanted[:3],
        wanted[3:6],
        wanted[6:],
    ]
    buckets = s3vectors.list_vector_buckets(prefix=name)["vectorBuckets"]
    assert [bucket["vectorBucketName"] for bucket in buckets] == [name]


def test_policies(s3vectors, name, refused):
    s3vectors.create_vector_bucket(vectorBucketName=name)
    missing = refused("get_vector_bucket_policy", vectorBucketName=name)
    assert missing[:3] == ("NotFoundException", 404, "The specified vector bucket policy could not be found")
    s3vectors.put_vector_bucket_policy(vectorBucketName=name, policy='{"Version": "2012-10-17"}')
    assert s3vectors.get_vector_bucket_policy(vectorBucketName=name)["policy"] == '{"Version": "2012-10-17"}'
    s3vectors.delete_vector_bucket_policy(vectorBucketName=name)
    assert refused("get_vector_bucket_policy", vectorBucketName=name)[0] == "NotFoundException"


def test_tags(s3vectors, make_index, refused):
    arn = s3vectors.get_index(**make_index())["index"]["indexArn"]
    s3vectors.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    s3vectors.tag_resource(resourceArn=arn, tags={"b": "3", "c": "4"})
    s3vectors.untag_resource(resourceArn=arn, tagKeys=["a", "c"])
    assert s3vectors.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "3"}
    assert refused("list_tags_for_resource", resourceArn=arn + "x")[:2] == ("NotFoundException", 404)
    assert refused("tag_resource", resourceArn=arn, tags={str(n): "" for n in range(50)})[3] == "/tags"


@pytest.mark.parametrize(
    ("parameters", "message", "path"),
    [
        ({"vectorBucketName": "ab"}, "length 2 at '/vectorBucketName' failed", "/vectorBucketName"),
        ({"vectorBucketName": "under_score"}, "Invalid vector bucket name", "/vectorBucketName"),
        ({"vectorBucketName": "Upper"}, "Invalid vector bucket name", "/vectorBucketName"),
        ({"vectorBucketName": "dotted.name"}, "Invalid vector bucket name", "/vectorBucketName"),
        ({"vectorBucketName": "-dash"}, "Invalid vector bucket name", "/vectorBucketName"),
        (
            {"vectorBucketName": "good", "encryptionConfiguration": {"sseType": "aws:kms"}},
            "kmsKeyArn is needed for the sseType aws:kms, and for it alone",
            "/encryptionConfiguration",
        ),
    ],
)
def test_buckets_that_cannot_be(emulator, parameters, message, path):
    status, headers, body = emulator.request("POST", "/CreateVectorBucket", parameters)
    assert (status, headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert message in body["message"]
    assert body["fieldList"] == [{"path": path, "message": body["message"]}]


@pytest.mark.parametrize(
    ("change", "message", "path"),
    [
        ({"dimension": 0}, "Member must be between 1 and 4096, inclusive", "/dimension"),
        ({"dimension": 4097}, "Member must be between 1 and 4096, inclusive", "/dimension"),
        ({"dimension": None}, "Member must not be null", "/dimension"),
        ({"dimension": 1.5}, "Member must be an integer", "/dimension"),
        ({"dataType": "float64"}, "Member must satisfy enum value set: [float32]", "/dataType"),
        ({"distanceMetric": "dot"}, "Member must satisfy enum value set: [euclidean, cosine]", "/distanceMetric"),
        ({"indexName": "no_underscore"}, "Invalid index name", "/indexName"),
        ({"indexName": "x" * 64}, "length 64 at '/indexName'", "/indexName"),
        (
            {"metadataConfiguration": {"nonFilterableMetadataKeys": [str(n) for n in range(11)]}},
            "Value with length 11 at '/nonFilterableMetadataKeys' failed",
            "/nonFilterableMetadataKeys",
        ),
        (
            {"vectorBucketArn": "arn:aws:s3vectors:us-east-1:123456789012:bucket/x-y"},
            "Must specify either vectorBucketName or vectorBucketArn but not both",
            "/vectorBucketName",
        ),
    ],
)
def test_indexes_that_cannot_be(emulator, s3vectors, name, change, message, path):
    s3vectors.create_vector_bucket(vectorBucketName=name)
    good = {
        "vectorBucketName": name,
        "indexName": "good",
        "dataType": "float32",
        "dimension": 2,
        "distanceMetric": "cosine",
    }
    status, headers, body = emulator.request("POST", "/CreateIndex", {**good, **change})
    assert (status, headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert message in body["message"]
    assert body["fieldList"][0]["path"] == path


def test_an_index_is_named_in_one_way(refused, make_index):
    names = make_index()
    arn = f"arn:aws:s3vectors:us-east-1:{ACCOUNT}:bucket/{names['vectorBucketName']}/index/index"
    expected = "Must specify either indexArn or both vectorBucketName and indexName"
    for wrong in ({**names, "indexArn": arn}, {"indexName": "index"}, {}):
        assert refused("get_index", **wrong)[::2] == ("ValidationException", expected)


def test_modes(s3vectors, make_index, refused):
    names = make_index()
    s3vectors.update_index_mode(**names, indexMode="ENHANCED")
    message = "CLASSIC indexes exist in vector buckets created before 2026-09-30 only"
    assert refused("update_index_mode", **names, indexMode="CLASSIC")[2] == message
    bucket = {"vectorBucketName": names["vectorBucketName"]}
    assert refused("put_vector_bucket_default_index_mode", **bucket, defaultIndexMode="CLASSIC")[2] == message


def test_a_body_that_is_no_json_object(emulator):
    status, headers, _ = emulator.request("POST", "/GetIndex", ["list"])
    assert (status, headers["x-amzn-ErrorType"]) == (400, "SerializationException")
