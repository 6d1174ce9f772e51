"""The pipeline's checks against answers of the database and of AWS that are made up."""

from types import SimpleNamespace

import psycopg
import pytest

from vectordb.doctor.checks import embedding, services

ARN = "arn:aws:lambda:us-east-1:123456789012:function:vectordb-dev-embedder:live"
SCHEDULE = "arn:aws:scheduler:us-east-1:123456789012:schedule/vectordb-dev-sweeps/vectordb-dev-sweeps-sweep"
OUTPUTS = {"workerArn": ARN, "embedding": {"functionArn": ARN, "queue": True, "vectorizers": []}, "sweepArn": SCHEDULE}
WELL = ("docs", "live", "active", "event", 3, 0, "", "", 0, 0, 0, 0, "")
"""As the check asks: name, generation's state, state, delivery, pending, dead, reason, circuit, minutes, differing, lost, partitions, problem."""


class Answering:
    """A session that answers each statement in turn."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.asked = []

    def execute(self, _statement, values=None):
        self.asked.append(values)
        rows = self._answers.pop(0)
        if isinstance(rows, Exception):
            raise rows
        return SimpleNamespace(fetchone=lambda: rows[0], fetchall=lambda: rows)


@pytest.fixture
def context(make_context, monkeypatch):
    def make(*answers):
        made = make_context(outputs=OUTPUTS)
        monkeypatch.setattr(made, "sql", lambda: Answering(*answers))
        return made

    return make


def test_a_worker_that_answers(context):
    found = embedding.worker(context([(True, None, None, 512)]))
    assert (found.state.value, found.detail) == (
        "ok",
        "vectordb-dev-embedder:live answered in 512 ms, and gets into the database",
    )


def test_a_worker_that_does_not(context):
    found = embedding.worker(context([(False, "no worker function is configured", "SELECT embed.configure(…)", 1)]))
    assert (found.state.value, found.detail, found.remedy) == (
        "failed",
        "no worker function is configured",
        "SELECT embed.configure(…)",
    )


@pytest.mark.parametrize("check", [embedding.worker, embedding.vectorizers])
def test_a_database_that_knows_nothing_of_embeddings(context, check):
    found = check(context(psycopg.errors.InvalidSchemaName()))
    assert (found.state.value, found.detail) == ("failed", "the database's SQL is older than this checkout")


def test_where_sql_calls_nobody_there_is_nothing_to_ask(make_context):
    told = {**OUTPUTS, "embedding": {"functionArn": "", "queue": False, "vectorizers": []}}
    assert embedding.calls_nobody(make_context(outputs=told).subject) == (
        "SQL calls no worker (vectordb:embedding calls is false)"
    )
    assert embedding.calls_nobody(make_context(outputs=OUTPUTS).subject) == ""


def changed(**values):
    names = "name generation_state state delivery pending dead reason circuit minutes differing lost unwatched problem"
    row = dict(zip(names.split(), WELL, strict=True)) | values
    return tuple(row.values())


@pytest.mark.parametrize(
    ("rows", "declared", "state", "detail", "remedy"),
    [
        ([], [], "ok", "none is declared", ""),
        ([WELL, changed(name="notes")], [], "ok", "docs, notes: 6 waiting", ""),
        (
            [WELL, changed(name="notes", circuit="AccessDeniedException: no")],
            [("other", "waiting", "")],
            "failed",
            "notes stands still: AccessDeniedException: no",
            "Mend that; SELECT embed.resume('notes'); goes on at once.",
        ),
        (
            [changed(dead=2, reason="poison: Unfit")],
            [],
            "warning",
            "docs has 2 dead rows: poison: Unfit",
            "Mend that, then: SELECT embed.retry_dead('docs');",
        ),
        ([changed(minutes=59)], [], "ok", "docs: 3 waiting", ""),
        (
            [changed(minutes=60)],
            [],
            "warning",
            "docs (event) has 3 waiting, the oldest for 60 min",
            "`vectordb embed status --watch` shows whether it moves; embedding-worker and embedding-sweeps whether anybody comes.",
        ),
        (
            [changed(state="paused", minutes=99)],
            [],
            "warning",
            "docs is paused, 3 waiting",
            "SELECT embed.resume('docs');",
        ),
        (
            [changed(problem="the source was dropped: embed.drop_vectorizer")],
            [],
            "failed",
            "docs: the source was dropped: embed.drop_vectorizer",
            "SELECT embed.refresh('docs'); or embed.drop_vectorizer('docs').",
        ),
        (
            [changed(differing=1, lost=2)],
            [],
            "warning",
            "docs differed from its table in 3 rows when it was last reconciled",
            "embed.reconcile('docs', repair => true) enqueues them.",
        ),
        (
            [changed(unwatched=1)],
            [],
            "warning",
            "1 partitions of docs have no trigger",
            "SELECT embed.refresh('docs');",
        ),
        (
            [WELL],
            [("notes", "waiting", 'relation "notes" does not exist.')],
            "warning",
            'notes is declared and waiting: relation "notes" does not exist.',
            "Afterwards: SELECT * FROM embed.apply_declared();",
        ),
    ],
)
def test_how_the_vectorizers_are(context, rows, declared, state, detail, remedy):
    found = embedding.vectorizers(context(rows, declared))
    assert (found.state.value, found.detail, found.remedy) == (state, detail, remedy)


def scheduled(amazon, answer):
    asked = {"GroupName": "vectordb-dev-sweeps", "Name": "vectordb-dev-sweeps-sweep"}
    amazon.answers("scheduler", "get_schedule", answer, asked)


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("ENABLED", ("ok", "vectordb-dev-sweeps-sweep, rate(1 minute)")),
        ("DISABLED", ("failed", "vectordb-dev-sweeps-sweep is disabled: nothing sweeps")),
    ],
)
def test_the_schedule(amazon, make_context, state, found):
    scheduled(amazon, {"State": state, "ScheduleExpression": "rate(1 minute)"})
    finding = embedding.sweeps(make_context(outputs=OUTPUTS))
    assert (finding.state.value, finding.detail) == found


def mapped(amazon, *mappings):
    amazon.answers(
        "lambda", "list_event_source_mappings", {"EventSourceMappings": list(mappings)}, {"FunctionName": ARN}
    )


@pytest.mark.parametrize(
    ("mappings", "state", "detail"),
    [
        ([{"State": "Enabled", "LastProcessingResult": "OK"}], "ok", "0 waiting, 0 under way, 0 dead"),
        ([{"State": "Enabled"}], "ok", "0 waiting, 0 under way, 0 dead"),
        ([], "failed", "0 waiting, 0 under way, 0 dead; nothing takes messages from it to the worker"),
        (
            [{"State": "Disabled"}],
            "failed",
            "0 waiting, 0 under way, 0 dead; what takes its messages to the worker is disabled",
        ),
        (
            [{"State": "Enabled", "LastProcessingResult": "PROBLEM: Function call failed"}],
            "failed",
            "0 waiting, 0 under way, 0 dead; PROBLEM: Function call failed",
        ),
    ],
)
def test_the_queue_is_read_by_the_worker(amazon, make_context, mappings, state, detail):
    for _ in range(2):
        counts = {"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0"}
        amazon.answers("sqs", "get_queue_attributes", {"Attributes": counts})
    mapped(amazon, *mappings)
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/tickets"
    outputs = {**OUTPUTS, "queueUrl": url, "deadLetterQueueUrl": f"{url}-dead"}
    found = services.queue(make_context(outputs=outputs))
    assert (found.state.value, found.detail) == (state, detail)
