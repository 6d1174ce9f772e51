"""What wakes the function, told apart.

    {"vectorizer": 3}                 a bell: work on this one
    {"sweep": true}                   a schedule: work on whatever there is
    {"Records": [...]} of SQS         tickets, each with one of the two in its body
    {"relay": [{"vectorizer": 3, "tickets": 4}]} a bell that wants tickets (relay.py)
    {"embed": [...], "config": {...}} the caller waits for vectors (synchronous.py)

A bell says only that there may be work. One that is lost is covered by the next sweep; one that comes twice finds nothing.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from embedder.errors import SettingsError

HIGHEST_ID = 2**31 - 1


class Ticket(NamedTuple):
    """One reason to work."""

    vectorizer: int | None
    """None for all of them."""
    message_id: str | None = None
    """Of SQS."""


def tickets(event: Any) -> list[Ticket]:
    """The reasons to work that an event brings; a message of SQS that is none of the above counts as a sweep.

    Raises:
        SettingsError: an event that is none of the above.
    """
    if not isinstance(event, dict):
        raise SettingsError("the event must be an object")
    if "Records" in event:
        if not isinstance(event["Records"], list):
            raise SettingsError("Records must be a list of messages of SQS")
        return [_message(record) for record in event["Records"]]
    return [_ticket(event)]


def is_batch(event: Any) -> bool:
    """Whether SQS brought it, and wants to know which messages failed."""
    return isinstance(event, dict) and "Records" in event


def _ticket(document: Mapping[str, Any], message_id: str | None = None) -> Ticket:
    vectorizer = document.get("vectorizer")
    if type(vectorizer) is int and 0 <= vectorizer <= HIGHEST_ID:
        return Ticket(vectorizer, message_id)
    if document.get("sweep") is True:
        return Ticket(None, message_id)
    raise SettingsError('the event must be {"vectorizer": id}, {"sweep": true}, {"embed": [...]}, or messages of SQS')


def _message(record: Any) -> Ticket:
    if not isinstance(record, dict) or record.get("eventSource") != "aws:sqs":
        raise SettingsError("the records must be messages of SQS")
    message_id = str(record.get("messageId"))
    try:
        body = json.loads(str(record.get("body")))
        return _ticket(body if isinstance(body, dict) else {}, message_id)
    except (ValueError, RecursionError, SettingsError):
        # Sent back it would come again until it is a dead letter; a look at the queue does no harm.
        return Ticket(None, message_id)
