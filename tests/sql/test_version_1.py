"""A database of version 1 of the bridge becomes one of this version: what is registered stays usable, views go on."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.sql.cases import PASSWORD, SQL
from tests.sql.doubles import FUNCTION_ARN, index_arn
from vectordb.database import migrate, sqlfiles

ARGUMENTS = (
    "index_name text DEFAULT NULL, index_arn text DEFAULT NULL, top_k integer DEFAULT 10,"
    " return_metadata boolean DEFAULT true, metadata_filter jsonb DEFAULT NULL"
)
VERSION_1 = "".join(
    f"""
    CREATE FUNCTION s3vl.query_vectors(query_vector {kind}, {ARGUMENTS})
    RETURNS TABLE (vector_id text, distance float8, similarity_score float8, metadata jsonb) LANGUAGE sql
    AS 'SELECT NULL::text, NULL::float8, NULL::float8, NULL::jsonb WHERE false';
    """
    for kind in ("public.vector", "float8[]", "public.halfvec", "text")
) + (
    "CREATE FUNCTION s3vl.list_indexes() RETURNS TABLE (index_name text, index_arn text, description text, bucket_name text,"
    " region text, account_id text, created_at timestamptz, updated_at timestamptz, is_active boolean)"
    " LANGUAGE sql SECURITY DEFINER AS 'SELECT index_name, index_arn, description, bucket_name, region, account_id,"
    " created_at, updated_at, is_active FROM s3vl.index_registry';"
    "GRANT EXECUTE ON FUNCTION s3vl.list_indexes TO vectordb_reader;"
    "CREATE FUNCTION s3vl.requested_index(caller text, index_name text, index_arn text) RETURNS s3vl.index_registry"
    " LANGUAGE sql AS 'SELECT NULL::s3vl.index_registry';"
    "CREATE FUNCTION s3vl.registered_index(caller text, name_or_arn text) RETURNS s3vl.index_registry"
    " LANGUAGE sql AS 'SELECT NULL::s3vl.index_registry';"
)
VIEWS = """
    CREATE VIEW public.near AS SELECT vector_id FROM s3vl.query_vectors(ARRAY[0.1, 0.2, 0.3, 0.4, 0.5], 'demo-index', top_k => 2);
    CREATE VIEW public.near_too AS SELECT vector_id FROM s3vl.query_vectors('[1,2,3,4,5]'::public.vector, index_name => 'demo-index');
    CREATE VIEW public.names AS SELECT index_name FROM s3vl.list_indexes();
