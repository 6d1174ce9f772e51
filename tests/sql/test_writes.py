"""s3vl.put_vectors and s3vl.delete_vectors: what arrives, and what is refused before anything is written."""

import json

import pytest
from psycopg import errors
from psycopg.types.json import Jsonb

from tests.sql.cases import failure
from tests.sql.writing import NUMBERS, PUT_MANY, UNIT, epoch, put

# --- what arrives


@pytest.mark.parametrize(
    "embeddings",
    [
        "ARRAY['[1,2,3,4,5,6,7,0.5]', '[8,7,6,5,4,3,2,-0.125]']::vector[]",
        "ARRAY[[1,2,3,4,5,6,7,0.5], [8,7,6,5,4,3,2,-0.125]]::float8[]",
        "ARRAY[[1,2,3,4,5,6,7,0.5], [8,7,6,5,4,3,2,-0.125]]::real[]",
        "ARRAY[[1,2,3,4,5,6,7,0.5], [8,7,6,5,4,3,2,-0.125]]::numeric[]",
        "ARRAY[[1,2,3,4,5,6,7,0.5], [8,7,6,5,4,3,2,-0.125]]",
        """'{"[1,2,3,4,5,6,7,0.5]", "[8,7,6,5,4,3,2,-0.125]"}'""",
        "'{{1,2,3,4,5,6,7,0.5},{8,7,6,5,4,3,2,-0.125}}'",
        '\'[4:5]={"[1,2,3,4,5,6,7,0.5]","[8,7,6,5,4,3,2,-0.125]"}\'::vector[]',
    ],
)
def test_put_takes_every_form(copies, app, embeddings):
    cursor = app.execute(f"SELECT s3vl.put_vectors(ARRAY['a', 'b'], {embeddings}, index_name => 'copies')")
    assert cursor.fetchall() == [(2,)]
    assert copies.contents("copies") == {
        "a": ([1, 2, 3, 4, 5, 6, 7, 0.5], {}),
        "b": ([8, 7, 6, 5, 4, 3, 2, -0.125], {}),
    }


def test_put_takes_halfvec_and_a_drivers_parameters(copies, app):
    app.execute(
        "SELECT s3vl.put_vectors(ARRAY['h'], ARRAY['[1,2,3,4,5,6,7,0.5]']::halfvec[], ARRAY['{\"n\": 1}'::jsonb], 'copies')"
    )
    app.execute(
        "SELECT s3vl.put_vectors(%s, %s, %s, %s)",
        (["p"], [NUMBERS], [Jsonb({"who": "psycopg", "tags": ["ä", "😀"]})], "copies"),
    )
    assert copies.contents("copies") == {
        "h": ([1, 2, 3, 4, 5, 6, 7, 0.5], {"n": 1}),
        "p": (NUMBERS, {"who": "psycopg", "tags": ["ä", "😀"]}),
    }


def test_text_of_every_plane_comes_back_as_it_was(copies, app):
    """Keys and metadata: controls, quotes, both ends of each of Unicode's planes; not U+0000 and halves of surrogate pairs."""
    edges = [chr(plane << 16 | low) for plane in range(17) for low in (1, 0x22, 0x5C, 0xD7FF, 0xE000, 0xFFFF)]
    keys = [f"{edge}{place}" for place, edge in enumerate(edges)]
    metadata = [
        Jsonb({f"k{edge}": [edge, f"'{edge}\\\""], "n": place, "f": place / 7, "yes": True})
        for place, edge in enumerate(edges)
    ]
    app.execute("SELECT s3vl.put_vectors(%s, %s, %s, 'copies')", (keys, [list(NUMBERS) for _ in keys], metadata))
    rows = app.execute(
        "SELECT vector_id, embedding, metadata, found FROM s3vl.get_vectors(%s, 'copies')", (keys,)
    ).fetchall()
    assert rows == [(key, NUMBERS, one.obj, True) for key, one in zip(keys, metadata, strict=True)]


def test_put_replaces_a_vector_whole(copies, app):
    for metadata in (
        """ARRAY['{"a": 1, "b": 2}', NULL]::jsonb[]""",
        """ARRAY['{"b": 3}', '{"c": true}']::jsonb[]""",
        "NULL",
    ):
        statement = (
            f"SELECT s3vl.put_vectors(ARRAY['x', 'y'], ARRAY['{UNIT}', '{UNIT}']::vector[], {metadata}, 'copies')"
        )
        assert app.execute(statement).fetchone() == (2,)
        if metadata.startswith("ARRAY['{\"b"):
            assert copies.contents("copies") == {"x": (NUMBERS, {"b": 3}), "y": (NUMBERS, {"c": True})}
    assert copies.contents("copies") == {"x": (NUMBERS, {}), "y": (NUMBERS, {})}


