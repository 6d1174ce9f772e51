"""Functions that reach the database, and functions for which nobody waits."""

from typing import Any

import pytest

from isolation.rule import Resource
from tests.policy.stages import Stage, hidden, judged, stage
from tests.policy.support import UNKNOWN

__all__ = ["stage"]

_VPC, _LETTERS = "function-in-vpc", "function-dead-letters"
_INSIDE = {"vpcConfig": {"subnetIds": [UNKNOWN], "securityGroupIds": [UNKNOWN]}}
_LOST = ("deadLetterConfig", "is absent, and it is invoked asynchronously")


def _worker(database: str = "rds/cluster", name: str = "worker", **properties: Any) -> list[Resource]:
    preview = Stage("preview")
    made = preview.make(database, f"{name}-database")
    return [made, preview.make("lambda/function", name, properties, environment=made)]


@pytest.mark.parametrize("database", ["rds/cluster", "rds/instance", "rds/proxy"])
def test_a_function_that_knows_a_database_is_in_its_network(database: str) -> None:
    assert judged(_VPC, _worker(database, **_INSIDE)) == []
    found = [("worker", "vpcConfig", "is absent, and it reaches the database")]
    assert judged(_VPC, _worker(database)) == found
    assert judged(_VPC, hidden(_worker(database))) == found


@pytest.mark.parametrize("network", [{"subnetIds": [], "securityGroupIds": [UNKNOWN]}, {"subnetIds": [UNKNOWN]}])
def test_a_network_without_subnets_or_groups_is_none(network: dict[str, Any]) -> None:
    found = [("worker", "vpcConfig", "is incomplete, and it reaches the database")]
    assert judged(_VPC, _worker(vpcConfig=network)) == found


def test_what_is_unknown_may_be_a_network() -> None:
    assert judged(_VPC, _worker(vpcConfig=UNKNOWN)) == []
    assert judged(_VPC, _worker(vpcConfig={"subnetIds": UNKNOWN, "securityGroupIds": UNKNOWN})) == []


def test_a_bridge_to_other_services_stays_outside(stage: Stage) -> None:
    bridge = stage.make("lambda/function", "bridge", {"environment": {"variables": {"INDEXES": "arn"}}})
    assert judged(_VPC, [stage.make("rds/cluster", "database"), bridge]) == []


def test_an_endpoint_that_is_written_out_is_a_database_too() -> None:
    update = Stage("update")
    cluster = update.make("rds/cluster", "database", {"endpoint": "db.internal"})
    function = update.make("lambda/function", "worker", {"environment": {"variables": {"HOST": "db.internal"}}})
    assert [name for name, *_ in judged(_VPC, [cluster, function])] == ["worker"]


def test_among_many_the_one_outside_is_found() -> None:
    many = [each for n in range(50) for each in _worker(name=f"w{n}", **({} if n == 7 else _INSIDE))]
    assert [name for name, *_ in judged(_VPC, many)] == ["w7"]


# ---- dead letters


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("sns/topicSubscription", "endpoint"),
        ("cloudwatch/eventTarget", "arn"),
        ("s3/bucketNotification", "lambdaFunctions"),
        ("scheduler/schedule", "target"),
        ("cloudwatch/logSubscriptionFilter", "destinationArn"),
        ("iot/topicRule", "lambdas"),
        ("secretsmanager/secretRotation", "rotationLambdaArn"),
        ("cloudwatch/metricAlarm", "alarmActions"),
    ],
)
def test_what_invokes_without_waiting_needs_dead_letters(path: str, key: str, stage: Stage) -> None:
    function = stage.make("lambda/function", "one")
    sender = stage.make(path, "sender", **{key: function})
    assert judged(_LETTERS, [function, sender]) == [("one", *_LOST)]
    assert judged(_LETTERS, hidden([function, sender])) == [("one", *_LOST)]
    kept = stage.make("lambda/function", "one", {"deadLetterConfig": {"targetArn": UNKNOWN}})
    assert judged(_LETTERS, [kept, sender]) == []


def test_an_alias_is_its_function(stage: Stage) -> None:
    function = stage.make("lambda/function", "one")
    alias = stage.make("lambda/alias", "live", functionName=function)
    assert judged(_LETTERS, [function, alias, stage.make("cloudwatch/eventTarget", "sender", arn=alias)]) == [
        ("one", *_LOST)
    ]


def test_a_permission_for_a_service_that_does_not_wait_counts(stage: Stage) -> None:
    function = stage.make("lambda/function", "one")

    def permission(principal: str) -> Resource:
        return stage.make("lambda/permission", "may", {"principal": principal}, function=function)

    assert judged(_LETTERS, [function, permission("s3.amazonaws.com")]) == [("one", *_LOST)]
    assert judged(_LETTERS, [function, permission("apigateway.amazonaws.com")]) == []
    assert judged(_LETTERS, [function, permission(UNKNOWN)]) == []


def test_a_destination_keeps_what_failed(stage: Stage) -> None:
    function = stage.make("lambda/function", "one")
    sender = stage.make("cloudwatch/eventTarget", "sender", arn=function)
    config = {"destinationConfig": {"onFailure": {"destination": UNKNOWN}}}
    kept = stage.make("lambda/functionEventInvokeConfig", "kept", config, functionName=function)
    succeeded = {"destinationConfig": {"onSuccess": {"destination": UNKNOWN}}}
    other = stage.make("lambda/functionEventInvokeConfig", "kept", succeeded, functionName=function)
    assert judged(_LETTERS, [function, sender, kept]) == []
    assert judged(_LETTERS, [function, sender, other]) == [("one", *_LOST)]


def test_functions_for_which_somebody_waits_need_none(stage: Stage) -> None:
    function = stage.make("lambda/function", "one")
    source = stage.make("lambda/eventSourceMapping", "queue", functionName=function)
    assert judged(_LETTERS, [function, source]) == []
