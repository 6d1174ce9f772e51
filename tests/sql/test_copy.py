"""s3vl.copy_to_index: the result of a query in an index, batch by batch, and what a crash in the middle leaves."""

import json
import os
import signal
import time

import psycopg
import pytest
from psycopg import errors

from tests.sql.cases import failure
from tests.sql.doubles import Answer, refused

COPY = "CALL s3vl.copy_to_index(%s, 'copies', %s, %s)"
ALL = "SELECT id, embedding, jsonb_build_object('kind', kind) FROM public.source"
ROWS = 1050


@pytest.fixture(scope="module")
def source(applied):
    """public.source: 1,050 rows, which every login reads. Its keys are in another order as text than as numbers."""
    with applied.login("vectordb_admin") as admin:
        admin.execute("CREATE TABLE public.source (id integer PRIMARY KEY, embedding public.vector(8), kind text)")
        admin.execute(
            "INSERT INTO public.source SELECT n, ARRAY[n, 1, 0, 0, 0, 0, 0, 0], CASE WHEN n %% 2 = 0 THEN 'even' ELSE 'odd' END"
            " FROM generate_series(1, %s) n",
            (ROWS,),
        )
        admin.execute("GRANT SELECT ON public.source TO vectordb_writer")
    yield  # no session stays open: a test kills the server
    with applied.login("vectordb_admin") as admin:
        admin.execute("DROP TABLE public.source")


@pytest.fixture
def copies(database, source):
    """The index to copy to; empty before and after, and no job is known."""
    yield database.vectors
    database.lambda_.settle()
    database.vectors.refusal = database.vectors.before = None
    database.vectors.clear("copies")
    with database.login("operator") as operator:
        operator.execute("DELETE FROM s3vl.copies")


@pytest.fixture
def told(app):
    """The notices of the session: messages."""
    messages = []
    app.add_notice_handler(lambda diagnosis: messages.append(diagnosis.message_primary))
    app.execute("SET statement_timeout = 0")
    return messages


def batches(database):
    """The keys of each request of the function, in the order in which they were asked."""
    asked = [json.loads(event)["arguments"] for event in database.lambda_.events]
    return [[vector["key"] for vector in arguments["vectors"]] for arguments in asked]


def in_order(numbers):
    return sorted(str(n) for n in numbers)


def jobs(session):
    return session.execute(
        "SELECT job, index_name, vectors, last_key, finished_at IS NOT NULL FROM s3vl.list_copies()"
    ).fetchall()


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


# --- resuming


def stop_at(database, number, how):
    """An answer to the requests of the function: `how` is called before the one of that number, from 1."""

    def behaviour(event):
        if len(database.lambda_.events) == number:
            how()
        return database.lambda_.honest(event)

    return database.lambda_.behaving(behaviour)


def resumed(database, app, told, batch=100):
    """Run the job again, and hold the index against the table."""
    before = [key for keys in batches(database) for key in keys]
    app.execute(COPY, (ALL, "nightly", batch))
    written = [key for keys in batches(database) for key in keys]
    assert set(written) == set(in_order(range(1, ROWS + 1)))
    twice = len(written) - len(set(written))
    assert twice <= batch, "more than one batch was written twice"
    assert len(before) < ROWS
    assert jobs(app) == [("nightly", "copies", ROWS, "999", True)]
    assert database.vectors.contents("copies") == {
        str(n): ([n, 1, 0, 0, 0, 0, 0, 0], {"kind": "odd" if n % 2 else "even"}) for n in range(1, ROWS + 1)
    }
    return twice


