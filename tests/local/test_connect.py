"""`vectordb connect --local`: the same command, the same variables, the same TLS and tokens, against the stack on this machine."""

import json
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.local.project import Project
from vectordb.cli import shells

ASK = "import psycopg; c = psycopg.connect(); print(*c.execute('select current_user::text, 1').fetchone(), c.pgconn.ssl_in_use)"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("connect") / "a project")
    with made.up():
        yield made


@pytest.fixture
def connect(project, tmp_path):
    def run(*arguments, **environment):
        return project.run("connect", "--local", *arguments, timeout=30, TMPDIR=str(tmp_path), **environment)

    yield run
    assert list(tmp_path.glob("vectordb-connect-*")) == []


def tls_psql():
    found = shutil.which("psql")
    return found if found and shells.speaks_tls(found) else None


def test_a_program_is_connected_by_token_over_verified_tls(project, connect):
    done = connect("--", sys.executable, "-c", ASK)
    assert (done.returncode, done.stdout) == (0, "vectordb_app 1 True\n")
    host = project.status()["databases"][0]["host"]
    assert re.fullmatch(
        rf"connected to vectordb of dev as vectordb_app in \d\.\d s: {re.escape(host)} on 127\.0\.0\.1:\d+\n",
        done.stderr,
    )


@pytest.mark.skipif(not tls_psql(), reason="no psql with TLS is installed here")
def test_psql(connect):
    done = connect("--", "psql", "-Atc", "select current_user, 1")
    assert (done.returncode, done.stdout) == (0, "vectordb_app|1\n")
    failed = connect("--", "psql", "-Atc", "select nope")
    assert failed.returncode == 1


@pytest.mark.skipif(not tls_psql(), reason="no psql with TLS is installed here")
def test_no_arguments_are_needed(project, connect):
    script = "select current_user;\n\\conninfo\n"
    done = subprocess.run(
        [sys.executable, "-m", "vectordb", "connect", "--local"],
        cwd=project.folder, input=script, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "vectordb_app" in done.stdout
    assert "SSL connection (protocol: TLSv1.3" in done.stdout


def test_the_master_and_another_database_user(connect):
    admin = connect("--admin", "--", sys.executable, "-c", ASK)
    assert (admin.returncode, admin.stdout) == (0, "vectordb_admin 1 True\n")
    nobody = connect("--user", "nobody", "--", "true")
    assert nobody.returncode == 2
    assert "Check that nobody is a member of rds_iam" in nobody.stderr
    assert connect("--database", "other", "--", "true").stderr.startswith(
        "Error: The local stack 'dev' has no database"
    )


def test_a_port_that_stays(connect):
    done = connect("--port", "0", "--", sys.executable, "-c", ASK)
    port = re.search(r"127\.0\.0\.1:(\d+)", done.stderr)[1]
    taken = connect("--port", port, "--", "true")
    assert taken.returncode == 2
    assert f"port {port} on 127.0.0.1 cannot be listened on" in taken.stderr


@pytest.mark.parametrize("what", ["--print-env", "--service"])
def test_exports_for_another_shell(project, tmp_path, what):
    process = project.start("connect", "--local", what, TMPDIR=str(tmp_path))
    exports = [process.stdout.readline() for _ in range(3 if what == "--service" else 12)]
    [folder] = tmp_path.glob("vectordb-connect-*")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    asked = subprocess.run(
        ["/bin/sh", "-c", "".join(exports) + f'exec "{sys.executable}" -c "{ASK}"'],
        env={"PGPASSWORD": "of another database", "PGSSLCERT": "/nowhere"}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert asked.stdout == "vectordb_app 1 True\n", asked.stderr
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert not folder.exists()
    assert "X-Amz" not in "".join(exports) + output + errors


def test_aws_of_the_stack_is_reached_too(connect):
    program = "import botocore.session as s; print(s.get_session().create_client('s3vectors').list_vector_buckets()['vectorBuckets'] != [])"
    assert connect("--", sys.executable, "-c", program, AWS_PROFILE="production").stdout == "True\n"


def test_it_takes_less_than_a_second(connect):
    def processor_seconds():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def seconds():
        began, used = time.monotonic(), processor_seconds()
        assert connect("--", "true").returncode == 0
        return time.monotonic() - began, processor_seconds() - used

    taken = [seconds() for _ in range(4)]
    # On a machine that is busy with other things the clock says nothing; a process that waits for nothing takes what it computes, which
    # is 0.6 s, and a third more where others share the processor's cores and caches.
    assert min(wall for wall, _ in taken) < 1.0 or min(processor for _, processor in taken) < 0.9, taken


def test_a_stack_that_does_not_run(tmp_path):
    other = Project(tmp_path / "other")
    done = other.run("connect", "--local", "--", "true")
    assert done.returncode == 1
    assert "The local stack 'dev' is not running." in done.stderr
    assert "make up" in done.stderr


def test_the_stacks_own_outputs_serve_as_a_file(project, tmp_path):
    """What the local stack exports is what a deployed one does: `connect` understands it."""
    from vectordb.database import outputs

    exported = project.status()["outputs"]
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(exported))
    found = outputs.settings(json.loads(Path(file).read_text()))
    assert (found.transport, found.database, found.users) == (
        "ssm", "vectordb", '[{"access":"writer","name":"vectordb_app"}]',
    )  # fmt: skip
    assert found.session_document
    assert found.bastion_id
    assert [(index["name"], index["dimension"]) for index in json.loads(found.indexes)] == [("stdlib", 256)]
    assert list(exported["loginPolicyArns"]) == ["vectordb_app"]
