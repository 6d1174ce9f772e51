"""The time of queues, schedules and asynchronous calls: the machine's, and as much ahead of it as a test asks for.

    POST /_vectordb/clock {"advance": 60}

makes a minute pass: messages become visible again, schedules fall due, failed calls are repeated. The time within a function's
call is not touched. Nothing sets the clock back.
"""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

from vectordb.local.emulator.wire import ServiceError

_log = logging.getLogger(__name__)


class Clock:
    """Thread-safe."""

    def __init__(self) -> None:
        self.ahead = 0.0
        """Seconds that a test has asked for."""
        self._listeners: list[Callable[[], None]] = []

    def now(self, *_: object) -> float:
        """Seconds since 1970. Arguments are ignored, so that it can stand where moto asks for the time of a date."""
        return time.time() + self.ahead

    def milliseconds(self, *_: object) -> float:
        """The same in milliseconds."""
        return self.now() * 1000

    def when_advanced(self, listener: Callable[[], None]) -> None:
        """Have something called each time the clock jumps: whoever waits must look again."""
        self._listeners.append(listener)

    def advance(self, document: dict[str, object]) -> None:
        """Take what POST /_vectordb/clock says.

        Raises:
            ServiceError: it is no positive number of seconds.
        """
        seconds = document.get("advance")
        if set(document) != {"advance"} or not isinstance(seconds, int | float) or seconds <= 0:
            raise ServiceError("ValidationException", "The clock takes advance, a positive number of seconds")
        self.ahead += seconds
        for listener in list(self._listeners):
            listener()


@dataclass(order=True, slots=True)
class Appointment:
    """Something to be called at a time; `cancelled` may be set by any thread."""

    due: float
    number: int
    call: Callable[[], None] = field(compare=False)
    cancelled: bool = field(compare=False, default=False)


class Timetable:
    """Calls things when they are due, each in a thread of `executor`. Its own thread starts with the first appointment."""

    def __init__(self, clock: Clock, executor: Executor) -> None:
        self.clock = clock
        self._executor = executor
        self._changed = threading.Condition()
        self._appointments: list[Appointment] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False
        clock.when_advanced(self._wake)

    def at(self, due: float, call: Callable[[], None]) -> Appointment:
        """Have `call` called at `due` (seconds since 1970), at once when that is past."""
        with self._changed:
            appointment = Appointment(due, next(self._numbers), call)
            heapq.heappush(self._appointments, appointment)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="timetable", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return appointment

    def after(self, seconds: float, call: Callable[[], None]) -> Appointment:
        """Have `call` called in some seconds."""
        return self.at(self.clock.now() + seconds, call)

    def close(self) -> None:
        """Forget all appointments."""
        with self._changed:
            self._closed = True
            self._appointments.clear()
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                remaining = self._appointments[0].due - self.clock.now() if self._appointments else None
                if remaining is None or remaining > 0:
                    self._changed.wait(remaining if remaining is None else min(remaining, threading.TIMEOUT_MAX))
                    continue
                appointment = heapq.heappop(self._appointments)
                if not appointment.cancelled:
                    self._executor.submit(self._keep, appointment)

    @staticmethod
    def _keep(appointment: Appointment) -> None:
        if appointment.cancelled:
            return
        try:
            appointment.call()
        except Exception:  # noqa: BLE001 - nobody waits for this thread's exception
            _log.exception("what was due failed")
