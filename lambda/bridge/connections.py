"""Connections that are kept: a TLS handshake costs many times what a call does, and reading the CA bundle as much again.

Each address has a stack of idle connections; whoever calls takes the one used last, or opens another. So one caller at a
time keeps one connection, and a batch's threads keep as many as they are.
"""

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

MAX_IDLE = 64
"""Idle connections that an address keeps: as many as a batch may have threads."""
MAX_IDLE_SECONDS = 60
"""A connection that lay longer is not used again. Lambda stops the environment between requests, so its end may have gone
unnoticed; finding out costs a whole timeout where packets are dropped."""
FAILURES = (HTTPError, HTTPException, OSError)
"""What opening and using a connection raise."""
_OPTIONS = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]


class Pool:
    """The connections to one address, such as https://s3vectors.us-east-1.api.aws. Thread-safe."""

    def __init__(self, address: str) -> None:
        self._address = urlsplit(address)
        self._idle: list[tuple[HTTPConnection, float]] = []
        self._lock = threading.Lock()

    def kept(self) -> HTTPConnection | None:
        """The connection used last, open as far as one can see, or None."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection, since = self._idle.pop()
            # The wall clock: the others may stand still while the environment does.
            if 0 <= time.time() - since < MAX_IDLE_SECONDS and _open(connection):
                return connection
            connection.close()

    def open(self, seconds: float) -> HTTPConnection:
        """A new connection, after its TLS handshake.

        Raises:
            urllib3.exceptions.HTTPError, OSError: it could not be opened, or not in so many seconds a step.
        """
        host, port = self._address.hostname or "", self._address.port
        connection: HTTPConnection
        if self._address.scheme == "https":
            verify = tls(os.environ.get("AWS_CA_BUNDLE"))
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
        """Put a connection back whose answer has been read to its end."""
        with self._lock:
            # http.client has closed it when the server said that it would.
            if not connection.is_closed and len(self._idle) < MAX_IDLE:
                self._idle.append((connection, time.time()))
                return
        connection.close()

    def clear(self) -> None:
        """Close every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()


def _open(connection: HTTPConnection) -> bool:
    """Whether an idle connection's other side still holds it, as far as this side knows.

    `is_connected` does not do: it takes whatever there is to read for the end, and on a connection that has carried
    nothing yet these may be the session tickets that a TLS 1.3 server sends after its handshake.
    """
    sock = connection.sock
    if sock is None:
        return False
    try:
        sock.settimeout(0)
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    return False  # its end, or something that nobody asked for


@functools.cache
def pool(address: str) -> Pool:
    """The pool of an address, made once."""
    return Pool(address)


def tls(bundle: str | None) -> ssl.SSLContext:
    """How servers are verified: by the CA bundle at that path, or by the one that botocore brings."""
    with _reading:
        return _tls(bundle or str(Path(botocore.__file__).with_name("cacert.pem")))


_reading = threading.Lock()


@functools.cache
def _tls(bundle: str) -> ssl.SSLContext:
    # By its path, not its text: only so does the interpreter do something else meanwhile.
    return ssl.create_default_context(cafile=bundle)
