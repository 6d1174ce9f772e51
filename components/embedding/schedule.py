"""The sweep: at times the embedding worker looks for work by itself, whatever became of bells and tickets.

Creates: aws:scheduler/scheduleGroup:ScheduleGroup, aws:iam/role:Role with its policy, aws:scheduler/schedule:Schedule.
"""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import iam
from components.component import Component
from components.embedding import permissions
from components.naming import plain

SWEEP = '{"sweep": true}'
HOURS = 730
RESUMED_ACU = 0.5
ACU_HOUR_USD = 0.12
"""us-east-1's list price (vectordb/cost/prices.json)."""
RESUME_SECONDS = 30
"""What a cluster that resumes takes until it answers, about 15 s, and the sweep itself."""


class EmbeddingScheduleArgs(TypedDict):
    key_arn: pulumi.Input[str]
    """The customer key of the queues."""
    account: pulumi.Input[str]
    """The account, for the role's trust."""
    region: pulumi.Input[str]
    """The region."""
    function_arn: pulumi.Input[str]
    """The worker's alias, qualified."""
    dead_letter_queue_arn: pulumi.Input[str]
    """Where a sweep lies that could not be delivered."""
    minutes: int
    """How often, 1 to 1440."""
    has_queue: NotRequired[bool]
    """Sweeps go to `queue_arn`, not to the function: so they count towards the queue's workers. Default false."""
    queue_arn: NotRequired[pulumi.Input[str]]
    """The queue of tickets."""
    tags: NotRequired[dict[str, str]]
    """Tags of every resource."""


class EmbeddingSchedule(Component):
    """A schedule in a group of its own, and the role with which it does one thing."""

    schedule_arn: pulumi.Output[str]
    """The schedule."""

    def __init__(self, name: str, args: EmbeddingScheduleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("EmbeddingSchedule", name, args, opts)
        bounded = plain(f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}", 64)
        group = aws.scheduler.ScheduleGroup(f"{name}-group", name=bounded, opts=self._child)
        role = aws.iam.Role(
            f"{name}-role",
            description="Sends the embedding worker to look for work",
            # The ARN of a schedule would be refused (EventBridge Scheduler User Guide, confused deputy): of its group.
            assume_role_policy=iam.trust("scheduler.amazonaws.com", account=args["account"], source_arn=group.arn),
            opts=self._child,
        )
        queued = args.get("has_queue", False)
        target = args.get("queue_arn", "") if queued else args["function_arn"]
        dead = args["dead_letter_queue_arn"]
        statements = [
            permissions.sending_statement([target, dead] if queued else [dead]),
            permissions.queue_key_statement(args["key_arn"], args["region"]),
        ]
        if not queued:
            statements.append(iam.allow("lambda:InvokeFunction", target))
        policy = aws.iam.RolePolicy(f"{name}-send", role=role.name, policy=iam.document(*statements), opts=self._child)
        minutes = args["minutes"]
        schedule = aws.scheduler.Schedule(
            f"{name}-sweep",
            name=plain(f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}-sweep", 64),
            description="Whatever became of bells and tickets, the worker looks for work",
            group_name=group.name,
            schedule_expression=f"rate({minutes} minute{'s' if minutes > 1 else ''})",
            flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            target=aws.scheduler.ScheduleTargetArgs(
                arn=target,
                role_arn=role.arn,
                input=SWEEP,
                dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(arn=dead),
                # The next sweep is better than a late one.
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_event_age_in_seconds=max(60, min(minutes * 60, 3600)), maximum_retry_attempts=3
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.schedule_arn = schedule.arn
        self.register_outputs({"schedule_arn": self.schedule_arn})


def waking(minutes: int, auto_pause_seconds: int) -> str:
    """What sweeps cost a cluster that pauses, in words: each wakes it, and it pauses again only after a while.

    Args:
        minutes: how often they come.
        auto_pause_seconds: how long the cluster is idle before it pauses.
    """
    share = min(1.0, (auto_pause_seconds + RESUME_SECONDS) / (minutes * 60))
    usd = share * HOURS * RESUMED_ACU * ACU_HOUR_USD
    effect = "so it never pauses" if share == 1 else f"so it is awake for {share:.0%} of the time"
    return (
        f"A sweep every {minutes} min wakes a cluster with minCapacity 0 and keeps it awake for {auto_pause_seconds} s, {effect}: "
        f"about {usd:.2f} USD a month at {RESUMED_ACU} ACU. Set vectordb:embedding sweepMinutes higher (0: no sweeps, then nothing covers a bell "
        "that was lost), or minCapacity to 0.5."
    )
