"""What the applier of SQL files needs of a way to the database, whichever it is.

A psycopg connection has all of it. The RDS Data API has less: no session behind its calls, so that locks and settings end with
each transaction, one statement a call, and no notices; `data_api.session` says the rest in the same words. Both raise psycopg's
errors, with the server's SQLSTATE and position.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, LiteralString, Protocol, TypeGuard

import psycopg
from psycopg import sql

Row = tuple[Any, ...]


class Result(Protocol):
    """The rows of a query."""

    def fetchall(self) -> list[Row]:
        """Every row."""

    def fetchone(self) -> Row | None:
        """The next row; None after the last."""


class Session(Protocol):
    """A way to run statements, in autocommit mode outside of `transaction`."""

    @property
    def closed(self) -> bool:
        """Whether nothing can be run any more."""

    @property
    def broken(self) -> bool:
        """Whether it was closed by a failure, so that another one may go on."""

    def execute(self, query: LiteralString | sql.Composed, params: Sequence[Any] | None = None, /) -> Result:
        """Run one statement of this program's own; `%s` stands for a parameter."""

    def transaction(self) -> AbstractContextManager[object]:
        """Begin; commit at the end, roll back when an exception leaves it."""


class StatementError(Exception):
    """A statement of a file failed.

    Args:
        error: the server's, or psycopg's when the connection broke.
        completed: how many statements of the same text were done before it.
    """

    def __init__(self, error: psycopg.Error, completed: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.completed = completed


def lasts(session: Session) -> TypeGuard[psycopg.Connection[Row]]:
    """Whether one server session is behind all statements, so that its locks and settings outlive a transaction."""
    return isinstance(session, psycopg.Connection)
