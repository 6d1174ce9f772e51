"""query_vectors, get_vectors and list_vectors as applications call them."""

import math

import pytest
from psycopg import errors

import vectors as operations
from tests.sql.doubles import index_arn

QUERY = [0.1, 0.2, 0.3, 0.4, 0.5]
NEAREST = ["vec_001", "vec_002", "vec_003"]


def keys(cursor):
    return [row[0] for row in cursor.fetchall()]


# --- query_vectors


def test_columns_and_values(app):
    cursor = app.execute("SELECT * FROM s3vl.query_vectors('[0.1,0.2,0.3,0.4,0.5]', 'demo-index', top_k => 2)")
    assert [(column.name, column.type_code) for column in cursor.description] == [
        ("vector_id", 25),
        ("distance", 701),
        ("similarity_score", 701),
        ("metadata", 3802),
    ]
    (first, second) = cursor.fetchall()
    assert (first[0], first[3]) == ("vec_001", {"id": 1, "category": "test"})
    assert first[1] == pytest.approx(0, abs=1e-12)
    dot, norms = 0.2 * 0.1 + 0.54, math.hypot(0.1, *QUERY[1:]) * math.hypot(0.2, *QUERY[1:])
    assert second[0] == "vec_002"
    assert second[1] == pytest.approx(1 - dot / norms)
    assert second[2] == pytest.approx(dot / norms)


@pytest.mark.parametrize(
    "argument",
    [
        "ARRAY[0.1, 0.2, 0.3, 0.4, 0.5]",  # numeric[], as the sample writes it
        "ARRAY[0.1, 0.2, 0.3, 0.4, 0.5]::float8[]",
        "ARRAY[0.1, 0.2, 0.3, 0.4, 0.5]::real[]",
        "ARRAY[1, 2, 3, 4, 5]",
        "'[0.1, 0.2, 0.3, 0.4, 0.5]'::vector",
        "'[0.1, 0.2, 0.3, 0.4, 0.5]'::halfvec",
        "'[0.1, 0.2, 0.3, 0.4, 0.5]'",
        "'{0.1, 0.2, 0.3, 0.4, 0.5}'",
        "'[0.1, 0.2, 0.3, 0.4, 0.5]'::text",
    ],
)
def test_every_kind_of_vector(app, argument):
    """Defect 13 of the sample: pgvector's type was not accepted. Untyped literals, as its float8[] took them, still are."""
    statement = f"SELECT vector_id FROM s3vl.query_vectors({argument}, 'demo-index', top_k => 3)"
    assert keys(app.execute(statement)) == NEAREST
    statement = (
        f"SELECT vector_id FROM s3vl.query_vectors(query_vector => {argument}, index_name => 'demo-index', top_k => 3)"
    )
    assert keys(app.execute(statement)) == NEAREST


def test_parameters_of_a_driver(app):
    """psycopg sends a list of floats as float8[], a text without a type, and prepares what is repeated."""
    for vector in (QUERY, str(QUERY)):
        for _ in range(7):
            cursor = app.execute("SELECT vector_id FROM s3vl.query_vectors(%s, 'demo-index', top_k => %s)", (vector, 3))
            assert keys(cursor) == NEAREST


def test_the_vector_arrives_as_its_shortest_32_bit_floats(database, app):
    """Defect 7 of the sample: 0.1 went out as 0.10000000149011612."""
    app.execute("SELECT FROM s3vl.query_vectors(ARRAY[0.1, 1e-7, 16777216, 0.333333333333, 0]::real[], 'demo-index')")
    app.execute("SELECT FROM s3vl.query_vectors(ARRAY[0.1, 1e-7, 16777216, 0.333333333333, 0]::float8[], 'demo-index')")
    for _, parameters in database.vectors.calls:
        assert parameters["queryVector"]["float32"] == [0.1, 1e-07, 16777216, 0.33333334, 0]


def test_positional_as_well_as_named(app):
    app.execute("SELECT * FROM s3vl.query_vectors(ARRAY[0.1,0.2,0.3,0.4,0.5], 'demo-index', NULL, 5, true, NULL)")
    arn = index_arn("demo-index")
    cursor = app.execute("SELECT vector_id FROM s3vl.query_vectors(%s, index_arn => %s, top_k => 3)", (QUERY, arn))
    assert keys(cursor) == NEAREST
    # The ARN where a name is expected: the sample resolved it.
    assert keys(app.execute("SELECT vector_id FROM s3vl.query_vectors(%s, %s, top_k => 3)", (QUERY, arn))) == NEAREST


