"""A batch as the function gets it, and what its answer says about each message."""

import json
from collections.abc import Sequence
from typing import Any

REPORT = "ReportBatchItemFailures"


def event(messages: Sequence[Any], queue_arn: str) -> bytes:
    """The event of a batch (Lambda developer guide, using Lambda with SQS); `messages` are moto's."""
    region = queue_arn.split(":")[3]
    return json.dumps({"Records": [_record(message, queue_arn, region) for message in messages]}).encode()


def failed(answer: bytes, ids: Sequence[str]) -> set[str]:
    """The ids of the messages that a partial batch response says are not done; all of them when it makes no sense.

    Lambda developer guide, partial batch responses, "Success and failure conditions": nothing, null and an empty list are
    success; what is no JSON object, an identifier that is empty, null or under another key, and one that is in no message of
    the batch make the whole batch a failure.
    """
    everything = set(ids)
    try:
        document = json.loads(answer or b"null")
    except ValueError:
        return everything
    if document is None:
        return set()
    if not isinstance(document, dict):
        return everything
    items = document.get("batchItemFailures") or []
    if not isinstance(items, list):
        return everything
    named = {str(item.get("itemIdentifier")) if isinstance(item, dict) else "" for item in items}
    if not named <= everything:
        return everything
    return named


def _record(message: Any, queue_arn: str, region: str) -> dict[str, Any]:
    attributes = {
        "ApproximateReceiveCount": str(message.approximate_receive_count),
        "SentTimestamp": str(message.sent_timestamp),
        "SenderId": message.sender_id,
        "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
    }
    if trace := message.system_attributes.get("AWSTraceHeader"):
        attributes["AWSTraceHeader"] = trace["StringValue"]
    record = {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {name: _attribute(value) for name, value in message.message_attributes.items()},
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }
    if message.message_attributes:
        record["md5OfMessageAttributes"] = message.attribute_md5
    return record


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if value.get("StringValue") is not None:
        shown["stringValue"] = value["StringValue"]
    if value.get("BinaryValue") is not None:
        binary = value["BinaryValue"]
        shown["binaryValue"] = binary.decode() if isinstance(binary, bytes) else binary
    return shown
