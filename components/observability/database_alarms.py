"""The alarms of one database. Metrics and units: Aurora User Guide, CloudWatch metrics for Aurora; RDS User Guide, the same.

A cluster's alarms ask for the dimension DBClusterIdentifier alone, which takes in the writer and all readers, those that
scaling adds as well: Maximum and Minimum are then the worst instance's.
"""

from collections.abc import Iterator

import pulumi

from components.observability.alarm import ABOVE, BELOW, Alarm
from components.observability.instance_size import (
    GIB,
    GIB_PER_ACU,
    PAUSING_CAPACITY,
    PAUSING_CONNECTIONS,
    Size,
    burstable,
    default_connections,
    size,
)
from components.observability.monitored import MonitoredDatabaseArgs

PERCENT_CPU = 80
PERCENT_CAPACITY = 90
PERCENT_CACHE = 95
CONNECTIONS_SHARE = 0.8
TRANSACTIONS = 1_000_000_000
"""Half of what forces PostgreSQL into read-only mode; the figure that AWS warns at (RDS User Guide, autovacuum)."""
MEMORY_SHARE = {"aurora": 0.05, "rds": 0.10}
"""Aurora's shared buffers take three quarters of the memory, RDS's one quarter, so that less of Aurora's is ever free."""
STORAGE_SHARE, GROWING_STORAGE_SHARE = 0.2, 0.05
"""AWS grows storage when less than a tenth is free (RDS User Guide, storage autoscaling): below half of that, it did not."""
LOCAL_STORAGE_PER_MEMORY, LOCAL_STORAGE_SHARE = 2, 0.1
"""Aurora's temporary storage is about twice the class's memory (Aurora User Guide, temporary storage limits)."""
READ_SECONDS, COMMIT_MILLISECONDS, LAG_MILLISECONDS = 0.02, 50, 2_000


def dimensions(database: MonitoredDatabaseArgs) -> dict[str, pulumi.Input[str]]:
    """What names the database in CloudWatch."""
    key = {"aurora": "DBClusterIdentifier", "rds": "DBInstanceIdentifier"}.get(database["kind"])
    if key is None:
        raise ValueError(f"{database['name']}: kind is {database['kind']!r}. Allowed: aurora, rds")
    return {key: database["identifier"]}


def is_serverless(database: MonitoredDatabaseArgs) -> bool:
    """Whether capacity follows the load; only Aurora's does."""
    return database["kind"] == "aurora" and database.get("serverless", False)


def size_of(database: MonitoredDatabaseArgs) -> Size | None:
    """The class's size; None for a serverless database and for a class that is not known."""
    return None if is_serverless(database) else size(database.get("instance_class", ""))


def maximum_capacity(database: MonitoredDatabaseArgs) -> float:
    """ACU of each instance of a serverless cluster."""
    return database.get("max_capacity", 4)


def connections(database: MonitoredDatabaseArgs) -> int | None:
    """max_connections; None if the class is not known."""
    if chosen := database.get("max_connections"):
        return chosen
    if is_serverless(database):
        most = default_connections(maximum_capacity(database) * GIB_PER_ACU)
        return min(most, PAUSING_CONNECTIONS) if database.get("min_capacity", 0) <= PAUSING_CAPACITY else most
    known = size_of(database)
    return default_connections(known.memory) if known else None


def readers(database: MonitoredDatabaseArgs) -> int:
    """How many instances beside the writer answer queries; only Aurora has some."""
    return database.get("readers", 0) if database["kind"] == "aurora" else 0


def has_load(database: MonitoredDatabaseArgs) -> bool:
    """Whether Database Insights reports a DBLoad."""
    return database.get("insights", True)


def database_alarms(database: MonitoredDatabaseArgs) -> list[Alarm]:
    """The alarms that fit this database."""
    make = _Maker(database)
    found = [*_compute(database, make), *_sessions(database, make), *_speed(database, make), *_storage(database, make)]
    if readers(database):
        found.append(
            make(
                "lag",
                "AuroraReplicaLag",
                "Maximum",
                ABOVE,
                LAG_MILLISECONDS,
                f"A reader of {database['name']} is more than {LAG_MILLISECONDS} ms behind the writer: what was just written "
                "is not found there. Look for a long query on the reader and for bulk writes; read your own writes from "
                "the writer.",
                period=60,
                periods=5,
            )
        )
    return found


class _Maker:
    """Fills in what a database's alarms have in common."""

    def __init__(self, database: MonitoredDatabaseArgs) -> None:
        self._name, self._dimensions = database["name"], dimensions(database)

    def __call__(
        self,
        key: str,
        metric: str,
        statistic: str,
        comparison: str,
        threshold: float,
        description: str,
        *,
        period: int = 300,
        periods: int = 3,
    ) -> Alarm:
        return Alarm(
            self._name,
            key,
            description,
            "AWS/RDS",
            metric,
            self._dimensions,
            statistic,
            comparison,
            threshold,
            period=period,
            periods=periods,
        )


