"""The stack on this machine, end to end: what a new user sees, what is promised of failures, what is left behind."""

import fnmatch
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import psycopg
import pytest

from tests.local import documented
from tests.local.project import Project
from vectordb.local import connections
from vectordb.local.clients import Clients
from vectordb.local.databases import master_password
from vectordb.local.example import answers
from vectordb.local.example.embedding import as_text, embed
from vectordb.local.handlers import HANDLERS
from vectordb.local.state import Folder
from vectordb.processes import alive


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("a folder") / "with spaces")
    yield made
    made.run("local", "down")
    assert made.processes() == []


@pytest.fixture(scope="module")
def tour(project):
    """The stack, up, with the example loaded; what the command printed."""
    project.accept()
    done = project.run("local", "up", "--tour")
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(project, tour):
    return Folder.of(project.folder, "dev")


@pytest.fixture
def app(folder):
    with connections.connect(folder.running(), folder.credentials()) as connection:
        yield connection


@pytest.fixture
def admin(folder):
    with connections.connect(folder.running(), folder.credentials(), admin=True) as connection:
        yield connection


def test_the_question_is_answered_three_ways_with_times(tour):
    parts = [part for part in tour.stdout.split("\n\n") if re.search(r": [\d.]+ ms", part)]
    titles = [part.splitlines()[0] for part in parts]
    assert [re.sub(r": [\d.]+ ms", "", title) for title in titles] == [
        "pgvector, in the database",
        "Amazon S3 Vectors, through s3vl.query_vectors",
        "Both: vectors from S3 Vectors, joined and filtered in SQL (functions only)",
    ]
    for part in parts:
        hits = part.splitlines()[1:]
        assert len(hits) == 5
        assert all(re.search(r" (gzip|zlib|bz2|lzma|zipfile)\.", hit) for hit in hits), part


def test_what_has_no_stand_in_is_listed(project, tour):
    _, found, listed = tour.stderr.partition("Recorded and checked by the policies, not executed here:\n")
    assert found
    lines = dict(line.split(maxsplit=1) for line in listed.splitlines() if line.startswith("  "))
    assert {"Vpc", "Subnet ×2", "SecurityGroup ×5", "NetworkAcl", "FlowLog"} <= set(lines["network"].split(", "))
    assert {"ssm Document", "InstanceProfile"} <= set(lines["access"].split(", "))
    assert "SubnetGroup" in lines["databases"].split(", ")
    assert not set(project.status()["recorded"]) & set(HANDLERS)


def test_a_second_up_starts_nothing(project, tour):
    before = project.status()
    started = time.monotonic()
    done = project.run("local", "up")
    assert time.monotonic() - started < 10
    assert "(it was running)" in done.stderr
    assert project.status() == before


def test_psql_s_environment_is_enough_for_any_libpq_client(project, tour):
    environment = project.environment()
    assert "PGPASSWORD" not in environment
    assert "AWS_PROFILE" not in environment
    assert Path(environment["PGPASSFILE"]).stat().st_mode & 0o777 == 0o600
    code = "import psycopg; print(psycopg.connect().execute('select count(*) > 4000, current_user from stdlib.entries').fetchone())"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(True, 'vectordb_app')", done.stderr


def test_without_tls_nobody_gets_in(project, tour):
    code = "import psycopg; psycopg.connect(sslmode='disable')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=project.environment(), capture_output=True, text=True, check=False
    )
    assert (
        'no pg_hba.conf entry for host "127.0.0.1", user "vectordb_app", database "vectordb", no encryption'
        in done.stderr
    )


def test_the_certificate_is_the_endpoint_s_own(folder):
    running = folder.running().primary
    assert re.fullmatch(r"[a-z][a-z0-9-]+\.cluster-\w+\.us-east-1\.rds\.amazonaws\.com", running.host)
    with pytest.raises(psycopg.OperationalError, match="localhost"):
        psycopg.connect(
            host="localhost", port=running.port, user="vectordb_app", dbname="vectordb", sslmode="verify-full",
            sslrootcert=running.certificate,
        )  # fmt: skip


