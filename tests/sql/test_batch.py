"""query_vectors_batch: what many calls of query_vectors would find, in few calls of the function."""

import json
import time

import pytest

import limits
from tests.sql.answers import answering, arguments, in_envelope, refused_when
from tests.sql.cases import failure
from tests.sql.doubles import Answer, index_arn

SHAPE = "its vectors have not the shape that was agreed"
COUNT = "it has not the number of results that was agreed"
TWO = "SELECT * FROM s3vl.query_vectors_batch('[[1,2,3,4,5],[5,4,3,2,1]]', 'demo-index', top_k => 2)"


def test_columns_and_values(app):
    cursor = app.execute(
        "SELECT * FROM s3vl.query_vectors_batch(ARRAY['[2,0]', '[0,0]']::vector[], 'many', top_k => 2)"
    )
    assert [(column.name, column.type_code) for column in cursor.description] == [
        ("query_no", 23),
        ("rank", 23),
        ("vector_id", 25),
        ("distance", 701),
        ("similarity_score", 701),
        ("metadata", 3802),
    ]
    assert cursor.fetchall() == [
        (1, 1, "16", 0.0, None, {"n": 16}),
        (1, 2, "15", 0.125, None, {"n": 15}),
        (2, 1, "0", 0.0, None, {"n": 0}),
        (2, 2, "1", 0.125, None, {"n": 1}),
    ]


@pytest.mark.parametrize(
    "argument",
    [
        "ARRAY['[1,0]', '[2,0]']::vector[]",
        "ARRAY['[1,0]'::vector, '[2,0]']",
        "ARRAY['[1,0]', '[2,0]']::halfvec[]",
        "ARRAY[[1.0, 0], [2, 0]]",
        "ARRAY[[1, 0], [2, 0]]",
        "ARRAY[[1, 0], [2, 0]]::float8[]",
        "ARRAY[[1, 0], [2, 0]]::real[]",
        "'[5:6][0:1]={{1,0},{2,0}}'::float8[]",
        "ARRAY(SELECT ARRAY[n, 0]::vector FROM generate_series(1, 2) AS n)",
        "(SELECT array_agg(ARRAY[n, 0] ORDER BY n) FROM generate_series(1, 2) AS n)",
        '\'{"[1,0]","[2,0]"}\'',
        "'{{1,0},{2,0}}'",
        "'[[1, 0], [2, 0]]'",
        "'[[1, 0], [2, 0]]'::text",
    ],
)
def test_every_kind_of_vectors(database, app, argument):
    rows = app.execute(
        f"SELECT query_no, vector_id FROM s3vl.query_vectors_batch(query_vectors => {argument}, index_name => 'many', top_k => 1)"
    ).fetchall()
    assert rows == [(1, "8"), (2, "16")]
    assert arguments(database)[0]["query_vectors"] == ["P4AAAAAAAAA=", "QAAAAAAAAAA="]


def test_parameters_of_a_driver(app):
    statement = "SELECT query_no, vector_id FROM s3vl.query_vectors_batch(%s, 'many', top_k => 1)"
    for _ in range(7):
        assert app.execute(statement, ([[1.0, 0.0], [2.0, 0.0]],)).fetchall() == [(1, "8"), (2, "16")]


