"""A database with the AWS sample in it: its callers go on, what it held is taken over, what others made is kept."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.sql import sample_schema
from tests.sql.cases import DECLARED, PASSWORD, SQL
from tests.sql.conftest import Database
from tests.sql.doubles import FUNCTION_ARN, index_arn
from vectordb.database import migrate, sqlfiles
from vectordb.errors import VectordbError

OLD_FUNCTION = "arn:aws:lambda:us-west-2:123456789012:function:s3vl-vector-query"
OLD_INDEX = "arn:aws:s3vectors:us-west-2:123456789012:bucket/s3vl-bucket/index/s3vl-index-5d"
ODD_INDEX = "arn:aws:s3vectors:us-west-2:123456789012:bucket/s3vl-bucket/index/Upper_Case"

ROWS = f"""
INSERT INTO s3vl.config (lambda_arn, aws_region, timeout_seconds, updated_at) VALUES
    ('{OLD_FUNCTION}-older', 'us-west-2', 30, '2026-01-01'), ('{OLD_FUNCTION}', 'us-west-2', 60, '2026-02-01');
INSERT INTO s3vl.index_registry (index_name, index_arn, description, bucket_name, account_id, is_active, created_at) VALUES
    ('demo-index', '{index_arn("demo-index")}', 'five dimensions', 'vectordb-dev', '123456789012', true, '2026-03-01'),
    ('retired', '{OLD_INDEX}', NULL, 's3vl-bucket', '123456789012', false, '2026-03-02');
CREATE SCHEMA shop;
CREATE VIEW shop.nearest WITH (security_barrier = true) AS
    SELECT vector_id, similarity_score, metadata
    FROM s3vl.query_vectors(query_vector => ARRAY[0.1, 0.2, 0.3, 0.4, 0.5], index_name => 'demo-index', top_k => 3);