def _compute(database: MonitoredDatabaseArgs, make: _Maker) -> Iterator[Alarm]:
    name, known, kind = database["name"], size_of(database), database["kind"]
    memory = known.memory_bytes if known else None
    larger = "Take a larger instance class, or look in Database Insights for the query that costs most."
    # Between equal limits the capacity is always at its ceiling, which says nothing.
    scales = database.get("min_capacity", 0) < maximum_capacity(database) * PERCENT_CAPACITY / 100
    if is_serverless(database):
        memory = int(maximum_capacity(database) * GIB_PER_ACU * GIB)
        larger = "Raise maxCapacity, or look in Database Insights for the query that costs most."
    if is_serverless(database) and scales:
        yield make(
            "capacity",
            "ACUUtilization",
            "Maximum",
            ABOVE,
            PERCENT_CAPACITY,
            f"{name} has used more than {PERCENT_CAPACITY} % of its {maximum_capacity(database):g} ACU for 15 minutes: it "
            f"cannot grow further, queries wait. {larger}",
            period=60,
            periods=15,
        )
    else:
        yield make(
            "cpu",
            "CPUUtilization",
            "Maximum",
            ABOVE,
            PERCENT_CPU,
            f"The CPU of {name} has been above {PERCENT_CPU} % for 15 minutes. {larger}",
            period=60,
            periods=15,
        )
    if memory:
        share = MEMORY_SHARE[kind]
        yield make(
            "memory",
            "FreeableMemory",
            "Minimum",
            BELOW,
            round(memory * share),
            f"{name} has less than {share:.0%} of its {memory / GIB:g} GiB free: an index build or too many sessions take "
            f"it, and PostgreSQL may be killed. Lower maintenance_work_mem or work_mem of the session. {larger}",
        )
    if known and has_load(database):
        yield make(
            "load",
            "DBLoad",
            "Average",
            ABOVE,
            known.cpus,
            f"On average more than {known.cpus} sessions of {name} are active at once, as many as it has vCPU. Database "
            "Insights shows what they wait for: locks, I/O or the CPU.",
            period=60,
            periods=15,
        )
    if not is_serverless(database) and burstable(database.get("instance_class", "")):
        yield make(
            "credits",
            "CPUSurplusCreditsCharged",
            "Maximum",
            ABOVE,
            0,
            f"{name} uses more CPU than its class {database.get('instance_class')} earns, which is charged on top. Take a "
            "class that is not burstable (db.m or db.r).",
            periods=1,
        )


def _sessions(database: MonitoredDatabaseArgs, make: _Maker) -> Iterator[Alarm]:
    name = database["name"]
    # RDS Proxy keeps a connection open, so that a cluster behind it never pauses.
    remedy = "raise maxCapacity" if database.get("auto_pause") else "turn on RDS Proxy"
    if most := connections(database):
        yield make(
            "connections",
            "DatabaseConnections",
            "Maximum",
            ABOVE,
            int(most * CONNECTIONS_SHARE),
            f"{name} has more than {CONNECTIONS_SHARE:.0%} of about {most} connections: soon it refuses new ones. Close idle "
            f"sessions (pg_stat_activity), bound the clients' pools, or {remedy}.",
            period=60,
            periods=5,
        )
    yield make(
        "transactions",
        "MaximumUsedTransactionIDs",
        "Maximum",
        ABOVE,
        TRANSACTIONS,
        f"The oldest transaction id of {name} that no vacuum has frozen is a thousand million old; at 2.1 thousand million "
        "the database turns read-only. End long transactions and prepared ones, drop unused replication slots, then "
        "VACUUM FREEZE the tables of the greatest age(relfrozenxid). A cluster that pauses cancels its autovacuum: let it "
        "run through.",
    )


def _speed(database: MonitoredDatabaseArgs, make: _Maker) -> Iterator[Alarm]:
    # A database that pauses starts with a cold cache every time: slow reads are no news then.
    if database.get("auto_pause"):
        return
    name = database["name"]
    if database["kind"] == "aurora":
        yield make(
            "cache",
            "BufferCacheHitRatio",
            "Average",
            BELOW,
            PERCENT_CACHE,
            f"For half an hour {name} has read more than {100 - PERCENT_CACHE} % of its pages from storage: the vector "
            "indexes no longer fit in memory. Take more memory (minCapacity or the class), store halfvec, or quantise.",
            periods=6,
        )
        yield make(
            "commit",
            "CommitLatency",
            "Average",
            ABOVE,
            COMMIT_MILLISECONDS,
            f"A commit on {name} takes more than {COMMIT_MILLISECONDS} ms on average. Write in larger transactions, and see "
            "in Database Insights whether sessions wait for IO:XactSync.",
        )
    yield make(
        "reads",
        "ReadLatency",
        "Average",
        ABOVE,
        READ_SECONDS,
        f"A read from the storage of {name} takes more than {READ_SECONDS * 1000:g} ms on average. Look for sequential scans "
        "and index builds; more memory, or faster storage on RDS, makes reads rarer.",
    )


def _storage(database: MonitoredDatabaseArgs, make: _Maker) -> Iterator[Alarm]:
    name, known = database["name"], size_of(database)
    # Serverless v2 has no such metric; Aurora's volume grows by itself.
    if database["kind"] == "aurora":
        if known:
            yield make(
                "local",
                "FreeLocalStorage",
                "Minimum",
                BELOW,
                round(known.memory_bytes * LOCAL_STORAGE_PER_MEMORY * LOCAL_STORAGE_SHARE),
                f"The temporary storage of {name} is almost full: sorts and index builds spill there and will fail. Raise "
                "maintenance_work_mem for the build, or take a larger class.",
            )
        return
    allocated, grows = database.get("allocated_storage"), database.get("max_allocated_storage", 0)
    if allocated is None:
        return
    share = GROWING_STORAGE_SHARE if grows > allocated else STORAGE_SHARE
    remedy = (
        f"AWS should have grown it: it stops at {grows} GiB, and waits six hours after each change. Raise "
        "maxAllocatedStorage."
        if grows > allocated
        else "Raise allocatedStorage, or set maxAllocatedStorage so that AWS does; a full instance stops."
    )
    yield make(
        "storage",
        "FreeStorageSpace",
        "Minimum",
        BELOW,
        round(allocated * GIB * share),
        f"{name} has less than {share:.0%} of its first {allocated} GiB of storage free. {remedy}",
    )
