"""Extensions: their versions, what can be upgraded, and pgvector's known hole."""

from collections.abc import Mapping
from dataclasses import dataclass

from vectordb.database.session import Session

# CVE-2026-3172: pgvector 0.6.0 to 0.8.1 overflow a buffer when an HNSW index is built in parallel, which can leak data of other
# relations or crash the server; fixed in 0.8.2 (pgvector/pgvector#959).
SAFE_PGVECTOR = (0, 8, 2)

#: Given to a session, or to one transaction, before it builds indexes with a pgvector that has the hole.
SERIAL_BUILD = "SET max_parallel_maintenance_workers = 0"
SERIAL_BUILD_LOCAL = "SET LOCAL max_parallel_maintenance_workers = 0"

_QUERY = """
SELECT name::text, installed_version, default_version
FROM pg_catalog.pg_available_extensions
WHERE installed_version IS NOT NULL OR name = 'vector'
ORDER BY 1
"""


@dataclass(frozen=True)
class Extensions:
    """What a database has.

    Attributes:
        installed: versions by name.
        available: the server's default versions by name, of the installed ones and of pgvector.
    """

    installed: Mapping[str, str]
    available: Mapping[str, str]

    def pgvector_is_unsafe(self) -> bool:
        """Whether pgvector, as installed or as it would be, has the hole."""
        version = self.installed.get("vector") or self.available.get("vector")
        return version is not None and numbers(version) < SAFE_PGVECTOR

    def warnings(self) -> list[str]:
        """What a person should know, a line each."""
        found = []
        if self.pgvector_is_unsafe() and "vector" in self.installed:
            found.append(
                f"warning: pgvector {self.installed['vector']} has CVE-2026-3172 (fixed in 0.8.2): parallel HNSW builds can leak data of other "
                "relations. Indexes are built without parallel workers here; set max_parallel_maintenance_workers = 0 wherever else "
                "they are built, and upgrade the engine."
            )
        found += [
            f"note: {name} {version} is installed, {self.available[name]} is available: put ALTER EXTENSION {name} UPDATE into a file"
            for name, version in self.installed.items()
            if name in self.available and numbers(self.available[name]) > numbers(version)
        ]
        return found


def read(session: Session) -> Extensions:
    """Ask the database: one round trip."""
    rows = session.execute(_QUERY).fetchall()
    return Extensions(
        installed={name: installed for name, installed, _ in rows if installed is not None},
        available={name: default for name, _, default in rows if default is not None},
    )


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers; a part that is none counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))