def test_the_same_as_one_by_one(database, app):
    app.execute("CREATE TEMP TABLE question (id int, embedding vector(5))")
    app.execute(
        "INSERT INTO question SELECT n, ARRAY[n, 1, sin(n), cos(n), 2]::vector FROM generate_series(1, 40) AS n"
    )
    options = "'demo-index', top_k => 7, metadata_filter => '{\"category\": \"test\"}', query_mode => 'ENHANCED'"
    one_by_one = app.execute(
        f"SELECT q.id, v.* FROM question q, LATERAL s3vl.query_vectors(q.embedding, {options}) v ORDER BY 1, 3"
    ).fetchall()
    assert (len(one_by_one), len(database.lambda_.events)) == (280, 40)
    batch = app.execute(
        "SELECT query_no, vector_id, distance, similarity_score, metadata FROM s3vl.query_vectors_batch("
        f"ARRAY(SELECT embedding FROM question ORDER BY id), {options}) ORDER BY 1, 3"
    ).fetchall()
    assert batch == one_by_one
    assert len(database.lambda_.events) == 41
    ranks = app.execute(
        "SELECT query_no, array_agg(rank ORDER BY distance, rank) FROM s3vl.query_vectors_batch("
        f"ARRAY(SELECT embedding FROM question ORDER BY id), {options}) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert ranks == [(n, [1, 2, 3, 4, 5, 6, 7]) for n in range(1, 41)]


def test_what_a_request_holds(database, app):
    app.execute(
        "SELECT FROM s3vl.query_vectors_batch(ARRAY[[1,2]], 'many', top_k => 7, return_metadata => false,"
        " metadata_filter => '{\"n\": 1}')"
    )
    (asked,) = arguments(database)
    assert isinstance(asked.pop("epoch"), int)
    assert asked == {
        "index_arn": index_arn("many"),
        "query_vectors": ["P4AAAEAAAAA="],
        "top_k": 7,
        "return_metadata": False,
        "metadata_filter": {"n": 1},
        "query_mode": None,
        "scope": None,
    }


def test_a_tenant_s_scope_goes_with_the_batch(database):
    with database.login("globex") as globex:
        rows = globex.execute(
            "SELECT query_no, vector_id FROM s3vl.query_vectors_batch(ARRAY[[1,2,0,1],[1,1,1,1]], 'tenants', top_k => 20)"
        ).fetchall()
    own = {f"{name}{n}" for name in ("g", "both") for n in range(1, 6)}
    assert sorted(rows) == sorted((number, key) for number in (1, 2) for key in own)
    assert arguments(database)[0]["scope"] == {"key": "tenant", "values": ["globex"]}


def one_each(event):
    """Finds for each query the vector whose key is the query itself."""
    asked = json.loads(event)["arguments"]
    results = [[{"key": vector, "distance": 0.0, "metadata": {}}] for vector in asked["query_vectors"]]
    return in_envelope(event, {"metric": "euclidean", "results": results, "taken": len(results)})


def test_slices_of_a_thousand(database, app):
    with database.lambda_.behaving(one_each):
        rows = app.execute(
            "SELECT query_no, rank, vector_id FROM s3vl.query_vectors_batch("
            "ARRAY(SELECT ARRAY[n, 0]::vector FROM generate_series(1, 2500) AS n), 'many', top_k => 1)"
        ).fetchall()
        assert [row[:2] for row in rows] == [(n, 1) for n in range(1, 2501)]
        assert len({row[2] for row in rows}) == 2500
    assert [len(asked["query_vectors"]) for asked in arguments(database)] == [1000, 1000, 500]


def test_slices_that_lambda_carries(database, app):
    """4096 dimensions are 22 KB; Lambda takes 6 MB, and the filter stands in each request, too."""
    document = json.dumps({"id": "x" * 500_000})
    database.as_admin("UPDATE s3vl.index_registry SET dimension = NULL WHERE index_name = 'many'")
    try:
        with database.lambda_.behaving(one_each):
            rows = app.execute(
                "SELECT query_no FROM s3vl.query_vectors_batch("
                "array_fill(array_fill(0.1::real, ARRAY[4096])::vector, ARRAY[300]), 'many', top_k => 1, metadata_filter => %s)",
                (document,),
            ).fetchall()
    finally:
        database.as_admin("UPDATE s3vl.index_registry SET dimension = 2 WHERE index_name = 'many'")
    assert rows == [(n,) for n in range(1, 301)]
    assert [len(asked["query_vectors"]) for asked in arguments(database)] == [228, 72]
    assert max(map(len, database.lambda_.events)) < 6_000_000


def test_what_is_found_is_counted_on_before(database, app):
    """Ten thousand vectors a query: fewer queries at once, because nobody could answer more."""
    with database.lambda_.behaving(one_each):
        app.execute("SELECT FROM s3vl.query_vectors_batch(array_fill(1, ARRAY[12, 2]), 'many', top_k => 10000)")
    assert [len(asked["query_vectors"]) for asked in arguments(database)] == [5, 5, 2]


def test_it_goes_on_behind_what_was_taken(database, app, monkeypatch):
    """Exact rows, whatever an answer holds: here a few queries, or less than one."""
    statement = (
        "SELECT query_no, rank, vector_id, distance FROM s3vl.query_vectors_batch("
        "ARRAY(SELECT ARRAY[n + 0.03125, 0]::vector FROM generate_series(1, 30) AS n), 'many', top_k => {})"
    )
    expected = {}
    for top_k in (3, 150):
        near = [sorted((abs(n + 0.03125 - m / 8), str(m)) for m in range(5000))[:top_k] for n in range(1, 31)]
        expected[top_k] = [
            (number, rank, key, distance)
            for number, found in enumerate(near, start=1)
            for rank, (distance, key) in enumerate(found, start=1)
        ]
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 2_000)
    assert app.execute(statement.format(3)).fetchall() == expected[3]
    operations = [json.loads(event)["operation"] for event in database.lambda_.events]
    assert set(operations) == {"query_vectors_batch"}
    assert 3 < len(operations) < 15
    database.lambda_.events.clear()
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 5_000)
    assert app.execute(statement.format(150)).fetchall() == expected[150]
    operations = [json.loads(event)["operation"] for event in database.lambda_.events]
    assert set(operations) == {"query_vectors_batch", "query_vectors"}


