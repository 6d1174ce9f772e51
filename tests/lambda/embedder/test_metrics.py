"""What the worker writes for CloudWatch: valid embedded metric format, bounded, and no more than there is to say."""

import json

import pytest

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