"""
OLD = (
    "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 's3vl'::regnamespace"
    " AND (proname LIKE '%version%' OR proname IN ('requested_index', 'registered_index'))"
)


@pytest.fixture
def old(database) -> Iterator[Any]:
    """(log in, apply so many of the files or all, what was said): a database with the files of version 1 applied."""

    def login(user: str = "vectordb_admin") -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(database.server.socket_directory),
            dbname="old",
            user=user,
            password=PASSWORD,
            autocommit=True,
        )

    said: list[str] = []

    def apply(keep=lambda file: True) -> list[str]:
        values = {
            "embedding": "null",
            "function_arn": FUNCTION_ARN,
            "indexes": json.dumps(
                [{"name": "demo-index", "arn": index_arn("demo-index"), "dimension": 5, "metric": "cosine"}]
            ),
            "master": "vectordb_admin",
            "region": "us-east-1",
            "users": "[]",
        }
        said.clear()
        files = [file for file in sqlfiles.discover(SQL) if keep(file)]
        return migrate.apply(login, files, values, timeout=30, say=said.append).applied

    with database.server.superuser_connection("vectordb") as superuser:
        superuser.execute("CREATE DATABASE old OWNER vectordb_admin")
        try:
            apply(lambda file: file.kind == "versioned" and 1 <= file.number <= 3)
            with login() as master:
                master.execute(f"SET ROLE vectordb_owner; {VERSION_1}; RESET ROLE")
                master.execute(
                    "INSERT INTO s3vl.index_registry (index_name, index_arn, declared) VALUES ('demo-index', %s, true)",
                    (index_arn("demo-index"),),
                )
            yield login, apply, said
        finally:
            superuser.execute("DROP DATABASE old WITH (FORCE)")


def test_version_1_becomes_this_version(old):
    login, apply, said = old
    applied = apply()
    assert applied[:2] == ["versioned/000_adopt_the_sample.sql", "versioned/004_bridge_access.sql"]
    assert [line for line in said if "WARNING" in line] == []
    with login() as master:
        grants = "SELECT grantee::text, privilege FROM s3vl.index_grants WHERE index_name = 'demo-index' ORDER BY 1, 2"
        assert master.execute(grants).fetchall() == [
            ("vectordb_reader", "read"),
            ("vectordb_worker", "read"),
            ("vectordb_worker", "write"),
            ("vectordb_writer", "write"),
        ]
        assert master.execute(OLD).fetchall() == []
        assert master.execute(
            "SELECT count(*) FROM s3vl.query_vectors(ARRAY[0.1, 0.2, 0.3, 0.4, 0.5], 'demo-index')"
        ).fetchone() == (10,)
    assert apply() == []


def test_views_on_version_1_go_on(old):
    login, apply, said = old
    with login() as master:
        master.execute(VIEWS)
    apply()
    label = "repeatable/80_version_1.sql: "
    assert [line.removeprefix(label) for line in said if "the view" in line] == [
        f"NOTICE: the view public.{name} reads from the new functions of s3vl now"
        for name in ("names", "near", "near_too")
    ]
    with login() as master:
        assert master.execute(OLD).fetchall() == []
        assert master.execute("SELECT * FROM public.near").fetchall() == [("vec_001",), ("vec_002",)]
        assert master.execute("SELECT count(*) FROM public.near_too").fetchone() == (10,)
        assert master.execute("SELECT * FROM public.names").fetchall() == [("demo-index",)]


def test_what_hangs_on_version_1_otherwise_is_said(old):
    """It has the rows of the new functions, and nobody reads by way of it what has not been granted."""
    login, apply, said = old
    with login() as master:
        master.execute(
            "CREATE MATERIALIZED VIEW public.copied AS SELECT * FROM s3vl.list_indexes();"
            "CREATE VIEW public.all_columns AS SELECT * FROM s3vl.list_indexes();"
            "CREATE FUNCTION public.near(q public.vector) RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC"
            " SELECT vector_id FROM s3vl.query_vectors(q, 'demo-index', top_k => 2); END"
        )
    apply()
    label = (
        "repeatable/80_version_1.sql: WARNING: a function of version 1 remains until what hangs on it is made again: "
    )
    warnings = [line.removeprefix(label) for line in said if line.startswith(label)]
    assert len(warnings) == 2
    assert "materialized view copied depends on function s3vl.list_indexes_of_version_1()" in "\n".join(warnings)
    assert "function near(vector) depends on function s3vl.query_vectors_of_version_1(" in "\n".join(warnings)
    with login() as master:
        assert master.execute("SELECT index_name FROM public.copied").fetchall() == [("demo-index",)]
        assert master.execute("SELECT index_name FROM public.all_columns").fetchall() == [("demo-index",)]
        assert master.execute("SELECT public.near('[0.1, 0.2, 0.3, 0.4, 0.5]')").fetchall() == [
            ("vec_001",),
            ("vec_002",),
        ]
        master.execute("SELECT s3vl.revoke_index('demo-index', 'vectordb_reader')")
        master.execute("GRANT CONNECT ON DATABASE old TO analyst; GRANT SELECT ON public.all_columns TO analyst")
    with login("analyst") as analyst:
        assert analyst.execute("SELECT * FROM s3vl.list_indexes_of_version_1()").fetchall() == []
        assert analyst.execute("SELECT * FROM public.all_columns").fetchall() == []
