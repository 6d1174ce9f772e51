"""An answer that is read until a moment, however slowly it comes: a socket's own timeout is for each step, and a byte a second is a step."""

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

from urllib3.connection import HTTPConnection
from urllib3.response import BaseHTTPResponse


def answered(connection: HTTPConnection, until: float) -> BaseHTTPResponse:
    """The answer's beginning; it, and what is read of it, raise TimeoutError when the monotonic time `until` is over."""

    def response(sock: socket.socket, *arguments: Any, **named: Any) -> HTTPResponse:
        made = HTTPResponse(sock, *arguments, **named)
        made.fp.close()
        made.fp = io.BufferedReader(_Until(sock, until))
        return made

    # http.client calls it as it would call the class.
    connection.response_class = response  # type: ignore[assignment]
    return connection.getresponse()


class _Until(io.RawIOBase):
    """What a socket receives, up to a moment."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        # It keeps the socket open when http.client closes it, for answers after which the connection ends.
        self._raw = sock.makefile("rb", buffering=0)
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
