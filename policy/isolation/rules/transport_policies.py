"""Policies of buckets, queues and topics refuse requests over clear text."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.reading.documents import NoDocumentError, refuses_clear_text, statements
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, aws

_REMEDY = "Add a statement that denies {service}:* to everyone, on {scope}, under the single condition Bool aws:SecureTransport false."


def _policy(service: str, *, contains: bool) -> Check:
    scope = "the resource and all that it contains" if contains else "the resource"

    def check(resource: Resource) -> Iterator[Finding]:
        policy = resource.at("policy")
        if not policy.given:
            return
        try:
            refused = any(refuses_clear_text(each, service, contains=contains) for each in statements(policy))
        except NoDocumentError:
            return  # another rule finds it
        # What is unknown may be the statement that is missed.
        if not refused and policy.whole:
            remedy = _REMEDY.format(service=service, scope=scope)
            yield Finding(policy.path, "does not refuse requests over clear text", remedy)

    return check


_BUCKET, _QUEUE = _policy("s3", contains=True), _policy("sqs", contains=False)

TRANSPORT_POLICIES = ResourceRule(
    id="policy-refuses-clear-text",
    title="Policies of buckets, queues and topics refuse requests without TLS.",
    severity=Severity.HIGH,
    remedy=_REMEDY.format(service="<service>", scope="the resource and all that it contains"),
    why=(
        "S3, SQS and SNS answer http as well as https: a client that is set up wrongly, or led astray, sends its data and its "
        "signed request as they are. Only a statement that denies it ends that, and only if no second condition narrows "
        "it (S3 User Guide, security best practices: enforce encryption of data in transit)."
    ),
    frameworks=Frameworks(fsbp=("S3.5",), cdk_nag=("AwsSolutions-S10", "AwsSolutions-SNS3", "AwsSolutions-SQS4")),
    checks={
        aws("s3/bucketPolicy"): _BUCKET,
        aws("s3/bucket"): _BUCKET,
        aws("s3/bucketV2"): _BUCKET,
        aws("s3/vectorsVectorBucketPolicy"): _policy("s3vectors", contains=True),
        aws("sqs/queuePolicy"): _QUEUE,
        aws("sqs/queue"): _QUEUE,
        aws("sns/topicPolicy"): _policy("sns", contains=False),
        aws("sns/topic"): _policy("sns", contains=False),
    },
)
