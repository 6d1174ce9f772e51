"""A claimed row and its chunks, from its content to what embed.finish takes."""

import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from embedder import hashing, metadata, template
from embedder.chunking import Before, Plan, Stored, TooLongError, chunks
from embedder.providers import answers
from embedder.providers.provider import Answer, Provider
from embedder.template import NoRoomError, Template

MOST_BYTES = 64_000_000
"""Of a row's vectors on their way into the database: it takes them in one transaction, and a worker has them in memory several times."""
NUMBER_BYTES = 12
"""Of a number in pgvector's text, about."""
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


class UnfitError(Exception):
    """A row that no call can embed; the message says why, without content."""


@dataclass(eq=False, slots=True)
class Piece:
    """One chunk of a row."""

    row: "Row"
    chunk: str
    """As it is stored."""
    text: str
    """As it is sent."""
    hash: str
    vector: "array[float] | None" = None


@dataclass(eq=False, slots=True)
class Row:
    """One claimed row."""

    key: str
    version: int
    operation: str
    lease: int
    attempts: int
    source_hash: str | None = None
    pieces: list[Piece] = field(default_factory=list)
    missing: int = 0
    """Pieces that wait for their vector."""
    gone: bool = False
    """No longer ours, or done with: what still comes for it is dropped."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """That goes with its vectors, of S3 Vectors."""
    vector_keys: list[str | None] | None = None
    """Of each piece, where the vectors are in S3 Vectors already: the key, or None of one that is kept."""
    tries: int = 0
    """How often a user's transaction was in the way of finishing it."""

    def take(self, piece: Piece, vector: "array[float]") -> bool:
        """Give a piece its vector; whether the row is now complete."""
        if piece.vector is None:
            piece.vector = vector
            self.missing -= 1
        return self.missing == 0

    def item(self) -> dict[str, Any]:
        """As embed.finish takes it."""
        return {
            "key": self.key,
            "version": self.version,
            "lease": self.lease,
            "source_hash": self.source_hash,
            "chunks": [
                {"hash": piece.hash, "text": piece.chunk} | self._place(position, piece)
                for position, piece in enumerate(self.pieces)
            ],
        }

    def _place(self, position: int, piece: Piece) -> dict[str, str | None]:
        if self.vector_keys is not None:
            return {"vector_key": self.vector_keys[position]}
        return {"embedding": written(piece.vector)}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a generation makes texts of a row."""

    provider: Provider
    plan: Plan
    template: Template
    normalise: bool = False
    """Whether vectors are given length 1 that the model does not give it."""

    def vectors(self, answer: Answer) -> "list[array[float]]":
        """An answer's, as they are stored."""
        return [answers.scaled(vector) for vector in answer.vectors] if self.normalise else answer.vectors

    def pieces(
        self, row: Row, content: str | None, fields: Mapping[str, Any] | None, stored: Sequence[Stored] = ()
    ) -> list[Piece]:
        """The row's chunks; none where there is nothing to embed.

        Args:
            row: whose they are.
            content: what is cut.
            fields: the template's columns.
            stored: the chunks that the row has, in their order: those that its content still has stay as they are.

        Raises:
            UnfitError: no call can embed it.
            SettingsError: the template wants what is not there.
        """
        if content is None:
            return []
        columns = fields or {}
        if _UNWRITABLE.search(content) or any(_UNWRITABLE.search(value) for value in columns.values() if value):
            raise UnfitError("the content holds characters that no PostgreSQL takes: NUL, or half of a surrogate pair")
        try:
            room = self.template.room(self.provider.limits, columns)
            before = Before(stored, lambda chunk: self._piece(row, chunk, columns).hash) if stored else None
            cut = chunks(content, self.plan, room, before)
        except NoRoomError:
            raise UnfitError("the template's columns leave no room for a chunk within the model's limits") from None
        except TooLongError:
            raise UnfitError("the content is longer than the model takes; choose a chunking other than none") from None
        # Models refuse blanks, and there is nothing to find in them.
        found = [self._piece(row, chunk.text, columns) for chunk in cut if chunk.text.strip()]
        if not found:
            raise UnfitError("the content has no visible character")
        if len(found) > (most := MOST_BYTES // (NUMBER_BYTES * self.provider.dimension)):
            raise UnfitError(
                f"the content makes {len(found)} chunks, and of {self.provider.dimension} dimensions at most {most} are written "
                "together; choose larger chunks, or divide the row"
            )
        return found

    def _piece(self, row: Row, chunk: str, columns: Mapping[str, Any]) -> Piece:
        text = self.template.render(chunk, columns)
        carried = metadata.compact(row.metadata) if row.metadata else ""
        digest = hashing.of_chunk(self.provider.model, self.provider.dimension, self.template.source, text, carried)
        return Piece(row, chunk, text, digest)


def recipe(provider: Provider, config: Mapping[str, Any]) -> Recipe:
    """By a generation's configuration. Raises SettingsError."""
    normalise = (config.get("embedding") or {}).get("normalize") is True
    return Recipe(provider, Plan.read(config.get("chunking")), template.read(config.get("template")), normalise)


def written(vector: "array[float] | None") -> str | None:
    """pgvector's text of a vector: nine significant digits, which give back each 32-bit float exactly."""
    if vector is None:
        return None
    return "[" + ("%.9g," * len(vector) % tuple(vector))[:-1] + "]"
