"""Where checks that run side by side leave their results for each other."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, InvalidStateError
from typing import Any, TypeVar

from vectordb.doctor.findings import SOUND, Outcome, SkippedError

T = TypeVar("T")


class Board:
    """Thread-safe.

    Args:
        names: the checks that will report.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._outcomes: dict[str, Future[Outcome]] = {name: Future() for name in names}
        self._made: dict[str, Future[Any]] = {}
        self._lock = threading.Lock()
        self._waited = threading.local()

    def report(self, outcome: Outcome) -> bool:
        """Tell how a check ended; False when that was told before."""
        try:
            self._outcomes[outcome.name].set_result(outcome)
        except InvalidStateError:
            return False
        return True

    def outcome(self, name: str) -> Outcome | None:
        """How a check ended, waiting for it; None when it is not part of this run."""
        future = self._outcomes.get(name)
        if future is None:
            return None
        started = time.monotonic()
        try:
            return future.result()
        finally:
            self._waited.seconds = self.waited() + time.monotonic() - started

    def need(self, *names: str) -> None:
        """Wait for checks; what the stack does not have is no hindrance.

        Raises:
            SkippedError: one of them is not sound.
        """
        for name in names:
            outcome = self.outcome(name)
            if outcome is not None and outcome.state not in SOUND:
                raise SkippedError(name)

    def waited(self) -> float:
        """Seconds that this thread has waited for other checks."""
        return float(getattr(self._waited, "seconds", 0.0))

    def unfinished(self) -> list[str]:
        """The checks that have not reported yet."""
        return [name for name, future in self._outcomes.items() if not future.done()]

    def once(self, what: str, make: Callable[[], T]) -> T:
        """What `make` returned or raised for the first who asked for `what`."""
        with self._lock:
            future = self._made.get(what)
            first = future is None
            if future is None:
                future = self._made[what] = Future()
        if first:
            try:
                future.set_result(make())
            except BaseException as error:  # noqa: BLE001 - everyone who asks gets it, the first one too
                future.set_exception(error)
        result: T = future.result()
        return result
