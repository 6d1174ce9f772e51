"""SQS: queues, their policies, and what is redriven where. Messages of an earlier run are in the queue again."""

import json
from typing import Any

from vectordb.local.engine import Execution, Made
from vectordb.plan.recording import Registration

_NUMBERS = {
    "delaySeconds": "DelaySeconds",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
_TEXTS = {
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
}
_FLAGS = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "fifoQueue": "FifoQueue",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
}
_NAME_LENGTH = 80


def queue(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A queue. As the provider does, the id is its URL, which is the emulator's here."""
    ending = ".fifo" if inputs.get("fifoQueue") else ""
    digits = execution.unique(resource, 7)
    name = inputs.get("name") or f"{inputs.get('namePrefix') or f'{resource.name}-'}{digits}{ending}"[-_NAME_LENGTH:]
    attributes = {
        **{key: str(int(inputs[given])) for given, key in _NUMBERS.items() if inputs.get(given) is not None},
        **{key: _text(inputs[given]) for given, key in _TEXTS.items() if inputs.get(given)},
        **{key: str(bool(inputs[given])).lower() for given, key in _FLAGS.items() if inputs.get(given) is not None},
    }
    url = execution.clients("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, {"name": name, "url": url, "arn": execution.arn("sqs", name)}


def queue_policy(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A queue's own policy; the emulator judges by it."""
    del resource
    return _set(execution, inputs, "policy")


def redrive_policy(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """Where a queue's messages go that were received too often."""
    del resource
    return _set(execution, inputs, "redrivePolicy")


def redrive_allow_policy(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """Which queues may send their dead letters to a queue."""
    del resource
    return _set(execution, inputs, "redriveAllowPolicy")


def _set(execution: Execution, inputs: dict[str, Any], key: str) -> Made:
    url = inputs["queueUrl"]
    execution.clients("sqs").set_queue_attributes(QueueUrl=url, Attributes={_TEXTS[key]: _text(inputs[key])})
    return url, {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
