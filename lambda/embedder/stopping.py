"""When to end: a function's remaining time, or the signal that a container is to stop."""

import math
import threading
import time
from collections.abc import Callable

RESERVE_SECONDS = 2.0
"""Kept back for giving back what is not done."""


class Stopping:
    """Says whether to begin anything more. Thread-safe.

    Args:
        remaining: seconds that are left, such as Lambda's context knows; None for no end.
        call_seconds: how long a call may take, so that none is begun that may not end.
    """

    def __init__(self, remaining: Callable[[], float] | None = None, call_seconds: float = 30.0) -> None:
        self._remaining = remaining
        self._needed = call_seconds + RESERVE_SECONDS
        self._event = threading.Event()

    def stop(self) -> None:
        """End soon: for a signal's handler."""
        self._event.set()

    def asked(self) -> bool:
        """Whether to begin nothing more."""
        return self._event.is_set() or (self._remaining is not None and self._remaining() < self._needed)

    def left(self) -> float:
        """Seconds until nothing more is to be done; none when it is asked to stop."""
        if self._event.is_set():
            return 0.0
        return math.inf if self._remaining is None else max(0.0, self._remaining() - RESERVE_SECONDS)

    def sleep(self, seconds: float) -> None:
        """Wait, but not past the end."""
        until = time.monotonic() + seconds
        while not self.asked() and (left := until - time.monotonic()) > 0:
            self._event.wait(min(left, 1.0))
