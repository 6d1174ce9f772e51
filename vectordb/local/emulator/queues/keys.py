"""What a queue under a customer's key takes besides the queue's own permissions."""

from typing import Any

from vectordb.local.emulator import ACCOUNT, partition_of

# SQS developer guide, key management, "Configure KMS permissions": a producer needs both, a consumer only to decrypt.
_TAKES = {
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
}
_AWS_MANAGED = "alias/aws/sqs"
"""Its key policy lets the account's principals use it through SQS."""


def taken(action: str, queue: Any) -> tuple[tuple[str, str], ...]:
    """(action, key's ARN) pairs that SQS takes in the caller's name; `queue` is moto's, or None."""
    key = None if queue is None else queue.kms_master_key_id
    if not key or str(key).endswith(_AWS_MANAGED):
        return ()
    arn = _arn(str(key), queue.region)
    return tuple((name, arn) for name in _TAKES.get(action, ()))


def _arn(key: str, region: str) -> str:
    """The ARN of a key by any of its names: permissions are never on an alias."""
    from moto.kms.models import kms_backends

    backend = kms_backends[ACCOUNT][region]
    key_id = str(backend.any_id_to_key_id(key))
    return f"arn:{partition_of(region)}:kms:{region}:{ACCOUNT}:key/{key_id}"
