"""The emulator's Data API before the tests' PostgreSQL, and sessions over it."""

import contextlib
import json

from tests.local.emulator.running import Running
from vectordb.database import data_api, migrate, sqlfiles
from vectordb.database.settings import Settings
from vectordb.database.talk import Deadline

from .conftest import GOOD, HOST, MASTER, PASSWORD, VALUES

CLUSTER = "arn:aws:rds:us-east-1:123456789012:cluster:db"
HASTY = "arn:aws:rds:us-east-1:123456789012:cluster:hasty"
"""The same database behind limits that a test can wait for: a call takes 0.4 s, a transaction waits 1.5 s."""
OFF = "arn:aws:rds:us-east-1:123456789012:cluster:off"


class Cloud:
    """An emulator that knows the clusters and the master's secret."""

    def __init__(self, state, front):
        self.running = Running(state, "--no-warm", "--no-preload")
        port, ca = front
        where = {"host": HOST, "port": port, "certificate": str(ca)}
        limits = {HASTY: {"call_seconds": 0.4, "idle_seconds": 1.5}}
        for arn in (CLUSTER, HASTY, OFF):
            document = {"arn": arn, "enabled": arn != OFF, **where, **limits.get(arn, {})}
            assert self.running.request("POST", "/_vectordb/clusters", document)[0] == 200
        self.secret = self.make_secret("master", MASTER, PASSWORD)

    def make_secret(self, name, user, password):
        text = json.dumps({"username": user, "password": password})
        return self.running.client("secretsmanager").create_secret(Name=name, SecretString=text)["ARN"]

    def client(self):
        return self.running.client("rds-data", read_timeout=60)

    def fail(self, operation, code, message="", *, times=1, status=400):
        order = {"service": "rds-data", "operation": operation, "code": code, "message": message}
        assert self.running.request("POST", "/_vectordb/faults", {**order, "times": times, "status": status})[0] == 200

    def settings(self, database, *, cluster=CLUSTER, secret=""):
        return Settings.from_environment(GOOD | {
            "VECTORDB_TRANSPORT": "data-api", "VECTORDB_CLUSTER_ARN": cluster, "VECTORDB_SECRET_ARN": secret or self.secret,
            "VECTORDB_DATABASE": database.name,
        })  # fmt: skip

    @contextlib.contextmanager
    def open(self, database, *, timeout=20, **more):
        settings = self.settings(database, **more)
        client = self.client()
        with data_api.opened(settings, deadline=Deadline(timeout), say=database.said.append, client=client) as session:
            yield session

    def apply(self, database, *, timeout=20, values=None, **more):
        return migrate.apply(
            lambda: self.open(database, timeout=timeout, **more),
            sqlfiles.discover(database.folder), VALUES | (values or {}), timeout=timeout, say=database.said.append,
        )  # fmt: skip
