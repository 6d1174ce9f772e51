"""What has to be beside a queue, a topic, a bucket or a secret."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from isolation.rule import Resource
from tests.policy.stages import Stage, hidden, judged, stage
from tests.policy.support import UNKNOWN

__all__ = ["stage"]

_NO_POLICY = "has no policy that refuses clear text"
_DEAD = "queue-dead-letters"
_NO_DEAD = ("redrivePolicy", "is absent, and it is nobody's dead-letter queue")
_BLOCK, _KEY = (
    "has no BucketPublicAccessBlock",
    "is encrypted with a key of S3's own: it has no BucketServerSideEncryptionConfiguration",
)


def _queue(stage: Stage, prefix: str = "q") -> list[Resource]:
    """A queue with its policy and its dead-letter queue, which has its own policy."""
    dead = stage.make("sqs/queue", f"{prefix}-dead")
    queue = stage.make("sqs/queue", prefix, redrivePolicy=dead)
    return [
        dead,
        queue,
        stage.make("sqs/queuePolicy", f"{prefix}-policy", queueUrl=queue),
        stage.make("sqs/queuePolicy", f"{prefix}-dead-policy", queueUrl=dead),
        stage.make("sqs/redriveAllowPolicy", f"{prefix}-dead-allow", queueUrl=dead),
    ]


def _topic(stage: Stage, prefix: str = "t") -> list[Resource]:
    topic = stage.make("sns/topic", prefix)
    return [topic, stage.make("sns/topicPolicy", f"{prefix}-policy", arn=topic)]


def _vectors(stage: Stage, prefix: str = "v") -> list[Resource]:
    bucket = stage.make("s3/vectorsVectorBucket", prefix)
    return [bucket, stage.make("s3/vectorsVectorBucketPolicy", f"{prefix}-policy", vectorBucketArn=bucket)]


def _bucket(stage: Stage, prefix: str = "b") -> list[Resource]:
    bucket = stage.make("s3/bucket", prefix)
    beside = ("s3/bucketPublicAccessBlock", "s3/bucketPolicy", "s3/bucketServerSideEncryptionConfiguration")
    return [bucket, *(stage.make(path, f"{prefix}-{n}", bucket=bucket) for n, path in enumerate(beside))]


def _secret(stage: Stage, prefix: str = "s") -> list[Resource]:
    secret = stage.make("secretsmanager/secret", prefix)
    return [secret, stage.make("secretsmanager/secretRotation", f"{prefix}-rotation", secretId=secret)]


_TRANSPORT = "store-has-transport-policy"
_RULES = pytest.mark.parametrize(
    ("rule", "make", "expected"),
    [
        (_TRANSPORT, _queue, [("q-dead", "", _NO_POLICY), ("q", "", _NO_POLICY)]),
        (_TRANSPORT, _topic, [("t", "", _NO_POLICY)]),
        (_TRANSPORT, _vectors, [("v", "", _NO_POLICY)]),
        ("bucket-complete", _bucket, [("b", "", _BLOCK), ("b", "", _NO_POLICY), ("b", "", _KEY)]),
        ("secret-rotated", _secret, [("s", "", "is never renewed: it has no SecretRotation")]),
    ],
)
Make = Callable[..., list[Resource]]
Expected = list[tuple[str, str, str]]


def _alone(resources: list[Resource]) -> list[Resource]:
    """The stores without what is beside them."""
    return [each for each in resources if each.type.rpartition(":")[2] in _STORES]


_STORES = {"Queue", "Topic", "VectorsVectorBucket", "Bucket", "Secret"}


@_RULES
def test_what_is_complete_passes(rule: str, make: Make, expected: Expected, stage: Stage) -> None:
    assert judged(rule, make(stage)) == []
    assert judged(rule, hidden(make(stage))) == []


@_RULES
def test_what_is_missing_is_found(rule: str, make: Make, expected: Expected, stage: Stage) -> None:
    assert judged(rule, _alone(make(stage))) == expected
    assert judged(rule, hidden(_alone(make(stage)))) == expected


@_RULES
def test_among_many_the_one_is_found(rule: str, make: Make, expected: Expected, stage: Stage) -> None:
    many = [each for n in range(30) for each in make(stage, f"m{n}-")]
    assert judged(rule, many) == []
    assert judged(rule, [*many, *_alone(make(stage))]) == expected


def test_a_policy_of_its_own_is_enough(stage: Stage) -> None:
    assert judged(_TRANSPORT, [stage.make("sqs/queue", "q", {"policy": UNKNOWN})]) == []
    assert judged(_TRANSPORT, [stage.make("sns/topic", "t", {"policy": "{}"})]) == []


def test_a_policy_of_nobody_knows_what_may_be_anybody_s(stage: Stage) -> None:
    policy = stage.make("sqs/queuePolicy", "policy", {"queueUrl": UNKNOWN})
    assert judged(_TRANSPORT, [stage.make("sqs/queue", "q"), policy]) == []


def test_a_bucket_that_says_it_itself_is_complete(stage: Stage) -> None:
    inline: dict[str, Any] = {"policy": "{}", "serverSideEncryptionConfiguration": {"rule": {}}}
    bucket = stage.make("s3/bucket", "b", inline)
    assert judged("bucket-complete", [bucket, stage.make("s3/bucketPublicAccessBlock", "block", bucket=bucket)]) == []


def test_what_names_a_bucket_by_its_name_is_the_bucket_s(stage: Stage) -> None:
    bucket = stage.make("s3/bucket", "b", {"bucket": "docs"})
    beside = ("s3/bucketPublicAccessBlock", "s3/bucketPolicy", "s3/bucketServerSideEncryptionConfigurationV2")
    named = [stage.make(path, f"n{n}", {"bucket": "docs"}) for n, path in enumerate(beside)]
    assert judged("bucket-complete", [bucket, *named]) == []


def test_a_secret_of_a_service_is_renewed_by_it(stage: Stage) -> None:
    assert judged("secret-rotated", [stage.make("secretsmanager/secret", "s", {"name": "rds!cluster-1"})]) == []


def test_a_queue_keeps_what_fails(stage: Stage) -> None:
    assert judged(_DEAD, _queue(stage)) == []
    assert judged(_DEAD, hidden(_queue(stage))) == []
    assert judged(_DEAD, [stage.make("sqs/queue", "q")]) == [("q", *_NO_DEAD)]


def test_a_queue_of_dead_letters_is_known_by_the_arn_in_a_redrive_policy() -> None:
    update = Stage("update")
    dead = update.make("sqs/queue", "dead", {"arn": "arn:aws:sqs:eu-west-1:123456789012:dead"})
    text = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead", "maxReceiveCount": 3})
    queue = update.make("sqs/queue", "q", {"redrivePolicy": text})
    assert judged(_DEAD, [dead, queue]) == []


@pytest.mark.parametrize(
    ("path", "key"),
    [("lambda/function", "deadLetterConfig"), ("scheduler/schedule", "target"), ("sqs/redrivePolicy", "queueUrl")],
)
def test_where_others_leave_what_failed_needs_no_second_place(path: str, key: str) -> None:
    preview = Stage("preview")
    queue = preview.make("sqs/queue", "q")
    assert judged(_DEAD, [queue, preview.make(path, "other", **{key: queue})]) == []
