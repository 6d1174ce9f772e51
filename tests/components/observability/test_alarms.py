"""Alarms fit the shape: none on a metric that it has not, names that AWS takes, thresholds from sizes."""

import gzip
import json
import re
from pathlib import Path

import botocore
import pytest
from hypothesis import given, settings

from components.naming import bounded
from components.observability.alarms import alarms, bastion_alarm
from components.observability.dashboard import known_alarms
from components.observability.database_alarms import connections, database_alarms
from components.observability.instance_size import Size, default_connections, size
from tests.components.observability import documented
from tests.components.observability.shapes import DEV, PROD, shapes

GIB = 2**30


def by_name(shape):
    return {alarm.name: alarm for alarm in known_alarms(shape)}


def database(**keys):
    return {"name": "db", "kind": "rds", "identifier": "db-1", **keys}


def test_the_small_stack_has_eight():
    found = {
        name: (a.metric, a.statistic, a.comparison, a.threshold, a.period, a.periods, a.datapoints)
        for name, a in by_name(DEV).items()
    }
    above, below, least = "GreaterThanThreshold", "LessThanThreshold", "GreaterThanOrEqualToThreshold"
    assert found == {
        "database-capacity": ("ACUUtilization", "Maximum", above, 90, 60, 15, None),
        "database-memory": ("FreeableMemory", "Minimum", below, 429496730, 300, 3, None),
        "database-connections": ("DatabaseConnections", "Maximum", above, 658, 60, 5, None),
        "database-transactions": ("MaximumUsedTransactionIDs", "Maximum", above, 1_000_000_000, 300, 3, None),
        "bridge-errors": ("Errors", "Sum", least, 1, 300, 3, 2),
        "bridge-throttles": ("Throttles", "Sum", least, 1, 300, 1, None),
        "bridge-duration": ("Duration", "p95", above, 16_000, 300, 3, None),
        "bastion-status": ("StatusCheckFailed", "Maximum", least, 1, 60, 5, None),
    }


def test_a_stack_that_never_pauses_watches_its_speed_too():
    assert list(by_name(PROD)) == [
        "database-capacity",
        "database-memory",
        "database-connections",
        "database-transactions",
        "database-cache",
        "database-commit",
        "database-reads",
        "database-lag",
        "rds-cpu",
        "rds-memory",
        "rds-load",
        "rds-credits",
        "rds-connections",
        "rds-transactions",
        "rds-reads",
        "rds-storage",
        "bridge-errors",
        "bridge-throttles",
        "bridge-duration",
        "tickets-age",
        "tickets-dead",
        "embeddings-oldest",
        "embeddings-dead",
        "embeddings-circuit",
        "embeddings-problem",
        "embeddings-sweeps",
        "bastion-status",
    ]


def test_a_cluster_is_asked_for_as_a_whole_and_an_instance_by_itself():
    found = by_name(PROD)
    assert found["database-memory"].dimensions == {"DBClusterIdentifier": "vectordb-prod-database-1"}
    assert found["rds-memory"].dimensions == {"DBInstanceIdentifier": "vectordb-prod-rds-1"}
    assert found["bridge-errors"].dimensions == {"FunctionName": "vectordb-dev-bridge"}
    assert found["tickets-age"].dimensions == {"QueueName": "vectordb-prod-embed"}
    assert found["tickets-dead"].dimensions == {"QueueName": "vectordb-prod-dead"}
    assert bastion_alarm("i-9").dimensions == {"InstanceId": "i-9"}


def test_a_capacity_that_cannot_change_is_not_at_its_ceiling_but_busy():
    fixed = {"kind": "aurora", "serverless": True, "min_capacity": 8, "max_capacity": 8}
    keys = {alarm.key for alarm in database_alarms(database(**fixed))}
    assert "cpu" in keys
    assert "capacity" not in keys
    assert "capacity" in {alarm.key for alarm in database_alarms(database(**fixed | {"min_capacity": 7}))}


def test_storage_that_grows_is_reported_when_it_did_not():
    still = {a.key: a for a in database_alarms(database(allocated_storage=100))}["storage"]
    grows = {a.key: a for a in database_alarms(database(allocated_storage=100, max_allocated_storage=500))}["storage"]
    assert (still.threshold, grows.threshold) == (20 * GIB, 5 * GIB)
    assert "maxAllocatedStorage" in still.description
    assert "it stops at 500 GiB" in grows.description


