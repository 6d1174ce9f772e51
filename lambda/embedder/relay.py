"""Tickets into Amazon SQS: SQL cannot send a message, so a bell asks the worker to; and work that outlasts a call is another ticket.

{"relay": [{"vectorizer": 3, "tickets": 4}]}     so many messages {"vectorizer": 3}
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from embedder import connections, settings, signing, transport
from embedder.database import UnavailableError
from embedder.errors import SettingsError
from embedder.events import HIGHEST_ID, Ticket

MOST_TICKETS = 100
"""Of one bell."""
BATCH = 10
"""SQS API, SendMessageBatch."""
CALL_SECONDS = 10.0
LATER_SECONDS = 5
"""Before work that is left is looked at again: what throttles or waits has that long to change."""
COMMIT_SECONDS = 1
"""A bell rings just before its transaction commits: a ticket that is taken earlier finds nothing."""
_OK = 200


def tickets(event: Mapping[str, Any]) -> list[Ticket]:
    """The tickets that a bell asks for. Raises SettingsError."""
    asked = event.get("relay")
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        raise SettingsError('relay must be a list of {"vectorizer": id, "tickets": count}')
    found: list[Ticket] = []
    for one in asked:
        vectorizer, count = one.get("vectorizer"), one.get("tickets", 1)
        if type(vectorizer) is not int or not 0 <= vectorizer <= HIGHEST_ID or type(count) is not int or count < 1:
            raise SettingsError('relay must be a list of {"vectorizer": id, "tickets": count}')
        found += [Ticket(vectorizer)] * min(count, MOST_TICKETS)
    return found[:MOST_TICKETS]


def queue_url() -> str:
    """The queue of tickets; empty when there is none."""
    return os.environ.get(settings.QUEUE_URL, "")


def send(sent: Sequence[Ticket], delay_seconds: int = 0) -> int:
    """Put tickets into the queue; how many were taken.

    Raises:
        SettingsError: there is no queue.
        UnavailableError: SQS cannot be asked, or refuses.
    """
    url = queue_url()
    if not url:
        raise SettingsError(f"there is no queue for tickets; set {settings.QUEUE_URL}")
    for batch in _batches(sent):
        entries = [
            {
                "Id": str(place),
                "MessageBody": json.dumps(
                    {"sweep": True} if one.vectorizer is None else {"vectorizer": one.vectorizer}
                ),
                "DelaySeconds": delay_seconds,
            }
            for place, one in enumerate(batch)
        ]
        answer = _asked(url, {"QueueUrl": url, "Entries": entries})
        if failed := answer.get("Failed"):
            raise UnavailableError(f"SQS refused {len(failed)} tickets ({failed[0].get('Code')})")
    return len(sent)


def _batches(sent: Sequence[Ticket]) -> Iterator[Sequence[Ticket]]:
    for start in range(0, len(sent), BATCH):
        yield sent[start : start + BATCH]


def _asked(url: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """SendMessageBatch, once: Lambda tries a bell again, and a ticket comes again by itself."""
    origin = next(filter(None, map(os.environ.get, ("AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"))), "")
    parts = urlsplit(url)
    origin = (origin or f"{parts.scheme}://{parts.netloc}").rstrip("/")
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessageBatch"}
    body = json.dumps(document).encode()
    try:
        signed = signing.request("sqs", settings.region(), f"{origin}/", body, headers)
        reply = transport.exchange(origin, "/", signed.body, dict(signed.headers.items()), CALL_SECONDS)
    except connections.FAILURES as error:
        raise UnavailableError(f"SQS does not answer ({type(error).__name__})") from None
    except signing.UnsignedError:
        raise UnavailableError("NoCredentials") from None
    try:
        answer: dict[str, Any] = json.loads(reply.body)
    except ValueError:
        answer = {}
    if reply.status != _OK or not isinstance(answer, dict):
        code = str(answer.get("__type", "")).rpartition("#")[2] if isinstance(answer, dict) else ""
        raise UnavailableError(f"SQS answered {reply.status} {code}".strip())
    return answer
