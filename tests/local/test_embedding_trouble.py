"""What happens to a pipeline on its way: deliveries that change, workers that are killed, messages that come twice, a stack that ends."""

import contextlib
import json
import os
import signal
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tests.answering import Answering
from tests.embed.model import vector
from tests.local.embedding_cases import BREAD, CAT, SCHEMA, Case, Course, documents
from tests.local.project import Project
from vectordb.local import certificates, connections
from vectordb.local.clients import Clients
from vectordb.local.state import Folder

pytestmark = pytest.mark.long

COHERE, TITAN = "cohere.embed-v4:0", "amazon.titan-embed-text-v2:0"
PIPELINE = {"models": [COHERE, TITAN], "sweepMinutes": 60}
DATABASE = {
    "engine": "aurora",
    "version": "18",
    "minCapacity": 0.5,
    "maxCapacity": 4,
    "protect": False,
    "bedrockModels": [TITAN],
}
WITHIN = 60.0


class Stack:
    """A project that runs, and what a test asks of it."""

    def __init__(self, project):
        self.project = project

    @property
    def folder(self):
        return Folder.of(self.project.folder, "dev")

    @property
    def running(self):
        return self.folder.running()

    @property
    def clients(self):
        return Clients(self.running.emulator, self.running.region, self.folder.credentials())

    def master(self):
        return connections.connect(self.running, self.folder.credentials(), admin=True)

    def sweep(self):
        asked = {"name": "vectordb-dev-sweeps-sweep", "group": "vectordb-dev-sweeps"}
        return self.clients._own("POST", "schedules", asked)

    def advance(self, seconds):
        self.clients._own("POST", "clock", {"advance": seconds})

    def workers(self):
        """Process ids of the worker function's environments."""
        named = b"AWS_LAMBDA_FUNCTION_NAME=vectordb-dev-embedder"
        found = []
        for pid, _ in self.project.processes():
            with contextlib.suppress(OSError):  # gone meanwhile
                if named in Path(f"/proc/{pid}/environ").read_bytes():
                    found.append(pid)
        return found

    def up(self):
        return self.project.run("local", "up")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("trouble") / "project")
    project.configure(embedding=PIPELINE, database=DATABASE, indexes=[])
    with project.up():
        made = Stack(project)
        with made.master() as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS aws_ml CASCADE")
            connection.execute("GRANT USAGE ON SCHEMA aws_bedrock TO vectordb_owner")
            connection.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_bedrock TO vectordb_owner")
            connection.execute(f"CREATE SCHEMA {SCHEMA}")
            connection.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO vectordb_owner, vectordb_reader")
        yield made


@pytest.fixture
def master(stack):
    with stack.master() as connection:
        yield connection


def eventually(asked, what):
    until = time.monotonic() + WITHIN
    while not (found := asked()):
        assert time.monotonic() < until, f"not within {WITHIN} s: {what}"
        time.sleep(0.1)
    return found


def test_the_delivery_changes_while_rows_are_written(stack, master):
    """Through all five and back, with three writers: no error for them, and in the end everything is embedded as it is."""
    course = Course(
        master, Case("changing", "embed.deliver_event()", "embed.to_column('embedding')", TITAN), stack.sweep
    )
    course.declare()
    over, problems, written = threading.Event(), [], []

    def write(number):
        with stack.master() as connection:
            for turn in range(10_000):
                if over.is_set():
                    return
                key = number * 100_000 + turn
                try:
                    connection.execute(
                        f"INSERT INTO {course.case.table} (id, body) VALUES (%s, %s)", [key, f"note {key}"]
                    )
                    connection.execute(f"UPDATE {course.case.table} SET body = body || '!' WHERE id = %s", [key - 3])
                    connection.execute(f"DELETE FROM {course.case.table} WHERE id = %s", [key - 5])
                except psycopg.Error as error:
                    problems.append(error)
                written.append(key)

    writers = [threading.Thread(target=write, args=[number]) for number in range(1, 4)]
    for writer in writers:
        writer.start()
    for mode in (
        "queue()",
        "scheduled()",
        "sync_lambda()",
        "in_transaction()",
        "event()",
        "in_transaction()",
        "queue()",
    ):
        time.sleep(1)
        master.execute("SELECT embed.alter_vectorizer('changing', delivery => embed.deliver_" + mode + ")")
    time.sleep(1)
    over.set()
    for writer in writers:
        writer.join()
    assert problems == []
    assert len(written) > 100
    [(rows,)] = master.execute(f"SELECT count(*) FROM {course.case.table}").fetchall()
    course.settles("changing", rows)
    master.execute("SELECT embed.drop_vectorizer('changing')")


