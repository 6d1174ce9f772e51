"""The database, by psycopg."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from embedder.chunking import Stored
from embedder.database import Claimed, Content, Listing, LockedError, RefusedError, Status, Target, UnavailableError

Connect = Callable[[], "psycopg.Connection[Any]"]
ATTEMPTS = 3
"""Of a statement that collided with another; a connection that broke is not tried again, the caller has to look anew."""
PAUSE_SECONDS = 0.05
_random = random.SystemRandom()
_COLLISIONS = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
_DATA_FAULTS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.ProgrammingError,
    psycopg.errors.ProgramLimitExceeded,
)
# Who paused a vectorizer knows that its rows wait. A generation that builds is covered when it can be cut over, and not before.
_STATUSES = """
    SELECT s.name, jsonb_build_object(
        'Pending', sum(s.pending), 'Dead', sum(s.dead), 'CircuitOpen', count(s.circuit), 'Problems', count(s.problem),
        'OldestAgeSeconds', extract(epoch FROM max(s.oldest_age) FILTER (WHERE s.state <> 'paused')),
        'Coverage', 100 * coalesce(min(s.coverage) FILTER (WHERE s.generation_state = 'live'), min(s.coverage)),
        'RowsPerSecond', sum(s.rows_per_second), 'TokensPerSecond', sum(s.tokens_per_second),
        'Throttles', sum(s.throttles), 'Errors', sum(s.errors), 'HiddenGarbage', sum(s.hidden_garbage),
        'Missing', sum(s.missing), 'Stale', sum(s.stale), 'Orphan', sum(s.orphan)
    )
    FROM embed.status AS s WHERE s.generation_state IN ('live', 'building')
    GROUP BY s.name
