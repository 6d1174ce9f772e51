"""Messages over a restart: written when the emulator ends, put back when the queue of that name is created again."""

import base64
import json
import logging
from pathlib import Path
from typing import Any

from vectordb.local.emulator import ACCOUNT

_FIELDS = (
    "body",
    "sent_timestamp",
    "approximate_first_receive_timestamp",
    "approximate_receive_count",
    "visible_at",
    "delayed_until",
    "deduplication_id",
    "group_id",
    "sequence_number",
)

_log = logging.getLogger(__name__)


class Kept:
    """The messages of the last run; thread-safe as far as moto's CreateQueue is.

    Args:
        file: where they are between the runs.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._waiting: dict[str, list[dict[str, Any]]] = {}

    def extend_moto(self) -> None:
        """Read what was kept, and give it to the queues that are created; once in a process."""
        from moto.sqs import models

        try:
            self._waiting = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass
        except ValueError:
            _log.warning("%s cannot be read: the queues start empty", self._file)
        backend_class: Any = models.SQSBackend
        create = backend_class.create_queue
        kept = self

        def create_queue(self: Any, name: str, *arguments: Any, **named: Any) -> Any:
            queue = create(self, name, *arguments, **named)
            for fields in kept._waiting.pop(queue.queue_arn, ()):
                queue.add_message(_message(models.Message, fields))
            return queue

        backend_class.create_queue = create_queue

    def write(self, ahead: float) -> None:
        """Keep what is in the queues now, and what is of queues that were not created in this run.

        Args:
            ahead: seconds that this run's clock is ahead of the next one's.
        """
        from moto.sqs.models import sqs_backends

        found = dict(self._waiting)
        for backend in list(sqs_backends[ACCOUNT].values()):
            for queue in list(backend.queues.values()):
                if messages := [_fields(message, ahead * 1000) for message in list(queue._messages)]:  # noqa: SLF001 - moto has no other name for them
                    found[queue.queue_arn] = messages
        unfinished = self._file.with_name(self._file.name + ".new")
        unfinished.write_text(json.dumps(found), encoding="utf-8")
        unfinished.replace(self._file)


def _fields(message: Any, ahead: float) -> dict[str, Any]:
    attributes = {
        name: {**value, "BinaryValue": base64.b64encode(value["BinaryValue"]).decode()}
        if isinstance(value.get("BinaryValue"), bytes)
        else value
        for name, value in message.message_attributes.items()
    }
    fields = {name: getattr(message, name) for name in _FIELDS}
    times = {name: fields[name] - ahead for name in ("visible_at", "delayed_until")}
    return {"id": message.id, "attributes": attributes, **fields, **times}


def _message(message_class: Any, fields: dict[str, Any]) -> Any:
    message = message_class(fields["id"], fields["body"])
    for name in _FIELDS:
        setattr(message, name, fields[name])
    message.message_attributes = {
        name: {**value, "BinaryValue": base64.b64decode(value["BinaryValue"])} if "BinaryValue" in value else value
        for name, value in fields["attributes"].items()
    }
    return message
