"""Runs schedules when they are due, repeats what failed, buries what cannot be delivered."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from vectordb.local.emulator.authorization.gate import RefusedError
from vectordb.local.emulator.clock import Appointment, Clock, Timetable
from vectordb.local.emulator.schedules import expressions
from vectordb.local.emulator.schedules.expressions import Next
from vectordb.local.emulator.schedules.targets import Execution, Targets, moment
from vectordb.local.emulator.wire import ServiceError
from vectordb.local.permissions import UnsupportedPolicyError

_THREADS = 4
_LONGEST_DELAY = 60.0
_AGE, _RETRIES = 86400, 185
"""The defaults of RetryPolicy (Scheduler API reference)."""
_CLIENT_ERRORS = range(400, 500)
_THROTTLED = 429

_log = logging.getLogger(__name__)


class Runner:
    """Thread-safe.

    Args:
        clock: for all times.
        targets: what is called.
        delay: seconds before the first repetition of a failed call; each further one doubles it.
    """

    def __init__(self, clock: Clock, targets: Targets, *, delay: float = 1.0) -> None:
        self._clock = clock
        self._targets = targets
        self._delay = delay
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="schedules")
        self._timetable = Timetable(clock, self._threads)
        self._lock = threading.Lock()
        self._planned: dict[str, Appointment] = {}

    def plan(self, schedule: Any, completed: Callable[[], None]) -> None:
        """Run a new or changed schedule of moto's from now on.

        Args:
            schedule: moto's.
            completed: called when it has no further time and asks to be deleted then.
        """
        self.forget(schedule.arn)
        if schedule.state == "DISABLED":
            return
        now = self._clock.now()
        start = float(schedule.start_date) if schedule.start_date else now
        zone = schedule.schedule_expression_timezone
        following = expressions.parse(schedule.schedule_expression, zone, start)
        # Just before the start, so that a rate runs at it.
        self._plan(schedule, following, max(start, now) - 0.001, completed)

    def forget(self, arn: str) -> None:
        """A schedule was deleted or changed: it does not run any more."""
        with self._lock:
            appointment = self._planned.pop(arn, None)
            if appointment is not None:
                appointment.cancelled = True

    def fire(self, schedule: Any) -> str | None:
        """Run a schedule now, in this thread; what became of the first try: None for delivered, else the error."""
        return self._attempt(Execution(schedule.arn, dict(schedule.target), self._clock.now()), 1)

    def close(self) -> None:
        """Run nothing more."""
        self._timetable.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _plan(self, schedule: Any, following: Next, after: float, completed: Callable[[], None]) -> None:
        due = following(after)
        if due is None or (schedule.end_date and due > float(schedule.end_date)):
            if schedule.action_after_completion == "DELETE":
                completed()
            return

        def run() -> None:
            with self._lock:
                if self._planned.get(schedule.arn) is not appointment:
                    return
                del self._planned[schedule.arn]
            execution = Execution(schedule.arn, dict(schedule.target), due)
            # What fell due while the clock jumped is not made up for.
            self._plan(schedule, following, max(due, self._clock.now()), completed)
            self._attempt(execution, 1)

        with self._lock:
            appointment = self._timetable.at(due, run)
            self._planned[schedule.arn] = appointment

    def _attempt(self, execution: Execution, attempt: int) -> str | None:
        payload = execution.payload(attempt)
        try:
            self._targets.call(execution, payload)
        except (RefusedError, ServiceError) as error:
            permanent = error.status in _CLIENT_ERRORS and error.status != _THROTTLED
            self._failed(execution, attempt, (error.code, error.message), payload, permanent=permanent)
            return f"{error.code}: {error.message}"
        except UnsupportedPolicyError as error:
            self._failed(execution, attempt, ("NotImplementedException", str(error)), payload, permanent=True)
            return str(error)
        return None

    def _repeat(self, execution: Execution, attempt: int) -> None:
        self._attempt(execution, attempt)

    def _failed(
        self, execution: Execution, attempt: int, error: tuple[str, str], payload: str, *, permanent: bool
    ) -> None:
        _log.warning("%s: try %d failed: %s: %s", execution.arn, attempt, *error)
        policy = execution.target.get("RetryPolicy") or {}
        delay = min(self._delay * 2 ** (attempt - 1), _LONGEST_DELAY)
        exhausted = None
        if attempt > policy.get("MaximumRetryAttempts", _RETRIES):
            exhausted = "MaximumRetryAttempts"
        elif self._clock.now() + delay - execution.scheduled > policy.get("MaximumEventAgeInSeconds", _AGE):
            exhausted = "MaximumEventAgeInSeconds"
        if not permanent and exhausted is None:
            self._timetable.after(delay, lambda: self._repeat(execution, attempt + 1))
            return
        self._bury(execution, attempt, error, payload, exhausted)

    def _bury(
        self, execution: Execution, attempt: int, error: tuple[str, str], payload: str, exhausted: str | None
    ) -> None:
        attributes: dict[str, str | int] = {
            "ERROR_CODE": error[0],
            "ERROR_MESSAGE": error[1],
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(attempt - 1),
            "SCHEDULED_TIME": moment(execution.scheduled),
            "SCHEDULE_ARN": execution.arn,
            "TARGET_ARN": str(execution.target["Arn"]),
            **({"EXHAUSTED_RETRY_CONDITION": exhausted} if exhausted else {}),
        }
        try:
            self._targets.bury(execution, payload, attributes)
        except (RefusedError, ServiceError, UnsupportedPolicyError) as lost:
            _log.warning("%s: the dead letter is lost, too: %s", execution.arn, lost)
