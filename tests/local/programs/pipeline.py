"""A program of its own: a queue under a key that calls a function's alias, its dead letters, and schedules for both."""

import json

import pulumi
import pulumi_aws as aws

SQS = "sqs:SendMessage"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resource):
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def trust(service, **condition):
    who = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    return policy({**who, "Condition": condition} if condition else who)


key = aws.kms.Key("key", description="queues")
dead = aws.sqs.Queue("dead", kms_master_key_id=key.arn, message_retention_seconds=1209600)
queue = aws.sqs.Queue(
    "tickets",
    kms_master_key_id=key.arn,
    visibility_timeout_seconds=60,
    redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2}),
)
aws.sqs.RedriveAllowPolicy(
    "dead-from-tickets",
    queue_url=dead.url,
    redrive_allow_policy=pulumi.Output.json_dumps({"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}),
)
insecure = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sqs:*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
aws.sqs.QueuePolicy(
    "tls-only", queue_url=queue.url, policy=queue.arn.apply(lambda arn: policy({**insecure, "Resource": arn}))
)

role = aws.iam.Role("worker", assume_role_policy=trust("lambda.amazonaws.com"))
group = aws.cloudwatch.LogGroup("worker", name="/aws/lambda/worker")
allowed = aws.iam.RolePolicy(
    "worker",
    role=role.name,
    policy=pulumi.Output.all(queue.arn, dead.arn, key.arn, group.arn).apply(
        lambda arns: policy(
            allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], arns[0]),
            allow(SQS, arns[1]),
            allow(["kms:Decrypt", "kms:GenerateDataKey"], arns[2]),
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{arns[3]}:*"),
        )
    ),
)
function = aws.lambda_.Function(
    "worker",
    name="worker",
    role=role.arn,
    runtime="python3.13",
    handler="m.handle",
    code=pulumi.FileArchive("worker.zip"),
    timeout=10,
    publish=True,
    environment={"variables": {"NOTES": pulumi.Config().require("notes")}},
)
live = aws.lambda_.Alias("live", name="live", function_name=function.name, function_version=function.version)
after = pulumi.ResourceOptions(depends_on=[allowed])
aws.lambda_.EventSourceMapping(
    "tickets",
    event_source_arn=queue.arn,
    function_name=live.arn,
    batch_size=5,
    function_response_types=["ReportBatchItemFailures"],
    scaling_config={"maximum_concurrency": 2},
    opts=after,
)
aws.lambda_.FunctionEventInvokeConfig(
    "worker",
    function_name=function.name,
    qualifier=live.name,
    maximum_retry_attempts=0,
    destination_config={"on_failure": {"destination": dead.arn}},
    opts=after,
)

schedules = aws.scheduler.ScheduleGroup("schedules", name="pipeline")
clock = aws.iam.Role(
    "clock",
    assume_role_policy=schedules.arn.apply(
        lambda arn: trust(
            "scheduler.amazonaws.com", StringEquals={"aws:SourceArn": arn, "aws:SourceAccount": "123456789012"}
        )
    ),
)
aws.iam.RolePolicy(
    "clock",
    role=clock.name,
    policy=pulumi.Output.all(live.arn, queue.arn, dead.arn, key.arn).apply(
        lambda arns: policy(
            allow("lambda:InvokeFunction", arns[0]),
            allow(SQS, arns[1:3]),
            allow(["kms:Decrypt", "kms:GenerateDataKey"], arns[3]),
        )
    ),
)
common = {"group_name": schedules.name, "flexible_time_window": {"mode": "OFF"}, "state": "DISABLED"}
aws.scheduler.Schedule(
    "sweep",
    name="sweep",
    schedule_expression="rate(5 minutes)",
    target={
        "arn": live.arn,
        "role_arn": clock.arn,
        "input": '{"sweep": true}',
        "dead_letter_config": {"arn": dead.arn},
        "retry_policy": {"maximum_retry_attempts": 1, "maximum_event_age_in_seconds": 60},
    },
    **common,
)
aws.scheduler.Schedule(
    "nightly",
    name="nightly",
    schedule_expression="cron(0 3 * * ? *)",
    schedule_expression_timezone="Europe/Berlin",
    target={"arn": queue.arn, "role_arn": clock.arn, "input": "ticket"},
    **common,
)
pulumi.export("queue", queue.url)
pulumi.export("dead", dead.url)
