"""The server's life: first start, stop, restart, and what is left when something was killed."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from vectordb import processes
from vectordb.errors import VectordbError
from vectordb.local.postgres import PostgresServer, bootstrap, end_earlier_run, identity

from .conftest import DATABASE, MASTER, PASSWORD, require_compiler

REPOSITORY = Path(__file__).parents[3]

# Starts a server and says its process id; then waits to be ended.
SCRIPT = """
import sys, time
from pathlib import Path
from vectordb.local.postgres import PostgresServer
server = PostgresServer(Path(sys.argv[1]), version=int(sys.argv[2]), transport="spool", runtimes=Path(sys.argv[3]))
server.start()
print(server.process.pid, flush=True)
time.sleep(60)
"""


def make(folder: Path, runtimes: Path, version: int = 18, **options: object) -> PostgresServer:
    named = {"transport": "spool"} | options
    return PostgresServer(folder / "data", version=version, runtimes=runtimes, **named)  # type: ignore[arg-type]  # mixed options


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Path]]:
    """A folder for the servers of a version, one after the other: to make a data directory is most of a test's time."""
    made: dict[int, Path] = {}

    def home(version: int) -> Path:
        if version not in made:
            made[version] = tmp_path_factory.mktemp(f"home of {version}", numbered=False)
        return made[version]

    yield home
    for folder in made.values():
        shutil.rmtree(folder)


@pytest.fixture
def home(homes: Callable[[int], Path]) -> Path:
    return homes(18)


def count(server: PostgresServer) -> int:
    with server.superuser_connection() as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(str(row[0]))


def keep(server: PostgresServer) -> None:
    with server.superuser_connection() as connection:
        connection.execute("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT generate_series(1, 1000)")


def ended(pid: int, within: float = 5) -> bool:
    deadline = time.monotonic() + within
    while processes.alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def pid_of(server: PostgresServer) -> int:
    assert server.process is not None
    return server.process.pid


@pytest.mark.parametrize("version", [16, 18])
class TestLife:
    def test_rows_survive_a_stop_and_a_kill(self, homes: Callable[[int], Path], runtimes: Path, version: int) -> None:
        home = homes(version)
        server = make(home, runtimes, version)
        with server:
            keep(server)
        with server:
            assert count(server) == 1000
            os.kill(pid_of(server), signal.SIGKILL)
            assert server.process is not None
            server.process.wait(5)
        with make(home, runtimes, version) as again:
            assert count(again) == 1000
        assert sorted(path.name for path in home.iterdir()) == ["data", "postgres.log", "spool"]

    def test_it_ends_when_its_parent_is_killed(
        self, homes: Callable[[int], Path], runtimes: Path, version: int
    ) -> None:
        home = homes(version)
        parent = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(home / "data"), str(version), str(runtimes)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert "postgres" in processes.arguments_of(pid)[0]
        parent.kill()
        parent.wait()
        parent.stdout.close()
        assert ended(pid)
        assert "fast shutdown" in (home / "postgres.log").read_text()

    def test_a_data_directory_half_made_is_made_again(self, tmp_path: Path, runtimes: Path, version: int) -> None:
        parent = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(tmp_path / "data"), str(version), str(runtimes)],
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
            start_new_session=True,
        )
        while not list(tmp_path.glob("data.making-*/PG_VERSION")):
            time.sleep(0.002)
        parent.kill()
        parent.communicate()
        assert not (tmp_path / "data").exists()
        with make(tmp_path, runtimes, version) as server:
            keep(server)
            assert count(server) == 1000
        deadline = time.monotonic() + 5
        while [
            path.name for path in tmp_path.iterdir() if "making" in path.name
        ]:  # the interrupted initdb may still be at it
            assert time.monotonic() < deadline
            make(tmp_path, runtimes, version)._initialise()
            time.sleep(0.01)


