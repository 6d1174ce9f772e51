"""Both sides beside one PostgreSQL: what every measurement of embeddings runs in."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import sql

from vectordb.bench import database
from vectordb.bench.database import Connection
from vectordb.bench.embedding import worker
from vectordb.bench.embedding.model import Model, Server
from vectordb.bench.embedding.sample import Sample
from vectordb.bench.embedding.worker import Front
from vectordb.bench.invoke import Invoke
from vectordb.errors import VectordbError
from vectordb.local.emulator import ACCOUNT
from vectordb.local.emulator.functions.worker import Reply
from vectordb.local.postgres import PostgresServer

Say = Callable[[str], None]

REGION = "us-east-1"
PACKED, ALONE = "cohere.embed-v4:0", "amazon.titan-embed-text-v2:0"
"""A model that takes 96 texts in a request, and one that takes one."""
UNLIMITED = 60_000
"""Requests a minute that nobody here can make."""
COLUMNS = "id bigint PRIMARY KEY, title text NOT NULL, content text NOT NULL, views integer NOT NULL DEFAULT 0"
_SETTINGS = {"fsync": "on", "full_page_writes": "on", "max_connections": "200", "max_wal_size": "4GB"}
_LOOK_SECONDS = 0.1


@dataclass
class Bell:
    """The worker function as far as bells need it: answers at once. The container finds the work by looking."""

    arn: str = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:embedder"
    rung: int = 0

    def call(self, event: bytes) -> Reply:
        """One bell."""
        del event
        self.rung += 1
        return Reply("result", b"", b"", 0)

    def close(self) -> None:
        """Nothing to end."""


@dataclass
class Stage:
    """What runs. `ours` and `theirs` are the same model with a quota for each side."""

    server: PostgresServer
    admin: Connection
    """A session of the master's, who owns the tables of our side."""
    superuser: Connection
    """A session that may everything: counts, and puts back what a measurement changed."""
    sample: Sample
    bell: Bell
    ours: Model
    theirs: Model
    working: Callable[[], AbstractContextManager[None]]
    """Runs the worker."""
    conditions: dict[str, str] = field(default_factory=dict)

    def table(self, name: str) -> None:
        """An empty table bench.<name> for our side, or to compare with."""
        self.admin.execute(f"CREATE TABLE bench.{name} ({COLUMNS})".encode())
        self.admin.execute(f"GRANT SELECT, TRIGGER ON bench.{name} TO vectordb_owner".encode())
        self.admin.execute(f"GRANT SELECT, INSERT, UPDATE ON bench.{name} TO {database.USER}".encode())

    def declare(
        self,
        name: str,
        model: str,
        *,
        per_minute: float = UNLIMITED,
        chunking: str = "embed.chunk_none()",
        delivery: str = "embed.deliver_scheduled()",
    ) -> None:
        """A vectorizer of the table of that name, with a limiter that has seen nothing yet."""
        self.superuser.execute("DELETE FROM embed.limiter")
        self.admin.execute(
            "SELECT embed.create_vectorizer(%s, %s::regclass, 'content', embedding => embed.bedrock(%s, 256), backfill => 'none', "
            f"chunking => {chunking}, delivery => {delivery}, limits => embed.limits(requests_per_minute => %s))".encode(),
            (name, f"bench.{name}", model, int(per_minute)),
        )

    def embedded(self, name: str) -> int:
        """Chunks that our side has stored."""
        return self._count(f"embeddings.{name}")

    def queued(self) -> int:
        """Rows of our side that wait or are being worked on, of all vectorizers."""
        return self._count("embed.work") + self._count("embed.inbox")

    def embedded_by_sample(self) -> int:
        """Rows that the sample's shape has a vector of."""
        return self._count("plain_embedding.document_embeddings")

    def settle(self, seconds: float = 60) -> None:
        """Wait until our side has nothing to do.

        Raises:
            VectordbError: it still has after so many seconds.
        """
        until = time.monotonic() + seconds
        while self.queued():
            if time.monotonic() > until:
                raise VectordbError(f"{self.queued()} rows are still queued after {seconds:g} seconds.")
            time.sleep(_LOOK_SECONDS)

    def end(self, name: str) -> None:
        """The vectorizer and its table go."""
        self.admin.execute("SELECT embed.drop_vectorizer(%s)", (name,))
        self.admin.execute(f"DROP TABLE bench.{name}".encode())

    def _count(self, relation: str) -> int:
        counting = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*relation.split(".")))
        row = self.superuser.execute(counting).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def running(directory: Path, *, model_seconds: float, say: Say, runtimes: Path | None = None) -> Iterator[Stage]:
    """Start everything in a folder of its own, and leave nothing behind.

    Args:
        directory: the project, whose SQL and worker are measured.
        model_seconds: what a request takes in the model.
        say: gets the progress.
        runtimes: where installations of PostgreSQL are kept; the local stack's by default.

    Raises:
        VectordbError: something did not start.
    """
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="vectordb-bench-")))
        say("starting two models of one kind, with a quota for each side")
        ours, theirs = (ending.enter_context(Server(Model(latency=model_seconds))) for _ in range(2))
        invoke = Invoke()
        ending.callback(invoke.close)
        say("starting PostgreSQL with both schemas, and the worker's way to it")
        bell = Bell()
        server = ending.enter_context(
            database.running(
                folder / "postgres" / "data",
                directory,
                endpoint=invoke.endpoint,
                function_arn="",
                region=REGION,
                settings=_SETTINGS,
                runtimes=runtimes,
            )
        )
        admin = ending.enter_context(database.session(server, database.MASTER))
        superuser = ending.enter_context(server.superuser_connection(database.DATABASE))
        superuser.execute(f"CREATE ROLE {worker.USER} LOGIN IN ROLE vectordb_worker, rds_iam".encode())
        admin.execute(f"CREATE SCHEMA bench; GRANT USAGE ON SCHEMA bench TO {database.USER}, vectordb_owner".encode())
        admin.execute("SELECT embed.configure(%s)", (bell.arn,))
        sample = Sample(server, theirs.url, REGION)
        ending.callback(sample.close)
        invoke.functions |= {bell.arn: bell, sample.arn: sample}
        front = Front(server, folder, REGION)
        ending.callback(front.close)
        yield Stage(
            server,
            admin,
            superuser,
            sample,
            bell,
            ours.model,
            theirs.model,
            lambda: worker.working(front, directory / "lambda", ours.url, folder / "worker.log"),
            {
                "PostgreSQL": f"{server.version}, fsync on, aws_lambda over {'C' if server.transport == 'c' else 'files'}",
                "model": f"{1000 * model_seconds:g} ms a request, 256 dimensions, the same for both sides, a quota for each",
            },
        )
