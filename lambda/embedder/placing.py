"""Vectors on their way into S3 Vectors, before the database is told: each attempt under keys of its own.

The database knows of every key before it is put (embed.intend), and decides afterwards whether it counts (embed.finish). So a worker
may die, or come back from wherever it was, between any two steps: what it leaves is found and deleted, and never seen.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from embedder import metadata, s3vectors
from embedder.database import Database, Target
from embedder.errors import CallError, Kind
from embedder.leases import Leases
from embedder.rows import Row, written
from embedder.stats import Stats

BEGIN_SHARE = 0.8
"""Of a lease: when as much of it is used, no put is begun."""
PAUSE_SECONDS = 0.25
"""Before a put is tried again, at most; each further time twice the last."""
ATTEMPTS = 5
_random = random.SystemRandom()

Fail = Callable[[list[Row], CallError], None]


class StalledError(Exception):
    """The service takes nothing now; the rows are still held."""

    def __init__(self, error: CallError) -> None:
        super().__init__(str(error))
        self.error = error


class Placing:
    """The vectors of one generation.

    Args:
        fail: says of rows why they are given up.
    """

    def __init__(self, database: Database, target: Target, leases: Leases, stats: Stats, fail: Fail) -> None:
        self._database = database
        self._target = target
        self._leases = leases
        self._stats = stats
        self._fail = fail
        destination: Mapping[str, Any] = target.config["destination"]
        self._arn = str(destination["arn"])
        self._cosine = destination.get("metric") != "euclidean"
        self._non_filterable = frozenset(destination.get("non_filterable") or ())

    def place(self, group: list[Row]) -> list[Row]:
        """Put the rows' new vectors; those rows that the database can now be told of. The others are let go.

        Raises:
            CallError: of kind configuration.
            StalledError: the service has too much to do, fails or is not reached.
        """
        fresh = [row for row in group if row.vector_keys is None and self._fits(row)]
        if fresh:
            self._leases.renew()
            fresh = [row for row in fresh if not row.gone]
        puts = self._intended([row for row in fresh if any(piece.vector is not None for piece in row.pieces)])
        for row in fresh:
            if not row.gone and not any(piece.vector is not None for piece in row.pieces):
                row.vector_keys = [None] * len(row.pieces)
        self._put(puts)
        return [row for row in group if not row.gone]

    def _fits(self, row: Row) -> bool:
        """What the service would refuse is told of the row that it is."""
        problem = None
        try:
            metadata.check(row.metadata, self._non_filterable)
        except metadata.MetadataError as error:
            problem = str(error)
        if self._cosine and any(piece.vector is not None and not any(piece.vector) for piece in row.pieces):
            problem = "the model's vector is all zeros, which an index by cosine cannot hold"
        if problem:
            self._fail([row], CallError(Kind.POISON, "Unfit", problem))
        return problem is None

    def _intended(self, rows: list[Row]) -> list[Row]:
        if not rows:
            return []
        prefixes = self._database.intend(
            self._target.vectorizer,
            self._target.generation,
            [
                {
                    "key": row.key,
                    "version": row.version,
                    "lease": row.lease,
                    "chunks": [n for n, piece in enumerate(row.pieces) if piece.vector is not None],
                }
                for row in rows
            ],
        )
        held = []
        for row in rows:
            prefix = prefixes.get(row.key)
            if prefix is None:
                self._stats.changed += 1
                self._leases.let_go([row])
                continue
            row.vector_keys = [
                f"{prefix}{n}" if piece.vector is not None else None for n, piece in enumerate(row.pieces)
            ]
            held.append(row)
        return held

    def _put(self, rows: list[Row]) -> None:
        if not rows:
            return
        until = min(self._leases.ends(row) for row in rows) - (1 - BEGIN_SHARE) * self._leases.seconds
        for part in _parts([(row, record) for row in rows for record in self._records(row)]):
            self._sent(part, until)

    def _records(self, row: Row) -> Iterator[bytes]:
        more = f',"metadata":{metadata.compact(row.metadata)}' if row.metadata else ""
        for key, piece in zip(row.vector_keys or (), row.pieces, strict=True):
            if key is not None:
                data = written(piece.vector)
                yield f'{{"key":{json.dumps(key)},"data":{{"float32":{data}}}{more}}}'.encode("utf-8", "replace")

    def _sent(self, part: Sequence[tuple[Row, bytes]], until: float) -> None:
        part = [(row, record) for row, record in part if not row.gone]
        if not part:
            return
        try:
            self._tried([record for _, record in part], until)
        except s3vectors.LateError:
            # Whatever is not sent by now might come when the rows are another's.
            rows = list(dict.fromkeys(row for row, _ in part))
            self._database.release(
                self._target.vectorizer, self._target.generation, [row.key for row in rows], [row.lease for row in rows]
            )
            self._leases.let_go(rows)
        except CallError as error:
            if error.kind is not Kind.POISON:
                raise
            self._stats.errors += 1
            rows = list(dict.fromkeys(row for row, _ in part))
            if len(rows) == 1:
                self._fail(rows, error)
                return
            # One refused vector refuses all: by halves to the row that it is of.
            first = set(rows[: len(rows) // 2])
            self._sent([each for each in part if each[0] in first], until)
            self._sent([each for each in part if each[0] not in first], until)

    def _tried(self, records: list[bytes], until: float) -> None:
        for attempt in range(ATTEMPTS):
            try:
                s3vectors.put(self._arn, records, until)
            except CallError as error:
                if error.kind not in {Kind.THROTTLE, Kind.TRANSIENT}:
                    raise
                pause = _random.uniform(0, PAUSE_SECONDS * 2**attempt)
                if attempt + 1 == ATTEMPTS or time.monotonic() + pause >= until:
                    raise StalledError(error) from None
            else:
                return
            time.sleep(pause)


def _parts(records: list[tuple[Row, bytes]]) -> Iterator[list[tuple[Row, bytes]]]:
    """As many as a call takes, one call after the other."""
    part: list[tuple[Row, bytes]] = []
    size = 0
    for row, record in records:
        if part and (len(part) == s3vectors.MOST_VECTORS or size + len(record) > s3vectors.MOST_BYTES):
            yield part
            part, size = [], 0
        part.append((row, record))
        size += len(record) + 1
    if part:
        yield part