def test_nothing_to_write_is_no_call(database, copies, app):
    empty = "ARRAY(SELECT '[1]'::vector WHERE false)"
    assert app.execute(f"SELECT s3vl.put_vectors('{{}}', {empty}, index_name => 'copies')").fetchone() == (0,)
    assert app.execute("SELECT s3vl.put_vectors('{}', '{}'::float8[], index_name => 'copies')").fetchone() == (0,)
    assert app.execute("SELECT s3vl.delete_vectors('{}', 'copies')").fetchone() == (0,)
    assert database.lambda_.events == []


def test_many_vectors_are_one_request_of_the_function(database, copies, app):
    assert app.execute(PUT_MANY, (1200,)).fetchone() == (1200,)
    assert len(database.lambda_.events) == 1
    assert put(database) == [500, 500, 200]
    assert list(copies.contents("copies")) == [f"{n:04}" for n in range(1, 1201)]


def test_requests_are_smaller_than_lambda_takes(database, copies, app):
    """A key of 1,024 control characters has 6 KB in JSON."""
    keys = "array_agg(rpad(n::text, 1024, E'\\x01') ORDER BY n)"
    statement = f"SELECT s3vl.put_vectors({keys}, array_agg('{UNIT}'::vector), index_name => 'copies') FROM generate_series(1, 1100) n"
    assert app.execute(statement).fetchone() == (1100,)
    assert [len(json.loads(event)["arguments"]["vectors"]) for event in database.lambda_.events] == [500, 600]
    assert put(database) == [500, 500, 100]
    database.lambda_.events.clear()
    statement = f"SELECT s3vl.delete_vectors({keys}, 'copies') FROM generate_series(1, 1100) n"
    assert app.execute(statement).fetchone() == (1100,)
    assert max(map(len, database.lambda_.events)) < 5_000_000
    assert [len(json.loads(event)["arguments"]["keys"]) for event in database.lambda_.events] == [500, 600]
    assert copies.contents("copies") == {}


# --- what is refused before anything is written


@pytest.mark.parametrize(
    ("arguments", "state", "message"),
    [
        ("NULL, ARRAY[]::vector[]", "22004", "vector_ids must not be NULL"),
        ("ARRAY['a'], NULL::vector[]", "22004", "embeddings must not be NULL"),
        ("ARRAY['a'], NULL::float8[]", "22004", "embeddings must not be NULL"),
        (f"ARRAY['a', NULL], ARRAY['{UNIT}', '{UNIT}']::vector[]", "22023", "vector_ids[2] is NULL"),
        (f"ARRAY[''], ARRAY['{UNIT}']::vector[]", "22023", "vector_ids[1] has 0 characters; a key has 1 to 1024"),
        (
            f"ARRAY[repeat('x', 1025)], ARRAY['{UNIT}']::vector[]",
            "22023",
            "vector_ids[1] has 1025 characters; a key has 1 to 1024",
        ),
        (f"ARRAY[['a']], ARRAY['{UNIT}']::vector[]", "22023", "vector_ids must be an array of one dimension"),
        (f"ARRAY['a', 'b'], ARRAY['{UNIT}']::vector[]", "22023", "there are 2 vector_ids and 1 embeddings"),
        (
            f"ARRAY['a'], ARRAY['{UNIT}']::vector[], ARRAY[]::jsonb[]",
            "22023",
            "there are 1 vector_ids and 0 of metadata",
        ),
        (
            f"ARRAY['a', 'b', 'a'], ARRAY['{UNIT}', '{UNIT}', '{UNIT}']::vector[]",
            "22023",
            "vector_ids[1] and vector_ids[3] are the same key, 'a'",
        ),
        (f"ARRAY['a', 'b'], ARRAY['{UNIT}', NULL]::vector[]", "22004", "embeddings[2] must not be NULL"),
        (
            f"ARRAY['a', 'b'], ARRAY['{UNIT}', '[1,2]']::vector[]",
            "22023",
            "embeddings[2] has 2 dimensions, the index 'copies' has 8",
        ),
        (
            "ARRAY['a'], ARRAY[1,2,3,4,5,6,7,8]",
            "22023",
            "embeddings is an array of numbers and must have two dimensions: a row for each vector",
        ),
        ("ARRAY['a', 'b'], ARRAY[[1,2], [3, 'NaN'::float8]]", "22023", "embeddings[2]: NaN not allowed in vector"),
        (
            f"ARRAY['a', 'b'], ARRAY['{UNIT}', '[0,0,0,0,0,0,0,0]']::vector[]",
            "22023",
            "embeddings[2] is all zeros, which has no direction: an index by cosine cannot hold it",
        ),
        (
            f"ARRAY['a', 'b'], ARRAY['{UNIT}', '{UNIT}']::vector[], ARRAY['{{}}', '[1]']::jsonb[]",
            "22023",
            "metadata[2] must be a JSON object, not array",
        ),
    ],
)
def test_wrong_arguments_are_found_before_the_first_call(database, copies, app, arguments, state, message):
    found = failure(app, f"SELECT s3vl.put_vectors({arguments}, index_name => 'copies')")
    assert found[:2] == (state, f"s3vl.put_vectors: {message}")
    assert database.lambda_.events == []


