"""Users of the table: they insert, update, delete, move keys, truncate and roll back; and one of them just when it hurts."""

import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from tests.embed.model import POISON
from tests.embed.report import Result

LAST_WORDS = "Last words"
"""Rows that begin with it are written by somebody as soon as a worker asks for their vectors, and by nobody after that."""
CHANGED = "Changed meanwhile"
Connection = psycopg.Connection[Any]


def body(random_: random.Random, poison: float = 0.01) -> str:
    """A text of one to eight sentences."""
    text = " ".join(f"Sentence {random_.randint(0, 99)} of it." for _ in range(random_.randint(1, 8)))
    return text + (f" {POISON}" if random_.random() < poison else "")


class User(threading.Thread):
    """One of them, until the time is up.

    Args:
        keys: rows have the keys 1 to twice this; it moves them between the halves.
    """

    def __init__(self, result: Result, lock: threading.Lock, dsn: str, seed: int, keys: int, until: float) -> None:
        super().__init__(daemon=True)
        self._result = result
        self._lock = lock
        self._dsn = dsn
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._keys = keys
        self._until = until

    def run(self) -> None:
        connection: Connection | None = None
        while time.monotonic() < self._until:
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(self._dsn, autocommit=True, application_name="user")
                self._transaction(connection)
            except psycopg.errors.DeadlockDetected as error:
                # Two users may also meet each other: ours is one where a statement of ours is in the report.
                ours = "embed." in (error.diag.message_detail or "") + (error.diag.context or "")
                with self._lock:
                    self._result.deadlocks += ours
            except psycopg.errors.UniqueViolation:
                pass
            except psycopg.OperationalError:
                with self._lock:
                    self._result.lost_connections += 1
                time.sleep(0.05)
        if connection is not None:
            connection.close()

    def _transaction(self, connection: Connection) -> None:
        random_ = self._random
        back = random_.random() < 0.1
        took = []
        with connection.transaction(force_rollback=back):
            # A lock of the whole table is taken first, and rows in the order of their keys: users do not deadlock with each other.
            if truncated := random_.random() < 0.002:
                took.append(self._timed(connection, "TRUNCATE chaos", []))
            for key in sorted(random_.randint(1, self._keys) for _ in range(random_.randint(1, 4))):
                took.append(self._timed(connection, *self._statement(key)))
                time.sleep(random_.random() * 0.01)
            began = time.monotonic()
        took.append(time.monotonic() - began)
        with self._lock:
            self._result.writes += 1
            self._result.rollbacks += back
            self._result.truncates += truncated and not back
            self._result.statements += took

    @staticmethod
    def _timed(connection: Connection, statement: str, parameters: list[Any]) -> float:
        began = time.monotonic()
        connection.execute(statement, parameters)
        return time.monotonic() - began

    def _statement(self, key: int) -> tuple[str, list[Any]]:
        kind = self._random.random()
        if kind < 0.15:
            return "DELETE FROM chaos WHERE id = %s", [key]
        if kind < 0.25:
            return "UPDATE chaos SET views = views + 1 WHERE id = %s", [key]
        if kind < 0.30:
            move = "UPDATE chaos SET id = %s WHERE id = %s AND NOT EXISTS (SELECT FROM chaos WHERE id = %s)"
            return move, [key + self._keys, key, key + self._keys]
        insert = "INSERT INTO chaos (id, body) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET body = excluded.body"
        return insert, [key, body(self._random)]


class Meddler:
    """Somebody who writes rows at the moment when a worker has read them and its vectors are not there yet.

    Whoever writes what was read before must be refused; where it is not, this finds it, and not only by chance.

    Args:
        share: of calls at which it writes one row, whichever it is.
    """

    def __init__(self, result: Result, dsn: str, seed: int, share: float) -> None:
        self._result = result
        self._dsn = dsn
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._share = share
        self.at_put = False
        """Whether the last words are written when vectors are put, and not when the model is asked."""
        self._connections: list[Connection] = []
        self._lock = threading.Lock()

    def asked(self, texts: list[str]) -> None:
        """A model is asked for these."""
        chosen = [] if self.at_put else [text for text in texts if text.startswith(LAST_WORDS)]
        if not chosen and self._random.random() < self._share:
            chosen = [text for text in [self._random.choice(texts)] if not text.startswith((CHANGED, LAST_WORDS))]
        if chosen:
            condition = "EXISTS (SELECT FROM unnest(%s::text[]) AS b WHERE starts_with(body, b))"
            self._with(lambda connection: self._meddled(connection, condition, [text[:50] for text in chosen]))

    def put(self, keys: Iterable[int]) -> None:
        """Vectors of these rows are put; returns when other workers are through with what the rows are now, or after a while."""

        def meddled(connection: Connection) -> None:
            changed = self._meddled(
                connection, f"starts_with(body, '{LAST_WORDS}') AND id = ANY (%s)", list(keys), deleting=0.0
            )
            until = time.monotonic() + 2.5
            while changed and time.monotonic() < until:
                left = "SELECT count(*) FROM (SELECT key FROM embed.work UNION ALL SELECT key FROM embed.inbox) AS q WHERE key = ANY (%s)"
                if connection.execute(left, [[f"[{key}]" for key in changed]]).fetchone() == (0,):
                    return
                time.sleep(0.05)

        self._with(meddled)

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def _meddled(self, connection: Connection, condition: str, values: list[Any], deleting: float = 0.3) -> list[int]:
        number = self._random.randrange(10**6)
        with connection.transaction():
            found = f"SELECT id FROM chaos WHERE {condition} ORDER BY id LIMIT 100 FOR UPDATE"
            keys = [key for (key,) in connection.execute(found, [values]).fetchall()]
            gone = [key for key in keys if self._random.random() < deleting]
            connection.execute("DELETE FROM chaos WHERE id = ANY (%s)", [gone])
            connection.execute(
                "UPDATE chaos SET body = concat(%s::text, id) WHERE id = ANY (%s)",
                [f"{CHANGED}, number {number} of ", [key for key in keys if key not in gone]],
            )
        with self._lock:
            self._result.meddled += len(keys)
        return keys

    def _with(self, what: Callable[[Connection], None]) -> None:
        for _ in range(3):
            try:
                with self._lock:
                    connection = self._connections.pop() if self._connections else None
                if connection is None:
                    connection = psycopg.connect(self._dsn, autocommit=True, application_name="user")
                what(connection)
                self._connections.append(connection)
            except psycopg.OperationalError:  # the server was restarted
                time.sleep(0.1)
            else:
                return
