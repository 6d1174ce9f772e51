"""What the component registers, in a preview and with every value known."""

import json

import pulumi
import pytest

from components.observability.notifications import publisher_statements, publishers
from components.observability.observability import Observability
from tests.components.database.harness import UNKNOWN, build
from tests.components.observability.shapes import DEV, PROD


def watched(shape, *, name="observability", **how):
    def make():
        made = Observability(name, shape)
        return {"topic": made.topic_arn, "dashboard": made.dashboard_name}

    return build(make, **how)


def unknown(shape):
    """The shape with its identifiers as outputs that only a deployment knows."""

    def output():
        return pulumi.Output.from_input(pulumi.UNKNOWN)

    return {
        **shape,
        "key_arn": output(),
        "bastion_id": output(),
        "vpc_id": output(),
        "databases": [
            {**d, "identifier": output(), **({"instance_identifiers": [output()]} if "instance_identifiers" in d else {})}
            for d in shape["databases"]
        ],
        "functions": [{**f, "function_name": output()} for f in shape["functions"]],
        "endpoints": [{**e, "endpoint_id": output()} for e in shape["endpoints"]],
    }  # fmt: skip


@pytest.fixture(scope="module")
def dev():
    return watched(DEV, known=True)


@pytest.fixture(scope="module")
def prod():
    return watched(PROD, known=True, stack="prod")


def custom(built):
    return sorted((r.type.rpartition(":")[2], r.name) for r in built.registrations if r.custom)


def test_the_small_stack(dev):
    assert custom(dev) == [
        ("Dashboard", "observability-dashboard"),
        ("EventSubscription", "observability-database-events"),
        ("MetricAlarm", "observability-bastion-status"),
        ("MetricAlarm", "observability-bridge-duration"),
        ("MetricAlarm", "observability-bridge-errors"),
        ("MetricAlarm", "observability-bridge-throttles"),
        ("MetricAlarm", "observability-database-capacity"),
        ("MetricAlarm", "observability-database-connections"),
        ("MetricAlarm", "observability-database-memory"),
        ("MetricAlarm", "observability-database-transactions"),
        ("Topic", "observability-topic"),
        ("TopicPolicy", "observability-topic"),
    ]
    assert dev.outputs == {"topic": "arn:observability-topic", "dashboard": "vectordb-dev-observability"}


def test_a_preview_has_the_same_resources():
    """Nothing of what is made depends on a value that only AWS knows."""
    for shape in (DEV, PROD):
        assert custom(watched(unknown(shape))) == custom(watched(shape, known=True))


def test_a_preview_does_not_know_the_page():
    built = watched(unknown(DEV))
    assert built.only("Dashboard").inputs == {
        "dashboardName": "vectordb-dev-observability",
        "dashboardBody": UNKNOWN,
    }
    assert built.only("MetricAlarm", "observability-bridge-errors").inputs["dimensions"] == {"FunctionName": UNKNOWN}


def test_an_alarm_in_full(dev):
    inputs = dict(dev.only("MetricAlarm", "observability-bridge-duration").inputs)
    assert inputs.pop("alarmDescription").startswith("The slowest twentieth of the calls of bridge takes more than 80%")
    assert inputs == {
        "name": "vectordb-dev-bridge-duration",
        "namespace": "AWS/Lambda",
        "metricName": "Duration",
        "dimensions": {"FunctionName": "vectordb-dev-bridge"},
        "extendedStatistic": "p95",
        "evaluateLowSampleCountPercentiles": "ignore",
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 16000,
        "period": 300,
        "evaluationPeriods": 3,
        "datapointsToAlarm": 3,
        "treatMissingData": "notBreaching",
        "alarmActions": ["arn:observability-topic"],
        "okActions": ["arn:observability-topic"],
        "tags": {"Name": "observability-bridge-duration", "Project": "vectordb", "Stack": "dev"},
    }
    errors = dev.only("MetricAlarm", "observability-bridge-errors").inputs
    assert (errors["statistic"], errors["evaluationPeriods"], errors["datapointsToAlarm"]) == ("Sum", 3, 2)
    assert "extendedStatistic" not in errors


def test_missing_data_raises_an_alarm_on_sweeps_only_and_every_alarm_tells_both_ways(prod):
    alarms = [r.inputs for r in prod.registrations if r.type.endswith(":MetricAlarm")]
    assert len(alarms) == 27
    breaching = [a["metricName"] for a in alarms if a["treatMissingData"] != "notBreaching"]
    assert breaching == ["Sweeps"]
    assert all(a["alarmActions"] == a["okActions"] == ["arn:observability-topic"] for a in alarms)


