"""`vectordb migrate`: bring a database to what a folder of SQL files says, each file once, whoever else does the same at that time."""

import difflib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from vectordb.database import comparison, execution, extensions, indexes, ledger, lock, sqlfiles
from vectordb.database.comparison import Comparison, Edited, Prepared, Step
from vectordb.database.execution import SqlFileError
from vectordb.database.sqlfiles import SqlFile
from vectordb.database.talk import Deadline, Say
from vectordb.errors import VectordbError

Connection = psycopg.Connection[tuple[Any, ...]]
Connect = Callable[[], AbstractContextManager[Connection]]

_CONNECTIONS = 3  # a statement that crashes the server would otherwise crash it for ever
_DIFF_LINES = 200

# lock_not_available, deadlock_detected, serialization_failure: somebody else was in the way, nothing is wrong with the file.
_IN_THE_WAY = {"55P03", "40P01", "40001"}


@dataclass
class Summary:
    """What `apply` did."""

    applied: list[str] = field(default_factory=list)
    unchanged: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    duration_ms: int = 0

    def as_json(self) -> dict[str, Any]:
        """In the order in which it is printed."""
        return {
            "applied": self.applied,
            "unchanged": self.unchanged,
            "versions": dict(sorted(self.versions.items())),
            "duration_ms": self.duration_ms,
        }