def test_a_worker_that_is_killed_loses_nothing(stack, master):
    case = Case("killed", "embed.deliver_queue()", "embed.to_table()", TITAN)
    course = Course(master, case, stack.sweep)
    course.declare()
    master.execute(
        "SELECT embed.alter_vectorizer('killed', limits => embed.limits(requests_per_minute => 6000, lease_seconds => 5))"
    )
    texts = documents()
    killed = 0
    for start in (1, 335, 669):
        part = {key: texts[key] for key in range(start, min(start + 334, 1001))}
        write(master, case, part)
        for pid in eventually(stack.workers, "a worker runs"):
            os.kill(pid, signal.SIGKILL)
            killed += 1
        # What was taken and not finished is visible again.
        stack.advance(721)
    assert killed >= 3
    course.settles("killed", len(texts))
    assert course.answers(BREAD) == 11


def write(connection, case, texts):
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {case.table} (id, body) SELECT * FROM unnest(%s::int[], %s::text[])",
            [list(texts), list(texts.values())],
        )


def test_a_ticket_that_comes_twice_or_late_finds_nothing(stack, master):
    case = Case("twice", "embed.deliver_queue()", "embed.to_table()", COHERE)
    course = Course(master, case)
    course.declare()
    master.execute(f"INSERT INTO {case.table} VALUES (1, %s), (2, 'another')", [CAT])
    course.settles("first", 2)
    queue = stack.running.outputs["queueUrl"]
    drained(stack, queue)
    before = calls(master)
    [(number,)] = master.execute("SELECT id FROM embed.vectorizer WHERE name = 'twice'").fetchall()
    for _ in range(5):
        stack.clients("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps({"vectorizer": number}))
    drained(stack, queue)
    assert calls(master) == before
    course.settles("twice", 2)


def test_what_no_bell_rang_for_is_swept(stack, master):
    """Bells are lost when the function cannot be called; nobody who writes notices."""
    case = Case("lost", "embed.deliver_event()", "embed.to_table()", COHERE)
    course = Course(master, case)
    course.declare()
    time.sleep(1.5)  # The worker who came for the declaration is gone.
    fault = {
        "service": "lambda",
        "operation": "*",
        "times": 20,
        "code": "ServiceException",
        "status": 500,
        "message": "no",
    }
    stack.clients._own("POST", "faults", fault)
    try:
        master.execute(f"INSERT INTO {case.table} VALUES (1, %s)", [CAT])
        time.sleep(1.5)
        assert course.state()[0] == 1
    finally:
        stack.clients._own("DELETE", "faults", {})
    stack.sweep()
    course.settles("lost", 1)


def test_tickets_that_fail_become_dead_letters_and_can_be_sent_again(stack, master):
    """The worker's login is taken away: tickets fail ten times, the doctor says so, and when it is back a sweep does the work."""
    case = Case("dead", "embed.deliver_queue()", "embed.to_table()", COHERE)
    course = Course(master, case, stack.sweep)
    course.declare()
    master.execute("ALTER ROLE vectordb_embedder NOLOGIN")
    master.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'vectordb_embedder'")
    queue, dead = (stack.running.outputs[name] for name in ("queueUrl", "deadLetterQueueUrl"))
    try:
        master.execute(f"INSERT INTO {case.table} VALUES (1, %s)", [CAT])
        until = time.monotonic() + WITHIN
        while not sum(counts(stack, dead)):
            assert time.monotonic() < until, counts(stack, queue)
            time.sleep(0.5)
            stack.advance(721)
        found = {
            one["name"]: one for one in json.loads(stack.project.run("doctor", "--local", "--json").stdout)["checks"]
        }
        assert found["queue"]["state"] == "failed"
        assert found["embedding-worker"]["state"] == "failed"
        assert "vectordb_embedder" in found["embedding-worker"]["remedy"], found["embedding-worker"]
    finally:
        master.execute("ALTER ROLE vectordb_embedder LOGIN")
    sqs = stack.clients("sqs")
    [message] = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=1)["Messages"]
    sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
    sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
    course.settles("dead", 1)
    sqs.purge_queue(QueueUrl=dead)


def test_a_stack_that_ends_in_a_backfill_goes_on_with_it(stack):
    case = Case("ended", "embed.deliver_event()", "embed.to_table()", TITAN)
    with stack.master() as connection:
        course = Course(connection, case)
        connection.execute(f"CREATE TABLE {case.table} (id int PRIMARY KEY, body text, opened int NOT NULL DEFAULT 0)")
        write(connection, case, documents())
        connection.execute(f"GRANT SELECT, TRIGGER ON {case.table} TO vectordb_owner")
        connection.execute(
            f"SELECT embed.create_vectorizer('ended', '{case.table}', 'body', embedding => embed.bedrock('{TITAN}', dimensions => 256), "
            "delivery => embed.deliver_event(), limits => embed.limits(requests_per_minute => 6000, lease_seconds => 10))"
        )
        eventually(lambda: course.state()[3] > 50, "the backfill is under way")
    assert stack.project.run("local", "down").returncode == 0
    started = stack.up()
    assert started.returncode == 0, started.stderr
    with stack.master() as connection:
        course = Course(connection, case, stack.sweep)
        assert 50 < course.state()[3] < 1000
        course.settles("ended", 1000)
        assert course.answers(BREAD) == 11


