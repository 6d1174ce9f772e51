"""An index is built where it fits into the time that is left, and a failure of it is nobody's."""

import pytest

from embedder import indexing
from embedder.database import RefusedError, UnavailableError
from embedder.stopping import Stopping


class Database:
    def __init__(self, failure: Exception | None = None, *, wanted: bool = True) -> None:
        self.failure = failure
        self.wanted = wanted
        self.offered: list[float] = []
        self.built: list[tuple[int, int]] = []

    def begin_index(self, seconds: float) -> tuple[int, int] | None:
        self.offered.append(seconds)
        return (3, 1) if self.wanted else None

    def build_index(self, vectorizer: int, generation: int) -> bool:
        if self.failure:
            raise self.failure
        self.built.append((vectorizer, generation))
        return True


@pytest.mark.parametrize(("left", "offered"), [(None, [45.0]), (62.0, [30.0]), (900.0, [45.0]), (3.5, [])])
def test_the_time_that_is_left(left: float | None, offered: list[float]) -> None:
    database = Database()
    assert indexing.build(database, Stopping(left and (lambda: left))) is bool(offered)  # type: ignore[arg-type]
    assert database.offered == offered
    assert len(database.built) == len(offered)


def test_none_is_wanted() -> None:
    database = Database(wanted=False)
    assert indexing.build(database, Stopping()) is False  # type: ignore[arg-type]
    assert database.built == []


@pytest.mark.parametrize("failure", [UnavailableError("57014"), RefusedError("42704")])
def test_what_fails_is_left_to_others(failure: Exception) -> None:
    assert indexing.build(Database(failure), Stopping()) is False  # type: ignore[arg-type]


def test_one_that_is_to_stop_begins_none() -> None:
    stopping = Stopping()
    stopping.stop()
    database = Database()
    assert indexing.build(database, stopping) is False  # type: ignore[arg-type]
    assert database.offered == []
