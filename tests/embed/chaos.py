"""Writers, workers, and everything that happens to them; and what must hold when it is over.

Writers insert, update, delete, change primary keys, roll back. Workers are killed, and stopped for longer than their lease and then
woken (they come back with what they believe). The model throttles in storms, is slow, and refuses some texts. The server may be restarted.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.embed.conftest import Database
from tests.embed.model import POISON, Model, vector

ROOT = Path(__file__).resolve().parents[2]
DIMENSION = 8
LEASE_SECONDS = 2
DRAIN_SECONDS = 60


@dataclass
class Result:
    """What happened, and what was wrong in the end."""

    seed: int
    writes: int = 0
    rollbacks: int = 0
    deadlocks: int = 0
    """Of users."""
    lost_connections: int = 0
    longest_wait: float = 0.0
    """Of one statement or commit of a user, in seconds."""
    kills: int = 0
    stops: int = 0
    calls: int = 0
    throttled: int = 0
    poison: int = 0
    rows: int = 0
    drained_after: float = 0.0
    missing: list[int] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    orphans: list[int] = field(default_factory=list)
    wrongly_dead: list[str] = field(default_factory=list)
    pending: int = 0
    worker_errors: str = ""

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in asdict(self).items() if name != "worker_errors")


class Chaos:
    """One run.

    Args:
        database: with the SQL applied.
        model: that the workers ask.
        seed: of everything random that is ours.
        seconds: how long it goes on, before the queue may drain.
        restarts: times that the server is restarted.
    """

    destination = "embed.to_table()"

    def __init__(self, database: Database, model: Model, seed: int, seconds: float, restarts: int = 0) -> None:
        self.database = database
        self.model = model
        self.seconds = seconds
        self.restarts = restarts
        self.result = Result(seed)
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._lock = threading.Lock()
        self._dsn = database.dsn("vectordb_admin")
        """While the server restarts it has none to give."""
        self._workers: list[subprocess.Popen[bytes]] = []
        self._log = database.server.data.parent / f"workers-{seed}.log"

    def run(self, workers: int = 4, writers: int = 3, keys: int = 300) -> Result:
        """The whole of it."""
        self._declare(keys)
        self._until = time.monotonic() + self.seconds
        with self._log.open("wb") as log:
            self._spawn = lambda: subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("worker_process.py")), self.database.dsn("embedder")],
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=os.environ | {"PYTHONPATH": f"{ROOT / 'lambda'}"},
            )
            self._workers = [self._spawn() for _ in range(workers)]
            try:
                threads = [threading.Thread(target=self._write, args=[n, keys]) for n in range(writers)]
                for thread in threads:
                    thread.start()
                self._harm()
                for thread in threads:
                    thread.join()
                self._settle()
            finally:
                for worker in self._workers:
                    worker.send_signal(signal.SIGCONT)
                    worker.kill()
                    worker.wait()
        self.result.worker_errors = self._log.read_text()
        self._check()
        return self.result

    def _declare(self, keys: int) -> None:
        with self.database.login() as admin:
            admin.execute(
                "CREATE TABLE public.chaos (id bigint PRIMARY KEY, body text NOT NULL, views int NOT NULL DEFAULT 0)"
            )
            admin.execute("GRANT SELECT, TRIGGER ON public.chaos TO vectordb_owner")
            admin.execute(
                "INSERT INTO public.chaos SELECT n, 'first ' || n FROM generate_series(1, %s, 3) AS n", [keys]
            )
            admin.execute(
                "SELECT embed.create_vectorizer('chaos', 'public.chaos', 'body', chunking => embed.chunk_recursive(60, 0), "
                "embedding => embed.http(%s, %s, %s), limits => embed.limits(batch_rows => 20, lease_seconds => %s, "
                f"requests_per_minute => 6000), backfill => 'now', destination => {self.destination})",
                [f"{self.model.url}/v1/embeddings", f"chaos-{DIMENSION}", DIMENSION, LEASE_SECONDS],
            )

    def _harm(self) -> None:
        """Kill and stop workers, and let the model storm, until the time is up."""
        restarts = [self._until - self.seconds * (n + 1) / (self.restarts + 1) for n in range(self.restarts)]
        woken: list[tuple[float, subprocess.Popen[bytes]]] = []
        while (now := time.monotonic()) < self._until:
            time.sleep(0.25)
            self.model.storm = 0.6 if int(now) % 5 == 0 else 0.05
            self.model.latency = self._random.choice([0.02, 0.08, 0.2])
            for each in [each for each in woken if each[0] <= now]:
                each[1].send_signal(signal.SIGCONT)
                woken.remove(each)
            if restarts and now >= restarts[-1]:
                restarts.pop()
                self.database.server.stop()
                self.database.server.start()
            position = self._random.randrange(len(self._workers))
            worker = self._workers[position]
            if self._random.random() < 0.5:
                worker.kill()
                worker.wait()
                woken = [each for each in woken if each[1] is not worker]
                self._workers[position] = self._spawn()
                self.result.kills += 1
            elif len(woken) < 2 and worker not in [each[1] for each in woken]:
                worker.send_signal(signal.SIGSTOP)
                woken.append((now + LEASE_SECONDS * 1.3, worker))
                self.result.stops += 1
        for _, worker in woken:
            worker.send_signal(signal.SIGCONT)
        self.model.storm = 0.0
        self.model.latency = 0.02

    def _write(self, number: int, keys: int) -> None:
        """One user."""
        random_ = random.Random(self.result.seed * 1000 + number)  # noqa: S311 - no secret
        connection: psycopg.Connection[Any] | None = None
        while time.monotonic() < self._until:
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(self._dsn, autocommit=True)
                self._transaction(connection, random_, keys)
            except psycopg.errors.DeadlockDetected as error:
                # Two writers may also meet each other: ours is one where a worker's statement is in the report.
                ours = "embed." in (error.diag.message_detail or "") + (error.diag.context or "")
                with self._lock:
                    self.result.deadlocks += ours
            except (psycopg.OperationalError, psycopg.errors.UniqueViolation) as error:
                with self._lock:
                    self.result.lost_connections += isinstance(error, psycopg.OperationalError)
                time.sleep(0.05)
        if connection is not None:
            connection.close()

    def _transaction(self, connection: psycopg.Connection[Any], random_: random.Random, keys: int) -> None:
        began = time.monotonic()
        own = 0.0
        with connection.transaction(force_rollback=(back := random_.random() < 0.1)):
            # In the order of their keys, so that writers do not deadlock with each other.
            for key in sorted(random_.randint(1, keys) for _ in range(random_.randint(1, 4))):
                self._statement(connection, random_, key, keys)
                pause = random_.random() * 0.01
                time.sleep(pause)
                own += pause
        with self._lock:
            self.result.rollbacks += back
            self.result.writes += 1
            self.result.longest_wait = max(self.result.longest_wait, time.monotonic() - began - own)

    def _statement(self, connection: psycopg.Connection[Any], random_: random.Random, key: int, keys: int) -> None:
        kind = random_.random()
        if kind < 0.15:
            connection.execute("DELETE FROM chaos WHERE id = %s", [key])
        elif kind < 0.25:
            connection.execute("UPDATE chaos SET views = views + 1 WHERE id = %s", [key])
        elif kind < 0.30:
            connection.execute(
                "UPDATE chaos SET id = %s WHERE id = %s AND NOT EXISTS (SELECT FROM chaos WHERE id = %s)",
                [key + keys, key, key + keys],
            )
        else:
            body = " ".join(f"Sentence {random_.randint(0, 99)} of it." for _ in range(random_.randint(1, 8)))
            body += f" {POISON}" if random_.random() < 0.01 else ""
            connection.execute(
                "INSERT INTO chaos (id, body) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                [key, body],
            )

    def _settle(self) -> None:
        began = time.monotonic()
        with self.database.login() as admin:
            while time.monotonic() - began < DRAIN_SECONDS:
                (self.result.pending,) = admin.execute("SELECT count(*) FROM embed.work").fetchone()  # type: ignore[misc]
                if self.result.pending == 0:
                    break
                time.sleep(0.1)
        self.result.drained_after = round(time.monotonic() - began, 1)
        # Zombies that were woken may still write.
        time.sleep(LEASE_SECONDS / 2)

    def _check(self) -> None:
        result = self.result
        with self.database.login() as admin:
            source = dict(admin.execute("SELECT id, body FROM chaos").fetchall())
            stored = self._stored(admin)
            dead = {int(key[1:-1]) for (key,) in admin.execute("SELECT key FROM embed.dead").fetchall()}
        poisoned = {key for key, body in source.items() if POISON in body}
        result.rows = len(source)
        result.calls = len(self.model.calls)
        result.throttled = self.model.refused.get("ThrottlingException", 0)
        result.poison = len(poisoned)
        result.missing = sorted(source.keys() - stored.keys() - poisoned)
        result.orphans = sorted(stored.keys() - source.keys())
        result.wrongly_dead = sorted(dead - poisoned) + sorted(poisoned - dead)
        result.stale = sorted(
            key
            for key in source.keys() & stored.keys() - poisoned
            if "".join(chunk for chunk, _ in stored[key]) != source[key]
            or any(not _same(embedding, vector(chunk, DIMENSION)) for chunk, embedding in stored[key])
        )

    def _stored(self, admin: psycopg.Connection[Any]) -> dict[int, list[tuple[str, str]]]:
        """Of each key the chunks and their vectors, as a search would find them."""
        table = admin.execute("SELECT embed.chunks_table('chaos', 1)").fetchone()[0]  # type: ignore[index]
        stored: dict[int, list[tuple[str, str]]] = {}
        for key, chunk, embedding in admin.execute(
            f"SELECT id, chunk, embedding::text FROM {table} ORDER BY id, chunk_number"
        ).fetchall():
            stored.setdefault(key, []).append((chunk, embedding))
        return stored


def _same(embedding: str, wanted: list[float]) -> bool:
    numbers = [float(number) for number in embedding[1:-1].split(",")]
    return all(abs(number - other) < 1e-5 for number, other in zip(numbers, wanted, strict=True))
