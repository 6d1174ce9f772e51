"""Starting under adverse conditions: bad input, interruptions, taken ports, neighbours, no compiler."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

from tests.local.project import Project
from vectordb.local import supervisor
from vectordb.local.clients import Clients
from vectordb.local.state import Folder


def ended(made):
    made.run("local", "down")
    assert made.processes() == []


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "project")
    yield made
    ended(made)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"netwrk": {}}, "vectordb:netwrk: there is no such key; did you mean 'network'?"),
        pytest.param({"network": {"cidr": "10.0.0.0/28"}}, "vectordb:network.cidr", marks=pytest.mark.long),
        pytest.param(
            {"indexes": [{"name": "docs", "dimension": 0}]},
            "vectordb:indexes[0].dimension: 0 is out of range",
            marks=pytest.mark.long,
        ),
    ],
)
def test_bad_configuration_starts_nothing(project, keys, said):
    project.configure(**keys)
    done = project.run("local", "up")
    assert done.returncode == 2
    assert said in done.stderr
    assert not (project.folder / ".local" / "dev" / "databases").exists()
    assert not (project.folder / ".local" / "dev" / "emulator").exists()


def test_an_unknown_stack(project):
    done = project.run("local", "up", "--stack", "dve")
    assert done.returncode == 2
    assert "Did you mean 'dev'?" in done.stderr


def test_a_program_that_the_policies_refuse_is_not_run(project):
    file = project.folder / "components" / "network" / "network.py"
    text = file.read_text()
    file.write_text(text.replace("map_public_ip_on_launch=False", "map_public_ip_on_launch=True"))
    done = project.run("local", "up")
    assert done.returncode == 1
    assert "The policies refuse this program" in done.stderr
    assert "network-isolated-1" in done.stderr


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
        signal.SIGKILL,
    ],
)
def test_interrupted_while_it_starts_the_next_up_recovers(project, number):
    """Also when two come at once: one stack is made."""
    project.accept()
    child = project.start("local", "up")
    for line in child.stderr:
        if "database-parameters" in line:  # PostgreSQL is being made just now
            break
    supervisor = int((project.folder / ".local" / "dev" / "supervisor.pid").read_text())
    os.kill(supervisor if number == signal.SIGKILL else child.pid, number)
    child.communicate(timeout=60)
    deadline = time.monotonic() + 15
    while project.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert project.processes() == []
    started = [project.start("local", "up") for _ in range(2)]
    codes = []
    for child in started:
        _, errors = child.communicate(timeout=120)
        codes.append(child.returncode)
        assert child.returncode == 0 or "Another command is starting" in errors, errors
    assert 0 in codes
    assert project.status()["port"]


def test_a_request_to_stop_ends_the_program_whatever_its_loop_is_at():
    """asyncio keeps what a callback raises to itself; a program whose callback was lost would wait for ever."""
    loop = asyncio.new_event_loop()

    def interrupted():
        raise supervisor._StopRequested

    loop.call_soon(interrupted)
    loop.call_later(1, loop.stop)
    with pytest.raises(supervisor._StopRequested):
        loop.run_forever()
    loop.close()


@dataclass
class Avoiding:
    """A stack of version 16, without users and indexes."""

    project: Project
    ports: list[int]
    """What it wants, and others have."""
    broken: subprocess.CompletedProcess[str]
    """The first `up`, with an SQL file that fails."""
    left: list[int]
    """Processes, after that."""
    done: subprocess.CompletedProcess[str]
    """The next."""


@pytest.fixture(scope="module")
def avoiding(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("avoiding") / "project")
    made.configure(database={"version": "16"}, users=[], indexes=[])
    file = made.folder / "sql" / "versioned" / "900_broken.sql"
    file.write_text("SELECT 1;\nSELECT * FROM nowhere;\n")
    state = made.folder / ".local" / "dev"
    state.mkdir(parents=True)
    with socket.socket() as first, socket.socket() as second:
        ports = []
        for name, taken in (("emulator", first), ("front", second)):
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            ports.append(taken.getsockname()[1])
            (state / f"{name}.port").write_text(str(ports[-1]))
        broken = made.run("local", "up")
        left = made.processes()
        file.unlink()
        done = made.run("local", "up")
        assert done.returncode == 0, done.stderr
        yield Avoiding(made, ports, broken, left, done)
        ended(made)


def test_a_failing_sql_file_says_where_and_the_next_up_continues(avoiding):
    assert avoiding.broken.returncode == 2
    assert "900_broken.sql" in avoiding.broken.stderr
    assert "42P01" in avoiding.broken.stderr
    assert avoiding.left == []


def test_a_taken_port_is_avoided(avoiding):
    status = avoiding.project.status()
    assert status["port"] not in avoiding.ports
    assert not status["emulator"].endswith(f":{avoiding.ports[0]}")


@pytest.mark.long
def test_two_clones_side_by_side(project, tmp_path):
    other = Project(tmp_path / "other")
    try:
        started = [project.start("local", "up"), other.start("local", "up")]
        for child in started:
            _, errors = child.communicate(timeout=120)
            assert child.returncode == 0, errors
        first, second = project.status(), other.status()
        assert first["port"] != second["port"]
        assert first["emulator"] != second["emulator"]
    finally:
        other.run("local", "down")
    assert other.processes() == []


def test_another_version(avoiding):
    assert avoiding.project.status()["postgres_version"].startswith("16.")
    assert "is declared" not in avoiding.done.stderr


@pytest.mark.long
def test_a_version_that_is_not_here(project):
    project.configure(database={"version": "17"})
    done = project.run("local", "up")
    assert done.returncode == 0, done.stderr
    assert project.status()["postgres_version"].startswith("18.")
    assert "PostgreSQL 17 is declared" in done.stderr


@pytest.mark.long
def test_in_a_folder_whose_path_is_too_long_for_a_socket(tmp_path):
    project = Project(tmp_path / ("a long name " * 10) / ("and another " * 10) / "project")
    try:
        done = project.run("local", "up")
        assert done.returncode == 0, done.stderr
    finally:
        assert project.run("local", "down").returncode == 0
    assert project.processes() == []


@pytest.fixture(scope="module")
def without_compiler(tmp_path_factory):
    """A stack of two users, started where no compiler is, and what the command said."""
    folder = tmp_path_factory.mktemp("without a compiler")
    tools = folder / "tools"
    tools.mkdir()
    for name in ("sh", "env"):
        (tools / name).symlink_to(shutil.which(name))
    made = Project(folder / "project")
    (made.folder / ".local" / "runtimes").unlink()  # what all share was compiled
    made.configure(
        users=[{"name": "ana", "access": "admin"}, {"name": "bo", "access": "reader"}],
        indexes=[{"name": "docs", "dimension": 4}],
    )
    made.accept()
    done = made.run("local", "up", PATH=str(tools))
    assert done.returncode == 0, done.stderr
    yield made, done
    ended(made)


def test_without_a_compiler_aws_lambda_goes_over_files(without_compiler):
    project, done = without_compiler
    assert project.status()["transport"] == "spool"
    assert "over files" in done.stderr


def test_each_user_has_a_line_in_the_passfile(without_compiler):
    project, _ = without_compiler
    lines = (project.folder / ".local" / "dev" / "passfile").read_text().splitlines()
    assert [line.split(":")[3] for line in lines] == ["ana", "bo"]
    environment = project.environment() | {"PGUSER": "bo"}
    code = "import psycopg; psycopg.connect().execute('create table t()')"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "permission denied for schema public" in done.stderr


@pytest.mark.long
def test_a_replaced_index_is_a_new_one(without_compiler):
    project, _ = without_compiler
    project.configure(
        indexes=[{"name": "docs", "dimension": 8}, {"name": "more", "dimension": 3, "metric": "euclidean"}]
    )
    assert project.run("local", "up").returncode == 0
    arns = project.status()["outputs"]["indexArns"]
    assert sorted(arns) == ["docs", "more"]
    credentials = Folder.of(project.folder, "dev").credentials()
    client = Clients(project.status()["emulator"], "us-east-1", credentials)("s3vectors")
    assert client.get_index(indexArn=arns["docs"])["index"]["dimension"] == 8
    assert json.loads(project.status()["outputs"]["sqlApplied"])["applied"]


def test_without_users_and_indexes_the_master_is_the_login(avoiding):
    environment = avoiding.project.environment()
    assert environment["PGUSER"] == "vectordb_admin"
    code = "import psycopg; print(psycopg.connect().execute('select index_name from s3vl.list_indexes()').fetchall())"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
    tour = avoiding.project.run("local", "up", "--tour")
    assert tour.returncode == 2
    assert "no S3 Vectors index named 'stdlib'" in tour.stderr


def test_reset_asks_and_forgets(project):
    (project.folder / ".local" / "dev").mkdir(parents=True)
    assert project.run("local", "reset").returncode == 1
    assert (project.folder / ".local" / "dev").exists()
    assert project.run("local", "reset", "--yes").returncode == 0
    assert not (project.folder / ".local" / "dev").exists()


def test_what_is_asked_of_a_stack_that_does_not_run(project):
    for command in (("local", "env"), ("local", "status"), ("search", "--local", "anything")):
        done = project.run(*command)
        assert (done.returncode, done.stdout) == (1, "")
        assert "Start it with: make up" in done.stderr
    assert project.run("local", "down").returncode == 0
