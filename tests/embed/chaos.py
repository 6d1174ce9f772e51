"""Users, workers, and everything that happens to them; and what must hold when it is over.

Workers are killed, asked to stop, and put to sleep for longer than their lease. What wakes them is lost, doubled and late. The model
throttles in storms, is slow, out of order, and refuses some texts. The server is restarted, cleanly and not. Somebody changes delivery
and model meanwhile, pauses, and goes back. In the end rows are written at the very moments when a worker is at them.
"""

import itertools
import json
import os
import random
import signal
import threading
import time
from typing import Any

import psycopg

from tests.embed.chaos_model import ChaosModel, told
from tests.embed.conftest import Database
from tests.embed.crew import Crew, Post
from tests.embed.model import POISON, RefusedError
from tests.embed.operating import Operator, Watch
from tests.embed.report import Result
from tests.embed.users import LAST_WORDS, Meddler, User, body
from tests.sql.doubles import Answer

DIMENSION = 8
LEASE_SECONDS = 2
DRAIN_SECONDS = 60
ARN = "arn:aws:lambda:us-east-1:123456789012:function:embedder:live"
RESTART_EVERY = 20.0
TURN_SECONDS = 0.25
PENDING = """
SELECT count(*) FROM embed.generation AS g CROSS JOIN LATERAL (
    SELECT FROM embed.work AS w WHERE (w.vectorizer_id, w.generation) = (g.vectorizer_id, g.number)
    UNION ALL SELECT FROM embed.inbox AS i WHERE i.vectorizer_id = g.vectorizer_id
    UNION ALL SELECT FROM embed.sweep AS s WHERE (s.vectorizer_id, s.generation) = (g.vectorizer_id, g.number)
    UNION ALL SELECT FROM embed.backfill AS b WHERE (b.vectorizer_id, b.generation) = (g.vectorizer_id, g.number)
) AS p WHERE g.state = 'live'
"""
"""What is to be done, and what is to be looked through."""