def test_a_wrong_password_is_no_token(folder):
    running = folder.running().primary
    with pytest.raises(psycopg.OperationalError, match='PAM authentication failed for user "vectordb_app"'):
        psycopg.connect(
            host=running.host, hostaddr="127.0.0.1", port=running.port, user="vectordb_app", password="guess",
            dbname="vectordb", sslmode="verify-full", sslrootcert=running.certificate,
        )  # fmt: skip


def test_the_master_is_no_superuser_and_its_password_is_in_the_secret(folder, admin):
    assert admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
    running = folder.running()
    client = Clients(running.emulator, running.region, folder.credentials())("secretsmanager")
    secret = json.loads(client.get_secret_value(SecretId=running.primary.secret_arn)["SecretString"])
    assert secret == {"username": "vectordb_admin", "password": master_password(folder.credentials(), "database")}
    # The password above is what `admin` logged in with; another database would have another one.
    assert secret["password"] != master_password(folder.credentials(), "rds")


def test_an_sdk_needs_nothing_but_the_environment(project, tour):
    environment = project.environment()
    code = "import boto3; print([b['vectorBucketName'] for b in boto3.client('s3vectors').list_vector_buckets()['vectorBuckets']])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "['123456789012-us-east-1-vectordb-dev']", done.stderr


@pytest.fixture(scope="module")
def questions(folder):
    """Each question with its vector."""
    running = folder.running()
    bedrock = Clients(running.emulator, running.region, folder.credentials())("bedrock-runtime")
    listed = tomllib.loads((Path(__file__).parent / "questions.toml").read_text())["question"]
    assert len(listed) == 20
    return [(q["text"], q["expected"], as_text(embed(bedrock, q["text"]))) for q in listed]


@pytest.mark.parametrize("statement", [answers.PGVECTOR, answers.S3_VECTORS], ids=["pgvector", "s3vectors"])
def test_eight_of_ten_questions_are_answered_within_ten_hits(app, questions, statement):
    missed = []
    for text, expected, vector in questions:
        hits = [hit.entry for hit in answers.ask(app, statement, vector, top=10).hits]
        if not any(fnmatch.fnmatchcase(hit, pattern) for hit in hits for pattern in expected):
            missed.append((text, hits))
    assert len(missed) <= 4, missed


@pytest.mark.parametrize("statement", [answers.PGVECTOR, answers.S3_VECTORS], ids=["pgvector", "s3vectors"])
def test_both_stores_find_what_exact_search_finds(app, questions, statement):
    found = 0
    for _, _, vector in questions:
        with app.transaction():
            app.execute("SET LOCAL enable_indexscan = off")
            exact = {hit.entry for hit in answers.ask(app, answers.PGVECTOR, vector, top=10).hits}
        found += len(exact & {hit.entry for hit in answers.ask(app, statement, vector, top=10).hits})
    assert found / (10 * len(questions)) >= 0.95


def test_pgvector_answers_from_its_index(app, questions):
    plan = "\n".join(
        row[0]
        for row in app.execute(
            "EXPLAIN SELECT id FROM stdlib.entries ORDER BY embedding <=> %s::vector LIMIT 5", [questions[0][2]]
        )
    )
    assert "Index Scan using entries_embedding" in plan


def test_every_example_of_the_search_page_runs_and_prints_what_it_says(app):
    """To the letter on the Python whose documentation the page was written from."""
    for state, statement, expected in documented.blocks("search-in-sql.md"):
        if state:
            with pytest.raises(psycopg.Error) as caught:
                app.execute(statement)
            said = caught.value.diag
            assert (said.sqlstate, f"ERROR:  {said.message_primary}\n") == (state, expected)
            continue
        cursor = app.execute(statement)
        assert cursor.rowcount > 0, statement
        if sys.version_info[:2] == (3, 11):
            assert (documented.printed(cursor) if cursor.description else "") == expected, statement


