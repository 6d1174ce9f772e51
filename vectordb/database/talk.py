"""Talk goes to stderr, so that stdout holds data only; and one clock for everything that waits."""

import sys
import threading
import time
from collections.abc import Callable

Say = Callable[[str], None]


def to_stderr(line: str) -> None:
    """Print one line of progress for a person."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class Deadline:
    """A moment after which waiting ends; another thread may call it off before.

    Args:
        seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._started = time.monotonic()
        self._called_off = threading.Event()
        self._then: list[Callable[[], None]] = []

    def elapsed(self) -> float:
        """Seconds since the clock was started."""
        return time.monotonic() - self._started

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return 0.0 if self._called_off.is_set() else max(0.0, self.seconds - self.elapsed())

    def passed(self) -> bool:
        """Whether the time is up."""
        return self.remaining() <= 0

    def pause(self, seconds: float) -> None:
        """Sleep, but not past the deadline."""
        self._called_off.wait(min(seconds, self.remaining()))

    def call_off(self) -> None:
        """The time is up now: whoever pauses wakes, and what `if_called_off` was given is done."""
        self._called_off.set()
        for action in list(self._then):
            action()

    def if_called_off(self, action: Callable[[], None]) -> None:
        """Have `action` done, in the thread that calls off, to end what would not look at a clock."""
        self._then.append(action)
        if self._called_off.is_set():
            action()
