"""What the SQL step is told: the names of its environment variables, and their values, checked once.

Nothing in here is secret. The master's password is read where it is used (`secret.py`), from the secret that `SECRET_ARN` names.
"""

import difflib
import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from vectordb.errors import VectordbError

Transport = Literal["ssm", "data-api", "direct"]

HOST: Final = "VECTORDB_HOST"
PORT: Final = "VECTORDB_PORT"
DATABASE: Final = "VECTORDB_DATABASE"
REGION: Final = "VECTORDB_REGION"
SECRET_ARN: Final = "VECTORDB_SECRET_ARN"  # noqa: S105 - the name of a variable that holds an ARN
CLUSTER_RESOURCE_ID: Final = "VECTORDB_CLUSTER_RESOURCE_ID"
CLUSTER_ARN: Final = "VECTORDB_CLUSTER_ARN"
TRANSPORT: Final = "VECTORDB_TRANSPORT"
BASTION_ID: Final = "VECTORDB_BASTION_ID"
SESSION_DOCUMENT: Final = "VECTORDB_SESSION_DOCUMENT"
FUNCTION_ARN: Final = "VECTORDB_FUNCTION_ARN"
INDEXES: Final = "VECTORDB_INDEXES"
USERS: Final = "VECTORDB_USERS"
EMBEDDING: Final = "VECTORDB_EMBEDDING"
SQL_SHA256: Final = "VECTORDB_SQL_SHA256"
HOSTADDR: Final = "VECTORDB_HOSTADDR"
HOSTADDR_PORT: Final = "VECTORDB_HOSTADDR_PORT"
CA_BUNDLE: Final = "VECTORDB_CA_BUNDLE"

#: Every variable that is read here, and what it holds.
NAMES: Final[Mapping[str, str]] = {
    HOST: "the database's endpoint, the name in its certificate",
    PORT: "the database's port (default 5432)",
    DATABASE: "the database's name (default vectordb)",
    REGION: "the AWS region of the database",
    SECRET_ARN: "ARN of the master's secret",
    CLUSTER_RESOURCE_ID: "the cluster's resource id; a cluster made anew has another one, so the step runs again",
    CLUSTER_ARN: "ARN of the cluster, for data-api",
    TRANSPORT: "the way to the database: ssm (default), data-api or direct",
    BASTION_ID: "instance id of the bastion, for ssm",
    SESSION_DOCUMENT: "Session document that pins host and port; empty: AWS's own for port forwarding",
    FUNCTION_ARN: "qualified ARN of the bridge function",
    INDEXES: 'S3 Vectors indexes: JSON list of {"name", "arn", "dimension", "metric", "model"?, "nonFilterableKeys"?, '
    '"fullTextKeys"?: [{"key", "language"?}], "tenantKey"?}',
    USERS: 'login users: JSON list of {"name", "access"}, access one of reader, writer, admin',
    EMBEDDING: 'the embedding worker: JSON object {"functionArn", "queue", "vectorizers": [...]}, "batch" if it makes such jobs; empty: there is none',
    SQL_SHA256: "digest of the SQL files that the program saw",
    HOSTADDR: "IP address to connect to in place of the endpoint's; for connections the transport is then direct",
    HOSTADDR_PORT: "port at that address (default: the database's port)",
    CA_BUNDLE: "file of trusted certificates in PEM (default: the shipped bundle of Amazon RDS roots)",
}

TRANSPORTS: Final[tuple[Transport, ...]] = ("ssm", "data-api", "direct")
ACCESS: Final = ("reader", "writer", "admin")
HIGHEST_PORT: Final = 65535

