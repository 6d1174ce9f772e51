"""query_vectors as applications call it."""

import json
import math
import struct

import pytest

import limits
from tests.sql.answers import answering, arguments, refused_when
from tests.sql.cases import failure
from tests.sql.doubles import index_arn

QUERY = [0.1, 0.2, 0.3, 0.4, 0.5]
NEAREST = ["vec_001", "vec_002", "vec_003"]
SEARCH = "SELECT * FROM s3vl.query_vectors('[1,2,3,4,5]', 'demo-index', top_k => 3)"


def keys(cursor):
    return [row[0] for row in cursor.fetchall()]


def test_columns_and_values(app):
    cursor = app.execute("SELECT * FROM s3vl.query_vectors('[0.1,0.2,0.3,0.4,0.5]', 'demo-index', top_k => 2)")
    assert [(column.name, column.type_code) for column in cursor.description] == [
        ("vector_id", 25),
        ("distance", 701),
        ("similarity_score", 701),
        ("metadata", 3802),
    ]
    (first, second) = cursor.fetchall()
    assert (first[0], first[3]) == ("vec_001", {"id": 1, "category": "test", "body": "words of entry 1"})
    assert first[1] == pytest.approx(0, abs=1e-6)
    dot, norms = 0.2 * 0.1 + 0.54, math.hypot(0.1, *QUERY[1:]) * math.hypot(0.2, *QUERY[1:])
    assert second[0] == "vec_002"
    assert second[1] == pytest.approx(1 - dot / norms, abs=1e-6)
    assert second[2] == 1 - second[1]


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


def test_the_vector_arrives_as_the_32_bit_floats_it_is(database, app):
    """Defect 7 of the sample: 0.1 went out in 64 bits, as 0.10000000149011612."""
    app.execute("SELECT FROM s3vl.query_vectors(ARRAY[0.1, 1e-7, 16777216, 0.333333333333, 0]::real[], 'demo-index')")
    app.execute("SELECT FROM s3vl.query_vectors(ARRAY[0.1, 1e-7, 16777216, 0.333333333333, 0]::float8[], 'demo-index')")
    for _, parameters in database.vectors.calls:
        single = [struct.unpack("f", struct.pack("f", number))[0] for number in parameters["queryVector"]["float32"]]
        assert single == [0.10000000149011612, 1.0000000116860974e-07, 16777216, 0.3333333432674408, 0]
    assert len(database.vectors.calls) == 2
    assert [asked["query_vector"] for asked in arguments(database)] == ["PczMzTPWv5VLgAAAPqqqqwAAAAA="] * 2


def test_positional_as_well_as_named(app):
    app.execute("SELECT * FROM s3vl.query_vectors(ARRAY[0.1,0.2,0.3,0.4,0.5], 'demo-index', NULL, 5, true, NULL)")
    arn = index_arn("demo-index")
    cursor = app.execute("SELECT vector_id FROM s3vl.query_vectors(%s, index_arn => %s, top_k => 3)", (QUERY, arn))
    assert keys(cursor) == NEAREST
    # The ARN where a name is expected: the sample resolved it.
    assert keys(app.execute("SELECT vector_id FROM s3vl.query_vectors(%s, %s, top_k => 3)", (QUERY, arn))) == NEAREST


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"category": "other"}, ["vec_002", "vec_004", "vec_006"]),
        ({"category": {"$eq": "other"}}, ["vec_002", "vec_004", "vec_006"]),
        ({"category": {"$ne": "other"}}, ["vec_001", "vec_003", "vec_005"]),
        ({"id": {"$gt": 2}}, ["vec_003", "vec_004", "vec_005"]),
        ({"id": {"$gte": 2}}, ["vec_002", "vec_003", "vec_004"]),
        ({"id": {"$lt": 3}}, ["vec_001", "vec_002"]),
        ({"id": {"$lte": 1.5}}, ["vec_001"]),
        ({"id": {"$gt": 2, "$lt": 5}, "category": "other"}, ["vec_004"]),
        ({"id": {"$in": [7, 9, 11, 3]}}, ["vec_003", "vec_007", "vec_009"]),
        ({"id": {"$nin": [1, 3]}, "category": {"$nin": ["other"]}}, ["vec_005", "vec_007", "vec_009"]),
        ({"body": {"$startsWith": "words of entry 2"}}, ["vec_002", "vec_020"]),
        ({"nothing": {"$exists": False}, "id": {"$exists": True}}, NEAREST),
        (
            {"$and": [{"id": {"$gt": 1}}, {"$or": [{"id": 2}, {"id": {"$in": [19, 20]}}]}]},
            ["vec_002", "vec_019", "vec_020"],
        ),
        ({"id": 99}, []),
    ],
    ids=str,
)
def test_every_form_of_filter(database, app, document, found):
    statement = "SELECT vector_id FROM s3vl.query_vectors(%s, 'demo-index', top_k => 3, metadata_filter => %s)"
    assert keys(app.execute(statement, (QUERY, json.dumps(document)))) == found
    assert database.vectors.calls[0][1]["filter"] == document


