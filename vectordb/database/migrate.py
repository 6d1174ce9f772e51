"""`vectordb migrate`: bring a database to what a folder of SQL files says, each file once, whoever else does the same at that time."""

import difflib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

import psycopg

from vectordb.database import comparison, ledger
from vectordb.database.applier import Applier, Summary, first_line
from vectordb.database.comparison import Comparison, Edited
from vectordb.database.execution import SqlFileError
from vectordb.database.session import Session
from vectordb.database.sqlfiles import SqlFile
from vectordb.database.talk import Say
from vectordb.errors import VectordbError

__all__ = ["Connect", "Summary", "apply", "edits", "plan"]

Connect = Callable[[], AbstractContextManager[Session]]

_CONNECTIONS = 3  # a statement that crashes the server would otherwise crash it for ever
_DIFF_LINES = 200


def apply(
    connect: Connect, files: Sequence[SqlFile], values: Mapping[str, str], *, timeout: float, say: Say
) -> Summary:
    """Apply what is new or changed. An interrupted run, even one that was killed, is continued by the next.

    Args:
        connect: opens a session in autocommit mode; called again when one is lost.
        files: from `sqlfiles.discover`.
        values: from `values.from_settings`.
        timeout: seconds to wait for the lock, and for a table that others hold.
        say: gets the progress, the notices and the warnings.

    Raises:
        VectordbError: nothing was applied after the failing file.
    """
    started = time.monotonic()
    prepared = comparison.prepare(files, values)
    summary = Summary()
    for attempt in range(1, _CONNECTIONS + 1):
        with connect() as session:
            try:
                Applier(session, prepared, timeout, say, summary, explain=edits).run()
                break
            except (psycopg.Error, SqlFileError) as error:
                if not session.broken or attempt == _CONNECTIONS:
                    if isinstance(error, VectordbError):
                        raise
                    raise _failed(error) from error
                say(f"waiting: the connection was lost ({first_line(error)}); connecting again")
    summary.duration_ms = round((time.monotonic() - started) * 1000)
    return summary


def plan(session: Session, files: Sequence[SqlFile], values: Mapping[str, str]) -> Comparison:
    """What `apply` would do. Changes nothing and takes no lock.

    Raises:
        VectordbError: the files or the ledger cannot be read.
    """
    try:
        return comparison.compare(comparison.prepare(files, values), ledger.read(session))
    except psycopg.Error as error:
        raise _failed(error) from error


def edits(session: Session, edited: Sequence[Edited]) -> list[str]:
    """For each versioned file that was changed after it had been applied: its name, both checksums and the difference."""
    found = []
    for one in edited:
        file = one.prepared.file
        heading = f"{file.path} was changed after it had been applied\n  applied: {one.applied_checksum}\n  now:     {one.prepared.checksum}"
        found.append("\n".join([heading, *_difference(session, file)]))
    return found


def _difference(session: Session, file: SqlFile) -> list[str]:
    try:
        before = ledger.applied_text(session, file)
    except psycopg.errors.ProgramLimitExceeded as error:  # over the Data API
        return [f"(what was applied cannot be shown: {first_line(error)})"]
    lines = list(
        difflib.unified_diff(
            before.splitlines(),
            file.text.splitlines(),
            f"{file.label} as applied",
            f"{file.label} now",
            lineterm="",
        )
    )
    return [*lines[:_DIFF_LINES], f"… {len(lines) - _DIFF_LINES} more lines"] if len(lines) > _DIFF_LINES else lines


def _failed(error: psycopg.Error) -> VectordbError:
    code = f" ({error.sqlstate})" if error.sqlstate else ""
    return VectordbError(
        f"the database failed: {first_line(error)}{code}", remedy="Apply again: what was done is not done twice."
    )
