"""Where every read must work: in read-only transactions, beside parallel workers, under timeouts, in plans."""

import re
import time

import pytest
from psycopg import errors

from tests.sql.cases import every_read

SEARCH = "SELECT * FROM s3vl.query_vectors('[1,2,3,4,5]', 'demo-index', top_k => 3)"


@every_read
def test_reads_write_nothing(app, read):
    """As on a replica: a read-only transaction, and no transaction id taken."""
    for isolation in ("READ COMMITTED", "SERIALIZABLE"):
        with app.transaction():
            app.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation} READ ONLY")
            assert app.execute(read).fetchall()
            assert app.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() == (None,)


def test_a_query_with_a_search_has_no_parallel_workers(database, app):
    """Beside them s3vl.login cannot ask what it asks, and before PostgreSQL 17 no function catches errors."""
    with database.login("vectordb_admin") as admin:
        admin.execute("CREATE TABLE public.large AS SELECT n AS id, n % 5000 AS n FROM generate_series(1, 60000) n")
        admin.execute("ANALYZE public.large")
        admin.execute("GRANT SELECT ON public.large TO vectordb_reader")
    try:
        app.execute("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0")
        counted = "SELECT count(*) FROM public.large l"
        assert "Parallel Seq Scan" in str(app.execute("EXPLAIN " + counted).fetchall())
        for search in ("'[0,0]'", "ARRAY[0,0]", "'[0,0]'::public.halfvec"):
            joined = f"{counted} JOIN s3vl.query_vectors({search}, 'many', top_k => 3) v ON l.n = v.vector_id::integer"
            assert "Parallel" not in str(app.execute("EXPLAIN " + joined).fetchall())
            assert app.execute(joined).fetchone() == (36,)
    finally:
        with database.login("vectordb_admin") as admin:
            admin.execute("DROP TABLE public.large")


@pytest.mark.parametrize("read", [SEARCH, "SELECT * FROM s3vl.list_all_vectors('demo-index')"])
def test_a_statement_timeout_ends_the_wait(database, app, read):
    def slow(event):
        time.sleep(0.9)
        return database.lambda_.honest(event)

    app.execute("SET statement_timeout = '50ms'")
    started = time.monotonic()
    with database.lambda_.behaving(slow), pytest.raises(errors.QueryCanceled) as caught:
        app.execute(read)
    assert time.monotonic() - started < 0.5
    assert caught.value.sqlstate == "57014"
    app.execute("SET statement_timeout = 0")
    assert app.execute(read).fetchall()


@pytest.mark.parametrize(
    ("call", "rows"),
    [
        ("query_vectors('[0,0]', 'many')", 10),
        ("search_text('x', 'demo-index')", 10),
        ("query_vectors_batch('[[0,0]]', 'many')", 1000),
        ("get_vectors('{1}', 'many')", 10),
        ("list_vectors(index_name => 'many')", 100),
        ("list_all_vectors('many')", 100_000),
        ("describe_index('many')", 1),
    ],
)
def test_the_planner_knows_how_dear_and_how_large_a_call_is(database, app, call, rows):
    plan = app.execute(f"EXPLAIN (FORMAT JSON) SELECT * FROM s3vl.{call}").fetchone()[0][0]["Plan"]
    assert (plan["Plan Rows"], plan["Node Type"]) == (rows, "Function Scan")
    assert plan["Total Cost"] > 2000
    assert database.lambda_.events == []


@pytest.mark.parametrize(
    "call",
    [
        "query_vectors(ARRAY[0,0], 'many')",
        "query_vectors('[0,0]'::halfvec, 'many')",
        "query_vectors('[0,0]', 'many')",
        "hybrid_query_vectors(ARRAY[0,0], '{}', 'many')",
        "query_vectors_batch(ARRAY[[0,0]], 'many')",
        "query_vectors_batch(ARRAY['[0,0]']::halfvec[], 'many')",
    ],
)
def test_the_other_forms_cost_nothing(app, call):
    """The planner puts the form for pgvector's type in their place."""
    plan = "\n".join(line for (line,) in app.execute(f"EXPLAIN (VERBOSE) SELECT * FROM s3vl.{call}"))
    assert re.search(
        r"Function Call: s3vl\.\w+\(('\[0,0\]'::vector|'\{\"\[0,0\]\"\}'::vector\[\]|s3vl\.vector_array)", plan
    ), plan


def test_every_read_is_stable_and_runs_as_its_owner(database):
    """Stable: it may run on a replica, and once for equal arguments. The forms that call another need no owner."""
    rows = database.as_admin("""
        SELECT p.proname, p.provolatile, p.prosecdef, l.lanname = 'sql'
        FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
        WHERE p.pronamespace = 's3vl'::regnamespace AND p.proname IN (
            'query_vectors', 'query_vectors_batch', 'hybrid_query_vectors', 'full_text_query', 'search_text', 'get_vectors',
            'list_vectors', 'list_all_vectors', 'describe_index'
        )
    """)
    assert len(rows) == 18
    assert {row[1] for row in rows} == {"s"}
    assert all(definer is not plain for _, _, definer, plain in rows)


def test_a_cursor_reads_part_of_a_result(app):
    with app.transaction(), app.cursor("part") as cursor:
        cursor.execute("SELECT vector_id FROM s3vl.query_vectors('[0,0]', 'many', top_k => 500)")
        assert cursor.fetchmany(3) == [("0",), ("1",), ("2",)]
