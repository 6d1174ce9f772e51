"""What happens in a database is written down: its logs, its load, its operating system."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import customer_key, is_given, on
from isolation.declared import required
from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, StackRule
from isolation.stack import Stack

_POSTGRES_LOG = "postgresql"


def _exports(resource: Resource) -> Iterator[Finding]:
    exports = resource.at("enabledCloudwatchLogsExports")
    engine = resource.at("engine").text or ""
    known = [each.text for each in exports.each()]
    if not known:
        if not exports.unknown and all(each.given for each in exports.elements()):
            yield from is_given(exports)
    elif "postgres" in engine and _POSTGRES_LOG not in known and exports.whole:
        yield Finding(exports.path, f"lacks {_POSTGRES_LOG}", f"Add {_POSTGRES_LOG}.")


LOGS_EXPORTED = ResourceRule(
    id="database-logs-exported",
    title="Databases write their logs to CloudWatch Logs.",
    severity=Severity.MEDIUM,
    remedy="Name the engine's logs, for PostgreSQL postgresql and iam-db-auth-error.",
    why=(
        "A database's own log files are kept on its host for days and are gone with it; who logged in, what failed and "
        "what an intruder tried is then gone too (Amazon RDS User Guide, publishing PostgreSQL logs to CloudWatch Logs)."
    ),
    frameworks=Frameworks(
        fsbp=("RDS.9", "RDS.36", "RDS.37", "DocumentDB.4", "Neptune.2"),
        cdk_nag=("AwsSolutions-RDS16",),
        checkov=("CKV_AWS_129", "CKV_AWS_324"),
    ),
    checks=on(
        {
            "rds/cluster": _exports,
            "rds/instance": _exports,
            "docdb/cluster": _exports,
            "neptune/cluster": lambda resource: is_given(resource.at("enableCloudwatchLogsExports")),
        }
    ),
)


def _insights_key(resource: Resource) -> Iterator[Finding]:
    if resource.at("performanceInsightsEnabled").truth is True:
        yield from customer_key(resource.at("performanceInsightsKmsKeyId"))


INSIGHTS_KEY = ResourceRule(
    id="database-insights-customer-key",
    title="What Database Insights keeps is encrypted under a customer key.",
    severity=Severity.LOW,
    remedy="Name a customer managed KMS key in performanceInsightsKmsKeyId.",
    why=(
        "Database Insights keeps the text of statements, and with it the literals in them, for up to two years. Without a "
        "key of the customer's it lies under AWS's own (Amazon RDS User Guide, AWS KMS key for Performance Insights)."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_354",)),
    checks=on({"rds/cluster": _insights_key, "rds/instance": _insights_key, "rds/clusterInstance": _insights_key}),
)


# ---- facts that a cluster may say for its instances, or each instance for itself


def _instances(stack: Stack) -> Iterator[tuple[Resource, list[Resource]]]:
    """Each database instance with the clusters of the stack that it may belong to."""
    for instance in stack.of("rds/instance"):
        yield instance, []
    for instance in stack.of("rds/clusterInstance"):
        yield instance, stack.referenced(instance, "clusterIdentifier", "rds/cluster")
    for cluster in stack.of("rds/cluster"):
        # A Multi-AZ DB cluster has no instances of its own in the program.
        if not cluster.at("dbClusterInstanceClass").absent:
            yield cluster, []


def _monitored(interval: Property) -> bool:
    return interval.unknown or bool(interval.number)


def _enhanced_monitoring(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    if not stack.settings["required"]:
        return
    for instance, clusters in _instances(stack):
        interval = instance.at("monitoringInterval")
        inherited = interval.absent and any(_monitored(each.at("monitoringInterval")) for each in clusters)
        if not _monitored(interval) and not inherited:
            described = "is absent, and 0 by default" if interval.absent else "is 0"
            yield instance, Finding(interval.path, described)


ENHANCED_MONITORING = StackRule(
    id="database-enhanced-monitoring",
    title="The hosts of databases report what they do.",
    severity=Severity.LOW,
    remedy="Set monitoringInterval, of the instance or of its cluster, to 60 seconds or less.",
    why=(
        "CloudWatch's own metrics come from the hypervisor; which process took the memory or the disk is known to Enhanced "
        "Monitoring only (Amazon RDS User Guide, monitoring OS metrics). It costs log storage, so that a stack for trials "
        "may relax the rule by its setting."
    ),
    frameworks=Frameworks(fsbp=("RDS.6",), checkov=("CKV_AWS_118",)),
    settings=(required("Whether Enhanced Monitoring is demanded."),),
    check=_enhanced_monitoring,
)


def _has_insights(resource: Resource) -> bool:
    enabled, mode = resource.at("performanceInsightsEnabled"), resource.at("databaseInsightsMode")
    return enabled.unknown or enabled.truth is True or mode.unknown or mode.text == "advanced"


def _insights(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    if not stack.settings["required"]:
        return
    for instance, clusters in _instances(stack):
        enabled = instance.at("performanceInsightsEnabled")
        inherited = enabled.absent and any(_has_insights(each) for each in clusters)
        if not _has_insights(instance) and not inherited:
            described = "is absent, and false by default" if enabled.absent else f"is {enabled.described}, not true"
            yield instance, Finding(enabled.path, described)


INSIGHTS = StackRule(
    id="database-insights-enabled",
    title="Databases keep a history of their load.",
    severity=Severity.LOW,
    remedy="Set performanceInsightsEnabled, of the instance or of its cluster, to true; seven days cost nothing.",
    why=(
        "Without Database Insights nobody can say afterwards which statement, of whom, took the database down or read a "
        "whole table (Amazon RDS User Guide, monitoring DB load with Performance Insights)."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_353",)),
    settings=(required("Whether a history of the load is demanded."),),
    check=_insights,
)
