"""PGPASSFILE of a local stack: for each login role what it logs in with now, renewed by the supervisor."""

import re
from pathlib import Path
from typing import Any

import psycopg

from vectordb.database import iam
from vectordb.local.clients import Clients
from vectordb.local.databases import master_password
from vectordb.local.state import Credentials, Folder, Running, RunningDatabase, write_atomically


def write(folder: Folder, running: Running, credentials: Credentials) -> None:
    """Write a line for each login role, its token signed now (the master's its password); 0600, replaced at once.

    A token is signed for the endpoint's real name and port: the local port is only the way to it.
    """
    rds = Clients(running.emulator, running.region, credentials)("rds")
    lines = []
    for database in running.databases:
        for user in database.users:
            secret = (
                master_password(credentials, database.name)
                if user == database.master
                else iam.token(
                    host=database.host, port=database.endpoint_port, user=user, region=running.region, client=rds
                )
            )
            lines.append(":".join(map(_escaped, (database.host, str(database.port), "*", user, secret))))
    write_atomically(folder.passfile, "\n".join(lines) + "\n")


def token(running: Running, database: RunningDatabase) -> str:
    """The secret of a database's everyday login as the supervisor wrote it last."""
    lines = Path(running.passfile).read_text(encoding="utf-8").splitlines()
    fields = ([re.sub(r"\\(.)", r"\1", field) for field in re.split(r"(?<!\\):", line)] for line in lines)
    return next(
        secret
        for host, port, _, user, secret in fields
        if (host, port, user) == (database.host, str(database.port), database.user)
    )


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
