"""One client's bytes, carried both ways between its socket and the way to the database."""

import contextlib
import socket
import threading
import time
from typing import Literal

_BLOCK = 65536


class Relay:
    """Carries bytes until one side ends, or until it is cut.

    What it carries is TLS that ends in the database: nothing is read or changed on the way. Each direction has a thread, so
    that a server which waits to be read and a client which waits to be read cannot hold each other up.
    """

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self._client = client
        self._server = server
        self._asked_at: float | None = None
        self._ended_by: Literal["client", "server", "us", ""] = ""
        self._lock = threading.Lock()

    @property
    def cut_by_server(self) -> bool:
        """Whether the far side ended it, which is what a failover and a broken tunnel look like."""
        return self._ended_by == "server"

    def waits(self, now: float) -> float:
        """For how many seconds, at `now` of the monotonic clock, the client has waited for an answer; 0 when it waits for none."""
        asked = self._asked_at
        return 0.0 if asked is None else now - asked

    def cut(self) -> None:
        """End it now, from another thread."""
        self._end("us")

    def run(self) -> None:
        """Carry until the end, then close both sockets."""
        upwards = threading.Thread(target=self._upwards, daemon=True)
        upwards.start()
        self._downwards()
        upwards.join()
        self._client.close()
        self._server.close()

    def _upwards(self) -> None:
        with contextlib.suppress(OSError):
            while block := self._client.recv(_BLOCK):
                if self._asked_at is None:
                    self._asked_at = time.monotonic()
                self._server.sendall(block)
        self._end("client")

    def _downwards(self) -> None:
        with contextlib.suppress(OSError):
            while block := self._server.recv(_BLOCK):
                self._asked_at = None
                self._client.sendall(block)
        self._end("server")

    def _end(self, by: Literal["client", "server", "us"]) -> None:
        """No client of PostgreSQL goes on listening after its own last word, nor does the server: one end is the end of both."""
        with self._lock:
            self._ended_by = self._ended_by or by
        for one in (self._client, self._server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
