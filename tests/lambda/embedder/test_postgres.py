"""What the worker makes of the database's errors."""

import psycopg
import pytest

from embedder.database import LockedError, RefusedError, UnavailableError
from embedder.postgres import Postgres

SECRET = "NOBODY-MAY-SEE-THIS"


class Connection:
    """Answers with what it is given: rows, or errors to raise."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.closed = False

    def execute(self, statement, parameters):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        self.rows = answer
        return self

    def fetchall(self):
        return self.rows

    def close(self):
        self.closed = True


def postgres(*connections):
    waiting = list(connections)
    return Postgres(lambda: waiting.pop(0))


def test_a_connection_that_ended_unnoticed_is_replaced_at_the_first_question():
    first = Connection([], psycopg.OperationalError("server closed the connection"))
    database = postgres(first, Connection([(1, 2, 3, False, {})]))
    assert database.available() == []
    assert database.available() == [(1, 2, 3, False, {})]
    assert first.closed


def test_a_server_that_is_away_is_not_asked_again_at_once():
    with pytest.raises(UnavailableError, match=r"^OperationalError$"):
        postgres(Connection(psycopg.OperationalError(SECRET))).available()


def test_other_questions_are_not_repeated_on_another_connection():
    database = postgres(Connection([], psycopg.OperationalError(SECRET)), Connection([]))
    database.available()
    with pytest.raises(UnavailableError, match=r"^OperationalError$"):
        database.finish(1, 1, [])


def test_who_waited_for_a_lock_has_waited_enough():
    """As long as its login's lock_timeout says."""
    with pytest.raises(LockedError, match=r"^55P03$"):
        postgres(Connection(psycopg.errors.LockNotAvailable(SECRET))).content(1, 1, [])


@pytest.mark.parametrize("error", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure])
def test_collisions_are_tried_three_times(error):
    assert postgres(Connection(error(SECRET), error(SECRET), [("[1]", "done")])).finish(1, 1, []) == {"[1]": "done"}
    with pytest.raises(UnavailableError, match=f"^{error.sqlstate}$"):
        postgres(Connection(*[error(SECRET)] * 3)).finish(1, 1, [])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (psycopg.errors.DataException, "22000"),
        (psycopg.errors.InsufficientPrivilege, "42501"),
        (psycopg.errors.UndefinedFunction, "42883"),
        (psycopg.errors.CheckViolation, "23514"),
    ],
)
def test_what_is_wrong_and_not_unlucky_is_told_by_its_code_alone(error, said):
    with pytest.raises(RefusedError) as raised:
        postgres(Connection(error(SECRET))).finish(1, 1, [])
    assert str(raised.value) == said
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
