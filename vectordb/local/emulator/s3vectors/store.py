"""The vectors of one index: a SQLite file, and the same in memory for searching."""

import json
import threading
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vectordb.local.emulator.s3vectors.files import connect, transaction
from vectordb.local.emulator.s3vectors.filters import Predicate
from vectordb.local.emulator.s3vectors.locks import SharedLock
from vectordb.local.emulator.s3vectors.search import Hit, Metric, nearest
from vectordb.local.emulator.s3vectors.table import Matrix, Metadata, VectorTable
from vectordb.local.emulator.s3vectors.text.inverted import TextIndex, TextQuery
from vectordb.local.emulator.s3vectors.text.matching import matching
from vectordb.local.emulator.s3vectors.text.ranking import fuse

_FILLED_AT_ONCE = 250
"""Vectors that are made searchable by their text between two looks at whether somebody else waits."""


class IndexClosedError(Exception):
    """A write came after the index was deleted."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A vector as it was stored; `row` has shape (dimension,)."""

    key: str
    row: Matrix
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Segment:
    """One of `count` parts of the keys, none of which is in two."""

    index: int = 0
    count: int = 1

    def has(self, key: str) -> bool:
        """Whether the key belongs to this part; the same at every start."""
        return self.count == 1 or zlib.crc32(key.encode()) % self.count == self.index


class VectorIndex:
    """Thread-safe. A write is on disk before it can be read."""

    def __init__(self, path: Path, dimension: int, metric: Metric) -> None:
        self.dimension = dimension
        self.metric: Metric = metric
        self._lock = SharedLock()
        self._filling = threading.Lock()
        self._closed = False
        self._connection = connect(path)
        self._connection.execute("CREATE TABLE IF NOT EXISTS vector (key TEXT PRIMARY KEY, data BLOB, metadata TEXT)")
        self._table = VectorTable(dimension)
        self._text = TextIndex()
        self._sorted: list[str] | None = None
        self._load()

    def __len__(self) -> int:
        return len(self._table)

    def put(self, keys: Sequence[str], rows: Matrix, metadata: Sequence[Metadata]) -> None:
        """Insert or replace all of them or, when the disk says no, none. `rows` has shape (keys, dimension)."""
        texts = [json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in metadata]
        blobs = [row.tobytes() for row in np.ascontiguousarray(rows, dtype="<f4")]
        sizes = [_size(key, self.dimension, text) for key, text in zip(keys, texts, strict=True)]
        with self._lock.exclusive():
            self._refuse_when_closed()
            with transaction(self._connection):
                self._connection.executemany(
                    "INSERT OR REPLACE INTO vector VALUES (?, ?, ?)", zip(keys, blobs, texts, strict=True)
                )
            before = len(self._table)
            self._table.put(keys, rows, metadata, sizes)
            self._text.put(keys, metadata)
            if len(self._table) != before:
                self._sorted = None

    def delete(self, keys: Sequence[str]) -> None:
        """Remove those of the keys that are there."""
        with self._lock.exclusive():
            self._refuse_when_closed()
            with transaction(self._connection):
                self._connection.executemany("DELETE FROM vector WHERE key = ?", ((key,) for key in keys))
            self._table.delete(keys)
            self._text.delete(keys)
            self._sorted = None

    def get(self, keys: Sequence[str]) -> list[Stored]:
        """Those of the keys that are there, each once."""
        with self._lock.shared():
            slots = (self._table.slot(key) for key in dict.fromkeys(keys))
            return [self._stored(slot) for slot in slots if slot is not None]

    def page(self, after: str, most: int, most_bytes: int, segment: Segment) -> tuple[list[Stored], str]:
        """Vectors in the order of their keys, so that a listing meets each that stays exactly once while others come and go.

        Args:
            after: the last key of the page before, empty for the first.
            most: how many vectors at most.
            most_bytes: stop when their sizes together reach this; one vector is always there.
            segment: which part of the keys.

        Returns:
            The vectors, and the key to go on after, empty at the end.
        """
        with self._lock.shared():
            keys = self._sorted = self._sorted if self._sorted is not None else sorted(self._table.keys)
            found: list[Stored] = []
            size = 0
            for position in range(bisect_right(keys, after), len(keys)):
                slot = self._table.slot(keys[position])
                if slot is None or not segment.has(keys[position]):
                    continue
                if len(found) == most or size >= most_bytes:
                    return found, found[-1].key
                found.append(self._stored(slot))
                size += self._table.sizes[slot]
            return found, ""

    def search(
        self, query: Matrix | None, texts: Sequence[TextQuery], count: int, predicate: Predicate | None
    ) -> list[Hit]:
        """The best vectors for a vector (see `search.nearest`), for texts (see `text.matching`), or for both.

        For both, each search finds its `count` best, and the two rankings are fused (see `text.ranking.fuse`).
        """
        for text in texts:
            self.make_searchable(text.key, text.language)
        with self._lock.shared():
            near = [] if query is None else nearest(self._table, query, self.metric, count, predicate)
            if not texts:
                return near
            found = matching(self._table, self._text, texts, count, predicate)
        return found if query is None else fuse(near, found, count)

    def make_searchable(self, key: str, language: str | None) -> None:
        """Read the stored texts of a metadata key, if that has not been done; others go on meanwhile."""
        field = self._text.fields.get(key)
        if field is not None and field.complete and field.language == language:
            return
        with self._filling:
            with self._lock.exclusive():
                field = self._text.begin(key, language)
                stored = [] if field.complete else list(self._table.keys)
            for start in range(0, len(stored), _FILLED_AT_ONCE):
                with self._lock.exclusive():
                    for name in stored[start : start + _FILLED_AT_ONCE]:
                        slot = self._table.slot(name)
                        if slot is not None:
                            self._text.fill(field, name, self._table.metadata[slot].get(key))
            field.complete = True

    def forget_text(self, key: str) -> None:
        """The metadata key is no longer searchable."""
        with self._filling, self._lock.exclusive():
            self._text.drop(key)

    def close(self) -> None:
        """Close the file; a later write raises IndexClosedError."""
        with self._lock.exclusive():
            self._closed = True
            self._connection.close()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise IndexClosedError

    def _stored(self, slot: int) -> Stored:
        return Stored(self._table.keys[slot], self._table.rows[slot].copy(), self._table.metadata[slot])

    def _load(self) -> None:
        stored = self._connection.execute("SELECT key, data, metadata FROM vector ORDER BY rowid").fetchall()
        keys = [row[0] for row in stored]
        rows = np.frombuffer(b"".join(row[1] for row in stored), dtype="<f4").reshape(len(keys), self.dimension)
        sizes = [_size(key, self.dimension, text) for key, _, text in stored]
        self._table.put(keys, rows.astype(np.float32, copy=False), [json.loads(row[2]) for row in stored], sizes)


def _size(key: str, dimension: int, metadata: str) -> int:
    return len(key.encode()) + 4 * dimension + len(metadata.encode())
