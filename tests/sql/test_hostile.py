"""Arguments of any shape: rows or an error with an SQLSTATE of its kind, nothing leaks, and the session goes on."""

import json
import random
import struct

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sql.answers import arguments
from tests.sql.doubles import index_arn

any_settings = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)
scalar = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15) | text


def rows_or_state(connection, statement, *parameters):
    """The rows, or the SQLSTATE of the error."""
    try:
        return connection.execute(statement, parameters).fetchall()
    except psycopg.Error as error:
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        return error.sqlstate


def is_single(value):
    """Whether it rounds to a finite 32-bit float."""
    return value is not None and abs(value) < 3.4028235677973366e38


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@any_settings
@given(
    vector=st.lists(st.none() | st.floats(), max_size=4),
    top_k=st.none() | st.integers(-(2**31), 2**31 - 1) | st.integers(1, 300),
)
def test_any_array_and_any_count(app, vector, top_k):
    statement = "SELECT * FROM s3vl.query_vectors(%s::float8[], 'many', top_k => %s::integer, return_metadata => false)"
    found = rows_or_state(app, statement, vector, top_k)
    if len(vector) == 2 and all(map(is_single, vector)) and top_k is not None and 1 <= top_k <= 10_000:
        # A distance beyond 32 bits is the service's to refuse.
        assert found in ("22023", "58000") or len(found) == min(top_k, 5000)
    else:
        assert found in {"22004", "22023", "22000", "22003"}, (vector, top_k, found)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@any_settings
@given(
    rows=st.integers(1, 3).flatmap(
        lambda width: st.lists(st.lists(st.none() | st.floats(width=32), min_size=width, max_size=width), max_size=4)
    )
)
def test_any_array_of_arrays(app, rows):
    found = rows_or_state(
        app, "SELECT query_no FROM s3vl.query_vectors_batch(%s::float8[], 'demo-index', top_k => 1)", rows
    )
    assert found in ({"22004", "22023"} if rows else [[]]), (rows, found)  # no row has the five numbers of the index
    wide = [(row + [1.0] * 5)[:5] for row in rows]
    found = rows_or_state(
        app, "SELECT query_no FROM s3vl.query_vectors_batch(%s::float8[], 'demo-index', top_k => 1)", wide
    )
    if rows and all(is_single(value) and abs(value) < 1e15 for row in wide for value in row) and all(map(any, wide)):
        assert found == [(n,) for n in range(1, len(rows) + 1)] or found == "22023"
    elif not rows:
        assert found == []
    elif not all(map(is_single, (value for row in wide for value in row))):
        assert found == "22023"


@any_settings
@given(vector=st.lists(st.floats(width=32, min_value=-(2**60), max_value=2**60), min_size=3, max_size=3))
def test_any_vector_arrives_bit_by_bit(database, app, vector):
    database.vectors.calls.clear()
    rows_or_state(app, "SELECT FROM s3vl.query_vectors(%s::real[]::vector, 'empty')", vector)
    (call,) = database.vectors.called("QueryVectors")
    arrived = struct.pack("3f", *call["queryVector"]["float32"])
    assert arrived == struct.pack("3f", *(value + 0.0 if value else 0.0 for value in vector)) or arrived == struct.pack(
        "3f", *vector
    )


@any_settings
@given(name=text | st.sampled_from(["many", index_arn("many"), "arn:", "' OR true --"]), token=st.none() | text)
def test_any_name_and_any_token(app, name, token):
    statement = (
        "SELECT vector_id FROM s3vl.list_vectors(index_name => %s::text, max_results => 1, next_token => %s::text)"
    )
    found = rows_or_state(app, statement, name, token)
    if name in {"many", index_arn("many")} and token is None:
        assert found == [("0",)]
    elif isinstance(found, str):
        assert found in {"42704", "22023"}


@any_settings
@given(keys=st.lists(text | st.none(), max_size=5))
def test_any_keys(app, keys):
    found = rows_or_state(app, "SELECT vector_id, found FROM s3vl.get_vectors(%s::text[], 'many')", keys)
    if all(keys):
        assert found == [(key, key in {str(n) for n in range(5000)}) for key in dict.fromkeys(keys)]
    else:
        assert found == "22023"