def apply(
    connect: Connect, files: Sequence[SqlFile], values: Mapping[str, str], *, timeout: float, say: Say
) -> Summary:
    """Apply what is new or changed. An interrupted run, even one that was killed, is continued by the next.

    Args:
        connect: opens a connection in autocommit mode; called again when one is lost.
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
        with connect() as connection:
            try:
                _Applier(connection, prepared, timeout, say, summary).run()
                break
            except (psycopg.Error, SqlFileError) as error:
                if not connection.broken or attempt == _CONNECTIONS:
                    if isinstance(error, VectordbError):
                        raise
                    raise _failed(error) from error
                say(f"waiting: the connection was lost ({_first_line(error)}); connecting again")
    summary.duration_ms = _since(started)
    return summary


def plan(connection: Connection, files: Sequence[SqlFile], values: Mapping[str, str]) -> Comparison:
    """What `apply` would do. Changes nothing and takes no lock.

    Raises:
        VectordbError: the files or the ledger cannot be read.
    """
    try:
        return comparison.compare(comparison.prepare(files, values), ledger.read(connection))
    except psycopg.Error as error:
        raise _failed(error) from error


def edits(connection: Connection, edited: Sequence[Edited]) -> list[str]:
    """For each versioned file that was changed after it had been applied: its name, both checksums and the difference."""
    found = []
    for one in edited:
        file = one.prepared.file
        before = ledger.applied_text(connection, file)
        lines = list(
            difflib.unified_diff(
                before.splitlines(),
                file.text.splitlines(),
                f"{file.label} as applied",
                f"{file.label} now",
                lineterm="",
            )
        )
        if len(lines) > _DIFF_LINES:
            lines = [*lines[:_DIFF_LINES], f"… {len(lines) - _DIFF_LINES} more lines"]
        heading = f"{file.path} was changed after it had been applied\n  applied: {one.applied_checksum}\n  now:     {one.prepared.checksum}"
        found.append("\n".join([heading, *lines]))
    return found


class _Applier:
    """One run over one connection."""

    def __init__(
        self, connection: Connection, prepared: Sequence[Prepared], timeout: float, say: Say, summary: Summary
    ) -> None:
        self.connection = connection
        self.prepared = prepared
        self.timeout = timeout
        self.say = say
        self.summary = summary
        self.running = ""

    def run(self) -> None:
        """Apply what is to be applied. An unchanged database costs two round trips and no lock."""
        self.connection.add_notice_handler(self._notice)
        state = ledger.read(self.connection)
        compared = self._compare(state)
        self._warn(compared)
        found = extensions.read(self.connection)
        if compared.steps:
            with lock.held(
                self.connection, deadline=Deadline(self.timeout), say=self.say, needless=self._needless
            ) as mine:
                if mine:
                    self._steps()
            compared = self._compare(ledger.read(self.connection))
            found = extensions.read(self.connection)
        for line in found.warnings():
            self.say(line)
        self.summary.versions = found.installed
        # What this run applied is unchanged by now.
        self.summary.unchanged = compared.unchanged - len(set(self.summary.applied))

    def _compare(self, state: ledger.State) -> Comparison:
        compared = comparison.compare(self.prepared, state)
        if compared.edited:
            raise VectordbError(
                "\n\n".join(edits(self.connection, compared.edited)),
                remedy="Give each file back the text that was applied, and put the change into a new file with the next number.",
            )
        return compared

    def _warn(self, compared: Comparison) -> None:
        for label in compared.missing:
            self.say(f"warning: {label} was applied to this database and has no file here; an older checkout?")
        for label in compared.late:
            self.say(f"warning: {label} is applied after files with higher numbers")

    def _needless(self) -> bool:
        return not comparison.compare(self.prepared, ledger.read(self.connection)).steps

    def _steps(self) -> None:
        state = ledger.read(self.connection)  # again: it may have changed while the lock was waited for
        steps = self._compare(state).steps
        for step in steps:
            sqlfiles.check(step.prepared.file)
        if not state.exists:
            ledger.create(self.connection)
        for step in steps:
            self.running = step.label
            started = time.monotonic()
            if step.prepared.file.transaction:
                self._patiently(step)
            else:
                self._without_transaction(step)
            self.running = ""
            self.summary.applied.append(step.label)
            self.say(f"applied {step.label} ({_since(started)} ms)")

    def _patiently(self, step: Step) -> None:
        """Run a file in a transaction, again when somebody else was in the way."""
        deadline, pause = Deadline(self.timeout), 0.5
        while True:
            try:
                self._in_transaction(step)
            except SqlFileError as error:
                if error.sqlstate not in _IN_THE_WAY or deadline.passed():
                    raise
                self.say(f"waiting: {error.message.splitlines()[0]}; trying again")
                deadline.pause(pause)
                pause = min(5.0, pause * 2)
            else:
                return

    def _in_transaction(self, step: Step) -> None:
        one, started = step.prepared, time.monotonic()
        with _at_commit(step), self.connection.transaction():
            self._guard()
            execution.run_file(self.connection, one.file, one.rendered)
            execution.run(self.connection, execution.RESET)  # the file may have changed the role
            ledger.record(self.connection, one.file, one.checksum, duration_ms=_since(started))

    def _without_transaction(self, step: Step) -> None:
        """Run each statement by itself, then write the ledger. A run that is killed in between runs the file again."""
        one, started = step.prepared, time.monotonic()
        built = indexes.built_concurrently(one.rendered.text)
        # A concurrent build waits for older transactions and keeps nobody waiting; giving up would leave an invalid index.
        execution.run(self.connection, "SET lock_timeout = 0")
        for index in indexes.invalid(self.connection, built):
            self.say(f"{step.label}: removing {index.schema}.{index.name}, which an interrupted build left INVALID")
            self.connection.execute(index.drop())
        self._guard()
        try:
            execution.run_file(self.connection, one.file, one.rendered)
        except SqlFileError as error:
            raise self._with_invalid(error, built) from error
        finally:
            if not self.connection.closed:
                self._settle()
        if left := indexes.invalid(self.connection, built):
            names = ", ".join(f"{index.schema}.{index.name}" for index in left)
            raise VectordbError(
                f"{one.file.path}: INVALID after the build: {names}",
                remedy="Apply again: an invalid index of this file is removed and built anew.",
            )
        ledger.record(self.connection, one.file, one.checksum, duration_ms=_since(started))

    def _guard(self) -> None:
        if extensions.read(self.connection).pgvector_is_unsafe():
            execution.run(self.connection, extensions.SERIAL_BUILD)

    def _settle(self) -> None:
        """Leave the session as it was found, whatever the file did to it."""
        status = self.connection.info.transaction_status
        if status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}:
            execution.run(self.connection, "ROLLBACK")
        execution.run(self.connection, execution.RESET)

    def _with_invalid(self, error: SqlFileError, built: list[str]) -> SqlFileError:
        left = [] if self.connection.closed else indexes.invalid(self.connection, built)
        if not left:
            return error
        names = ", ".join(f"{index.schema}.{index.name}" for index in left)
        return SqlFileError(
            f"{error.message}\n  The failed build left an INVALID index, which no query uses: {names}",
            sqlstate=error.sqlstate,
            remedy=f"{error.remedy} The next apply removes the invalid index first; to do it by hand: DROP INDEX CONCURRENTLY {names};",
        )

    def _notice(self, diag: psycopg.errors.Diagnostic) -> None:
        said = f"{self.running or 'database'}: {diag.severity or 'NOTICE'}: {diag.message_primary or ''}"
        self.say(" ".join(filter(None, (said, diag.message_detail, diag.message_hint))))


@contextmanager
def _at_commit(step: Step) -> Iterator[None]:
    """What fails outside the file's own statements, as a deferred constraint does at COMMIT, is told with the file's name."""
    try:
        yield
    except psycopg.Error as error:
        more = "".join(
            f"\n  {title}: {said}"
            for title, said in (("DETAIL", error.diag.message_detail), ("HINT", error.diag.message_hint))
            if said
        )
        raise SqlFileError(
            f"{step.prepared.file.path}: at the end of its transaction: {error.sqlstate or '(no SQLSTATE)'}: {_first_line(error)}{more}",
            sqlstate=error.sqlstate or "",
            remedy="Nothing of this file was kept, and no file after it ran. Correct it, then apply again.",
        ) from error


def _failed(error: psycopg.Error) -> VectordbError:
    code = f" ({error.sqlstate})" if error.sqlstate else ""
    return VectordbError(
        f"the database failed: {_first_line(error)}{code}", remedy="Apply again: what was done is not done twice."
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _since(started: float) -> int:
    """Whole milliseconds."""
    return round((time.monotonic() - started) * 1000)