CREATE VIEW shop.best AS SELECT vector_id FROM shop.nearest LIMIT 1;
CREATE VIEW shop.indexes AS SELECT * FROM s3vl.list_indexes();
COMMENT ON VIEW shop.nearest IS 'the three nearest';
CREATE FUNCTION shop.similar(vector float8[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT v.vector_id FROM s3vl.query_vectors(vector, 'demo-index', NULL, 2) AS v;
END $$;
GRANT USAGE ON SCHEMA s3vl, shop TO sample_user, sample_group;
GRANT SELECT ON shop.nearest, shop.indexes TO sample_user;
"""
EXTRAS = f"""
INSERT INTO s3vl.index_registry (index_name, index_arn, bucket_name, account_id)
VALUES ('odd', '{ODD_INDEX}', 's3vl-bucket', '123456789012');
CREATE TABLE s3vl.orders (id integer PRIMARY KEY, note text);
INSERT INTO s3vl.orders VALUES (1, 'kept');
CREATE MATERIALIZED VIEW public.listed AS SELECT index_name FROM s3vl.list_indexes();
CREATE VIEW public.held AS SELECT index_name, is_active FROM s3vl.index_registry;
CREATE FUNCTION s3vl.own(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 + 1';
"""


@dataclass
class Adopted:
    """A database of the server that has the sample."""

    database: Database
    name: str
    said: list[str] = field(default_factory=list)

    def login(self, user: str = "vectordb_admin") -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self.database.server.socket_directory),
            dbname=self.name,
            user=user,
            password=PASSWORD,
            autocommit=True,
        )

    def apply(self, files: int | None = None, function_arn: str = FUNCTION_ARN, indexes: Any = "[]") -> list[str]:
        """Apply so many of the files, or all."""
        values = {
            "embedding": "null",
            "function_arn": function_arn,
            "indexes": indexes,
            "master": "vectordb_admin",
            "region": "us-east-1",
            "users": "[]",
        }
        self.said.clear()
        found = sqlfiles.discover(SQL)[:files]
        return migrate.apply(self.login, found, values, timeout=30, say=self.said.append).applied

    def about(self, word: str) -> list[str]:
        """What was said by the file that takes over, as far as it has the word in it."""
        label = "repeatable/80_sample.sql: "
        return [line.removeprefix(label) for line in self.said if line.startswith(label) and word in line]


@pytest.fixture
def sample(database: Database, request: Any) -> Iterator[Adopted]:
    """A database with the sample's schema, with rows, views, a function and roles that use it; and what the parameter adds."""
    with database.server.superuser_connection("vectordb") as superuser:
        superuser.execute("CREATE DATABASE adopted OWNER vectordb_admin")
        superuser.execute(
            sql.SQL("CREATE ROLE sample_user LOGIN PASSWORD {}; CREATE ROLE sample_group").format(sql.Literal(PASSWORD))
        )
        adopted = Adopted(database, "adopted")
        try:
            with adopted.login() as master:
                master.execute(sample_schema.SCHEMA + ROWS + getattr(request, "param", ""))
            yield adopted
        finally:
            superuser.execute("DROP DATABASE adopted WITH (FORCE)")
            superuser.execute("DROP ROLE sample_user; DROP ROLE sample_group")


REGISTRY = (
    "SELECT index_name, index_arn, description, is_active, created_at::date::text FROM s3vl.index_registry ORDER BY 1"
)
TAKEN = [
    ("demo-index", index_arn("demo-index"), "five dimensions", True, "2026-03-01"),
    ("retired", OLD_INDEX, None, False, "2026-03-02"),
]
SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 's3vl%' ORDER BY 1"
NEAREST = ["vec_001", "vec_002", "vec_003"]


def values(connection: psycopg.Connection[Any], statement: str) -> list[Any]:
    return [row[0] for row in connection.execute(statement).fetchall()]


def test_the_sample_is_taken_over(sample):
    before = values(sample.login(), "SELECT extname || ' ' || extnamespace::regnamespace FROM pg_extension")
    applied = sample.apply()
    assert applied[0] == "versioned/000_adopt_the_sample.sql"
    assert sample.about("WARNING") == []
    assert sample.about("NOTICE") == [
        "NOTICE: the role 'sample_group' could use the AWS sample: it is a member of vectordb_reader now",
        "NOTICE: the role 'sample_user' could use the AWS sample: it is a member of vectordb_reader now",
        "NOTICE: the schema of the AWS sample is taken over: 2 index(es)",
        "NOTICE: the view shop.indexes reads from the new functions of s3vl now",
        "NOTICE: the view shop.nearest reads from the new functions of s3vl now",
    ]
    with sample.login() as master:
        assert values(master, SCHEMAS) == ["s3vl"]
        assert master.execute(REGISTRY).fetchall() == TAKEN
        assert master.execute("SELECT lambda_arn, timeout_seconds FROM s3vl.config").fetchall() == [(FUNCTION_ARN, 30)]
        granted = "SELECT count(*) FROM s3vl.index_grants WHERE index_name IN ('demo-index', 'retired')"
        assert values(master, granted) == [8]
        extensions = values(master, "SELECT extname || ' ' || extnamespace::regnamespace FROM pg_extension")
        assert set(extensions) - set(before) == {"vector public", "aws_commons public", "aws_lambda public"}
        assert values(master, "SELECT obj_description('shop.nearest'::regclass)") == ["the three nearest"]
        assert values(master, "SELECT reloptions FROM pg_class WHERE oid = 'shop.nearest'::regclass") == [
            ["security_barrier=true"]
        ]
        assert values(master, "SELECT vector_id FROM shop.best") == NEAREST[:1]
    with sample.login("sample_user") as user:
        # What it called before: the functions, a view on them, a function that names them.
        assert values(user, "SELECT vector_id FROM shop.nearest") == NEAREST
        assert values(user, "SELECT shop.similar(ARRAY[0.1, 0.2, 0.3, 0.4, 0.5])") == NEAREST[:2]
        assert values(user, "SELECT index_name FROM shop.indexes WHERE is_active") == ["demo-index"]
        assert values(user, "SELECT s3vl.resolve_index_arn('demo-index')") == [index_arn("demo-index")]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            user.execute("SELECT s3vl.configure('x')")
    assert sample.apply() == []


@pytest.mark.parametrize("files", [1, 5], ids=lambda files: f"after {files} files")
def test_taking_over_goes_on_where_it_was_interrupted(sample, files):
    """Each file is a transaction: a run that was killed has done the files before."""
    sample.apply(files)
    with sample.login() as master:
        assert values(master, SCHEMAS)[-1] == "s3vl_sample"
        assert master.execute("SELECT count(*) FROM s3vl_sample.index_registry").fetchone() == (2,)
    assert "repeatable/80_sample.sql" in sample.apply()
    with sample.login() as master:
        assert values(master, SCHEMAS) == ["s3vl"]
        assert master.execute(REGISTRY).fetchall() == TAKEN
        assert values(master, "SELECT vector_id FROM shop.nearest") == NEAREST


@pytest.mark.parametrize("sample", [EXTRAS], indirect=True, ids=["extras"])
def test_what_cannot_be_taken_over_is_kept_and_said(sample):
    sample.apply()
    warnings = "\n".join(sample.about("WARNING"))
    assert "the index 'odd' of the AWS sample is not taken over and stays in s3vl_sample.index_registry: " in warnings
    assert "is not the ARN of an S3 Vectors index" in warnings
    assert "materialized view listed depends on function s3vl_sample.list_indexes()" in warnings
    assert "the schema s3vl_sample stays for the 1 index(es) that are not taken over" in warnings
    kept = (
        "SELECT relname FROM pg_class WHERE relnamespace = 's3vl_sample'::regnamespace AND relkind = 'r'"
        " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 's3vl_sample'::regnamespace ORDER BY 1"
    )
    with sample.login() as master:
        assert master.execute(REGISTRY).fetchall() == TAKEN
        assert values(master, kept) == [
            "get_index_info",
            "index_registry",
            "list_indexes",
            "orders",
            "own",
            "update_index_registry_timestamp",
        ]
        assert values(master, "SELECT note FROM s3vl_sample.orders") == ["kept"]
        assert values(master, "SELECT s3vl_sample.own(1)") == [2]
        assert values(master, "SELECT index_name FROM public.listed") == ["demo-index", "retired", "odd"]
        assert values(master, "SELECT index_name FROM public.held ORDER BY 1") == ["demo-index", "odd", "retired"]
        # What the administrator did since is not undone by applying the file again.
        master.execute("SELECT s3vl.register_index('odd', %s)", (OLD_INDEX,))
        master.execute("REVOKE vectordb_reader FROM sample_user")
        master.execute("DROP MATERIALIZED VIEW public.listed; DROP VIEW public.held")
        master.execute("ALTER TABLE s3vl_sample.orders SET SCHEMA shop; ALTER FUNCTION s3vl_sample.own SET SCHEMA shop")
        master.execute("DELETE FROM vectordb.migrations WHERE name = '80_sample.sql'")
    assert sample.apply() == ["repeatable/80_sample.sql"]
    assert [line for line in sample.said if "WARNING" in line] == []
    with sample.login() as master:
        assert values(master, SCHEMAS) == ["s3vl"]
        assert values(master, "SELECT pg_has_role('sample_user', 'vectordb_reader', 'MEMBER')") == [False]
        assert values(master, "SELECT note FROM shop.orders") == ["kept"]


def test_the_sample_s_function_is_carried_over_until_the_deployment_names_its_own(sample):
    files = len([file for file in sqlfiles.discover(SQL) if file.name < "90" or file.kind == "versioned"])
    sample.apply(files)
    with sample.login() as master:
        assert master.execute("SELECT lambda_arn, aws_region, timeout_seconds FROM s3vl.config").fetchall() == [
            (OLD_FUNCTION, "us-west-2", 60)
        ]


def test_a_schema_in_the_way_is_named(sample):
    with sample.login() as master:
        master.execute("CREATE SCHEMA s3vl_sample")
    with pytest.raises(VectordbError, match="there is a schema s3vl_sample already"):
        sample.apply()
    with sample.login() as master:
        assert values(master, "SELECT count(*) FROM s3vl.index_registry") == [2]


def test_a_schema_of_somebody_else_s_is_named(sample):
    with sample.database.server.superuser_connection("adopted") as superuser:
        superuser.execute("ALTER SCHEMA s3vl OWNER TO sample_group")
    with pytest.raises(VectordbError, match="cannot step aside: must be owner of schema s3vl") as caught:
        sample.apply()
    assert "ALTER SCHEMA s3vl OWNER TO vectordb_admin" in str(caught.value)


def test_a_database_that_never_had_the_sample_is_left_alone(database):
    """The first file comes late to databases that were made before it: it must not touch them."""
    with database.login("vectordb_admin") as master:
        text = (SQL / "versioned/000_adopt_the_sample.sql").read_text()
        before = master.execute("SELECT count(*), max(xmin::text) FROM s3vl.index_registry").fetchone()
        with master.transaction():
            master.execute(text)
            assert master.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() == (None,)
        assert master.execute("SELECT count(*), max(xmin::text) FROM s3vl.index_registry").fetchone() == before
        assert values(master, SCHEMAS) == ["s3vl"]
    assert len(DECLARED) == before[0]


# --- the forms of call that the sample's README and its article show

VECTOR = "ARRAY[0.1, 0.2, 0.3, 0.4, 0.5]"
SET_UP = [
    (f"SELECT s3vl.configure('{OLD_FUNCTION}', 'us-west-2')", [(True,)]),
    (f"SELECT s3vl.configure('{OLD_FUNCTION}', 'us-west-2', 60)", [(True,)]),
    (
        f"SELECT s3vl.configure(lambda_arn => '{OLD_FUNCTION}', aws_region => 'us-west-2', timeout_seconds => 45)",
        [(True,)],
    ),
    (
        "SELECT is_valid, lambda_arn, aws_region, error_message FROM s3vl.validate_config()",
        [(True, OLD_FUNCTION, "us-west-2", None)],
    ),
    (
        "SELECT lambda_arn, aws_region, timeout_seconds, config_age_hours, last_validation_status FROM s3vl.get_config()",
        [(OLD_FUNCTION, "us-west-2", 45, 0, "HEALTHY")],
    ),
    (f"SELECT s3vl.register_index('another', '{OLD_INDEX}')", [(True,)]),
    (f"SELECT s3vl.register_index('another', '{OLD_INDEX}', 'five dimensions')", [(True,)]),
    ("SELECT s3vl.resolve_index_arn('another')", [(OLD_INDEX,)]),
    (f"SELECT s3vl.resolve_index_arn('{OLD_INDEX}')", [(OLD_INDEX,)]),
    (
        "SELECT index_name, index_arn, description, bucket_name, region, account_id, is_active FROM s3vl.get_index_info('another')",
        [("another", OLD_INDEX, "five dimensions", "s3vl-bucket", "us-west-2", "123456789012", True)],
    ),
    (
        "SELECT count(*) FROM s3vl.list_indexes() WHERE index_name = 'another' AND now() - created_at < '1 minute'",
        [(1,)],
    ),
    ("SELECT s3vl.deactivate_index('another')", [(True,)]),
    ("SELECT is_active FROM s3vl.get_index_info('another')", [(False,)]),
    ("SELECT s3vl.activate_index('another')", [(True,)]),
    ("SELECT is_active FROM s3vl.list_indexes() WHERE index_name = 'another'", [(True,)]),
    ("SELECT s3vl.unregister_index('another')", [(True,)]),
    ("SELECT * FROM s3vl.get_index_info('another')", []),
]
SEARCHES = {
    "named": f"""
        SELECT vector_id, similarity_score, distance, metadata FROM s3vl.query_vectors(
            query_vector => {VECTOR}, index_name => 'demo-index', top_k => 3, return_metadata => TRUE)
    """,
    "filtered": f"""
        SELECT vector_id, similarity_score, metadata FROM s3vl.query_vectors(
            query_vector => {VECTOR}, index_name => 'demo-index', top_k => 3, return_metadata => TRUE,
            metadata_filter => '{{"id": {{"$lt": 4}}}}'::jsonb)
    """,
    "by position": f"SELECT vector_id FROM s3vl.query_vectors({VECTOR}::FLOAT8[], 'demo-index', NULL, 3, FALSE, NULL)",
    "by ARN": f"SELECT vector_id FROM s3vl.query_vectors({VECTOR}, index_arn => '{index_arn('demo-index')}', top_k => 3)",
    "get": """
        SELECT vector_id, embedding, metadata, found FROM s3vl.get_vectors(
            vector_ids => ARRAY['vec_001', 'vec_002', 'vec_003'], index_name => 'demo-index',
            include_vector_data => TRUE, include_metadata => TRUE)
    """,
    "list": """
        SELECT vector_id, metadata, response_next_token, total_count FROM s3vl.list_vectors(
            index_name => 'demo-index', max_results => 3, return_metadata => TRUE)
    """,
    "list by ARN": f"SELECT vector_id FROM s3vl.list_vectors('{index_arn('demo-index')}', NULL, 3)",
    "lateral": """
        SELECT v.vector_id FROM (VALUES (ARRAY[0.1, 0.2, 0.3, 0.4, 0.5])) AS q(embedding)
        CROSS JOIN LATERAL s3vl.query_vectors(q.embedding, 'demo-index', top_k => 3) AS v
    """,
    "joined": f"""
        WITH similar_ones AS (
            SELECT vector_id, similarity_score, (metadata->>'id')::INTEGER AS product_id
            FROM s3vl.query_vectors(query_vector => {VECTOR}, index_name => 'demo-index', top_k => 10)
        )
        SELECT s.vector_id FROM similar_ones s JOIN generate_series(1, 3) AS p(id) ON p.id = s.product_id
        ORDER BY s.similarity_score DESC
    """,
}


def test_its_set_up_runs_unchanged(database):
    with database.login("operator") as operator, operator.transaction(force_rollback=True):
        for statement, expected in SET_UP:
            assert operator.execute(statement).fetchall() == expected, statement


@pytest.mark.parametrize("statement", SEARCHES.values(), ids=SEARCHES)
def test_its_searches_run_unchanged(app, statement):
    assert [row[0] for row in app.execute(statement).fetchall()] == NEAREST


def test_readers_see_the_configuration_without_the_function(app):
    row = app.execute("SELECT lambda_arn, aws_region, last_validation_status FROM s3vl.get_config()").fetchone()
    assert row == (None, "us-east-1", "HEALTHY")
