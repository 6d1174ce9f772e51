"""PostgreSQL of a measurement's own, with the project's SQL and an everyday login."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from vectordb.database import migrate, sqlfiles
from vectordb.local.postgres import PostgresServer, bootstrap, sockets
from vectordb.local.postgres.spool import SpoolWorker

Connection = psycopg.Connection[tuple[Any, ...]]

DATABASE, MASTER, USER = "vectordb", "vectordb_admin", "vectordb_app"
_PASSWORD = "no secret: the server listens on a socket in a folder of this run"  # noqa: S105 - it says so itself
_FUNCTIONS_WAIT_MS = 30_000


@contextmanager
def running(
    data: Path,
    directory: Path,
    *,
    endpoint: str,
    function_arn: str,
    region: str,
    indexes: Sequence[tuple[str, str, int]] = (),
    settings: Mapping[str, str] | None = None,
    runtimes: Path | None = None,
) -> Iterator[PostgresServer]:
    """Start a server, and bring its database to where a deployment of the project would bring it.

    Args:
        data: the server's new folder.
        directory: the project, whose SQL is applied.
        endpoint: where functions are invoked.
        function_arn: the bridge's; empty where there is none.
        region: of the function and the indexes.
        indexes: name, ARN and dimension of each that is declared; all are by cosine.
        settings: of the server, beside those that a measurement needs.
        runtimes: where installations of PostgreSQL are kept; the local stack's by default.

    Raises:
        VectordbError: the server did not start, or a file could not be applied.
    """
    server = PostgresServer(
        data,
        endpoint=endpoint,
        settings={"aws_lambda.request_timeout_ms": str(_FUNCTIONS_WAIT_MS), **(settings or {})},
        runtimes=runtimes or directory / ".local" / "runtimes",
    )
    declared = [{"name": name, "arn": arn, "dimension": size, "metric": "cosine"} for name, arn, size in indexes]
    values = {
        "embedding": "null",
        "function_arn": function_arn,
        "indexes": json.dumps(declared),
        "master": MASTER,
        "region": region,
        "users": json.dumps([{"name": USER, "access": "writer"}]),
    }

    def connect() -> AbstractContextManager[Connection]:
        return session(server, MASTER)

    with ExitStack() as ending:
        ending.enter_context(server)
        if server.transport == "spool":
            worker = SpoolWorker(server.spool_folder, endpoint)
            worker.start()
            ending.callback(worker.stop)
        bootstrap(server, database=DATABASE, master=MASTER, password=_PASSWORD)
        migrate.apply(connect, sqlfiles.discover(directory / "sql"), values, timeout=30, say=lambda _: None)
        yield server


@contextmanager
def session(server: PostgresServer, user: str) -> Iterator[Connection]:
    """A session of MASTER or USER, without transactions of its own."""
    with psycopg.connect(
        host=str(server.socket_directory),
        port=sockets.PORT,
        dbname=DATABASE,
        user=user,
        password=_PASSWORD if user == MASTER else None,
        autocommit=True,
    ) as connection:
        yield connection
