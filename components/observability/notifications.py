"""Who may publish to the stack's topic, and use its key for that.

Every service is admitted for this account alone (aws:SourceAccount: a confused deputy of another account is refused).
EventBridge is not among them: SNS does not support those conditions for it on an encrypted topic (SNS Developer Guide,
managing encryption keys), so it would need the key without any condition.
"""

from collections.abc import Sequence
from typing import Any

import pulumi

from components import iam

PUBLISHERS = {
    "Alarms": ("cloudwatch.amazonaws.com", "arn:{0}:cloudwatch:{1}:{2}:alarm:*"),
    "DatabaseEvents": ("events.rds.amazonaws.com", "arn:{0}:rds:{1}:{2}:*"),
    "Budgets": ("budgets.amazonaws.com", "arn:{0}:budgets::{2}:*"),
}
"""Statement → the service's principal, and what it publishes about. Principals: SNS Developer Guide, managing encryption
keys; sources: CloudWatch User Guide, RDS User Guide (granting permissions to publish), Cost Management User Guide."""


def publishers(*, notifications: bool, budget: bool) -> list[str]:
    """The principals of the services that publish: none without a topic, Budgets only where there is a budget."""
    return [service for sid, (service, _) in PUBLISHERS.items() if notifications and (budget or sid != "Budgets")]


def publisher_statements(account: pulumi.Input[str], services: Sequence[str]) -> list[dict[str, Any]]:
    """What the key's policy says so that what `services` publish reaches an encrypted topic.

    The key of AWS's own (alias/aws/sns) cannot have this, and messages would be lost without a word.
    """
    if not services:
        return []
    return [
        iam.allow(
            ["kms:Decrypt", "kms:GenerateDataKey*"],
            "*",
            sid="Publishers",
            principal={"Service": list(services)},
            condition={"StringEquals": {"aws:SourceAccount": account}},
        )
    ]


def topic_statements(
    topic_arn: pulumi.Input[str],
    *,
    account: pulumi.Input[str],
    region: pulumi.Input[str],
    partition: pulumi.Input[str],
    budget: bool,
) -> list[dict[str, Any]]:
    """The topic's policy: those three services for this account, each about its own things, and nobody in clear text.

    Args:
        topic_arn: the topic.
        account: the account.
        region: the region.
        partition: aws, aws-cn or aws-us-gov.
        budget: whether there is one.
    """
    allowed = [
        iam.allow(
            "sns:Publish",
            topic_arn,
            sid=sid,
            principal={"Service": service},
            condition={
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": pulumi.Output.format(source, partition, region, account)},
            },
        )
        for sid, (service, source) in PUBLISHERS.items()
        if budget or sid != "Budgets"
    ]
    refused = iam.allow(
        "sns:Publish",
        topic_arn,
        sid="RefuseClearText",
        principal="*",
        condition={"Bool": {"aws:SecureTransport": "false"}},
        effect="Deny",
    )
    return [*allowed, refused]
