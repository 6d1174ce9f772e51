"""A port on this machine that stays, before a way to the database that does not.

Session Manager cuts a session after about an hour and when it has been idle, and after a failover a session leads to the old instance,
because its host was resolved when it began. Clients keep their one port: their connections break with the session, the next one finds
a new session behind it. Nothing is sent to keep a session alive; one that nobody uses is closed, and opened again for the next client.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Self

from vectordb.database.connection import Route
from vectordb.database.relay import Relay
from vectordb.database.talk import Say
from vectordb.errors import VectordbError

_SSL_REQUEST: Final = bytes.fromhex("0000000804d2162f")
"""The first message of a connection; every server answers it with one byte, before any login (PostgreSQL, "Message Formats")."""


class Forwarder:
    """Listens on 127.0.0.1 and carries every client to the database, by a way that it opens, proves, closes and replaces.

    A thread of its own opens the ways, and lives as long as the forwarder: the kernel ends a child with the thread that
    started it (`processes.dying_with_parent`).
    """

    #: Seconds without a client after which the way is closed.
    idle = 120.0
    #: Seconds for which a client waits for an answer before it is asked whether the far end still lives.
    patience = 30.0
    #: Seconds that the far end has to answer that.
    answers_within = 10.0
    #: Seconds between two looks at the way.
    tick = 0.25

    def __init__(
        self,
        open_way: Callable[[], AbstractContextManager[Route]],
        prove: Callable[[Route], None],
        *,
        call_off: Callable[[], None],
        host: str,
        port: int = 0,
        say: Say,
    ) -> None:
        """Take the port.

        Args:
            open_way: a proven way, open as long as its context is.
            prove: raises VectordbError when a way leads to no writer any more.
            call_off: has either of them give up at once.
            host: where a way goes that names no address.
            port: to listen on; 0: any that is free.
            say: told when a way breaks, and why another cannot be opened.

        Raises:
            VectordbError: the port is taken.
        """
        self._open_way, self._prove, self._call_off = open_way, prove, call_off
        self._host, self._say = host, say
        try:
            self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        except OSError as error:
            raise VectordbError(
                f"port {port} on 127.0.0.1 cannot be listened on: {error.strerror or error}",
                remedy="Choose another with --port, or leave it out and any free one is taken.",
            ) from error
        self._listener.settimeout(self.tick)
        self.port: int = self._listener.getsockname()[1]
        self._changed = threading.Condition()
        self._route: Route | None = None
        self._failure: VectordbError | None = None
        self._failures = 0
        self._wanted = False
        self._suspect = False
        self._closing = False
        self._used_at = time.monotonic()
        self._relays: set[Relay] = set()
        self._keeper = threading.Thread(target=self._keep, name="forwarder-way", daemon=True)
        self._acceptor = threading.Thread(target=self._accept, name="forwarder-clients", daemon=True)

    def __enter__(self) -> Self:
        """Open the first way; it is proven when this returns.

        Raises:
            VectordbError: none could be opened.
        """
        self._keeper.start()
        try:
            opened = self._way()
        except BaseException:  # Ctrl-C, too: nothing may go on opening
            self.close()
            raise
        if opened is None:
            self.close()
            raise self._failure or VectordbError("the forwarder was closed while it opened")
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cut every client and close the way; one that is being opened is given up."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the acceptor on Linux; elsewhere it looks every tick
        self._call_off()
        self._cut()
        for thread in (self._acceptor, self._keeper):
            if thread.is_alive():
                thread.join(10)
        self._listener.close()

    # The way, in the keeper's thread.

    def _keep(self) -> None:
        while self._asked_for():
            try:
                with self._open_way() as route:
                    self._set(route)
                    why = self._hold(route)
                    self._set(None)
                    self._cut()
            except VectordbError as error:
                self._fail(error)
            except OSError as error:
                self._fail(VectordbError(f"the way cannot be opened: {error}"))
            else:
                if why:
                    self._say(f"the way to the database broke: {why}; the next connection gets a new one")

    def _asked_for(self) -> bool:
        """Wait until a client wants a way; false when the forwarder closes."""
        with self._changed:
            self._changed.wait_for(lambda: self._wanted or self._closing)
            self._wanted = False
            return not self._closing

    def _hold(self, route: Route) -> str:
        """Return when the way is done with: why it broke, or nothing when nobody needs it."""
        asked_at = 0.0
        while True:
            with self._changed:
                self._changed.wait(self.tick)
                if self._closing:
                    return ""
                now = time.monotonic()
                if self._relays:
                    self._used_at = now
                elif now - self._used_at > self.idle:
                    self._route = None  # under the lock, so that no client takes it any more
                    return ""
                suspect = self._suspect
                longest = max((relay.waits(now) for relay in self._relays), default=0.0)
            try:
                route.check()
                if suspect:
                    self._prove(route)
                    self._trust()
            except VectordbError as error:
                return error.message
            if longest > self.patience and now - asked_at > self.patience:
                asked_at = now
                if not self._answers(route):
                    return f"nothing has come back for {longest:.0f} s"

    def _answers(self, route: Route) -> bool:
        """Whether a server speaks at the far end. Asked only while a client waits: it is no keep-alive."""
        with contextlib.suppress(OSError), self._dial(route, self.answers_within) as asking:
            asking.sendall(_SSL_REQUEST)
            return asking.recv(1) in (b"S", b"N")
        return False

    def _set(self, route: Route | None) -> None:
        with self._changed:
            self._route, self._suspect, self._used_at = route, False, time.monotonic()
            if route is not None:
                self._failure = None
            self._changed.notify_all()

    def _trust(self) -> None:
        with self._changed:
            self._suspect = False
            self._changed.notify_all()

    def _fail(self, error: VectordbError) -> None:
        with self._changed:
            self._route, self._failure, self._failures = None, error, self._failures + 1
            self._changed.notify_all()
            first = not self._acceptor.is_alive()
        if not first:  # whoever waits for the first way gets the error itself
            self._say(f"no way to the database: {error.message}" + (f" ({error.remedy})" if error.remedy else ""))

    # Clients, each in a thread of its own.

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            client.settimeout(None)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        joined = self._joined(client)
        if joined is None:
            client.close()
            return
        relay, route = joined
        relay.run()
        with self._changed:
            self._relays.discard(relay)
            self._suspect = self._suspect or (relay.cut_by_server and self._route is route)
            self._used_at = time.monotonic()
            self._changed.notify_all()

    def _joined(self, client: socket.socket) -> tuple[Relay, Route] | None:
        """The client's relay and the way that it takes; None when there is none for it."""
        for _ in range(2):
            route = self._way()
            if route is None:
                return None
            try:
                server = self._dial(route, 10)
            except OSError:
                with self._changed:
                    self._suspect = True  # the plugin has gone, and the keeper will see it
                    self._changed.notify_all()
                continue
            server.settimeout(None)
            relay = Relay(client, server)
            with self._changed:
                if self._route is route:
                    self._relays.add(relay)
                    return relay, route
            server.close()
        return None

    def _way(self) -> Route | None:
        """A way that is trusted, opened or proven first where need be; None when that failed."""
        with self._changed:
            failures = self._failures
            while not self._closing and self._failures == failures:
                if self._route is not None and not self._suspect:
                    self._used_at = time.monotonic()
                    return self._route
                if self._route is None and not self._wanted:
                    self._wanted = True
                    self._changed.notify_all()
                self._changed.wait(1)
            return None

    def _dial(self, route: Route, timeout: float) -> socket.socket:
        made = socket.create_connection((route.hostaddr or self._host, route.port), timeout=timeout)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _cut(self) -> None:
        with self._changed:
            relays = list(self._relays)
        for relay in relays:
            relay.cut()