@any_settings
@given(
    document=st.dictionaries(
        text.filter(lambda key: key and not key.startswith("$")),
        scalar | st.lists(text, min_size=1, max_size=3),
        max_size=3,
    )
)
def test_any_metadata_goes_and_comes_unharmed(database, app, document):
    database.vectors.put("empty", {"k": ([1.0, 2.0, 3.0], document)})
    try:
        for call in ("query_vectors('[1,2,3]', 'empty')", "get_vectors('{k}', 'empty')", "list_all_vectors('empty')"):
            assert app.execute(f"SELECT metadata FROM s3vl.{call}").fetchall() == [(document,)]
    finally:
        database.vectors.clear("empty")


@any_settings
@given(document=st.dictionaries(text.filter(bool), scalar, min_size=1, max_size=3))
def test_any_filter_goes_unharmed(database, app, document):
    database.lambda_.events.clear()
    found = rows_or_state(
        app, "SELECT * FROM s3vl.query_vectors('[1,2,3]', 'empty', metadata_filter => %s::jsonb)", json.dumps(document)
    )
    assert found in ([], "22023")
    assert arguments(database)[0]["metadata_filter"] == document


@any_settings
@given(query=text, key=text)
def test_any_words_go_unharmed(database, app, query, key):
    database.vectors.calls.clear()
    found = rows_or_state(
        app, "SELECT * FROM s3vl.full_text_query(jsonb_build_object(%s::text, %s::text), 'demo-index')", key, query
    )
    assert found == "22023" or isinstance(found, list)
    for call in database.vectors.called("QueryVectors"):
        assert call["queryTexts"] == [{"text": query, "metadataKey": key}]
    database.vectors.calls.clear()
    found = rows_or_state(app, "SELECT vector_id FROM s3vl.search_text(%s, 'demo-index', top_k => 1)", query)
    embedded = database.vectors.called("InvokeModel")
    assert [call["inputText"] for call in embedded] == ([query] if query.strip() else []), found


