"""The declared pipeline, executed: rows that are written are embedded, by tickets, by bells and by sweeps, with the roles' own permissions."""

import json
import os
import re
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.local.project import Project
from vectordb.local import connections
from vectordb.local.clients import Clients
from vectordb.local.permissions import needs, truth
from vectordb.local.permissions.invented import Invented
from vectordb.local.permissions.roles import Call, roles_of
from vectordb.local.state import Folder
from vectordb.plan import program, stack_configuration

LIBRARIES = Path(sys.prefix) / "lambda-arm64"
pytestmark = pytest.mark.skipif(not LIBRARIES.is_dir(), reason=f"{LIBRARIES} is missing: make install lays it there")

MODEL = "amazon.titan-embed-text-v2:0"
WITHIN = 40.0
EMBEDDING = {
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


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("embedding") / "project")
    made.configure(embedding=EMBEDDING)
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
    return clients._own("POST", "schedules", {"name": "vectordb-dev-sweeps-sweep", "group": "vectordb-dev-sweeps"})


@pytest.mark.parametrize("mode", ["queue", "event", "index"])
def test_a_bell_has_what_was_written_embedded(admin, mode):
    write(admin, mode)
    embedded(admin, mode)


def test_a_sweep_does_too(admin, clients):
    write(admin, "scheduled")
    assert sweep(clients) == {"delivered": True, "error": None}
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
    assert admin.execute("UPDATE embed.s3_garbage SET due_at = clock_timestamp()").rowcount == 5
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
