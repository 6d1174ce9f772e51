"""The ledger: which files this database has had, with their text, in `vectordb.migrations`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from vectordb import __version__
from vectordb.database import execution
from vectordb.database.session import Session, lasts
from vectordb.database.sqlfiles import SqlFile
from vectordb.database.values import Rendered
from vectordb.errors import VectordbError

# A call of the Data API takes 4 MiB in JSON, where a character may take six bytes.
_PIECE = 500_000

# Run under the advisory lock: CREATE … IF NOT EXISTS alone is not safe against a second session that does the same.
_CREATE = """
CREATE SCHEMA IF NOT EXISTS vectordb;
CREATE TABLE IF NOT EXISTS vectordb.migrations (
    kind text NOT NULL CHECK (kind IN ('versioned', 'repeatable')),
    name text NOT NULL,
    checksum text NOT NULL,
    text text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    duration_ms bigint NOT NULL,
    applied_by text NOT NULL DEFAULT session_user,
    runner_version text NOT NULL,
    PRIMARY KEY (kind, name)
);
COMMENT ON TABLE vectordb.migrations IS 'SQL files applied to this database, written by `vectordb migrate apply`';
"""

_RECORD = """
INSERT INTO vectordb.migrations (kind, name, checksum, text, duration_ms, runner_version)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (kind, name) DO UPDATE SET (checksum, text, applied_at, duration_ms, applied_by, runner_version)
    = (excluded.checksum, excluded.text, clock_timestamp(), excluded.duration_ms, session_user, excluded.runner_version)
"""

_APPEND = "UPDATE vectordb.migrations SET text = text || %s WHERE kind = %s AND name = %s"


@dataclass(frozen=True)
class State:
    """What the database says about itself.

    Attributes:
        exists: whether there is a ledger.
        checksums: by kind and name, in the order in which the files were applied.
    """

    exists: bool
    checksums: Mapping[tuple[str, str], str]


def checksum(file: SqlFile, rendered: Rendered) -> str:
    """SHA-256, in hexadecimal, of what decides whether a file has changed.

    For a repeatable file its text, the values in it, and the text of the files that it follows. For a versioned one the text alone: it was run once with the values of its
    day, and another function ARN later on is no edit of the file.
    """
    total = hashlib.sha256(file.text.encode())
    if file.kind == "repeatable":
        total.update(b"\0" + rendered.used_json().encode())
        if file.followed:
            total.update(b"\0" + file.followed.encode())
    return total.hexdigest()


def read(session: Session) -> State:
    """Read the ledger, without the texts: one round trip. Within a transaction only where there is a ledger (`exists`)."""
    try:
        rows = session.execute(
            "SELECT kind, name, checksum FROM vectordb.migrations ORDER BY applied_at, name"
        ).fetchall()
    except psycopg.errors.UndefinedTable:
        return State(exists=False, checksums={})
    except psycopg.errors.InsufficientPrivilege as error:
        raise VectordbError(
            f"this user may not read the ledger: {error.diag.message_primary}",
            remedy="Log in as the master of the database, who applied the files.",
        ) from error
    return State(exists=True, checksums={(kind, name): found for kind, name, found in rows})


def exists(session: Session) -> bool:
    """Whether there is a ledger; unlike `read` it fails no transaction."""
    found = session.execute("SELECT pg_catalog.to_regclass('vectordb.migrations') IS NOT NULL").fetchone()
    return bool(found and found[0])


def create(session: Session) -> None:
    """Make the ledger, in whatever transaction the session is in; the caller holds the advisory lock."""
    execution.run_own(session, _CREATE)


def applied_text(session: Session, file: SqlFile) -> str:
    """The text that was applied under a file's name."""
    found = session.execute(
        "SELECT text FROM vectordb.migrations WHERE kind = %s AND name = %s", (file.kind, file.name)
    ).fetchone()
    return str(found[0]) if found else ""


def record(session: Session, file: SqlFile, digest: str, *, duration_ms: int) -> None:
    """Write that a file was applied, in whatever transaction the session is in."""
    first = len(file.text) if lasts(session) else _PIECE
    session.execute(_RECORD, (file.kind, file.name, digest, file.text[:first], duration_ms, __version__))
    for start in range(first, len(file.text), _PIECE):
        more = file.text[start : start + _PIECE]
        session.execute(_APPEND, (more, file.kind, file.name))
