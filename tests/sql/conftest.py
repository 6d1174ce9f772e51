"""PostgreSQL 16 and 18 with the project's SQL applied by the project's runner, as the master who is no superuser.

Behind `aws_lambda` stands the bridge's own handler, in this process, and behind that the emulator of S3 Vectors.
"""

import contextlib
import functools
import json
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

import embedding
import handler
import service
import transport
from tests.sql import embed_batch, embed_cases, embed_delivery
from tests.sql.cases import DECLARED, PASSWORD, SQL, USERS
from tests.sql.copying import ROWS
from tests.sql.doubles import FUNCTION_ARN, MODEL, Lambda, S3Vectors
from vectordb.database import migrate, sqlfiles
from vectordb.local.postgres import PostgresServer, bootstrap
from vectordb.local.postgres.spool import SpoolWorker

Connection = psycopg.Connection[Any]

EMBED_ON_16 = {
    "test_embed_changes.py",
    "test_embed_declare.py",
    "test_embed_generations.py",
    "test_embed_worker.py",
    "test_long_values_are_not_read_when_they_stay",
}
"""What PostgreSQL 16 could do otherwise than 18: files, and tests of others."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On 16 the rest of embed is `long` but for the first test of each file: each function runs there once."""
    seen = set()
    for item in items:
        file = item.path.name
        if isinstance(item, pytest.Function) and item.path.parent == Path(__file__).parent and "test_embed" in file:
            old = hasattr(item, "callspec") and item.callspec.params.get("server") == 16
            first = file not in seen
            seen.add(file)
            if old and not first and not EMBED_ON_16 & {file, item.originalname}:
                item.add_marker(pytest.mark.long)


@dataclass
class Database:
    """A database with the SQL applied."""

    server: PostgresServer
    lambda_: Lambda
    vectors: S3Vectors
    said: list[str] = field(default_factory=list)

    def login(self, user: str = "vectordb_app", **options: Any) -> Connection:
        """A session of a user, in autocommit mode."""
        password = {"password": PASSWORD} if user == "vectordb_admin" else {}
        return psycopg.connect(
            host=str(self.server.socket_directory),
            port=5432,
            dbname="vectordb",
            user=user,
            autocommit=True,
            **password,
            **options,
        )

    def apply(
        self, *, function_arn: str = FUNCTION_ARN, indexes: Any = DECLARED, users: Any = USERS, worker: Any = None
    ) -> list[str]:
        """What `vectordb migrate apply` does; the files that were applied."""
        values = {
            "embedding": json.dumps(worker),
            "function_arn": function_arn,
            "indexes": json.dumps(indexes),
            "master": "vectordb_admin",
            "region": "us-east-1",
            "users": json.dumps(users),
        }
        self.said.clear()

        def connect() -> AbstractContextManager[Connection]:
            return self.login("vectordb_admin")

        summary = migrate.apply(connect, sqlfiles.discover(SQL), values, timeout=30, say=self.said.append)
        return summary.applied

    def as_admin(self, statement: str, *parameters: Any) -> list[Any]:
        with self.login("operator") as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: Any) -> Iterator[S3Vectors]:
    """The contents of the indexes of `cases.DECLARED`; tests that change them put them back."""
    double = S3Vectors(tmp_path_factory.mktemp("s3vectors"))
    for index in DECLARED:
        searches = (
            {
                "textSearchConfigurations": [
                    {"metadataKey": one["key"], "language": one["language"]} for one in index["fullTextKeys"]
                ]
            }
            if "fullTextKeys" in index
            else {}
        )
        more = {"metadataConfiguration": searches} if searches else {}
        double.create(index["name"], index["dimension"], index["metric"], **more)
    double.put(
        "demo-index",
        {
            f"vec_{n:03}": (
                [n / 10, 0.2, 0.3, 0.4, 0.5],
                {"id": n, "category": "test" if n % 2 else "other", "body": f"words of entry {n}"},
            )
            for n in range(1, 21)
        },
    )
    double.put("many", {str(n): ([n / 8, 0.0], {"n": n}) for n in range(5000)})
    double.put("wide", {str(n): ([math.sin(n * 1536 + i) for i in range(1536)], {}) for n in range(100)})
    double.put("private", {"secret": ([1.0, 2.0, 3.0], {})})
    owners = {"a": ["acme"], "g": ["globex"], "both": ["acme", "globex"]}
    double.put(
        "tenants",
        {
            f"{name}{n}": ([1.0, n, 0.0, 1.0], {"tenant": whose if len(whose) > 1 else whose[0], "n": n})
            for name, whose in owners.items()
            for n in range(1, 6)
        }
        | {"nobody": ([1.0, 1.0, 1.0, 1.0], {"n": 0})},
    )
    yield double
    double.close()


@pytest.fixture(scope="session")
def lambda_() -> Iterator[Lambda]:
    double = Lambda(handler.handle)
    yield double
    double.stop()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: Any, runtimes: Path, lambda_: Lambda) -> Iterator[Callable[[int], PostgresServer]]:
    """The server of a version, started on first use; all end with the run.

    A fixture that has parameters itself would end and begin anew in each file, where 16 comes after the last file's 18.
    """
    folder = tmp_path_factory.getbasetemp() / "sql"
    settings = {"aws_lambda.connect_timeout_ms": "1000", "aws_lambda.request_timeout_ms": "10000"}
    with contextlib.ExitStack() as running:

        @functools.cache
        def get(version: int) -> PostgresServer:
            data = folder / f"pg{version}" / "data"
            server = PostgresServer(
                data, version=version, endpoint=lambda_.endpoint, settings=settings, runtimes=runtimes
            )
            running.enter_context(server)
            if server.transport == "spool":
                running.enter_context(SpoolWorker(server.spool_folder, lambda_.endpoint))
            bootstrap(server, database="vectordb", master="vectordb_admin", password=PASSWORD)
            return server

        yield get


