"""Takes away what the SQL files made: schemas, the ledger, roles. Data stays unless it is asked for.

Everything but the roles goes in one transaction under the lock of the appliers, so that a removal which is killed has removed
nothing or all; roles follow one by one. What is gone is passed over, so a removal that was interrupted is continued by the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import LiteralString

import psycopg
from psycopg import errors, sql
from psycopg.rows import tuple_row

from vectordb.database import administered, lock
from vectordb.database.session import Row
from vectordb.database.talk import Deadline, Say
from vectordb.errors import VectordbError

Connection = psycopg.Connection[Row]

#: What the files make, dependants first. The ledger's own schema goes last, with the record of all the others.
SCHEMAS = ("embed", "embeddings", "bedrock_integration", "s3vl", "vectordb")
#: Whose tables can be made again: they are configuration, the ledger and what vectorizers have still to do. Tables of the others hold data.
_WITHOUT_DATA = ("embed", "s3vl", "vectordb")
#: Groups, members first.
GROUPS = ("vectordb_worker", "vectordb_writer", "vectordb_reader", "vectordb_owner")

# Partitions too: they are tables of the schema like their parents.
_TABLES: LiteralString = """
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p')
ORDER BY 1, 2
"""

# What hangs on objects of these schemas and is in none of them: views on their functions, columns of their types. What depends on
# an object is found by pg_depend; what has no schema of its own (a view's rule, a default, a trigger) is in that of its relation.
# The triggers by which vectorizers watch people's tables are no one's but ours.
_OUTSIDE: LiteralString = """
WITH RECURSIVE managed AS (
    SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ANY (%(schemas)s)
), found (classid, objid, objsubid) AS (
    SELECT d.classid, d.objid, d.objsubid
    FROM pg_catalog.pg_depend AS d
    WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid IN (SELECT oid FROM managed)
    UNION
    SELECT d.classid, d.objid, d.objsubid
    FROM found AS f
    JOIN pg_catalog.pg_depend AS d ON d.refclassid = f.classid AND d.refobjid = f.objid
        AND (f.objsubid = 0 OR d.refobjsubid = f.objsubid)  -- what a column brings down is not all of its table
)
SELECT DISTINCT pg_catalog.pg_describe_object(f.classid, f.objid, f.objsubid)
FROM found AS f
CROSS JOIN LATERAL pg_catalog.pg_identify_object(f.classid, f.objid, f.objsubid) AS o
CROSS JOIN LATERAL pg_catalog.pg_identify_object_as_address(f.classid, f.objid, f.objsubid) AS a
WHERE coalesce(o.schema, a.object_names[1]) <> ALL (%(schemas)s || ARRAY['pg_toast'])
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger AS t
        JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname = 'embed'
        WHERE f.classid = 'pg_trigger'::regclass AND t.oid = f.objid
    )
ORDER BY 1
"""

# Of this database, and the master's own: those of others are not shown to it, and fail from now on.
_JOBS: LiteralString = """
SELECT cron.unschedule(j.jobid) FROM cron.job AS j
WHERE j.jobname ~ '^embed_[0-9]+$' AND j.database = pg_catalog.current_database() AND j.username = CURRENT_USER
"""

_LOGINS: LiteralString = """
SELECT rolname::text FROM pg_catalog.pg_roles
WHERE pg_catalog.shobj_description(oid, 'pg_authid') IN (
    pg_catalog.format('Login of the vectordb deployment in the database %%s', pg_catalog.current_database()),
    pg_catalog.format('Login of the embedding worker of the vectordb deployment in the database %%s', pg_catalog.current_database())
)
ORDER BY 1
"""


@dataclass(frozen=True)
class Inventory:
    """What a removal would take away, and what is in its way.

    Attributes:
        schemas: that exist, in the order in which they go.
        data: tables of those schemas that hold data, as (schema, table).
        outside: descriptions of what people made and that depends on the schemas.
        indexes: names of S3 Vectors indexes that were registered by hand; only their registration goes.
        roles: logins and groups that exist, in the order in which they go.
        settings: what administrators set, which goes with the schema and which no deployment makes anew.
    """

    schemas: tuple[str, ...]
    data: tuple[tuple[str, str], ...]
    outside: tuple[str, ...]
    indexes: tuple[str, ...]
    roles: tuple[str, ...]
    settings: tuple[administered.Settings, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to remove."""
        return bool(self.schemas or self.roles)


