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
    assert detail.startswith(f"That is the key '{key}'. What comes before this batch is in the index, up to '6'.")
    assert hint


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