def test_a_copy_that_was_cut_short_goes_on(database, copies, app, told):
    database.vectors.before = lambda operation, _: (
        refused("InternalServerException", "oh", 500)
        if operation == "PutVectors" and len(database.lambda_.events) == 4
        else None
    )
    state, message, detail, _ = failure(app, COPY, ALL, "nightly", 100)
    assert (state, message) == ("58000", "s3vl.put_vectors: InternalServerException: oh")
    assert detail.startswith("None of 100 vectors is known to be written.")
    keys = in_order(range(1, ROWS + 1))
    assert jobs(app) == [("nightly", "copies", 300, keys[299], False)]
    database.vectors.before = None
    assert resumed(database, app, told) == 100
    assert told[0] == f"the job 'nightly' goes on after the key '{keys[299]}': 300 vectors are there"


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL], ids=["terminated", "killed"])
def test_a_backend_that_dies_in_the_middle(database, copies, app, told, signal_number):
    """Each vector is there in the end, and no more than one batch was written twice."""
    with database.login() as doomed:
        doomed.execute("SET statement_timeout = 0")
        process = doomed.info.backend_pid
        with (
            stop_at(database, 6, lambda: os.kill(process, signal_number)),
            pytest.raises(psycopg.OperationalError),
        ):
            doomed.execute(COPY, (ALL, "nightly", 100))
    database.lambda_.settle()
    deadline = time.monotonic() + 10
    while True:  # after kill -9 the server restarts itself
        try:
            with database.login() as again:
                resumed(database, again, told)
            break
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_finished_job_starts_anew_only_on_request(database, copies, app, told):
    app.execute(COPY, (ALL, "nightly", 500))
    events = len(database.lambda_.events)
    app.execute(COPY, (ALL, "nightly", 500))
    assert len(database.lambda_.events) == events
    assert told[-1].startswith("the job 'nightly' was finished at ")
    assert told[-1].endswith(f": {ROWS} vectors")
    app.execute("CALL s3vl.copy_to_index(%s, 'copies', 'nightly', restart => true)", (ALL,))
    assert len(database.lambda_.events) == 2 * events
    assert jobs(app) == [("nightly", "copies", ROWS, "999", True)]


@pytest.mark.parametrize("change", ["query", "index"])
def test_a_job_is_one_query_into_one_index(database, copies, app, told, change):
    app.execute(COPY, (ALL, "nightly", 500))
    query = ALL + " WHERE id > 5" if change == "query" else ALL
    index = "many" if change == "index" else "copies"
    statement = "CALL s3vl.copy_to_index(%s, %s, 'nightly')"
    state, message, _, hint = failure(app, statement, query, index)
    assert state == "22023"
    assert message.startswith(f"s3vl.copy_to_index: the job 'nightly' was begun with another {change}")
    assert "restart => true" in hint


def test_jobs_are_each_roles_own(database, copies, app, told):
    app.execute(COPY, (ALL, "nightly", 500))
    with database.login("shop") as shop:
        assert jobs(shop) == []
        shop.execute(COPY, (ALL + " WHERE id < 3", "nightly", 500))
        assert jobs(shop) == [("nightly", "copies", 2, "2", True)]
    assert jobs(app) == [("nightly", "copies", ROWS, "999", True)]
    for statement in ("SELECT * FROM s3vl.copies", "UPDATE s3vl.copies SET vectors = 0"):
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(statement)


def test_a_tenants_copy_is_its_own(database, source, told):
    """What an application has copied for one tenant is not done for another."""
    kept = database.vectors.contents("tenants")
    query = "SELECT 'copied' || id, ARRAY[id, 1, 1, 1] FROM public.source WHERE id <= {}"
    statement = "CALL s3vl.copy_to_index(%s, 'tenants', 'nightly', 2)"
    try:
        with database.login("shop") as shop:
            assert failure(shop, statement, query.format(4))[0] == "42501"
            shop.execute("SET s3vl.tenant = 'acme'")
            shop.execute(statement, (query.format(4),))
            shop.execute("SET s3vl.tenant = 'globex'")
            assert failure(shop, statement, query.format(4))[0] == "22023"
            again = statement.replace("'nightly'", "'globex'").replace("'copied'", "'globex'")
            assert failure(shop, again, query.format(4))[0] == "42501"  # those keys are acme's
        copied = {
            key: metadata for key, (_, metadata) in database.vectors.contents("tenants").items() if "copied" in key
        }
        assert copied == {f"copied{n}": {"tenant": "acme"} for n in range(1, 5)}
    finally:
        database.vectors.clear("tenants")
        database.vectors.put("tenants", kept)
        with database.login("operator") as operator:
            operator.execute("DELETE FROM s3vl.copies")


def test_two_sessions_that_run_one_job(database, copies, app, told):
    """The second to finish a batch gives up; the index has everything that the job says."""
    with database.login() as other:
        other.execute("SET statement_timeout = 0")
        with stop_at(database, 3, lambda: other.execute(COPY, (ALL, "nightly", 200))):
            state, message, _, _ = failure(app, COPY, ALL, "nightly", 200)
    assert (state, message) == ("55006", "s3vl.copy_to_index: the job 'nightly' was moved on by another session")
    assert jobs(app) == [("nightly", "copies", ROWS, "999", True)]
    assert len(copies.contents("copies")) == ROWS


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


def test_a_cancelled_copy_keeps_what_it_has_committed(database, copies, app, told):
    with stop_at(database, 4, app.cancel), pytest.raises(errors.QueryCanceled):
        app.execute(COPY, (ALL, "nightly", 100))
    assert jobs(app)[0][2] == 300
    database.lambda_.settle()
    resumed(database, app, told)
