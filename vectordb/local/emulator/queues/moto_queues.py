"""What moto's SQS has to learn: one thread at a time in a queue, receipt handles that expire, policies for redrives."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from vectordb.local.emulator import ACCOUNT
from vectordb.local.emulator.clock import Clock
from vectordb.local.emulator.wire import ServiceError

_LONGEST_WAIT = 1.0
"""Seconds; then whoever waits looks whether the queue is still there."""


def find(arn: str) -> Any:
    """The queue of an ARN, None when there is none."""
    from moto.sqs.models import sqs_backends

    parts = arn.split(":")
    return sqs_backends[ACCOUNT][parts[3]].queues.get(parts[-1]) if len(parts) == 6 else None  # noqa: PLR2004 - arn:aws:sqs:region:account:name


def send(arn: str, body: str, attributes: Mapping[str, str | int] | None = None) -> None:
    """Put a message into a queue; `attributes` become message attributes of type String or Number.

    Raises:
        ServiceError: there is no such queue.
    """
    from moto.sqs.models import sqs_backends

    given = {
        name: {"DataType": "Number" if isinstance(value, int) else "String", "StringValue": str(value)}
        for name, value in (attributes or {}).items()
    }
    queue = find(arn)
    if queue is None:
        raise ServiceError("AWS.SimpleQueueService.NonExistentQueue", f"The specified queue does not exist: {arn}")
    sqs_backends[ACCOUNT][queue.region].send_message(queue.name, body, message_attributes=given)


def receive(queue: Any, count: int, seconds: float, *, open_: Callable[[], bool] = lambda: True) -> list[Any]:
    """Up to `count` messages as moto's copies, for which this waits `seconds` at most.

    Args:
        queue: moto's.
        count: 1 to 10.
        seconds: by the emulator's clock.
        open_: asked under the queue's lock before each look; nothing is taken once it says no.
    """
    from moto.sqs.models import sqs_backends

    return _receive(
        sqs_backends[queue.account_id][queue.region], queue, count, seconds, queue.visibility_timeout, ["All"], open_
    )


def delete(queue: Any, receipt_handles: list[str]) -> None:
    """Delete messages; those that are gone are no error."""
    from moto.sqs.exceptions import ReceiptHandleIsInvalid

    for handle in receipt_handles:
        try:
            queue.delete_message(handle)
        except ReceiptHandleIsInvalid:
            continue


_now: Callable[[], float]
_take: Any


def _receive(
    backend: Any,
    queue: Any,
    count: int,
    seconds: float,
    visibility: int,
    names: list[str] | None,
    open_: Callable[[], bool] = lambda: True,
) -> list[Any]:
    end = _now() + seconds
    with queue._messages_lock:  # noqa: SLF001 - moto has no other name for it
        while open_():
            messages: list[Any] = _take(backend, queue.name, count, 0, visibility, names)
            remaining = end - _now()
            if messages or remaining <= 0:
                return messages
            queue._messages_lock.wait(min(remaining, _until_visible(queue), _LONGEST_WAIT))  # noqa: SLF001 - as above
            backend.get_queue(queue.name)  # raises when it was deleted meanwhile
    return []


def _until_visible(queue: Any) -> float:
    """Seconds until a message that cannot be seen now can be."""
    now = _now() * 1000
    moments = [max(message.visible_at, message.delayed_until) for message in queue._messages]  # noqa: SLF001 - as above
    # A millisecond more: moto compares with "later than".
    return min((moment - now for moment in moments if moment >= now), default=_LONGEST_WAIT * 1000) / 1000 + 0.001


def extend_moto(clock: Clock) -> None:
    """Teach moto's queues what the package's docstring says; once in a process."""
    global _now, _take  # noqa: PLW0603 - moto's classes are the process's, too
    from moto.sqs import models

    _now = clock.now
    _take = models.SQSBackend.receive_message
    changes: Any = models
    changes.unix_time, changes.unix_time_millis = clock.now, clock.milliseconds
    queue_class: Any = models.Queue
    backend_class: Any = models.SQSBackend
    _delete_by_the_last_receipt(queue_class)
    _know_redrive_allow_policies(queue_class)

    def receive_message(
        self: Any, queue_name: str, count: int, wait: float, visibility: int, names: list[str] | None = None
    ) -> list[Any]:
        return _receive(self, self.get_queue(queue_name), count, wait, visibility, names)

    backend_class.receive_message = receive_message
    backend_class.purge_queue = _locked(models.SQSBackend.purge_queue)
    backend_class.change_message_visibility = _locked(models.SQSBackend.change_message_visibility)

    def wake() -> None:
        for backend in list(models.sqs_backends[ACCOUNT].values()):
            for queue in list(backend.queues.values()):
                with queue._messages_lock:  # noqa: SLF001 - as above
                    queue._messages_lock.notify_all()  # noqa: SLF001 - as above

    clock.when_advanced(wake)


def _locked(change: Callable[..., Any]) -> Callable[..., Any]:
    def changed(self: Any, queue_name: str, *arguments: Any, **named: Any) -> Any:
        queue = self.get_queue(queue_name)
        with queue._messages_lock:  # noqa: SLF001 - as above
            made = change(self, queue_name, *arguments, **named)
            queue._messages_lock.notify_all()  # noqa: SLF001 - as above
        return made

    return changed


def _delete_by_the_last_receipt(queue_class: Any) -> None:
    """SQS API reference, DeleteMessage: with an earlier receipt handle the request succeeds and nothing is deleted."""
    remove = queue_class.delete_message

    def delete_message(self: Any, receipt_handle: str) -> None:
        with self._messages_lock:
            outdated = any(
                message.had_receipt_handle(receipt_handle) and message.receipt_handle != receipt_handle
                for message in self._messages
            )
            if not outdated:
                remove(self, receipt_handle)

    queue_class.delete_message = delete_message


def _know_redrive_allow_policies(queue_class: Any) -> None:
    from moto.sqs.exceptions import SQSException

    setup = queue_class._setup_dlq  # noqa: SLF001 - as above
    queue_class.redrive_allow_policy = None
    queue_class.BASE_ATTRIBUTES = [*queue_class.BASE_ATTRIBUTES, "RedriveAllowPolicy"]

    def setup_dlq(self: Any, policy: Any) -> None:
        setup(self, policy)
        target = self.dead_letter_queue
        if target is not None and not _may_redrive(target.redrive_allow_policy, self.queue_arn):
            self.dead_letter_queue = None
            raise SQSException(
                "InvalidParameterValue",
                f"Value {policy} for parameter RedrivePolicy is invalid. Reason: the redrive allow policy of "
                f"{target.queue_arn} does not allow {self.queue_arn} as a source queue.",
            )

    queue_class._setup_dlq = setup_dlq  # noqa: SLF001 - as above


def _may_redrive(policy: str | None, source: str) -> bool:
    """SQS developer guide, dead-letter queues, redrive allow policy: allowAll (also without one), denyAll, byQueue."""
    document = json.loads(policy or "{}")
    permission = document.get("redrivePermission", "allowAll")
    return permission == "allowAll" or (permission == "byQueue" and source in document.get("sourceQueueArns", []))