@pytest.mark.parametrize("dimension", [1, 4096])
def test_the_smallest_and_the_largest_vector(database, app, dimension):
    database.vectors.create("sized", dimension, "euclidean")
    database.vectors.put("sized", {"k": ([0.5] * dimension, {})})
    arn = index_arn("sized")
    database.as_admin("SELECT s3vl.register_index('sized', %s)", arn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECTORDB_INDEX_ARNS", json.dumps([arn]))
        vector = [0.5] * dimension
        try:
            assert app.execute(
                "SELECT vector_id, distance FROM s3vl.query_vectors(%s, 'sized')", (vector,)
            ).fetchall() == [("k", 0.0)]
            batch = app.execute(
                "SELECT vector_id FROM s3vl.query_vectors_batch(%s, 'sized')", ([vector, list(vector)],)
            )
            assert batch.fetchall() == [("k",), ("k",)]
            assert app.execute("SELECT embedding FROM s3vl.get_vectors('{k}', 'sized')").fetchall() == [(vector,)]
            listed = app.execute(
                "SELECT vector_data FROM s3vl.list_all_vectors('sized', return_data => true)"
            ).fetchall()
            assert listed == [(vector,)]
        finally:
            database.as_admin("SELECT s3vl.unregister_index('sized')")
            database.vectors._ask("DeleteIndex", {"indexArn": arn})


# --- ten thousand calls, half of them on each version of PostgreSQL

CALLS = 5000
MARK = "m4rk3d"  # in every hostile value but names of indexes and metadata keys, which an error may repeat
STATEMENTS = [
    "SELECT count(*) FROM s3vl.query_vectors($3, $1, $2, $4, true, $5, $6)",
    "SELECT count(*) FROM s3vl.query_vectors_batch(ARRAY[$3, $3], $1, $2, $4, true, $5, $6)",
    "SELECT count(*) FROM s3vl.hybrid_query_vectors($3, $5, $1, $2, $4, true, $7)",
    "SELECT count(*) FROM s3vl.full_text_query($5, $1, $2, $4, true, $7)",
    "SELECT count(*) FROM s3vl.search_text($6, $1, $2, $4, true, $5, $8)",
    "SELECT count(*) FROM s3vl.get_vectors($8, $1, $2)",
    "SELECT count(*) FROM s3vl.list_vectors($2, $1, $4, $6)",
    "SELECT count(*) FROM s3vl.list_all_vectors($1, $2, false, true, $4)",
    "SELECT count(*) FROM s3vl.describe_index($1, $2)",
]
INJECTIONS = [
    "'; DROP TABLE public.canary; --",
    "' OR 1=1 --",
    '"; DROP TABLE public.canary; --',
    "$$; DELETE FROM public.canary; $$",
    "\\'; TRUNCATE public.canary; --",
    '","topK":1,"x":"',
    '"}]}{"v":2,"ok":true',
    "%s%n%1$s{0}",
    "../../etc/passwd",
    "${jndi:ldap://x}",
    "\u202e\ufeff\u0001\x7f",
    "😀" * 20,
    "x" * 3000,
]
OURS = {"22004", "22023", "42501", "42704", "55000"}


def hostile_calls(count):
    """(statement, name, ARN, vector, count, document, text, document, texts), the same each time."""
    chance = random.Random(6)  # noqa: S311 - the same calls each time, no secrets

    def marked():
        return chance.choice([MARK, *(one + MARK for one in INJECTIONS), f" {MARK}\n"])

    def name():
        if chance.random() < 0.3:
            return chance.choice(["empty", "demo-index"]), None
        return chance.choice(
            [
                (chance.choice(INJECTIONS), None),
                (None, chance.choice(INJECTIONS)),
                (None, index_arn("empty") + chance.choice(["", "'", "/x"])),
                (None, None),
                ("empty", index_arn("empty")),
                ("private", None),
                ("many\n", None),
                ("", ""),
            ]
        )

    def document():
        return chance.choice(
            [
                None,
                json.dumps(marked()),
                json.dumps([marked()]),
                json.dumps({"body": marked()}),
                json.dumps({chance.choice(INJECTIONS): marked()}),
                json.dumps({"$or": [{"a": marked()}, {chance.choice(INJECTIONS): {"$in": [marked()]}}]}),
                json.dumps({"a": {"$eval": marked()}}),
                json.dumps({"a": {"$gt": marked()}}),
                json.dumps({"a": {"$in": []}, "b": None}),
                json.dumps({"$and": [{"a": {"$in": [MARK] * 101}}]}),
                "{}",
                "1e400",
                '{"a": 1e308}',
            ]
        )

    for _ in range(count):
        statement = chance.choice(STATEMENTS)
        # An error may name a metadata key: the service's does.
        one = chance.choice(INJECTIONS) if "search_text" in statement else marked()
        yield (
            statement,
            *name(),
            chance.choice(["[1,2,3]", "[1,2,3,4,5]", "[0,0,0]", "[1e-45,3e38,-3e38]", "[1]", None]),
            chance.choice([1, 2, 3, 16, 0, -1, 10_001, 2**31 - 1, -(2**31), None]),
            document(),
            chance.choice([None, "", "ENHANCED", "CLASSIC", marked(), marked()]),
            document(),
            chance.choice([None, [], [None], [one], [one, "k"], ["k", "k", ""], ["body"]]),
        )


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # the emulator's, of numbers of 1e38
def test_ten_thousand_hostile_calls(database, app):
    with database.login("vectordb_admin") as master:
        master.execute("CREATE TABLE public.canary AS SELECT 1 AS alive")
        master.execute("GRANT ALL ON public.canary TO PUBLIC")
    app.execute("""
        CREATE FUNCTION pg_temp.attempt(
            statement text, name text, arn text, vector vector, count integer, document jsonb, value text, other jsonb, texts text[]
        ) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE
            state text; message text; detail text; hint text; found integer;
        BEGIN
            EXECUTE statement INTO found USING name, arn, vector, count, document, value, other, texts;
            RETURN 'rows';
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS
                state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
            RETURN concat_ws(E'\\n', state, message, detail, hint);
        END
        $$
    """)
    attempt = "SELECT pg_temp.attempt(%s, %s, %s, %s::vector, %s::integer, %s::jsonb, %s, %s::jsonb, %s::text[])"
    said = [app.execute(attempt, call).fetchone()[0] for call in hostile_calls(CALLS)]
    states = {one.partition("\n")[0] for one in said}
    assert states <= OURS | {"rows"}, sorted(states)
    assert len(states) >= 5
    assert said.count("rows") > CALLS / 50
    # Nothing of a caller's values, whose they may be, stands in what a log would keep; nor does an ARN.
    assert not [one for one in said if MARK in one]
    assert not [one for one in said if index_arn("")[:20] in one]
    assert not [one for one in said if not one.startswith(("rows", *(f"{state}\ns3vl." for state in OURS)))]
    with database.login("vectordb_admin") as master:
        assert master.execute("TABLE public.canary").fetchall() == [(1,)]
        master.execute("DROP TABLE public.canary")
    assert database.vectors.contents("empty") == {}
