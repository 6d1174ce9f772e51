"""The stack's customer key.

Creates: aws:kms/key:Key, aws:kms/alias:Alias.
"""

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import iam
from components.component import Component
from components.naming import plain
from components.observability.notifications import publisher_statements, publishers


class EncryptionArgs(TypedDict):
    account: pulumi.Input[str]
    """The account that owns the key; its IAM policies decide who may use it."""
    region: pulumi.Input[str]
    """The region, for the service principals that are regional."""
    partition: pulumi.Input[str]
    """aws, aws-cn or aws-us-gov."""
    dns_suffix: pulumi.Input[str]
    """amazonaws.com, in China amazonaws.com.cn: the end of regional services' principals."""
    protect: NotRequired[bool]
    """Refuse to delete the key. Default false."""
    retain: NotRequired[bool]
    """Leave the key when the stack is destroyed: kept snapshots cannot be read without it. Default: as `protect`."""
    vectors: NotRequired[bool]
    """S3 Vectors may use it in its own name: false where there are no indexes. Default true."""
    notifications: NotRequired[bool]
    """Alarms and the databases' events may use it: false without a topic. Default true."""
    budget: NotRequired[bool]
    """AWS Budgets may use it: false without a budget. Default true."""
    tags: NotRequired[dict[str, str]]
    """Tags of every resource."""


class Encryption(Component):
    """One symmetric customer key with yearly rotation for the database, its secret, the indexes, disks and logs."""

    key_arn: pulumi.Output[str]
    """The key's ARN."""

    def __init__(self, name: str, args: EncryptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Encryption", name, args, opts)
        protect = args.get("protect", False)
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Data of {pulumi.get_project()} {pulumi.get_stack()}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=iam.document(
                *key_statements(
                    args["account"],
                    args["region"],
                    args["partition"],
                    args["dns_suffix"],
                    vectors=args.get("vectors", True),
                    publishers=publishers(
                        notifications=args.get("notifications", True), budget=args.get("budget", True)
                    ),
                )
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=protect, retain_on_delete=args.get("retain", protect)),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name="alias/" + plain(f"{pulumi.get_project()}-{pulumi.get_stack()}", 256 - len("alias/")),
            target_key_id=key.key_id,
            opts=self._child,
        )
        self.key_arn = key.arn
        self.register_outputs({"key_arn": self.key_arn})


def key_statements(
    account: pulumi.Input[str],
    region: pulumi.Input[str],
    partition: pulumi.Input[str],
    dns_suffix: pulumi.Input[str],
    *,
    vectors: bool,
    publishers: Sequence[str],
) -> list[dict[str, Any]]:
    """The key's policy: the account through IAM, and the services that use it in their own name.

    Only those that do: KMS refuses a whole policy for one principal that it does not know (MalformedPolicyDocument), and
    a service that a partition does not have is none there.

    Args:
        account: the account.
        region: the region.
        partition: aws, aws-cn or aws-us-gov.
        dns_suffix: the end of regional services' principals.
        vectors: whether S3 Vectors uses it.
        publishers: the principals that publish to the stack's topic.
    """
    indexing = iam.allow(
        # S3 Vectors keeps its index structures current in its own name (S3 User Guide, vector bucket encryption).
        ["kms:Decrypt", "kms:GenerateDataKey"],
        "*",
        sid="VectorIndexing",
        principal={"Service": "indexing.s3vectors.amazonaws.com"},
        condition={"StringEquals": {"aws:SourceAccount": account}},
    )
    return [
        *publisher_statements(account, publishers),
        iam.allow(
            "kms:*",
            "*",
            sid="AccountThroughIam",
            principal={"AWS": pulumi.Output.format("arn:{0}:iam::{1}:root", partition, account)},
        ),
        *([indexing] if vectors else []),
        iam.allow(
            # CloudWatch Logs encrypts a group in its own name (CloudWatch Logs User Guide, encrypt log data).
            ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            "*",
            sid="Logs",
            principal={"Service": pulumi.Output.format("logs.{0}.{1}", region, dns_suffix)},
            condition={
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": pulumi.Output.format(
                        "arn:{0}:logs:{1}:{2}:log-group:*", partition, region, account
                    )
                }
            },
        ),
    ]
