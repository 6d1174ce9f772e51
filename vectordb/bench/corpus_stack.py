"""The worked example in both stores, for measurements: PostgreSQL with the project's SQL, the bridge's function, S3 Vectors.

Nothing of a running local stack is used or changed. The function runs in a process of its own, as it is deployed; S3 Vectors is
the local stack's emulator behind HTTP in this process, which counts requests and bytes, and by how much it was faster than the service.
"""

import json
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any

from vectordb.bench import database, emulated, packages
from vectordb.bench.database import Connection
from vectordb.bench.harness import Say
from vectordb.bench.invoke import Function, Invoke
from vectordb.local import example
from vectordb.local.emulator import ACCOUNT
from vectordb.local.emulator.bedrock.embedder import Embedder
from vectordb.local.emulator.s3vectors.service import S3Vectors
from vectordb.local.emulator.wire import Response
from vectordb.local.example.corpus import Entry, collect
from vectordb.local.postgres import PostgresServer

INDEX, DIMENSION = "stdlib", 256
REGION, BUCKET = "us-east-1", "vectordb-bench"
INDEX_ARN = f"arn:aws:s3vectors:{REGION}:{ACCOUNT}:bucket/{BUCKET}/index/{INDEX}"
SHORT_INDEX, SHORT = "stdlib-64", 64
"""The same vectors, cut to so many dimensions and at length 1 again."""
SHORT_INDEX_ARN = f"arn:aws:s3vectors:{REGION}:{ACCOUNT}:bucket/{BUCKET}/index/{SHORT_INDEX}"

_PUT_AT_ONCE = 500
_CUT = b"""
CALL s3vl.copy_to_index(
    $$ SELECT id, l2_normalize(subvector(embedding, 1, 64)) FROM stdlib.entries $$, 'stdlib-64')"""


@dataclass(frozen=True)
class Spent:
    """Of the service, since it was last asked: requests, the bytes of their answers, and the seconds that they were too fast."""

    requests: int
    answered: int
    owed: float


