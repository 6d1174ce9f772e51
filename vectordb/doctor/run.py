"""Runs checks side by side: each in a thread of its own that waits for those it needs, so that none hides another."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from vectordb.database import faults
from vectordb.doctor.board import Board
from vectordb.doctor.context import Context, Subject
from vectordb.doctor.findings import (
    Check,
    DeniedError,
    Finding,
    Outcome,
    Report,
    SkippedError,
    State,
    failed,
    not_applicable,
    one_line,
    warning,
    without,
)
from vectordb.errors import VectordbError

_BEYOND_THE_DATABASE = 45.0
"""Seconds for everything else: a tunnel that opens, AWS's answers."""

Progress = Callable[[int, int, str], None]
"""Told how many checks are through, of how many, and what is waited for."""


def examine(
    subject: Subject,
    checks: Sequence[Check],
    *,
    progress: Progress = lambda _done, _all, _waiting: None,
    within: float | None = None,
    **stand_ins: Any,
) -> Report:
    """Look at every link.

    Args:
        subject: what is looked at.
        checks: in the order of the report.
        progress: called when a check has ended, and when there is something to wait for.
        within: seconds after which whatever has not answered has failed; by default what the subject may take.
        stand_ins: for `Context`: now, resolve, make_client.
    """
    present = [check for check in checks if check.declared(subject)]
    run = _Run(subject, present, progress, stand_ins)
    started = time.monotonic()
    try:
        run.all(within or subject.patience + _BEYOND_THE_DATABASE)
    finally:
        run.end()
    names = {check.name for check in present}
    return Report(
        outcomes=tuple(run.outcome(check) for check in present),
        absent=tuple(check.name for check in checks if check.name not in names),
        seconds=time.monotonic() - started,
    )


class _Run:
    def __init__(
        self, subject: Subject, checks: Sequence[Check], progress: Progress, stand_ins: dict[str, Any]
    ) -> None:
        self._checks, self._progress = checks, progress
        self._board = Board(check.name for check in checks)
        self._context = Context(subject, self._board, say=self._said, **stand_ins)
        self._done = 0
        self._counting = threading.Lock()
        self._over = threading.Event()  # all have reported, or the time is up
        self._closed = threading.Event()

    def all(self, within: float) -> None:
        """Run every check; what has not ended by then has failed."""
        for check in self._checks:
            # A daemon: what hangs for ever must not keep the process.
            threading.Thread(target=self._one, args=(check,), name=check.name, daemon=True).start()
        self._over.wait(within)
        late = self._board.unfinished()
        for check in self._checks:
            if check.name in late:
                self._report(check.name, _too_late(check, late, within), within)

    def end(self) -> None:
        """Close what the checks opened, and let their threads go."""
        self._context.close()
        self._closed.set()

    def outcome(self, check: Check) -> Outcome:
        """How a check ended."""
        found = self._board.outcome(check.name)
        assert found is not None, "every check of the run has reported"
        return found

    def _one(self, check: Check) -> None:
        started = time.monotonic()
        elsewhere = check.elsewhere(self._context.subject)
        finding = not_applicable(elsewhere) if elsewhere else self._looked(check)
        self._report(check.name, finding, time.monotonic() - started - self._board.waited())
        # The kernel ends a tunnel together with the thread that started it (prctl(2), PR_SET_PDEATHSIG).
        self._closed.wait()

    def _looked(self, check: Check) -> Finding:
        try:
            self._board.need(*check.needs)
            return check.look(self._context)
        except SkippedError as error:
            return Finding(State.SKIPPED, str(error))
        except DeniedError as error:
            return warning(f"not looked at: {error.message}", error.remedy)
        except VectordbError as error:
            return failed(error.message, error.remedy or "See docs/doctor.md.")
        except psycopg.Error as error:
            return failed(faults.spoken(str(error)), "Run it again; the message is the database's own.")
        except Exception as error:  # noqa: BLE001 - one check that breaks must not hide the others
            return failed(f"{type(error).__name__}: {error}", "The check itself broke: please report it.")

    def _report(self, name: str, finding: Finding, seconds: float) -> None:
        secrets = self._context.secrets
        detail, remedy = (one_line(without(secrets, text)) for text in (finding.detail, finding.remedy))
        if self._board.report(Outcome(name, finding.state, max(0.0, seconds), detail, remedy)):
            with self._counting:
                self._done += 1
            self._progress(self._done, len(self._checks), "")
            if self._done == len(self._checks):
                self._over.set()

    def _said(self, line: str) -> None:
        self._progress(self._done, len(self._checks), line)


def _too_late(check: Check, late: Sequence[str], within: float) -> Finding:
    """One that only waited for another is not the one that failed."""
    awaited = next((name for name in check.needs if name in late), "")
    if awaited:
        return Finding(State.SKIPPED, str(SkippedError(awaited)))
    return failed(f"no answer within {within:g} s", "Run it again; then look at what this check asks.")
