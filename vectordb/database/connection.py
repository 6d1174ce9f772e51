"""One connection to the database: verified TLS under the endpoint's own name, whatever address it goes through, and patience."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg

from vectordb import __version__
from vectordb.database import faults, tls
from vectordb.database.faults import Fault
from vectordb.database.settings import Settings
from vectordb.database.talk import Deadline, Say
from vectordb.errors import VectordbError

APPLICATION = f"vectordb-migrate/{__version__}"

# An Aurora instance that has paused resumes in about 15 s, in 30 s or more after a day (Aurora User Guide, auto-pause).
CONNECT_TIMEOUT = 35

# A client that dies leaves nothing behind: the server looks every second whether it is still there (PostgreSQL 14 and later), ends a
# transaction that nobody continues, and a statement that waits for a lock gives way rather than let everybody queue behind it.
SESSION_OPTIONS = {
    "client_connection_check_interval": "1s",
    "idle_in_transaction_session_timeout": "60s",
    "statement_timeout": "0",  # an index may take hours to build, whatever the role's own limit is
    "lock_timeout": "5s",
    "tcp_keepalives_idle": "30s",
    "tcp_keepalives_interval": "10s",
    "tcp_keepalives_count": "3",
}

REQUIRE_AUTH_SINCE = 160000  # libpq 16


@dataclass(frozen=True)
class Presence:
    """What the server gets to know of a client: its name in `pg_stat_activity` and the log, and settings of its session."""

    application: str
    options: Mapping[str, str]


MIGRATING = Presence(APPLICATION, SESSION_OPTIONS)
PROVING = Presence(f"vectordb-connect/{__version__}", {"statement_timeout": "10s"})


class Login(Protocol):
    """Who logs in, and by what."""

    @property
    def require_auth(self) -> str:
        """How the server must ask, in libpq's words."""

    def credentials(self) -> tuple[str, str]:
        """User and password or token, fit for a connection that is opened now."""

    def renewed(self) -> bool:
        """After a refusal: whether there is something else to try."""

    def refused_remedy(self) -> str:
        """What a person should look at when the refusal stands."""


def _sound() -> None:
    """A route that cannot break by itself."""


@dataclass(frozen=True)
class Route:
    """Where the packets go.

    Args:
        hostaddr: IP address; empty: the endpoint's name is resolved.
        port: at that address.
        check: raises when the way itself has broken (a tunnel that ended).
        pinned: the address was resolved when the way was opened, so after a failover it leads to the old instance.
    """

    hostaddr: str
    port: int
    check: Callable[[], None] = _sound
    pinned: bool = False


class RouteLostError(VectordbError):
    """The way to the database broke; a new one may lead there."""


def parameters(settings: Settings, route: Route, login: Login, presence: Presence = MIGRATING) -> dict[str, Any]:
    """Libpq's connection parameters, password included: for `psycopg.connect` only, never to be printed.

    `host` is always the endpoint, which TLS checks the certificate against; `hostaddr` is where the packets go.
    """
    user, password = login.credentials()
    given = {
        "host": settings.host,
        "hostaddr": route.hostaddr,  # given also when empty, so that PGHOSTADDR in somebody's shell leads nowhere
        "port": str(route.port),
        "dbname": settings.database,
        "user": user,
        "password": password,
        "sslmode": "verify-full",
        "sslrootcert": str(tls.bundle(settings)),
        "gssencmode": "disable",
        # Neither of these trusts less; they are given so that a variable in somebody's shell does not decide.
        "channel_binding": "prefer",
        "ssl_min_protocol_version": "TLSv1.2",
        "ssl_max_protocol_version": "",
        "target_session_attrs": "read-write",
        "application_name": presence.application,
        "client_encoding": "utf8",
        "options": " ".join(f"-c {name}={value}" for name, value in presence.options.items()),
    }
    if psycopg.pq.version() >= REQUIRE_AUTH_SINCE:
        given["require_auth"] = login.require_auth  # a server that asks for less is not the one we mean
        given["sslcertmode"] = "disable"  # nobody here logs in by certificate
    return given


