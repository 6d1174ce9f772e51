"""The local stack's folder, `.local/<stack>/`, and what is written there for other commands to read.

Whether a stack runs is told by a file lock that its supervisor holds: the kernel drops it when the process ends, however
it ends, so a crash leaves nothing that looks alive.
"""

import contextlib
import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from vectordb.errors import VectordbError


@dataclass(frozen=True)
class RunningDatabase:
    """A database of a stack that is up.

    Attributes:
        name: what people call it: the program's component.
        engine: Aurora or RDS, what it stands for.
        identifier: of the cluster or instance.
        host: the endpoint's name, for certificates and tokens.
        port: on 127.0.0.1.
        endpoint_port: the port that tokens are signed for.
        database: the database's name.
        user: the everyday login.
        users: all login roles that use tokens; the master when there is none.
        master: the master user.
        certificate: PEM file of the authority to trust.
        secret_arn: the master's secret; empty when there is none.
        postgres_version: of the server that runs.
        transport: of aws_lambda: c or spool.
    """

    name: str
    engine: str
    identifier: str
    host: str
    port: int
    endpoint_port: int
    database: str
    user: str
    users: list[str]
    master: str
    certificate: str
    secret_arn: str
    postgres_version: str
    transport: str


@dataclass(frozen=True)
class Running:
    """A stack that is up: where everything listens. Nothing here is secret."""

    project: str
    stack: str
    region: str
    supervisor: int
    digest: str
    emulator: str
    passfile: str
    databases: list[RunningDatabase]
    """All of them, the primary first."""
    outputs: dict[str, Any] = field(default_factory=dict)
    processes: dict[str, int] = field(default_factory=dict)
    recorded: dict[str, int] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    roles: int = 0
    """How many roles the emulator judges by their policies."""

    @classmethod
    def parse(cls, text: str) -> "Running":
        """What `Folder.write` wrote.

        Raises:
            ValueError, TypeError, KeyError: it is something else.
        """
        found = json.loads(text)
        return cls(**found | {"databases": [RunningDatabase(**database) for database in found["databases"]]})

    @property
    def primary(self) -> RunningDatabase:
        """The database that the program's output `endpoint` names, else the Aurora cluster, else the instance."""
        return self.databases[0]

    def find(self, name: str = "") -> RunningDatabase:
        """The database of a name or identifier; the primary when none is given.

        Raises:
            VectordbError: there is no such database.
        """
        for database in self.databases:
            if name in ("", database.name, database.identifier):
                return database
        raise VectordbError(
            f"The local stack {self.stack!r} has no database {name!r}.",
            remedy=f"Give one of: {', '.join(database.name for database in self.databases)}.",
            exit_code=1,
        )


@dataclass(frozen=True)
class Credentials:
    """What the stand-ins accept: made once for each stack, and worthless anywhere else."""

    access_key_id: str
    secret_access_key: str
    master_password: str


@dataclass(frozen=True)
class Folder:
    """The paths of one local stack."""

    root: Path

    @classmethod
    def of(cls, project_directory: Path, stack: str) -> "Folder":
        """The folder of `stack` in the project."""
        return cls(project_directory.resolve() / ".local" / stack)

    @property
    def log(self) -> Path:
        """What the supervisor and its children say."""
        return self.root / "supervisor.log"

    @property
    def passfile(self) -> Path:
        """For PGPASSFILE: the current IAM token of each login role."""
        return self.root / "passfile"

    def make(self) -> None:
        """Create the folder, private to its owner."""
        self.root.parent.mkdir(exist_ok=True)
        self.root.mkdir(mode=0o700, exist_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[bool]:
        """Hold the stack's lock while the block runs; yields False when another process holds it."""
        self.make()
        with (self.root / "lock").open("a") as file:
            taken = _lock(file)
            yield taken

    def is_running(self) -> bool:
        """Whether a supervisor holds the lock."""
        if not (self.root / "lock").exists():
            return False
        with (self.root / "lock").open("a") as file:
            return not _lock(file)

    def running(self) -> Running:
        """Where the running stack listens.

        Raises:
            VectordbError: it does not run.
        """
        found = self.last() if self.is_running() else None
        if found is None:
            raise VectordbError(
                f"The local stack {self.root.name!r} is not running.", remedy="Start it with: make up", exit_code=1
            )
        return found

    def last(self) -> Running | None:
        """What the last supervisor wrote, whether or not it still runs."""
        try:
            return Running.parse((self.root / "stack.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, running: Running) -> None:
        """Publish that the stack is up."""
        write_atomically(self.root / "stack.json", json.dumps(asdict(running), indent=2))

    def forget(self) -> None:
        """Withdraw what `write` published; the data stays."""
        for name in ("stack.json", "passfile"):
            (self.root / name).unlink(missing_ok=True)

    def accepted(self) -> str:
        """The digest of the inputs that the policies passed last; empty when there are none."""
        try:
            return (self.root / "accepted").read_text(encoding="utf-8")
        except OSError:
            return ""

    def accept(self, digest: str) -> None:
        """Remember what the policies passed, so that the next start without a change need not ask again."""
        write_atomically(self.root / "accepted", digest)

    def credentials(self) -> Credentials:
        """The stack's own credentials, made at the first call."""
        file = self.root / "credentials.json"
        with contextlib.suppress(OSError, ValueError, TypeError):
            return Credentials(**json.loads(file.read_text(encoding="utf-8")))
        made = Credentials("LKIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30), secrets.token_urlsafe(24))
        write_atomically(file, json.dumps(asdict(made)))
        return made


def write_atomically(file: Path, text: str) -> None:
    """Replace `file` at once, readable by its owner only: a reader sees the old text or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    Path(temporary).replace(file)


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
