"""What the worker asks of the database, and the one way that it is asked: the functions of schema `embed`, by psycopg.

Every call is a transaction of its own and none is open while a model is waited for. Nothing is kept in the session, so a proxy may
give each transaction another one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from embedder.chunking import Stored


class Target(NamedTuple):
    """A generation with work."""

    vectorizer: int
    generation: int
    pending: int
    slices: bool
    """Whether backfill or a sweep has a slice left."""
    config: Mapping[str, Any]


class Claimed(NamedTuple):
    """A row that is ours until the lease ends."""

    key: str
    version: int
    operation: str
    lease: int
    attempts: int


class Content(NamedTuple):
    """What a row is to be embedded by."""

    content: str | None
    fields: Mapping[str, Any] | None
    source_hash: str | None
    metadata: Mapping[str, Any] | None = None
    """That goes with the vectors, of S3 Vectors."""


class Listing(NamedTuple):
    """An index of S3 Vectors of which a page is to be listed."""

    index_arn: str
    started_at: Any
    next_token: str | None


class Status(NamedTuple):
    """A vectorizer, as embed.status has it: its live and building generations together."""

    name: str
    values: Mapping[str, float | None]
    """By the names of metrics (metrics.py); None where there is nothing to say."""


class UnavailableError(Exception):
    """The database cannot be asked; the message is a class's name."""


class LockedError(UnavailableError):
    """Somebody held a lock for longer than the worker's login waits: of a table that is being altered, most likely."""


class RefusedError(Exception):
    """The database refuses what it was given: wrong, not unlucky. The argument is its SQLSTATE."""


class Database(Protocol):
    """The functions of schema `embed`, by their names."""

    def available(self) -> list[Target]: ...
    def claim(self, vectorizer: int, generation: int, count: int, seconds: int) -> list[Claimed]: ...
    def content(self, vectorizer: int, generation: int, keys: Sequence[str]) -> dict[str, Content]: ...
    def stored(self, vectorizer: int, generation: int, keys: Sequence[str]) -> dict[str, list[Stored]]: ...
    def finish(self, vectorizer: int, generation: int, items: Sequence[Mapping[str, Any]]) -> dict[str, str]: ...
    def fail(
        self,
        vectorizer: int,
        generation: int,
        keys: Sequence[str],
        leases: Sequence[int],
        kind: str,
        message: str,
        delay: float | None,
    ) -> None: ...
    def release(self, vectorizer: int, generation: int, keys: Sequence[str], leases: Sequence[int]) -> None: ...
    def renew(
        self, vectorizer: int, generation: int, keys: Sequence[str], leases: Sequence[int], seconds: int
    ) -> set[str]: ...
    def permits(self, limiter: str, wanted: int) -> tuple[int, float]: ...
    def return_permits(self, limiter: str, count: int) -> None: ...
    def throttled(self, limiter: str) -> None: ...
    def advance(self, vectorizer: int, generation: int) -> bool: ...
    def intend(self, vectorizer: int, generation: int, items: Sequence[Mapping[str, Any]]) -> dict[str, str]: ...
    def garbage(self, count: int) -> list[tuple[str, list[str]]]: ...
    def collected(self, index_arn: str, keys: Sequence[str]) -> None: ...
    def listing(self) -> Listing | None: ...
    def listed(self, listing: Listing, keys: Sequence[str], next_token: str | None) -> None: ...
    def record(self, vectorizer: int, generation: int, stats: Mapping[str, float]) -> None: ...
    def statuses(self) -> list[Status]: ...
    def apply_waiting(self) -> int: ...
    def begin_index(self, seconds: float) -> tuple[int, int] | None: ...
    def build_index(self, vectorizer: int, generation: int) -> bool: ...
