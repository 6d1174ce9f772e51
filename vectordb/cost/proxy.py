"""RDS Proxy: paid by the power of the instances behind it, and never by less than a minimum."""

from decimal import Decimal

from vectordb.cost import aurora, database
from vectordb.cost.capacity import SERVERLESS, vcpus
from vectordb.cost.resource import Resource
from vectordb.cost.sheet import Sheet

LEAST_ACU = 8
LEAST_VCPUS = 2
"""Both per proxy (Amazon RDS Proxy pricing)."""
TARGET = "aws:rds/proxyTarget:ProxyTarget"


def proxy(resource: Resource, sheet: Sheet) -> None:
    """Every instance behind the proxy counts; what stands behind it is what its targets name."""
    serverless, provisioned, unknown = Decimal(0), 0, False
    for instance, of in _behind(resource, sheet):
        kind = instance.inputs.get("instanceClass")
        if kind == SERVERLESS:
            if of is None:
                continue
            serverless += aurora.busy_capacity(of, sheet)
            if aurora.pauses(of, sheet):
                sheet.note(resource, f"RDS Proxy keeps {of.name} from pausing: its capacity costs more than is shown.")
            continue
        count = vcpus(kind) if isinstance(kind, str) else None
        unknown = unknown or count is None
        provisioned += count or 0
    if unknown:
        sheet.note(resource, "an instance behind RDS Proxy has a class of unknown size.")
    if serverless:
        sheet.hourly(resource, "RDS Proxy, at least 8 ACU", max(serverless, Decimal(LEAST_ACU)), "proxy.acu")
    if provisioned or not serverless:
        sheet.hourly(resource, "RDS Proxy, at least 2 vCPUs", max(provisioned, LEAST_VCPUS), "proxy.vcpu")


def _behind(resource: Resource, sheet: Sheet) -> list[tuple[Resource, Resource | None]]:
    """(instance, its cluster if it has one) of every target."""
    found: list[tuple[Resource, Resource | None]] = []
    for target in sheet.of_type(TARGET):
        if sheet.referred(target, "dbProxyName", resource.type, "name") is not resource:
            continue
        single = sheet.referred(target, "dbInstanceIdentifier", database.INSTANCE, "identifier")
        if single is not None:
            found.append((single, None))
        whole = sheet.referred(target, "dbClusterIdentifier", aurora.CLUSTER, "clusterIdentifier")
        if whole is not None:
            members = [
                member
                for member in sheet.of_type(aurora.INSTANCE)
                if sheet.referred(member, "clusterIdentifier", aurora.CLUSTER, "clusterIdentifier") is whole
            ]
            found += [(member, whole) for member in members]
    return found
