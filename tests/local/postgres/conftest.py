"""Servers of both versions and both transports, started once, and a Lambda service that behaves as each test wants."""

import contextlib
import datetime as dt
import functools
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import psycopg
import pytest

from vectordb.local import certificates
from vectordb.local.postgres import PostgresServer, bootstrap, compiler
from vectordb.local.postgres.spool import SpoolWorker
from vectordb.local.proxy import ProxyConfiguration

MASTER = "vectordb_admin"
PASSWORD = "a pass'word"
DATABASE = "vectordb"

NAME = "vectordb.cluster-abc.us-east-1.rds.amazonaws.com"
KEYS = {"AKIDEXAMPLE": "the/secret+key"}
REPOSITORY = Path(__file__).parents[3]

Behaviour = Callable[["LambdaDouble", socket.socket, "Request"], None]


@dataclass
class Request:
    line: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def function(self) -> str:
        return self.line.split("/")[3]


def http(status: str, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass
class LambdaDouble:
    """An HTTP server on bare sockets. What it does with a request depends on the function's name; it echoes the payload by default."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def on(self, function: str, behaviour: Behaviour | bytes) -> None:
        if isinstance(behaviour, bytes):
            reply = behaviour
            self.behaviours[function] = lambda _, connection, __: connection.sendall(reply)
        else:
            self.behaviours[function] = behaviour

    def close_connections(self) -> None:
        """What a server does that was restarted: every open connection ends."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()
        self._open.clear()

    @contextlib.contextmanager
    def down(self, backlog: int | None = None) -> Iterator[None]:
        """Nothing listens; or, with a backlog of 0, something listens that never accepts, so that connecting takes for ever."""
        self.close_connections()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        time.sleep(0.01)
        hung = None
        waiting = []
        if backlog is not None:
            hung = socket.create_server(("127.0.0.1", self.port), backlog=backlog)
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", self.port))
                waiting.append(filler)
            time.sleep(0.02)
        yield
        for filler in waiting:
            filler.close()
        if hung is not None:
            hung.close()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as file:
            while line := file.readline():
                headers: dict[str, str] = {}
                while (header := file.readline().decode().strip()) != "":
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                body = file.read(int(headers["content-length"]))
                request = Request(line.decode().strip(), headers, body, number)
                self.requests.append(request)
                self.behaviours.get(request.function, _echo)(self, connection, request)


def _echo(_: LambdaDouble, connection: socket.socket, request: Request) -> None:
    if request.headers["x-amz-invocation-type"] == "Event":
        connection.sendall(http("202 Accepted", b""))
    elif request.headers["x-amz-invocation-type"] == "DryRun":
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    else:
        connection.sendall(http("200 OK", request.body, "X-Amz-Executed-Version: $LATEST", "X-Amz-Log-Result: bG9n"))


@dataclass
class Stack:
    """A running server with its master and database, and the service that its transport reaches."""

    server: PostgresServer
    service: LambdaDouble

    def connect(self, user: str = MASTER, password: str = PASSWORD, **options: Any) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host=str(self.server.socket_directory),
            user=user,
            password=password,
            dbname=options.pop("dbname", DATABASE),
            autocommit=True,
            **options,
        )

    def execute(self, query: str, *parameters: Any) -> list[Any]:
        with self.connect() as connection:
            cursor = connection.execute(query.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []


def require_compiler() -> None:
    try:
        compiler.find()
    except compiler.CompilerError as error:
        pytest.skip(str(error))


@contextlib.contextmanager
def build_stack(folder: Path, version: int, transport: Any, runtimes: Path) -> Iterator[Stack]:
    service = LambdaDouble()
    server = PostgresServer(
        folder / "data",
        version=version,
        transport=transport,
        endpoint=service.endpoint,
        runtimes=runtimes,
        region="eu-west-3",
    )
    with server, contextlib.ExitStack() as opened:
        if transport == "spool":
            opened.enter_context(SpoolWorker(server.spool_folder, service.endpoint, region="eu-west-3"))
        bootstrap(server, database=DATABASE, master=MASTER, password=PASSWORD)
        stack = Stack(server, service)
        stack.execute("CREATE EXTENSION aws_lambda CASCADE")
        yield stack
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def _remove_data(tmp_path: Path) -> Iterator[None]:
    """pytest keeps the folders of three runs; forty data directories of forty megabytes each are too much for that."""
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture(scope="session")
def stacks(tmp_path_factory: pytest.TempPathFactory, runtimes: Path) -> Iterator[Callable[[int, str], Stack]]:
    """The stack of a version and a transport, started on first use; all end with the run.

    A fixture that has parameters itself would end and begin anew in each file.
    """
    with contextlib.ExitStack() as running:

        @functools.cache
        def get(version: int, transport: str) -> Stack:
            folder = tmp_path_factory.mktemp(f"server {version} {transport}")
            return running.enter_context(build_stack(folder, version, transport, runtimes))

        yield get


@pytest.fixture(
    scope="session",
    params=[(16, "c"), (16, "spool"), (18, "c"), (18, "spool")],
    ids=lambda value: f"{value[0]}-{value[1]}",
)
def stack(request: pytest.FixtureRequest, stacks: Callable[[int, str], Stack]) -> Stack:
    version, transport = request.param
    if transport == "c":
        require_compiler()
    return stacks(version, transport)


def invoke(stack: Stack, function: str, payload: Any = None, **named: Any) -> Any:
    arguments = "".join(f", {name} => %s" for name in named)
    query = f"SELECT * FROM aws_lambda.invoke(%s::text, %s::jsonb{arguments})"
    [row] = stack.execute(query, function, json.dumps(payload), *named.values())
    return row


def refused(
    stack: Stack, function: str, kind: type[psycopg.Error], payload: Any = None, **named: Any
) -> tuple[str, str | None]:
    with pytest.raises(kind) as raised:
        invoke(stack, function, payload, **named)
    return raised.value.diag.message_primary or "", raised.value.diag.message_detail


def network(said: str) -> tuple[str, str]:
    return "invoke API failed", f"AWS Lambda client returned '{said}'."


@dataclass
class Front:
    stack: Stack
    process: subprocess.Popen[str]
    port: int
    ca: Path
    log: Path
    configuration: Path

    def options(self, **changed: Any) -> dict[str, Any]:
        options = {
            "host": NAME,
            "hostaddr": "127.0.0.1",
            "port": self.port,
            "dbname": DATABASE,
            "sslmode": "verify-full",
            "sslrootcert": str(self.ca),
            "gssencmode": "disable",
            "connect_timeout": 10,
        }
        return options | changed

    def connect(self, user: str, password: str, **changed: Any) -> "psycopg.Connection[Any]":
        return psycopg.connect(user=user, password=password, autocommit=True, **self.options(**changed))

    def refused(self, user: str, password: str, **changed: Any) -> str:
        """What the server said, without what libpq puts in front."""
        with pytest.raises(psycopg.OperationalError) as raised:
            self.connect(user, password, **changed).close()
        said = str(raised.value).strip().splitlines()[-1]
        return said.partition("FATAL:  ")[2] or said


@pytest.fixture(scope="session")
def fronts(tmp_path_factory: pytest.TempPathFactory, runtimes: Path) -> Iterator[Callable[[int], Front]]:
    """The proxy before a server of a version, started on first use; all end with the run."""
    with contextlib.ExitStack() as running:

        @functools.cache
        def get(version: int) -> Front:
            folder = tmp_path_factory.mktemp(f"front of {version}")
            stack = running.enter_context(build_stack(folder, version, "spool", runtimes))
            return running.enter_context(build_front(folder, stack))

        yield get


@pytest.fixture(scope="session", params=[16, 18])
def front(request: pytest.FixtureRequest, fronts: Callable[[int], Front]) -> Front:
    return fronts(request.param)


@contextlib.contextmanager
def build_front(folder: Path, stack: Stack) -> Iterator[Front]:
    stack.execute(
        "CREATE ROLE app LOGIN; GRANT rds_iam TO app; CREATE ROLE team; GRANT rds_iam TO team; CREATE ROLE member LOGIN; GRANT team TO member"
    )
    stack.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
    stack.execute("CREATE ROLE dba LOGIN PASSWORD 'dba' CREATEROLE; GRANT rds_superuser TO dba")
    issued = certificates.issue(folder / "tls", [NAME])
    configuration = folder / "proxy.json"
    ProxyConfiguration(
        str(stack.server.socket_directory), 0, str(issued.certificate), str(issued.key), [NAME], "us-east-1", KEYS
    ).write(configuration)
    log = folder / "proxy.log"
    with log.open("wb") as file, start_proxy(configuration, file) as process:
        assert process.stdout is not None
        word, port = process.stdout.readline().split()
        assert word == "ready"
        yield Front(stack, process, int(port), issued.ca, log, configuration)
        process.terminate()
        assert process.wait(5) == 0


def start_proxy(configuration: Path, log: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "vectordb.local.proxy", "--config", str(configuration)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=REPOSITORY)


@functools.cache
def signer(secret: str) -> Any:
    return boto3.client("rds", region_name="us-east-1", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key=secret)


def token(user: str, *, host: str = NAME, secret: str = KEYS["AKIDEXAMPLE"], age: int = 0) -> str:
    at = dt.datetime.now(dt.UTC).replace(tzinfo=None) - dt.timedelta(seconds=age)
    with mock.patch("botocore.auth.get_current_datetime", return_value=at):
        return str(signer(secret).generate_db_auth_token(host, 5432, user))