class CountedService:
    """S3 Vectors on a loopback port.

    Args:
        folder: for its files.

    Attributes:
        delay: seconds that each request counts as, at least. What it took less is owed, not waited for: a run of requests
            one after the other, as the bridge makes them for one query, ends so many seconds early.
        endpoint: its URL.
    """

    def __init__(self, folder: Path) -> None:
        self._vectors = S3Vectors(folder)
        self._counting = threading.Lock()
        self._spent = Spent(0, 0, 0.0)
        self.delay = 0.0
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 20  # headers and body in one segment

            def do_POST(self) -> None:
                begun = time.perf_counter()
                body = self.rfile.read(int(self.headers["Content-Length"]))
                reply = service.operate(self.path.lstrip("/"), body, self.headers.get("Authorization", ""))
                service.owe(begun + service.delay - time.perf_counter())
                self.send_response(reply.status)
                for name, value in (*reply.headers, ("Content-Length", str(len(reply.body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)
                self.wfile.flush()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def operate(self, operation: str, body: bytes, authorization: str) -> Response:
        """The emulator's answer, counted."""
        reply = emulated.answered(self._vectors, operation, body, authorization)
        with self._counting:
            spent = self._spent
            self._spent = replace(spent, requests=spent.requests + 1, answered=spent.answered + len(reply.body))
        return reply

    def owe(self, seconds: float) -> None:
        """Count what a request was too fast by; one that was too slow owes nothing."""
        with self._counting:
            self._spent = replace(self._spent, owed=self._spent.owed + max(0.0, seconds))

    def spent(self) -> Spent:
        """What was spent since the last time."""
        with self._counting:
            spent, self._spent = self._spent, Spent(0, 0, 0.0)
        return spent

    def ask(self, operation: str, parameters: dict[str, Any]) -> None:
        """One operation of the API, to prepare what is measured."""
        reply = self.operate(
            operation, json.dumps(parameters).encode(), f"Credential=LOCAL/20260101/{REGION}/s3vectors/"
        )
        if reply.status != 200:  # noqa: PLR2004 - HTTP's word for success
            raise RuntimeError(f"{operation}: {reply.body.decode()}")

    def close(self) -> None:
        """Stop listening and let go of the files."""
        self._server.shutdown()
        self._server.server_close()
        self._vectors.close()


@dataclass(frozen=True)
class CorpusStack:
    """What runs: a session of the everyday login, and the service behind the bridge."""

    connection: Connection
    service: CountedService
    embedder: Embedder
    documents: int

    def vector(self, text: str) -> str:
        """The vector of a question, in pgvector's text form."""
        return _as_text(self.embedder.embed(self.embedder.tokens(text)).tolist())


@contextmanager
def running(directory: Path, *, stack: str, say: Say, runtimes: Path | None = None) -> Iterator[CorpusStack]:
    """Start everything in a folder of its own, load the corpus into both stores, and leave nothing behind.

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
        say("building the function")
        service = CountedService(work / "s3vectors")
        ending.callback(service.close)
        invoke = Invoke()
        ending.callback(invoke.close)
        package = packages.project(directory, stack, work / "function")
        variables = {**package.variables, "VECTORDB_INDEX_ARNS": json.dumps([INDEX_ARN, SHORT_INDEX_ARN])}
        function = Function("bridge", package, variables, REGION, service.endpoint)
        invoke.functions[function.arn] = function
        say("starting PostgreSQL 18")
        server = ending.enter_context(
            database.running(
                work / "postgres" / "data",
                directory,
                endpoint=invoke.endpoint,
                function_arn=function.arn,
                region=REGION,
                indexes=[(INDEX, INDEX_ARN, DIMENSION), (SHORT_INDEX, SHORT_INDEX_ARN, SHORT)],
                runtimes=runtimes,
            )
        )
        say("embedding the standard library's documentation")
        embedder = Embedder()
        documents = collect()
        vectors = [embedder.embed(embedder.tokens(entry.text)).tolist() for entry in documents]
        say("loading it into both stores")
        _into_database(server, documents, vectors)
        _create_indexes(service)
        _into_index(service, documents, vectors)
        connection = ending.enter_context(database.session(server, database.USER))
        connection.execute("SET statement_timeout = 0")
        connection.execute(_CUT)
        yield CorpusStack(connection, service, embedder, len(documents))


def _into_database(server: PostgresServer, documents: Sequence[Entry], vectors: Sequence[list[float]]) -> None:
    with database.session(server, database.MASTER) as master:
        # Without index.sql: without its approximate index pgvector searches exactly, and that is the truth here.
        master.execute(resources.files(example).joinpath("schema.sql").read_bytes())
        with master.transaction(), master.cursor() as cursor:
            columns = "id, module, name, kind, signature, doc, embedding"
            with cursor.copy(f"COPY stdlib.entries ({columns}) FROM STDIN".encode()) as copy:
                for entry, vector in zip(documents, vectors, strict=True):
                    copy.write_row(
                        (entry.id, entry.module, entry.name, entry.kind, entry.signature, entry.doc, _as_text(vector))
                    )
        master.execute("ANALYZE stdlib.entries")


def _into_index(service: CountedService, documents: Sequence[Entry], vectors: Sequence[list[float]]) -> None:
    records = [
        {"key": str(entry.id), "data": {"float32": vector}, "metadata": metadata(entry)}
        for entry, vector in zip(documents, vectors, strict=True)
    ]
    for start in range(0, len(records), _PUT_AT_ONCE):
        service.ask("PutVectors", {"indexArn": INDEX_ARN, "vectors": records[start : start + _PUT_AT_ONCE]})


def _create_indexes(service: CountedService) -> None:
    service.ask("CreateVectorBucket", {"vectorBucketName": BUCKET})
    for name, dimension in ((INDEX, DIMENSION), (SHORT_INDEX, SHORT)):
        shape = {"dataType": "float32", "dimension": dimension, "distanceMetric": "cosine"}
        service.ask("CreateIndex", {"vectorBucketName": BUCKET, "indexName": name, **shape})


def metadata(entry: Entry) -> dict[str, Any]:
    """What the index holds of an entry beside its vector."""
    package = entry.module.partition(".")[0]
    return {"id": entry.id, "kind": entry.kind, "package": package, "characters": len(entry.doc)}


def _as_text(vector: Sequence[float]) -> str:
    return "[" + ",".join(map(repr, vector)) + "]"
