"""What the applier works with over the Data API."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import errors, sql

from vectordb.database import lexer
from vectordb.database import settings as names
from vectordb.database.connection import APPLICATION
from vectordb.database.data_api import answers, statements
from vectordb.database.data_api.calls import Calls, LostError, StillRunningError
from vectordb.database.session import StatementError
from vectordb.database.settings import Settings
from vectordb.database.talk import Deadline, Say
from vectordb.errors import VectordbError

# What the session options of a connection are elsewhere, for one transaction. A transaction that nobody continues ends after three
# minutes by itself.
_FOR_A_TRANSACTION = (
    "SELECT pg_catalog.set_config('lock_timeout', '5s', true), pg_catalog.set_config('statement_timeout', '0', true), "
    "pg_catalog.set_config('application_name', %s, true)"
)
_LONGEST_PAUSE = 10.0  # seconds between two looks at a statement that goes on; a transaction must hear something within three minutes


@contextlib.contextmanager
def opened(settings: Settings, *, deadline: Deadline, say: Say, client: Any = None) -> "Iterator[DataApiSession]":
    """A session over the Data API, closed at the end. No call is made yet.

    Raises:
        VectordbError: the settings do not name the cluster and its secret.
    """
    for name, value in ((names.CLUSTER_ARN, settings.cluster_arn), (names.SECRET_ARN, settings.secret_arn)):
        if not value:
            raise VectordbError(
                f"{name} is not set, and the transport is data-api",
                remedy="The Data API exists for Aurora only; for another database set vectordb:transport to ssm or direct.",
            )
    session = DataApiSession(Calls(settings, deadline=deadline, say=say, client=client), say)
    try:
        yield session
    finally:
        session.close()


class DataApiSession:
    """A `Session` whose statements are calls. Each transaction is a session of its own.

    Args:
        calls: of one database.
        say: gets the progress of statements that take longer than a call.
    """

    def __init__(self, calls: Calls, say: Say) -> None:
        self._calls, self._say = calls, say
        self._transaction = ""
        self.closed = False
        self.broken = False

    def close(self) -> None:
        """Nothing is held; a transaction that is open ends by itself."""
        self.closed = True

    def execute(self, query: LiteralString | sql.Composed, params: Sequence[Any] | None = None, /) -> answers.Rows:
        """One statement; by itself only what reads, because it may be run again.

        Raises:
            psycopg.Error: the server's error.
        """
        text = query.as_string(None) if isinstance(query, sql.Composed) else str(query)
        given = [answers.parameter(f"p{number}", value) for number, value in enumerate(params or ())]
        for parameter in given:
            text = text.replace("%s", f":{parameter['name']}", 1)
        if self._transaction:
            return self._within(text, given)
        return self._calls.query(text, given)

    def run(self, text: str) -> None:
        """Run a text of any number of statements, call by call, in the transaction that is open.

        Raises:
            StatementError: with the number of statements that were done; a position counts from the beginning of the text.
        """
        for completed, statement in enumerate(lexer.statements(text)):
            for call in statements.calls(text, statement):
                try:
                    self._within(call.sql, [])
                except psycopg.Error as error:
                    told = error if call.shift is None else answers.moved(error, call.shift)
                    raise StatementError(told, completed) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin; commit at the end, roll back when an exception leaves it."""
        self._transaction = self._calls.begin()
        try:
            self.execute(_FOR_A_TRANSACTION, (APPLICATION,))
            yield
            self._calls.commit(self._transaction)
        except BaseException as error:
            # Also after a commit whose answer was lost. One that cannot be told to end ends after three minutes.
            with contextlib.suppress(psycopg.Error, VectordbError):
                self._calls.roll_back(self._transaction)
            if isinstance(error, LostError):
                self._break()
            raise
        finally:
            self._transaction = ""

    def _within(self, text: str, given: list[dict[str, Any]]) -> answers.Rows:
        try:
            return self._calls.execute(text, given, self._transaction)
        except StillRunningError:
            return self._waited_for(text)

    def _waited_for(self, text: str) -> answers.Rows:
        """A statement that outlives its call goes on in its transaction, which answers that it is busy until it is done."""
        clock = Deadline(float("inf"))
        shown = " ".join(text.split())[:60]
        pause = 0.5
        while True:
            self._say(f"waiting: a statement takes longer than a call of the Data API and goes on: {shown}")
            clock.pause(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)
            try:
                self._calls.execute("SELECT 1", [], self._transaction)
            except StillRunningError:
                continue
            except (LostError, errors.InFailedSqlTransaction) as error:
                raise answers.made(
                    "25P02",
                    "a statement that took longer than a call of the Data API (45 s) failed, and its error is lost",
                    fields={"Hint": "The server's log has it. The transports ssm and direct have no such limit."},
                ) from error
            return answers.Rows([])

    def _break(self) -> None:
        self.closed = self.broken = True
