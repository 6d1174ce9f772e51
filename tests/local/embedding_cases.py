"""A thousand documents through one vectorizer: what is written, what must be found, and how long that took."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from vectordb.local.example import corpus

WITHIN = 90.0
SCHEMA = "articles"

# None is about Python, which the other documents are about, so that there is one right answer to each question.
BREAD = "Sourdough bread: mix flour, water and salt with the starter, knead the dough, let it rise overnight and bake it in a hot oven."
GARDEN = "Tomatoes want sun and regular watering; plant the seedlings in the garden after the last frost and tie the stems to a stake."
MOUNTAIN = "The climbers reached the summit of the mountain at dawn, roped together, over snow and ice, and descended by the glacier."
CAT = "The cat slept on the sofa all day, woke for its dinner of fish, and purred when the children stroked its fur."
WHALE = "Blue whales swim thousands of miles through the ocean to feed on krill; the calf drinks its mother's milk for months."
QUESTIONS = {
    BREAD: "how do I bake a loaf from flour and yeast?",
    GARDEN: "growing vegetables in the garden",
    MOUNTAIN: "mountaineering on snow and ice",
    CAT: "a pet that likes to be stroked",
    WHALE: "the largest animals of the sea",
}
_AT = {11: BREAD, 21: GARDEN, 33: MOUNTAIN, 47: CAT}
"""Number of a document → its text, where it is none of the corpus. 21 is one of those that are deleted."""
_BECOMES_WHALE, _MOVES, _MOVED_TO = 500, 33, 20_033


@dataclass(frozen=True)
class Case:
    """One way of delivery to one destination. `delivery` and `destination` are SQL."""

    name: str
    delivery: str
    destination: str
    model: str = "cohere.embed-v4:0"
    dimension: int = 256
    role: str = ""
    """Who declares it; empty for the login itself."""
    rows: int = 1000
    """At least 500. A tenth is updated, a twentieth deleted."""

    @property
    def table(self) -> str:
        return f"{SCHEMA}.{self.name}"

    @property
    def at_once(self) -> bool:
        """Whether the embeddings are there when the statement ends."""
        return "sync_lambda" in self.delivery or "in_transaction" in self.delivery


@dataclass
class Course:
    """What happens to the documents of a case, step by step."""

    connection: psycopg.Connection[Any]
    case: Case
    wake: Callable[[], Any] | None = None
    """What the outside does while one waits, again and again."""

    def declare(self) -> None:
        case = self.case
        column = f", embedding vector({case.dimension})" if "to_column" in case.destination else ""
        self._run(f"CREATE TABLE {case.table} (id int PRIMARY KEY, body text, opened int NOT NULL DEFAULT 0{column})")
        self._run(f"GRANT SELECT, TRIGGER, UPDATE ON {case.table} TO vectordb_owner")
        # Who may read the table when the vectorizer is made may read its embeddings.
        self._run(f"GRANT SELECT ON {case.table} TO vectordb_reader")
        with self.connection.transaction():
            if case.role:
                self._run(f"SET LOCAL ROLE {case.role}")
            self._run(
                f"SELECT embed.create_vectorizer('{case.name}', '{case.table}', 'body', "
                f"embedding => embed.bedrock('{case.model}', dimensions => {case.dimension}), destination => {case.destination}, "
                f"delivery => {case.delivery}, limits => embed.limits(requests_per_minute => 600000))"
            )

    def insert(self) -> None:
        texts = dict(list(documents().items())[: self.case.rows])
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {self.case.table} (id, body) SELECT * FROM unnest(%s::int[], %s::text[])",
                [list(texts), list(texts.values())],
            )
        self.settles("insert", self.case.rows)
        assert self.answers(BREAD) == 11
        assert self.answers(GARDEN) == 21
        assert self.answers(MOUNTAIN) == _MOVES

    def update(self) -> None:
        table = self.case.table
        self._run(f"UPDATE {table} SET body = body || ' Revised.' WHERE mod(id, 10) = 0 AND id <> %s", _BECOMES_WHALE)
        self._run(f"UPDATE {table} SET body = %s WHERE id = %s", WHALE, _BECOMES_WHALE)
        self.settles("update", self.case.rows)
        assert self.answers(WHALE) == _BECOMES_WHALE

    def touch(self) -> None:
        """What the embeddings are not of may change, and nothing is queued."""
        self._run(f"UPDATE {self.case.table} SET opened = opened + 1")
        assert self.state()[0] == 0

    def delete(self) -> None:
        self._run(f"DELETE FROM {self.case.table} WHERE mod(id, 20) = 1")
        self.settles("delete", self._left)
        assert self.nearest(GARDEN) not in (21, None)

    def move(self) -> None:
        """Another primary key is another document."""
        self._run(f"UPDATE {self.case.table} SET id = %s WHERE id = %s", _MOVED_TO, _MOVES)
        self.settles("move", self._left)
        assert self.answers(MOUNTAIN) == _MOVED_TO

    def roll_back(self) -> None:
        with self.connection.transaction(force_rollback=True):
            self._run(f"UPDATE {self.case.table} SET body = %s WHERE id = 100", GARDEN)
            self._run(f"INSERT INTO {self.case.table} VALUES (30000, %s)", CAT)
            self._run(f"DELETE FROM {self.case.table} WHERE id BETWEEN 200 AND 300")
        assert self.state()[0] == 0
        assert self.answers(CAT) == 47

    def truncate(self) -> None:
        self._run(f"TRUNCATE {self.case.table}")
        self._run(f"INSERT INTO {self.case.table} VALUES (1, %s), (2, %s)", CAT, WHALE)
        self.settles("truncate", 2)
        assert (self.answers(CAT), self.answers(WHALE)) == (1, 2)

    def all(self) -> None:
        for step in (
            self.declare,
            self.insert,
            self.update,
            self.touch,
            self.delete,
            self.move,
            self.roll_back,
            self.truncate,
        ):
            step()

    def settles(self, step: str, rows: int) -> None:
        """Wait until the status says that all is done; then look whether it is true."""
        started, looks = time.monotonic(), 1
        while (state := self.state()) != (0, 0, rows, rows, False, None):
            if time.monotonic() > started + WITHIN:
                pytest.fail(f"{self.case.name}, {step}: {state}, not {rows} rows")
            if self.wake is not None:
                self.wake()
            time.sleep(0.1)
            looks += 1
        # TRUNCATE does not say of which rows it was: those are looked for afterwards. A key that changed may be a worker's, too.
        at_once = self.case.at_once and step in {"insert", "update", "delete"}
        assert not at_once or looks == 1, (self.case.name, step, looks)
        found = self._run("SELECT missing, stale, orphan FROM embed.reconcile(%s)", self.case.name).fetchone()
        assert found == (0, 0, 0), (self.case.name, step, found)

    def state(self) -> tuple[Any, ...]:
        """(pending, dead, source rows, embedded rows, whether a sweep goes on, circuit)."""
        found = self._run(
            "SELECT pending, dead, source_rows, embedded_rows, sweeping OR backfilling, circuit FROM embed.status "
            "WHERE name = %s AND generation_state = 'live'",
            self.case.name,
        ).fetchone()
        assert found is not None
        return found

    def nearest(self, document: str) -> int | None:
        """The key of what is nearest to the document's question; None when nothing is found."""
        found = self._run(
            "SELECT key FROM embed.search_text(%s, %s, 1)", self.case.name, QUESTIONS[document]
        ).fetchone()
        return None if found is None else int(found[0][0])

    def answers(self, document: str) -> int | None:
        """As nearest; what was found is that document's chunk."""
        found = self._run(
            "SELECT s.key, d.body FROM embed.search_text(%s, %s, 1) AS s "
            f"JOIN {self.case.table} AS d ON d.id = (s.key ->> 0)::int",
            self.case.name,
            QUESTIONS[document],
        ).fetchone()
        return None if found is None or found[1] != document else int(found[0][0])

    @property
    def _left(self) -> int:
        return self.case.rows - self.case.rows // 20

    def _run(self, statement: str, *values: Any) -> psycopg.Cursor[Any]:
        return self.connection.execute(statement, values or None)


def documents() -> dict[int, str]:
    """Number → text of a thousand; most are from the standard library's documentation."""
    if not _documents:
        entries = corpus.collect()
        chosen = entries[:: len(entries) // 1000][:1000]
        _documents.update({number: entry.text for number, entry in enumerate(chosen, 1)} | _AT)
    return _documents


_documents: dict[int, str] = {}
