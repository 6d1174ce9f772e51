"""What the checks of one run share: the subject, AWS's clients, the way to the database, and connections."""

import contextlib
import datetime as dt
import ipaddress
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from botocore.config import Config

from vectordb import __version__
from vectordb.database import aws, connection, data_api
from vectordb.database.connection import Login, Presence, Route
from vectordb.database.secret import MasterLogin
from vectordb.database.session import Session
from vectordb.database.settings import Settings
from vectordb.database.talk import Deadline, Say
from vectordb.doctor.board import Board
from vectordb.doctor.findings import DeniedError, SkippedError
from vectordb.errors import VectordbError

Connection = psycopg.Connection[tuple[Any, ...]]

# Whatever the server does, a doctor's statement does not keep it, or the person, waiting.
_PRESENCE = Presence(
    f"vectordb-doctor/{__version__}",
    {
        "client_connection_check_interval": "1s",
        "idle_in_transaction_session_timeout": "60s",
        "statement_timeout": "60s",
        "lock_timeout": "5s",
    },
)
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 4, 15, 2
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "UnauthorizedOperation",
    }
)

# botocore carries no types.
_config: Any = Config


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is looked at.

    Attributes:
        settings: of the database.
        outputs: of the stack.
        sql: the folder with versioned/ and repeatable/.
        user: the everyday login; empty when the stack names none.
        local: it is the stack on this machine, where nothing sleeps.
    """

    settings: Settings
    outputs: Mapping[str, Any]
    sql: Path
    user: str = ""
    local: bool = False

    @property
    def patience(self) -> float:
        """Seconds that the database may take: Aurora resumes in 15 s, after a day of rest in 30 s or more."""
        return 4.0 if self.local else 45.0

    @property
    def is_cluster(self) -> bool:
        """Whether the database is an Aurora cluster, not an instance."""
        return self.settings.cluster_resource_id.startswith("cluster-") or ".cluster-" in self.settings.host

    @property
    def identifier(self) -> str:
        """The cluster's or instance's identifier, which RDS puts first into the endpoint's name."""
        return self.settings.host.partition(".")[0]


def clock() -> dt.datetime:
    """This machine's."""
    return dt.datetime.now(dt.UTC)


def addresses(name: str) -> list[str]:
    """The addresses of a host name.

    Raises:
        OSError: there is none.
    """
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return sorted({str(ipaddress.ip_address(str(entry[4][0]).partition("%")[0])) for entry in found})