def test_a_filter_keeps_its_characters_and_its_numbers(database, app):
    app.execute(
        "SELECT FROM s3vl.query_vectors(%s, 'demo-index', metadata_filter => %s)",
        (QUERY, '{"$or": [{"id": {"$gt": 1.50}}, {"category": {"$in": ["ä", "\\"b"]}}]}'),
    )
    assert database.vectors.calls[0][1]["filter"] == {"$or": [{"id": {"$gt": 1.5}}, {"category": {"$in": ["ä", '"b']}}]}


@pytest.mark.parametrize("mode", [None, "ENHANCED"])
def test_a_query_mode_is_passed_on(database, app, mode):
    statement = "SELECT vector_id FROM s3vl.query_vectors(%s, 'demo-index', top_k => 3, query_mode => %s)"
    assert keys(app.execute(statement, (QUERY, mode))) == NEAREST
    assert database.vectors.calls[0][1].get("queryMode") == mode


@pytest.mark.parametrize(
    ("call", "state", "message"),
    [
        ("NULL::vector, 'demo-index'", "22004", "query_vector must not be NULL"),
        ("'[1,2,3,4,5]', 'demo-index', top_k => NULL", "22004", "top_k must not be NULL"),
        ("'[1,2,3,4,5]', 'demo-index', return_metadata => NULL", "22004", "return_metadata must not be NULL"),
        ("'[1,2,3,4,5]', 'demo-index', top_k => 0", "22023", "top_k must be from 1 to 10000, not 0"),
        ("'[1,2,3,4,5]', 'demo-index', top_k => 10001", "22023", "top_k must be from 1 to 10000, not 10001"),
        ("'[1,2,3]', 'demo-index'", "22023", "query_vector has 3 dimensions, the index 'demo-index' has 5"),
        (
            "array_fill(1, ARRAY[4097]), 'demo-index'",
            "22023",
            "query_vector has 4097 dimensions; S3 Vectors has at most 4096",
        ),
        (
            "'[1,2,3,4,5]', 'demo-index', metadata_filter => '[]'",
            "22023",
            "metadata_filter must be a JSON object, not array",
        ),
        (
            "'[1,2,3,4,5]', 'demo-index', query_mode => 'FAST'",
            "22023",
            "query_mode must be CLASSIC, ENHANCED or NULL, which is the index's own mode",
        ),
        ("'[1,2,3,4,5]', 'nowhere'", "42704", None),
    ],
)
def test_what_is_refused_before_the_call(database, app, call, state, message):
    found, said, _, _ = failure(app, f"SELECT * FROM s3vl.query_vectors({call})")
    assert found == state
    assert message is None or said == f"s3vl.query_vectors: {message}"
    assert database.lambda_.events == []


def test_without_metadata(database, app):
    rows = app.execute(
        "SELECT metadata FROM s3vl.query_vectors(%s, 'demo-index', return_metadata => false)", (QUERY,)
    ).fetchall()
    assert rows == [({},)] * 10
    assert not database.vectors.calls[0][1].get("returnMetadata")


def test_euclidean_has_a_distance_and_no_score(app):
    """Defect 5 of the sample: 1 - distance whatever the metric."""
    rows = app.execute(
        "SELECT vector_id, distance, similarity_score FROM s3vl.query_vectors('[2,0]', 'many', top_k => 3)"
    ).fetchall()
    assert rows == [("16", 0.0, None), ("15", 0.125, None), ("17", 0.125, None)]


