"""The queues of the embedding pipeline, under the customer key, with nothing in clear text."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.embedding import permissions
from components.naming import plain

VISIBILITY_TIMES = 6
"""Lambda Developer Guide, using Lambda with Amazon SQS: six times the function's time limit."""
RECEIVES = 10
"""A ticket that is taken so often without success meets a fault of the infrastructure: of a database that stands still it is the
visibility timeout that many times. Work that takes longer than a call is another ticket (lambda/embedder/relay.py)."""
DEAD_LETTER_SECONDS = 14 * 24 * 3600
TICKET_SECONDS = 4 * 24 * 3600


@dataclass(frozen=True)
class Queues:
    """The queue of tickets, if there is one, and where what failed lies."""

    dead: aws.sqs.Queue
    tickets: aws.sqs.Queue | None


def queues(
    name: str, key_arn: pulumi.Input[str], timeout_seconds: int, opts: pulumi.ResourceOptions, *, tickets: bool
) -> Queues:
    """Make them.

    Args:
        name: the component's.
        key_arn: the customer key.
        timeout_seconds: of the function that takes tickets.
        opts: the parent.
        tickets: whether there are tickets; dead letters there are always, of calls and of schedules.
    """
    dead = _queue(f"{name}-dead", key_arn, DEAD_LETTER_SECONDS, opts)
    if not tickets:
        return Queues(dead, None)
    queue = _queue(
        f"{name}-tickets",
        key_arn,
        TICKET_SECONDS,
        opts,
        visibility_timeout_seconds=VISIBILITY_TIMES * timeout_seconds,
        redrive_policy=dead.arn.apply(
            lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES}, sort_keys=True)
        ),
    )
    aws.sqs.RedriveAllowPolicy(
        f"{name}-dead",
        queue_url=dead.url,
        redrive_allow_policy=queue.arn.apply(
            lambda arn: json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [arn]}, sort_keys=True)
        ),
        opts=opts,
    )
    return Queues(dead, queue)


def _queue(
    name: str,
    key_arn: pulumi.Input[str],
    keep_seconds: int,
    opts: pulumi.ResourceOptions,
    *,
    visibility_timeout_seconds: int | None = None,
    redrive_policy: pulumi.Input[str] | None = None,
) -> aws.sqs.Queue:
    queue = aws.sqs.Queue(
        name,
        name=plain(f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}", 80),
        kms_master_key_id=key_arn,
        message_retention_seconds=keep_seconds,
        visibility_timeout_seconds=visibility_timeout_seconds,
        redrive_policy=redrive_policy,
        opts=opts,
    )
    aws.sqs.QueuePolicy(name, queue_url=queue.url, policy=permissions.tls_only(queue.arn), opts=opts)
    return queue
