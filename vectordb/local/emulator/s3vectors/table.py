"""The vectors of one index in memory: a float32 matrix that grows by doubling, and what belongs to each row."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Metadata = dict[str, Any]

_FIRST_CAPACITY = 256


class VectorTable:
    """Rows in no particular order; not thread-safe: the index holds a lock.

    A metadata object is never changed once it is stored: a reader may keep it.
    """

    def __init__(self, dimension: int) -> None:
        self.keys: list[str] = []
        self.metadata: list[Metadata] = []
        self.sizes: list[int] = []
        """Bytes of each vector as the service counts a page: key, four bytes a number, metadata."""
        self._slots: dict[str, int] = {}
        self._rows: Matrix = np.empty((_FIRST_CAPACITY, dimension), dtype=np.float32)
        self._norms: Matrix = np.empty(_FIRST_CAPACITY, dtype=np.float32)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def rows(self) -> Matrix:
        """Shape (vectors, dimension); a view."""
        return self._rows[: len(self.keys)]

    @property
    def norms(self) -> Matrix:
        """The length of each row; a view."""
        return self._norms[: len(self.keys)]

    def slot(self, key: str) -> int | None:
        """The row of a key."""
        return self._slots.get(key)

    def put(self, keys: Sequence[str], rows: Matrix, metadata: Sequence[Metadata], sizes: Sequence[int]) -> None:
        """Insert or replace; of equal keys the last counts."""
        self._reserve(len(self.keys) + len(keys))
        slots = np.empty(len(keys), dtype=np.intp)
        for position, key in enumerate(keys):
            slot = self._slots.setdefault(key, len(self.keys))
            slots[position] = slot
            if slot == len(self.keys):
                self.keys.append(key)
                self.metadata.append(metadata[position])
                self.sizes.append(sizes[position])
            else:
                self.metadata[slot] = metadata[position]
                self.sizes[slot] = sizes[position]
        self._rows[slots] = rows
        self._norms[slots] = np.linalg.norm(rows, axis=1)

    def delete(self, keys: Sequence[str]) -> None:
        """Remove those of the keys that are there; the last row takes a removed one's place."""
        for key in keys:
            slot = self._slots.pop(key, None)
            if slot is None:
                continue
            last = len(self.keys) - 1
            moved, data, size = self.keys.pop(), self.metadata.pop(), self.sizes.pop()
            if slot != last:
                self.keys[slot], self.metadata[slot], self.sizes[slot] = moved, data, size
                self._slots[moved] = slot
                self._rows[slot] = self._rows[last]
                self._norms[slot] = self._norms[last]

    def _reserve(self, count: int) -> None:
        if count > len(self._rows):
            capacity = max(count, 2 * len(self._rows))
            rows, norms = self._rows, self._norms
            self._rows = np.empty((capacity, rows.shape[1]), dtype=np.float32)
            self._norms = np.empty(capacity, dtype=np.float32)
            self._rows[: len(rows)] = rows
            self._norms[: len(norms)] = norms