@dataclass
class Removed:
    """What a removal did."""

    schemas: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    kept_tables: list[str] = field(default_factory=list)
    kept_roles: dict[str, str] = field(default_factory=dict)
    """A role that stays → why."""
    settings: dict[str, int] = field(default_factory=dict)
    """Kind of what administrators had set → how many went."""


def inventory(connection: Connection) -> Inventory:
    """Look, and change nothing."""
    found = _first_column(
        connection, "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname = ANY (%s)", [list(SCHEMAS)]
    )
    schemas = tuple(name for name in SCHEMAS if name in found)
    holding = [name for name in schemas if name not in _WITHOUT_DATA]
    tables = connection.execute(_TABLES, (holding,)).fetchall() if holding else []
    roles = _first_column(
        connection, "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY (%s)", [list(GROUPS)]
    )
    return Inventory(
        schemas=schemas,
        data=tuple((schema, table) for schema, table in tables if _has_rows(connection, schema, table)),
        outside=tuple(row[0] for row in connection.execute(_OUTSIDE, {"schemas": list(schemas)}).fetchall())
        if schemas
        else (),
        indexes=_registered_by_hand(connection) if "s3vl" in schemas else (),
        roles=(*_first_column(connection, _LOGINS, None), *(name for name in GROUPS if name in roles)),
        settings=administered.found(connection),
    )


def remove(connection: Connection, *, with_data: bool, timeout: float, say: Say) -> Removed:
    """Remove it.

    Args:
        connection: of the master, in autocommit mode, idle.
        with_data: also tables that hold data, and what people made on top of the schemas.
        timeout: seconds to wait for an applier that is at work.
        say: gets the progress.

    Raises:
        VectordbError: something that people made depends on the schemas, or somebody holds a lock for long; nothing was removed.
    """
    done = Removed()
    try:
        with connection.transaction():
            lock.taken(connection, deadline=Deadline(timeout), say=say)
            settings = administered.found(connection)
            _drop_vectorizers(connection, with_data=with_data)
            there = inventory(connection)
            if there.outside and not with_data:
                raise _in_use(there.outside)
            if not with_data:
                done.kept_tables = _keep(connection, there.data)
                _check_kept(connection, there.schemas)
            for schema in there.schemas:
                _run(connection, "DROP SCHEMA {} CASCADE", schema)
                done.schemas.append(schema)
            done.settings = {one.kind: len(one.names) for one in settings}
    except errors.LockNotAvailable as error:
        raise VectordbError(
            f"somebody uses what is to be removed: {error.diag.message_primary}",
            remedy="Nothing was removed. End the sessions that use the schemas (pg_stat_activity shows them), then run it again.",
        ) from error
    except errors.InsufficientPrivilege as error:
        raise VectordbError(
            f"the master may not remove it: {error.diag.message_primary}",
            remedy="Nothing was removed. It belongs to a role that the master is no member of: give it to vectordb_owner, then run it again.",
        ) from error
    for schema in done.schemas:
        say(f"removed the schema {schema}")
    for role in there.roles:
        why = _remove_role(connection, role)
        if why:
            done.kept_roles[role] = why
            say(f"the role {role} stays: {why}")
        else:
            done.roles.append(role)
            say(f"removed the role {role}")
    return done


def _drop_vectorizers(connection: Connection, *, with_data: bool) -> None:
    """Take their triggers off people's tables, and, with data, their embeddings too."""
    found = connection.execute("SELECT pg_catalog.to_regclass('embed.vectorizer') IS NOT NULL").fetchone()
    if not found or not found[0]:
        return
    connection.execute(
        "SELECT embed.drop_vectorizer(v.name, keep_embeddings => %s) FROM embed.vectorizer AS v ORDER BY v.id",
        (not with_data,),
    )
    scheduled = connection.execute("SELECT pg_catalog.to_regclass('cron.job') IS NOT NULL").fetchone()
    if scheduled and scheduled[0]:
        connection.execute(_JOBS)


