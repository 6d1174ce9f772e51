"""A pool for a program that stays: every connection that it opens logs in with a token signed at that moment."""

from typing import Any, Final

import psycopg
import psycopg_pool

from vectordb import __version__
from vectordb.database import connection
from vectordb.database.connection import Login, Presence, Route
from vectordb.database.iam import TokenLogin
from vectordb.database.settings import Settings

Pool = psycopg_pool.ConnectionPool[psycopg.Connection[tuple[Any, ...]]]

CONNECTIONS_LIVE: Final = 3000.0
"""Seconds, under an hour: the pool sheds its connections by itself before a session of Systems Manager cuts them."""


def pool(
    settings: Settings,
    *,
    user: str = "",
    login: Login | None = None,
    route: Route | None = None,
    min_size: int = 1,
    max_size: int = 8,
    application: str = f"vectordb/{__version__}",
    options: dict[str, str] | None = None,
    timeout: float = 30.0,
) -> Pool:
    """A pool of connections to one database, in a `with` block or `open()`ed and `close()`d by the caller.

    A token is good for opening a connection for 15 minutes; one that is open lives on. So a pool that was given a token once
    works for a quarter of an hour and then fails on its first reconnection: here libpq's parameters are made anew each time.
    A connection that a failover cut is found out before it is lent, and its successor takes none but a writer.

    Args:
        settings: of the database, or of its proxy (`outputs.settings(…, proxy=True)`).
        user: the login role, by token.
        login: another kind of login in its place, as `MasterLogin`.
        route: where the packets go; by default the address in the settings, else where the endpoint's name leads.
        min_size: connections that are kept open. 0 lets an Aurora cluster pause when nobody asks anything.
        max_size: connections at most; RDS takes fewer than 200 new IAM logins a second.
        application: the name in `pg_stat_activity`.
        options: settings of each session, as `{"hnsw.ef_search": "100"}`.
        timeout: seconds that a borrower waits for a connection.

    Raises:
        ValueError: neither `user` nor `login` is given.
    """
    chosen = login or (
        TokenLogin(host=settings.host, port=settings.port, user=user, region=settings.region) if user else None
    )
    if chosen is None:
        raise ValueError("pool needs user, the role to log in as by token, or login")
    way = route or Route(settings.hostaddr, settings.hostaddr_port if settings.hostaddr else settings.port)
    presence = Presence(application, options or {})

    def parameters() -> dict[str, Any]:
        return connection.parameters(settings, way, chosen, presence) | {
            "connect_timeout": connection.CONNECT_TIMEOUT,
            "autocommit": True,
        }

    return psycopg_pool.ConnectionPool(
        kwargs=parameters,
        min_size=min_size,
        max_size=max_size,
        max_lifetime=CONNECTIONS_LIVE,
        timeout=timeout,
        check=psycopg_pool.ConnectionPool.check_connection,
        open=False,
        name=application,
    )
