"""Permission to call: from the limiter that all workers share, in handfuls, because asking costs a transaction."""

import random
import time

from embedder.database import Database

_random = random.SystemRandom()
SHORTEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.01, 0.2, 8.0


class Permits:
    """One model's permits in hand."""

    def __init__(self, database: Database, limiter: str) -> None:
        self._database = database
        self._limiter = limiter
        self._granted = 0
        self._not_before = 0.0
        self._refused_at = 0.0
        self.refusals = 0
        """By the service in a row."""

    def take(self, wanted: int) -> bool:
        """Take one; ask for `wanted` when none is in hand. False when it is not time yet."""
        if self._granted == 0:
            if time.monotonic() < self._not_before:
                return False
            granted, wait = self._database.permits(self._limiter, max(1, wanted))
            self._granted = granted
            if granted < wanted:
                # Up to a tenth more, so that workers do not all come back at once.
                self._not_before = time.monotonic() + max(wait, SHORTEST_PAUSE_SECONDS) * _random.uniform(1.0, 1.1)
            if granted == 0:
                return False
        self._granted -= 1
        return True

    def wait_seconds(self) -> float:
        """Until the next may be had."""
        return 0.0 if self._granted else max(0.0, self._not_before - time.monotonic())

    def accepted(self) -> None:
        """The service took a call."""
        self.refusals = 0

    def refused(self, began: float, delay: float | None) -> None:
        """The service said that there were too many: slower for all, and a pause for us, with full jitter.

        Args:
            began: when the call did (monotonic). Calls that were under way together are refused together, and that is once.
            delay: seconds that the service asked for.
        """
        if began < self._refused_at:
            return
        self._refused_at = time.monotonic()
        self._database.throttled(self._limiter)
        self.give_back()
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self.refusals)
        self.refusals += 1
        self._not_before = time.monotonic() + (delay or 0.0) + _random.uniform(0, longest)

    def give_back(self) -> None:
        """Return what is in hand."""
        if self._granted:
            self._database.return_permits(self._limiter, self._granted)
            self._granted = 0