def test_a_filter_reaches_the_service_as_it_is(database, app):
    cursor = app.execute(
        "SELECT vector_id FROM s3vl.query_vectors(%s, 'demo-index', top_k => 3, metadata_filter => %s::jsonb)",
        (QUERY, '{"category": "other"}'),
    )
    assert keys(cursor) == ["vec_002", "vec_004", "vec_006"]
    app.execute(
        "SELECT FROM s3vl.query_vectors(%s, 'demo-index', metadata_filter => %s)",
        (QUERY, '{"$or": [{"id": {"$gt": 1.50}}, {"category": {"$in": ["ä", "\\"b"]}}]}'),
    )
    assert database.vectors.calls[1][1]["filter"] == {"$or": [{"id": {"$gt": 1.5}}, {"category": {"$in": ["ä", '"b']}}]}


def test_without_metadata(database, app):
    rows = app.execute(
        "SELECT metadata FROM s3vl.query_vectors(%s, 'demo-index', return_metadata => false)", (QUERY,)
    ).fetchall()
    assert rows == [({},)] * 10
    assert database.vectors.calls[0][1]["returnMetadata"] is False


def test_euclidean_has_a_distance_and_no_score(app):
    """Defect 5 of the sample: 1 - distance whatever the metric."""
    rows = app.execute(
        "SELECT vector_id, distance, similarity_score FROM s3vl.query_vectors('[2,0]', 'many', top_k => 3)"
    ).fetchall()
    assert rows == [("16", 0.0, None), ("15", 0.125, None), ("17", 0.125, None)]


@pytest.mark.parametrize("top_k", [1, 100, 101, 1000])
def test_top_k_is_never_silently_short(database, app, top_k):
    """Defect 3 of the sample: at most 100 rows."""
    rows = app.execute(
        "SELECT vector_id, distance FROM s3vl.query_vectors('[0,0]', 'many', top_k => %s)", (top_k,)
    ).fetchall()
    assert rows == [(str(n), n / 8) for n in range(top_k)]
    assert len(database.vectors.calls) == math.ceil(top_k / 100)


def test_top_k_beyond_the_index_gives_all_of_it(database, app):
    rows = app.execute("SELECT vector_id FROM s3vl.query_vectors('[0,0]', 'many', top_k => 10000)").fetchall()
    assert rows == [(str(n),) for n in range(5000)]
    assert len(database.vectors.calls) == 50


def test_an_answer_that_ends_early_is_gone_on_with(database, app, monkeypatch):
    monkeypatch.setattr(operations, "MAX_ANSWER_BYTES", 4 * 15_000)  # two pages an answer
    rows = app.execute("SELECT vector_id FROM s3vl.query_vectors('[0,0]', 'many', top_k => 750)").fetchall()
    assert rows == [(str(n),) for n in range(750)]
    assert len(database.lambda_.events) == 4
    assert len(database.vectors.calls) == 8


def test_a_query_that_finds_nothing_is_empty(app):
    assert app.execute("SELECT * FROM s3vl.query_vectors('[1,1,1]', 'empty')").fetchall() == []


def test_lateral_and_joins(database, app):
    app.execute("CREATE TEMP TABLE question (id int, embedding vector(2))")
    app.execute("INSERT INTO question SELECT n, ARRAY[n, 0] FROM generate_series(1, 5) AS n")
    rows = app.execute(
        "SELECT q.id, v.vector_id FROM question q, LATERAL s3vl.query_vectors(q.embedding, 'many', top_k => 1) v ORDER BY 1"
    ).fetchall()
    assert rows == [(n, str(8 * n)) for n in range(1, 6)]
    assert len(database.lambda_.events) == 5
    app.execute("CREATE TEMP TABLE product (id int, name text)")
    app.execute("INSERT INTO product SELECT n, 'product ' || n FROM generate_series(1, 20) AS n")
    rows = app.execute("""
        WITH similar_products AS (
            SELECT vector_id, similarity_score, (metadata->>'id')::integer AS product_id
            FROM s3vl.query_vectors(query_vector => ARRAY[0.1, 0.2, 0.3, 0.4, 0.5], index_name => 'demo-index', top_k => 10)
        )
        SELECT p.name FROM similar_products sp JOIN product p ON p.id = sp.product_id ORDER BY sp.similarity_score DESC LIMIT 2
    """).fetchall()
    assert rows == [("product 1",), ("product 2",)]


# --- get_vectors


def test_get_has_a_row_for_each_distinct_key_in_the_order_given(app):
    """Defect 1 of the sample: found was always NULL."""
    cursor = app.execute(
        "SELECT * FROM s3vl.get_vectors(ARRAY['vec_003', 'nowhere', 'vec_001', 'vec_003', 'Vec_001'], 'demo-index')"
    )
    assert [(column.name, column.type_code) for column in cursor.description] == [
        ("vector_id", 25),
        ("embedding", 1022),
        ("metadata", 3802),
        ("found", 16),
    ]
    assert cursor.fetchall() == [
        ("vec_003", [0.3, 0.2, 0.3, 0.4, 0.5], {"id": 3, "category": "test"}, True),
        ("nowhere", None, {}, False),
        ("vec_001", QUERY, {"id": 1, "category": "test"}, True),
        ("Vec_001", None, {}, False),
    ]


