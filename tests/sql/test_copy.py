"""s3vl.copy_to_index: the result of a query in an index, batch by batch."""

import json
import time

import pytest
from psycopg import errors

from tests.sql.cases import failure
from tests.sql.copying import ALL, COPY, ROWS, batches, in_order, jobs, stop_at
from tests.sql.doubles import Answer

pytestmark = pytest.mark.usefixtures("source")


def test_a_query_is_copied_in_batches(database, copies, app, told):
    app.execute(COPY, (ALL, None, 500))
    found = copies.contents("copies")
    assert found["7"] == ([7, 1, 0, 0, 0, 0, 0, 0], {"kind": "odd"})
    assert len(found) == ROWS
    keys = in_order(range(1, ROWS + 1))
    assert batches(database) == [keys[:500], keys[500:1000], keys[1000:]]
    assert len(told) == 1
    assert told[0].startswith("done: 1050 vectors copied in ")
    assert jobs(app) == []


def test_a_batch_of_one_row_too_many_is_no_batch(database, copies, app, told):
    app.execute(COPY, (ALL + " WHERE id <= 100", "hundred", 50))
    assert [len(keys) for keys in batches(database)] == [50, 50]
    assert jobs(app) == [("hundred", "copies", 100, "99", True)]


def test_the_query_runs_again_for_each_window(database, copies, app, told):
    """At batch_size 10,000 a window is five batches: 50,000 rows."""
    keys = "SELECT lpad(n::text, 5, '0'), '[1,2,3,4,5,6,7,8]'::vector FROM generate_series(1, {}) n"

    def quiet(event):
        asked = json.loads(event)
        seen.append(len(asked["arguments"]["vectors"]))
        first.append(asked["arguments"]["vectors"][0]["key"])
        envelope = {key: asked[key] for key in ("v", "operation", "nonce")}
        return Answer(
            json.dumps(
                envelope | {"request_id": "r", "ok": True, "result": {"written": seen[-1], "error": None}}
            ).encode()
        )

    seen: list[int] = []
    first: list[str] = []
    with database.lambda_.behaving(quiet):
        app.execute(COPY, (keys.format(50_001), None, 10_000))
    assert sum(seen) == 50_001
    assert (seen[-1], first[-1]) == (1, "50001")


@pytest.mark.parametrize(
    ("query", "vector", "metadata"),
    [
        ("SELECT 'a', '[1,2,3,4,5,6,7,8]'::vector", range(1, 9), {}),
        ("SELECT 'a'::varchar, ARRAY[1,2,3,4,5,6,7,8]", range(1, 9), {}),
        ("SELECT 'a', ARRAY[1,2,3,4,5,6,7,8]::numeric[], NULL::jsonb;", range(1, 9), {}),
        ("SELECT 'a', '[1,2,3,4,5,6,7,8]'::halfvec, '{\"n\": 1}'::json -- the end", range(1, 9), {"n": 1}),
        ("  TABLE one ;\n", range(1, 9), {}),
        ("VALUES ('a', '{1,2,3,4,5,6,7,8}'::float8[])", range(1, 9), {}),
        (
            "WITH x AS (SELECT 'a', '[1,2,3,4,5,6,7,8]'::vector) SELECT * FROM x ORDER BY 1 DESC LIMIT 5",
            range(1, 9),
            {},
        ),
    ],
)
def test_what_a_query_may_be(copies, app, told, query, vector, metadata):
    app.execute("CREATE TEMP TABLE one AS SELECT 'a'::text AS key, '[1,2,3,4,5,6,7,8]'::vector AS embedding")
    app.execute(COPY, (query, None, 500))
    assert copies.contents("copies") == {"a": (list(vector), metadata)}


def test_an_empty_query_is_a_finished_job(database, copies, app, told):
    app.execute(COPY, (ALL + " WHERE false", "nothing", 500))
    assert database.lambda_.events == []
    assert jobs(app) == [("nothing", "copies", 0, None, True)]
    assert told[0].startswith("done: 0 vectors copied")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT 'a'", "query must have two or three columns, not one"),
        ("SELECT 1, '[1]'::vector, NULL::jsonb, 4", "query must have two or three columns, not more"),
        ("SELECT 1.5, '[1]'::vector", "the first column of query, the key, is numeric; cast it to text"),
        (
            "SELECT 1, '[1]'",
            "the second column of query, the embedding, is text; it must be vector, halfvec or an array of numbers",
        ),
        ("SELECT 1, '[1]'::vector, 'x'::text", "the third column of query, the metadata, is text; it must be jsonb"),
        ("SELECT 1; SELECT 2", 'query must be one SELECT: syntax error at or near ";"'),
        ("SELECT 1, 2) AS q(a, b) ON false; DROP TABLE public.source; --", "query must be one SELECT: "),
        ("DELETE FROM public.source RETURNING id, embedding", "query must be one SELECT: "),
        ("WITH d AS (DELETE FROM public.source RETURNING id, embedding) SELECT * FROM d", "query must be one SELECT: "),
        ("", "query must be one SELECT: "),
        ("SELECT 1, NULL::vector", "the embedding of the key '1' is NULL"),
        ("SELECT NULL::text, '[1]'::vector UNION ALL SELECT 'a', '[2]'", "the query gives a key that is NULL"),
        ("SELECT 1, ARRAY[1, NULL]", "the embedding of the key '1' is no vector: array must not contain nulls"),
        ("SELECT 1, ARRAY['NaN'::float8]", "the embedding of the key '1' is no vector: NaN not allowed in vector"),
        ("SELECT 1, '[1]'::vector UNION ALL SELECT 1, '[2]'", "the query gives the key '1' more than once"),
    ],
)
def test_what_a_query_may_not_be(database, copies, app, told, query, message):
    state, found, _, _ = failure(app, COPY, query, None, 500)
    assert (state, found[: len(message) + 20]) == ("22023", f"s3vl.copy_to_index: {message}"[: len(message) + 20])
    assert database.lambda_.events == []
    assert app.execute("SELECT count(*) FROM public.source").fetchone() == (ROWS,)


