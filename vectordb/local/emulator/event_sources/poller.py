"""The poller of one mapping: gathers batches in one thread, delivers each in another."""

import logging
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from vectordb.local.emulator.authorization.acting import Acting
from vectordb.local.emulator.authorization.asked import Asked
from vectordb.local.emulator.authorization.gate import RefusedError
from vectordb.local.emulator.authorization.principals import Session
from vectordb.local.emulator.clock import Clock
from vectordb.local.emulator.event_sources import batches
from vectordb.local.emulator.functions.deployed import Deployed
from vectordb.local.emulator.functions.names import Target
from vectordb.local.emulator.queues import keys, moto_queues
from vectordb.local.emulator.wire import ServiceError
from vectordb.local.permissions import UnsupportedPolicyError

SERVICE = "lambda.amazonaws.com"
RECEIVE, DELETE, ATTRIBUTES = "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"
_LARGEST_EVENT = 6 * 1024 * 1024
_AT_ONCE = 10
"""Messages of one ReceiveMessage."""
_TURN = 1.0
"""Seconds of one long poll; AWS's takes twenty."""
_THROTTLED = 0.2
"""Seconds between two tries of a batch that is throttled."""

_log = logging.getLogger(__name__)


class Runs(Protocol):
    """What a poller needs of the functions."""

    def find(self, target: Target, /) -> Deployed:
        """The version that a target means."""

    def run(self, deployed: Deployed, target: Target, payload: bytes, request_id: str, /) -> tuple[bytes, bool]:
        """The answer, and whether it is an error."""


def check(acting: Acting, deployed: Deployed, action: str, queue_arn: str, *, each: bool = False) -> None:
    """Judge what a poller does with the function's role.

    Raises:
        RefusedError: the role may not.
        UnsupportedPolicyError: nobody can tell.
    """
    through = keys.taken(action, moto_queues.find(queue_arn))
    session = Session(deployed.role, deployed.name)
    acting.check(SERVICE, session, Asked((action,), (queue_arn,), through), deployed.region, each=each)


