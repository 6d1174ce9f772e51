"""Complete rows on their way into the database: in groups, again when a user's transaction was in the way."""

import time

from embedder.database import Database, RefusedError, Target
from embedder.errors import CallError, Kind
from embedder.leases import Leases
from embedder.placing import Fail, Placing
from embedder.rows import Row
from embedder.stats import Stats

MOST_ROWS = 64
"""In one transaction: nobody waits long for it."""
MOST_CHUNKS = 512
WAIT_SECONDS = 0.2
"""That a complete row waits for others."""
AGAIN_SECONDS = 0.3
ROW_FAULTS = frozenset({"23", "44", "54", "P0"})
"""Classes of SQLSTATE that a row is the reason of: constraints and triggers of the table, a message that is too large."""
DATA_FAULTS = ROW_FAULTS | {"22"}
"""Those that one row may be the reason of; or the vectors' dimension, and then it is every row's."""
MOST_TRIES = 10
"""Of a row that users hold; then it is given back, for later."""


class Finishing:
    """The complete rows of one generation."""

    def __init__(
        self,
        database: Database,
        target: Target,
        leases: Leases,
        stats: Stats,
        fail: Fail,
        placing: Placing | None = None,
    ) -> None:
        self._database = database
        self._target = target
        self._leases = leases
        self._stats = stats
        self._fail = fail
        self._placing = placing
        self._complete: list[Row] = []
        self._since = 0.0
        self._locked: list[Row] = []
        self._again = 0.0

    def __len__(self) -> int:
        return len(self._complete) + len(self._locked)

    def add(self, row: Row) -> None:
        """A row whose pieces all have their vector, or that has none."""
        if not self._complete:
            self._since = time.monotonic()
        self._complete.append(row)

    def due(self) -> float:
        """Seconds until something is to be written."""
        now = time.monotonic()
        waits = []
        if self._complete:
            waits.append(0.0 if len(self._complete) >= MOST_ROWS else self._since + WAIT_SECONDS - now)
        if self._locked:
            waits.append(self._again - now)
        return max(0.0, min(waits, default=3600.0))

    def flush(self, *, now: bool = False, locked: bool = False) -> None:
        """Write what is due.

        Args:
            now: write complete rows without waiting for others.
            locked: try those once more that a user's transaction was in the way of.

        Raises:
            CallError: of kind configuration, when the database or the index refuses the vectors themselves.
            StalledError: the index takes nothing now.
        """
        if self._locked and (locked or time.monotonic() >= self._again):
            self._complete = self._locked + self._complete
            self._locked = []
        elif not now and self.due() > 0:
            return
        while self._complete:
            self._write(self._group())

    def _group(self) -> list[Row]:
        group: list[Row] = []
        chunks = 0
        while self._complete and len(group) < MOST_ROWS:
            chunks += len(self._complete[0].pieces)
            if group and chunks > MOST_CHUNKS:
                break
            row = self._complete.pop(0)
            if not row.gone:
                group.append(row)
        return group

    def _write(self, group: list[Row]) -> None:
        if group and self._placing:
            group = self._placing.place(group)
        refused = self._written(group) if group else []
        for row, code in refused:
            if str(code)[:2] not in ROW_FAULTS and len(refused) == len(group) and not self._stats.rows:
                raise CallError(
                    Kind.CONFIGURATION, f"Sql{code}", "the database refuses the vectors; do dimension and type fit?"
                )
            self._fail([row], CallError(Kind.POISON, f"Sql{code}", "the database refuses to store this row's vectors"))

    def _written(self, group: list[Row]) -> list[tuple[Row, RefusedError]]:
        """Write a group; the rows that are refused. One refused row, as by a CHECK or a trigger of the table's, refuses all: by halves."""
        try:
            outcomes = self._database.finish(
                self._target.vectorizer, self._target.generation, [row.item() for row in group]
            )
        except RefusedError as refused:
            if len(group) == 1:
                return [(group[0], refused)]
            if str(refused)[:2] not in DATA_FAULTS:
                return [(row, refused) for row in group]
            half = len(group) // 2
            return self._written(group[:half]) + self._written(group[half:])
        for row in group:
            self._judge(row, outcomes.get(row.key, "changed"))
        return []

    def _judge(self, row: Row, outcome: str) -> None:
        if outcome == "locked" and row.tries < MOST_TRIES:
            row.tries += 1
            self._stats.locked += 1
            self._locked.append(row)
            self._again = time.monotonic() + AGAIN_SECONDS
            return
        if outcome == "done":
            self._stats.rows += 1
            self._stats.chunks_kept += sum(piece.vector is None for piece in row.pieces)
        else:
            self._stats.changed += 1
            if outcome == "locked":
                self._database.release(self._target.vectorizer, self._target.generation, [row.key], [row.lease])
        self._leases.let_go([row])