def test_a_parameter_in_the_query_is_nobodys(database, copies, app, told):
    with pytest.raises(errors.UndefinedParameter):
        app.execute(COPY, ("SELECT $1::text, embedding FROM public.source", None, 500))
    assert database.lambda_.events == []


def test_a_key_that_comes_twice_in_different_batches(copies, app, told):
    query = "SELECT least(n, 500)::text || 'k', '[1,2,3,4,5,6,7,8]'::vector FROM generate_series(499, 501) n"
    state, message, detail, _ = failure(app, COPY, query, None, 2)
    assert (state, message) == ("22023", "s3vl.copy_to_index: the query gives the key '500k' more than once")
    assert detail == "What comes before it in the order of the keys is in the index, up to '500k'."


@pytest.mark.parametrize(
    ("arguments", "state", "message"),
    [
        ("NULL, 'copies'", "22004", "query must not be NULL"),
        ("'SELECT 1', NULL", "22004", "index_name must not be NULL"),
        ("'SELECT 1', 'copies', NULL, NULL", "22004", "batch_size must not be NULL"),
        ("'SELECT 1', 'copies', NULL, 0", "22023", "batch_size must be from 1 to 10000, not 0"),
        ("'SELECT 1', 'copies', NULL, 10001", "22023", "batch_size must be from 1 to 10000, not 10001"),
        ("'SELECT 1', 'copies', ''", "22023", "job must have 1 to 200 characters, not 0"),
        ("'SELECT 1', 'nowhere'", "42704", "the index 'nowhere' is not registered"),
        ("'SELECT 1', 'private'", "42501", "vectordb_app has not been granted to write the index 'private'"),
    ],
)
def test_wrong_arguments(database, copies, app, arguments, state, message):
    assert failure(app, f"CALL s3vl.copy_to_index({arguments})")[:2] == (state, f"s3vl.copy_to_index: {message}")
    assert database.lambda_.events == []


def test_not_in_a_transaction_block(database, copies, app, told):
    for block in ("BEGIN", "BEGIN READ ONLY"):
        app.execute(block)
        state, message, _, hint = failure(app, COPY, ALL, "job", 500)
        app.execute("ROLLBACK")
        assert state == "25001"
        assert message.startswith("s3vl.copy_to_index cannot run inside a transaction block or a function")
        assert "autocommit" in hint
    body = "DO $$ BEGIN CALL s3vl.copy_to_index('SELECT 1', 'copies'); END $$"
    app.execute(body.replace("'SELECT 1'", "'SELECT 1, NULL::vector WHERE false'"))  # DO by itself may commit
    with app.transaction():
        assert failure(app, body)[0] == "25001"
    assert database.lambda_.events == []
    assert jobs(app) == []


def test_the_query_has_the_rights_of_its_caller(database, copies, app, told):
    """Nothing of it runs as the owner of the bridge, who may read the registry of indexes."""
    query = "SELECT index_name, '[1,2,3,4,5,6,7,8]'::vector, to_jsonb(current_user::text) FROM s3vl.index_registry"
    with pytest.raises(errors.InsufficientPrivilege, match="permission denied for table index_registry"):
        app.execute(COPY, (query, None, 500))
    app.execute(COPY, ("SELECT current_user::text, '[1,2,3,4,5,6,7,8]'::vector", None, 500))
    assert list(copies.contents("copies")) == ["vectordb_app"]


def test_the_names_in_the_query_are_found_on_the_callers_path(copies, app, told):
    app.execute("SET search_path = public")
    app.execute(COPY, ("SELECT id, embedding FROM source WHERE id < 3", None, 500))
    assert list(copies.contents("copies")) == ["1", "2"]


# --- what is told on the way


def test_progress_is_told_now_and_then(database, copies, app, told):
    """Slow answers: one notice for two seconds, not one for each batch."""

    def slow():
        time.sleep(2.1)

    with stop_at(database, 2, slow):
        app.execute(COPY, (ALL + " WHERE id <= 300", None, 50))
    assert len(told) == 2
    words = told[0].split()
    assert words[:3] == ["100", "vectors", "copied"]
    assert told[1].startswith("done: 300 vectors copied in 2.")


def test_a_statement_timeout_is_pointed_out(copies, app, told):
    app.execute("SET statement_timeout = '5min'")
    app.execute(COPY, (ALL + " WHERE id < 3", None, 500))
    assert told[0] == "statement_timeout is 5min, for all of the copy"