class TestEarlierRuns:
    def test_a_server_left_running_is_ended_first(self, home: Path, runtimes: Path) -> None:
        left = make(home, runtimes)
        left.start()
        keep(left)
        pid = pid_of(left)
        session = left.superuser_connection()  # a smart shutdown would wait for it
        with make(home, runtimes) as server:
            assert left.process is not None
            assert left.process.wait(5) == 0
            assert pid_of(server) != pid
            assert count(server) == 1000
        session.close()

    def test_another_process_of_that_number_is_left_alone(self, home: Path, runtimes: Path) -> None:
        with make(home, runtimes):
            pass
        with subprocess.Popen(["sleep", "60"]) as other:
            (home / "data" / "postmaster.pid").write_text(f"{other.pid}\n{home / 'data'}\n1\n5432\n\n\n0 0\nready   \n")
            with make(home, runtimes) as server:
                assert pid_of(server) != other.pid
            assert other.poll() is None
            other.kill()

    def test_a_folder_that_is_no_data_directory(self, tmp_path: Path, runtimes: Path) -> None:
        (tmp_path / "data" / "base").mkdir(parents=True)
        with make(tmp_path, runtimes) as server:
            keep(server)
            assert count(server) == 1000

    def test_a_file_of_nonsense(self, home: Path, runtimes: Path) -> None:
        with make(home, runtimes):
            pass
        for text in ("", "words\n"):
            (home / "data" / "postmaster.pid").write_text(text)
            with make(home, runtimes) as server:
                assert pid_of(server) > 0
        end_earlier_run(home / "nothing" / "here")

    def test_it_outlives_the_thread_that_started_it(self, home: Path, runtimes: Path) -> None:
        server = make(home, runtimes)
        thread = threading.Thread(target=server.start)
        thread.start()
        thread.join()
        time.sleep(0.1)
        with server.superuser_connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        server.stop()

    def test_the_data_of_another_version(self, homes: Callable[[int], Path], runtimes: Path) -> None:
        with make(homes(16), runtimes, 16):
            pass
        with pytest.raises(VectordbError) as raised:
            make(homes(16), runtimes, 18).start()
        assert raised.value.message == f"{homes(16) / 'data'} was made by PostgreSQL 16; version 18 is asked for."
        assert raised.value.remedy.startswith("Ask for version 16")


class TestPlaces:
    def test_a_path_too_long_for_a_socket(self, tmp_path: Path, runtimes: Path) -> None:
        folder = tmp_path / ("d" * 100) / ("e" * 100)
        server = make(folder, runtimes)
        with server:
            directory = server.socket_directory
            assert directory.parent == Path(tempfile.gettempdir())
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700
            with server.superuser_connection() as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        assert not directory.exists()

    def test_the_socket_of_a_run_that_was_killed_goes(self, tmp_path: Path, runtimes: Path) -> None:
        folder = tmp_path / ("d" * 100)
        folder.mkdir()
        left = Path(tempfile.mkdtemp(prefix="vectordb-"))
        (folder / "data.socket-directory").write_text(str(left))
        end_earlier_run(folder / "data")
        assert not left.exists()
        assert list(folder.iterdir()) == []

    def test_no_folder_changes_its_mode(self, tmp_path: Path, runtimes: Path) -> None:
        closed = tmp_path / "closed to others"
        closed.mkdir(mode=0o700)
        parents = [closed, *closed.parents, Path(runtimes), *Path(sys.prefix).parents]
        before = [path.stat().st_mode for path in parents]
        server = make(closed / "state", runtimes)
        with server:
            bootstrap(server, database=DATABASE, master=MASTER, password=PASSWORD)
        assert [path.stat().st_mode for path in parents] == before
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
        assert server.data.stat().st_uid == server.identity.uid

    def test_it_listens_nowhere_but_on_the_socket(self, home: Path, runtimes: Path) -> None:
        with make(home, runtimes) as server, server.superuser_connection() as connection:
            assert connection.execute("SELECT current_setting('listen_addresses')").fetchone() == ("",)
            assert stat.S_IMODE(server.socket_directory.stat().st_mode) == 0o700


