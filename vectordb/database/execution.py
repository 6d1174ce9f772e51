"""Running SQL text so that a failure can be pointed at: file, line, column, and all that the server said."""

import psycopg
from psycopg import errors, generators, pq

from vectordb.database import lexer
from vectordb.database.data_api import DataApiSession
from vectordb.database.session import Row, Session, StatementError
from vectordb.database.sqlfiles import NO_TRANSACTION, SqlFile
from vectordb.database.values import Rendered
from vectordb.errors import VectordbError

_COPY = {pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH}
_FAILED = {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE}
_NOT_IN_TRANSACTION = "25001"

# Who a file may have become, put back to who logged in; and what else it may have changed in a session that goes on.
RESET_USER = "RESET SESSION AUTHORIZATION; RESET ROLE"
RESET = f"{RESET_USER}; RESET ALL"


class SqlFileError(VectordbError):
    """A file failed, and this says where and why.

    Attributes:
        sqlstate: the server's code, such as 42P01; empty when the connection broke.
    """

    def __init__(self, message: str, *, sqlstate: str, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.sqlstate = sqlstate


def run(session: Session, text: str) -> None:
    """Run a text of any number of statements as it is, and wait for all of them.

    Raises:
        StatementError: with the number of statements that were done.
    """
    if not text.strip():
        return
    if isinstance(session, DataApiSession):
        session.run(text)
    else:
        assert isinstance(session, psycopg.Connection)
        _send(session, text)


def run_own(session: Session, text: str) -> None:
    """Like `run`, for statements that stand in no file.

    Raises:
        psycopg.Error: the server's error.
    """
    try:
        run(session, text)
    except StatementError as failure:
        raise failure.error from failure


def _send(connection: psycopg.Connection[Row], text: str) -> None:
    """In one round trip. psycopg's own `execute` does the same but does not tell how far a text came."""
    with connection.lock:
        connection.pgconn.send_query(text.encode())
        try:
            results = connection.wait(generators.execute(connection.pgconn))
        except psycopg.Error as error:
            raise StatementError(error, 0) from error
    for place, result in enumerate(results):
        if result.status in _COPY:
            connection.close()  # the server waits for rows that nobody will send
            raise StatementError(
                errors.FeatureNotSupported("COPY from or to the client is not possible in a file"), place
            )
        if result.status in _FAILED:
            raise StatementError(errors.error_from_result(result), place)


def run_file(session: Session, file: SqlFile, rendered: Rendered) -> None:
    """Run a file that `sqlfiles.check` has passed: as one text inside the caller's transaction, or statement by statement.

    Raises:
        SqlFileError: names file, line and column, SQLSTATE, message, detail, hint and context.
    """
    parts = [None] if file.transaction else lexer.statements(rendered.text)
    for part in parts:
        try:
            run(session, rendered.text if part is None else rendered.text[part.start : part.end])
        except StatementError as failure:
            raise _explained(file, rendered, failure, part) from failure


def _explained(
    file: SqlFile, rendered: Rendered, failure: StatementError, part: lexer.Statement | None
) -> SqlFileError:
    line, column = lexer.place(file.text, rendered.origin(_offset(rendered.text, failure, part)))
    diag = failure.error.diag
    sqlstate = failure.error.sqlstate or ""
    code = f"{diag.severity or 'ERROR'} {sqlstate or '(no SQLSTATE)'}"
    message = diag.message_primary or " ".join(str(failure.error).split())
    said = [f"{file.path}:{line}:{column}: {code}: {message}"]
    for title, more in (("DETAIL", diag.message_detail), ("HINT", diag.message_hint), ("CONTEXT", diag.context)):
        if more:
            said.append(f"  {title}: {more}".replace("\n", "\n    "))
    said += _shown(file.text, line, column)
    return SqlFileError("\n".join(said), sqlstate=sqlstate, remedy=_remedy(sqlstate, transaction=file.transaction))


def _offset(text: str, failure: StatementError, part: lexer.Statement | None) -> int:
    """Where in the rendered text a failure is: the server's own position, otherwise the beginning of the failed statement."""
    base = part.start if part else 0
    if position := failure.error.diag.statement_position:
        return base + int(position) - 1  # counted in characters, from 1
    if part is None:
        found = lexer.statements(text)
        return found[min(failure.completed, len(found) - 1)].start if found else 0
    return base


_WIDEST = 160


def _shown(source: str, line: int, column: int) -> list[str]:
    """The line with a mark under the column."""
    lines = source.split("\n")  # as `lexer.place` counts; a form feed or U+2028 begins no line
    if line > len(lines) or len(lines[line - 1]) > _WIDEST:
        return []
    margin = f"  {line} | "
    return [margin + _plain(lines[line - 1]), " " * (len(margin) - 2) + "| " + " " * (column - 1) + "^"]


def _plain(line: str) -> str:
    """As wide as it is written, whatever it holds: neither a tab nor a control character moves the mark."""
    return "".join(character if character.isprintable() else " " for character in line)


def _remedy(sqlstate: str, *, transaction: bool) -> str:
    if sqlstate == _NOT_IN_TRANSACTION and transaction:
        return f"Put this statement into a file of its own that begins with `-- vectordb: {NO_TRANSACTION}`."
    if transaction:
        return "Nothing of this file was kept, and no file after it ran. Correct it, then apply again."
    return "What ran before this statement was kept; the file runs again from its top. Correct it, then apply again."
