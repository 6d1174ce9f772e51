"""Somebody who changes the vectorizer while everything goes on; and somebody who watches how long users wait for us."""

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg

from tests.embed.report import Result

Connection = psycopg.Connection[Any]

DELIVERIES = ("event", "queue", "scheduled")


class Operator(threading.Thread):
    """Another model, beside the live one and then in its place; back again; other deliveries; a pause."""

    def __init__(self, dsn: str, seed: int, until: float, *, generations: bool) -> None:
        super().__init__(daemon=True)
        self.done: Counter[str] = Counter()
        self._dsn = dsn
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._until = until
        self._generations = generations
        self._models = 0

    def run(self) -> None:
        while time.monotonic() < self._until:
            time.sleep(self._random.uniform(0.3, 1.0))
            actions = [self._deliver, self._deliver, self._pause]
            if self._generations:
                actions += [self._build, self._cutover, self._cutover, self._rollback, self._abandon]
            self._try(self._random.choice(actions))

    def settle(self) -> None:
        """What is building ends, and nothing is paused."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with (
                contextlib.suppress(psycopg.OperationalError),
                psycopg.connect(self._dsn, autocommit=True) as connection,
            ):
                connection.execute("SELECT embed.resume('chaos')")
                (building,) = connection.execute(
                    "SELECT max(number) FROM embed.generation WHERE state = 'building'"
                ).fetchone() or (None,)
                if building is None:
                    return
                with contextlib.suppress(psycopg.errors.ObjectNotInPrerequisiteState):
                    connection.execute("SELECT embed.cutover('chaos')")
                    self.done["cutover"] += 1
                    return
            time.sleep(0.2)
        raise AssertionError("the generation that was building is not complete after 20 s")

    def _try(self, action: Callable[[Connection], str]) -> None:
        try:
            with psycopg.connect(self._dsn, autocommit=True, application_name="operator") as connection:
                self.done[action(connection)] += 1
        except psycopg.errors.ObjectNotInPrerequisiteState:
            self.done["not yet"] += 1  # nothing is building, or it is not complete
        except psycopg.OperationalError:
            self.done["failed"] += 1  # the server restarts, or a lock was not had in time

    def _deliver(self, connection: Connection) -> str:
        mode = self._random.choice(DELIVERIES)
        connection.execute(f"SELECT embed.alter_vectorizer('chaos', delivery => embed.deliver_{mode}())")
        return f"to {mode}"

    def _pause(self, connection: Connection) -> str:
        connection.execute("SELECT embed.pause('chaos')")
        time.sleep(0.2)
        while True:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self._dsn, autocommit=True) as other:
                other.execute("SELECT embed.resume('chaos')")
                return "pause"
            time.sleep(0.1)

    def _build(self, connection: Connection) -> str:
        self._models += 1
        connection.execute(
            "SELECT embed.alter_vectorizer('chaos', embedding => (SELECT embedding || jsonb_build_object('model', %s::text) "
            "FROM embed.generation WHERE state = 'live'), chunking => embed.chunk_recursive(%s, 0))",
            [f"model{self._models}-8", self._random.choice([40, 60, 100])],
        )
        return "new model"

    def _cutover(self, connection: Connection) -> str:
        connection.execute("SELECT embed.cutover('chaos')")
        return "cutover"

    def _rollback(self, connection: Connection) -> str:
        connection.execute("SELECT embed.rollback('chaos')")
        return "rollback"

    def _abandon(self, connection: Connection) -> str:
        if self._random.random() < 0.5:
            return "nothing"
        row = connection.execute(
            "SELECT max(number) FROM embed.generation WHERE state IN ('building', 'retired')"
        ).fetchone()
        if row is None or row[0] is None:
            return "nothing"
        connection.execute("SELECT embed.abandon('chaos', %s)", [row[0]])
        return "abandon"


WAITING = """
SELECT waiter.application_name, coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)), 0)::float8,
    bool_or(blocker.usename = 'embedder'), bool_or(blocker.application_name = 'operator')
FROM pg_locks AS l JOIN pg_stat_activity AS waiter USING (pid)
CROSS JOIN LATERAL unnest(pg_blocking_pids(l.pid)) AS b(pid) JOIN pg_stat_activity AS blocker ON blocker.pid = b.pid
WHERE NOT l.granted AND waiter.application_name = 'user'
GROUP BY 1
"""


class Watch(threading.Thread):
    """Looks twenty times a second who waits for whom."""

    def __init__(self, result: Result, dsn: str) -> None:
        super().__init__(daemon=True)
        self._result = result
        self._dsn = dsn
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(psycopg.Error), psycopg.connect(self._dsn, autocommit=True) as connection:
                while not self._over.wait(0.05):
                    for _, seconds, worker, operator in connection.execute(WAITING).fetchall():
                        if worker:
                            self._result.waited_for_workers = max(self._result.waited_for_workers, seconds)
                        if operator:
                            self._result.waited_for_operator = max(self._result.waited_for_operator, seconds)
            self._over.wait(0.1)

    def end(self) -> None:
        self._over.set()
        self.join()
