"""A statement that cannot be cancelled in time does not end the whole measurement; one that fails does, and says why."""

import threading
from types import SimpleNamespace

import psycopg
import pytest

from vectordb.bench import rounds
from vectordb.errors import VectordbError


class Connection:
    """Ends by itself as often as it is told; then a statement waits to be cancelled."""

    def __init__(self, by_itself, error=None):
        self.left, self.error, self.asked = by_itself, error, 0
        self.begun, self.cancelled = threading.Event(), threading.Event()

    def execute(self, *_):
        self.asked += 1
        self.begun.set()
        if self.error:
            raise self.error
        if self.asked > self.left:
            assert self.cancelled.wait(5)
            raise psycopg.errors.QueryCanceled

    def cancel_safe(self):
        assert self.begun.wait(5)
        self.begun.clear()
        if self.asked > self.left:
            self.cancelled.set()


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(rounds.time, "sleep", lambda _: None)


def side(connection):
    return SimpleNamespace(name="ours", connection=connection)


def test_it_is_tried_again():
    connection = Connection(by_itself=2)
    assert 0 <= rounds._cancelled(side(connection)) < 5000
    assert connection.asked == 3


def test_not_for_ever():
    with pytest.raises(VectordbError, match="3 statements of the ours side ended by themselves"):
        rounds._cancelled(side(Connection(by_itself=9)))


def test_a_failure_is_told():
    with pytest.raises(VectordbError, match="failed before it was cancelled: gone"):
        rounds._cancelled(side(Connection(0, psycopg.OperationalError("gone"))))
