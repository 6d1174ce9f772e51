"""What runs up the bill, while it does: list prices of us-east-1, multiplied in the dashboard itself."""

from typing import cast

from components.observability.database_alarms import dimensions, is_serverless, readers
from components.observability.monitored import MonitoredDatabaseArgs, ObservabilityArgs
from components.observability.widgets import BLUE, ORANGE, Widget, graph, math, metric, number, text

ACU_HOUR_USD = 0.12
ENDPOINT_GB_USD = 0.01
BYTES_PER_GB = 2**30
HOUR = 3600


def cost_graphs(known: ObservabilityArgs, region: str) -> list[Widget]:
    """The graphs of what is paid by use: capacity of serverless clusters, I/O of clusters, traffic of endpoints."""
    widgets: list[Widget] = []
    for database in known.get("databases", []):
        if is_serverless(database):
            widgets += _capacity(database, region)
        if database["kind"] == "aurora":
            widgets.append(_requests(database, region))
    if known.get("endpoints"):
        widgets.append(_endpoints(known, region))
    return [text("## cost: what is paid by use"), *widgets] if widgets else []


def _capacity(database: MonitoredDatabaseArgs, region: str) -> list[Widget]:
    """The cluster's capacity is its instances' average, so that it is multiplied by their number."""
    named = cast("dict[str, str]", dimensions(database))
    instances, price = 1 + readers(database), database.get("acu_hour_usd", ACU_HOUR_USD)
    # PERIOD makes it right for any period: the hour of the bars, the whole range of the number.
    hours = f"acu*{instances}*PERIOD(acu)/{HOUR}"
    source = metric("AWS/RDS", "ServerlessDatabaseCapacity", named, id="acu", visible=False, stat="Average")
    return [
        graph(
            f"{database['name']}: capacity, every hour",
            region,
            [math(f"{hours}*{price:g}", id="usd", label="USD", color=ORANGE), source],
            unit=f"USD at {price:g} an ACU-hour",
            stacked=True,
            period=HOUR,
        ),
        number(
            f"{database['name']}: capacity in the time shown",
            region,
            [math(hours, id="hours", label="ACU-hours"), math(f"{hours}*{price:g}", id="usd", label="USD"), source],
        ),
    ]


def _requests(database: MonitoredDatabaseArgs, region: str) -> Widget:
    """Counted every five minutes (Aurora User Guide, VolumeReadIOPs); paid by the million, unless I/O-Optimized."""
    named = cast("dict[str, str]", dimensions(database))
    return graph(
        f"{database['name']}: I/O that storage type aurora bills",
        region,
        [
            metric("AWS/RDS", "VolumeReadIOPs", named, label="reads", color=BLUE),
            metric("AWS/RDS", "VolumeWriteIOPs", named, label="writes", color=ORANGE),
        ],
        unit="requests in five minutes",
        period=300,
    )


def _endpoints(known: ObservabilityArgs, region: str) -> Widget:
    """Metrics and dimensions: VPC User Guide, CloudWatch metrics for AWS PrivateLink."""
    if not known.get("vpc_id"):
        raise ValueError("endpoints are given without vpc_id; their metrics are named by both")
    lines = []
    for place, endpoint in enumerate(known.get("endpoints", [])):
        named = {
            "Endpoint Type": "Interface",
            "Service Name": f"com.amazonaws.{region}.{endpoint['service']}",
            "VPC Endpoint Id": cast("str", endpoint["endpoint_id"]),
            "VPC Id": cast("str", known.get("vpc_id", "")),
        }
        lines += [
            math(f"b{place}/{BYTES_PER_GB}*{ENDPOINT_GB_USD}", id=f"usd{place}", label=endpoint["service"]),
            metric("AWS/PrivateLinkEndpoints", "BytesProcessed", named, id=f"b{place}", visible=False, stat="Sum"),
        ]
    return graph("Endpoints: data processed", region, lines, unit="USD an hour", stacked=True, period=HOUR)