def test_the_topic_is_under_the_customer_key_and_admits_only_what_tells(dev, prod):
    assert dev.only("Topic").inputs["kmsMasterKeyId"] == "arn:key"
    source = {"StringEquals": {"aws:SourceAccount": "123456789012"}}

    def admitted(sid, service, arn):
        return {
            "Sid": sid,
            "Effect": "Allow",
            "Action": "sns:Publish",
            "Resource": "arn:observability-topic",
            "Principal": {"Service": service},
            "Condition": {**source, "ArnLike": {"aws:SourceArn": arn}},
        }

    alarms = admitted("Alarms", "cloudwatch.amazonaws.com", "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*")
    events = admitted("DatabaseEvents", "events.rds.amazonaws.com", "arn:aws:rds:eu-central-1:123456789012:*")
    budgets = admitted("Budgets", "budgets.amazonaws.com", "arn:aws:budgets::123456789012:*")
    refused = {
        "Sid": "RefuseClearText",
        "Effect": "Deny",
        "Action": "sns:Publish",
        "Resource": "arn:observability-topic",
        "Principal": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert dev.statements("TopicPolicy", "observability-topic") == [alarms, events, refused]
    assert prod.statements("TopicPolicy", "observability-topic") == [alarms, events, budgets, refused]


def test_partitions():
    china = watched({**DEV, "partition": "aws-cn", "region": "cn-north-1"}, known=True)
    sources = [
        s["Condition"]["ArnLike"]["aws:SourceArn"]
        for s in china.statements("TopicPolicy", "observability-topic")
        if s["Effect"] == "Allow"
    ]
    assert sources == [
        "arn:aws-cn:cloudwatch:cn-north-1:123456789012:alarm:*",
        "arn:aws-cn:rds:cn-north-1:123456789012:*",
    ]


def test_the_key_admits_the_same_services():
    assert publisher_statements("123456789012", publishers(notifications=False, budget=True)) == []
    assert publishers(notifications=True, budget=False) == ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"]
    assert publisher_statements("123456789012", publishers(notifications=True, budget=True)) == [
        {
            "Sid": "Publishers",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com", "budgets.amazonaws.com"]},
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }
    ]


def events(built, name):
    inputs = built.only("EventSubscription", f"observability-{name}-events").inputs
    return inputs["sourceType"], inputs["sourceIds"], inputs["eventCategories"]


def test_events_of_databases_without_the_pauses(prod):
    assert events(prod, "database") == (
        "db-cluster",
        ["vectordb-prod-database-1"],
        ["failover", "failure", "maintenance", "notification"],
    )
    assert events(prod, "database-instances") == (
        "db-instance",
        ["writer-1", "reader-1"],
        ["availability", "failure", "low storage", "maintenance", "recovery"],
    )
    assert events(prod, "rds") == (
        "db-instance",
        ["vectordb-prod-rds-1"],
        ["availability", "failover", "failure", "low storage", "maintenance", "notification", "recovery"],
    )
    subscription = prod.only("EventSubscription", "observability-rds-events")
    assert prod.waits_for(subscription, "TopicPolicy", "observability-topic")


def test_who_is_told(dev, prod):
    assert dev.names("TopicSubscription") == []
    assert prod.only("TopicSubscription").inputs == {
        "topic": "arn:observability-topic",
        "protocol": "email",
        "endpoint": "on-call@example.com",
    }


def test_a_budget_only_when_asked_for_and_only_of_this_stack(dev, prod):
    assert dev.names("Budget") == []
    budget = prod.only("Budget")
    assert {key: budget.inputs[key] for key in ("name", "budgetType", "timeUnit", "limitAmount", "limitUnit", "metrics")} == {
        "name": "vectordb-prod",
        "budgetType": "COST",
        "timeUnit": "MONTHLY",
        "limitAmount": "250.00",
        "limitUnit": "USD",
        "metrics": "UnblendedCost",
    }  # fmt: skip
    assert budget.inputs["filterExpression"] == {
        "ands": [
            {"tags": {"key": "Project", "values": ["vectordb"]}},
            {"tags": {"key": "Stack", "values": ["prod"]}},
        ]
    }
    told = [
        (n["notificationType"], n["threshold"], n["subscriberSnsTopicArns"]) for n in budget.inputs["notifications"]
    ]
    topic = ["arn:observability-topic"]
    assert told == [("ACTUAL", 80, topic), ("ACTUAL", 100, topic), ("FORECASTED", 100, topic)]
    assert prod.waits_for(budget, "TopicPolicy", "observability-topic")


def test_the_page_shows_the_alarms_that_were_made(prod):
    page = json.loads(prod.only("Dashboard").inputs["dashboardBody"])
    shown = next(w["properties"]["alarms"] for w in page["widgets"] if w["type"] == "alarm")
    assert len(shown) == 27
    assert shown[0] == "arn:observability-database-capacity"
    assert page["widgets"][0]["properties"]["markdown"].startswith("# vectordb prod\n")


def test_long_names_stay_within_the_limits():
    built = watched(PROD, known=True, project="p" * 100, stack="s.tage_" + "s" * 93)
    alarms = [r.inputs["name"] for r in built.registrations if r.type.endswith(":MetricAlarm")]
    assert len(set(alarms)) == 27
    assert max(map(len, alarms)) <= 255
    page = built.only("Dashboard").inputs["dashboardName"]
    assert len(page) <= 255
    assert set(page) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
    assert len(built.only("Budget").inputs["name"]) == 100
    assert len(built.only("Topic").inputs["displayName"]) <= 100


def test_every_resource_that_can_is_tagged():
    built = watched({**PROD, "tags": {"Team": "search"}}, known=True)
    tagged = {r.type.rpartition(":")[2] for r in built.registrations if r.custom and "tags" in r.inputs}
    assert tagged == {"Budget", "EventSubscription", "MetricAlarm", "Topic"}
    assert built.only("Topic").inputs["tags"] == {
        "Name": "observability-topic",
        "Project": "vectordb",
        "Stack": "dev",
        "Team": "search",
    }


def test_a_bastion_without_its_id_is_refused():
    shape = {key: value for key, value in DEV.items() if key != "bastion_id"}
    with pytest.raises(Exception, match="has_bastion is true; bastion_id says which instance it is"):
        watched(shape, known=True)
