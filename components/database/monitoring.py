"""Watching a database: its logs, its operating system, its queries."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components import iam

LOG_GROUP = "RDSOSMetrics"
"""Where Enhanced Monitoring writes, for all databases of the account and region (RDS User Guide, Enhanced Monitoring)."""

RETENTION_DAYS = {"standard": 7, "advanced": 465}
"""What each mode of Database Insights keeps: 7 days are free, and advanced insists on 15 months (RDS API,
CreateDBCluster, DatabaseInsightsMode)."""


def insights(mode: str, key_arn: pulumi.Input[str]) -> dict[str, Any]:
    """The arguments of a cluster or an instance for Database Insights.

    Args:
        mode: standard, advanced or off.
        key_arn: the customer key of what is kept: it holds statements. It cannot be changed afterwards.

    Raises:
        ValueError: another mode.
    """
    if mode == "off":
        # The mode itself has no "off": standard without Performance Insights collects nothing.
        return {"database_insights_mode": "standard", "performance_insights_enabled": False}
    if mode not in RETENTION_DAYS:
        raise ValueError(f"insights is {mode!r}. Allowed: standard, advanced, off")
    return {
        "database_insights_mode": mode,
        "performance_insights_enabled": True,
        "performance_insights_kms_key_id": key_arn,
        "performance_insights_retention_period": RETENTION_DAYS[mode],
    }


def log_groups(
    name: str,
    folder: str,
    kinds: Sequence[str],
    *,
    key_arn: pulumi.Input[str],
    retention_days: int,
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    """The log groups that RDS exports to. Made before the database: RDS's own would never expire and have no key.

    Args:
        name: the component's name.
        folder: `/aws/rds/cluster/<identifier>` or `/aws/rds/instance/<identifier>`.
        kinds: the exported logs: postgresql, iam-db-auth-error, instance.
        key_arn: the customer key.
        retention_days: how long they are kept.
        opts: the parent.
    """
    return [
        aws.cloudwatch.LogGroup(
            f"{name}-log-{kind}",
            name=f"{folder}/{kind}",
            retention_in_days=retention_days,
            kms_key_id=key_arn,
            opts=opts,
        )
        for kind in kinds
    ]


def monitoring_role(
    name: str,
    source_arns: pulumi.Input[Sequence[str]],
    *,
    account: pulumi.Input[str],
    partition: pulumi.Input[str],
    region: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> tuple[pulumi.Output[str], pulumi.Resource]:
    """The role with which Enhanced Monitoring writes what the operating system measures.

    Args:
        name: the component's name.
        source_arns: the cluster's and its instances' ARNs, for which alone the role is assumed.
        account: the account.
        partition: aws, aws-cn or aws-us-gov.
        region: the region.
        opts: the parent.

    Returns:
        The role's ARN, and the policy that has to be there before the database.
    """
    role = aws.iam.Role(
        f"{name}-monitoring",
        description=f"Enhanced Monitoring of {name}",
        assume_role_policy=iam.trust("monitoring.rds.amazonaws.com", account=account, source_arn=source_arns),
        opts=opts,
    )
    group = pulumi.Output.format("arn:{0}:logs:{1}:{2}:log-group:{3}", partition, region, account, LOG_GROUP)
    policy = aws.iam.RolePolicy(
        f"{name}-monitoring",
        role=role.name,
        # The actions of AWS's managed policy AmazonRDSEnhancedMonitoringRole, on the one log group instead of RDS*.
        policy=iam.document(
            iam.allow(["logs:CreateLogGroup", "logs:PutRetentionPolicy"], group),
            iam.allow(
                ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams", "logs:GetLogEvents"],
                pulumi.Output.format("{0}:log-stream:*", group),
            ),
        ),
        opts=opts,
    )
    return role.arn, policy
