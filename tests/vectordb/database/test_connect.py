"""`vectordb connect` to a deployed stack, as a person starts it: its outputs in a file, Systems Manager and the plugin played."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vectordb import processes

from .conftest import ANSWER, BASTION, HOST

USER = "colleague"
ASK = "import psycopg; c = psycopg.connect(autocommit=True); print(*c.execute('select current_user::text, 1').fetchone(), flush=True)"


@pytest.fixture
def systems_manager():
    """Answers StartSession and TerminateSession; keeps what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            action = self.headers["X-Amz-Target"].partition(".")[2]
            asked.append((action, content))
            body = json.dumps(ANSWER if action == "StartSession" else {"SessionId": "session-1"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.fixture
def colleague(servers):
    with servers(18).superuser_connection() as superuser:
        superuser.execute(f"create role {USER} login; grant rds_iam to {USER}")
        yield superuser
        superuser.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s", (USER,))
        superuser.execute(f"drop role {USER}")


@pytest.fixture
def connect(tmp_path, front, installed, systems_manager, colleague):
    """Starts the command in a project of its own; its temporary folder has to be empty in the end."""
    port, ca = front
    project, temporary = tmp_path / "project", tmp_path / "tmp"
    project.mkdir()
    temporary.mkdir()
    (project / "Pulumi.yaml").write_text("name: vectordb\nruntime: python\n")
    stack = {
        "region": "us-east-1", "endpoint": HOST, "database": "vectordb", "transport": "ssm", "bastionId": BASTION,
        "users": [{"name": USER, "access": "writer"}],
        "databases": {"database": {"endpoint": HOST, "port": 5432, "sessionDocument": "forward"}},
    }  # fmt: skip
    (project / "outputs.json").write_text(json.dumps(stack))
    environment = os.environ | {
        "VECTORDB_OUTPUTS": "outputs.json", "AWS_ENDPOINT_URL": systems_manager[0], "FAKE_TARGET": f"127.0.0.1:{port}",
        "FAKE_CONTROL": f"{installed}.control", "TMPDIR": str(temporary), "PGPASSWORD": "of another database",
        "PGSSLMODE": "disable",
    }  # fmt: skip
    # The roots are those of Amazon RDS unless the stack is local: here the front's stand in their place.
    (tmp_path / "sitecustomize.py").write_text(
        f"from pathlib import Path\nfrom vectordb.database import tls\ntls.bundle = lambda settings: Path({str(ca)!r})\n"
    )
    environment["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{Path(__file__).parents[3]}"

    def start(*arguments, **extra):
        return subprocess.Popen(
            [sys.executable, "-m", "vectordb", "connect", *arguments],
            cwd=project, env=environment | extra, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
            # A shell starts background jobs with SIGINT ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - it calls one C function
        )  # fmt: skip

    yield start
    assert list(temporary.iterdir()) == []


def finished(process, timeout=30):
    output, errors = process.communicate(timeout=timeout)
    return process.returncode, output, errors


def plugin(installed):
    return json.loads(installed.read_text())["pid"]


def gone(pid, seconds=5):
    deadline = time.monotonic() + seconds
    while processes.alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not processes.alive(pid)


def test_a_command_finds_everything_set_and_its_exit_code_is_ours(connect, installed, systems_manager):
    program = f"import os, sys; print(sorted(n for n in os.environ if n.startswith('PG'))); {ASK}; sys.exit(9)"
    status, output, errors = finished(connect("--reason", "ticket 4711", "--", sys.executable, "-c", program))
    expected = (
        "['PGAPPNAME', 'PGDATABASE', 'PGGSSENCMODE', 'PGHOST', 'PGHOSTADDR', 'PGPASSFILE', 'PGPORT', 'PGSERVICEFILE', "
        "'PGSSLMODE', 'PGSSLROOTCERT', 'PGTARGETSESSIONATTRS', 'PGUSER']"
    )
    assert (status, output.splitlines()) == (9, [expected, f"{USER} 1"]), errors
    [line] = errors.splitlines()
    assert line.startswith(f"connected to vectordb of dev as {USER} in ")
    assert f"{HOST} on 127.0.0.1:" in line
    assert systems_manager[1] == [
        ("StartSession", {
            "Target": BASTION, "DocumentName": "forward", "Parameters": {"localPortNumber": ["0"]},
            "Reason": "vectordb connect: ticket 4711",
        }),
    ]  # fmt: skip
    assert gone(plugin(installed))


def test_one_port_through_the_hourly_cut(connect, installed, systems_manager):
    program = (
        f"import os, pathlib, time\n{ASK}\n"
        "control = pathlib.Path(os.environ['FAKE_CONTROL']); control.write_text('cut')\n"
        "try:\n    c.execute('select pg_sleep(60)')\nexcept psycopg.OperationalError:\n    print('cut')\n"
        # The program may be told of the cut a moment before the command knows of it.
        "for _ in range(50):\n"
        "    try:\n        c = psycopg.connect()\n        break\n"
        "    except psycopg.OperationalError:\n        time.sleep(0.1)\n"
        "print(*c.execute('select 2').fetchone())\n"
    )
    status, output, errors = finished(connect("--", sys.executable, "-c", program))
    assert (status, output) == (0, f"{USER} 1\ncut\n2\n"), errors
    assert "the way to the database broke: session-manager-plugin ended" in errors
    assert [action for action, _ in systems_manager[1]] == ["StartSession", "StartSession"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ended_while_the_tunnel_opens(connect, installed, systems_manager, number):
    process = connect("--", "true", FAKE_MISBEHAVIOUR="silent")
    deadline = time.monotonic() + 60
    while not installed.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    process.send_signal(number)
    assert finished(process, 60)[0] == 128 + number
    assert gone(plugin(installed))


def test_ended_while_the_command_runs(connect, installed):
    process = connect("--", sys.executable, "-c", f"{ASK}; import time; time.sleep(60)")
    assert process.stdout.readline() == f"{USER} 1\n"
    process.terminate()
    assert finished(process, 60)[0] == 143
    assert gone(plugin(installed))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_killed_it_leaves_no_process_and_the_next_one_removes_its_folder(connect, installed):
    process = connect(
        "--", sys.executable, "-c", f"{ASK}; import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    )
    assert process.stdout.readline() == f"{USER} 1\n"
    command = int(process.stdout.readline())
    process.kill()
    process.wait(60)
    assert gone(plugin(installed))
    assert gone(command)
    assert finished(connect("--", "true"))[0] == 0


def test_the_address_holds_no_password_and_connects(connect, installed):
    process = connect("--url")
    url = process.stdout.readline().strip()
    assert url.startswith(f"postgresql://{USER}@{HOST}:")
    assert "X-Amz" not in url
    found = subprocess.run(
        [sys.executable, "-c", ASK.replace("connect(", f"connect({url!r}, ")],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert found.stdout == f"{USER} 1\n", found.stderr
    process.send_signal(signal.SIGINT)
    status, _, errors = finished(process, 60)
    assert status == 130
    assert "X-Amz" not in errors


@pytest.mark.parametrize(
    ("extra", "message", "remedy"),
    [
        ({"PATH": "/nonexistent"}, "session-manager-plugin, which is not on PATH", "To install it:"),
        ({"FAKE_VERSION": "1.2.295.0"}, "is version 1.2.295.0, at least 1.2.764.0 is needed", "To install it:"),
        (
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            "Unable to locate credentials",
            "Give AWS credentials: set AWS_PROFILE",
        ),
        ({"VECTORDB_OUTPUTS": "nowhere.json"}, "'nowhere.json', which cannot be read", "pulumi stack output --json"),
        (
            {"FAKE_MISBEHAVIOUR": "dies"},
            "opened no port: An error occurred (AccessDenied)",
            "ssmmessages:OpenDataChannel",
        ),
    ],
)
def test_each_link_that_is_missing_is_told_with_its_remedy(connect, extra, message, remedy):
    status, output, errors = finished(connect("--", "/bin/true", **extra))
    assert (status, output) == (2, "")
    assert message in errors
    assert remedy in errors
    assert "Traceback" not in errors


def test_options_that_contradict_one_another(connect):
    for arguments in (["--url", "--print-env"], ["--url", "--", "true"], ["--admin", "--user", "x"]):
        status, output, _ = finished(connect(*arguments))
        assert (status, output) == (2, "")


def test_help_loads_neither_the_driver_nor_aws():
    code = (
        "import sys; import vectordb.cli.connect; "
        "print(sorted({'psycopg', 'botocore', 'boto3', 'pulumi'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