@pytest.fixture(scope="session", params=[16, 18], ids=["pg16", "pg18"])
def server(request: Any, servers: Callable[[int], PostgresServer]) -> PostgresServer:
    return servers(request.param)


@pytest.fixture(scope="session")
def databases(lambda_: Lambda, vectors: S3Vectors) -> Callable[[PostgresServer], Database]:
    """A server's database, once applied."""

    @functools.cache
    def get(server: PostgresServer) -> Database:
        database = Database(server, lambda_, vectors)
        with pytest.MonkeyPatch.context() as patch:
            _wire(patch, vectors)
            database.apply()
        database.as_admin(
            "SELECT s3vl.revoke_index('private', 'vectordb_reader'),"
            " s3vl.revoke_index('private', 'vectordb_writer', 'write'),"
            " s3vl.grant_index('private', 'analyst'), s3vl.trust_application('shop'),"
            " s3vl.add_tenant('acme', 'acme'), s3vl.add_tenant('globex', 'globex')"
        )
        return database

    return get


@pytest.fixture(scope="session")
def applied(server: PostgresServer, databases: Callable[[PostgresServer], Database]) -> Database:
    """The database, once applied; tests that change what it holds put it back."""
    return databases(server)


def _wire(patch: pytest.MonkeyPatch, vectors: S3Vectors) -> None:
    patch.setenv("VECTORDB_INDEX_ARNS", json.dumps([index["arn"] for index in DECLARED]))
    patch.setenv("VECTORDB_MODELS", json.dumps([MODEL]))
    patch.setattr(transport, "exchange", vectors.exchange)
    patch.setattr(service, "PAUSE_SECONDS", 0.0)
    patch.setattr(service, "THROTTLED_PAUSE_SECONDS", 0.0)
    model = embedding.Model(
        dimensions=(5,),
        body=lambda text, dimension: {"inputText": text, "dimensions": dimension},
        numbers=lambda answer: answer["embedding"],
    )
    patch.setitem(embedding.MODELS, MODEL, model)


@pytest.fixture
def database(applied: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    applied.lambda_.settle()
    _wire(monkeypatch, applied.vectors)
    applied.lambda_.events.clear()
    applied.lambda_.functions.clear()
    applied.vectors.calls.clear()
    yield applied
    applied.vectors.refusal = applied.vectors.before = None


@pytest.fixture
def app(database: Database) -> Iterator[Connection]:
    """A session of the everyday login."""
    with database.login() as connection:
        yield connection


@pytest.fixture
def bench(applied: Database) -> Iterator[embed_cases.Bench]:
    """Where vectorizers are tried."""
    with embed_cases.opened(applied) as bench:
        yield bench


@pytest.fixture
def superuser(database: Database) -> Iterator[Connection]:
    """For looking, and for making what a stranger would have."""
    with database.server.superuser_connection("vectordb") as connection:
        yield connection


@pytest.fixture
def nobody(superuser: Connection) -> Iterator[str]:
    """A login without any grant."""
    superuser.execute(f"CREATE ROLE nobody LOGIN PASSWORD '{PASSWORD}'")
    yield "nobody"
    superuser.execute("DROP OWNED BY nobody")
    superuser.execute("DROP ROLE nobody")


@pytest.fixture
def stage(bench: embed_cases.Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[embed_delivery.Stage]:
    """Where ways of delivery are tried."""
    with embed_delivery.staged(bench, monkeypatch) as stage:
        yield stage


@pytest.fixture
def site(bench: embed_cases.Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[embed_batch.Site]:
    """Where batch inference is tried."""
    with embed_batch.opened(bench, monkeypatch) as site:
        yield site


# --- what is written to


@pytest.fixture
def copies(database: Database) -> Iterator[S3Vectors]:
    """The index to write to; empty before and after."""
    yield database.vectors
    database.vectors.refusal = database.vectors.before = None
    database.lambda_.settle()
    database.vectors.clear("copies")


@pytest.fixture(scope="module")
def source(applied: Database) -> Iterator[None]:
    """public.source: 1,050 rows, which every login reads. Its keys are in another order as text than as numbers."""
    with applied.login("vectordb_admin") as admin:
        admin.execute("CREATE TABLE public.source (id integer PRIMARY KEY, embedding public.vector(8), kind text)")
        admin.execute(
            "INSERT INTO public.source SELECT n, ARRAY[n, 1, 0, 0, 0, 0, 0, 0], CASE WHEN n %% 2 = 0 THEN 'even' ELSE 'odd' END"
            " FROM generate_series(1, %s) n",
            (ROWS,),
        )
        admin.execute("GRANT SELECT ON public.source TO vectordb_writer")
    yield  # no session stays open: a test kills the server
    with applied.login("vectordb_admin") as admin:
        admin.execute("DROP TABLE public.source")


@pytest.fixture
def told(database: Database, app: Connection) -> Iterator[list[str | None]]:
    """The notices of the session, which copies: messages. No job is known before and after."""
    messages: list[str | None] = []
    app.add_notice_handler(lambda diagnosis: messages.append(diagnosis.message_primary))
    app.execute("SET statement_timeout = 0")
    yield messages
    database.as_admin("DELETE FROM s3vl.copies")
