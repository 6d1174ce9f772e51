"""Aurora PostgreSQL: clusters and their instances."""

from decimal import Decimal

from vectordb.cost import database
from vectordb.cost.capacity import LEAST_CAPACITY, SERVERLESS
from vectordb.cost.keys import secret
from vectordb.cost.resource import Resource
from vectordb.cost.sheet import Sheet

CLUSTER = "aws:rds/cluster:Cluster"
INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
MOST_READERS = 15
"""Of a cluster (Amazon Aurora User Guide, quotas)."""
_SCALING = "serverlessv2ScalingConfiguration"


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


def kept_readers(resource: Resource, sheet: Sheet) -> None:
    """The readers that auto scaling always keeps and no plan has: of the writer's class, up to the target's minimum."""
    of = sheet.referred(resource, "resourceId", CLUSTER, "clusterIdentifier")
    members = [
        member
        for member in sheet.of_type(INSTANCE)
        if of is not None and sheet.referred(member, "clusterIdentifier", CLUSTER, "clusterIdentifier") is of
    ]
    kept = min(int(sheet.number(resource, "minCapacity", 1)), MOST_READERS)
    missing = kept - (len(members) - 1)
    if members and missing > 0:
        sheet.note(resource, f"readers that auto scaling always keeps, and that are counted: {missing}.")
        for _ in range(missing):
            instance(members[0], sheet)


def pauses(of: Resource, sheet: Sheet) -> bool:
    """Whether an idle cluster pauses."""
    return sheet.number(of, "minCapacity", 0, within=_SCALING) == 0


def busy_capacity(of: Resource, sheet: Sheet) -> Decimal:
    """ACU in the active hours; an instance that is awake has at least half of one, and never more than its cluster allows."""
    wanted = max(sheet.usage.exact("average_capacity"), LEAST_CAPACITY)
    most = sheet.number(of, "maxCapacity", wanted, within=_SCALING)
    if wanted <= most:
        return wanted
    sheet.note(
        of, f"it grows to its maxCapacity, {most.normalize():f} ACU, and not to the {wanted.normalize():f} assumed."
    )
    return most


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
    least = sheet.number(of, "minCapacity", 0, within=_SCALING)
    return least, max(busy_capacity(of, sheet) - least, Decimal(0))


def _tier(of: Resource, sheet: Sheet) -> str:
    return "aurora-iopt1" if sheet.text(of, "storageType", "aurora") == "aurora-iopt1" else "aurora"
