"""Chunks of many rows into few calls: as many as the model takes in one."""

from collections import deque
from collections.abc import Iterable

from embedder.chunking import measures
from embedder.limits import Limits
from embedder.rows import Piece

CAUTIOUS_ATTEMPTS, LONELY_ATTEMPTS = 2, 4
CAUTIOUS_TEXTS = 8
"""A row whose calls have failed so often shares its next with fewer others, and then with none: it may be the cause."""


class Packer:
    """The chunks that wait for a call, in order."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: deque[Piece] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, pieces: Iterable[Piece]) -> None:
        """Behind all others."""
        self._waiting.extend(pieces)

    def clear(self) -> list[Piece]:
        """Take all."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def take(self) -> list[Piece]:
        """The next call's: as many from the front as fit; those of rows that are gone are dropped."""
        taken: list[Piece] = []
        size = 0
        # No byte is more than a token: so most calls need no counting.
        tokens: int | None = None
        most = self._limits.texts
        while self._waiting and len(taken) < most:
            piece = self._waiting[0]
            if piece.row.gone:
                self._waiting.popleft()
                continue
            most = min(most, _most(piece.row.attempts, self._limits.texts))
            size += len(piece.text.encode("utf-8", "replace"))
            if size > self._limits.call_tokens:
                counted = [piece] if tokens is not None else [*taken, piece]
                tokens = (tokens or 0) + sum(measures.estimated_tokens(each.text) for each in counted)
            full = len(taken) >= most or (tokens or 0) > self._limits.call_tokens or size > self._limits.call_bytes
            if taken and full:
                break
            taken.append(self._waiting.popleft())
        return taken


def _most(attempts: int, texts: int) -> int:
    if attempts >= LONELY_ATTEMPTS:
        return 1
    return min(CAUTIOUS_TEXTS, texts) if attempts >= CAUTIOUS_ATTEMPTS else texts
