"""Connections to a running local stack, as its clients make them: verified TLS and an IAM token."""

from typing import Any

import psycopg

from vectordb.database.client import drop_contradictions
from vectordb.local import passfile
from vectordb.local.databases import master_password
from vectordb.local.state import Credentials, Running


def environment(running: Running, credentials: Credentials, database: str = "") -> dict[str, str]:
    """What libpq and every AWS SDK read from their environment to use this stack.

    Args:
        running: the stack.
        credentials: its own.
        database: a database's name; the primary when none is given.

    Raises:
        VectordbError: there is no such database.
    """
    chosen = running.find(database)
    return {
        "PGHOST": chosen.host,
        "PGHOSTADDR": "127.0.0.1",
        "PGPORT": str(chosen.port),
        "PGDATABASE": chosen.database,
        "PGUSER": chosen.user,
        "PGPASSFILE": running.passfile,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": chosen.certificate,
        "AWS_ENDPOINT_URL": running.emulator,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_REGION": running.region,
        "AWS_DEFAULT_REGION": running.region,
    }


UNSET = (
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "PGPASSWORD",
    "PGSERVICE",
    "PGOPTIONS",
    "PGCHANNELBINDING",
    "PGREQUIREAUTH",
)
"""What would take precedence over the above, or contradict it."""


def connect(
    running: Running, credentials: Credentials, *, database: str = "", admin: bool = False
) -> "psycopg.Connection[tuple[Any, ...]]":
    """A connection in autocommit mode as the everyday login, or with `admin` as the master.

    The master logs in by password, as on AWS; the everyday login by the IAM token in the passfile, as psql does.

    Args:
        running: the stack.
        credentials: its own.
        database: a database's name; the primary when none is given.
        admin: log in as the master.

    Raises:
        VectordbError: there is no such database.
    """
    chosen = running.find(database)
    drop_contradictions()
    return psycopg.connect(
        host=chosen.host,
        hostaddr="127.0.0.1",
        port=chosen.port,
        dbname=chosen.database,
        user=chosen.master if admin else chosen.user,
        # Given, not left to libpq's passfile: PGPASSWORD in somebody's shell would go before that.
        password=master_password(credentials, chosen.name) if admin else passfile.token(running, chosen),
        sslmode="verify-full",
        sslrootcert=chosen.certificate,
        gssencmode="disable",
        application_name="vectordb",
        # With a condition beside it, an HNSW scan goes on until enough rows pass (pgvector 0.8).
        options="-c hnsw.iterative_scan=strict_order",
        autocommit=True,
    )
