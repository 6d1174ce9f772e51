"""Connections that are kept, a stack of idle ones for each address. Thread-safe."""

import functools
import os
import socket
import ssl
import threading
import time
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import botocore
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

MAX_IDLE_SECONDS = 60
"""One that lay longer is not used again: Lambda stops the environment between requests, and its end may have gone unnoticed."""
FAILURES = (HTTPError, HTTPException, OSError)
"""What opening and using a connection raise."""
_OPTIONS = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]


class Pool:
    """The connections to one origin, such as https://bedrock-runtime.us-east-1.amazonaws.com."""

    def __init__(self, origin: str, roots: str = "") -> None:
        self._origin = urlsplit(origin)
        self._roots = roots
        self._idle: list[tuple[HTTPConnection, float]] = []
        self._lock = threading.Lock()

    def kept(self) -> HTTPConnection | None:
        """The connection used last, or None."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection, since = self._idle.pop()
            if 0 <= time.time() - since < MAX_IDLE_SECONDS:
                return connection
            connection.close()

    def open(self, seconds: float) -> HTTPConnection:
        """A new connection, after its TLS handshake. Raises FAILURES."""
        host, port = self._origin.hostname or "", self._origin.port
        connection: HTTPConnection
        if self._origin.scheme == "https":
            verify = _tls(os.environ.get("AWS_CA_BUNDLE"), self._roots)
            connection = HTTPSConnection(host, port, timeout=seconds, socket_options=_OPTIONS, ssl_context=verify)
        else:
            connection = HTTPConnection(host, port, timeout=seconds, socket_options=_OPTIONS)
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection

    def keep(self, connection: HTTPConnection) -> None:
        """Put one back whose answer has been read to its end."""
        if connection.is_closed:  # as the server said that it would
            return
        with self._lock:
            self._idle.append((connection, time.time()))

    def clear(self) -> None:
        """Close every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()


def pool(origin: str, roots: str = "") -> Pool:
    """The pool of an origin, made once; `roots` in PEM are all that its certificate may come from, where they are given."""
    return _pool(origin, roots)


@functools.cache
def _pool(origin: str, roots: str) -> Pool:
    return Pool(origin, roots)


@functools.cache
def _tls(bundle: str | None, roots: str) -> ssl.SSLContext:
    if roots:
        return ssl.create_default_context(cadata=roots)
    return ssl.create_default_context(cafile=bundle or str(Path(botocore.__file__).with_name("cacert.pem")))
