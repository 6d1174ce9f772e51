"""One run of the applier over one session: each file with its line in the ledger, one applier at a time."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from vectordb.database import comparison, execution, extensions, indexes, ledger, lock, sqlfiles
from vectordb.database.comparison import Comparison, Edited, Prepared, Step
from vectordb.database.execution import SqlFileError
from vectordb.database.session import Session, lasts
from vectordb.database.sqlfiles import NO_TRANSACTION
from vectordb.database.talk import Deadline, Say
from vectordb.errors import VectordbError

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


class Applier:
    """One run.

    Args:
        session: of the master.
        prepared: every file.
        timeout: seconds to wait for the lock, and for a table that others hold.
        say: gets the progress.
        summary: to be filled.
        explain: describes edited files.
    """

    def __init__(
        self,
        session: Session,
        prepared: Sequence[Prepared],
        timeout: float,
        say: Say,
        summary: Summary,
        *,
        explain: Callable[[Session, Sequence[Edited]], list[str]],
    ) -> None:
        self.session = session
        self.prepared = prepared
        self.timeout = timeout
        self.say = say
        self.summary = summary
        self.explain = explain
        self.running = ""

    def run(self) -> None:
        """Apply what is to be applied. An unchanged database costs two round trips and no lock."""
        if lasts(self.session):
            self.session.add_notice_handler(self._notice)
        compared = self._compare(ledger.read(self.session))
        self._warn(compared)
        found = extensions.read(self.session)
        if compared.steps:
            self._check(compared.steps)
            if lasts(self.session):
                self._under_one_lock()
            else:
                for step in compared.steps:
                    self._apply(step)
            compared = self._compare(ledger.read(self.session))
            found = extensions.read(self.session)
        for line in found.warnings():
            self.say(line)
        self.summary.versions = found.installed
        # What this run applied is unchanged by now.
        self.summary.unchanged = compared.unchanged - len(set(self.summary.applied))

    def _compare(self, state: ledger.State) -> Comparison:
        compared = comparison.compare(self.prepared, state)
        if compared.edited:
            raise VectordbError(
                "\n\n".join(self.explain(self.session, compared.edited)),
                remedy="Give each file back the text that was applied, and put the change into a new file with the next number.",
            )
        return compared

    def _warn(self, compared: Comparison) -> None:
        for label in compared.missing:
            self.say(f"warning: {label} was applied to this database and has no file here; an older checkout?")
        for label in compared.late:
            self.say(f"warning: {label} is applied after files with higher numbers")

    def _check(self, steps: Sequence[Step]) -> None:
        """Refuse what could not be run to its end before anything runs."""
        for step in steps:
            file = step.prepared.file
            sqlfiles.check(file)
            if not file.transaction and not lasts(self.session):
                raise VectordbError(
                    f"{file.path}: a file without a transaction (`-- vectordb: {NO_TRANSACTION}`) is not applied over the RDS Data API: "
                    "there is no session to hold the lock, and the API may report a concurrent build as failed that went on",
                    remedy=(
                        "Apply it once over another transport (VECTORDB_TRANSPORT=ssm with a bastion, or direct from inside the VPC); "
                        "or, where the table may be locked while the index is built, take CONCURRENTLY and the header out of the file."
                    ),
                )

    def _under_one_lock(self) -> None:
        with lock.held(self.session, deadline=Deadline(self.timeout), say=self.say, needless=self._needless) as mine:
            if not mine:
                return
            state = ledger.read(self.session)  # again: it may have changed while the lock was waited for
            if not state.exists:
                ledger.create(self.session)
            for step in self._compare(state).steps:
                self._apply(step)

    def _needless(self) -> bool:
        return not comparison.compare(self.prepared, ledger.read(self.session)).steps

    def _apply(self, step: Step) -> None:
        self.running = step.label
        started = time.monotonic()
        done = self._patiently(step) if step.prepared.file.transaction else self._without_transaction(step)
        self.running = ""
        if done:
            self.summary.applied.append(step.label)
            self.say(f"applied {step.label} ({_since(started)} ms)")

    def _patiently(self, step: Step) -> bool:
        """Run a file in a transaction, again when somebody else was in the way; False when another applier has run it."""
        deadline, pause = Deadline(self.timeout), 0.5
        while True:
            try:
                return self._in_transaction(step)
            except SqlFileError as error:
                if error.sqlstate not in _IN_THE_WAY or deadline.passed():
                    raise
                self.say(f"waiting: {error.message.splitlines()[0]}; trying again")
                deadline.pause(pause)
                pause = min(5.0, pause * 2)

    def _in_transaction(self, step: Step) -> bool:
        one, started = step.prepared, time.monotonic()
        with _at_commit(step), self.session.transaction():
            if not lasts(self.session) and not self._mine(step):
                return False
            if self._unsafe():
                execution.run_own(self.session, extensions.SERIAL_BUILD_LOCAL)
            execution.run_file(self.session, one.file, one.rendered)
            # The file may have changed the role, and in a session that goes on anything else.
            execution.run_own(self.session, execution.RESET if lasts(self.session) else execution.RESET_USER)
            ledger.record(self.session, one.file, one.checksum, duration_ms=_since(started))
        return True

    def _mine(self, step: Step) -> bool:
        """Take the lock for this transaction; whether the file is still to be run then."""
        lock.taken(self.session, deadline=Deadline(self.timeout), say=self.say)
        if not ledger.exists(self.session):
            ledger.create(self.session)
        left = self._compare(ledger.read(self.session)).steps
        return any(other.prepared is step.prepared for other in left)

    def _without_transaction(self, step: Step) -> bool:
        """Run each statement by itself, then write the ledger. A run that is killed in between runs the file again."""
        one, started = step.prepared, time.monotonic()
        built = indexes.built_concurrently(one.rendered.text)
        # A concurrent build waits for older transactions and keeps nobody waiting; giving up would leave an invalid index.
        execution.run_own(self.session, "SET lock_timeout = 0")
        for index in indexes.invalid(self.session, built):
            self.say(f"{step.label}: removing {index.schema}.{index.name}, which an interrupted build left INVALID")
            self.session.execute(index.drop())
        if self._unsafe():
            execution.run_own(self.session, extensions.SERIAL_BUILD)
        try:
            execution.run_file(self.session, one.file, one.rendered)
        except SqlFileError as error:
            raise self._with_invalid(error, built) from error
        finally:
            if not self.session.closed:
                self._settle()
        if left := indexes.invalid(self.session, built):
            names = ", ".join(f"{index.schema}.{index.name}" for index in left)
            raise VectordbError(
                f"{one.file.path}: INVALID after the build: {names}",
                remedy="Apply again: an invalid index of this file is removed and built anew.",
            )
        ledger.record(self.session, one.file, one.checksum, duration_ms=_since(started))
        return True

    def _unsafe(self) -> bool:
        return extensions.read(self.session).pgvector_is_unsafe()

    def _settle(self) -> None:
        """Leave the session as it was found, whatever the file did to it."""
        assert lasts(self.session)
        status = self.session.info.transaction_status
        if status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}:
            execution.run_own(self.session, "ROLLBACK")
        execution.run_own(self.session, execution.RESET)

    def _with_invalid(self, error: SqlFileError, built: list[str]) -> SqlFileError:
        left = [] if self.session.closed else indexes.invalid(self.session, built)
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
            f"{step.prepared.file.path}: at the end of its transaction: {error.sqlstate or '(no SQLSTATE)'}: {first_line(error)}{more}",
            sqlstate=error.sqlstate or "",
            remedy="Nothing of this file was kept, and no file after it ran. Correct it, then apply again.",
        ) from error


def first_line(error: Exception) -> str:
    """Of what an error says; its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _since(started: float) -> int:
    """Whole milliseconds."""
    return round((time.monotonic() - started) * 1000)
