"""What administrators set beside the deployment: who may use which index, whose vectors a login sees, which tables are embedded.

A deployment makes none of it anew. It registers the declared indexes and gives each its first grants, so once the settings are gone,
what was revoked, scoped or deactivated by hand is open again.
"""

from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg import errors
from psycopg.rows import tuple_row

_SHOWN = 5


@dataclass(frozen=True)
class Settings:
    """Settings of one kind.

    Attributes:
        kind: its key in JSON.
        title: what they are, for people.
        names: each of them, in a few words.
        opens: whether the next deployment opens to others what these keep closed.
    """

    kind: str
    title: str
    names: tuple[str, ...]
    opens: bool

    def __str__(self) -> str:
        more = f", … and {len(self.names) - _SHOWN} more" if len(self.names) > _SHOWN else ""
        return f"{self.title}: {len(self.names)} ({', '.join(self.names[:_SHOWN])}{more})"


# The first grants of an index are those of s3vl.first_grants.
_REVOKED: LiteralString = """
SELECT f.privilege || ' on ' || r.index_name || ' from ' || f.grantee
FROM s3vl.index_registry AS r
CROSS JOIN (
    VALUES ('vectordb_reader', 'read'), ('vectordb_writer', 'write'), ('vectordb_worker', 'read'), ('vectordb_worker', 'write')
) AS f(grantee, privilege)
WHERE NOT EXISTS (
    SELECT FROM s3vl.index_grants AS g
    WHERE g.index_name = r.index_name AND g.grantee = f.grantee AND g.privilege = f.privilege
)
ORDER BY 1
"""
_GRANTED: LiteralString = """
SELECT g.privilege || ' on ' || g.index_name || ' to ' || g.grantee
FROM s3vl.index_grants AS g
WHERE (g.grantee::text, g.privilege) NOT IN (
    ('vectordb_reader', 'read'), ('vectordb_writer', 'write'), ('vectordb_worker', 'read'), ('vectordb_worker', 'write')
)
ORDER BY 1
"""
_TENANT_KEYS: LiteralString = """
SELECT r.tenant_key || ' of ' || r.index_name FROM s3vl.index_registry AS r WHERE r.tenant_key IS NOT NULL ORDER BY 1
"""
_VECTORIZERS: LiteralString = """
SELECT r.index_name || ' of ' || r.vectorizer FROM s3vl.index_registry AS r WHERE r.vectorizer IS NOT NULL ORDER BY 1
"""
_DECLARED: LiteralString = """
SELECT v.name || ' of ' || v.source::text FROM embed.vectorizer AS v ORDER BY 1
"""
_DEACTIVATED: LiteralString = "SELECT r.index_name FROM s3vl.index_registry AS r WHERE NOT r.is_active ORDER BY 1"
_TENANTS: LiteralString = "SELECT t.role_name || ' to ' || t.tenant FROM s3vl.tenants AS t ORDER BY 1"
_TRUSTED: LiteralString = "SELECT a.role_name::text FROM s3vl.trusted_applications AS a ORDER BY 1"
_COPIES: LiteralString = """
SELECT c.job || ' of ' || c.role_name || CASE WHEN c.finished_at IS NULL THEN ', unfinished' ELSE '' END
FROM s3vl.copies AS c ORDER BY 1
"""

_KINDS: Final[tuple[tuple[str, str, bool, LiteralString], ...]] = (
    ("revoked", "revoked from the groups of the deployment", True, _REVOKED),
    ("granted", "grants of indexes", False, _GRANTED),
    ("tenantKeys", "tenant keys of indexes, those of the configuration among them", True, _TENANT_KEYS),
    ("vectorizers", "indexes of vectorizers", True, _VECTORIZERS),
    ("embeddings", "vectorizers, those of the configuration among them", False, _DECLARED),
    ("deactivated", "deactivated indexes", True, _DEACTIVATED),
    ("tenants", "logins bound to tenants", False, _TENANTS),
    ("trustedApplications", "trusted applications", False, _TRUSTED),
    ("copies", "jobs of s3vl.copy_to_index", False, _COPIES),
)


def found(connection: psycopg.Connection[Any]) -> tuple[Settings, ...]:
    """What is set, kind by kind; kinds of which there is nothing are left out.

    Args:
        connection: of a member of vectordb_owner. The schema may be of an earlier version, or AWS's sample's: it has less.
    """
    kinds = ((kind, title, _names(connection, query), opens) for kind, title, opens, query in _KINDS)
    return tuple(Settings(kind, title, names, opens) for kind, title, names, opens in kinds if names)


def _names(connection: psycopg.Connection[Any], query: LiteralString) -> tuple[str, ...]:
    try:
        with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
            return tuple(row[0] for row in cursor.execute(query).fetchall())
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InsufficientPrivilege):
        return ()
