"""The roles, the master user and the database that AWS has made before anyone logs in."""

from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql

from vectordb.local.postgres import access

if TYPE_CHECKING:
    from vectordb.local.postgres.server import PostgresServer

# The groups that AWS makes: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html
GROUPS = ("rds_superuser", "rds_iam", "rds_password", "rds_replication")

# What rds_superuser is a member of, with the right to pass it on. A subset of what AWS grants: what works here works there.
_POWERS: tuple[LiteralString, ...] = (
    "pg_monitor",
    "pg_signal_backend",
    "pg_checkpoint",
    "rds_password",
    "rds_replication",
)


def bootstrap(server: "PostgresServer", *, database: str, master: str, password: str) -> None:
    """Make what AWS makes with a cluster: its roles, the master user and the database that the master owns.

    Every statement may run again, after a run that was killed in the middle as after one that was not; the master's password becomes
    the one given. Nothing that a migration should make is made here.

    Args:
        server: a running server.
        database: the name of the database to make.
        master: the name of the master user: LOGIN, CREATEROLE, CREATEDB, in rds_superuser, no superuser.
        password: the master's.
    """
    with server.superuser_connection() as connection:
        for name in GROUPS:
            _role(connection, name)
        for power in _POWERS:
            connection.execute(sql.SQL("GRANT {} TO rds_superuser WITH ADMIN OPTION").format(sql.Identifier(power)))
        # The master can grant rds_iam, and yet is no member in any way that counts as "logs in by token". PostgreSQL 16 and later.
        connection.execute("GRANT rds_iam TO rds_superuser WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
        _role(connection, master)
        connection.execute(
            sql.SQL("ALTER ROLE {} LOGIN CREATEROLE CREATEDB NOSUPERUSER NOREPLICATION NOBYPASSRLS PASSWORD {}").format(
                sql.Identifier(master), sql.Literal(password)
            )
        )
        connection.execute(sql.SQL("GRANT rds_superuser TO {} WITH ADMIN OPTION").format(sql.Identifier(master)))
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (database,)).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(master))
            )
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(database), sql.Identifier(master))
        )
    access.apply(server, master)


def _role(connection: "psycopg.Connection[tuple[object, ...]]", name: str) -> None:
    if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
