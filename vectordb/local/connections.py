"""Connections to a running local stack, as its clients make them: verified TLS and an IAM token."""

from typing import Any

import psycopg

from vectordb.local import passfile
from vectordb.local.state import Credentials, Running


def environment(running: Running, credentials: Credentials) -> dict[str, str]:
    """What libpq and every AWS SDK read from their environment to use this stack."""
    return {
        "PGHOST": running.host,
        "PGHOSTADDR": "127.0.0.1",
        "PGPORT": str(running.port),
        "PGDATABASE": running.database,
        "PGUSER": running.user,
        "PGPASSFILE": running.passfile,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": running.certificate,
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
    running: Running, credentials: Credentials, *, admin: bool = False
) -> "psycopg.Connection[tuple[Any, ...]]":
    """A connection in autocommit mode as the everyday login, or with `admin` as the master.

    The master logs in by password, as on AWS; the everyday login by the IAM token in the passfile, as psql does.
    """
    return psycopg.connect(
        host=running.host,
        hostaddr="127.0.0.1",
        port=running.port,
        dbname=running.database,
        user=running.master if admin else running.user,
        # Given, not left to libpq's passfile: PGPASSWORD in somebody's shell would go before that.
        password=credentials.master_password if admin else passfile.token(running),
        sslmode="verify-full",
        sslrootcert=running.certificate,
        gssencmode="disable",
        application_name="vectordb",
        # With a condition beside it, an HNSW scan goes on until enough rows pass (pgvector 0.8).
        options="-c hnsw.iterative_scan=strict_order",
        autocommit=True,
    )
