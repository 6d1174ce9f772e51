"""What an emulator stored, the next one has: after an orderly end, and after `kill -9` in the middle of writing."""

import signal
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

NAMES = {"vectorBucketName": "kept", "indexName": "index"}
SHAPE = {"dataType": "float32", "dimension": 16, "distanceMetric": "euclidean"}


def vectors(batch, count=25):
    return [
        {"key": f"{batch}-{n}", "data": {"float32": [batch, n] + [0.5] * 14}, "metadata": {"batch": batch}}
        for n in range(count)
    ]


def test_every_acknowledged_vector_survives_kill_9(start):
    first = start()
    client = first.client("s3vectors")
    client.create_vector_bucket(vectorBucketName="kept")
    client.create_index(**NAMES, **SHAPE)
    acknowledged = []
    deleted = []

    def write(offset):
        batch = offset
        while True:
            try:
                client.put_vectors(**NAMES, vectors=vectors(batch))
                acknowledged.append(batch)
                client.delete_vectors(**NAMES, keys=[f"{batch}-0"])
                deleted.append(batch)
            except (BotoCoreError, ClientError):
                return
            batch += 2

    writers = [threading.Thread(target=write, args=(offset,)) for offset in (0, 1)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 10
    while len(acknowledged) < 30 and time.monotonic() < deadline:
        time.sleep(0.01)
    first.kill()
    for writer in writers:
        writer.join()
    assert len(acknowledged) >= 30

    second = start(state=first.state)
    client = second.client("s3vectors")
    pages = client.get_paginator("list_vectors").paginate(**NAMES, returnData=True, returnMetadata=True)
    found = {v["key"]: (v["data"]["float32"], v["metadata"]) for page in pages for v in page["vectors"]}
    for batch in acknowledged:
        for n in range(1, 25):
            assert found[f"{batch}-{n}"] == ([batch, n] + [0.5] * 14, {"batch": batch})
    assert not {f"{batch}-0" for batch in deleted} & set(found)
    batch = acknowledged[-1]
    answer = client.query_vectors(
        **NAMES, topK=1, queryVector={"float32": [batch, 3] + [0.5] * 14}, returnDistance=True
    )
    assert answer["vectors"] == [{"key": f"{batch}-3", "distance": 0}]


def test_a_deployment_adopts_what_an_earlier_run_stored(start):
    first = start()
    client = first.client("s3vectors")
    key = "arn:aws:kms:us-east-1:123456789012:key/"
    keys = {"metadataConfiguration": {"nonFilterableMetadataKeys": ["b", "a"]}}
    client.create_vector_bucket(vectorBucketName="kept", tags={"run": "1"})
    client.put_vector_bucket_policy(vectorBucketName="kept", policy="{}")
    client.create_index(
        **NAMES, **SHAPE, **keys, encryptionConfiguration={"sseType": "aws:kms", "kmsKeyArn": key + "1"}
    )
    client.put_vectors(**NAMES, vectors=vectors(1))
    created = client.get_index(**NAMES)["index"]["creationTime"]
    first.end(signal.SIGTERM)

    second = start(state=first.state)
    client = second.client("s3vectors")
    assert client.get_vector_bucket_policy(vectorBucketName="kept")["policy"] == "{}"
    with pytest.raises(client.exceptions.ConflictException, match="with other settings: dimension 16"):
        client.create_index(**NAMES, **{**SHAPE, "dimension": 17}, **keys)
    arn = client.create_vector_bucket(vectorBucketName="kept", tags={"run": "2"})["vectorBucketArn"]
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"run": "2"}
    again = {"metadataConfiguration": {"nonFilterableMetadataKeys": ["a", "b"]}}
    encryption = {"sseType": "aws:kms", "kmsKeyArn": key + "2"}
    client.create_index(**NAMES, **SHAPE, **again, encryptionConfiguration=encryption)
    index = client.get_index(**NAMES)["index"]
    assert (index["creationTime"], index["encryptionConfiguration"]) == (created, encryption)
    assert len(client.list_vectors(**NAMES)["vectors"]) == 25
    # Once: the next one is as on AWS.
    with pytest.raises(client.exceptions.ConflictException):
        client.create_vector_bucket(vectorBucketName="kept")
    with pytest.raises(client.exceptions.ConflictException):
        client.create_index(**NAMES, **SHAPE, **keys)


def test_a_deleted_index_stays_deleted_and_leaves_no_file(start):
    first = start()
    client = first.client("s3vectors")
    client.create_vector_bucket(vectorBucketName="kept")
    client.create_index(**NAMES, **SHAPE)
    client.put_vectors(**NAMES, vectors=vectors(1))
    folder = first.state / "s3vectors"
    assert len(list(folder.glob("index-*.sqlite"))) == 1
    client.delete_index(**NAMES)
    assert sorted(path.name for path in folder.glob("*.sqlite")) == ["catalogue.sqlite"]
    (folder / "cut-short.sqlite").touch()
    first.kill()
    second = start(state=first.state)
    client = second.client("s3vectors")
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_index(**NAMES)
    assert sorted(path.name for path in folder.glob("*.sqlite")) == ["catalogue.sqlite"]
