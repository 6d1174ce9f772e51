"""The graphs of one database: how much it does, how fast, and how much room is left."""

from typing import Any, cast

from components.observability.database_alarms import (
    connections,
    dimensions,
    has_load,
    is_serverless,
    maximum_capacity,
    readers,
    size_of,
)
from components.observability.monitored import MonitoredDatabaseArgs
from components.observability.widgets import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    Line,
    Widget,
    graph,
    math,
    metric,
    text,
)


def section(database: MonitoredDatabaseArgs, region: str, levels: dict[str, Line]) -> list[Widget]:
    """A heading and the graphs, the levels of the alarms in them.

    Args:
        database: its identifier known.
        region: where it is.
        levels: an alarm's key → its threshold.
    """
    graphs = _Graphs(database, region, levels)
    return [
        graphs.heading(),
        graphs.compute(),
        graphs.sessions(),
        graphs.memory(),
        *([graphs.load()] if has_load(database) else []),
        graphs.latency(),
        graphs.cache() if database["kind"] == "aurora" else graphs.operations(),
        graphs.storage(),
        graphs.transactions(),
        graphs.lag() if readers(database) else graphs.traffic(),
    ]


class _Graphs:
    def __init__(self, database: MonitoredDatabaseArgs, region: str, levels: dict[str, Line]) -> None:
        self._database, self._region, self._levels = database, region, levels
        self._named = cast("dict[str, str]", dimensions(database))

    def heading(self) -> Widget:
        database = self._database
        what = "Aurora cluster" if database["kind"] == "aurora" else "RDS instance"
        if is_serverless(database):
            size = f"{database.get('min_capacity', 0):g} to {maximum_capacity(database):g} ACU"
            size += ", pauses when idle" if database.get("auto_pause") else ""
        else:
            size = database.get("instance_class", "")
        return text(f"## {database['name']}: {what} `{database['identifier']}`, {size}")

    def compute(self) -> Widget:
        if not is_serverless(self._database):
            return self._graph("CPU", self._roles("CPUUtilization"), "%", "cpu")
        most = maximum_capacity(self._database)
        return self._graph(
            "Capacity",
            [
                self._one("ServerlessDatabaseCapacity", stat="Maximum", label="most of an instance", color=ORANGE),
                self._one("ServerlessDatabaseCapacity", label="average", color=BLUE),
            ],
            "ACU",
            lines=[Line(most, "most")],
        )

    def sessions(self) -> Widget:
        known = connections(self._database)
        most = [Line(known, "most, about", PURPLE)] if known else []
        return self._graph("Connections", self._roles("DatabaseConnections"), "connections", "connections", lines=most)

    def memory(self) -> Widget:
        free = self._one("FreeableMemory", stat="Minimum", label="free, at least", color=GREEN)
        return self._graph("Memory", [free], "bytes", "memory")

    def load(self) -> Widget:
        """DBLoadNonCPU is the load that waits for something; Database Insights says for what."""
        known = size_of(self._database)
        return self._graph(
            "Load: sessions that work, and that wait",
            [
                self._one("DBLoadCPU", label="on the CPU", color=GREEN),
                self._one("DBLoadNonCPU", label="waiting", color=RED),
            ],
            "active sessions",
            lines=[Line(known.cpus, "vCPU", PURPLE)] if known else [],
            stacked=True,
        )

    def latency(self) -> Widget:
        metrics = [
            math("r*1000", id="read", label="read", color=BLUE),
            math("w*1000", id="write", label="write", color=ORANGE),
            self._one("ReadLatency", id="r", visible=False),
            self._one("WriteLatency", id="w", visible=False),
        ]
        if self._database["kind"] == "aurora":
            metrics.append(self._one("CommitLatency", label="commit", color=GREEN))
        # The thresholds have two units, so they are not in this graph.
        return self._graph("How long storage takes", metrics, "ms")

    def cache(self) -> Widget:
        hits = self._one("BufferCacheHitRatio", label="found in memory", color=GREEN)
        return self._graph("Pages found in memory", [hits], "%", "cache")

    def operations(self) -> Widget:
        return self._graph(
            "Reads and writes of the storage",
            [self._one("ReadIOPS", label="reads", color=BLUE), self._one("WriteIOPS", label="writes", color=ORANGE)],
            "operations a second",
        )

    def storage(self) -> Widget:
        if self._database["kind"] == "rds":
            free = self._one("FreeStorageSpace", stat="Minimum", label="free", color=GREEN)
            return self._graph("Storage", [free], "bytes", "storage", period=300)
        metrics = [self._one("VolumeBytesUsed", label="used, and paid for", color=BLUE)]
        if not is_serverless(self._database):
            metrics.append(self._one("FreeLocalStorage", stat="Minimum", label="free temporary", color=GREEN))
        return self._graph("Storage", metrics, "bytes", "local", period=300)

    def transactions(self) -> Widget:
        return self._graph(
            "Oldest transaction id that no vacuum has frozen",
            [self._one("MaximumUsedTransactionIDs", stat="Maximum", label="age", color=PURPLE)],
            "transactions",
            "transactions",
            period=300,
        )

    def lag(self) -> Widget:
        lag = self._one("AuroraReplicaLag", stat="Maximum", label="slowest reader", color=ORANGE)
        return self._graph("How far readers are behind", [lag], "ms", "lag")

    def traffic(self) -> Widget:
        return self._graph(
            "Traffic with clients",
            [
                self._one("NetworkReceiveThroughput", label="in", color=BLUE),
                self._one("NetworkTransmitThroughput", label="out", color=GREEN),
            ],
            "bytes a second",
        )

    def _roles(self, name: str) -> list[list[Any]]:
        """The metric of an instance, or of the cluster's writer and, if there are some, its readers."""
        if self._database["kind"] == "rds":
            return [self._one(name, stat="Maximum", label="instance", color=BLUE)]
        roles = {"WRITER": ("writer", BLUE), **({"READER": ("reader", GREY)} if readers(self._database) else {})}
        return [
            metric("AWS/RDS", name, {**self._named, "Role": role}, stat="Maximum", label=label, color=color)
            for role, (label, color) in roles.items()
        ]

    def _one(self, name: str, **options: Any) -> list[Any]:
        return metric("AWS/RDS", name, self._named, **options)

    def _graph(
        self,
        title: str,
        metrics: list[list[Any]],
        unit: str,
        key: str = "",
        lines: list[Line] | None = None,
        **how: Any,
    ) -> Widget:
        """A graph with the threshold of the alarm `key`, if there is one, and other `lines`."""
        level = [self._levels[key]] if key in self._levels else []
        return graph(title, self._region, metrics, unit=unit, lines=[*level, *(lines or [])], **how)