def test_get_without_data_or_metadata(app):
    rows = app.execute(
        "SELECT * FROM s3vl.get_vectors(ARRAY['vec_001', 'x'], 'demo-index', NULL, false, false)"
    ).fetchall()
    assert rows == [("vec_001", None, {}, True), ("x", None, {}, False)]


def test_get_takes_any_number_of_keys(database, app):
    rows = app.execute(
        "SELECT vector_id, embedding[1], found FROM s3vl.get_vectors(ARRAY(SELECT n::text FROM generate_series(6000, 1, -2) n), 'many')"
    ).fetchall()
    assert rows == [(str(n), n / 8 if n < 5000 else None, n < 5000) for n in range(6000, 0, -2)]
    assert len(database.lambda_.events) == 4  # 900 keys each
    assert len(database.vectors.calls) == 30


def test_get_goes_on_where_an_answer_was_full(database, app, monkeypatch):
    monkeypatch.setattr(operations, "MAX_ANSWER_BYTES", 1536 * 26 * 7)
    rows = app.execute(
        "SELECT vector_id, embedding[2] FROM s3vl.get_vectors(ARRAY(SELECT n::text FROM generate_series(0, 99) n), 'wide')"
    ).fetchall()
    assert rows == [(str(n), math.sin(n * 1536 + 1)) for n in range(100)]
    assert len(database.lambda_.events) == 17  # 6 a time


def test_keys_are_any_unicode(database, app):
    strange = [
        "a b",
        "ä",
        "漢字",
        "😀",
        '"quoted"',
        "back\\slash",
        "new\nline",
        "\x01",
        "{}",
        "NULL",
        "x" * 1024,
        "é" * 1024,
    ]
    index = database.vectors.indexes[index_arn("empty")]
    index.vectors.update({key: ([1.0, 2.0, 3.0], {key[:8]: key}) for key in strange})
    try:
        rows = app.execute("SELECT * FROM s3vl.get_vectors(%s, 'empty')", (strange,)).fetchall()
        assert rows == [(key, [1.0, 2.0, 3.0], {key[:8]: key}, True) for key in strange]
        listed = app.execute("SELECT vector_id FROM s3vl.list_vectors(index_name => 'empty')").fetchall()
        assert [key for (key,) in listed] == strange
    finally:
        index.vectors.clear()


def test_what_postgresql_cannot_hold_is_named(database, app):
    index = database.vectors.indexes[index_arn("empty")]
    index.vectors["odd"] = ([1.0, 2.0, 3.0], {"text": "a\x00b"})
    try:
        for call in (
            "query_vectors('[1,2,3]', 'empty')",
            "get_vectors('{odd}', 'empty')",
            "list_vectors(index_name => 'empty')",
        ):
            with pytest.raises(errors.UntranslatableCharacter, match=r"holds U\+0000"):
                app.execute(f"SELECT * FROM s3vl.{call}")
        assert app.execute(
            "SELECT found FROM s3vl.get_vectors('{odd}', 'empty', include_metadata => false)"
        ).fetchone() == (True,)
    finally:
        index.vectors.clear()


# --- list_vectors


def test_list_pages_through_an_index(database, app):
    """Defect 2 of the sample: the token was always NULL, so there was no second page."""
    cursor = app.execute("SELECT * FROM s3vl.list_vectors(index_name => 'many', max_results => 900)")
    assert [(column.name, column.type_code) for column in cursor.description] == [
        ("vector_id", 25),
        ("vector_data", 1022),
        ("metadata", 3802),
        ("response_next_token", 25),
        ("total_count", 23),
    ]
    rows = cursor.fetchall()
    assert rows[:2] == [("0", None, {"n": 0}, "900", None), ("1", None, {"n": 1}, "900", None)]
    seen = [row[0] for row in rows]
    while rows[-1][3] is not None:
        rows = app.execute(
            "SELECT * FROM s3vl.list_vectors(index_name => 'many', max_results => 900, next_token => %s)",
            (rows[-1][3],),
        ).fetchall()
        seen += [row[0] for row in rows]
        assert len({row[3] for row in rows}) == 1
        assert {row[4] for row in rows} == {None}
    assert seen == [str(n) for n in range(5000)]
    assert len(database.lambda_.events) == 6


def test_list_counts_when_it_has_seen_everything(app):
    """Defect 6 of the sample: total_count was the length of the page."""
    statement = "SELECT DISTINCT total_count, count(*) OVER () FROM s3vl.list_vectors(index_name => 'demo-index', max_results => {})"
    assert app.execute(statement.format(20)).fetchall() == [(20, 20)]
    assert app.execute(statement.format(19)).fetchall() == [(None, 19)]