_REMEDY = (
    "The Pulumi program sets these variables for its SQL step. To run it by hand, export them; "
    "`vectordb migrate --help` lists them."
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the database is and what its SQL is told. `indexes`, `users` and `embedding` are canonical JSON text, as the SQL gets
    them; `embedding` is null when there is no worker.
    """

    host: str
    port: int
    database: str
    region: str
    secret_arn: str
    cluster_resource_id: str
    cluster_arn: str
    transport: Transport
    bastion_id: str
    session_document: str
    function_arn: str
    indexes: str
    users: str
    embedding: str = "null"
    sql_sha256: str
    hostaddr: str
    hostaddr_port: int
    ca_bundle: Path | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the variables in `NAMES`.

        Raises:
            VectordbError: with every problem at once, each naming its variable.
        """
        read = _Reader(environment)
        hostaddr = read.address(HOSTADDR)
        transport = cast("Transport", read.choice(TRANSPORT, TRANSPORTS, default="ssm"))
        port = read.port(PORT, default=5432)
        settings = cls(
            host=read.required(HOST),
            port=port,
            database=read.text(DATABASE, default="vectordb"),
            region=read.required(REGION),
            secret_arn=read.required(SECRET_ARN),
            cluster_resource_id=read.text(CLUSTER_RESOURCE_ID),
            cluster_arn=read.required(CLUSTER_ARN) if transport == "data-api" else read.text(CLUSTER_ARN),
            transport=transport,
            bastion_id=read.required(BASTION_ID) if transport == "ssm" and not hostaddr else read.text(BASTION_ID),
            session_document=read.text(SESSION_DOCUMENT),
            function_arn=read.text(FUNCTION_ARN),
            indexes=read.objects(INDEXES, _index_problem),
            users=read.objects(USERS, _user_problem),
            embedding=read.object(EMBEDDING, ("functionArn", "queue", "vectorizers"), ("batch",)),
            sql_sha256=read.text(SQL_SHA256),
            hostaddr=hostaddr,
            hostaddr_port=read.port(HOSTADDR_PORT, default=port),
            ca_bundle=read.file(CA_BUNDLE),
        )
        read.finish()
        return settings


class _Reader:
    """Reads variables and keeps what is wrong with them, so that one run names it all."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self._environment.get(name, "").strip() or default

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            self._problems.append(f"{name} is not set: {NAMES[name]}")
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name, default)
        if value in allowed:
            return value
        nearest = difflib.get_close_matches(value.lower(), allowed, n=1)
        meant = f"; did you mean {nearest[0]}?" if nearest else ""
        self._problems.append(f"{name} is {value!r}, allowed: {', '.join(allowed)}{meant}")
        return default

    def port(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if value.isascii() and value.isdigit() and 1 <= int(value) <= HIGHEST_PORT:
            return int(value)
        self._problems.append(f"{name} is {value!r}, allowed: a port number from 1 to {HIGHEST_PORT}")
        return default

    def address(self, name: str) -> str:
        value = self.text(name)
        if value:
            try:
                ipaddress.ip_address(value)
            except ValueError:
                self._problems.append(f"{name} is {value!r}, allowed: an IP address, such as 127.0.0.1")
        return value

    def file(self, name: str) -> Path | None:
        value = self.text(name)
        if value and not Path(value).is_file():
            self._problems.append(f"{name} is {value!r}, and there is no such file")
        return Path(value) if value else None

    def objects(self, name: str, problem: Callable[[dict[str, Any]], str]) -> str:
        """A JSON list of objects, each checked by `problem`; canonical JSON text comes back. Keys beyond the known ones pass."""
        value = self.text(name, "[]")
        try:
            rows = json.loads(value)
        except json.JSONDecodeError as error:
            self._problems.append(f"{name} is not JSON ({error}): {NAMES[name]}")
            return "[]"
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self._problems.append(f"{name} is not a JSON list of objects: {NAMES[name]}")
            return "[]"
        seen: set[str] = set()
        for place, row in enumerate(rows):
            if wrong := problem(row):
                self._problems.append(f"{name}[{place}]: {wrong}")
            elif row["name"] in seen:
                self._problems.append(f"{name}[{place}]: the name {row['name']!r} is there twice")
            else:
                seen.add(row["name"])
        return json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def object(self, name: str, keys: tuple[str, ...], optional: tuple[str, ...] = ()) -> str:
        """A JSON object with these keys, and perhaps the optional ones, as canonical JSON text; null when the variable is not set."""
        value = self.text(name, "null")
        try:
            found = json.loads(value)
        except json.JSONDecodeError as error:
            self._problems.append(f"{name} is not JSON ({error}): {NAMES[name]}")
            return "null"
        if found is not None and not (isinstance(found, dict) and set(found) - set(optional) == set(keys)):
            self._problems.append(f"{name} is no object with {', '.join(keys)}: {NAMES[name]}")
            return "null"
        return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def finish(self) -> None:
        if self._problems:
            raise VectordbError("\n".join(self._problems), remedy=_REMEDY)


def _name_problem(row: dict[str, Any]) -> str:
    name = row.get("name")
    return "" if isinstance(name, str) and name else f"name is {name!r}, allowed: a text that is not empty"


def _index_problem(row: dict[str, Any]) -> str:
    if wrong := _name_problem(row):
        return wrong
    if not isinstance(row.get("arn"), str) or not row["arn"].startswith("arn:"):
        return f"arn is {row.get('arn')!r}, allowed: the index's ARN"
    dimension = row.get("dimension")
    if not isinstance(dimension, int) or isinstance(dimension, bool) or dimension < 1:
        return f"dimension is {dimension!r}, allowed: a whole number from 1"
    if row.get("metric") not in {"cosine", "euclidean"}:
        return f"metric is {row.get('metric')!r}, allowed: cosine, euclidean"
    return ""


def _user_problem(row: dict[str, Any]) -> str:
    if wrong := _name_problem(row):
        return wrong
    if row.get("access") not in ACCESS:
        return f"access is {row.get('access')!r}, allowed: {', '.join(ACCESS)}"
    return ""