@pytest.fixture
def server(tmp_path):
    """A server of models behind HTTPS, with certificates of its own authority, that wants a token."""
    tls = certificates.issue(tmp_path / "tls", ["localhost"])

    def answer(headers, document):
        if headers.get("Authorization") != "Bearer of-the-models":
            return 401, {}
        texts = [text.removeprefix("passage: ").removeprefix("query: ") for text in document["input"]]
        return 200, {"data": [{"index": place, "embedding": vector(text, 8)} for place, text in enumerate(texts)]}

    served = Answering(answer, tls)
    served.ca = tls.ca.read_text()
    yield served
    served.close()


def test_a_model_of_one_s_own(stack, server):
    """From the configuration to the search, with the token that the worker's role may read and no other."""
    endpoint = {
        "origin": server.origin,
        "securityGroupId": "sg-0123456789abcdef0",
        # Without the six characters that Secrets Manager adds, which nobody knows before there is a secret.
        "token": "arn:aws:secretsmanager:us-east-1:123456789012:secret:models",
        "caCertificate": server.ca,
    }
    stack.project.configure(embedding=PIPELINE | {"endpoints": [endpoint]})
    started = stack.up()
    assert started.returncode == 0, started.stderr
    stack.clients("secretsmanager").create_secret(Name="models", SecretString='{"token": "of-the-models"}')
    with stack.master() as connection:
        connection.execute(f"CREATE TABLE {SCHEMA}.own (id int PRIMARY KEY, body text)")
        connection.execute(f"INSERT INTO {SCHEMA}.own SELECT n, 'text ' || n FROM generate_series(1, 100) AS n")
        connection.execute(f"GRANT SELECT, TRIGGER ON {SCHEMA}.own TO vectordb_owner")
        connection.execute(
            f"SELECT embed.create_vectorizer('own', '{SCHEMA}.own', 'body', delivery => embed.deliver_event(), embedding => "
            f"embed.http('{server.origin}/v1/embeddings', 'e5', 8, document_prefix => 'passage: ', query_prefix => 'query: '))"
        )
        Course(connection, Case("own", "", "")).settles("own", 100)
        found = connection.execute("SELECT key, chunk FROM embed.search_text('own', 'text 42', 1)").fetchall()
    assert found == [([42], "text 42")]
    assert {text.split()[0] for _, _, document in server.asked[:2] for text in document["input"]} == {"passage:"}
    assert server.asked[-1][2]["input"] == ["query: text 42"]


def test_a_stack_without_its_pipeline_is_written_as_before(stack):
    """Without the worker nothing is embedded, nobody's statement fails, and what has to be done is said; with it again all is made up for."""
    cases = [
        Case("left", "embed.deliver_event()", "embed.to_table()", COHERE),
        Case("waiting", "embed.deliver_sync_lambda('enqueue')", "embed.to_column('embedding')", COHERE),
        Case("strict", "embed.deliver_sync_lambda('abort')", "embed.to_column('embedding')", COHERE),
    ]
    with stack.master() as connection:
        for case in cases:
            Course(connection, case).declare()
    stack.project.configure(embedding=None)
    refused = stack.up()
    assert refused.returncode != 0
    assert "whoever writes the tables of strict would fail" in refused.stderr
    stack.project.configure(embedding=PIPELINE)
    assert stack.up().returncode == 0
    with stack.master() as connection:
        connection.execute(f"INSERT INTO {cases[2].table} (id, body) VALUES (1, 'one')")
        connection.execute("SELECT embed.alter_vectorizer('strict', delivery => embed.deliver_sync_lambda('enqueue'))")
    stack.project.configure(embedding=None)
    done = stack.up()
    assert done.returncode == 0, done.stderr
    assert "SQL calls no worker any more" in done.stderr
    with stack.master() as connection:
        for case in cases:
            connection.execute(f"INSERT INTO {case.table} (id, body) VALUES (2, %s)", [CAT])
            connection.execute(f"UPDATE {case.table} SET body = body || '.' WHERE id = 2")
            assert Course(connection, case).state()[0] == 1
    assert "embedding-worker" in json.loads(stack.project.run("doctor", "--local", "--json").stdout)["not_declared"]
    stack.project.configure(embedding=PIPELINE)
    assert stack.up().returncode == 0
    with stack.master() as connection:
        for case, rows in zip(cases, (1, 1, 2), strict=True):
            Course(connection, case, stack.sweep).settles("again", rows)


def calls(connection):
    """Of models, as recorded so far."""
    return connection.execute("SELECT coalesce(sum(calls), 0) FROM embed.run_stats").fetchone()[0]


def drained(stack, url):
    """Wait until no message is left; those that killed workers had taken come back after their visibility timeout."""

    def empty():
        if counts(stack, url) == (0, 0):
            return True
        stack.advance(721)
        return False

    eventually(empty, "the queue is empty")


def counts(stack, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = stack.clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return tuple(int(found[name]) for name in names)
