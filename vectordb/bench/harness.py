"""Both bridges on one PostgreSQL, over the same S3 Vectors: what every measurement runs in."""

import http.client
import json
import os
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore import httpsession

from vectordb import processes
from vectordb.bench import database, packages, seed
from vectordb.bench.clocks import ProcessClock
from vectordb.bench.database import Connection
from vectordb.bench.invoke import Function, Invoke
from vectordb.errors import VectordbError
from vectordb.local import certificates
from vectordb.local.postgres import PostgresServer

Say = Callable[[str], None]

_PLAIN = Path(__file__).with_name("plain")


@dataclass(frozen=True)
class Call:
    """One statement, measured: milliseconds."""

    wall: float
    service: float
    """That requests spent in S3 Vectors, added up."""
    requests: int
    database_processor: float
    function_processor: float
    rows: list[tuple[Any, ...]]

    @property
    def processor(self) -> float:
        """Of the session's server process and the function's together."""
        return self.database_processor + self.function_processor

    @property
    def beyond_service(self) -> float:
        """What the bridge adds. For statements whose requests follow each other."""
        return self.wall - self.service


class ServiceControl:
    """Sets the service time, and asks what was spent in the service."""

    def __init__(self, port: int, ca: Path) -> None:
        self.address = port, ca
        context = ssl.create_default_context(cafile=str(ca))
        self._connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)

    def delay(self, seconds: float) -> None:
        """How long each request takes from now on."""
        self.request("POST", "/_bench/delay", json.dumps({"seconds": seconds}))

    def spent(self) -> tuple[int, float]:
        """(requests, milliseconds) since it was last asked."""
        answer = self.request("GET", "/_bench/spent")
        return answer["requests"], 1000 * answer["seconds"]

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def request(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        """Any request; the answer's JSON."""
        self._connection.request(method, path, body)
        with self._connection.getresponse() as reply:
            answer: dict[str, Any] = json.loads(reply.read())
        return answer


class Side:
    """One bridge: a session of its own in the database, and its function."""

    def __init__(self, name: str, connection: Connection, function: Function, service: ServiceControl) -> None:
        self.name = name
        self.connection = connection
        self.function = function
        self._service = service
        self._clock = ProcessClock(connection.info.backend_pid)

    def call(self, statement: str, *parameters: object) -> Call:
        """Run a statement to its last row."""
        self._service.spent()
        database, function = self._clock.milliseconds(), self.function.clock.milliseconds()
        begun = time.perf_counter()
        rows = self.connection.execute(statement.encode(), parameters or None).fetchall()
        wall = 1000 * (time.perf_counter() - begun)
        function, database = self.function.clock.milliseconds() - function, self._clock.milliseconds() - database
        requests, service = self._service.spent()
        return Call(wall, service, requests, database, function, rows)


@dataclass(frozen=True)
class Harness:
    """What runs."""

    server: PostgresServer
    service: ServiceControl
    sample: Side
    ours: Side
    conditions: dict[str, str]

    @property
    def sides(self) -> tuple[Side, Side]:
        """In the order in which they take turns."""
        return self.sample, self.ours

    def superuser(self) -> Connection:
        """A session that may everything. The caller closes it."""
        return self.server.superuser_connection(database.DATABASE)


@contextmanager
def running(directory: Path, *, stack: str, say: Say, runtimes: Path | None = None) -> Iterator[Harness]:
    """Start everything in a folder of its own, and leave nothing behind.

    Args:
        directory: the project, whose SQL and package are measured.
        stack: whose package.
        say: gets the progress.
        runtimes: where installations of PostgreSQL are kept; the local stack's by default.

    Raises:
        VectordbError: something did not start.
    """
    with ExitStack() as ending:
        work = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="vectordb-bench-")))
        say("starting S3 Vectors behind HTTPS")
        issued = certificates.issue(work / "tls", ["localhost"])
        service = _service(work, issued)
        ending.callback(processes.end, service)
        # The bundle that boto3 takes by default, and the local authority: reading it is a part of making a TLS context.
        bundle = work / "bundle.pem"
        bundle.write_bytes(Path(httpsession.where()).read_bytes() + b"\n" + issued.ca.read_bytes())
        say("building both functions")
        invoke = Invoke()
        ending.callback(invoke.close)
        ours, sample = packages.project(directory, stack, work / "ours"), packages.plain_one(work / "plain")
        port = _port(service, work)
        control = ServiceControl(port, issued.ca)
        ending.callback(control.close)
        variables = {"AWS_CA_BUNDLE": str(bundle)}
        endpoint = f"https://localhost:{port}"
        arns = json.dumps([seed.index_arn(seed.QUERIED), seed.index_arn(seed.FETCHED)])
        functions = {
            "ours": Function(
                "bridge", ours, {**ours.variables, **variables, "VECTORDB_INDEX_ARNS": arns}, seed.REGION, endpoint
            ),
            "sample": Function("plain", sample, variables, seed.REGION, endpoint),
        }
        invoke.functions |= {function.arn: function for function in functions.values()}
        say("starting PostgreSQL 18 with both schemas")
        server = ending.enter_context(
            database.running(
                work / "postgres" / "data",
                directory,
                endpoint=invoke.endpoint,
                function_arn=functions["ours"].arn,
                region=seed.REGION,
                indexes=[
                    (seed.QUERIED, seed.index_arn(seed.QUERIED), seed.QUERIED_DIMENSION),
                    (seed.FETCHED, seed.index_arn(seed.FETCHED), seed.FETCHED_DIMENSION),
                ],
                runtimes=runtimes,
            )
        )
        say("filling the tables of the benchmark")
        _fill(server, functions["sample"].arn)
        sides = {
            name: Side(name, ending.enter_context(database.session(server, database.USER)), function, control)
            for name, function in functions.items()
        }
        conditions = {
            "PostgreSQL": f"{server.version}, aws_lambda over {'C' if server.transport == 'c' else 'files'}",
            "the function": f"a package of {ours.size / 1e6:.2f} MB, {ours.memory} MB of memory declared",
        }
        yield Harness(server, control, sides["sample"], sides["ours"], conditions)


