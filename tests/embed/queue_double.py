"""The functions of schema `embed` in memory, for tests of the worker alone: one generation, one table of texts."""

import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from embedder.chunking import Stored
from embedder.database import Claimed, Content, RefusedError, Status, Target


@dataclass
class Work:
    version: int
    operation: str = "u"
    attempts: int = 0
    not_before: float = 0.0
    lease: int | None = None


@dataclass
class Queue:
    """The database's side. `source` is the table, `stored` what was embedded: key → chunks."""

    config: dict[str, Any]
    source: dict[str, str | None] = field(default_factory=dict)
    work: dict[str, Work] = field(default_factory=dict)
    saved: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    dead: dict[str, str] = field(default_factory=dict)
    circuit: str | None = None
    failures: list[tuple[str, int, str]] = field(default_factory=list)
    locked: set[str] = field(default_factory=set)
    refuses: str | None = None
    quota: int | None = None
    """Permits that are left; None for any number."""
    recorded: dict[str, float] = field(default_factory=dict)
    throttles: int = 0
    finishes: list[int] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    renewals: int = 0
    clock: Any = time.monotonic

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def write(self, key: str, text: str | None) -> None:
        with self._lock:
            self.source[key] = text
            self._queue(key, "u")

    def delete(self, key: str) -> None:
        with self._lock:
            self.source.pop(key, None)
            self._queue(key, "d")

    def _queue(self, key: str, operation: str) -> None:
        self.work[key] = Work(next(self._numbers), operation)

    def available(self) -> list[Target]:
        with self._lock:
            pending = sum(work.not_before <= self.clock() for work in self.work.values())
            if self.circuit or not pending:
                return []
            return [Target(1, 1, pending, False, self.config)]

    def claim(self, vectorizer: int, generation: int, count: int, seconds: int) -> list[Claimed]:
        with self._lock:
            lease = next(self._numbers)
            now = self.clock()
            found = [key for key, work in self.work.items() if work.not_before <= now][:count]
            for key in found:
                self.work[key].lease = lease
                self.work[key].not_before = now + seconds
            return [
                Claimed(key, (work := self.work[key]).version, work.operation, lease, work.attempts) for key in found
            ]

    def content(self, vectorizer: int, generation: int, keys: Any) -> dict[str, Content]:
        return {key: Content(self.source[key], {}, f"hash of {key}") for key in keys if key in self.source}

    def stored(self, vectorizer: int, generation: int, keys: Any) -> dict[str, list[Stored]]:
        return {
            key: [Stored(chunk["hash"], len(chunk["text"])) for chunk in self.saved[key]]
            for key in keys
            if key in self.saved
        }

    def finish(self, vectorizer: int, generation: int, items: Any) -> dict[str, str]:
        with self._lock:
            if self.refuses:
                raise RefusedError(self.refuses)
            items = json.loads(json.dumps(items))
            self.finishes.append(len(items))
            return {item["key"]: self._finish(item) for item in items}

    def _finish(self, item: dict[str, Any]) -> str:
        key = item["key"]
        work = self.work.get(key)
        if work is None or work.version != item["version"] or work.lease != item["lease"]:
            return "changed"
        if key in self.locked:
            return "locked"
        old = {chunk["hash"]: chunk["embedding"] for chunk in self.saved.get(key, [])}
        for chunk in item["chunks"]:
            chunk["embedding"] = chunk["embedding"] or old[chunk["hash"]]
        if item["chunks"]:
            self.saved[key] = item["chunks"]
        else:
            self.saved.pop(key, None)
        del self.work[key]
        return "done"

    def _mine(self, keys: Any, leases: Any) -> list[str]:
        return [
            key for key, lease in zip(keys, leases, strict=True) if key in self.work and self.work[key].lease == lease
        ]

    def fail(
        self, vectorizer: int, generation: int, keys: Any, leases: Any, kind: str, message: str, delay: Any
    ) -> None:
        with self._lock:
            self.failures.append((str(kind), len(keys), message))
            for key in self._mine(keys, leases):
                work = self.work[key]
                work.lease = None
                if kind == "poison" or (kind == "transient" and work.attempts >= 7):
                    self.dead[key] = message
                    del self.work[key]
                    continue
                work.attempts += kind == "transient"
                work.not_before = self.clock() + (delay or 0.02)
            if kind == "configuration":
                self.circuit = message

    def release(self, vectorizer: int, generation: int, keys: Any, leases: Any) -> None:
        with self._lock:
            for key in self._mine(keys, leases):
                self.released.append(key)
                self.work[key].lease = None
                self.work[key].not_before = 0

    def renew(self, vectorizer: int, generation: int, keys: Any, leases: Any, seconds: int) -> set[str]:
        with self._lock:
            self.renewals += 1
            mine = self._mine(keys, leases)
            for key in mine:
                self.work[key].not_before = self.clock() + seconds
            return set(mine)

    def permits(self, limiter: str, wanted: int) -> tuple[int, float]:
        with self._lock:
            if self.quota is None:
                return wanted, 0.0
            granted = min(wanted, self.quota)
            self.quota -= granted
            return granted, 0.05

    def return_permits(self, limiter: str, count: int) -> None:
        with self._lock:
            if self.quota is not None:
                self.quota += count

    def throttled(self, limiter: str) -> None:
        self.throttles += 1

    def advance(self, vectorizer: int, generation: int) -> bool:
        return False

    def garbage(self, count: int) -> list[Any]:
        return []

    def listing(self) -> None:
        return None

    def statuses(self) -> list[Status]:
        return []

    def apply_waiting(self) -> int:
        return 0

    def begin_index(self, seconds: float) -> None:
        return None

    def build_index(self, vectorizer: int, generation: int) -> bool:
        return False

    def record(self, vectorizer: int, generation: int, stats: Any) -> None:
        for name, value in stats.items():
            self.recorded[name] = self.recorded.get(name, 0) + value
