"""A PostgreSQL of each version for the whole run, and a database of its own for each test."""

import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from botocore.stub import Stubber

from vectordb.database import aws, connection, migrate, plugin, sqlfiles
from vectordb.database.settings import Settings
from vectordb.local import certificates
from vectordb.local.postgres import PostgresServer, bootstrap
from vectordb.local.proxy import ProxyConfiguration

MASTER = "vectordb_admin"
PASSWORD = "only-on-this-machine"
VALUES = {
    "embedding": "null",
    "function_arn": "arn:aws:lambda:us-east-1:123456789012:function:bridge:live",
    "indexes": "[]",
    "master": MASTER,
    "region": "us-east-1",
    "users": "[]",
}
GOOD = {
    "VECTORDB_HOST": "db.cluster-c0ffee.us-east-1.rds.amazonaws.com",
    "VECTORDB_REGION": "us-east-1",
    "VECTORDB_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-1",
    "VECTORDB_BASTION_ID": "i-0123456789abcdef0",
}
_numbers = itertools.count(1)
HOST = GOOD["VECTORDB_HOST"]
BASTION = GOOD["VECTORDB_BASTION_ID"]
STANDARD = {
    "Target": BASTION,
    "DocumentName": "AWS-StartPortForwardingSessionToRemoteHost",
    "Parameters": {"host": [HOST], "portNumber": ["5432"], "localPortNumber": ["0"]},
    "Reason": "vectordb migrate",
}
"""What StartSession is asked for."""
ANSWER = {"SessionId": "session-1", "TokenValue": "the-token", "StreamUrl": "wss://stream"}


class Password:
    """A login with passwords given beforehand, one after the other."""

    require_auth = "scram-sha-256"

    def __init__(self, *passwords, user=MASTER):
        self.user = user
        self.passwords = list(passwords)

    def credentials(self):
        return self.user, self.passwords[0]

    def renewed(self):
        del self.passwords[0]
        return bool(self.passwords)

    def refused_remedy(self):
        return "look at the secret"


@pytest.fixture(scope="session")
def front(servers, tmp_path_factory):
    """The TLS proxy before PostgreSQL 18, and its authority."""
    folder = tmp_path_factory.mktemp("front")
    files = certificates.issue(folder, [HOST])
    config = folder / "proxy.json"
    ProxyConfiguration(
        socket_directory=str(servers(18).socket_directory),
        port=0,
        certificate=str(files.certificate),
        key=str(files.key),
        names=[HOST],
        region="us-east-1",
        access_keys={"AKIDEXAMPLE": "fake-secret-key"},
    ).write(config)
    with subprocess.Popen(
        [sys.executable, "-m", "vectordb.local.proxy", "--config", str(config)], stdout=subprocess.PIPE, text=True
    ) as process:
        ready = process.stdout.readline().split()
        assert ready[0] == "ready"
        yield int(ready[1]), files.ca
        process.terminate()


@pytest.fixture
def settings(front):
    port, ca = front
    return Settings.from_environment(GOOD | {
        "VECTORDB_HOSTADDR": "127.0.0.1", "VECTORDB_HOSTADDR_PORT": str(port), "VECTORDB_CA_BUNDLE": str(ca),
    })  # fmt: skip


@dataclass
class Database:
    """One empty database, its files, and what was said while they were applied."""

    server: PostgresServer
    name: str
    folder: Path
    said: list[str]

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def open(self, user: str = MASTER) -> "psycopg.Connection[tuple[object, ...]]":
        """As the master, with the session options of the real thing, over the socket."""
        options = " ".join(f"-c {name}={value}" for name, value in connection.SESSION_OPTIONS.items())
        return psycopg.connect(
            host=str(self.server.socket_directory), port=5432, dbname=self.name, user=user, password=PASSWORD,
            autocommit=True, prepare_threshold=None, options=options, application_name=connection.APPLICATION,
        )  # fmt: skip

    @contextlib.contextmanager
    def connect(self) -> "Iterator[psycopg.Connection[tuple[object, ...]]]":
        with contextlib.closing(self.open()) as opened:
            yield opened

    def apply(self, *, values: dict[str, str] | None = None, timeout: float = 20) -> migrate.Summary:
        return migrate.apply(
            self.connect, sqlfiles.discover(self.folder), VALUES | (values or {}), timeout=timeout, say=self.said.append
        )

    def rows(self, query: str, *parameters: object) -> "list[tuple[object, ...]]":
        with self.connect() as opened:
            return opened.execute(query, parameters or None).fetchall()

    def ledger(self) -> list[str]:
        return [
            f"{kind}/{name}"
            for kind, name in self.rows("SELECT kind, name FROM vectordb.migrations ORDER BY applied_at, kind, name")
        ]


@pytest.fixture(scope="session")
def servers(tmp_path_factory, runtimes):
    """Starts the server of a version on first use; all end with the run."""
    running: dict[int, PostgresServer] = {}

    def get(version: int) -> PostgresServer:
        if version not in running:
            folder = tmp_path_factory.mktemp(f"postgres{version}")
            server = PostgresServer(folder / "data", version=version, transport="spool", runtimes=runtimes)
            server.start()
            running[version] = server
            bootstrap(server, database="vectordb", master=MASTER, password=PASSWORD)
        return running[version]

    yield get
    for server in running.values():
        server.stop()


@pytest.fixture
def make_database(servers, tmp_path):
    """Makes an empty database that the master owns; dropped after the test."""
    made: list[tuple[PostgresServer, str]] = []

    def make(version: int = 18) -> Database:
        server, name = servers(version), f"test_{next(_numbers)}"
        with server.superuser_connection() as superuser:
            superuser.execute(f"CREATE DATABASE {name} OWNER {MASTER}")
        made.append((server, name))
        folder = tmp_path / name
        (folder / "versioned").mkdir(parents=True)
        return Database(server, name, folder, [])

    yield make
    for server, name in made:
        with server.superuser_connection() as superuser:
            superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(make_database):
    """An empty database on the newest version."""
    return make_database()


@pytest.fixture(autouse=True)
def no_aws(monkeypatch):
    """Fake credentials, an address that answers nothing, and no session from another test."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fake-secret-key")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    aws.session.cache_clear()
    yield
    aws.session.cache_clear()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A plugin on PATH; returns where it writes how it was started."""
    script = tmp_path / "bin" / plugin.COMMAND
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{Path(__file__).with_name('fake_plugin.py')}' \"$@\"\n")
    script.chmod(0o755)
    record = tmp_path / "record.json"
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_RECORD", str(record))
    monkeypatch.setenv("FAKE_TARGET", "127.0.0.1:9")
    return record


@pytest.fixture
def ssm(monkeypatch):
    client = aws.client("ssm", "us-east-1")
    with Stubber(client) as stubber:
        client.stubber = stubber
        make = aws.client
        monkeypatch.setattr(
            aws, "client", lambda service, region: client if service == "ssm" else make(service, region)
        )
        yield client
        stubber.assert_no_pending_responses()
