"""Facts that a cluster says for its instances, or an instance for itself."""

from typing import Any

import pytest

from isolation.rule import Resource
from tests.policy.stages import Stage, hidden, judged, stage
from tests.policy.support import UNKNOWN

__all__ = ["stage"]

_MONITORING, _INSIGHTS = "database-enhanced-monitoring", "database-insights-enabled"
_INTERVAL, _ENABLED = "monitoringInterval", "performanceInsightsEnabled"
_ON: dict[str, Any] = {_INTERVAL: 60, _ENABLED: True}
_RULES = pytest.mark.parametrize(
    ("rule", "key", "absent"),
    [
        (_MONITORING, _INTERVAL, "is absent, and 0 by default"),
        (_INSIGHTS, _ENABLED, "is absent, and false by default"),
    ],
)


def _cluster(
    stage: Stage,
    of_cluster: dict[str, Any] | None = None,
    of_instance: dict[str, Any] | None = None,
    prefix: str = "db",
) -> list[Resource]:
    cluster = stage.make("rds/cluster", prefix, of_cluster)
    return [cluster, stage.make("rds/clusterInstance", f"{prefix}-writer", of_instance, clusterIdentifier=cluster)]


@_RULES
def test_a_cluster_says_it_for_its_instances(rule: str, key: str, absent: str, stage: Stage) -> None:
    assert judged(rule, _cluster(stage, _ON)) == []
    assert judged(rule, _cluster(stage, None, _ON)) == []
    assert judged(rule, hidden(_cluster(stage, _ON))) == []


@_RULES
def test_where_nobody_says_it_is_found(rule: str, key: str, absent: str, stage: Stage) -> None:
    assert judged(rule, _cluster(stage)) == [("db-writer", key, absent)]
    assert judged(rule, hidden(_cluster(stage))) == [("db-writer", key, absent)]
    assert judged(rule, [stage.make("rds/instance", "alone")]) == [("alone", key, absent)]
    assert judged(rule, [stage.make("rds/cluster", "multi-az", {"dbClusterInstanceClass": "db.m6gd.large"})]) == [
        ("multi-az", key, absent)
    ]


def test_an_instance_that_contradicts_its_cluster_is_found(stage: Stage) -> None:
    assert judged(_MONITORING, _cluster(stage, _ON, {_INTERVAL: 0})) == [("db-writer", _INTERVAL, "is 0")]
    assert judged(_INSIGHTS, _cluster(stage, _ON, {_ENABLED: False})) == [("db-writer", _ENABLED, "is false, not true")]


@_RULES
def test_what_is_unknown_may_be_it(rule: str, key: str, absent: str, stage: Stage) -> None:
    assert judged(rule, _cluster(stage, {key: UNKNOWN})) == []
    assert judged(rule, _cluster(stage, None, {key: UNKNOWN})) == []


@_RULES
def test_a_stack_for_trials_may_do_without(rule: str, key: str, absent: str, stage: Stage) -> None:
    assert judged(rule, _cluster(stage), required=False) == []


@_RULES
def test_among_many_the_one_is_found(rule: str, key: str, absent: str, stage: Stage) -> None:
    many = [each for n in range(50) for each in _cluster(stage, None if n == 7 else _ON, prefix=f"db{n}")]
    assert judged(rule, many) == [("db7-writer", key, absent)]


def test_advanced_insights_are_insights(stage: Stage) -> None:
    assert judged(_INSIGHTS, _cluster(stage, {"databaseInsightsMode": "advanced"})) == []
    assert judged(_INSIGHTS, _cluster(stage, {"databaseInsightsMode": "standard"})) != []