def test_the_other_pages_can_be_followed_to_their_end(app, admin):
    written = [app.execute(statement) for _, statement, _ in documented.blocks("writing-vectors.md")]
    assert written[1].fetchone()[0] > 10  # functions and methods of gzip
    assert written[2].fetchone() == (2,)
    assert app.execute("SELECT count(*) FROM s3vl.get_vectors(ARRAY['17', '4'], 'stdlib') WHERE found").fetchone() == (
        2,
    )
    searches = [app.execute(statement) for _, statement, _ in documented.blocks("combined-search.md")]
    assert [cursor.rowcount for cursor in searches] == [1, 10, pytest.approx(9, abs=1), 10, 10]  # by Python's version
    for _, statement, _ in documented.blocks("access.md"):
        admin.execute(statement)
    assert admin.execute("SELECT index_name FROM s3vl.list_indexes()").fetchall() == [("stdlib",)]
    assert admin.execute("SELECT count(*) FROM s3vl.list_grants()").fetchone() == (4,)


def test_an_index_is_under_the_key_that_is_declared(admin):
    kind, key = admin.execute("SELECT encryption, kms_key_arn FROM s3vl.describe_index('stdlib')").fetchone()
    assert (kind, key.startswith("arn:aws:kms:us-east-1:123456789012:key/")) == ("aws:kms", True)


def test_search_filters_in_either_store(project, tour):
    done = project.run(
        "search", "--local", "open a network connection", "--module", "asyncio", "--kind", "function", "--json",
        PGPASSWORD="of another database",
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert set(found) == {"pgvector", "S3 Vectors"}
    for answer in found.values():
        assert len(answer["hits"]) == 5
        assert all(hit["entry"].startswith("asyncio.") and hit["kind"] == "function" for hit in answer["hits"])


def test_search_elsewhere_than_here_says_what_to_add(project):
    done = project.run("search", "anything")
    assert (done.returncode, done.stderr.splitlines()[1]) == (2, "Next:  Add --local.")


def test_a_slow_function_is_an_error_with_its_own_sqlstate(admin):
    admin.execute("SET aws_lambda.request_timeout_ms = 1")
    admin.execute("SET ROLE vectordb_owner")
    vector = as_text([1.0, *[0.0] * 255])
    with pytest.raises(psycopg.Error) as error:
        admin.execute("SELECT * FROM s3vl.query_vectors(%s::vector, 'stdlib')", [vector])
    assert error.value.sqlstate not in (None, "XX000", "P0001")
    assert error.value.diag.message_hint


@pytest.mark.long  # test_databases.py kills a stack, too, and test_s3vectors_restart.py the emulator
def test_killed_outright_it_leaves_no_process_and_comes_back_with_its_data(project, tour, folder):
    running = project.status()
    os.kill(running["supervisor"], signal.SIGKILL)
    deadline = time.monotonic() + 10
    pids = [running["supervisor"], *running["processes"].values()]
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in pids if alive(pid)] == []
    assert project.run("local", "status").returncode == 1
    done = project.run("local", "up")
    assert done.returncode == 0, done.stderr
    with connections.connect(folder.running(), folder.credentials()) as connection:
        hit = answers.ask(connection, answers.S3_VECTORS, _any_vector(connection), top=1).hits[0]
        assert hit.distance == pytest.approx(0, abs=1e-6)


def _any_vector(connection):
    return connection.execute("SELECT embedding::text FROM stdlib.entries WHERE id = 100").fetchone()[0]


def test_down_and_up_keep_ports_and_data(project, tour, folder):
    before = project.status()
    assert project.run("local", "down").returncode == 0
    assert project.processes() == []
    assert not (folder.root / "passfile").exists()
    assert project.run("local", "up").returncode == 0
    after = project.status()
    assert (after["port"], after["emulator"], after["host"]) == (before["port"], before["emulator"], before["host"])
    s3vectors = Clients(after["emulator"], "us-east-1", folder.credentials())("s3vectors")
    keys = s3vectors.get_vectors(indexArn=after["outputs"]["indexArns"]["stdlib"], keys=["1", "4000"])["vectors"]
    assert len(keys) == 2
