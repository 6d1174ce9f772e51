"""Aurora PostgreSQL: clusters and their instances."""

from decimal import Decimal

from vectordb.cost import database
from vectordb.cost.capacity import LEAST_CAPACITY, SERVERLESS
from vectordb.cost.keys import secret
from vectordb.cost.resource import Resource
from vectordb.cost.sheet import Sheet

CLUSTER = "aws:rds/cluster:Cluster"
INSTANCE = "aws:rds/clusterInstance:ClusterInstance"


def cluster(resource: Resource, sheet: Sheet) -> None:
    """What the instances share: storage, I/O, backups, the master's secret, the Data API."""
    engine = sheet.text(resource, "engine", "aurora-postgresql")
    if engine != "aurora-postgresql" or "dbClusterInstanceClass" in resource.inputs:
        sheet.no_price(resource, f"only Aurora PostgreSQL clusters have prices here, this one is {engine}")
        return
    tier = _tier(resource, sheet)
    sheet.used(resource, "Aurora storage", sheet.usage.exact("storage_gb"), f"{tier}.storage")
    if tier == "aurora":
        sheet.used(resource, "Aurora I/O", sheet.usage.exact("io_millions"), "aurora.io")
    sheet.rate(resource, "backups larger than the data", "aurora.backup")
    if sheet.flag(resource, "manageMasterUserPassword", default=False):
        secret(resource, sheet)
    if sheet.flag(resource, "enableHttpEndpoint", default=False):
        sheet.rate(resource, "Data API", "aurora.data-api")


def instance(resource: Resource, sheet: Sheet) -> None:
    """A writer or reader; a serverless one is paid by the capacity that its cluster allows."""
    kind = sheet.text(resource, "instanceClass", "")
    of = sheet.referred(resource, "clusterIdentifier", CLUSTER, "clusterIdentifier")
    tier = _tier(of, sheet) if of else "aurora"
    if kind == SERVERLESS:
        if of is None:
            sheet.no_price(resource, "its cluster is not in this plan, so its capacity is unknown")
            return
        _serverless(resource, of, tier, sheet)
    elif f"{tier}.{kind}" in sheet.prices:
        sheet.hourly(resource, f"{kind} Aurora instance", 1, f"{tier}.{kind}")
    else:
        sheet.no_price(resource, f"no price for the Aurora class {kind or '(unknown)'}")
    database.enhanced_monitoring(resource, sheet, of)
    database.insights(resource, _insights(kind, of, sheet), sheet, of)


def pauses(of: Resource, sheet: Sheet) -> bool:
    """Whether an idle cluster pauses."""
    return sheet.number(of, "minCapacity", 0, within="serverlessv2ScalingConfiguration") == 0


def busy_capacity(sheet: Sheet) -> Decimal:
    """ACU in the active hours; an instance that is awake has at least half of one."""
    return max(sheet.usage.exact("average_capacity"), LEAST_CAPACITY)


def price_of_capacity(of: Resource, sheet: Sheet) -> Decimal:
    """US dollars for an ACU-hour of a cluster."""
    return sheet.prices[f"{_tier(of, sheet)}.acu"].usd


def _serverless(resource: Resource, of: Resource, tier: str, sheet: Sheet) -> None:
    hours = sheet.usage.exact("active_hours")
    least, above = _capacity(of, sheet)
    if least == 0:
        sheet.used(resource, "Aurora Serverless v2, paused when idle", hours * above, f"{tier}.acu")
        return
    sheet.hourly(resource, "Aurora Serverless v2, minimum capacity", least, f"{tier}.acu")
    sheet.used(resource, "Aurora Serverless v2, above the minimum", hours * above, f"{tier}.acu")


def _insights(kind: str, of: Resource | None, sheet: Sheet) -> database.Insights | None:
    if kind != SERVERLESS or of is None:
        return database.vcpu_hours(kind, sheet)
    least, above = _capacity(of, sheet)
    return database.Insights("insights.acu", least * sheet.prices.hours, above * sheet.usage.exact("active_hours"))


def _capacity(of: Resource, sheet: Sheet) -> tuple[Decimal, Decimal]:
    """(ACU of every hour, ACU that the active hours have above them) of one serverless instance."""
    least = sheet.number(of, "minCapacity", 0, within="serverlessv2ScalingConfiguration")
    return least, max(busy_capacity(sheet) - least, Decimal(0))


def _tier(of: Resource, sheet: Sheet) -> str:
    return "aurora-iopt1" if sheet.text(of, "storageType", "aurora") == "aurora-iopt1" else "aurora"
