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
    first = start("--no-preload")
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

    second = start("--no-preload", state=first.state)
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
    first = start("--no-preload")
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

    second = start("--no-preload", state=first.state)
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
    first = start("--no-preload")
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
    second = start("--no-preload", state=first.state)
    client = second.client("s3vectors")
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_index(**NAMES)
    assert sorted(path.name for path in folder.glob("*.sqlite")) == ["catalogue.sqlite"]


def statuses(client):
    configuration = client.get_index(**NAMES)["index"].get("metadataConfiguration", {})
    return {one["metadataKey"]: one["status"] for one in configuration.get("textSearchConfigurations", [])}


def test_text_configurations_survive_kill_9(start):
    """Killed while keys are added and deleted: each update is there whole or not at all, and every key finds its text."""
    first = start("--no-preload")
    client = first.client("s3vectors")
    client.create_vector_bucket(vectorBucketName="kept")
    client.create_index(**NAMES, **SHAPE)
    metadata = {key: f"text of {key}" for key in ("a", "b", "c")}
    client.put_vectors(**NAMES, vectors=[{**vector, "metadata": metadata} for vector in vectors(1)])
    states = [set(), {"a", "b"}, {"b"}, {"b", "c"}, {"c"}]
    acknowledged = []

    def update():
        adding = {2: ["a", "b"], 4: ["c"]}
        deleting = {3: ["a"], 5: ["b"], 1: ["c"]}
        turn = 2
        try:
            while True:
                verb, keys = ("add", adding[turn]) if turn in adding else ("delete", deleting[turn])
                change = {"textSearchConfigurations": [{"metadataKey": key} for key in keys]}
                client.update_metadata_configuration(**NAMES, **{verb: change})
                acknowledged.append(states[turn - 1])
                turn = turn % 5 + 1
        except (BotoCoreError, ClientError):
            return

    writer = threading.Thread(target=update)
    writer.start()
    deadline = time.monotonic() + 10
    while len(acknowledged) < 12 and time.monotonic() < deadline:
        time.sleep(0.005)
    first.kill()
    writer.join()
    assert len(acknowledged) >= 12

    second = start("--no-preload", state=first.state)
    client = second.client("s3vectors")
    now = set(statuses(client))
    last = acknowledged[-1]
    assert now in (last, states[(states.index(last) + 1) % 5])
    deadline = time.monotonic() + 5
    while "BUILDING" in statuses(client).values() and time.monotonic() < deadline:
        time.sleep(0.02)
    for key in now:
        answer = client.query_vectors(**NAMES, topK=100, queryTexts=[{"text": f"of {key}", "metadataKey": key}])
        assert len(answer["vectors"]) == 25
    assert set(statuses(client).values()) <= {"ACTIVE"}


def test_adoption_keeps_the_searchable_keys(start):
    first = start("--no-preload", environment={"VECTORDB_EMULATOR_BACKFILL_SECONDS": "3600"})
    client = first.client("s3vectors")
    client.create_vector_bucket(vectorBucketName="kept")
    made = {"metadataConfiguration": {"textSearchConfigurations": [{"metadataKey": "title", "language": "en"}]}}
    client.create_index(**NAMES, **SHAPE, **made)
    client.put_vectors(**NAMES, vectors=[{**vectors(1)[0], "metadata": {"title": "two titles", "body": "words"}}])
    client.update_metadata_configuration(**NAMES, add={"textSearchConfigurations": [{"metadataKey": "body"}]})
    first.kill()

    second = start("--no-preload", state=first.state)
    client = second.client("s3vectors")
    client.create_vector_bucket(vectorBucketName="kept")
    # A deployment that knows nothing of searchable keys is no change; a backfill that was begun goes on.
    client.create_index(**NAMES, **SHAPE)
    assert statuses(client) == {"title": "ACTIVE", "body": "BUILDING"}
    found = client.query_vectors(**NAMES, topK=9, queryTexts=[{"text": "title", "metadataKey": "title"}])["vectors"]
    assert found == [{"key": "1-0"}]
    second.kill()

    # One that brings others adds those that are new, and takes none.
    third = start("--no-preload", state=first.state)
    client = third.client("s3vectors")
    client.create_vector_bucket(vectorBucketName="kept")
    brought = [{"metadataKey": "title", "language": "fr"}, {"metadataKey": "new"}]
    client.create_index(**NAMES, **SHAPE, metadataConfiguration={"textSearchConfigurations": brought})
    assert statuses(client) == {"title": "ACTIVE", "new": "ACTIVE", "body": "BUILDING"}
    configurations = client.get_index(**NAMES)["index"]["metadataConfiguration"]["textSearchConfigurations"]
    assert {one["metadataKey"]: one.get("language") for one in configurations}["title"] == "en"