def test_metadata_is_checked_by_the_function_before_the_service_is_asked(database, copies, app):
    """The position is the caller's, from 1, and the metadata's key is named."""
    statement = (
        "SELECT s3vl.put_vectors(ARRAY['a', 'b'], ARRAY[%s, %s]::vector[], ARRAY['{\"n\": 1}', %s]::jsonb[], 'copies')"
    )
    state, message, _, hint = failure(app, statement, UNIT, UNIT, '{"n": 1, "deep": {"er": 1}}')
    assert (state, hint) == ("22023", "Correct the argument that the message names.")
    assert message.startswith("s3vl.put_vectors: InvalidRequest: metadata[2].deep ")
    state, message, _, _ = failure(app, statement, UNIT, UNIT, json.dumps({"text": "x" * 3000}))
    assert (state, message.partition("]")[0]) == ("22023", "s3vl.put_vectors: InvalidRequest: metadata[2")
    assert put(database) == []


def test_only_who_may_write(database, copies, app):
    values = f"ARRAY['a'], ARRAY['{UNIT}']::vector[]"
    with database.login("analyst") as analyst:
        for call in (f"put_vectors({values}, index_name => 'copies')", "delete_vectors(ARRAY['a'], 'copies')"):
            with pytest.raises(errors.InsufficientPrivilege, match="permission denied for function"):
                analyst.execute(f"SELECT s3vl.{call}")
    for call in (
        "put_vectors(ARRAY['a'], ARRAY['[1,2,3]']::vector[], index_name => 'private')",
        "delete_vectors(ARRAY['a'], 'private')",
    ):
        name = call.partition("(")[0]
        assert failure(app, f"SELECT s3vl.{call}")[:2] == (
            "42501",
            f"s3vl.{name}: vectordb_app has not been granted to write the index 'private'",
        )
    assert database.lambda_.events == []


def test_a_read_only_transaction_writes_nothing(database, copies, app):
    app.execute("SET default_transaction_read_only = on")
    for call in (PUT_MANY.replace("%s", "1"), "SELECT s3vl.delete_vectors('{a}', 'copies')"):
        state, message, _, hint = failure(app, call)
        assert (state, message.partition(": ")[2]) == ("25006", "the transaction is read-only")
        assert hint == "SET TRANSACTION READ WRITE."
    assert database.lambda_.events == []


# --- delete


def test_delete_counts_distinct_keys_whether_they_were_there_or_not(database, copies, app):
    app.execute(PUT_MANY, (1100,))
    before = epoch(database)
    keys = "ARRAY(SELECT lpad(n::text, 4, '0') FROM generate_series(1, 1098) n) || ARRAY['0001', 'nowhere', '0001']"
    assert app.execute(f"SELECT s3vl.delete_vectors({keys}, 'copies')").fetchone() == (1099,)
    assert list(copies.contents("copies")) == ["1099", "1100"]
    assert [len(parameters["keys"]) for parameters in copies.called("DeleteVectors")] == [500, 500, 99]
    assert epoch(database) != before


@pytest.mark.parametrize(
    ("keys", "state", "message"),
    [
        ("NULL", "22004", "vector_ids must not be NULL"),
        ("ARRAY['a', NULL]", "22023", "vector_ids[2] is NULL"),
        ("ARRAY['']", "22023", "vector_ids[1] has 0 characters; a key has 1 to 1024"),
        ("ARRAY[['a']]", "22023", "vector_ids must be an array of one dimension"),
    ],
)
def test_delete_checks_its_keys(database, copies, app, keys, state, message):
    assert failure(app, f"SELECT s3vl.delete_vectors({keys}, 'copies')")[:2] == (
        state,
        f"s3vl.delete_vectors: {message}",
    )
    assert database.lambda_.events == []


def test_writers_of_an_index_without_tenants_do_not_wait(database, copies, app):
    with database.login() as other, app.transaction():
        app.execute(PUT_MANY, (1,))
        other.execute("SET lock_timeout = '50ms'")
        assert other.execute(PUT_MANY, (1,)).fetchone() == (1,)
