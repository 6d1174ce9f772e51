"""Arguments of any shape: rows or an error with an SQLSTATE of its kind, and the session goes on."""

import json

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sql.doubles import index_arn

any_settings = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)
metadata = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(-1e15, 1e15)
    | text,  # larger floats come back from jsonb as integers of the same double
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)


def rows_or_state(connection, statement, *parameters):
    """The rows, or the SQLSTATE of the error."""
    try:
        return connection.execute(statement, parameters).fetchall()
    except psycopg.Error as error:
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        return error.sqlstate


@any_settings
@given(vector=st.lists(st.none() | st.floats(), max_size=4), top_k=st.none() | st.integers(-(2**31), 2**31 - 1))
def test_any_array_and_any_count(app, vector, top_k):
    found = rows_or_state(
        app, "SELECT * FROM s3vl.query_vectors(%s::float8[], 'many', top_k => %s::integer)", vector, top_k
    )
    fits = len(vector) == 2 and all(value is not None and abs(value) < 3.4e38 for value in vector)
    if fits and top_k is not None and 1 <= top_k <= 10_000:
        assert len(found) == min(top_k, 5000)
    else:
        assert found in {"22004", "22023", "22000", "22003"}, (vector, top_k, found)


@any_settings
@given(vector=st.lists(st.floats(width=32, min_value=-(2**60), max_value=2**60), min_size=3, max_size=3))
def test_any_vector_arrives_bit_by_bit(database, app, vector):
    database.vectors.calls.clear()
    app.execute("SELECT FROM s3vl.query_vectors(%s::real[]::vector, 'empty')", (vector,))
    arrived = [float(value) for value in database.vectors.calls[0][1]["queryVector"]["float32"]]
    assert app.execute("SELECT %s::float8[]::real[] = %s::real[]", (arrived, vector)).fetchone() == (True,)


@any_settings
@given(name=text | st.sampled_from(["many", index_arn("many"), "arn:", "' OR true --"]), token=st.none() | text)
def test_any_name_and_any_token(app, name, token):
    statement = "SELECT * FROM s3vl.list_vectors(index_name => %s::text, max_results => 1, next_token => %s::text)"
    found = rows_or_state(app, statement, name, token if token is None or not token.isdigit() else None)
    if name in {"many", index_arn("many")} and token is None:
        assert found == [("0", None, {"n": 0}, "1", None)]
    elif isinstance(found, str):
        assert found in {"42704", "22023", "58000"}


@any_settings
@given(keys=st.lists(text | st.none(), max_size=5))
def test_any_keys(app, keys):
    found = rows_or_state(app, "SELECT vector_id, found FROM s3vl.get_vectors(%s::text[], 'many')", keys)
    if keys and all(keys):
        assert found == [(key, key in {str(n) for n in range(5000)}) for key in dict.fromkeys(keys)]
    else:
        assert found == "22023"


@any_settings
@given(document=st.dictionaries(text, metadata, min_size=1, max_size=3))
def test_any_filter_and_any_metadata_go_and_come_unharmed(database, app, document):
    index = database.vectors.indexes[index_arn("empty")]
    index.vectors["k"] = ([1.0, 2.0, 3.0], document)
    try:
        database.vectors.calls.clear()
        rows = app.execute(
            "SELECT metadata FROM s3vl.query_vectors('[1,2,3]', 'empty', metadata_filter => %s::jsonb)",
            (json.dumps(document),),
        ).fetchall()
        assert database.vectors.calls[0][1]["filter"] == document
        assert rows == [(document,)]
    finally:
        index.vectors.clear()


@pytest.mark.parametrize("dimension", [1, 4096])
def test_the_smallest_and_the_largest_vector(database, app, dimension):
    from tests.sql.doubles import Index

    arn = index_arn("empty")
    before = database.vectors.indexes[arn]
    database.vectors.indexes[arn] = Index(dimension, "euclidean", {"k": ([0.5] * dimension, {})})
    database.as_admin("UPDATE s3vl.index_registry SET dimension = %s WHERE index_name = 'empty'", dimension)
    try:
        vector = [0.5] * dimension
        assert app.execute("SELECT vector_id, distance FROM s3vl.query_vectors(%s, 'empty')", (vector,)).fetchall() == [
            ("k", 0.0)
        ]
        assert app.execute("SELECT embedding FROM s3vl.get_vectors('{k}', 'empty')").fetchall() == [(vector,)]
        listed = app.execute(
            "SELECT vector_data FROM s3vl.list_vectors(index_name => 'empty', return_data => true)"
        ).fetchall()
        assert listed == [(vector,)]
    finally:
        database.vectors.indexes[arn] = before
        database.as_admin("UPDATE s3vl.index_registry SET dimension = 3 WHERE index_name = 'empty'")
