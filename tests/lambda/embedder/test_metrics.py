"""What the worker writes for CloudWatch: valid embedded metric format, bounded, and no more than there is to say."""

import json

import pytest

from components.observability.embedding_alarms import embedding_alarms
from embedder import metrics
from embedder.database import Status, UnavailableError
from embedder.metrics import MOST_VECTORIZERS, Metrics

CALM = {"Pending": 0, "Coverage": 100, "Dead": 0, "OldestAgeSeconds": None, "RowsPerSecond": 0.0}
ILL = CALM | {"Pending": 7, "Dead": 2, "OldestAgeSeconds": 61.5, "CircuitOpen": 1, "Coverage": 12.5}


class Statuses:
    def __init__(self, *found):
        self.found, self.asked = found, 0

    def statuses(self):
        self.asked += 1
        if isinstance(self.found[0], Exception):
            raise self.found[0]
        return list(self.found)


@pytest.fixture
def written(monkeypatch, capsys):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "vectordb-dev-embedder")
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_for_each_vectorizer_and_one_for_the_sweep(written):
    Metrics().write(Statuses(Status("docs", ILL), Status("calm", CALM)), sweep=True)
    swept, calm, docs = written()
    assert swept["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "VectorDB/Embedding",
            "Dimensions": [["FunctionName"]],
            "Metrics": [{"Name": "Sweeps", "Unit": "Count"}],
        }
    ]
    assert (swept["Sweeps"], swept["FunctionName"]) == (1, "vectordb-dev-embedder")
    [directive] = docs["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["FunctionName"], ["FunctionName", "Vectorizer"]]
    assert docs["Vectorizer"] == "docs"
    named = {one["Name"]: docs[one["Name"]] for one in directive["Metrics"]}
    assert named == {"Pending": 7, "OldestAgeSeconds": 61.5, "Dead": 2, "CircuitOpen": 1, "Coverage": 12.5}
    assert {one["Name"] for one in calm["_aws"]["CloudWatchMetrics"][0]["Metrics"]} == {"Pending", "Coverage"}


def test_metrics_do_not_grow_with_the_number_of_vectorizers(written):
    Metrics().write(Statuses(*(Status(f"v{n:02}", CALM) for n in range(MOST_VECTORIZERS + 5))))
    lines = written()
    alone = [line["Vectorizer"] for line in lines if len(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]) == 2]
    assert (len(lines), alone) == (MOST_VECTORIZERS + 5, [f"v{n:02}" for n in range(MOST_VECTORIZERS)])


def test_at_most_once_a_minute_but_every_sweep_counts(written, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(metrics.time, "monotonic", lambda: now[0])
    database, kept = Statuses(Status("docs", CALM)), Metrics()
    for seconds in (0, 30, 29, 1):
        now[0] += seconds
        kept.write(database, sweep=True)
    assert database.asked == 2
    assert [line["message"] for line in written()].count("swept") == 4


def test_a_database_that_cannot_be_asked_fails_nothing(written):
    Metrics().write(Statuses(UnavailableError("57014")))
    assert [(line["level"], line["reason"]) for line in written()] == [("WARN", "57014")]


def test_nothing_outside_lambda(written, monkeypatch):
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME")
    database = Statuses(Status("docs", CALM))
    Metrics().write(database, sweep=True)
    assert (written(), database.asked) == ([], 0)


WORST = {"OldestAgeSeconds": 901.0, "Dead": 1, "CircuitOpen": 1, "Problems": 1}


def ringing(lines):
    """The alarms that ring on these lines, as CloudWatch would take metrics out of them."""
    data = {}
    for line in lines:
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                for one in directive["Metrics"]:
                    place = (directive["Namespace"], one["Name"], tuple(sorted((n, line[n]) for n in names)))
                    data.setdefault(place, []).append(line[one["Name"]])
    known = {"Maximum": max, "Sum": sum}
    compared = {
        "GreaterThanThreshold": float.__gt__,
        "GreaterThanOrEqualToThreshold": float.__ge__,
        "LessThanThreshold": float.__lt__,
    }
    rung = set()
    for alarm in embedding_alarms(
        {"function_name": "vectordb-dev-embedder", "sweep_minutes": 1, "oldest_seconds": 900}
    ):
        values = data.get((alarm.namespace, alarm.metric, tuple(sorted(alarm.dimensions.items()))))
        breaches = (
            compared[alarm.comparison](float(known[alarm.statistic](values)), alarm.threshold) if values else None
        )
        if breaches or (breaches is None and alarm.missing == "breaching"):
            rung.add(alarm.key)
    return rung


@pytest.mark.parametrize(("metric", "alarm"), [*zip(WORST, ("oldest", "dead", "circuit", "problem"), strict=True)])
def test_each_alarm_rings_on_what_the_worker_writes_and_on_nothing_else(written, metric, alarm):
    # That it is one of many, and has no metrics of its own, does not hide it.
    ill = Status("z_last", CALM | {metric: WORST[metric]})
    Metrics().write(Statuses(*(Status(f"v{n:02}", CALM) for n in range(MOST_VECTORIZERS)), ill), sweep=True)
    assert ringing(written()) == {alarm}


def test_a_worker_that_is_dead_rings_by_its_silence_alone(written):
    assert ringing(written()) == {"sweeps"}
    Metrics().write(Statuses(Status("docs", CALM)), sweep=True)
    assert ringing(written()) == set()
    Metrics().write(Statuses(Status("docs", CALM)))  # a bell was answered, and no sweep comes
    assert ringing(written()) == {"sweeps"}
