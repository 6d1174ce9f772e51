"""Why a database keeps a person waiting."""

import dataclasses
import threading

import pytest
from botocore.stub import Stubber

from vectordb.database import aws, waking
from vectordb.database.settings import Settings

from .conftest import GOOD

CLUSTER = "arn:aws:rds:us-east-1:123456789012:cluster:vectordb-dev-database-1"
INSTANCE = "arn:aws:rds:us-east-1:123456789012:db:vectordb-dev-rds-1"


@pytest.fixture
def rds():
    client = aws.client("rds", "us-east-1")
    with Stubber(client) as stubber:
        client.stubber = stubber
        yield client
        stubber.assert_no_pending_responses()


def of(arn):
    return dataclasses.replace(Settings.from_environment(GOOD), cluster_arn=arn)


def test_a_stopped_cluster_is_told_with_how_to_start_it(rds):
    rds.stubber.add_response(
        "describe_db_clusters", {"DBClusters": [{"Status": "stopped"}]}, {"DBClusterIdentifier": CLUSTER}
    )
    assert waking.status(of(CLUSTER), client=rds) == "stopped"
    assert waking.explained(of(CLUSTER), "stopped") == (
        "the database is stopped; start it: aws rds start-db-cluster --region us-east-1 "
        "--db-cluster-identifier vectordb-dev-database-1"
    )


def test_an_instance_is_asked_for_as_one(rds):
    rds.stubber.add_response(
        "describe_db_instances",
        {"DBInstances": [{"DBInstanceStatus": "rebooting"}]},
        {"DBInstanceIdentifier": INSTANCE},
    )
    assert waking.status(of(INSTANCE), client=rds) == "rebooting"
    assert waking.explained(of(INSTANCE), "rebooting") == "the database is rebooting"


def test_whoever_may_not_ask_is_told_what_is_likely(rds):
    rds.stubber.add_client_error("describe_db_clusters", "AccessDenied", "no")
    assert waking.status(of(CLUSTER), client=rds) == ""
    assert waking.status(of("")) == ""
    assert waking.explained(of(CLUSTER), "").startswith("no answer yet; a cluster that has paused wakes up in 15 s")


def test_it_is_said_only_when_it_takes_long(rds, monkeypatch):
    monkeypatch.setattr(waking, "SAID_AFTER", 0.05)
    said, told = [], threading.Event()

    def say(line):
        said.append(line)
        told.set()

    with waking.watched(of(CLUSTER), say, client=rds):
        pass
    rds.stubber.add_response("describe_db_clusters", {"DBClusters": [{"Status": "available"}]})
    with waking.watched(of(CLUSTER), say, client=rds):
        assert told.wait(5)
    assert said == [
        "waiting: no answer yet; a cluster that has paused wakes up in 15 s, after a day's pause in 30 s or more"
    ]
