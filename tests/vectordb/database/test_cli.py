"""`vectordb migrate` as it is run: by a shell, against the TLS front, with a secret from an endpoint."""

import contextlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vectordb.database import sqlfiles

from .conftest import GOOD, MASTER, PASSWORD

RUN = (sys.executable, "-m", "vectordb", "migrate")
TIMED = """
import os, sys, time
from pathlib import Path
from vectordb.database.run import Run
from vectordb.database.settings import Settings
clock = time.process_time if os.getloadavg()[0] > (os.cpu_count() or 1) else time.perf_counter
begun = clock()
Run.prepare(Settings.from_environment(os.environ), Path(sys.argv[1]), timeout=20).apply()
print(clock() - begun)
"""
ACTIVE = "select query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"


@pytest.fixture(scope="module")
def secrets_manager():
    """Answers GetSecretValue and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = self.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue" and asked == {
                "SecretId": GOOD["VECTORDB_SECRET_ARN"]
            }
            answer = (
                {"SecretString": json.dumps({"username": MASTER, "password": PASSWORD})}
                if known
                else {"__type": "ResourceNotFoundException"}
            )
            body = json.dumps(answer).encode()
            self.send_response(200 if known else 400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def environment(front, database, secrets_manager):
    port, ca = front
    return os.environ | GOOD | {
        "VECTORDB_DATABASE": database.name,
        "VECTORDB_HOSTADDR": "127.0.0.1",
        "VECTORDB_HOSTADDR_PORT": str(port),
        "VECTORDB_CA_BUNDLE": str(ca),
        "AWS_ENDPOINT_URL": secrets_manager,
    }  # fmt: skip


@pytest.fixture
def migrate(environment, database):
    def call(*arguments, **extra):
        return subprocess.run(
            [*RUN, *arguments, "--sql", str(database.folder)],
            env=environment | extra, capture_output=True, text=True, timeout=30,
        )  # fmt: skip

    return call


def test_plan_check_apply_check(migrate, database):
    database.write("versioned/001_t.sql", "create table t (x text); insert into t values (:{master})")
    planned = migrate("plan")
    assert (planned.returncode, planned.stdout) == (
        0,
        "versioned/001_t.sql  new\n1 to apply, 0 unchanged, 0 edited after they were applied\n",
    )
    checked = migrate("check", "--json")
    assert checked.returncode == 1
    assert json.loads(checked.stdout) == {
        "pending": [{"file": "versioned/001_t.sql", "why": "new"}],
        "unchanged": 0,
        "edited": [],
        "missing": [],
    }
    applied = migrate("apply", VECTORDB_SQL_SHA256=sqlfiles.digest(database.folder))
    assert applied.returncode == 0
    summary = json.loads(applied.stdout)
    assert {**summary, "duration_ms": 0} == {
        "applied": ["versioned/001_t.sql"],
        "unchanged": 0,
        "versions": {"plpgsql": "1.0"},
        "duration_ms": 0,
    }
    first, second = applied.stderr.splitlines()
    assert first == "transport: direct (VECTORDB_HOSTADDR is 127.0.0.1)"
    assert second.startswith("applied versioned/001_t.sql (")
    assert migrate("check").returncode == 0
    assert database.rows("select x from t") == [(MASTER,)]


def test_a_service_of_another_shell_does_not_count(migrate, database):
    """As `vectordb connect --service` leaves it in a shell that outlives it."""
    database.write("versioned/001_t.sql", "create table t ()")
    gone = migrate("apply", PGSERVICE="vectordb", PGSERVICEFILE=str(database.folder / "gone.conf"))
    assert (gone.returncode, database.ledger()) == (0, ["versioned/001_t.sql"]), gone.stderr


def test_an_edited_file_and_a_digest_of_other_files(migrate, database):
    path = database.write("versioned/001_t.sql", "create table t ()")
    database.apply()
    path.write_text("create table t (x int)")
    planned = migrate("check", VECTORDB_SQL_SHA256="0" * 64)
    assert planned.returncode == 1
    assert "+create table t (x int)" in planned.stdout.splitlines()
    assert (
        f"warning: {database.folder} has changed since the program looked at it; what is there now is applied"
        in planned.stderr
    )
    applied = migrate("apply")
    assert (applied.returncode, applied.stdout) == (2, "")
    assert "was changed after it had been applied" in applied.stderr
    assert "into a new file with the next number" in applied.stderr


def test_a_failure_is_told_on_standard_error_and_nothing_secret_anywhere(migrate, database):
    database.write("versioned/001_t.sql", "select\n  nope")
    failed = migrate("apply")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert f'{database.folder}/versioned/001_t.sql:2:3: ERROR 42703: column "nope" does not exist' in failed.stderr
    assert PASSWORD not in failed.stderr
    unknown = migrate("apply", VECTORDB_SECRET_ARN="arn:aws:secretsmanager:us-east-1:123456789012:secret:other")
    assert unknown.returncode == 2
    assert (
        "there is no secret arn:aws:secretsmanager:us-east-1:123456789012:secret:other in us-east-1" in unknown.stderr
    )
    assert migrate("apply", VECTORDB_HOST="").stderr.startswith("Error: VECTORDB_HOST is not set")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_at_once_and_leaves_nothing(environment, database, number, code):
    database.write("versioned/001_t.sql", "create table t (); select pg_sleep(600)")
    with subprocess.Popen(
        [*RUN, "apply", "--sql", str(database.folder)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        while ("create table t (); select pg_sleep(600)",) not in database.rows(ACTIVE):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        started = time.monotonic()
        process.send_signal(number)
        said = process.communicate(timeout=10)
        assert time.monotonic() - started < 3
    assert (process.returncode, said[0]) == (code, "")
    assert (
        said[1].splitlines()[-1]
        == f"interrupted by {number.name}: the file under way was rolled back; apply again to continue"
    )
    deadline = time.monotonic() + 2
    while database.rows(ACTIVE) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert database.rows(ACTIVE) == []
    assert database.rows("select to_regclass('t')") == [(None,)]


def spent():
    """Processor time of the children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.long
