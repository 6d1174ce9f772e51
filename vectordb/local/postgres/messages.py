"""The few messages of PostgreSQL's protocol that come before a session: https://www.postgresql.org/docs/current/protocol-message-formats.html"""

import struct
from dataclasses import dataclass

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
# The server's own limits: MAX_STARTUP_PACKET_LENGTH in libpq/pqcomm.h, NAMEDATALEN in pg_config_manual.h.
LONGEST_STARTUP = 10_000
LONGEST_NAME = 63
_MAJOR = 3

CLEARTEXT_PASSWORD = b"R" + struct.pack("!II", 8, 3)


class ProtocolError(Exception):
    """The client does not speak the protocol; `message` is what it is told, with its SQLSTATE."""

    def __init__(self, message: str, sqlstate: str = "08P01") -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate


@dataclass(frozen=True)
class Startup:
    """Who wants in where; `packet` is the message as it came, length and all."""

    user: str
    database: str
    packet: bytes


def fatal(sqlstate: str, message: str) -> bytes:
    """An ErrorResponse that ends the connection."""
    fields = b"SFATAL\0VFATAL\0C" + sqlstate.encode() + b"\0M" + message.encode() + b"\0\0"
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


def body_length(length: bytes) -> int:
    """How many bytes of a first packet follow its length.

    Raises:
        ProtocolError: more than the server would read, or too few for any message.
    """
    (total,) = struct.unpack("!I", length)
    if not 8 <= total <= LONGEST_STARTUP:  # noqa: PLR2004 - a length and a code
        raise ProtocolError("invalid length of startup packet")
    return int(total) - 4


def code(body: bytes) -> int:
    """The request code or protocol version that a first packet begins with."""
    (number,) = struct.unpack("!I", body[:4])
    return int(number)


def startup(length: bytes, body: bytes) -> Startup:
    """Read a StartupMessage as strictly as the server does, so that both see the same user.

    Raises:
        ProtocolError: it is no such message.
    """
    version = code(body)
    if version >> 16 != _MAJOR:
        raise ProtocolError(
            f"unsupported frontend protocol {version >> 16}.{version & 0xFFFF}: server supports 3.0 to 3.2", "0A000"
        )
    parameters: dict[bytes, bytes] = {}
    rest = body[4:]
    while rest and rest[0] != 0:
        name, _, rest = rest.partition(b"\0")
        value, end, rest = rest.partition(b"\0")
        if not end:
            break
        parameters[name] = value
    if rest != b"\0":
        raise ProtocolError("invalid startup packet layout: expected terminator as last byte")
    user = parameters.get(b"user", b"")
    if not user:
        raise ProtocolError("no PostgreSQL user name specified in startup packet", "28000")
    try:
        return Startup(user.decode(), (parameters.get(b"database") or user).decode(), length + body)
    except UnicodeDecodeError as error:
        raise ProtocolError("invalid byte sequence in user or database name", "28000") from error