class Context:
    """Thread-safe.

    Args:
        subject: what is looked at.
        board: where checks report.
        say: told what is waited for.
        now: the clock to hold against AWS's.
        resolve: the addresses of a host name; raises OSError.
        make_client: makes the client of a service, in place of one from the environment.
    """

    def __init__(
        self,
        subject: Subject,
        board: Board,
        *,
        say: Say = lambda _: None,
        now: Callable[[], dt.datetime] = clock,
        resolve: Callable[[str], list[str]] = addresses,
        make_client: Callable[[str], Any] | None = None,
    ) -> None:
        self.subject, self.settings, self.board = subject, subject.settings, board
        self.say, self.now, self.resolve = say, now, resolve
        self.secrets: set[str] = set()
        """What is printed nowhere, whoever says it."""
        self.tunnel: Route | None = None
        """Set by the check of that name."""
        self.everyday: Connection | None = None
        """Set by iam-login."""
        self._make_client = make_client or self._from_environment
        self._making = threading.Lock()
        self._keeping = threading.Lock()
        self._kept = contextlib.ExitStack()

    def client(self, service: str) -> Any:
        """The client of a service of AWS, made once."""

        def make() -> Any:
            with self._making:  # botocore's session makes one client at a time
                return self._make_client(service)

        return self.board.once(f"client {service}", make)

    def ask(self, service: str, operation: str, doing: str, **parameters: Any) -> Any:
        """One call of AWS.

        Args:
            service: as botocore names it.
            operation: the client's method.
            doing: what it is for, as in "read the document …".
            parameters: the method's.

        Raises:
            DeniedError: the caller may not.
            VectordbError: it failed otherwise; the cause is botocore's error.
        """
        try:
            return getattr(self.client(service), operation)(**parameters)
        except aws.FAILURES as error:
            told = aws.explained(error, doing)
            if aws.code(error) in _DENIED:
                raise DeniedError(told.message, remedy=told.remedy) from error
            raise told from error

    def keep(self, opened: contextlib.AbstractContextManager[Any]) -> Any:
        """Enter what stays open until the run ends."""
        entered = opened.__enter__()
        with self._keeping:
            self._kept.push(opened.__exit__)
        return entered

    def close(self) -> None:
        """Let go of connections and of the tunnel."""
        with self._keeping:
            self._kept.close()

    def route(self) -> Route:
        """The way to the database: given, straight, or through the tunnel.

        Raises:
            SkippedError: the tunnel does not stand, or the name that has to be resolved here has no address.
        """
        if self.settings.hostaddr:
            return Route(self.settings.hostaddr, self.settings.hostaddr_port)
        if self.settings.transport == "ssm":
            self.board.need("tunnel")
            assert self.tunnel is not None, "the check of the tunnel leaves it here"
            return self.tunnel
        self.board.need("dns")
        return Route("", self.settings.port)

    def dial(self) -> socket.socket:
        """A bare TCP connection by that way.

        Raises:
            SkippedError: there is no way.
            VectordbError: nobody accepts.
        """
        route = self.route()
        try:
            return socket.create_connection((route.hostaddr or self.settings.host, route.port), self.subject.patience)
        except OSError as error:
            raise self.unreachable(error) from error

    def unreachable(self, error: Exception) -> VectordbError:
        """No answer from the database's port, as an error for a person."""
        return VectordbError(
            f"{self.settings.host} does not answer: {error}",
            remedy="Start it again with `vectordb local up`; its log is .local/<stack>/databases/*/front.log."
            if self.subject.local
            else "See database-state, and check that the database's security group admits this way in on its port.",
        )

    @property
    def over_https(self) -> bool:
        """Whether SQL goes over the RDS Data API, and no client of PostgreSQL connects from here."""
        return self.settings.transport == "data-api"

    def log_in(self, login: Login) -> Connection:
        """A connection in autocommit mode, kept until the run ends.

        Raises:
            SkippedError: there is no way, or no verified TLS.
            VectordbError: refused.
        """
        self.board.need("tls-chain")
        deadline = Deadline(self.subject.patience)
        opened = connection.connect(
            self.settings, self.route(), login, deadline=deadline, say=self.say, presence=_PRESENCE
        )
        self.keep(contextlib.closing(opened))
        return opened

    def master(self) -> Session:
        """A session as the master, by the stack's own way.

        Raises:
            DeniedError: the caller may not read the master's secret.
            SkippedError: there is no way.
            VectordbError: refused.
        """
        return self.board.once("master", self._master)

    def master_login(self) -> MasterLogin:
        """The master's name and password, read once.

        Raises:
            DeniedError: the caller may not.
            VectordbError: there is no such secret.
        """
        return self.board.once("secret", self._master_login)

    def sql(self) -> Session:
        """Any session: the everyday login's, and the master's where that one does not get in.

        Raises:
            SkippedError: nobody gets in.
        """
        if self.over_https:
            self.board.need("data-api")
            return self.master()
        self.board.need("tls-chain")
        self.board.outcome("iam-login")
        if self.everyday is not None:
            return self.everyday
        try:
            return self.master()
        except VectordbError as error:
            raise SkippedError("iam-login") from error

    def _master(self) -> Session:
        self.board.need("region-and-identity")
        if self.over_https:
            deadline = Deadline(self.subject.patience)
            opened: Session = self.keep(
                data_api.opened(self.settings, deadline=deadline, say=self.say, client=self.client("rds-data"))
            )
            return opened
        self.board.need("tls-chain")
        return self.log_in(self.master_login())

    def _master_login(self) -> MasterLogin:
        login = MasterLogin(self.settings.secret_arn, self.settings.region, client=self.client("secretsmanager"))
        try:
            self.secrets.add(login.credentials()[1])
        except VectordbError as error:
            if isinstance(error.__cause__, Exception) and aws.code(error.__cause__) in _DENIED:
                raise DeniedError(error.message, remedy=error.remedy) from error
            raise
        return login

    def _from_environment(self, service: str) -> Any:
        """Less patient than a command that has work to do: a doctor tells that nobody answers."""
        config = _config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            user_agent_extra=f"vectordb/{__version__}",
        )
        return aws.session().create_client(service, region_name=self.settings.region, config=config)