class Chaos:
    """One run.

    Args:
        database: with the SQL applied.
        model: that the workers ask.
        seed: of everything random that is ours.
        seconds: how long it goes on, before the queue may drain.
        restarts: whether the server is restarted, now and then.
        operating: whether somebody changes the vectorizer meanwhile.
    """

    name = "table"
    destination = "embed.to_table()"
    chunking = "embed.chunk_recursive(60, 0)"
    generations = True
    """Whether another generation can be built beside."""

    def __init__(
        self,
        database: Database,
        model: ChaosModel,
        seed: int,
        seconds: float,
        *,
        restarts: bool = True,
        operating: bool = True,
    ) -> None:
        self.database = database
        self.model = model
        self.seconds = seconds
        self.restarts = restarts
        self.operating = operating
        self.result = Result(seed, self.name, seconds)
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._lock = threading.Lock()
        self._dsn = database.dsn("vectordb_admin")
        """While the server restarts it has none to give."""
        self._log = database.server.data.parent / f"workers-{seed}-{self.name}.log"
        self.post = Post(seed)
        self.meddler = Meddler(self.result, self._dsn, seed, 0.1)

    def run(self, workers: int = 4, users: int = 3, keys: int = 300) -> Result:
        """The whole of it."""
        self._declare(keys)
        until = time.monotonic() + self.seconds
        watch = Watch(self.result, self._dsn)
        operator = Operator(self._dsn, self.result.seed, until, generations=self.generations)
        self.model.meddle = self.meddler.asked
        with self._log.open("wb") as log, self.database.lambda_.behaving(self._rung):
            self.crew = Crew(self.post, self.database.dsn("embedder"), log, workers)
            try:
                watch.start()
                threads: list[threading.Thread] = [
                    User(self.result, self._lock, self._dsn, self.result.seed * 100 + n, keys, until)
                    for n in range(users)
                ]
                if self.operating:
                    threads.append(operator)
                for thread in threads:
                    thread.start()
                self._harm(until)
                for thread in threads:
                    thread.join()
                operator.settle()
                self._last_words()
                self._settle()
            finally:
                watch.end()
                self.crew.close()
                self.meddler.close()
        self.result.worker_errors = self._log.read_text()
        assert "Traceback" not in self.result.worker_errors, self.result.worker_errors[-2000:]
        self.result.switches = dict(operator.done)
        self.result.messages = dict(self.post.counts)
        self._check()
        return self.result

    def _rung(self, event: bytes) -> Answer:
        self.post.bell(json.loads(event))
        return Answer(b"", 202)

    def _declare(self, keys: int) -> None:
        with self.database.login() as admin:
            admin.execute(
                "CREATE TABLE public.chaos (id bigint PRIMARY KEY, body text NOT NULL, views int NOT NULL DEFAULT 0, "
                f"embedding public.vector({DIMENSION}))"
            )
            admin.execute("GRANT SELECT, TRIGGER ON public.chaos TO vectordb_owner")
            admin.execute("SELECT embed.configure(%s, true)", [ARN])
            first = random.Random(self.result.seed)  # noqa: S311 - no secret
            with admin.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO public.chaos (id, body) VALUES (%s, %s)", [(n, body(first)) for n in range(1, keys, 3)]
                )
            admin.execute(
                f"SELECT embed.create_vectorizer('chaos', 'public.chaos', 'body', chunking => {self.chunking}, "
                "embedding => embed.http(%s, %s, %s), limits => embed.limits(batch_rows => 20, lease_seconds => %s, "
                f"requests_per_minute => 6000), backfill => 'now', destination => {self.destination}, "
                "delivery => embed.deliver_event())",
                [f"{self.model.url}/v1/embeddings", f"chaos-{DIMENSION}", DIMENSION, LEASE_SECONDS],
            )

    def _harm(self, until: float) -> None:
        """Everything that happens to workers, the model and the server, until the time is up."""
        began = time.monotonic()
        restarts = 0
        for turn in itertools.count():
            if (now := time.monotonic()) >= until:
                break
            time.sleep(TURN_SECONDS)
            self._trouble(turn)
            self.crew.wake()
            if self.restarts and now - began > (restarts + 0.5) * min(RESTART_EVERY, self.seconds / 2):
                self._restart(immediate=restarts % 2 == 0)
                restarts += 1
            if turn % 2:
                self._hurt(self._random.choice(self.crew.environments))
        self.crew.wake(everyone=True)
        self.model.storm = 0.0
        self.model.failing = None
        self.model.latency = 0.02

    def _trouble(self, turn: int) -> None:
        self.model.storm = 0.6 if turn % 20 in range(8, 12) else 0.1
        self.model.latency = self._random.choice([0.02, 0.08, 0.2])
        self.model.failing = RefusedError(500, "InternalServerException") if turn % 40 in range(26, 32) else None

    def _restart(self, *, immediate: bool) -> None:
        server = self.database.server
        if immediate and server.process is not None:
            server.process.send_signal(signal.SIGQUIT)
            server.process.wait()
        server.stop()
        server.start()
        self.result.restarts += 1

    def _hurt(self, environment: Any) -> None:
        kind = self._random.random()
        if kind < 0.4:
            environment.signal(signal.SIGKILL)
            self.result.kills += 1
        elif kind < 0.6:
            environment.signal(signal.SIGTERM)
            self.result.ends += 1
        elif not any(each.asleep_until for each in self.crew.environments):
            environment.signal(signal.SIGSTOP)
            environment.asleep_until = time.monotonic() + LEASE_SECONDS * 1.3
            self.result.stops += 1

    def _last_words(self, count: int = 60) -> None:
        """Rows that are written just when a worker is at them, and never after that. Nobody else writes any more."""
        self.model.latency = 0.15
        with self.database.login() as admin:
            admin.execute(
                "INSERT INTO chaos (id, body) SELECT n, format(%s, n) FROM generate_series(1, %s) AS n "
                "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                [f"{LAST_WORDS} of %s, and then something else comes.", count],
            )
        for _ in self.crew.environments:
            self.post.bell({"vectorizer": self._vectorizer()})
        until = time.monotonic() + 15
        while self._count(f"SELECT count(*) FROM chaos WHERE body LIKE '{LAST_WORDS}%'") and time.monotonic() < until:
            time.sleep(0.1)

    def _vectorizer(self) -> int:
        return self._count("SELECT id FROM embed.vectorizer WHERE name = 'chaos'")

    def _count(self, statement: str) -> int:
        with self.database.login() as admin:
            (count,) = admin.execute(statement).fetchone()  # type: ignore[misc]
        return int(count)

    def _settle(self) -> None:
        began = time.monotonic()
        self.post.honest = True
        while time.monotonic() - began < DRAIN_SECONDS:
            self.result.pending = self._count(PENDING)
            if self.result.pending == 0:
                break
            time.sleep(0.1)
        self.result.drained_after = time.monotonic() - began
        # Sleepers that were woken may still write.
        time.sleep(LEASE_SECONDS / 2)

    def _check(self) -> None:
        result = self.result
        with self.database.login() as admin:
            source = dict(admin.execute("SELECT id, body FROM chaos").fetchall())
            (number, model), *_ = admin.execute(
                "SELECT number, embedding ->> 'model' FROM embed.generation WHERE state = 'live'"
            ).fetchall()
            stored = self._stored(admin, number)
            dead = {
                int(key[1:-1])
                for (key,) in admin.execute("SELECT key FROM embed.dead WHERE generation = %s", [number]).fetchall()
            }
            _, *found, _ = admin.execute("SELECT * FROM embed.reconcile('chaos')").fetchone()  # type: ignore[misc]
        result.reconciled = tuple(found)
        poisoned = {key for key, text in source.items() if POISON in text}
        result.rows = len(source)
        result.calls = len(self.model.calls)
        result.refused = dict(self.model.refused)
        result.poison = len(poisoned)
        result.missing = sorted(source.keys() - stored.keys() - poisoned)
        result.orphans = sorted(stored.keys() - source.keys())
        result.wrongly_dead = sorted(dead ^ poisoned)
        result.stale = sorted(
            key
            for key in source.keys() & stored.keys() - poisoned
            if "".join(chunk for chunk, _ in stored[key]) != source[key]
            or any(not _same(embedding, told(model, chunk)) for chunk, embedding in stored[key])
        )

    def _stored(self, admin: psycopg.Connection[Any], generation: int) -> dict[int, list[tuple[str, str]]]:
        """Of each key the chunks and their vectors, as a search would find them."""
        table = admin.execute("SELECT embed.chunks_table('chaos', %s)", [generation]).fetchone()[0]  # type: ignore[index]
        stored: dict[int, list[tuple[str, str]]] = {}
        for key, chunk, embedding in admin.execute(
            f"SELECT id, chunk, embedding::text FROM {table} ORDER BY id, chunk_number"
        ).fetchall():
            stored.setdefault(key, []).append((chunk, embedding))
        return stored


class ColumnChaos(Chaos):
    """With the vectors in a column of the users' own table: worker and users write the same rows."""

    name = "column"
    destination = "embed.to_column('embedding')"
    chunking = "embed.chunk_none()"
    generations = False

    def _stored(self, admin: psycopg.Connection[Any], generation: int) -> dict[int, list[tuple[str, str]]]:
        found = admin.execute("SELECT id, body, embedding::text FROM chaos WHERE embedding IS NOT NULL").fetchall()
        return {key: [(text, embedding)] for key, text, embedding in found}


def seconds(default: float) -> float:
    """How long a run is; CHAOS_SECONDS makes it longer."""
    return float(os.environ.get("CHAOS_SECONDS") or default)


def _same(embedding: str, wanted: list[float]) -> bool:
    numbers = [float(number) for number in embedding[1:-1].split(",")]
    return all(abs(number - other) < 1e-5 for number, other in zip(numbers, wanted, strict=True))
