"""Alarms, dashboards, log groups."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from vectordb.cost.resource import Resource
from vectordb.cost.sheet import Sheet

FREE_DASHBOARDS = 3
"""Of an account (Amazon CloudWatch pricing); this stack is taken to be the only one that has some."""
HIGH_RESOLUTION_SECONDS = 60
"""Alarms that look more often than that cost more."""
DAYS_IN_A_MONTH = Decimal(30)
FOREVER_MONTHS = Decimal(12)
"""What is counted for events that are kept without end: those of a year."""
ALARMS_OF_A_POLICY = 2
"""Target tracking makes an alarm for each direction (Application Auto Scaling User Guide, target tracking)."""
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"


def alarm(resource: Resource, sheet: Sheet) -> None:
    """An alarm is paid by the metrics that it reads."""
    queries = sheet.entries(resource, "metricQueries", 1)
    metrics = [query["metric"] for query in queries if isinstance(query, dict) and query.get("metric")]
    periods = [resource.inputs.get("period"), *(m.get("period") for m in metrics if isinstance(m, dict))]
    high = any(isinstance(period, int) and 0 < period < HIGH_RESOLUTION_SECONDS for period in periods)
    kind = "cloudwatch.alarm.high-resolution" if high else "cloudwatch.alarm"
    sheet.fixed(resource, "high-resolution alarms" if high else "alarms", max(len(metrics), 1), kind)


def composite_alarm(resource: Resource, sheet: Sheet) -> None:
    """An alarm on alarms."""
    sheet.fixed(resource, "composite alarms", 1, "cloudwatch.alarm.composite")


def scaling_policy(resource: Resource, sheet: Sheet) -> None:
    """The alarms that a policy makes; the instances that it adds have their own price by the hour."""
    if sheet.text(resource, "policyType", "StepScaling") == "TargetTrackingScaling":
        sheet.fixed(resource, "alarms of the scaling policy", ALARMS_OF_A_POLICY, "cloudwatch.alarm")
    sheet.note(
        resource, "the readers that it adds under load cost as much as the others, by the hour; they are not counted."
    )


def dashboard(resource: Resource, sheet: Sheet) -> None:
    """Three are free, so that each further one is paid for."""
    if all(resource is not other for other in sheet.of_type(DASHBOARD)[:FREE_DASHBOARDS]):
        sheet.fixed(resource, "dashboards beyond the three that are free", 1, "cloudwatch.dashboard")


def metric_filter(resource: Resource, sheet: Sheet) -> None:
    """The metric that a filter fills."""
    sheet.fixed(resource, "metrics of your own", 1, "cloudwatch.metric")


def logs(resource: Resource, sheet: Sheet) -> None:
    """All log groups and flow logs share the assumed amount, which is on the first one's line."""
    if (
        resource.type == FLOW_LOG
        and sheet.text(resource, "logDestinationType", "cloud-watch-logs") != "cloud-watch-logs"
    ):
        sheet.no_price(resource, "flow logs that go to another place than CloudWatch Logs")
        return
    groups, flows = sheet.of_type(LOG_GROUP), sheet.of_type(FLOW_LOG)
    if resource is not [*groups, *flows][0]:
        return
    shared = replace(resource, part="logs")
    taken = sheet.usage.exact("logs_gb")
    sheet.used(shared, "CloudWatch Logs of all groups, taken in", taken, "logs.ingest")
    kept = [_months(group.inputs.get("retentionInDays", 0)) for group in groups] + [Decimal(1)] * bool(flows)
    sheet.used(shared, "CloudWatch Logs of all groups, kept", taken * max(kept), "logs.storage")


def _months(days: Any) -> Decimal:
    """How many months of events are there at once; an unknown retention counts like none."""
    if isinstance(days, int) and days > 0:
        return Decimal(days) / DAYS_IN_A_MONTH
    return FOREVER_MONTHS
