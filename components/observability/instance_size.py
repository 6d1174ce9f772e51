"""How large a database's instance is, and what PostgreSQL on RDS derives from that."""

import re
from dataclasses import dataclass

GIB = 2**30
GIB_PER_ACU = 2
"""Aurora User Guide, Aurora Serverless v2 capacity: approximately 2 GiB, with the CPU that belongs to them."""

_BURSTABLE = {
    "micro": (2, 1),
    "small": (2, 2),
    "medium": (2, 4),
    "large": (2, 8),
    "xlarge": (4, 16),
    "2xlarge": (8, 32),
}
"""Size → vCPU and GiB of db.t3 and db.t4g (RDS User Guide, hardware specifications for DB instance classes)."""
_GIB_PER_CPU = {"c": 2, "m": 4, "r": 8}
"""The same guide, from the fifth generation on; classes outside these families are not known here."""

_CONNECTIONS_PER_ACU, _CONNECTIONS_LESS = 211.4, 22
MOST_CONNECTIONS = 5_000
PAUSING_CAPACITY, PAUSING_CONNECTIONS = 0.5, 2_000
"""A minimum of at most 0.5 ACU bounds max_connections (Aurora User Guide, maximum connections for Serverless v2)."""


@dataclass(frozen=True)
class Size:
    """vCPU, and memory in GiB."""

    cpus: int
    memory: float

    @property
    def memory_bytes(self) -> int:
        """The memory in bytes."""
        return int(self.memory * GIB)


def size(instance_class: str) -> Size | None:
    """The size of a class such as db.r7g.2xlarge; None if it is of a family that is not known here."""
    if found := re.fullmatch(r"db\.t(?:3|4g)\.(\w+)", instance_class):
        return Size(*_BURSTABLE[found[1]]) if found[1] in _BURSTABLE else None
    found = re.fullmatch(r"db\.([cmr])[5-9][a-z]{0,3}\.(?:(large)|(\d*)xlarge)", instance_class)
    if found is None:
        return None
    family, large, times = found.groups()
    cpus = 2 if large else 4 * int(times or 1)
    return Size(cpus, cpus * _GIB_PER_CPU[family])


def burstable(instance_class: str) -> bool:
    """Whether the class earns and spends CPU credits."""
    return instance_class.startswith("db.t")


def default_connections(memory: float) -> int:
    """About what `LEAST({DBInstanceClassMemory/9531392},5000)` gives for `memory` GiB.

    DBInstanceClassMemory is less than the class's memory, by what the operating system and RDS's own processes take. The
    line goes through the Aurora User Guide's table for Serverless v2: 189, 823, 1669 and 3360 for 1, 4, 8 and 16 ACU.
    """
    return max(1, min(MOST_CONNECTIONS, int(_CONNECTIONS_PER_ACU * memory / GIB_PER_ACU - _CONNECTIONS_LESS)))
