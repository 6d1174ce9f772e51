"""What one database of a local stack is: what the program declared of it, its folder, its server."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vectordb.local.postgres import PostgresServer, end_earlier_run
from vectordb.local.state import Credentials

Engine = Literal["Aurora", "RDS"]


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A database as the program declares it.

    Attributes:
        name: what people call it here: the component's name, or the resource's own where it stands alone.
        urn: of the cluster or instance.
        engine: Aurora or RDS.
        identifier: the cluster's or instance's identifier.
        names: the endpoint's names; the first is the one that clients use.
        port: that clients and tokens name, which is not the one listened on here.
        version: PostgreSQL's, as declared: a major, or a major and a minor; empty when AWS would choose.
        settings: of the parameter group.
        database: the database to make.
        master: the master user.
        user_arn: how the ARNs of its users begin, by its resource id, as policies on `rds-db:connect` name them.
    """

    name: str
    urn: str
    engine: Engine
    identifier: str
    names: tuple[str, ...]
    port: int
    version: str
    settings: Mapping[str, str]
    database: str
    master: str
    user_arn: str = ""

    @property
    def major(self) -> int:
        """PostgreSQL's major version; 18 when none is declared."""
        major = self.version.partition(".")[0]
        return int(major) if major.isdigit() else 18

    @property
    def access_key(self) -> str:
        """The access key id by which the emulator knows the database as a caller of Lambda."""
        return _access_key(self.urn)

    @property
    def bedrock_access_key(self) -> str:
        """The one as a caller of Bedrock: a database has a role for each feature."""
        return _access_key(f"{self.urn} Bedrock")

    @property
    def feature_access_keys(self) -> Mapping[str, str]:
        """Feature (as `Lambda`) → the access key id that is used with its role."""
        return {"Lambda": self.access_key, "Bedrock": self.bedrock_access_key}


def _access_key(of: str) -> str:
    return f"LKDB{hashlib.sha256(of.encode()).hexdigest()[:16].upper()}"


@dataclass(kw_only=True)
class Database:
    """A database that runs.

    Attributes:
        declared: what it stands for.
        folder: all of its own files.
        postgres: its server.
        port: of its TLS front on 127.0.0.1: the way in for every client.
        certificate: PEM file of the authority that vouches for its names.
        password: the master's.
        secret_arn: of the managed master secret; empty when AWS manages none.
        instances: identifiers of the instances, the writer first.
        feature_roles: feature (as `Lambda`) → ARN of the role that the database has for it.
    """

    declared: Declared
    folder: Path
    postgres: PostgresServer
    port: int
    certificate: Path
    password: str
    secret_arn: str = ""
    instances: list[str] = field(default_factory=list)
    feature_roles: dict[str, str] = field(default_factory=dict)


def master_password(credentials: Credentials, name: str) -> str:
    """The master's password of the database `name`: each has its own, all come from the one secret of the stack."""
    digest = hmac.new(credentials.master_password.encode(), name.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


def folder_of(stack: Path, declared: Declared) -> Path:
    """The folder of a database's files, made when there is none.

    A stack of the time when there was one cluster kept its files elsewhere: a cluster takes them over, data and port.
    """
    folder = stack / "databases" / re.sub(r"[^A-Za-z0-9_.-]", "-", declared.name).lstrip(".")
    if declared.engine == "Aurora":
        _take_over(stack, folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def data_directories(stack: Path) -> list[Path]:
    """Every data directory that a server may have run on, for whoever ends what a killed stack left."""
    return [stack / "postgres" / "data", *sorted((stack / "databases").glob("*/data"))]


def _take_over(stack: Path, folder: Path) -> None:
    earlier = stack / "postgres"
    if earlier.is_dir() and not folder.exists():
        end_earlier_run(earlier / "data")
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        earlier.rename(folder)
    for name in ("front.port", "tls"):
        if (stack / name).exists() and not (folder / name).exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (stack / name).rename(folder / name)
    for name in ("front.json", "front.log"):
        (stack / name).unlink(missing_ok=True)
