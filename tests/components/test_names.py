"""Names that AWS sees: within its limits whatever project and stack are called, the same every time, and each stack's own."""

from functools import cache

import pytest

from components.naming import bounded, bucket_name
from tests.components.family.stack import Stack
from tests.components.models import checks
from tests.components.models.shapes import Tally

NAMES = {
    "aws:appautoscaling/policy:Policy": None,  # beside its own target
    "aws:cloudwatch/dashboard:Dashboard": "dashboardName",
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "name",
    "aws:iam/policy:Policy": "namePrefix",
    "aws:kms/alias:Alias": "name",
    "aws:lambda/function:Function": "name",
    "aws:rds/cluster:Cluster": "clusterIdentifier",
    "aws:rds/clusterInstance:ClusterInstance": "identifier",
    "aws:rds/instance:Instance": "identifier",
    "aws:rds/proxy:Proxy": "name",
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket": "vectorBucketName",
    "aws:budgets/budget:Budget": "name",
    "aws:scheduler/schedule:Schedule": "name",
    "aws:scheduler/scheduleGroup:ScheduleGroup": "name",
    "aws:sqs/queue:Queue": "name",
}
"""Type → the property with a name that is unique in the account and region."""

KEYS = {
    "database": {
        "engine": "both", "minCapacity": 1, "proxy": True, "protect": True, "readers": 2, "readerScaling": {"max": 4},
    },
    "indexes": [{"name": "docs", "dimension": 8}],
    "observability": {"budget": 100},
    "embedding": {"models": ["amazon.titan-embed-text-v2:0"]},
}  # fmt: skip
ODD = ["a" * 100, "b" * 99 + "-", "Prod.EU_west-2", "7", "-._x_.-", "ab." * 33, "x--y", "_"]


@cache
def named(project, stack):
    """(type, name in the program) → the name that AWS sees."""
    recording = Stack(project, stack, "us-gov-west-1", KEYS).deployed()
    return recording, {
        (resource.type, resource.name): resource.inputs[NAMES[resource.type]]
        for resource in recording.resources
        if NAMES.get(resource.type)
    }


@pytest.mark.parametrize("stack", ODD)
def test_aws_takes_every_name(stack):
    # A project may be called as oddly as a stack.
    recording, _ = named(ODD[ODD.index(stack) - 1], stack)
    assert list(checks.arguments(recording, Tally())) == []


def test_every_name_that_a_program_gives_is_in_the_table():
    """A fixed name of a new type could be another stack's too."""
    recording, names = named("vectordb", "dev")
    assert {kind for kind, _ in names} == {kind for kind, key in NAMES.items() if key}
    given = {
        resource.type
        for resource in recording.resources
        for key in ("name", "identifier", "clusterIdentifier", "vectorBucketName", "dashboardName")
        if resource.type.startswith("aws:") and key in resource.inputs
    }
    # Beside the bucket, the function and the targets that they belong to.
    assert given - NAMES.keys() <= {
        "aws:lambda/alias:Alias",
        "aws:s3/vectorsIndex:VectorsIndex",
        "aws:rds/clusterInstance:ClusterInstance",
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [("dev", "prod"), ("a" * 99 + "b", "a" * 99 + "c"), ("a" * 60, "a" * 61), ("x.y", "x-y"), ("Dev", "dev")],
)
def test_two_stacks_have_no_name_in_common(one, other):
    first, second = named("vectordb", one)[1], named("vectordb", other)[1]
    assert first.keys() == second.keys()
    assert {key: name for key, name in first.items() if second[key] == name} == {}
    assert len(set(first.values())) == len(first.values())


def test_the_same_stack_has_the_same_names():
    assert named("vectordb", "dev")[1] == named.__wrapped__("vectordb", "dev")[1]


def test_two_projects_have_no_name_in_common():
    first, second = named("search", "dev")[1], named("shop", "dev")[1]
    assert {key: name for key, name in first.items() if second[key] == name} == {}


def test_a_name_that_is_cut_is_still_its_own():
    assert bounded("x" * 64, 64) == "x" * 64
    assert len(bounded("x" * 70, 64)) == 64
    assert bounded("x" * 70, 64) != bounded("x" * 69 + "y", 64)
    assert bucket_name("a-b", "123456789012", "us-east-1") == "123456789012-us-east-1-a-b"