def test_what_fits_no_more_is_not_asked_for(database, app):
    """Slices shrink to what was taken, and grow again slowly."""
    taken = iter([10, 5, 5, 7, 0, 1, 2, 3, 4, 5, 6, 8])

    def behaviour(event):
        request = json.loads(event)
        one = [{"key": "k", "distance": 0.0}]
        if request["operation"] == "query_vectors":
            return in_envelope(event, {"metric": "cosine", "vectors": one, "next_token": None})
        count = min(next(taken), len(request["arguments"]["query_vectors"]))
        return in_envelope(event, {"metric": "cosine" if count else None, "results": [one] * count, "taken": count})

    with database.lambda_.behaving(behaviour):
        rows = app.execute(
            "SELECT query_no, rank FROM s3vl.query_vectors_batch(array_fill(1, ARRAY[50, 2]), 'many', top_k => 1)"
        ).fetchall()
    assert rows == [(n, 1) for n in range(1, 51)]
    asked = [json.loads(event) for event in database.lambda_.events]
    sizes = [len(one["arguments"].get("query_vectors", "x")) for one in asked]
    assert sizes == [50, 10, 5, 7, 9, 1, 1, 2, 3, 4, 6, 5, 2]
    assert [one["operation"] for one in asked].index("query_vectors") == 5


@pytest.mark.parametrize(
    ("argument", "state", "message"),
    [
        ("NULL::vector[]", "22004", "query_vectors must not be NULL"),
        ("NULL::float8[]", "22004", "query_vectors must not be NULL"),
        ("ARRAY['[1,2,3,4,5]', NULL]::vector[]", "22004", "query_vectors[2] must not be NULL"),
        ("ARRAY[NULL]::halfvec[]", "22004", "query_vectors[1] must not be NULL"),
        (
            "ARRAY['[1,2,3,4,5]', '[1,2,3,4,5]', '[1,2]']::vector[]",
            "22023",
            "query_vectors[3] has 2 dimensions, the index 'demo-index' has 5",
        ),
        (
            "ARRAY[[1,2,3],[4,5,6]]",
            "22023",
            "query_vectors[1] has 3 dimensions, the index 'demo-index' has 5",
        ),
        (
            "array_fill(array_fill(1, ARRAY[4097])::vector, ARRAY[2])",
            "22023",
            "query_vectors[1] has 4097 dimensions; S3 Vectors has at most 4096",
        ),
        (
            "ARRAY[1,2,3,4,5]",
            "22023",
            "query_vectors is an array of numbers and must have two dimensions: a row for each vector",
        ),
        ("ARRAY[['[1,2,3,4,5]'::vector]]", "22023", "query_vectors must have one dimension, not 2"),
        ("ARRAY[[1,2,3,4,5],[1,2,NULL,4,5]]", "22023", "query_vectors[2]: array must not contain nulls"),
        ("ARRAY[[1,2,3,4,5],[1,2,'NaN',4,5]]::float8[]", "22023", "query_vectors[2]: NaN not allowed in vector"),
        (
            "ARRAY[[1,2,3,4,5],[1,2,3,4,5],[1,2,3,4,1e39]]::float8[]",
            "22023",
            "query_vectors[3]: infinite value not allowed in vector",
        ),
    ],
)
def test_what_is_refused_before_the_call(database, app, argument, state, message):
    found = failure(app, f"SELECT * FROM s3vl.query_vectors_batch({argument}, 'demo-index')")
    assert found[:2] == (state, f"s3vl.query_vectors_batch: {message}")
    assert database.lambda_.events == []


def test_where_the_index_s_dimension_is_unknown_all_must_be_alike(database, app):
    database.as_admin("UPDATE s3vl.index_registry SET dimension = NULL WHERE index_name = 'demo-index'")
    try:
        found = failure(
            app, "SELECT * FROM s3vl.query_vectors_batch(ARRAY['[1,2]', '[1,2]', '[1]']::vector[], 'demo-index')"
        )
    finally:
        database.as_admin("UPDATE s3vl.index_registry SET dimension = 5 WHERE index_name = 'demo-index'")
    assert found[1] == "s3vl.query_vectors_batch: query_vectors[3] has 1 dimensions, the first one has 2"


def test_a_query_that_the_service_refuses_is_named_by_its_own_number(database, app):
    """The function counts within its slice."""
    calls = []

    def behaviour(event):
        calls.append(event)
        if len(calls) == 1:
            one = [{"key": "k", "distance": 0.0}]
            return in_envelope(event, {"metric": "cosine", "results": [one] * 3, "taken": 3})
        answer = json.loads(in_envelope(event, None).body) | {"ok": False}
        answer["error"] = {
            "code": "ValidationException",
            "message": "query 2: no zeros",
            "retryable": False,
            "request_id": "r1",
        }
        return Answer(json.dumps(answer).encode())

    with database.lambda_.behaving(behaviour):
        state, message, detail, hint = failure(
            app, "SELECT * FROM s3vl.query_vectors_batch(array_fill(1, ARRAY[6, 2]), 'many')"
        )
    assert (state, message) == ("22023", "s3vl.query_vectors_batch: ValidationException: query 5: no zeros")
    assert "r1" in detail
    assert hint == "Correct the argument that the message names."


