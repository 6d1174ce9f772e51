"""What is refused before the service is asked, and how each refusal names its argument."""

import json

import pytest

import indexes

MAX_FLOAT32 = 3.4028234663852886e38


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query_vector": ...}, "query_vector must be an array of numbers"),
        ({"query_vector": "[1,2]"}, "query_vector must be an array of numbers"),
        ({"query_vector": []}, "query_vector must have 1 to 4096 elements, not 0"),
        ({"query_vector": [0.5] * 4097}, "query_vector must have 1 to 4096 elements, not 4097"),
        ({"query_vector": [0.5, None]}, "query_vector[1] must be a number"),
        ({"query_vector": [True]}, "query_vector[0] must be a number"),
        ({"query_vector": [0.5, "1"]}, "query_vector[1] must be a number"),
        ({"query_vector": [1.0, float("nan")]}, "query_vector[1] must be finite and fit a 32-bit float"),
        ({"query_vector": [float("nan"), 1.0]}, "query_vector[0] must be finite and fit a 32-bit float"),
        ({"query_vector": [float("inf"), float("-inf")]}, "query_vector[0] must be finite and fit a 32-bit float"),
        ({"query_vector": [0.0, -1e39]}, "query_vector[1] must be finite and fit a 32-bit float"),
        ({"query_vector": [10**400]}, "query_vector[0] must be finite and fit a 32-bit float"),
        ({"top_k": 0}, "top_k must be an integer from 1 to 10000"),
        ({"top_k": 10_001}, "top_k must be an integer from 1 to 10000"),
        ({"top_k": True}, "top_k must be an integer from 1 to 10000"),
        ({"top_k": 10.0}, "top_k must be an integer from 1 to 10000"),
        ({"received": 10}, "received must be an integer from 0 to 9"),
        ({"received": -1}, "received must be an integer from 0 to 9"),
        ({"return_metadata": None}, "return_metadata must be true or false"),
        ({"return_metadata": 1}, "return_metadata must be true or false"),
        ({"metadata_filter": []}, "metadata_filter must be an object"),
        ({"metadata_filter": "x"}, "metadata_filter must be an object"),
        ({"next_token": ""}, "next_token must be a string of 1 to 4096 characters"),
        ({"next_token": "x" * 4097}, "next_token must be a string of 1 to 4096 characters"),
        ({"next_token": "\ud800"}, "next_token must be a string of 1 to 4096 characters"),
        ({"next_token": 5}, "next_token must be a string of 1 to 4096 characters"),
        ({"index_arn": ...}, "index_arn must be the ARN of an S3 Vectors index"),
        ({"index_arn": "stdlib"}, "index_arn must be the ARN of an S3 Vectors index"),
        ({"endpoint_url": "http://169.254.169.254", "region": "x"}, None),
    ],
)
def test_query_refuses(call, stub, query, changes, message):
    error = call("query_vectors", query(**changes))
    assert error["code"] == "InvalidRequest"
    if message is None:
        assert error["message"].startswith("2 unknown argument(s); known are index_arn, ")
    else:
        assert error["message"] == message


@pytest.mark.parametrize("vector", [[MAX_FLOAT32], [-MAX_FLOAT32] * 4096, [1, 2], [0.0], [1e-45]])
def test_numbers_that_fit_go_to_the_service_as_given(call, stub, query, vector, arn):
    stub.add_response(
        "query_vectors",
        {"vectors": [], "distanceMetric": "cosine"},
        {
            "indexArn": arn,
            "queryVector": {"float32": vector},
            "topK": 10,
            "returnDistance": True,
            "returnMetadata": True,
        },
    )
    assert call("query_vectors", query(query_vector=vector)) == {"metric": "cosine", "vectors": [], "next_token": None}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (..., "keys must be an array of 1 to 10000 keys"),
        ([], "keys must be an array of 1 to 10000 keys"),
        (["k"] * 10_001, "keys must be an array of 1 to 10000 keys"),
        (["a", 5], "keys[1] must be a string of 1 to 1024 characters"),
        ([""], "keys[0] must be a string of 1 to 1024 characters"),
        (["x" * 1025], "keys[0] must be a string of 1 to 1024 characters"),
        (["ok", "\udfff"], "keys[1] is not valid Unicode"),
        (["a", "b", "a"], "keys must be distinct"),
    ],
)
def test_get_refuses(call, stub, arn, keys, message):
    arguments = {"index_arn": arn, "keys": keys, "return_data": True, "return_metadata": True}
    error = call("get_vectors", {key: value for key, value in arguments.items() if value is not ...})
    assert (error["code"], error["message"]) == ("InvalidRequest", message)


@pytest.mark.parametrize("limit", [0, 1001, None, "5", 2.0])
def test_list_refuses(call, stub, arn, limit):
    arguments = {"index_arn": arn, "max_results": limit, "return_data": False, "return_metadata": True}
    error = call("list_vectors", arguments)
    assert (error["code"], error["message"]) == ("InvalidRequest", "max_results must be an integer from 1 to 1000")


def test_an_index_outside_the_list_is_refused(call, stub, query, arn):
    error = call("query_vectors", query(index_arn=arn.replace("index/stdlib", "index/secret")))
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
def test_without_a_readable_list_nothing_is_allowed(call, query, monkeypatch, variable, message):
    if variable is None:
        monkeypatch.delenv(indexes.VARIABLE)
    else:
        monkeypatch.setenv(indexes.VARIABLE, variable)
    for operation, arguments in (("query_vectors", query()), ("availability_check", {})):
        error = call(operation, arguments)
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
def test_region_and_partition_come_from_the_index(monkeypatch, call, query, partition, region):
    """Defects 9 and 10 of the sample: one region and one partition written into the code."""
    import service

    asked = []

    class Client:
        def query_vectors(self, **parameters):
            return {"vectors": [], "distanceMetric": "euclidean"}

    monkeypatch.setattr(service.boto3, "client", lambda name, **options: asked.append((name, options)) or Client())
    arn = f"arn:{partition}:s3vectors:{region}:123456789012:bucket/b-1/index/i.1"
    monkeypatch.setenv(indexes.VARIABLE, json.dumps([arn]))
    for _ in range(3):
        assert call("query_vectors", query(index_arn=arn))["metric"] == "euclidean"
    assert [(name, options["region_name"]) for name, options in asked] == [("s3vectors", region)]  # one client, kept


def test_a_list_is_refused_as_an_index_name(call, stub, query):
    assert call("query_vectors", query(index_arn=["x"]))["code"] == "InvalidRequest"
