"""A table goes out by batch inference and comes back, on the stack that the program declares, by the handler that deploys, with the roles' own permissions."""

import json
import sys
from pathlib import Path

import pytest

from tests.local.project import Project
from vectordb.local import connections
from vectordb.local.clients import Clients
from vectordb.local.state import Folder

LIBRARIES = Path(sys.prefix) / "lambda-arm64"
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not LIBRARIES.is_dir(), reason=f"{LIBRARIES} is missing: make install lays it there"),
]
MODEL = "amazon.titan-embed-text-v2:0"
ROWS = 150
SWEEP = {"name": "vectordb-dev-sweeps-sweep", "group": "vectordb-dev-sweeps"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("batch") / "project")
    vectorizer = {
        "name": "docs",
        "source": "notes.docs",
        "content": "body",
        "embedding": {"model": MODEL, "dimension": 256},
        "backfill": "batch",
    }
    made.configure(
        embedding={"models": [MODEL], "batch": True, "queue": False, "sweepMinutes": 60, "vectorizers": [vectorizer]},
        database={"engine": "aurora", "version": "18", "minCapacity": 0.5, "maxCapacity": 4, "protect": False},
        indexes=[],
    )
    with made.up():
        yield made


def test_a_table_goes_out_and_comes_back(project):
    folder = Folder.of(project.folder, "dev")
    running = folder.running()
    clients = Clients(running.emulator, running.region, folder.credentials())

    def sweep():
        assert clients._own("POST", "schedules", SWEEP) == {"delivered": True, "error": None}

    with connections.connect(running, folder.credentials(), admin=True) as connection:

        def until(state):
            for _ in range(60):
                found = connection.execute(
                    "SELECT state, imported, returned, reason FROM embed.batch_status"
                ).fetchall()
                if found and found[0][0] == state:
                    return found[0]
                connection.execute("UPDATE embed.batch_job SET look_at = now() WHERE state <> 'done'")
                sweep()
                # The emulator's job takes its time.
                clients._own("POST", "clock", {"advance": 1})
                connection.execute("SELECT pg_sleep(0.5)")
            raise AssertionError(found)

        connection.execute("SET ROLE vectordb_owner")
        connection.execute("CREATE SCHEMA notes")
        connection.execute("CREATE TABLE notes.docs (id int PRIMARY KEY, body text)")
        connection.execute(
            "INSERT INTO notes.docs SELECT n, 'note ' || n || ' about ' || md5(n::text) FROM generate_series(1, %s) AS n",
            [ROWS],
        )
        assert connection.execute("SELECT outcome, reason FROM embed.apply_declared()").fetchall() == [
            ("applied", None)
        ]
        until("running")
        connection.execute("UPDATE notes.docs SET body = 'changed meanwhile' WHERE id = 7")
        assert until("done") == ("done", ROWS - 1, 0, None)
        sweep()
        for _ in range(40):
            status = connection.execute("SELECT pending, dead, embedded_rows FROM embed.status").fetchone()
            if status == (0, 0, ROWS):
                break
            connection.execute("SELECT pg_sleep(0.5)")
        assert status == (0, 0, ROWS)
        stored = connection.execute(
            "SELECT chunk, embedding::text FROM embeddings.docs WHERE id IN (7, 8) ORDER BY id"
        ).fetchall()
        assert stored[0][0] == "changed meanwhile"
    runtime = clients("bedrock-runtime")
    body = json.dumps({"inputText": stored[1][0], "dimensions": 256, "normalize": True})
    direct = json.loads(runtime.invoke_model(modelId=MODEL, body=body)["body"].read())["embedding"]
    assert json.loads(stored[1][1]) == pytest.approx(direct, abs=1e-6)
    [bucket] = [each["Name"] for each in clients("s3").list_buckets()["Buckets"] if "embedding-batch" in each["Name"]]
    assert "Contents" not in clients("s3").list_objects_v2(Bucket=bucket)
    calls = clients._own("GET", "calls")
    made = {action for call in calls for action in call.get("actions", ())}
    assert {
        "bedrock:CreateModelInvocationJob",
        "bedrock:ListModelInvocationJobs",
        "s3:PutObject",
        "s3:GetObject",
    } <= made
    assert not [call for call in calls if call["decision"] == "denied"]
