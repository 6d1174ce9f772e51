"""Calls with InvocationType Event: taken at once, run when there is room, repeated, and recorded where they end.

As AWS documents it (Lambda developer guide, asynchronous invocation and its error handling): a call that the function fails is
repeated twice, one minute and two minutes later; one that is throttled goes back to the queue, after a second at first and
five minutes at last; both until it is older than the configuration allows. Then, or with a reserved concurrency of zero at
once, its record goes to the on-failure destination and its event to the dead-letter queue. The repetitions wait
`--retry-delay` seconds and twice that here, so that nobody waits minutes.
"""

import json
import logging
import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vectordb.local.emulator.clock import Clock, Timetable
from vectordb.local.emulator.functions import destinations
from vectordb.local.emulator.functions.deployed import Deployed
from vectordb.local.emulator.functions.destinations import Destinations
from vectordb.local.emulator.functions.event_configs import EventConfigs
from vectordb.local.emulator.functions.names import Target
from vectordb.local.emulator.wire import ServiceError

if TYPE_CHECKING:
    from vectordb.local.emulator.functions.service import Outcome

_LONGEST_DELAY = 300.0
"""Seconds between two tries of a call that is throttled."""
_DEAD_LETTER_MESSAGE = 1024
"""Bytes of a function's error that a dead letter carries."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Event:
    target: Target
    payload: bytes
    request_id: str
    accepted: float
    runs: int = 0
    failures: int = 0
    throttles: int = 0
    response: tuple[bytes, str, bool] | None = None


class Asynchronous:
    """Thread-safe.

    Args:
        find: the version that a target means.
        run: runs it with a payload and a request id.
        configs: what to do on failure.
        send: where records and dead letters go.
        clock: for ages and delays.
        executor: its threads wait for the functions.
        delay: seconds before the first repetition.
    """

    def __init__(
        self,
        find: Callable[[Target], Deployed],
        run: "Callable[[Deployed, Target, bytes, str], Outcome]",
        configs: EventConfigs,
        send: Destinations,
        clock: Clock,
        executor: Executor,
        *,
        delay: float,
    ) -> None:
        self._find = find
        self._run = run
        self._configs = configs
        self._send = send
        self._executor = executor
        self._delay = delay
        self._timetable = Timetable(clock, executor)

    def submit(self, target: Target, payload: bytes) -> str:
        """Take a call; returns its request id."""
        event = _Event(target, payload, str(uuid.uuid4()), self._timetable.clock.now())
        self._executor.submit(self._attempt, event)
        return event.request_id

    def close(self) -> None:
        """Forget what waits."""
        self._timetable.close()

    def _attempt(self, event: _Event) -> None:
        try:
            self._try(event)
        except Exception:  # noqa: BLE001 - nobody waits for this thread's exception
            _log.exception("the asynchronous call %s of %s is dropped", event.request_id, event.target.arn)

    def _try(self, event: _Event) -> None:
        try:
            deployed = self._find(event.target)
            if self._too_old(event, 0):
                self._end(deployed, event, "EventAgeExceeded")
            elif deployed.reserved == 0:
                self._end(deployed, event, "ZeroReservedConcurrency")
            else:
                outcome = self._run(deployed, event.target, event.payload, event.request_id)
                event.runs += 1
                event.response = outcome.payload, outcome.version, outcome.error
                self._ran(deployed, event)
        except ServiceError as error:
            if error.code != "TooManyRequestsException":
                _log.warning("the asynchronous call %s of %s is dropped: %s", event.request_id, event.target.arn, error)
                return
            event.throttles += 1
            # AWS starts at one second, whatever it waits after a failure.
            delay = min(self._delay * 2 ** (event.throttles - 1), _LONGEST_DELAY)
            self._again(event, delay, f"is throttled ({event.throttles})")

    def _ran(self, deployed: Deployed, event: _Event) -> None:
        assert event.response is not None
        config = self._configs.of(event.target)
        if not event.response[2]:
            if config.on_success:
                self._send.send(deployed, config.on_success, self._record(event, "Success"))
            return
        event.failures += 1
        delay = self._delay * event.failures
        if event.failures > config.retries:
            self._end(deployed, event, "RetriesExhausted")
        elif self._too_old(event, delay):
            self._end(deployed, event, "EventAgeExceeded")
        else:
            self._again(event, delay, f"failed ({event.failures})")

    def _again(self, event: _Event, delay: float, why: str) -> None:
        self._timetable.after(delay, lambda: self._attempt(event))
        _log.warning(
            "the asynchronous call %s of %s %s; it is repeated in %g s", event.request_id, event.target.arn, why, delay
        )

    def _too_old(self, event: _Event, delay: float) -> bool:
        return self._timetable.clock.now() + delay - event.accepted > self._configs.of(event.target).age

    def _end(self, deployed: Deployed, event: _Event, condition: str) -> None:
        """The call is given up."""
        _log.warning(
            "the asynchronous call %s of %s is given up after %d runs: %s",
            event.request_id,
            event.target.arn,
            event.runs,
            condition,
        )
        if destination := self._configs.of(event.target).on_failure:
            self._send.send(deployed, destination, self._record(event, condition))
        if deployed.dead_letters:
            self._send.send(deployed, deployed.dead_letters, event.payload.decode(), _dead_letter(event))

    @staticmethod
    def _record(event: _Event, condition: str) -> str:
        target = event.target
        return destinations.record(
            request_id=event.request_id,
            function_arn=Target(target.region, target.name, target.qualifier or "$LATEST").arn,
            condition=condition,
            count=event.runs,
            payload=event.payload,
            response=event.response,
        )


def _dead_letter(event: _Event) -> dict[str, str | int]:
    """Message attributes (Lambda developer guide, dead-letter queues)."""
    if event.response is None:
        return {"RequestID": event.request_id, "ErrorCode": 429, "ErrorMessage": "Rate Exceeded."}
    said = json.loads(event.response[0])
    message = str(said.get("errorMessage", "")) if isinstance(said, dict) else ""
    return {
        "RequestID": event.request_id,
        "ErrorCode": 200,
        # A message attribute is never empty.
        "ErrorMessage": message.encode()[:_DEAD_LETTER_MESSAGE].decode(errors="ignore") or "Unhandled",
    }