def test_an_unchanged_apply_is_quick(environment, database):
    """0.9 s as a process, 0.3 s after the imports. Of the best of a few runs; on a machine that is busy, of processor time."""
    for number in range(1, 20):
        database.write(f"versioned/{number:03d}_t.sql", f"create table t{number} (x int)")
    database.apply()
    command = [*RUN, "apply", "--sql", str(database.folder)]
    whole, after_imports = [], []
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    for _ in range(5):
        started = spent() if busy else time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        whole.append((spent() if busy else time.monotonic()) - started)
        summary = json.loads(done.stdout)
        assert (summary["applied"], summary["unchanged"]) == ([], 19)
        timed = subprocess.run(
            [sys.executable, "-c", TIMED, str(database.folder)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        after_imports.append(float(timed.stdout))
    sys.stdout.write(f"as a process {sorted(whole)}, after the imports {sorted(after_imports)}\n")
    assert min(whole) <= 0.9
    assert min(after_imports) <= 0.3


def test_an_unchanged_apply_goes_to_the_database_and_back_ten_times_at_most(environment, database):
    """Counted on the wire, handshakes included: each time that the client speaks after the server has."""
    database.write("versioned/001_t.sql", "create table t (x int)")
    database.apply()
    turns = []
    relay = Relay(int(environment["VECTORDB_HOSTADDR_PORT"]), turns)
    done = subprocess.run(
        [*RUN, "apply", "--sql", str(database.folder)],
        env=environment | {"VECTORDB_HOSTADDR_PORT": str(relay.port)}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    relay.close()
    assert (done.returncode, json.loads(done.stdout)["unchanged"]) == (0, 1)
    # TLS asked for, TLS, start, two messages of SCRAM, ledger, extensions; one to spare for a server that asks again.
    assert 6 <= len(turns) <= 10


class Relay:
    """Passes one connection on and notes each turn of the client."""

    def __init__(self, target, turns):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(target, turns), daemon=True)
        self._thread.start()

    def _run(self, target, turns):
        client, _ = self._listener.accept()
        # The end of one side may come as a reset.
        with client, socket.create_connection(("127.0.0.1", target)) as server, contextlib.suppress(ConnectionError):
            answered = True
            while True:
                for readable in select.select([client, server], [], [])[0]:
                    data = readable.recv(1 << 16)
                    if not data:
                        return
                    if readable is client:
                        turns += ["client"] if answered else []
                        server.sendall(data)
                    else:
                        client.sendall(data)
                    answered = readable is server

    def close(self):
        self._thread.join(5)
        self._listener.close()


def test_help_imports_neither_the_driver_nor_aws():
    code = "import sys; import vectordb.cli.migrate; print(sorted({'psycopg', 'botocore', 'boto3', 'pulumi'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_help_has_examples_and_the_variables():
    shown = subprocess.run([*RUN, "apply", "--help"], capture_output=True, text=True, check=True).stdout
    assert "vectordb migrate apply --sql sql --timeout 60" in " ".join(shown.split())
    assert "VECTORDB_HOSTADDR" in shown
