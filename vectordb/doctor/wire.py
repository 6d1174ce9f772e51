"""The first bytes of PostgreSQL's protocol, by hand: what a server says before anybody has logged in.

PostgreSQL documentation, "Message Formats". By hand because libpq would go on to send a password.
"""

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROTOCOL = 196608  # 3.0
_SSL_REQUEST = 80877103
_LONGEST_ANSWER = 1 << 16


@dataclass(frozen=True)
class Answer:
    """What a server said to a start in clear text.

    Attributes:
        kind: the message's type: E an error, R a login that begins; empty: it hung up.
        sqlstate: of an error.
        message: of an error.
    """

    kind: str
    sqlstate: str = ""
    message: str = ""


@dataclass(frozen=True)
class Verified:
    """A TLS handshake that succeeded: the protocol's version, and the parsed certificate (`SSLSocket.getpeercert`)."""

    version: str
    certificate: dict[str, Any]


@contextlib.contextmanager
def dialled(host: str, port: int, timeout: float) -> Iterator[socket.socket]:
    """A TCP connection; `timeout` is in seconds, for connecting and for each answer.

    Raises:
        OSError: nobody accepts.
    """
    with socket.create_connection((host, port), timeout) as connection:
        yield connection


def asks_for_tls(connection: socket.socket) -> bool | None:
    """Whether the server offers TLS; None when it hangs up instead of answering.

    Raises:
        OSError: no answer in time.
    """
    connection.sendall(struct.pack("!II", 8, _SSL_REQUEST))
    answer = connection.recv(1)
    return None if not answer else answer == b"S"


def verified(connection: socket.socket, host: str, roots: Path) -> Verified:
    """Start TLS after `asks_for_tls` and check the certificate's chain and name.

    Raises:
        ssl.SSLCertVerificationError: the certificate is not trusted or names another host.
        OSError: the handshake failed otherwise.
    """
    # As libpq does it: the given roots and no others; the stricter flags of Python's default context are not TLS's.
    checking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    checking.minimum_version = ssl.TLSVersion.TLSv1_2
    checking.load_verify_locations(roots)
    with checking.wrap_socket(connection, server_hostname=host) as protected:
        return Verified(protected.version() or "", dict(protected.getpeercert() or {}))


def start_in_clear(connection: socket.socket, user: str, database: str) -> Answer:
    """Begin a session without TLS and stop at the server's first word; no password is sent.

    Raises:
        OSError: no answer in time.
    """
    named = f"user\0{user}\0database\0{database}\0\0".encode()
    connection.sendall(struct.pack("!II", 8 + len(named), _PROTOCOL) + named)
    head = _received(connection, 5)
    if len(head) < 5:  # noqa: PLR2004 - the type and the length
        return Answer("")
    kind, length = struct.unpack("!cI", head)
    body = _received(connection, min(length - 4, _LONGEST_ANSWER))
    if kind != b"E":
        return Answer(kind.decode("latin-1"))
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    return Answer("E", fields.get(b"C", ""), fields.get(b"M", ""))


def _received(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        try:
            block = connection.recv(count - len(received))
        except ConnectionResetError:
            break
        if not block:
            break
        received += block
    return received