@pytest.mark.parametrize("top_k", [1, 100, 101, 500, 501, 1000])
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
    asked = arguments(database)
    assert [one["received"] for one in asked] == list(
        range(0, 5000, 500)
    )  # 500 an answer, so that a statement can be ended
    assert asked[0]["next_token"] is None
    assert all(one["next_token"] for one in asked[1:])


def test_an_answer_that_ends_early_is_gone_on_with(database, app, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 15_000)
    rows = app.execute("SELECT vector_id FROM s3vl.query_vectors('[0,0]', 'many', top_k => 750)").fetchall()
    assert rows == [(str(n),) for n in range(750)]
    asked = arguments(database)
    assert len(asked) > 2  # two answers, were each one full
    assert [one["top_k"] for one in asked] == [750] * len(asked)


def test_what_every_request_holds(database, app):
    app.execute(
        "SELECT FROM s3vl.query_vectors('[1,2]', 'many', top_k => 7, return_metadata => false, metadata_filter => '{\"n\": 1}')"
    )
    (asked,) = arguments(database)
    epoch = asked.pop("epoch")
    assert isinstance(epoch, int)
    assert asked == {
        "index_arn": index_arn("many"),
        "query_vector": "P4AAAEAAAAA=",
        "query_texts": None,
        "top_k": 7,
        "limit": 500,
        "received": 0,
        "next_token": None,
        "return_metadata": False,
        "metadata_filter": {"n": 1},
        "query_mode": None,
        "scope": None,
    }


def test_a_tenant_s_scope_goes_with_the_query(database):
    with database.login("acme") as acme:
        rows = acme.execute("SELECT vector_id FROM s3vl.query_vectors('[1,2,0,1]', 'tenants', top_k => 20)").fetchall()
    assert {key for (key,) in rows} == {f"{name}{n}" for name in ("a", "both") for n in range(1, 6)}
    assert arguments(database)[0]["scope"] == {"key": "tenant", "values": ["acme"]}


ONE = {"key": "1", "distance": 0.5}


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ({}, "it has no vectors"),
        ({"vectors": [], "next_token": None}, "it has no vectors"),
        ({"metric": "cosine", "vectors": None, "next_token": None}, "it has no vectors"),
        (
            {"metric": "cosine", "vectors": {"key": "1"}, "next_token": None},
            "its vectors have not the shape that was agreed",
        ),
        (
            {"metric": "cosine", "vectors": [[ONE]], "next_token": None},
            "its vectors have not the shape that was agreed",
        ),
        (
            {"metric": "cosine", "vectors": [{"key": "1"}], "next_token": None},
            "its vectors have not the shape that was agreed",
        ),
        (
            {"metric": "cosine", "vectors": [ONE | {"distance": None}], "next_token": None},
            "its vectors have not the shape that was agreed",
        ),
        (
            {"metric": "cosine", "vectors": [ONE | {"distance": "Infinity"}], "next_token": None},
            "its vectors have not the shape that was agreed",
        ),
        (
            {"metric": "cosine", "vectors": [ONE | {"metadata": "x"}], "next_token": None},
            "its vectors have not the shape that was agreed",
        ),
        (
            {"metric": "cosine", "vectors": [ONE] * 4, "next_token": None},
            "it has not the number of vectors that was agreed",
        ),
        ({"metric": "cosine", "vectors": [], "next_token": "0:t"}, "it has not the number of vectors that was agreed"),
    ],
)
def test_nonsense_is_never_an_empty_result(database, app, result, problem):
    assert refused_when(database, app, SEARCH, answering([result])) == ("S3V01", problem)


def test_nonsense_in_a_later_answer_gives_no_rows_at_all(database, app):
    first = {"metric": "cosine", "vectors": [ONE], "next_token": "0:t"}
    assert refused_when(database, app, SEARCH, answering([first, {}])) == ("S3V01", "it has no vectors")
    more = {"metric": "cosine", "vectors": [ONE] * 3, "next_token": None}
    problem = "it has not the number of vectors that was agreed"
    assert refused_when(database, app, SEARCH, answering([first, more])) == ("S3V01", problem)


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
