"""The processes of a local stack: the emulator, PostgreSQL, and the TLS front before it.

All are started by one thread that lives as long as the supervisor: the kernel ties a child to the *thread* that forked it
(prctl(2), PR_SET_PDEATHSIG), and the threads that run handlers come and go.
"""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vectordb import processes
from vectordb.errors import VectordbError
from vectordb.local import certificates
from vectordb.local.postgres import PostgresServer, bootstrap
from vectordb.local.postgres.spool import SpoolWorker
from vectordb.local.state import Credentials, Folder, write_atomically


class Services:
    """Starts the stand-ins, and ends them in reverse order."""

    def __init__(self, folder: Folder, region: str, credentials: Credentials) -> None:
        self.folder, self.region, self.credentials = folder, region, credentials
        self.emulator_url = ""
        self.postgres: PostgresServer | None = None
        self.database_port = 0
        self.processes: dict[str, int] = {}
        self.failed = threading.Event()
        """Set when one of the processes ends by itself."""
        self.failure = ""
        self._spawner = ThreadPoolExecutor(1, thread_name_prefix="spawner")
        self._helper = ThreadPoolExecutor(1, thread_name_prefix="helper")
        self._emulator: Future[str] | None = None
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
        port = self._start(
            "emulator", "vectordb.local.emulator", "--port", str(self._port("emulator")), "--state", str(state)
        )
        return f"http://127.0.0.1:{port}"

    def start_postgres(
        self, *, version: int, settings: Mapping[str, str], database: str, master: str, names: list[str]
    ) -> PostgresServer:
        """Start PostgreSQL with the roles that AWS makes, and the TLS front for the endpoint `names`.

        Returns:
            The server. `database_port` is the front's port: the way in for every client.
        """
        server = self._spawner.submit(self._postgres, version, settings, database, master).result()
        self.postgres = server
        if server.transport == "spool":
            worker = SpoolWorker(server.spool_folder, self.emulator_url, region=self.region)
            worker.start()
            self._endings.append(worker.stop)
        issued = certificates.issue(self.folder.root / "tls", names)
        config = self.folder.root / "front.json"
        write_atomically(
            config,
            json.dumps(
                {
                    "socket_directory": str(server.socket_directory),
                    "port": self._port("front"),
                    "certificate": str(issued.certificate),
                    "key": str(issued.key),
                    "names": names,
                    "region": self.region,
                    "access_keys": {self.credentials.access_key_id: self.credentials.secret_access_key},
                }
            ),
        )
        self.database_port = self._start("front", "vectordb.local.proxy", "--config", str(config))
        return server

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
        self._stopping = True
        self._helper.shutdown()  # an emulator that is being started can be ended when it is there
        for ending in reversed(self._endings):
            ending()
        for _, child in reversed(self._children):
            processes.end(child)
        if self.postgres is not None:
            self.postgres.stop()
        self._spawner.shutdown()

    def _postgres(self, version: int, settings: Mapping[str, str], database: str, master: str) -> PostgresServer:
        server = PostgresServer(
            self.folder.root / "postgres" / "data",
            version=version,
            endpoint=self.emulator_url,
            region=self.region,
            settings=settings,
            runtimes=self.folder.root.parent / "runtimes",
        )
        server.start()
        assert server.process is not None
        self._watch("postgres", server.process)
        bootstrap(server, database=database, master=master, password=self.credentials.master_password)
        return server

    def _start(self, name: str, module: str, *arguments: str) -> int:
        """Start a module that prints `ready PORT`; remembers the port for the next run."""
        port = self._spawner.submit(self._ready, name, module, arguments).result()
        write_atomically(self.folder.root / f"{name}.port", str(port))
        return port

    def _ready(self, name: str, module: str, arguments: tuple[str, ...]) -> int:
        with (self.folder.root / f"{name}.log").open("wb") as log:
            child = processes.python(module, *arguments, log=log, environment=self._environment())
        assert child.stdout is not None
        word, _, port = child.stdout.readline().strip().partition(" ")
        if word != "ready" or not port.isdigit():
            processes.end(child)
            said = (self.folder.root / f"{name}.log").read_text(encoding="utf-8", errors="replace").strip()[-2000:]
            raise VectordbError(f"The local {name} did not start: {said or 'it said nothing'}")
        self._children.append((name, child))
        self._watch(name, child)
        return int(port)

    def _watch(self, name: str, process: subprocess.Popen[Any]) -> None:
        self.processes[name] = process.pid

        def wait() -> None:
            status = process.wait()
            if not self._stopping:
                self.failure = f"The local {name} ended by itself (status {status}); see {self.folder.root}/{name}.log."
                self.failed.set()

        threading.Thread(target=wait, name=f"watch-{name}", daemon=True).start()

    def _environment(self) -> dict[str, str]:
        """What the stand-ins inherit: nothing of the user's AWS settings."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PG", "PULUMI_"))}
        return {**inherited, "AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": self.region}

    def _port(self, name: str) -> int:
        """The port of the last run, so that what was exported to shells stays true; 0, any port, when it is taken by now."""
        try:
            port = int((self.folder.root / f"{name}.port").read_text())
            with socket.socket() as probe:
                probe.setsockopt(
                    socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
                )  # as servers do: a closing connection is no obstacle
                probe.bind(("127.0.0.1", port))
        except (OSError, ValueError, OverflowError):
            return 0
        return port
