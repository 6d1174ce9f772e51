"""Which vector an error of a write is about: by the caller's own numbers, or by its key where the caller has none."""

import pytest

from tests.sql.cases import failure
from tests.sql.doubles import refused

UNIT = "'[1,0,0,0,0,0,0,0]'::vector"


@pytest.fixture
def copies(database):
    """The index to write to; empty before and after."""
    yield database.vectors
    database.vectors.before = None
    database.vectors.clear("copies")


@pytest.mark.parametrize(
    ("columns", "message", "key"),
    [
        (f"CASE n WHEN 7 THEN repeat('x', 1025) ELSE n::text END, {UNIT}", "vector_ids[3] has 1025 ", "x" * 1024),
        (f"n, CASE n WHEN 7 THEN '[1,2]' ELSE {UNIT} END", "embeddings[1] has 2 dimensions", "7"),
        (f"n, CASE n WHEN 7 THEN '[0,0,0,0,0,0,0,0]' ELSE {UNIT} END", "embeddings[1] is all zeros", "7"),
        (f"n, {UNIT}, CASE n WHEN 7 THEN '[]'::jsonb END", "metadata[1] must be a JSON object", "7"),
        (
            f"n, {UNIT}, jsonb_build_object('k', CASE n WHEN 7 THEN '{{}}'::jsonb ELSE '1' END)",
            "InvalidRequest: metadata[1].k ",
            "7",
        ),
    ],
)
def test_a_copy_names_the_key(copies, app, columns, message, key):
    """In batches of three, the last one with what was 7."""
    app.execute("SET statement_timeout = 0")
    query = f"SELECT {columns} FROM generate_series(1, 9) n"
    state, found, detail, hint = failure(app, "CALL s3vl.copy_to_index(%s, 'copies', NULL, 3)", query)
    assert (state, found.removeprefix("s3vl.put_vectors: ")[: len(message)]) == ("22023", message)
    assert detail.startswith(f"The refused key is '{key}'. What comes before this batch is in the index, up to '6'.")
    assert hint


def test_a_copy_that_fails_in_its_first_batch(copies, app):
    app.execute("SET statement_timeout = 0")
    copy = "CALL s3vl.copy_to_index(%s, 'copies')"
    _, _, detail, _ = failure(app, copy, f"SELECT 1, {UNIT}, jsonb_build_object('k', '{{}}'::jsonb)")
    assert detail.startswith("The refused key is '1'. This is the first batch. Request id of the service: none.")
    _, _, detail, _ = failure(app, copy, f"SELECT NULL::text, {UNIT}")
    assert detail == "Nothing comes before it in the order of the keys."
    copies.before = lambda operation, parameters: refused("AccessDeniedException", "no", 403)
    _, _, detail, _ = failure(app, copy, f"SELECT 1, {UNIT}")
    assert detail.startswith("This is the first batch. Request id of the service: s3-request-1.")


def test_a_copy_that_is_cut_short_says_how_far_it_came(copies, app):
    app.execute("SET statement_timeout = 0")
    copies.before = lambda operation, parameters: (
        refused("ServiceUnavailableException", "oh", 503)
        if operation == "PutVectors" and parameters["vectors"][0]["key"] > "3"
        else None
    )
    copy = f"CALL s3vl.copy_to_index($$ SELECT n, {UNIT} FROM generate_series(1, 9) n $$, 'copies', NULL, 3)"
    state, _, detail, hint = failure(app, copy)
    assert (state, hint.endswith("Try again.")) == ("58000", True)
    assert detail.startswith(
        "What comes before this batch is in the index, up to '3'. None of 3 vectors is known to be written. Request id"
    )


def test_a_put_names_the_key(copies, app):
    """Beside the position, which counts from 1 whatever the array begins with."""
    statement = (
        "SELECT s3vl.put_vectors(('[0:' || count(*) - 1 || ']=' || array_agg('key ' || n ORDER BY n)::text)::text[],"
        f" array_agg({UNIT}), array_agg(jsonb_build_object('title', repeat('x', CASE n WHEN %s THEN 41000 ELSE 1 END))"
        " ORDER BY n), 'copies') FROM generate_series(1, %s) n"
    )
    state, message, detail, _ = failure(app, statement, 3, 4)
    assert (state, message.partition(" has ")[0]) == ("22023", "s3vl.put_vectors: InvalidRequest: metadata[3]")
    assert detail.startswith("The refused key is 'key 3'. Request id of the service: none.")
    assert copies.contents("copies") == {}
    state, message, detail, _ = failure(app, statement, 4001, 4002)
    assert (state, message.partition(" has ")[0]) == ("22023", "s3vl.put_vectors: InvalidRequest: metadata[4001]")
    assert detail.startswith(
        "4000 of 4002 vectors were written: the first 4000 of vector_ids, from 'key 1' to 'key 4000'. "
        "The refused key is 'key 4001'. Request id of the service: none."
    )


def test_an_array_that_does_not_begin_with_one(copies, app):
    copies.before = lambda operation, parameters: (
        refused("InternalServerException", "oh", 500)
        if operation == "PutVectors" and len(parameters["vectors"]) < 500
        else None
    )
    keys = "('[5:605]=' || array_agg(lpad(n::text, 3, '0') ORDER BY n)::text)::text[]"
    statement = (
        f"SELECT s3vl.put_vectors({keys}, array_agg({UNIT}), index_name => 'copies') FROM generate_series(1, 601) n"
    )
    _, _, detail, _ = failure(app, statement)
    assert detail.startswith("500 of 601 vectors were written: the first 500 of vector_ids, from '001' to '500'.")
