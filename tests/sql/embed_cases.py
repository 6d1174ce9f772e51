"""What the tests of embed share: tables to watch, and a worker that is small enough to be stopped between any two steps."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from tests.sql.conftest import Connection, Database

MODEL = "embed.http('http://model.test', 'fake', 3)"
ENQUEUE = (
    "INSERT INTO embed.work (vectorizer_id, generation, key, version, operation) "
    "SELECT v.id, 1, k, txid_current(), 'u' FROM embed.vectorizer AS v, unnest(%s::text[]) AS k"
)
"""These keys, in a transaction that goes on: as one that embeds within its statements has them in the queue."""
HOLD = "SELECT FROM embed.work WHERE key = ANY (%s) FOR UPDATE"
"""The same of keys that are in the queue already."""


def digest(text: str) -> str:
    """The hash of a chunk as the tests' worker makes it."""
    return hashlib.sha256(text.encode()).hexdigest()


def vector(text: str, dimension: int = 3) -> str:
    """A text's embedding: never zero, the same for the same text."""
    numbers = hashlib.sha256(text.encode()).digest()
    return "[" + ",".join(str(numbers[n % 32] + 1) for n in range(dimension)) + "]"


@dataclass
class Claim:
    """What a worker holds, and what it has read of it."""

    vectorizer: int
    generation: int
    rows: list[dict[str, Any]]
    contents: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        return [row["key"] for row in self.rows]

    @property
    def leases(self) -> list[int]:
        return [row["lease"] for row in self.rows]


@dataclass
class Worker:
    """A session with a worker's privileges."""

    connection: Connection
    embedded: list[str] = field(default_factory=list)

    def rows(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        with self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def available(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM embed.available()")

    def advance(self, vectorizer: int, generation: int = 1, rows: int = 5000) -> None:
        while self.rows("SELECT * FROM embed.advance(%s, %s, %s)", vectorizer, generation, rows)[0]["more"]:
            pass

    def claim(self, vectorizer: int, generation: int = 1, count: int = 100, lease: int = 60) -> Claim:
        rows = self.rows("SELECT * FROM embed.claim(%s, %s, %s, %s)", vectorizer, generation, count, lease)
        return Claim(vectorizer, generation, rows)

    def read(self, claim: Claim) -> Claim:
        found = self.rows(
            "SELECT * FROM embed.content(%s, %s, %s)",
            claim.vectorizer,
            claim.generation,
            [row["key"] for row in claim.rows if row["operation"] == "u"],
        )
        claim.contents = {row["key"]: row for row in found}
        return claim

    def items(self, claim: Claim, dimension: int = 3) -> list[dict[str, Any]]:
        """The items of `finish`: a chunk for each paragraph, a stored one kept."""
        stored = {
            (row["key"], row["hash"])
            for row in self.rows(
                "SELECT * FROM embed.stored(%s, %s, %s)", claim.vectorizer, claim.generation, claim.keys
            )
        }
        items = []
        for row in claim.rows:
            read = claim.contents.get(row["key"])
            chunks = []
            carried = json.dumps(read["metadata"]) if read and read["metadata"] else ""
            for text in (read["content"] or "").split("\n\n") if read else []:
                if text:
                    mark = digest(text + carried)
                    kept = (row["key"], mark) in stored
                    chunks.append({"hash": mark, "text": text, "embedding": None if kept else vector(text, dimension)})
                    if not kept:
                        self.embedded.append(text)
            items.append(
                {k: row[k] for k in ("key", "version", "lease")}
                | {"source_hash": read["source_hash"] if read else None, "chunks": chunks}
            )
        return items

    def finish(self, claim: Claim, items: list[dict[str, Any]] | None = None, dimension: int = 3) -> dict[str, str]:
        if items is None:
            items = self.items(claim, dimension)
        answers = self.rows(
            "SELECT * FROM embed.finish(%s, %s, %s)", claim.vectorizer, claim.generation, json.dumps(items)
        )
        return {row["key"]: row["outcome"] for row in answers}

    def drain(self, vectorizer: int, generation: int = 1, dimension: int = 3) -> int:
        """Do all there is to do; how many rows were done."""
        self.advance(vectorizer, generation)
        done = 0
        while (claim := self.claim(vectorizer, generation)).rows:
            outcomes = self.finish(self.read(claim), dimension=dimension)
            done += sum(outcome == "done" for outcome in outcomes.values())
        return done


@dataclass
class Bench:
    """A database with a schema of an application's, and a worker."""

    database: Database
    owner: Connection
    worker: Worker

    def run(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        cursor = self.owner.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *parameters: Any) -> Any:
        return self.run(statement, *parameters)[0][0]

    def session(self) -> Connection:
        """Another session of the application's owner, in autocommit mode."""
        return self.database.login("vectordb_admin")

    def vectorizer(self, name: str = "docs", source: str = "app.docs", content: str = "body", **parts: str) -> int:
        """Create one; the parts are SQL."""
        given = {"embedding": MODEL, **parts}
        arguments = "".join(f", {key} => {value}" for key, value in given.items())
        return int(
            self.value(f"SELECT embed.create_vectorizer('{name}', '{source}', $content${content}$content${arguments})")
        )

    def docs(self, count: int = 0) -> None:
        self.run("CREATE TABLE app.docs (id bigint PRIMARY KEY, title text, body text, views integer DEFAULT 0)")
        self.run("INSERT INTO app.docs SELECT n, 't' || n, 'body ' || n FROM generate_series(1, %s) AS n", count)

    def work(self) -> list[tuple[Any, ...]]:
        self.run("SELECT embed.fold()")
        return self.run("SELECT generation, key, operation::text FROM embed.work ORDER BY generation, key")

    def reconciled(self, name: str = "docs", **options: str) -> tuple[Any, ...]:
        """What `embed.reconcile` says: missing, stale, orphan, repaired."""
        arguments = "".join(f", {key} => {value}" for key, value in options.items())
        return self.run(f"SELECT missing, stale, orphan, repaired FROM embed.reconcile('{name}'{arguments})")[0]

    def clear(self) -> None:
        self.run("DROP SCHEMA IF EXISTS app CASCADE")
        for (name,) in self.run("SELECT name FROM embed.vectorizer"):
            self.run("SELECT embed.drop_vectorizer(%s)", name)
        self.run("DELETE FROM embed.limiter")


@contextlib.contextmanager
def opened(database: Database) -> Iterator[Bench]:
    """An empty bench; whatever is made on it is removed."""
    with database.login("vectordb_admin") as owner, database.server.superuser_connection("vectordb") as connection:
        connection.execute("SET ROLE vectordb_worker")
        bench = Bench(database, owner, Worker(connection))
        owner.execute("SET client_min_messages = warning")
        bench.clear()
        bench.run("CREATE SCHEMA app")
        yield bench
        bench.clear()
