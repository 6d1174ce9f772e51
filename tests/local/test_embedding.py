"""The declared pipeline, executed: what is written is embedded, in every mode of delivery to every destination that it allows.

By the handlers that deploy, and with the roles' own permissions.
"""

import json
import os
import re
import select
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.local.embedding_cases import SCHEMA, Case, Course
from tests.local.embedding_searches import Searches
from tests.local.project import Project
from vectordb.local import connections
from vectordb.local.clients import Clients
from vectordb.local.permissions import needs, truth
from vectordb.local.permissions.roles import Call, roles_of
from vectordb.local.state import Folder
from vectordb.plan import program, stack_configuration
from vectordb.plan.invented import Invented

LIBRARIES = Path(sys.prefix) / "lambda-arm64"
pytestmark = pytest.mark.skipif(not LIBRARIES.is_dir(), reason=f"{LIBRARIES} is missing: make install lays it there")

MODEL, COHERE = "amazon.titan-embed-text-v2:0", "cohere.embed-v4:0"
WITHIN = 40.0
INDEXES = ("stdlib", "event-docs", "queue-docs", "cron-docs", "swept-docs", "narrow", "wide")
EMBEDDING = {
    "models": [MODEL, COHERE],
    "indexes": list(INDEXES),
    "sweepMinutes": 60,
    "vectorizers": [
        {
            "name": f"{mode}_notes",
            "source": f"notes.{mode}",
            "content": "body",
            "embedding": {"model": MODEL, "dimension": 256},
            "delivery": {"mode": mode},
            "limits": {"requestsPerMinute": 60_000},
        }
        for mode in ("queue", "scheduled", "event", "sync_lambda")
    ],
}
EMBEDDING["vectorizers"].append(
    EMBEDDING["vectorizers"][0]
    | {"name": "index_notes", "source": "notes.index", "destination": {"kind": "s3_vectors", "index": "stdlib"}}
)
ROLES = ("embedder-role", "sweeps-role")
ALWAYS = ("event_table", "queue_s3", "inside_column")
"""Of the thousand documents; all other ways and places are long tests."""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("embedding") / "project")
    made.configure(
        embedding=EMBEDDING,
        database={
            "engine": "aurora", "version": "18", "minCapacity": 0.5, "maxCapacity": 4, "protect": False, "cron": True,
            "bedrockModels": [MODEL],
        },
        indexes=[{"name": n, "dimension": 512 if n == "wide" else 256, "metric": "cosine"} for n in INDEXES],
    )  # fmt: skip
    with made.up():
        yield made


@pytest.fixture(scope="module")
def folder(project):
    return Folder.of(project.folder, "dev")


@pytest.fixture(scope="module")
def running(folder):
    return folder.running()


@pytest.fixture(scope="module")
def clients(folder, running):
    return Clients(running.emulator, running.region, folder.credentials())


@pytest.fixture(scope="module")
def admin(folder, running):
    """The master; the tables come after the deployment, and what was declared is applied then."""
    with connections.connect(running, folder.credentials(), admin=True) as connection:
        connection.execute("SET ROLE vectordb_owner")
        waiting = connection.execute("SELECT DISTINCT outcome FROM embed.declaration").fetchall()
        assert waiting == [("waiting",)]
        connection.execute("CREATE SCHEMA notes")
        for one in EMBEDDING["vectorizers"]:
            connection.execute(f"CREATE TABLE {one['source']} (id int PRIMARY KEY, body text)")
        applied = connection.execute("SELECT DISTINCT outcome, reason FROM embed.apply_declared()").fetchall()
        assert applied == [("applied", None)]
        yield connection