def _service(work: Path, issued: certificates.Certificates) -> subprocess.Popen[str]:
    arguments = ("--state", str(work / "s3vectors"), "--certificate", str(issued.certificate), "--key", str(issued.key))
    with (work / "service.log").open("wb") as log:
        return processes.python("vectordb.bench.service", *arguments, log=log, environment=_environment())


def _port(service: subprocess.Popen[str], work: Path) -> int:
    """Where the service listens, when it does."""
    assert service.stdout is not None
    word, _, port = service.stdout.readline().strip().partition(" ")
    if word != "ready":
        said = (work / "service.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise VectordbError(f"The stand-in for S3 Vectors did not start: {said}")
    return int(port)


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PG"))}


def _fill(server: PostgresServer, sample_arn: str) -> None:
    with server.superuser_connection(database.DATABASE) as superuser:
        for file in ("schema.sql", "inputs.sql"):
            superuser.execute((_PLAIN / file).read_bytes())
        superuser.execute("INSERT INTO plain.config (lambda_arn) VALUES (%s)", (sample_arn,))
        for name in (seed.QUERIED, seed.FETCHED):
            superuser.execute(
                "INSERT INTO plain.index_registry (index_name, index_arn) VALUES (%s, %s)", (name, seed.index_arn(name))
            )
        texts = [str(row.tolist()) for row in seed.queries()]
        superuser.cursor().executemany(
            "INSERT INTO bench.queries SELECT %s, v, v::real[]::float8[] FROM (SELECT %s::vector AS v) AS q",
            [(number, text) for number, text in enumerate(texts, start=1)],
        )
        superuser.execute("ANALYZE bench.queries")
        # The sample has no boundary of its own: its callers may call aws_lambda directly.
        for schema in ("plain", "bench", "aws_lambda"):
            superuser.execute(f"GRANT USAGE ON SCHEMA {schema} TO {database.USER}".encode())
            superuser.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {database.USER}".encode())
            superuser.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {database.USER}".encode())
