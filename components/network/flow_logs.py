"""Flow logs of the VPC, in CloudWatch Logs under the customer key."""

import pulumi
import pulumi_aws as aws

from components import iam
from components.naming import bounded


def flow_logs(
    name: str,
    vpc_id: pulumi.Input[str],
    *,
    key_arn: pulumi.Input[str],
    retention_days: int,
    source: tuple[pulumi.Input[str], pulumi.Input[str], pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> aws.ec2.FlowLog:
    """Record every flow of the VPC, accepted or refused, each minute.

    Args:
        name: the beginning of the resources' names.
        vpc_id: the VPC.
        key_arn: the customer key of the log.
        retention_days: how long the log is kept.
        source: partition, region and account, for the role's trust.
        opts: the parent.
    """
    partition, region, account = source
    logs = aws.cloudwatch.LogGroup(
        f"{name}-flows",
        name=bounded(f"/vectordb/{pulumi.get_project()}-{pulumi.get_stack()}/{name}-flows", 512),
        retention_in_days=retention_days,
        kms_key_id=key_arn,
        opts=opts,
    )
    role = aws.iam.Role(
        f"{name}-flows",
        description="VPC Flow Logs writes the network's log",
        # Amazon VPC User Guide, IAM role for publishing flow logs to CloudWatch Logs: the confused deputy.
        assume_role_policy=iam.trust(
            "vpc-flow-logs.amazonaws.com",
            account=account,
            source_arn=pulumi.Output.format("arn:{0}:ec2:{1}:{2}:vpc-flow-log/*", partition, region, account),
        ),
        opts=opts,
    )
    policy = aws.iam.RolePolicy(
        f"{name}-flows",
        role=role.name,
        # The group exists, so that the service need not be able to create one.
        policy=iam.document(
            iam.allow(
                ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                pulumi.Output.format("{0}:*", logs.arn),
            )
        ),
        opts=opts,
    )
    return aws.ec2.FlowLog(
        f"{name}-flows",
        vpc_id=vpc_id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=logs.arn,
        iam_role_arn=role.arn,
        max_aggregation_interval=60,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[policy])),
    )