@pytest.fixture(scope="module")
def master(folder, running, admin):
    """The master, who has done what docs/embeddings.md says of in_transaction and of pg_cron."""
    with connections.connect(running, folder.credentials(), admin=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS aws_ml CASCADE")
        connection.execute("GRANT USAGE ON SCHEMA aws_bedrock TO vectordb_owner")
        connection.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA aws_bedrock TO vectordb_owner")
        connection.execute("CREATE EXTENSION pg_cron")
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        connection.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO vectordb_owner, vectordb_reader")
        yield connection


def write(connection, mode, rows=200):
    connection.execute(
        f"INSERT INTO notes.{mode} SELECT n, 'note ' || n || ' about ' || md5(n::text) FROM generate_series(1, %s) AS n",
        [rows],
    )


def embedded(connection, mode, rows=200):
    """Wait until every row is."""
    until = time.monotonic() + WITHIN
    asked = "SELECT pending, dead, embedded_rows, circuit FROM embed.status WHERE name = %s"
    while (state := connection.execute(asked, [f"{mode}_notes"]).fetchone()) != (0, 0, rows, None):
        if time.monotonic() > until:
            pytest.fail(f"{mode}: {state}")
        time.sleep(0.1)


def sweep(clients):
    asked = {"name": "vectordb-dev-sweeps-sweep", "group": "vectordb-dev-sweeps"}
    assert clients._own("POST", "schedules", asked) == {"delivered": True, "error": None}


@pytest.mark.parametrize("mode", ["queue", "event", "index"])
def test_a_bell_has_what_was_written_embedded(admin, mode):
    write(admin, mode)
    embedded(admin, mode)


def test_a_sweep_does_too(admin, clients):
    write(admin, "scheduled")
    sweep(clients)
    embedded(admin, "scheduled")


def test_the_writer_may_wait_for_the_worker(admin):
    write(admin, "sync_lambda", 20)
    assert admin.execute(
        "SELECT embedded_rows, pending FROM embed.status WHERE name = 'sync_lambda_notes'"
    ).fetchone() == (20, 0)


def test_a_ticket_has_one_vectorizer_s_work_done(admin, clients, running):
    admin.execute("UPDATE notes.scheduled SET body = body || '!' WHERE id <= 10")
    vectorizer = admin.execute("SELECT id FROM embed.vectorizer WHERE name = 'scheduled_notes'").fetchone()[0]
    clients("sqs").send_message(QueueUrl=running.outputs["queueUrl"], MessageBody=f'{{"vectorizer": {vectorizer}}}')
    embedded(admin, "scheduled")


def read_line(pipe):
    ready, _, _ = select.select([pipe], [], [], WITHIN)
    assert ready, "nothing was said"
    return pipe.readline()


def test_the_same_code_works_as_a_process_until_it_is_told_to_stop(project, admin):
    child = project.start("worker", "--local", "--poll", "1")
    try:
        assert read_line(child.stderr).startswith("embeds what changes in vectordb of dev")
        time.sleep(1)  # a ticket's second look is over
        admin.execute("UPDATE notes.scheduled SET body = body || '?' WHERE id <= 5")
        worked = json.loads(read_line(child.stdout))
        assert (worked["message"], worked["rows"]) == ("worked", 5)
    finally:
        child.terminate()
        output, errors = child.communicate(timeout=30)
    assert child.returncode == 0, errors
    assert json.loads(output.splitlines()[-1])["message"] == "stopped"


def test_the_commands_act_and_show_it(project, admin):
    admin.execute("GRANT USAGE ON SCHEMA notes TO vectordb_reader")
    admin.execute("GRANT SELECT ON notes.scheduled TO vectordb_reader")
    admin.execute("SELECT embed.refresh('scheduled_notes')")
    assert project.run("embed", "reconcile", "scheduled_notes", "--local").stdout.startswith("examined ")
    answered = project.run("embed", "search", "scheduled_notes", "note 7", "--local", "-k", "3", "--json")
    assert answered.returncode == 0, answered.stderr
    assert len(json.loads(answered.stdout)) == 3
    unknown = project.run("embed", "pause", "nothing", "--local")
    assert (unknown.returncode, "nothing" in unknown.stderr) == (2, True)


def test_the_command_shows_it(project, admin):
    done = project.run("embed", "status", "--local")
    assert done.returncode == 0, done.stderr
    heading, *rows = done.stdout.splitlines()
    assert heading.split()[:5] == ["vectorizer", "generation", "state", "delivery", "pending"]
    assert [row.split()[:5] for row in rows] == [
        [f"{name}_notes", "1", "live", mode, "0"]
        for name, mode in (
            ("event", "event"),
            ("index", "queue"),
            ("queue", "queue"),
            ("scheduled", "scheduled"),
            ("sync_lambda", "sync_lambda"),
        )
    ]
    found = json.loads(project.run("embed", "status", "--local", "--json").stdout)
    assert [(row["name"], row["coverage"], row["dead"]) for row in found][2] == ("queue_notes", 1, 0)


def test_the_doctor_knows_the_pipeline(project, admin, running):
    found = json.loads(project.run("doctor", "--local", "--json").stdout)
    checks = {one["name"]: (one["state"], one["detail"]) for one in found["checks"]}
    assert checks["queue"] == ("ok", "0 waiting, 0 under way, 0 dead")
    assert checks["embedding-sweeps"] == ("ok", "vectordb-dev-sweeps-sweep, rate(60 minutes)")
    assert checks["vectorizers"][0] == "ok"
    assert checks["bedrock-models"] == ("ok", f"usable: {MODEL}, {COHERE}")
    state, detail = checks["embedding-worker"]
    assert (state, detail.partition(" answered in ")[0]) == ("ok", "vectordb-dev-embedder:live")
    arn = running.outputs["workerArn"]
    for given, told in (((f"{arn}x", True), "another worker function"), ((arn, False), "the worker has a queue")):
        [(valid, problem)] = admin.execute(
            "SELECT is_valid, error_message FROM embed.validate_config(%s, %s)", given
        ).fetchall()
        assert (valid, told in problem) == (False, True)


@pytest.fixture(scope="module")
def calls(clients, admin):
    """What the worker's and the schedule's role were seen to take by code of ours; of an index, what is old goes and it is listed."""
    for mode in ("queue", "index"):
        write(admin, mode, 0)
        admin.execute(f"INSERT INTO notes.{mode} VALUES (1000, 'one more')")
        embedded(admin, mode, 201)
    admin.execute("UPDATE notes.index SET body = body || '!' WHERE id <= 5")
    embedded(admin, "index", 201)
    admin.execute("SELECT embed.reconcile('index_notes')")
    # It waits for whoever still searches with it.
    mine = "vectorizer_id = (SELECT id FROM embed.vectorizer WHERE name = 'index_notes')"
    assert admin.execute(f"UPDATE embed.s3_garbage SET due_at = clock_timestamp() WHERE {mine}").rowcount == 5
    until = time.monotonic() + WITHIN
    while not {"s3vectors:DeleteVectors", "s3vectors:ListVectors"} <= {
        a for call in clients.calls() for a in call["actions"]
    }:
        assert time.monotonic() < until, "nothing was deleted, or nothing listed"
        sweep(clients)
        time.sleep(0.5)
    return clients.calls()


def test_nobody_was_refused(calls):
    assert [call for call in calls if call["decision"] not in {"operator", "allowed"}] == []


def test_the_roles_may_what_they_need_and_nothing_else(project, calls):
    configuration = stack_configuration.read(project.folder, "dev")
    planned = [
        role for role in roles_of(program.run(configuration, Invented(configuration.region))) if role.name in ROLES
    ]
    arns = {call["role"] for call in calls if call["role"]}
    roles = [
        replace(role, arn=next(arn for arn in arns if re.search(rf"/{re.escape(role.name)}-[0-9a-f]{{7}}$", arn)))
        for role in planned
    ]
    seen = {
        Call(call["role"], action, resource)
        for call in calls
        if call["role"] in {role.arn for role in roles} and "madeBy" not in call
        for action in call["actions"]
        for resource in call["resources"]
    }
    rows = needs.generalised(seen, {role.arn: role for role in roles})
    if os.environ.get("WRITE_RECORDED_CALLS"):
        comment = needs.WORKER_CALLS.read_text(encoding="utf-8").partition("\n\n")[0].rstrip()
        needs.WORKER_CALLS.write_text(f"{comment}\n{needs.written(rows)}", encoding="utf-8")
    assert tuple(sorted(needs.read(needs.WORKER_CALLS))) == rows, (
        f"Write it anew with WRITE_RECORDED_CALLS=1:{needs.written(rows)}"
    )
    assert [str(one) for one in truth.missing(planned, (), needs.all_known())] == []
    assert [str(one) for one in truth.unneeded(planned, (), needs.all_known())] == []


@pytest.fixture
def app(folder, running):
    """Opens sessions of the everyday login."""
    return partial(connections.connect, running, folder.credentials())


def cases():
    destinations = {
        "table": "embed.to_table()",
        "halfvec": "embed.to_table(type => 'halfvec')",
        "column": "embed.to_column('embedding')",
        "s3": "embed.to_s3_vectors('{}-docs')",
    }
    deliveries = {
        "event": "embed.deliver_event()",
        "queue": "embed.deliver_queue()",
        "cron": "embed.deliver_scheduled('1 second')",
        "swept": "embed.deliver_scheduled('1 hour')",
    }
    for mode, delivery in deliveries.items():
        for kind in ("table", "column", "s3"):
            role = "vectordb_owner" if mode == "swept" else ""
            yield Case(f"{mode}_{kind}", delivery, destinations[kind].format(mode), role=role)
    for kind in ("table", "halfvec", "column"):
        yield Case(f"sync_{kind}", "embed.deliver_sync_lambda('abort', row_limit => 1000)", destinations[kind])
    delivery = "embed.deliver_in_transaction('abort', row_limit => 1000)"
    yield Case("inside_column", delivery, destinations["column"], MODEL, rows=500)


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[] if case.name in ALWAYS else [pytest.mark.long]) for case in cases()],
)
def test_a_thousand_documents(case, master, clients):
    Course(master, case, partial(sweep, clients) if case.name.startswith("swept") else None).all()