"""


class Postgres:
    """One connection, opened when it is needed and again after it broke. For one thread."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def available(self) -> list[Target]:
        statement = "SELECT vectorizer_id, generation, pending, slices, config FROM embed.available()"
        kept = self._connection is not None
        try:
            rows = self._rows(statement)
        except UnavailableError:
            if not kept:
                raise
            # A connection may have ended unnoticed while the environment was frozen. This asks first, and changes nothing.
            rows = self._rows(statement)
        return [Target(*row) for row in rows]

    def claim(self, vectorizer: int, generation: int, count: int, seconds: int) -> list[Claimed]:
        rows = self._rows(
            "SELECT key, version, operation, lease, attempts FROM embed.claim(%s, %s, %s, %s)",
            vectorizer,
            generation,
            count,
            seconds,
        )
        return [Claimed(*row) for row in rows]

    def content(self, vectorizer: int, generation: int, keys: Sequence[str]) -> dict[str, Content]:
        rows = self._rows(
            "SELECT key, content, fields, source_hash, metadata FROM embed.content(%s, %s, %s::text[])",
            vectorizer,
            generation,
            list(keys),
        )
        return {row[0]: Content(*row[1:]) for row in rows}

    def stored(self, vectorizer: int, generation: int, keys: Sequence[str]) -> dict[str, list[Stored]]:
        found: dict[str, list[Stored]] = {}
        for key, digest, length in self._rows(
            "SELECT key, hash, length FROM embed.stored(%s, %s, %s::text[]) ORDER BY key, chunk",
            vectorizer,
            generation,
            list(keys),
        ):
            found.setdefault(key, []).append(Stored(digest, length))
        return found

    def finish(self, vectorizer: int, generation: int, items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        return dict(
            self._rows(
                "SELECT key, outcome FROM embed.finish(%s, %s, %s::jsonb)",
                vectorizer,
                generation,
                json.dumps(items, ensure_ascii=False),
            )
        )

    def fail(
        self,
        vectorizer: int,
        generation: int,
        keys: Sequence[str],
        leases: Sequence[int],
        kind: str,
        message: str,
        delay: float | None,
    ) -> None:
        self._rows(
            "SELECT key, outcome FROM embed.fail(%s, %s, %s::text[], %s::bigint[], %s, %s, %s::float8)",
            vectorizer,
            generation,
            list(keys),
            list(leases),
            kind,
            message,
            delay,
        )

    def release(self, vectorizer: int, generation: int, keys: Sequence[str], leases: Sequence[int]) -> None:
        self._rows(
            "SELECT embed.release(%s, %s, %s::text[], %s::bigint[])", vectorizer, generation, list(keys), list(leases)
        )

    def renew(
        self, vectorizer: int, generation: int, keys: Sequence[str], leases: Sequence[int], seconds: int
    ) -> set[str]:
        rows = self._rows(
            "SELECT * FROM embed.renew(%s, %s, %s::text[], %s::bigint[], %s)",
            vectorizer,
            generation,
            list(keys),
            list(leases),
            seconds,
        )
        return {row[0] for row in rows}

    def permits(self, limiter: str, wanted: int) -> tuple[int, float]:
        ((granted, wait),) = self._rows("SELECT granted, wait_seconds FROM embed.permits(%s, %s)", limiter, wanted)
        return int(granted), float(wait or 0)

    def return_permits(self, limiter: str, count: int) -> None:
        self._rows("SELECT embed.return_permits(%s, %s)", limiter, count)

    def throttled(self, limiter: str) -> None:
        self._rows("SELECT embed.throttled(%s)", limiter)

    def advance(self, vectorizer: int, generation: int) -> bool:
        rows = self._rows("SELECT enqueued, swept, more FROM embed.advance(%s, %s)", vectorizer, generation)
        return any(map(any, rows))

    def intend(self, vectorizer: int, generation: int, items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        return dict(
            self._rows(
                "SELECT key, prefix FROM embed.intend(%s, %s, %s::jsonb)", vectorizer, generation, json.dumps(items)
            )
        )

    def garbage(self, count: int) -> list[tuple[str, list[str]]]:
        return [(arn, keys) for arn, keys in self._rows("SELECT index_arn, vector_keys FROM embed.garbage(%s)", count)]

    def collected(self, index_arn: str, keys: Sequence[str]) -> None:
        self._rows("SELECT embed.collected(%s, %s::text[])", index_arn, list(keys))

    def listing(self) -> Listing | None:
        rows = self._rows("SELECT index_arn, started_at, next_token FROM embed.listing()")
        return Listing(*rows[0]) if rows else None

    def listed(self, listing: Listing, keys: Sequence[str], next_token: str | None) -> None:
        self._rows("SELECT embed.listed(%s, %s, %s, %s::text[], %s)", *listing, list(keys), next_token)

    def record(self, vectorizer: int, generation: int, stats: Mapping[str, float]) -> None:
        self._rows("SELECT embed.record(%s, %s, %s::jsonb)", vectorizer, generation, json.dumps(dict(stats)))

    def statuses(self) -> list[Status]:
        return [Status(*row) for row in self._rows(_STATUSES)]

    def apply_waiting(self) -> int:
        ((made,),) = self._rows("SELECT embed.apply_waiting()")
        return int(made)

    def begin_index(self, seconds: float) -> tuple[int, int] | None:
        rows = self._rows("SELECT vectorizer_id, generation FROM embed.begin_index(%s)", seconds)
        return (rows[0][0], rows[0][1]) if rows else None

    def build_index(self, vectorizer: int, generation: int) -> bool:
        ((built,),) = self._rows("SELECT embed.build_index(%s, %s)", vectorizer, generation)
        return bool(built)

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Of a statement that stands elsewhere (batch/jobs.py). Raises UnavailableError, RefusedError."""
        return self._rows(statement, *parameters)

    def _rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        for attempt in range(ATTEMPTS):
            with self._explained(last=attempt + 1 == ATTEMPTS):
                if self._connection is None or self._connection.closed:
                    self._connection = self._connect()
                return self._connection.execute(statement, parameters).fetchall()
            time.sleep(_random.uniform(0, PAUSE_SECONDS))
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    @contextmanager
    def _explained(self, *, last: bool) -> Iterator[None]:
        """psycopg's errors as ours. Their texts are left behind: a server quotes the values that it refuses."""
        try:
            yield
        except _COLLISIONS as error:
            if last:
                raise UnavailableError(error.sqlstate or type(error).__name__) from None
        except psycopg.errors.LockNotAvailable as error:
            raise LockedError(error.sqlstate) from None
        except _DATA_FAULTS as error:
            raise RefusedError(error.sqlstate or type(error).__name__) from None
        except psycopg.Error as error:
            if self._connection is not None and not self._connection.closed:
                self._connection.close()
            raise UnavailableError(error.sqlstate or type(error).__name__) from None