def test_provisioned_clusters_have_temporary_storage_and_a_number_of_processors():
    found = {a.key: a for a in database_alarms(database(kind="aurora", instance_class="db.r7g.large"))}
    assert found["local"].threshold == round(32 * GIB * 0.1)
    assert found["load"].threshold == 2
    assert found["memory"].threshold == round(16 * GIB * 0.05)
    off = {a.key for a in database_alarms(database(kind="aurora", instance_class="db.r7g.large", insights=False))}
    assert set(found) - off == {"load"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("db.t4g.micro", Size(2, 1)),
        ("db.t3.2xlarge", Size(8, 32)),
        ("db.m6i.large", Size(2, 8)),
        ("db.r7g.xlarge", Size(4, 32)),
        ("db.r6gd.12xlarge", Size(48, 384)),
        ("db.c6gd.medium", None),
        ("db.x2g.large", None),
        ("db.r6i.2xlarge.tpc2.mem2x", None),
        ("db.t4g.nano", None),
        ("db.serverless", None),
        ("", None),
    ],
)
def test_sizes_of_classes(name, expected):
    assert size(name) == expected


@pytest.mark.parametrize(("acu", "most"), [(1, 189), (4, 823), (8, 1669), (16, 3360), (32, 5000), (128, 5000)])
def test_connections_are_those_of_the_guide(acu, most):
    assert default_connections(acu * 2) == most
    shape = database(kind="aurora", serverless=True, max_capacity=acu, min_capacity=1)
    assert connections(shape) == most
    assert connections(shape | {"min_capacity": 0}) == min(most, 2000)
    assert connections(shape | {"max_connections": 77}) == 77


def test_two_things_of_one_name_are_refused():
    function = DEV["functions"][0]
    with pytest.raises(ValueError, match=r"'bridge': each monitored thing needs a name of its own"):
        alarms([], [function, function])
    with pytest.raises(ValueError, match="'bastion'"):
        alarms([], [function | {"name": "bastion"}])


def test_a_name_that_would_not_fit_in_an_alarm_is_refused():
    with pytest.raises(ValueError, match=r"is longer than 64 characters"):
        alarms([database(name="n" * 65)])


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"db: kind is 'mysql'. Allowed: aurora, rds"):
        alarms([database(kind="mysql")])


def model():
    """CloudWatch's own model, as boto3 has it."""
    folder = Path(botocore.__file__).parent / "data/cloudwatch"
    file = max(folder.glob("*/service-2.json*"))
    return json.loads(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_text())["shapes"]


SHAPES = model()


@settings(max_examples=200, deadline=None)
@given(shapes())
def test_any_shape(shape):
    """Unique names within AWS's limit, values that the API takes, metrics that the shape has, and never a flapping one."""
    found = known_alarms(shape)
    databases = {d["identifier"]: d for d in shape["databases"]}
    names = [bounded(f"vectordb-{'s' * 100}-{alarm.name}", SHAPES["AlarmName"]["max"]) for alarm in found]
    assert len(set(names)) == len(names)
    assert len({alarm.name for alarm in found}) == len(found)
    for alarm in found:
        assert documented.wrong(alarm.namespace, alarm.metric, alarm.dimensions, databases) == ""
        assert alarm.statistic in SHAPES["Statistic"]["enum"] or re.fullmatch(r"p\d\d", alarm.statistic)
        assert alarm.comparison in SHAPES["ComparisonOperator"]["enum"]
        # Also AWS: no more than seven days, and than a day for periods below an hour.
        assert alarm.period % 60 == 0
        assert alarm.period * alarm.periods <= (604_800 if alarm.period >= 3600 else 86_400)
        assert 1 <= (alarm.datapoints or alarm.periods) <= alarm.periods
        assert alarm.threshold >= 0
        assert "-" not in alarm.key
    assert {a.target for a in found} >= {d["name"] for k in ("databases", "functions", "queues") for d in shape[k]}


def test_descriptions_say_what_to_do_and_fit():
    long = {"name": "n" * 64, "identifier": "i"}
    found = alarms(
        [
            {**long, "kind": "aurora", "serverless": True, "readers": 2, "min_capacity": 1},
            {**long, "name": "m" * 64, "kind": "rds", "instance_class": "db.t4g.small", "allocated_storage": 20},
            {**long, "name": "k" * 64, "kind": "aurora", "instance_class": "db.r7g.large"},
        ],
        PROD["functions"],
        PROD["queues"],
        "i-1",
    )
    assert len({alarm.key for alarm in found}) == 19
    for alarm in found:
        assert len(alarm.description) <= SHAPES["AlarmDescription"]["max"]
        first, *rest = re.split(r"(?<=[.:]) ", alarm.description)
        assert first
        assert rest, alarm.description
        assert "{" not in alarm.description


def test_a_cluster_that_pauses_is_not_told_to_take_a_proxy():
    pausing = by_name(DEV)["database-connections"].description
    assert pausing.endswith("bound the clients' pools, or raise maxCapacity.")
    assert by_name(PROD)["database-connections"].description.endswith("or turn on RDS Proxy.")
