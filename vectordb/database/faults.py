"""What a failed attempt to connect means: wait, get another password, or stop.

libpq gives no SQLSTATE while connecting, only text. The server's lines are PostgreSQL's own in English, which is what RDS sends unless
`lc_messages` was changed; an unknown line is taken as final, so a foreign language costs the waiting, never a wrong retry.
"""

import enum
import re


class Fault(enum.Enum):
    """Kinds of failure, and what each calls for."""

    BUSY = "the database has no connection free"  # 53300: wait for one
    STARTING = "the database is starting"  # 57P03, and 57P01 while a server goes down
    UNREACHABLE = (
        "the database does not answer"  # refused, reset, timeout, TLS cut short: an instance that resumes or fails over
    )
    READ_ONLY = "a reader answered in place of the writer"  # target_session_attrs, after a failover
    PASSWORD = "the password was refused"  # noqa: S105 - 28P01: a rotation under way
    METHOD = "the server asked for another kind of login"  # require_auth: a role that is, or is not, in rds_iam
    CERTIFICATE = "the server's certificate was refused"
    NAME = "the endpoint's name has no address"
    OTHER = "the database refused the connection"


# In order: what the server said comes before what the wire said.
_SAID: tuple[tuple[Fault, tuple[str, ...]], ...] = (
    (Fault.PASSWORD, ("FATAL: .*(password|PAM) authentication failed for user",)),
    (
        Fault.BUSY,
        (
            "FATAL: .*too many clients already",
            "FATAL: .*remaining connection slots are reserved",
            "FATAL: .*too many connections for (role|database)",
        ),
    ),
    (
        Fault.STARTING,
        (
            "FATAL: .*the database system is (starting up|shutting down|in recovery mode|not (yet )?accepting connections)",
            "FATAL: .*terminating connection due to administrator command",
        ),
    ),
    (Fault.READ_ONLY, ("session is read-only", "server is in hot standby mode")),
    (Fault.METHOD, ("authentication method requirement",)),
    (Fault.OTHER, ("FATAL: ",)),
    (Fault.CERTIFICATE, ("certificate verify failed", "does not match host name", "root certificate file")),
    (Fault.UNREACHABLE, ("(?i:temporary failure in name resolution)",)),
    (Fault.NAME, ("failed to resolve host", "could not translate host name", "could not parse network address")),
    (
        Fault.UNREACHABLE,
        (
            "Connection (refused|reset|timed out)",
            "timeout expired",
            "closed the connection unexpectedly",
            "SSL SYSCALL error",
            "[Uu]nexpected eof",
            "EOF detected",
            "Broken pipe",
            "No route to host",
            "Network is unreachable",
            "could not (receive data from|send data to) server",
        ),
    ),
)
_PATTERNS = tuple((fault, re.compile("|".join(phrases))) for fault, phrases in _SAID)

WAITS = frozenset({Fault.BUSY, Fault.STARTING, Fault.UNREACHABLE, Fault.READ_ONLY})


def classify(message: str) -> Fault:
    """The kind of a failure, from psycopg's text."""
    for fault, pattern in _PATTERNS:
        if pattern.search(message):
            return fault
    return Fault.OTHER


def spoken(message: str) -> str:
    """Psycopg's text as one line, without the part that repeats where the connection went."""
    line = " ".join(message.split())
    line = re.sub(r"^connection (failed|is bad): ", "", line)
    return re.sub(r"^connection to server at \S+( \(\S+\))?, port \d+ failed: ", "", line)
