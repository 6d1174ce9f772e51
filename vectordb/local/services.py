"""The processes of a local stack: the emulator, and for each database PostgreSQL with the TLS front before it.

All are started by threads that live as long as the supervisor: the kernel ties a child to the *thread* that forked it
(prctl(2), PR_SET_PDEATHSIG), and the threads that run handlers come and go.
"""

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from vectordb import processes
from vectordb.errors import VectordbError
from vectordb.local import certificates
from vectordb.local.databases import Database, Declared, folder_of, master_password
from vectordb.local.postgres import PostgresServer, bootstrap
from vectordb.local.postgres.cron import CronScheduler
from vectordb.local.postgres.spool import SpoolWorker
from vectordb.local.proxy import ProxyConfiguration
from vectordb.local.state import Credentials, Folder, write_atomically


class Services:
    """Starts the stand-ins, and ends them in reverse order."""

    def __init__(self, folder: Folder, region: str, credentials: Credentials) -> None:
        self.folder, self.region, self.credentials = folder, region, credentials
        self.emulator_url = ""
        self.databases: dict[str, Database] = {}
        """The databases that run, by name."""
        self.processes: dict[str, int] = {}
        self.failed = threading.Event()
        """Set when one of the processes ends by itself."""
        self.failure = ""
        self._lock = threading.Lock()
        self._building = threading.Lock()
        self._spawner = ThreadPoolExecutor(1, thread_name_prefix="spawner")
        self._helper = ThreadPoolExecutor(1, thread_name_prefix="helper")
        self._emulator: Future[str] | None = None
        self._starting: dict[str, tuple[ThreadPoolExecutor, Future[Database]]] = {}
        self._servers: list[PostgresServer] = []
        self._children: list[tuple[str, subprocess.Popen[Any]]] = []
        self._stopping = False
        self._endings: list[Callable[[], None]] = []

    def prepare_emulator(self) -> None:
        """Begin to start the emulator; `start_emulator` waits for it. It takes a second, most of it imports."""
        if self._emulator is None:
            self._emulator = self._helper.submit(self._start_emulator)

    def start_emulator(self) -> str:
        """Start the AWS emulator; returns its URL."""
        self.prepare_emulator()
        assert self._emulator is not None
        self.emulator_url = self._emulator.result()
        return self.emulator_url

    def _start_emulator(self) -> str:
        state = self.folder.root / "emulator"
        state.mkdir(mode=0o700, exist_ok=True)
        wanted = str(_port(self.folder.root / "emulator.port"))
        operator = ("--operator", self.credentials.access_key_id)
        arguments = ("vectordb.local.emulator", "--port", wanted, "--state", str(state), *operator)
        port = self._spawner.submit(self._start, "emulator", self.folder.root, *arguments).result()
        return f"http://127.0.0.1:{port}"

    def start_database(self, declared: Declared) -> Database:
        """Start PostgreSQL with the roles that AWS makes, and the TLS front for the endpoint's names.

        Several databases start side by side, each from a thread of its own.

        Raises:
            VectordbError: it did not start, or another one of the stack has its name.
        """
        with self._lock:
            if self._stopping:
                raise VectordbError("The local stack is being stopped.", exit_code=1)
            if declared.name in self._starting:
                raise VectordbError(
                    f"Two databases of this stack are named {declared.name!r}: {declared.urn} and another one.",
                    remedy="Give each a component of its own, or a name of its own.",
                )
            thread = ThreadPoolExecutor(1, thread_name_prefix=f"spawner-{declared.name}")
            starting = thread.submit(self._start_database, declared, folder_of(self.folder.root, declared))
            self._starting[declared.name] = thread, starting
        database = starting.result()
        self.databases[declared.name] = database
        return database

    def at(self, host: str) -> Database | None:
        """The database that has this endpoint name."""
        return next((found for found in list(self.databases.values()) if host in found.declared.names), None)

    def identified(self, identifier: str) -> Database | None:
        """The database that has this identifier."""
        found = list(self.databases.values())
        return next((database for database in found if database.declared.identifier == identifier), None)

    def run(self, arguments: list[str], cwd: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; it dies with the stack."""

        def spawn() -> subprocess.Popen[str]:
            return subprocess.Popen(
                arguments,
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                preexec_fn=processes.dying_with_parent(),  # noqa: PLW1509 - it calls one C function that was bound beforehand
            )

        child = self._spawner.submit(spawn).result()
        self._children.append((arguments[-1], child))
        output, errors = child.communicate()
        return subprocess.CompletedProcess(arguments, child.returncode, output, errors)

    def stop(self) -> None:
        """End every process, the youngest first."""
        with self._lock:
            self._stopping = True
        self._helper.shutdown()  # an emulator that is being started can be ended when it is there, and so can a database
        wait([starting for _, starting in self._starting.values()])
        for ending in reversed(self._endings):
            ending()
        for _, child in reversed(self._children):
            processes.end(child)
        for server in self._servers:
            server.stop()
        for thread in (self._spawner, *(thread for thread, _ in self._starting.values())):
            thread.shutdown()

    def _start_database(self, declared: Declared, folder: Path) -> Database:
        with self._building:  # the first one builds the installation that all run from
            server = PostgresServer(
                folder / "data",
                version=declared.major,
                engine=declared.engine,
                endpoint=self.emulator_url,
                region=self.region,
                access_key=declared.access_key,
                bedrock_access_key=declared.bedrock_access_key,
                settings=declared.settings,
                runtimes=self.folder.root.parent / "runtimes",
            )
        server.start()
        self._servers.append(server)
        assert server.process is not None
        self._watch(f"postgres-{declared.name}", server.process, server.log)
        password = master_password(self.credentials, declared.name)
        bootstrap(server, database=declared.database, master=declared.master, password=password)
        if server.transport == "spool":
            worker = SpoolWorker(
                server.spool_folder,
                self.emulator_url,
                region=self.region,
                access_key=declared.access_key,
                bedrock_access_key=declared.bedrock_access_key,
            )
            worker.start()
            self._endings.append(worker.stop)
        if server.has_cron:
            scheduler = CronScheduler(server.socket_directory, guarded=server.transport == "c")
            scheduler.start()
            self._endings.append(scheduler.stop)
        issued = certificates.issue(folder / "tls", list(declared.names))
        configuration = ProxyConfiguration(
            socket_directory=str(server.socket_directory),
            port=_port(folder / "front.port"),
            certificate=str(issued.certificate),
            key=str(issued.key),
            names=list(declared.names),
            region=self.region,
            access_keys={self.credentials.access_key_id: self.credentials.secret_access_key},
            endpoint_port=declared.port,
            emulator=self.emulator_url,
            user_arn=declared.user_arn,
        )
        configuration.write(folder / "front.json")
        arguments = ("vectordb.local.proxy", "--config", str(folder / "front.json"))
        port = self._start("front", folder, *arguments, shown=f"front-{declared.name}")
        return Database(
            declared=declared, folder=folder, postgres=server, port=port, certificate=issued.ca, password=password
        )

    def _start(self, name: str, folder: Path, module: str, *arguments: str, shown: str = "") -> int:
        """Start a module that prints `ready PORT`, from a thread that stays; remembers the port for the next run."""
        said = folder / f"{name}.log"
        with said.open("wb") as log:
            child = processes.python(module, *arguments, log=log, environment=self._environment())
        assert child.stdout is not None
        word, _, port = child.stdout.readline().strip().partition(" ")
        if word != "ready" or not port.isdigit():
            processes.end(child)
            end = said.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
            raise VectordbError(f"The local {shown or name} did not start: {end or 'it said nothing'}")
        self._children.append((shown or name, child))
        self._watch(shown or name, child, said)
        write_atomically(folder / f"{name}.port", port)
        return int(port)

    def _watch(self, name: str, process: subprocess.Popen[Any], log: Path) -> None:
        self.processes[name] = process.pid

        def attend() -> None:
            status = process.wait()
            if not self._stopping:
                self.failure = f"The local {name} ended by itself (status {status}); see {log}."
                self.failed.set()

        threading.Thread(target=attend, name=f"watch-{name}", daemon=True).start()

    def _environment(self) -> dict[str, str]:
        """What the stand-ins inherit: nothing of the user's AWS settings."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PG", "PULUMI_"))}
        return {**inherited, "AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": self.region}


def _port(file: Path) -> int:
    """The port of the last run, so that what was exported to shells stays true; 0, any port, when it is taken by now."""
    try:
        port = int(file.read_text())
        with socket.socket() as probe:
            # As servers do: a closing connection is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except (OSError, ValueError, OverflowError):
        return 0
    return port
