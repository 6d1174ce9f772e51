"""PostgreSQL with the project's SQL, and a model that answers on this machine."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.embed.chaos_model import ChaosModel
from tests.embed.model import Model, Server
from tests.sql.doubles import Answer, Lambda
from vectordb.database import migrate, sqlfiles
from vectordb.local.postgres import PostgresServer, bootstrap
from vectordb.local.postgres.spool import SpoolWorker

SQL = Path(__file__).resolve().parents[2] / "sql"
PASSWORD = "correct horse battery staple"


@dataclass
class Database:
    """A server; the SQL is applied to its database `vectordb`."""

    server: PostgresServer
    lambda_: Lambda
    """What the database rings; it hears nothing unless a test listens."""

    def dsn(self, user: str) -> str:
        password = f" password='{PASSWORD}'" if user == "vectordb_admin" else ""
        return f"host={self.server.socket_directory} port=5432 dbname=vectordb user={user} connect_timeout=5{password}"

    def login(self, user: str = "vectordb_admin") -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn(user), autocommit=True)


@pytest.fixture(scope="session")
def database(tmp_path_factory: Any, runtimes: Path) -> Iterator[Database]:
    folder = tmp_path_factory.getbasetemp() / "embed"
    lambda_ = Lambda(lambda *_: {})
    lambda_.behaviour = lambda _: Answer(b"", 202)
    server = PostgresServer(folder / "data", transport="spool", settings={"max_connections": "80"}, runtimes=runtimes)
    with server, SpoolWorker(server.spool_folder, lambda_.endpoint):
        bootstrap(server, database="vectordb", master="vectordb_admin", password=PASSWORD)
        database = Database(server, lambda_)
        values = {
            "embedding": "null",
            "function_arn": "",
            "indexes": "[]",
            "master": "vectordb_admin",
            "region": "us-east-1",
            "users": json.dumps([{"name": "vectordb_app", "access": "writer"}]),
        }
        migrate.apply(database.login, sqlfiles.discover(SQL), values, timeout=30, say=lambda _: None)
        with database.login() as admin:
            admin.execute("CREATE ROLE embedder LOGIN IN ROLE vectordb_worker, rds_iam")
        yield database
    lambda_.stop()


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    """A model; `model.url` is where it answers."""
    model = Model()
    with Server(model) as server:
        model.url = server.url  # type: ignore[attr-defined]
        monkeypatch.setenv("VECTORDB_EMBED_ENDPOINTS", json.dumps([{"origin": server.url}]))
        yield model


@pytest.fixture
def chaos_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChaosModel]:
    """One that is for chaos; `url` is where it answers."""
    model = ChaosModel()
    with Server(model) as server:
        model.url = server.url  # type: ignore[attr-defined]
        monkeypatch.setenv("VECTORDB_EMBED_ENDPOINTS", json.dumps([{"origin": server.url}]))
        yield model
