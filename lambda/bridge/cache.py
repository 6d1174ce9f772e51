"""Answers that the function keeps for a while: off unless VECTORDB_CACHE_SECONDS says how long.

Each environment of the function has its own. What is put in must be everything that the answer depends on (index, epoch,
vector, filter, scope, …) as the key, and bytes as the value, which nobody can change. The database counts its writes of an
index and sends the count as the epoch, so an answer from before a write is not found after it.
"""

import functools
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable

SECONDS_VARIABLE = "VECTORDB_CACHE_SECONDS"
MEGABYTES_VARIABLE = "VECTORDB_CACHE_MEGABYTES"
MEGABYTES = 16.0
_ENTRY_BYTES = 500
"""What an entry costs beside its value: the tuple, the key's objects, the dictionary's place."""


class Cache:
    """Least recently used first out, bounded by bytes and by age. Thread-safe.

    Args:
        seconds: how long an answer may be given; 0 keeps nothing.
        most_bytes: how much is kept.
    """

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self.seconds = seconds
        self.most_bytes = most_bytes
        self.bytes = 0
        self._entries: OrderedDict[Hashable, tuple[float, int, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> bytes | None:
        """The value, or None when there is none or it is too old."""
        if self.seconds <= 0:
            return None
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            # The wall clock: the environment stands still between requests, and time goes on.
            if not 0 <= time.time() - entry[0] < self.seconds:
                self._drop(key)
                return None
            self._entries.move_to_end(key)
            return entry[2]

    def put(self, key: Hashable, value: bytes, size: int) -> None:
        """Keep a value of `size` bytes, its key included; what is larger than the whole cache is not kept."""
        size += _ENTRY_BYTES
        if self.seconds <= 0 or size > self.most_bytes:
            return
        with self._lock:
            if key in self._entries:
                self._drop(key)
            self._entries[key] = (time.time(), size, value)
            self.bytes += size
            while self.bytes > self.most_bytes:
                self._drop(next(iter(self._entries)))

    def _drop(self, key: Hashable) -> None:
        self.bytes -= self._entries.pop(key)[1]


def enabled() -> bool:
    """Whether anything is kept."""
    return _cache().seconds > 0


def get(key: Hashable) -> bytes | None:
    """What is kept under the key, or None."""
    return _cache().get(key)


def put(key: Hashable, value: bytes, size: int) -> None:
    """Keep `value`, which with its key has `size` bytes."""
    _cache().put(key, value, size)


def _cache() -> Cache:
    return _made(os.environ.get(SECONDS_VARIABLE, ""), os.environ.get(MEGABYTES_VARIABLE, ""))


@functools.lru_cache(maxsize=1)
def _made(seconds: str, megabytes: str) -> Cache:
    return Cache(_number(seconds, 0.0), int(_number(megabytes, MEGABYTES) * 1024 * 1024))


def _number(text: str, otherwise: float) -> float:
    """Not a number, negative or infinite: as if nothing had been set. A wrong cache must not stop the search."""
    try:
        number = float(text)
    except ValueError:
        return otherwise
    return number if 0 <= number < float("inf") else otherwise
