"""Queues and topics: encrypted under a customer key, with a place for what fails, and nothing over clear text."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import customer_key, every, on
from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, StackRule
from isolation.stack import Stack

MESSAGE_KEYS = ResourceRule(
    id="messages-customer-key",
    title="Messages are encrypted under a customer key.",
    severity=Severity.MEDIUM,
    remedy="Set kmsMasterKeyId to a customer managed key.",
    why=(
        "A topic without a key stores its messages as they are; a queue without one lies under a key of SQS's own. Alarms "
        "and database events cannot publish to a topic under alias/aws/sns, because that key's policy admits no service: "
        "their messages are lost without a word (SNS Developer Guide, managing encryption keys; SQS Developer Guide, "
        "encryption at rest)."
    ),
    frameworks=Frameworks(
        fsbp=("SNS.1", "SQS.1"),
        cdk_nag=("AwsSolutions-SQS2",),
        checkov=("CKV_AWS_26", "CKV_AWS_27"),
    ),
    checks=on({"sqs/queue": every(customer_key, "kmsMasterKeyId"), "sns/topic": every(customer_key, "kmsMasterKeyId")}),
)


def _subscription(protocol: Property) -> Iterator[Finding]:
    if protocol.text == "http":
        yield Finding(protocol.path, "is http, which is clear text")


SUBSCRIPTIONS = ResourceRule(
    id="topic-subscription-encrypted",
    title="Topics deliver nothing over clear text.",
    severity=Severity.HIGH,
    remedy="Set protocol to https, or deliver to a queue or a function.",
    why=(
        "An http subscription carries each message, with the names and numbers in it, over the internet as it is (SNS "
        "Developer Guide, security best practices: enforce encryption of data in transit)."
    ),
    checks=on({"sns/topicSubscription": every(_subscription, "protocol")}),
)


def _own_dead_letters(queue: Resource) -> bool:
    """Whether a queue says itself what becomes of what fails, or is where others' failures go."""
    redrive = queue.at("redrivePolicy")
    return not redrive.absent or not queue.at("redriveAllowPolicy").absent


def _queues_named(stack: Stack, path: str, key: str) -> Iterator[str]:
    for resource in stack.of(path):
        queues = stack.referenced(resource, key, "sqs/queue")
        # A schedule's target is made of the queue that it sends to and of the one for what failed, if both are queues.
        if key != "target" or len(queues) == 1:
            yield from (queue.urn for queue in queues)
        value = resource.at(key).text
        if value is not None:
            # A redrive policy is JSON that holds the ARN.
            yield from (queue.urn for queue in stack.of("sqs/queue") if (queue.at("arn").text or "?") in value)


_NAMED_BY = (
    ("sqs/redrivePolicy", "queueUrl"),
    ("sqs/redriveAllowPolicy", "queueUrl"),
    ("sqs/redrivePolicy", "redrivePolicy"),
    ("sqs/queue", "redrivePolicy"),
    ("lambda/function", "deadLetterConfig"),
    ("lambda/functionEventInvokeConfig", "destinationConfig"),
    ("sns/topicSubscription", "redrivePolicy"),
    ("cloudwatch/eventTarget", "deadLetterConfig"),
    ("scheduler/schedule", "target"),
)


def _without_dead_letters(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    covered = {urn for path, key in _NAMED_BY for urn in _queues_named(stack, path, key)}
    for queue in stack.of("sqs/queue"):
        if queue.urn not in covered and not _own_dead_letters(queue):
            yield queue, Finding("redrivePolicy", "is absent, and it is nobody's dead-letter queue")


QUEUE_DEAD_LETTERS = StackRule(
    id="queue-dead-letters",
    title="Queues keep what cannot be processed.",
    severity=Severity.MEDIUM,
    remedy="Set redrivePolicy to a queue for dead letters, or declare an aws.sqs.RedrivePolicy.",
    why=(
        "A message that its receiver cannot process comes back until its time is over, and is gone then; meanwhile it takes "
        "the place of others (SQS Developer Guide, dead-letter queues)."
    ),
    frameworks=Frameworks(cdk_nag=("AwsSolutions-SQS3",)),
    check=_without_dead_letters,
)

# A queue or topic may carry its policy itself, or a resource beside it does; what they say another rule looks at.
_POLICIES = (
    ("sqs/queue", "policy", "sqs/queuePolicy", "queueUrl"),
    ("sns/topic", "policy", "sns/topicPolicy", "arn"),
    ("s3/vectorsVectorBucket", "", "s3/vectorsVectorBucketPolicy", "vectorBucketArn"),
)


def _without_policy(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    for path, inline, policy, key in _POLICIES:
        covered = {found.urn for resource in stack.of(policy) for found in stack.referenced(resource, key, path)}
        # A queue is named by its URL, which is its id; a policy that names something unknown may be anybody's.
        doubtful = any(resource.at(key).unknown and not resource.references.get(key) for resource in stack.of(policy))
        for resource in stack.of(path):
            if resource.urn not in covered and not doubtful and (not inline or resource.at(inline).absent):
                yield resource, Finding("", "has no policy that refuses clear text")


CLEAR_TEXT_REFUSED = StackRule(
    id="store-has-transport-policy",
    title="Queues, topics and vector buckets have a policy that refuses clear text.",
    severity=Severity.HIGH,
    remedy="Declare a policy that denies everything under Bool aws:SecureTransport false.",
    why=(
        "Without a policy a request over clear text is answered, because nothing refuses it; the rule that reads policies "
        "finds nothing where there is none (SQS Developer Guide, security best practices: enforce encryption of data in "
        "transit)."
    ),
    frameworks=Frameworks(cdk_nag=("AwsSolutions-SQS4", "AwsSolutions-SNS3")),
    check=_without_policy,
)