class Poller:
    """Polls from its making until `stop`.

    Args:
        mapping: moto's; read anew for each batch, so that changes hold at once.
        target: the function, with its qualifier.
        functions: finds and runs it.
        acting: judges.
        clock: for windows and timeouts.
        concurrency: how many batches may be in the function at once.
    """

    def __init__(
        self, mapping: Any, target: Target, functions: Runs, acting: Acting, clock: Clock, *, concurrency: int
    ) -> None:
        self._mapping = mapping
        self._target = target
        self._functions = functions
        self._acting = acting
        self._clock = clock
        self._stopped = threading.Event()
        self._slots = threading.BoundedSemaphore(concurrency)
        self._delivering = ThreadPoolExecutor(concurrency, thread_name_prefix=f"batch-{target.name}")
        self._left: list[Any] = []
        threading.Thread(target=self._run, name=f"poller-{target.name}", daemon=True).start()

    def stop(self) -> None:
        """Take no more messages: none is taken after this has returned. Batches that are delivered go on."""
        self._stopped.set()
        queue = moto_queues.find(self._mapping.event_source_arn)
        if queue is not None:
            with queue._messages_lock:  # noqa: SLF001 - moto has no other name for it
                queue._messages_lock.notify_all()  # noqa: SLF001 - as above

    def _run(self) -> None:
        while not self._stopped.is_set():
            if not self._slots.acquire(timeout=_TURN):
                continue
            begun = False
            try:
                begun = self._turn()
            except Exception:  # noqa: BLE001 - a poller goes on whatever happens
                _log.exception("polling for %s failed", self._target.arn)
                self._stopped.wait(_TURN)
            finally:
                if not begun:
                    self._slots.release()
        self._delivering.shutdown(wait=False)

    def _turn(self) -> bool:
        """One batch; whether one is being delivered, which then lets go of the slot."""
        arn = self._mapping.event_source_arn
        queue = moto_queues.find(arn)
        try:
            deployed = self._functions.find(self._target)
            check(self._acting, deployed, RECEIVE, arn)
            check(self._acting, deployed, ATTRIBUTES, arn)
        except (ServiceError, RefusedError, UnsupportedPolicyError) as error:
            return self._wait(str(error))
        if queue is None:
            return self._wait(f"The queue {arn} does not exist.")
        messages = self._gather(queue)
        if not messages:
            return False
        self._delivering.submit(self._deliver, deployed, queue, messages, _back(messages))
        return True

    def _wait(self, problem: str) -> bool:
        """Nothing can be taken for now."""
        self._say(f"PROBLEM: {problem}")
        self._stopped.wait(_TURN)
        return False

    def _gather(self, queue: Any) -> list[Any]:
        """A batch: what one receive finds, or with a window what comes until it is full or the window over."""
        size, window = self._mapping.batch_size, self._mapping.max_batch_window or 0
        messages, self._left = self._left, []
        messages = messages or self._receive(queue, min(size, _AT_ONCE), _TURN)
        # From when the first one was received, which its visibility tells.
        end = _back(messages) - queue.visibility_timeout + window
        while window and messages and len(messages) < size and not self._stopped.is_set():
            remaining = end - self._clock.now()
            more = self._receive(queue, min(size - len(messages), _AT_ONCE), min(max(remaining, 0), _TURN))
            messages += more
            if remaining <= 0 or _bytes(messages) > _LARGEST_EVENT:
                break
        while len(messages) > 1 and _bytes(messages) > _LARGEST_EVENT:
            self._left.insert(0, messages.pop())
        return messages

    def _receive(self, queue: Any, count: int, seconds: float) -> list[Any]:
        return moto_queues.receive(queue, count, seconds, open_=lambda: not self._stopped.is_set())

    def _deliver(self, deployed: Deployed, queue: Any, messages: list[Any], until: float) -> None:
        try:
            answer = self._answer(batches.event(messages, queue.queue_arn), until)
            if answer is None:
                return
            kept = set[str]()
            if batches.REPORT in (self._mapping.function_response_types or []):
                kept = batches.failed(answer, [message.id for message in messages])
            done = [message.receipt_handle for message in messages if message.id not in kept]
            if done:
                check(self._acting, deployed, DELETE, queue.queue_arn)
                moto_queues.delete(queue, done)
            self._say("OK")
        except (RefusedError, UnsupportedPolicyError) as error:
            self._say(f"PROBLEM: {error}")
        except Exception:  # noqa: BLE001 - nobody waits for this thread's exception
            _log.exception("a batch of %s is left to its timeout", self._target.arn)
        finally:
            self._slots.release()

    def _answer(self, payload: bytes, until: float) -> bytes | None:
        """What the function answers to a batch; None when it fails, or is throttled until the messages come back."""
        request_id = str(uuid.uuid4())
        while True:
            try:
                # Found anew: it may have changed while this polled or waited.
                deployed = self._functions.find(self._target)
                answer, error = self._functions.run(deployed, self._target, payload, request_id)
            except ServiceError as refused:
                throttled = refused.code == "TooManyRequestsException"
                if not throttled or self._stopped.is_set() or self._clock.now() + _THROTTLED >= until:
                    self._say(f"PROBLEM: {refused.message}")
                    return None
                self._stopped.wait(_THROTTLED)
                continue
            if error:
                self._say("PROBLEM: Function call failed")
                return None
            return answer

    def _say(self, result: str) -> None:
        if result not in {"OK", self._mapping.last_processing_result}:
            _log.warning("mapping %s of %s: %s", self._mapping.uuid, self._target.arn, result)
        self._mapping.last_processing_result = result


def _back(messages: list[Any]) -> float:
    """When the first of the messages can be seen again, in seconds since 1970."""
    return min((message.visible_at for message in messages), default=0.0) / 1000


def _bytes(messages: list[Any]) -> int:
    return sum(len(message.body.encode()) for message in messages)