class TestUsers:
    def test_root_hands_it_to_nobody(self, home: Path, runtimes: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root has to become somebody else")
        with make(home, runtimes) as server:
            status = Path(f"/proc/{pid_of(server)}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        nobody = pwd.getpwnam("nobody")
        assert fields["Uid"].split() == [str(nobody.pw_uid)] * 4
        assert fields["Gid"].split() == [str(nobody.pw_gid)] * 4
        assert fields["Groups"].split() == []
        assert fields["CapEff"] == fields["CapPrm"] == fields["CapAmb"] == f"{1 << 1:016x}"  # CAP_DAC_OVERRIDE

    def test_root_in_a_user_namespace(self, home: Path, runtimes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root has to become somebody else")
        only = [candidate for candidate in identity._candidates() if candidate.mode == "namespace"]
        monkeypatch.setattr(identity, "_candidates", lambda: only)
        identity.choose.cache_clear()
        try:
            server = make(home, runtimes)
        except VectordbError as error:
            pytest.skip(f"no user namespaces here: {error.message}")
        finally:
            identity.choose.cache_clear()
        with server:
            keep(server)
            assert count(server) == 1000
        assert server.data.stat().st_uid == 0
        monkeypatch.undo()
        with make(home, runtimes) as again:  # as nobody now: the files change hands
            assert count(again) == 1000

    def test_an_ordinary_user(self) -> None:
        if os.geteuid() != 0:
            pytest.skip("every other test runs as an ordinary user")
        nobody = pwd.getpwnam("nobody")
        folder = Path(tempfile.mkdtemp(prefix="ordinary user "))
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        try:
            # With the capability to read this checkout wherever it lies, but no other of root's.
            ordinary = identity.Identity("user", nobody.pw_uid, nobody.pw_gid, nobody.pw_uid, nobody.pw_gid)
            command = ordinary.command(
                sys.executable, "-c", SCRIPT, str(folder / "data"), "18", str(folder / "runtimes")
            )
            parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            assert f"\nUid:\t{nobody.pw_uid}\t{nobody.pw_uid}\t" in Path(f"/proc/{pid}/status").read_text()
            parent.kill()
            parent.communicate()
            assert ended(pid)
        finally:
            subprocess.run(["rm", "-rf", str(folder)], check=True)

    def test_when_nothing_is_allowed_it_says_what_to_do(
        self, runtimes: Path, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root has to become somebody else")
        wrong = identity.Identity("user", 1, 1, -5, -5)
        monkeypatch.setattr(identity, "_candidates", lambda: [wrong])
        identity.choose.cache_clear()
        try:
            with pytest.raises(VectordbError) as raised:
                make(home, runtimes)
        finally:
            identity.choose.cache_clear()
        assert "PostgreSQL cannot be run here" in raised.value.message
        assert raised.value.message.endswith(": user: gid is less than minimum.")
        assert raised.value.remedy == "Run as an ordinary user."


class TestSettings:
    def test_those_of_a_parameter_group(self, home: Path, runtimes: Path) -> None:
        asked = {
            "rds.force_ssl": "1",
            "aws_lambda.request_timeout_ms": "60000",
            "max_connections": "LEAST({DBInstanceClassMemory/9531392},5000)",
            "log_min_duration_statement": "1000",
            "shared_preload_libraries": "pg_stat_statements, pgaudit",
            "pgaudit.log": "ddl",
            "ssl": "1",
            "ssl_min_protocol_version": "TLSv1.2",
            "apg_plan_mgmt": "on",
            "port": "1",
        }
        with make(home, runtimes, settings=asked) as server, server.superuser_connection() as connection:
            names = (
                "rds.force_ssl",
                "aws_lambda.request_timeout_ms",
                "max_connections",
                "log_min_duration_statement",
                "pgaudit.log",
                "port",
            )
            found = [connection.execute("SELECT current_setting(%s)", (name,)).fetchone() for name in names]
        assert found == [("1",), ("60000",), ("100",), ("1s",), ("ddl",), ("5432",)]
        assert server.left_out == ["max_connections", "pg_stat_statements", "pgaudit", "ssl", "apg_plan_mgmt", "port"]

    def test_a_value_that_the_server_refuses(self, home: Path, runtimes: Path) -> None:
        server = make(home, runtimes, settings={"max_connections": "many"})
        with pytest.raises(VectordbError) as raised:
            server.start()
        assert 'invalid value for parameter "max_connections": "many"' in raised.value.message
        assert raised.value.remedy == f"See {server.log}."
        assert server.process is None
        with pytest.raises(VectordbError, match="PostgreSQL does not run"):
            _ = server.socket_directory

    def test_17_runs_on_18(self, home: Path, runtimes: Path) -> None:
        assert make(home, runtimes, 17).version == 18

    def test_a_version_that_nobody_has(self, home: Path, runtimes: Path) -> None:
        with pytest.raises(VectordbError, match=r"PostgreSQL 15 is not among \(16, 18\)"):
            make(home, runtimes, 15)


def test_the_transport_may_change_between_runs(home: Path, runtimes: Path) -> None:
    language = (
        "SELECT l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
        " WHERE p.proname = '_invoke' AND p.pronamespace = 'aws_lambda'::regnamespace"
    )
    require_compiler()
    found = []
    for transport in ("spool", "c", "spool"):
        server = make(home, runtimes, transport=transport)
        with server:
            bootstrap(server, database=DATABASE, master=MASTER, password=PASSWORD)
            with psycopg.connect(
                host=str(server.socket_directory), user=MASTER, password=PASSWORD, dbname=DATABASE
            ) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS aws_lambda CASCADE")
                found.append(connection.execute(language).fetchone())
    assert found == [("plpgsql",), ("c",), ("plpgsql",)]
