"""RDS for PostgreSQL, RDS Proxy, and the monitoring that RDS and Aurora share."""

from dataclasses import dataclass
from decimal import Decimal

from vectordb.cost.capacity import vcpus
from vectordb.cost.keys import secret
from vectordb.cost.resource import Resource
from vectordb.cost.sheet import Sheet

INSTANCE = "aws:rds/instance:Instance"
BOTH_ZONES = 2
"""A Multi-AZ instance is paid twice, and so is its storage: AWS's Multi-AZ prices are the double, to a tenth of a cent."""
INCLUDED_IOPS = {"small": 3000, "large": 12000}
"""gp3, below and from 400 GB on (Amazon RDS User Guide, CHAP_Storage, gp3 storage)."""
INCLUDED_THROUGHPUT = {"small": 125, "large": 500}
"""MiB/s, likewise."""
STRIPED_GB = 400
MONITORING_GB = {60: "0.27", 30: "0.53", 15: "1.07", 10: "1.61", 5: "3.21", 1: "16.07"}
"""Interval of Enhanced Monitoring in seconds → GB of log events of an instance in a month, as AWS estimates."""
FREE_HISTORY_DAYS = 7


@dataclass(frozen=True)
class Insights:
    """What Database Insights counts of an instance: units of `price` in any month, and those of the active hours."""

    price: str
    always: Decimal
    active: Decimal = Decimal(0)


def instance(resource: Resource, sheet: Sheet) -> None:
    """An instance and the storage that is set aside for it."""
    engine = sheet.text(resource, "engine", "postgres")
    if engine != "postgres":
        sheet.no_price(resource, f"only PostgreSQL has prices here, this one is {engine}")
        return
    copies = BOTH_ZONES if sheet.flag(resource, "multiAz", default=False) else 1
    suffix = ", Multi-AZ" if copies > 1 else ""
    kind = sheet.text(resource, "instanceClass", "")
    if f"rds.{kind}" in sheet.prices:
        sheet.hourly(resource, f"{kind} RDS instance{suffix}", copies, f"rds.{kind}")
    else:
        sheet.no_price(resource, f"no price for the RDS class {kind or '(unknown)'}")
    _storage(resource, copies, suffix, sheet)
    sheet.rate(resource, "backups larger than the storage", "rds.backup")
    if sheet.flag(resource, "manageMasterUserPassword", default=False):
        secret(resource, sheet)
    enhanced_monitoring(resource, sheet)
    insights(resource, vcpu_hours(kind, sheet), sheet)


def _storage(resource: Resource, copies: int, suffix: str, sheet: Sheet) -> None:
    kind = sheet.text(resource, "storageType", "gp3")
    if "allocatedStorage" not in resource.inputs:
        sheet.note(resource, "names no allocatedStorage; the least, 20 GB, assumed.")
    size = sheet.number(resource, "allocatedStorage", 20)
    if f"rds.{kind}" not in sheet.prices:
        sheet.no_price(resource, f"no price for storage of type {kind}")
        return
    sheet.fixed(resource, f"{kind} storage{suffix}", copies * size, f"rds.{kind}")
    iops, throughput = sheet.number(resource, "iops", 0), sheet.number(resource, "storageThroughput", 0)
    if kind == "gp3":
        included = "large" if size >= STRIPED_GB else "small"
        iops = max(iops - INCLUDED_IOPS[included], Decimal(0))
        throughput = max(throughput - INCLUDED_THROUGHPUT[included], Decimal(0))
    if f"rds.{kind}.iops" in sheet.prices:
        sheet.fixed(resource, f"{kind} provisioned IOPS{suffix}", copies * iops, f"rds.{kind}.iops")
    if throughput:
        sheet.no_price(resource, "provisioned throughput of the storage")
    if "maxAllocatedStorage" in resource.inputs:
        sheet.note(resource, "its storage grows by itself; the price is that of the size it begins with.")


def vcpu_hours(kind: str, sheet: Sheet) -> Insights | None:
    """What Database Insights counts of a provisioned class."""
    count = vcpus(kind)
    return None if count is None else Insights("insights.vcpu", count * sheet.prices.hours)


def insights(resource: Resource, quantity: Insights | None, sheet: Sheet, of: Resource | None = None) -> None:
    """Database Insights: Standard, with a history of seven days, is free. A cluster `of` may hold the settings."""
    if sheet.text(_holder("databaseInsightsMode", resource, of), "databaseInsightsMode", "standard") == "advanced":
        if quantity is None:
            sheet.no_price(resource, "Database Insights Advanced, of a class whose size is unknown")
            return
        sheet.fixed(resource, "Database Insights Advanced", quantity.always, quantity.price)
        if quantity.active:
            sheet.used(resource, "Database Insights Advanced, by capacity", quantity.active, quantity.price)
        return
    history = "performanceInsightsRetentionPeriod"
    if sheet.number(_holder(history, resource, of), history, FREE_HISTORY_DAYS) > FREE_HISTORY_DAYS:
        sheet.no_price(resource, "Performance Insights history of more than seven days")


def enhanced_monitoring(resource: Resource, sheet: Sheet, of: Resource | None = None) -> None:
    """Enhanced Monitoring is paid as the log events that it writes. A cluster `of` may hold the interval."""
    interval = int(sheet.number(_holder("monitoringInterval", resource, of), "monitoringInterval", 0))
    if interval:
        nearest = max((seconds for seconds in MONITORING_GB if seconds <= interval), default=1)
        sheet.fixed(resource, "Enhanced Monitoring, log events", Decimal(MONITORING_GB[nearest]), "logs.ingest")


def _holder(key: str, resource: Resource, of: Resource | None) -> Resource:
    return resource if of is None or key in resource.inputs else of
