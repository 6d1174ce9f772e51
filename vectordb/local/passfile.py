"""PGPASSFILE of a local stack: for each login role what it logs in with now, renewed by the supervisor."""

from typing import Any

import psycopg

from vectordb.local.clients import Clients
from vectordb.local.state import Credentials, Folder, Running, write_atomically

_PORT = 5432


def password(running: Running, credentials: Credentials, user: str) -> str:
    """What `user` logs in with: an IAM token, the master its password.

    A token is signed for the endpoint's real name and port: the local port is only the way to it.
    """
    if user == running.master:
        return credentials.master_password
    rds = Clients(running.emulator, running.region, credentials)("rds")
    signed: str = rds.generate_db_auth_token(running.host, _PORT, user, running.region)
    return signed


def write(folder: Folder, running: Running, credentials: Credentials) -> None:
    """Write a line for each configured login role; 0600, replaced at once."""
    lines = [
        ":".join(map(_escaped, (running.host, str(running.port), "*", user, password(running, credentials, user))))
        for user in running.users
    ]
    write_atomically(folder.passfile, "\n".join(lines) + "\n")


def logins(connection: "psycopg.Connection[tuple[Any, ...]]") -> list[str]:
    """The login roles that hold `rds_iam`, those that write first; the first is the one that people use."""
    rows = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND pg_has_role(rolname, 'rds_iam', 'USAGE')"
        " ORDER BY rolcreaterole, pg_has_role(rolname, 'vectordb_writer', 'USAGE') DESC, rolname"
    ).fetchall()
    return [str(name) for (name,) in rows]


def _escaped(field: str) -> str:
    """libpq: a colon or backslash in a field is escaped with a backslash."""
    return field.replace("\\", "\\\\").replace(":", "\\:")
