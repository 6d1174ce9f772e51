"""The worker's own login: by IAM, over verified TLS."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from embedder import settings, signing
from embedder.database import UnavailableError
from embedder.errors import SettingsError

CONNECT_SECONDS = 35
"""A cluster that has paused lets its first client wait: about 15 s, after a day 30 s or longer (Aurora User Guide, auto-pause)."""
STATEMENT_SECONDS = 60
_HIGHEST_PORT = 65535


def connecting(call_name: str = "vectordb-embedder") -> "Callable[[], psycopg.Connection[Any]]":
    """What opens a connection by the environment. Raises SettingsError."""
    host = os.environ.get(settings.HOST)
    if not host:
        raise SettingsError(f"the database's host is not known; set {settings.HOST}")
    port = settings.number(settings.PORT, 5432, 1, _HIGHEST_PORT)
    user = os.environ.get(settings.USER) or "vectordb_embedder"
    region = settings.region()
    # Tokens are signed for the endpoint's own name and port, whatever the way there.
    address = os.environ.get(settings.HOSTADDR)
    address_port = settings.number(settings.HOSTADDR_PORT, port, 1, _HIGHEST_PORT)
    bundle = os.environ.get(settings.CA_BUNDLE) or str(Path(__file__).with_name("rds-global-bundle.pem"))

    def connect() -> "psycopg.Connection[Any]":
        try:
            token = signing.login(host=host, port=port, user=user, region=region)
        except signing.UnsignedError:
            raise UnavailableError("NoCredentials") from None
        return psycopg.connect(
            host=host,
            hostaddr=address or None,
            port=address_port if address else port,
            user=user,
            password=token,
            dbname=os.environ.get(settings.DATABASE) or "vectordb",
            sslmode="verify-full",
            sslrootcert=bundle,
            # A token is a password in clear text inside TLS, and nothing else is answered with it.
            require_auth="password",
            connect_timeout=CONNECT_SECONDS,
            application_name=call_name,
            autocommit=True,
            # Nothing that stays in a session: behind RDS Proxy it would pin it.
            prepare_threshold=None,
            keepalives_idle=30,
            tcp_user_timeout=1000 * STATEMENT_SECONDS,
        )

    return connect
