"""Where a new database gets its data from: nowhere, a snapshot, or another database at a moment.

It is heeded when the cluster or instance is made, and ignored ever after (`IGNORED`): the arguments can be removed once
the data is there, and nothing is replaced. A replacement (another `generation`) heeds them again, because the engine
compares nothing then (pulumi/pulumi, step_generator.go: a replacement is checked with the program's own inputs).
"""

from dataclasses import dataclass
from typing import Any

IGNORED = ["snapshotIdentifier", "restoreToPointInTime"]


@dataclass(frozen=True)
class Restoration:
    """What is restored; all three empty for a new, empty database."""

    snapshot: str = ""
    source: str = ""
    time: str = ""

    def __post_init__(self) -> None:
        if self.snapshot and self.source:
            raise ValueError("restore_snapshot and restore_source are both given. Give the one that holds the data.")
        if self.time and not self.source:
            raise ValueError("restore_time is given without restore_source. Name the database whose past it is.")

    @property
    def asked(self) -> bool:
        """Whether there is data to bring back."""
        return bool(self.snapshot or self.source)

    @property
    def described(self) -> str:
        """In words: `from the snapshot s`, `from d as it was at t`."""
        if self.snapshot:
            return f"from the snapshot {self.snapshot}"
        return (
            f"from {self.source} as it was at {self.time}" if self.time else f"from {self.source} at its latest moment"
        )

    def of_cluster(self) -> dict[str, Any]:
        """The arguments of an Aurora cluster."""
        if self.snapshot:
            return {"snapshot_identifier": self.snapshot}
        if not self.source:
            return {}
        moment = {"restore_to_time": self.time} if self.time else {"use_latest_restorable_time": True}
        return {"restore_to_point_in_time": {"source_cluster_identifier": self.source, **moment}}

    def of_instance(self) -> dict[str, Any]:
        """The arguments of an RDS instance."""
        if self.snapshot:
            return {"snapshot_identifier": self.snapshot}
        if not self.source:
            return {}
        moment = {"restore_time": self.time} if self.time else {"use_latest_restorable_time": True}
        return {"restore_to_point_in_time": {"source_db_instance_identifier": self.source, **moment}}
