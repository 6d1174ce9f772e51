"""Calls of the model under way, in threads, and what came of each."""

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from embedder.errors import CallError, Kind
from embedder.providers.provider import Answer, Provider, Purpose
from embedder.rows import Piece
from embedder.search import Search
from embedder.transport import Ask

PROBE = "probe"
"""A text that every model takes; where it is refused, the texts are not at fault."""


class Call(NamedTuple):
    """One call."""

    pieces: list[Piece]
    """Empty for a probe."""
    search: "Search[Piece] | None" = None


class Calls:
    """At most `most` at once."""

    def __init__(self, ask: Ask, provider: Provider, executor: ThreadPoolExecutor, most: int) -> None:
        self._ask = ask
        self._provider = provider
        self._executor = executor
        self.most = most
        self._running: dict[Future[Answer], tuple[Call, float]] = {}

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, call: Call) -> None:
        """Ask in a thread."""
        texts: Sequence[str] = [piece.text for piece in call.pieces] or [PROBE]
        future = self._executor.submit(self._ask, self._provider, texts, Purpose.DOCUMENT)
        self._running[future] = call, time.monotonic()

    def ended(self, seconds: float) -> list[tuple[Call, float, Answer | CallError]]:
        """Those that end within so many seconds, as soon as there is one: the call, when it began, and what came of it."""
        done, _ = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED)
        return [(*self._running.pop(future), _outcome(future)) for future in done]


def _outcome(future: "Future[Answer]") -> Answer | CallError:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, CallError):
        return error
    # A fault of ours. Its text may hold content, so only its name goes on.
    return CallError(Kind.TRANSIENT, "UnexpectedError", f"the call failed unexpectedly ({type(error).__name__})")
