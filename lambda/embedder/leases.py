"""The rows that are ours for now, each until its lease ends."""

import time

from embedder.database import Database, Target
from embedder.rows import Row

SHARE = 0.4
"""Of a lease: when less is left, it is renewed."""


class Leases:
    """The rows of one generation that a worker holds."""

    def __init__(self, database: Database, target: Target, seconds: int) -> None:
        self._database = database
        self._target = target
        self.seconds = seconds
        self._held: dict[str, tuple[Row, float]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, rows: list[Row], since: float) -> None:
        """Rows that were claimed; `since` is the monotonic time before the claim, so that ours never ends after theirs."""
        for row in rows:
            # A row that changed while we had it may be claimed again, by us too.
            if row.key in self._held:
                self._held[row.key][0].gone = True
            self._held[row.key] = (row, since + self.seconds)

    def let_go(self, rows: list[Row]) -> None:
        """Rows that are done with."""
        for row in rows:
            row.gone = True
            if row.key in self._held and self._held[row.key][0] is row:
                del self._held[row.key]

    def rows(self) -> list[Row]:
        """All that are held."""
        return [row for row, _ in self._held.values()]

    def ends(self, row: Row) -> float:
        """The monotonic time when a row's lease ends; long ago, when it is not held."""
        held = self._held.get(row.key)
        return held[1] if held is not None and held[0] is row else 0.0

    def renew(self) -> None:
        """Renew those that end soon; those that are another's by now are let go."""
        now = time.monotonic()
        due = [row for row, until in self._held.values() if until - now < SHARE * self.seconds]
        if not due:
            return
        ours = self._database.renew(
            self._target.vectorizer,
            self._target.generation,
            [row.key for row in due],
            [row.lease for row in due],
            self.seconds,
        )
        for row in due:
            if row.key in ours:
                self._held[row.key] = (row, now + self.seconds)
            else:
                self.let_go([row])
