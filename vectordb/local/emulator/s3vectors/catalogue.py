"""Which buckets and indexes there are, in a SQLite file."""

import json
import threading
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from vectordb.local.emulator.s3vectors.files import connect, remove
from vectordb.local.emulator.s3vectors.store import VectorIndex

_FILE = "catalogue.sqlite"


@dataclass(slots=True)
class Resource:
    """A vector bucket or an index."""

    arn: str
    parent: str
    """The bucket's ARN of an index; empty for a bucket."""
    name: str
    created: float = field(default_factory=lambda: round(time.time(), 3))
    settings: dict[str, Any] = field(default_factory=dict)
    """dimension, distanceMetric, metadataConfiguration, encryptionConfiguration, tags, policy: what there is of them."""

    @property
    def file(self) -> str:
        """The name of an index's file: readable, and unique by the ARN's digest."""
        return f"{self.name}-{sha256(self.arn.encode()).hexdigest()[:12]}.sqlite"


class Catalogue:
    """All buckets and indexes. Thread-safe; hold `lock` to look and then change."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.lock = threading.RLock()
        self._connection = connect(folder / _FILE)
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS resource (arn TEXT PRIMARY KEY, parent TEXT, name TEXT, created REAL, settings TEXT)"
        )
        stored = self._connection.execute("SELECT arn, parent, name, created, settings FROM resource").fetchall()
        self._resources = {row[0]: Resource(row[0], row[1], row[2], row[3], json.loads(row[4])) for row in stored}
        self._indexes: dict[str, VectorIndex] = {}
        self._adoptable = set(self._resources)
        self._sweep()

    def get(self, arn: str) -> Resource | None:
        """A bucket or index by its ARN."""
        return self._resources.get(arn)

    def children(self, parent: str) -> list[Resource]:
        """The indexes of a bucket, or with an empty parent the buckets, by name."""
        with self.lock:
            return sorted((r for r in self._resources.values() if r.parent == parent), key=lambda r: r.name)

    def save(self, resource: Resource) -> None:
        """Store a new or changed resource."""
        with self.lock:
            values = (resource.arn, resource.parent, resource.name, resource.created, json.dumps(resource.settings))
            self._connection.execute("INSERT OR REPLACE INTO resource VALUES (?, ?, ?, ?, ?)", values)
            self._resources[resource.arn] = resource

    def delete(self, resource: Resource) -> None:
        """Remove a resource, with the vectors of an index."""
        with self.lock:
            self._connection.execute("DELETE FROM resource WHERE arn = ?", (resource.arn,))
            self._resources.pop(resource.arn, None)
            self._adoptable.discard(resource.arn)
            index = self._indexes.pop(resource.arn, None)
            if index is not None:
                index.close()
            remove(self.folder / resource.file)

    def adopt(self, arn: str) -> bool:
        """Whether an earlier run stored this resource and nobody has created it since the start; true once."""
        with self.lock:
            found = arn in self._adoptable
            self._adoptable.discard(arn)
            return found

    def vectors(self, resource: Resource) -> VectorIndex:
        """The vectors of an index, read from its file at the first use."""
        with self.lock:
            index = self._indexes.get(resource.arn)
            if index is None:
                settings = resource.settings
                index = VectorIndex(self.folder / resource.file, settings["dimension"], settings["distanceMetric"])
                self._indexes[resource.arn] = index
            return index

    def close(self) -> None:
        """Close every file."""
        with self.lock:
            for index in self._indexes.values():
                index.close()
            self._connection.close()

    def _sweep(self) -> None:
        """Remove the files of indexes whose deletion was cut short."""
        known = {resource.file for resource in self._resources.values()} | {_FILE}
        for path in self.folder.glob("*.sqlite"):
            if path.name not in known:
                remove(path)
