"""Talk goes to stderr, so that stdout holds data only; and one clock for everything that waits."""

import sys
import time
from collections.abc import Callable

Say = Callable[[str], None]


def to_stderr(line: str) -> None:
    """Print one line of progress for a person."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class Deadline:
    """A moment after which waiting ends.

    Args:
        seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._started = time.monotonic()

    def elapsed(self) -> float:
        """Seconds since the clock was started."""
        return time.monotonic() - self._started

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.seconds - self.elapsed())

    def passed(self) -> bool:
        """Whether the time is up."""
        return self.remaining() <= 0

    def pause(self, seconds: float) -> None:
        """Sleep, but not past the deadline."""
        time.sleep(min(seconds, self.remaining()))
