"""Many readers or one writer, so that searches use every core and a write is seen whole."""

import contextlib
import threading
from collections.abc import Iterator


class SharedLock:
    """Phase-fair: who reads waits for one writer at most, who writes for the readers that came before. Not reentrant."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._readers = 0
        self._queued = 0
        """Readers that wait for the present or next writer to end."""
        self._writers = 0
        """Writers that wait."""
        self._writing = False
        self._phase = 0

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """Read, beside others that read."""
        with self._changed:
            if self._writing or self._writers:
                self._queued += 1
                phase = self._phase
                while phase == self._phase:
                    self._changed.wait()
            else:
                self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                if not self._readers:
                    self._changed.notify_all()

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Write, alone."""
        with self._changed:
            self._writers += 1
            while self._writing or self._readers:
                self._changed.wait()
            self._writers -= 1
            self._writing = True
        try:
            yield
        finally:
            with self._changed:
                self._writing = False
                # Those that queue are readers from now on, before the next writer looks.
                self._readers += self._queued
                self._queued = 0
                self._phase += 1
                self._changed.notify_all()