def generation(admin, name, state):
    """(number, dimension, pending, coverage), or None."""
    return admin.execute(
        "SELECT generation, dimension, pending, coverage FROM embed.status WHERE name = %s AND generation_state = %s",
        [name, state],
    ).fetchone()


@pytest.mark.parametrize("kind", ["table", pytest.param("s3", marks=pytest.mark.long)])
def test_another_model_while_people_search(master, app, kind):
    """From 256 dimensions to 512, back, and forth: each answer is whole, of one model, and nobody sees an error."""
    destination, wider = {
        "table": ("embed.to_table()", "embed.to_table()"),
        "s3": ("embed.to_s3_vectors('narrow')", "embed.to_s3_vectors('wide')"),
    }[kind]
    case = Case(f"switched_{kind}", "embed.deliver_event()", destination, rows=500)
    course = Course(master, case)
    course.declare()
    course.insert()
    with Searches(app, case.name) as searches:
        master.execute(
            f"SELECT embed.alter_vectorizer('{case.name}', embedding => embed.bedrock('{COHERE}', dimensions => 512), destination => {wider})"
        )
        until = time.monotonic() + WITHIN
        while generation(master, case.name, "building") != (2, 512, 0, 1):
            assert time.monotonic() < until, generation(master, case.name, "building")
            time.sleep(0.1)
        assert master.execute("SELECT embed.cutover(%s)", [case.name]).fetchone() == (2,)
        for number, dimension in ((1, 256), (2, 512)) * 2:
            time.sleep(0.05)
            assert master.execute("SELECT embed.rollback(%s)", [case.name]).fetchone() == (number,)
            assert generation(master, case.name, "live")[:2] == (number, dimension)
    assert searches.problems == []
    assert searches.answers >= 20
