"""Alarms, a dashboard, the databases' events, and one topic that tells of them.

Creates: aws:sns/topic:Topic with its policy and, with `email`, aws:sns/topicSubscription:TopicSubscription; an
aws:cloudwatch/metricAlarm:MetricAlarm for each alarm of components/observability/alarms.py; aws:rds/eventSubscription:EventSubscription
for each database; aws:cloudwatch/dashboard:Dashboard; with `budget` aws:budgets/budget:Budget.
"""

import json
from typing import Any, cast

import pulumi
import pulumi_aws as aws

from components import iam
from components.component import Component
from components.naming import bounded, plain
from components.observability import dashboard
from components.observability.alarm import Alarm
from components.observability.monitored import MonitoredDatabaseArgs, ObservabilityArgs
from components.observability.notifications import topic_statements

CLUSTER_EVENTS = ["failover", "failure", "maintenance", "notification"]
INSTANCE_EVENTS = ["availability", "failover", "failure", "low storage", "maintenance", "notification", "recovery"]
MEMBER_EVENTS = ["availability", "failure", "low storage", "maintenance", "recovery"]
"""Of a cluster's instances; failovers are the cluster's events. Not `notification`: pausing and resuming are of that
category (RDS-EVENT-0370 to 0374), and would write to people several times a day. Categories: Aurora User Guide and RDS
User Guide, event categories and event messages."""
BUDGET_PERCENT = {"ACTUAL": (80, 100), "FORECASTED": (100,)}


class Observability(Component):
    """Watches what it is told of, and says so to one encrypted topic."""

    topic_arn: pulumi.Output[str]
    """The topic of alarms, events and the budget."""
    dashboard_name: pulumi.Output[str]
    """The dashboard."""

    def __init__(self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Observability", name, args, opts)
        self._args = args
        if args.get("has_bastion") and "bastion_id" not in args:
            raise ValueError("has_bastion is true; bastion_id says which instance it is")
        self._stack = f"{pulumi.get_project()}-{pulumi.get_stack()}"
        self._topic, self._admitted = self._make_topic()
        alarms = [self._alarm(alarm) for alarm in dashboard.known_alarms(args)]
        for database in args.get("databases", []):
            self._events(database)
        if budget := args.get("budget"):
            self._budget(budget)
        shown = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            # Letters, digits, hyphens and underscores only (CloudWatch API, PutDashboard).
            dashboard_name=plain(f"{self._stack}-{name}", 255),
            dashboard_body=self._body([alarm.arn for alarm in alarms]),
            opts=self._child,
        )
        self.topic_arn = self._topic.arn
        self.dashboard_name = shown.dashboard_name
        self.register_outputs({"topic_arn": self.topic_arn, "dashboard_name": self.dashboard_name})

    def _make_topic(self) -> tuple[aws.sns.Topic, aws.sns.TopicPolicy]:
        args = self._args
        topic = aws.sns.Topic(
            f"{self._name}-topic",
            display_name=bounded(f"{pulumi.get_project()} {pulumi.get_stack()}", 100),
            kms_master_key_id=args["key_arn"],
            opts=self._child,
        )
        admitted = aws.sns.TopicPolicy(
            f"{self._name}-topic",
            arn=topic.arn,
            policy=iam.document(
                *topic_statements(
                    topic.arn,
                    account=args["account"],
                    region=args["region"],
                    partition=args["partition"],
                    budget=bool(args.get("budget")),
                )
            ),
            opts=self._child,
        )
        if email := args.get("email"):
            aws.sns.TopicSubscription(
                f"{self._name}-email", topic=topic.arn, protocol="email", endpoint=email, opts=self._child
            )
        return topic, admitted

    def _alarm(self, alarm: Alarm) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-{alarm.name}",
            # People read it in the subject of an e-mail, so it is not left to chance.
            name=bounded(f"{self._stack}-{alarm.name}", 255),
            alarm_description=alarm.description,
            namespace=alarm.namespace,
            metric_name=alarm.metric,
            dimensions=alarm.dimensions,
            statistic=None if alarm.is_percentile else alarm.statistic,
            extended_statistic=alarm.statistic if alarm.is_percentile else None,
            # A quiet hour of two slow calls is no trend.
            evaluate_low_sample_count_percentiles="ignore" if alarm.is_percentile else None,
            comparison_operator=alarm.comparison,
            threshold=alarm.threshold,
            period=alarm.period,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.datapoints or alarm.periods,
            treat_missing_data=alarm.missing,
            alarm_actions=[self._topic.arn],
            ok_actions=[self._topic.arn],
            opts=self._child,
        )

    def _events(self, database: MonitoredDatabaseArgs) -> None:
        if database["kind"] == "rds":
            self._subscribe(database["name"], "db-instance", [database["identifier"]], INSTANCE_EVENTS)
            return
        self._subscribe(database["name"], "db-cluster", [database["identifier"]], CLUSTER_EVENTS)
        if members := database.get("instance_identifiers"):
            self._subscribe(f"{database['name']}-instances", "db-instance", members, MEMBER_EVENTS)

    def _subscribe(self, name: str, kind: str, sources: list[pulumi.Input[str]], categories: list[str]) -> None:
        aws.rds.EventSubscription(
            f"{self._name}-{name}-events",
            sns_topic=self._topic.arn,
            source_type=kind,
            source_ids=sources,
            event_categories=categories,
            # RDS publishes a test message when it subscribes, and refuses a topic that does not admit it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._admitted]),
        )

    def _budget(self, limit: float) -> None:
        """By the stack's tags, which cost nothing until they are activated as cost allocation tags (docs/observability.md)."""
        tags = {"Project": pulumi.get_project(), "Stack": pulumi.get_stack()}
        aws.budgets.Budget(
            f"{self._name}-budget",
            name=bounded(self._stack, 100),
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=f"{limit:.2f}",
            limit_unit="USD",
            metrics="UnblendedCost",
            filter_expression={"ands": [{"tags": {"key": key, "values": [value]}} for key, value in tags.items()]},
            notifications=[
                {
                    "notification_type": kind,
                    "comparison_operator": "GREATER_THAN",
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "subscriber_sns_topic_arns": [self._topic.arn],
                }
                for kind, percents in BUDGET_PERCENT.items()
                for percent in percents
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._admitted]),
        )

    def _body(self, alarm_arns: list[pulumi.Output[str]]) -> pulumi.Output[str]:
        title = f"{pulumi.get_project()} {pulumi.get_stack()}"

        def written(known: dict[str, Any]) -> str:
            shape = cast("ObservabilityArgs", known["args"])
            return json.dumps(dashboard.body(shape, title, known["alarms"]), separators=(",", ":"), sort_keys=True)

        return pulumi.Output.from_input({"args": dict(self._args), "alarms": alarm_arns}).apply(written)