def test_list_of_an_empty_index_has_no_rows(app):
    """Defect 6 of the sample: it had one, of NULLs."""
    assert app.execute("SELECT * FROM s3vl.list_vectors(index_name => 'empty')").fetchall() == []


def test_list_with_data_and_without_metadata(app):
    rows = app.execute(
        "SELECT * FROM s3vl.list_vectors(%s, NULL, 1, NULL, true, false)", (index_arn("demo-index"),)
    ).fetchall()
    assert rows == [("vec_001", QUERY, None, "1", None)]


def test_the_arn_comes_first_here_as_in_the_sample(app):
    rows = app.execute("SELECT count(*) FROM s3vl.list_vectors(%s)", (index_arn("demo-index"),)).fetchall()
    assert rows == [(20,)]


# --- where reads must work


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_reads_write_nothing(app, isolation):
    """As on a replica: a read-only transaction, and no transaction id taken."""
    with app.transaction():
        app.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation} READ ONLY")
        assert (
            keys(app.execute("SELECT vector_id FROM s3vl.query_vectors(%s, 'demo-index', top_k => 3)", (QUERY,)))
            == NEAREST
        )
        assert app.execute("SELECT found FROM s3vl.get_vectors('{vec_001}', 'demo-index')").fetchone() == (True,)
        assert len(app.execute("SELECT FROM s3vl.list_vectors(index_name => 'demo-index')").fetchall()) == 20
        assert app.execute("SELECT is_valid FROM s3vl.validate_config()").fetchone() == (True,)
        assert app.execute("SELECT s3vl.resolve_index_arn('many')").fetchone() == (index_arn("many"),)
        assert len(app.execute("SELECT FROM s3vl.list_indexes()").fetchall()) == 4
        assert app.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() == (None,)


def test_beside_parallel_workers(database, app):
    """A function that catches errors may not run beside parallel workers before PostgreSQL 17."""
    with database.login("vectordb_admin") as admin:
        admin.execute(
            "CREATE TABLE public.large AS SELECT n AS id, n % 5000 AS n, repeat('x', 100) AS filler FROM generate_series(1, 60000) n"
        )
        admin.execute("ANALYZE public.large")
        admin.execute("GRANT SELECT ON public.large TO vectordb_reader")
    try:
        app.execute("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0")
        app.execute("SET max_parallel_workers_per_gather = 2; SET debug_parallel_query = off")
        statement = (
            "SELECT v.vector_id, count(*) FROM public.large l"
            " JOIN s3vl.query_vectors('[0,0]', 'many', top_k => 3) v ON l.n = v.vector_id::integer GROUP BY 1 ORDER BY 1"
        )
        plan = "\n".join(line for (line,) in app.execute("EXPLAIN " + statement))
        assert ("Parallel Seq Scan" in plan) is (database.server.version >= 17), plan
        assert app.execute(statement).fetchall() == [("0", 12), ("1", 12), ("2", 12)]
        parallel = app.execute("SELECT DISTINCT proparallel FROM pg_proc WHERE proname = 'query_vectors'").fetchall()
        assert parallel == [("r" if database.server.version >= 17 else "u",)]
    finally:
        with database.login("vectordb_admin") as admin:
            admin.execute("DROP TABLE public.large")


def test_a_statement_timeout_ends_the_wait(database, app):
    import time

    def slow(event):
        time.sleep(1.5)
        return database.lambda_.honest(event)

    app.execute("SET statement_timeout = '200ms'")
    started = time.monotonic()
    with database.lambda_.behaving(slow), pytest.raises(errors.QueryCanceled) as caught:
        app.execute("SELECT * FROM s3vl.query_vectors('[0,0]', 'many')")
    assert time.monotonic() - started < 0.7
    assert caught.value.sqlstate == "57014"
    app.execute("SET statement_timeout = 0")
    assert keys(app.execute("SELECT vector_id FROM s3vl.query_vectors('[0,0]', 'many', top_k => 1)")) == ["0"]


def test_the_planner_knows_a_call_is_dear_and_small(app):
    cursor = app.execute("EXPLAIN (FORMAT JSON) SELECT * FROM s3vl.query_vectors('[0,0]', 'many')")
    plan = cursor.fetchone()[0][0]["Plan"]
    assert (plan["Plan Rows"], plan["Node Type"]) == (10, "Function Scan")
    assert plan["Total Cost"] > 2000


def test_a_cursor_reads_part_of_a_result(app):
    with app.transaction(), app.cursor("part") as cursor:
        cursor.execute("SELECT vector_id FROM s3vl.query_vectors('[0,0]', 'many', top_k => 500)")
        assert cursor.fetchmany(3) == [("0",), ("1",), ("2",)]