def connect(
    settings: Settings,
    route: Route,
    login: Login,
    *,
    deadline: Deadline,
    say: Say,
    presence: Presence = MIGRATING,
) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection in autocommit mode, waiting for a database that starts, resumes, fails over or is full.

    Raises:
        RouteLostError: the way broke, or leads to a reader since a failover.
        VectordbError: refused for good, or the deadline passed.
    """
    attempts = 0
    told: Fault | None = None
    while True:
        route.check()
        attempts += 1
        given = parameters(settings, route, login, presence)
        patience = min(CONNECT_TIMEOUT, max(2, int(deadline.remaining())))
        try:
            return psycopg.connect(**given, connect_timeout=patience, autocommit=True, prepare_threshold=None)
        except psycopg.OperationalError as error:
            reason = faults.spoken(str(error))
            fault = faults.classify(str(error))
        if fault is Fault.PASSWORD and login.renewed():
            say("the password was refused and the secret has changed since: trying the new one")
            continue
        if fault is Fault.READ_ONLY and route.pinned:
            raise RouteLostError(f"the way to {settings.host} leads to a reader: {reason}")
        if fault not in faults.WAITS:
            raise _refused(settings, route, login, fault, reason)
        if deadline.passed():
            raise _late(settings, route, fault, reason, deadline=deadline, attempts=attempts)
        if fault is not told:
            say(f"waiting: {fault.value} ({reason})")
            told = fault
        deadline.pause(_pause(fault, attempts))


def _pause(fault: Fault, attempts: int) -> float:
    """Seconds to the next attempt; whoever waits for a free connection comes back at a time of his own."""
    longest = 1.0 if fault is Fault.BUSY else 5.0
    return min(longest, 0.2 * 1.5 ** min(attempts, 12)) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def _where(settings: Settings, route: Route) -> str:
    through = f" through {route.hostaddr}:{route.port}" if route.hostaddr else ""
    return f"{settings.host}:{settings.port}{through}"


def _refused(settings: Settings, route: Route, login: Login, fault: Fault, reason: str) -> VectordbError:
    remedies = {
        Fault.PASSWORD: login.refused_remedy(),
        Fault.METHOD: login.refused_remedy(),
        Fault.CERTIFICATE: (
            f"The certificate is checked against the roots in {tls.bundle(settings)} and the name {settings.host}. Another name in the "
            f"certificate means that the address leads to another server; a refused issuer means that {tls.download_address(settings.region)} "
            "or the local stack's own bundle belongs into VECTORDB_CA_BUNDLE."
        ),
        Fault.NAME: "Set VECTORDB_HOSTADDR to the database's address, or VECTORDB_TRANSPORT to ssm and go through the bastion.",
        Fault.OTHER: f"The database is {settings.database}, the port {route.port}.",
    }
    return VectordbError(f"{_where(settings, route)}: {fault.value}: {reason}", remedy=remedies[fault])


def _late(
    settings: Settings, route: Route, fault: Fault, reason: str, *, deadline: Deadline, attempts: int
) -> VectordbError:
    remedies = {
        Fault.BUSY: "End sessions that nobody needs, or raise the cluster's maximum capacity, from which max_connections follows.",
        Fault.STARTING: "See the cluster's events in the RDS console, then run it again.",
        Fault.READ_ONLY: "A failover is under way or VECTORDB_HOST names a reader endpoint: use the cluster's own endpoint.",
        Fault.UNREACHABLE: (
            "Check that the instance is available and that its security group admits this way in."
            if not route.pinned
            else "The tunnel stands, the database behind it does not answer: its security group must admit the bastion's."
        ),
    }
    return VectordbError(
        f"{_where(settings, route)}: no connection within {deadline.seconds:g} s ({attempts} attempts): {fault.value}: {reason}",
        remedy=remedies[fault],
    )