def _remove_role(connection: Connection, role: str) -> str:
    """Remove a role with its privileges in this database; what it owns becomes the master's. Why it stays, if it does."""
    try:
        with connection.transaction():
            held = _first_column(
                connection,
                "SELECT g.rolname::text FROM pg_catalog.pg_auth_members AS m JOIN pg_catalog.pg_roles AS g ON g.oid = m.roleid "
                "JOIN pg_catalog.pg_roles AS r ON r.oid = m.member WHERE r.rolname = %s",
                [role],
            )
            # rds_iam first: to look after what the role owns the master becomes a member of it, and nobody who is a member of
            # rds_iam by way of another role logs in by password.
            for group in sorted(held, key=lambda name: name != "rds_iam"):
                _run(connection, "REVOKE {} FROM {}", group, role)
            _run(connection, "GRANT {} TO CURRENT_USER WITH INHERIT TRUE", role)
            _run(connection, "REASSIGN OWNED BY {} TO CURRENT_USER", role)
            _run(connection, "DROP OWNED BY {}", role)
            _run(connection, "DROP ROLE {}", role)
    except (errors.DependentObjectsStillExist, errors.InsufficientPrivilege, errors.LockNotAvailable) as error:
        return " ".join(filter(None, (error.diag.message_primary, error.diag.message_detail))).replace("\n", "; ")
    return ""


def _keep(connection: Connection, tables: Sequence[tuple[str, str]]) -> list[str]:
    """Move tables out of the way, those of each schema into a new one; their names from now on."""
    homes: dict[str, str] = {}
    for schema, table in tables:
        if schema not in homes:
            homes[schema] = _free(connection, f"{schema}_kept")
            _run(connection, "CREATE SCHEMA {}", homes[schema])
        _run(connection, "ALTER TABLE {}.{} SET SCHEMA {}", schema, table, homes[schema])
    return [f"{homes[schema]}.{table}" for schema, table in tables]


def _free(connection: Connection, wanted: str) -> str:
    """`wanted`, or with a number that makes it the name of no schema."""
    taken = _first_column(connection, "SELECT nspname::text FROM pg_catalog.pg_namespace", None)
    return next(name for name in (wanted, *(f"{wanted}_{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def _check_kept(connection: Connection, schemas: Sequence[str]) -> None:
    """A column whose type is removed would go with it, and its data."""
    outside = _first_column(connection, _OUTSIDE, {"schemas": list(schemas)})
    if lost := [one for one in outside if one.startswith("column ")]:
        raise _in_use(lost)


def _in_use(outside: Sequence[str]) -> VectordbError:
    shown = "\n".join(f"  {one}" for one in outside[:20])
    more = f"\n  … and {len(outside) - 20} more" if len(outside) > 20 else ""  # noqa: PLR2004 - as many as are shown
    return VectordbError(
        f"something that the SQL files did not make depends on what is to be removed:\n{shown}{more}",
        remedy="Nothing was removed. Drop or change these first; --with-data removes them too.",
    )


def _has_rows(connection: Connection, schema: str, table: str) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(schema, table))
    found = connection.execute(query).fetchone()
    return bool(found and found[0])


def _registered_by_hand(connection: Connection) -> tuple[str, ...]:
    try:
        with connection.transaction():
            return _first_column(
                connection, "SELECT index_name FROM s3vl.index_registry WHERE NOT declared ORDER BY 1", None
            )
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InsufficientPrivilege):
        return ()


def _first_column(
    connection: Connection, query: LiteralString, parameters: Sequence[object] | Mapping[str, object] | None
) -> tuple[str, ...]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return tuple(row[0] for row in cursor.execute(query, parameters or ()).fetchall())


def _run(connection: Connection, statement: LiteralString, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))
