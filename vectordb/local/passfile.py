"""PGPASSFILE of a local stack: for each login role the IAM token that is good now, renewed by the supervisor."""

from typing import Any

import psycopg

from vectordb.errors import VectordbError
from vectordb.local.clients import Clients
from vectordb.local.state import Credentials, Folder, Running, write_atomically

_PORT = 5432


def token(running: Running, credentials: Credentials, user: str) -> str:
    """An IAM token for `user`, signed for the endpoint's real name and port: the local port is only the way to it."""
    rds = Clients(running.emulator, running.region, credentials)("rds")
    signed: str = rds.generate_db_auth_token(running.host, _PORT, user, running.region)
    return signed


def write(folder: Folder, running: Running, credentials: Credentials) -> None:
    """Write a line for each configured login role; 0600, replaced at once."""
    lines = [
        ":".join(map(_escaped, (running.host, str(running.port), "*", user, token(running, credentials, user))))
        for user in [running.user]
    ]
    write_atomically(folder.passfile, "\n".join(lines) + "\n")


def everyday_login(connection: "psycopg.Connection[tuple[Any, ...]]") -> str:
    """The login role that people use: one that holds `rds_iam` and writes, the first by name.

    Raises:
        VectordbError: there is none.
    """
    row = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND NOT rolcreaterole"
        " AND pg_has_role(rolname, 'rds_iam', 'USAGE')"
        " ORDER BY pg_has_role(rolname, 'vectordb_writer', 'USAGE') DESC, rolname LIMIT 1"
    ).fetchone()
    if row is None:
        raise VectordbError(
            "No login role is configured.", remedy="Add one under vectordb:users in the stack's configuration."
        )
    return str(row[0])


def _escaped(field: str) -> str:
    """libpq: a colon or backslash in a field is escaped with a backslash."""
    return field.replace("\\", "\\\\").replace(":", "\\:")