def test_four_times_as_many_arrays_take_about_four_times_as_long(app):
    """Each row costs its own numbers, not the whole array's."""
    app.execute(
        "CREATE TEMPORARY TABLE given AS SELECT array_agg(array_fill(n::float8, ARRAY[1024])) AS v FROM generate_series(1, 800) AS n"
    )

    def seconds(rows):
        started = time.monotonic()
        app.execute(f"SELECT s3vl.vector_array('c', 'a', (SELECT v[1:{rows}] FROM given))")
        return time.monotonic() - started

    assert min(seconds(800) for _ in range(2)) < 9 * min(seconds(200) for _ in range(2))


def test_a_refusal_of_the_service_names_the_query(database, app):
    statement = "SELECT * FROM s3vl.query_vectors_batch(ARRAY[[1,2,3,4,5],[0,0,0,0,0]], 'demo-index')"
    state, message, _, _ = failure(app, statement)
    assert state == "22023"
    assert message.startswith("s3vl.query_vectors_batch: ValidationException: query 2: ")


FOUND = {"key": "k", "distance": 0.5}


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ({}, SHAPE),
        ({"metric": "cosine", "results": [[FOUND]] * 2}, SHAPE),
        ({"metric": "cosine", "results": None, "taken": 2}, COUNT),
        ({"results": [[FOUND]] * 2, "taken": 2}, COUNT),
        ({"metric": "cosine", "results": [[FOUND]], "taken": 2}, COUNT),
        ({"metric": "cosine", "results": [[FOUND]] * 3, "taken": 3}, COUNT),
        ({"metric": "cosine", "results": [], "taken": -1}, COUNT),
        ({"metric": "cosine", "results": [[FOUND] * 3, []], "taken": 2}, COUNT),
        ({"metric": "cosine", "results": {"a": 1}, "taken": 2}, SHAPE),
        ({"metric": "cosine", "results": [FOUND, FOUND], "taken": 2}, SHAPE),
        ({"metric": "cosine", "results": [None, None], "taken": 2}, SHAPE),
        ({"metric": "cosine", "results": [[FOUND], [{"key": "k"}]], "taken": 2}, SHAPE),
        ({"metric": "cosine", "results": [[FOUND], [FOUND | {"key": ""}]], "taken": 2}, SHAPE),
        ({"metric": "cosine", "results": [[FOUND], [FOUND | {"metadata": []}]], "taken": 2}, SHAPE),
        ({"metric": "cosine", "results": [[FOUND], [FOUND | {"distance": "NaN"}]], "taken": 2}, SHAPE),
    ],
)
def test_nonsense_is_never_an_empty_result(database, app, result, problem):
    assert refused_when(database, app, TWO, answering([result])) == ("S3V01", problem)


def test_a_lateral_join_over_a_hundred_rows_is_one_call(database, app):
    """As docs/search-in-sql.md shows it."""
    app.execute("CREATE TEMP TABLE question (id int PRIMARY KEY, embedding vector(2))")
    app.execute("INSERT INTO question SELECT n, ARRAY[n * 0.125, 0]::vector FROM generate_series(1, 100) AS n")
    rows = app.execute("""
        WITH numbered AS MATERIALIZED (
            SELECT id, embedding, row_number() OVER (ORDER BY id) AS query_no FROM question
        )
        SELECT n.id, b.vector_id
          FROM s3vl.query_vectors_batch(
                   (SELECT array_agg(embedding ORDER BY query_no) FROM numbered), 'many', top_k => 1
               ) AS b
          JOIN numbered AS n USING (query_no)
         ORDER BY n.id, b.rank
    """).fetchall()
    assert rows == [(n, str(n)) for n in range(1, 101)]
    assert len(database.lambda_.events) == 1
    assert len(database.vectors.called("QueryVectors")) == 100


@pytest.mark.parametrize(
    "none", ["'{}'::vector[]", "'{}'::halfvec[]", "'{}'::float8[]", "'{}'", "ARRAY(SELECT NULL::vector WHERE false)"]
)
def test_no_queries_find_nothing(database, app, none):
    assert app.execute(f"SELECT * FROM s3vl.query_vectors_batch({none}, 'demo-index')").fetchall() == []
    assert failure(app, f"SELECT * FROM s3vl.query_vectors_batch({none}, 'unknown')")[0] == "42704"
    assert database.lambda_.events == []
