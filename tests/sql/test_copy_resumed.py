"""s3vl.copy_to_index goes on where it was cut short: by an error, a crash, a cancelled statement, another session."""

import os
import signal
import time

import psycopg
import pytest
from psycopg import errors

from tests.sql.cases import failure
from tests.sql.copying import ALL, COPY, ROWS, batches, in_order, jobs, stop_at
from tests.sql.doubles import refused

pytestmark = pytest.mark.usefixtures("source")


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
    keys = in_order(range(1, ROWS + 1))
    assert detail.startswith(
        f"What comes before this batch is in the index, up to '{keys[299]}'. None of 100 vectors is known to be written."
    )
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


def test_a_cancelled_copy_keeps_what_it_has_committed(database, copies, app, told):
    with stop_at(database, 4, app.cancel), pytest.raises(errors.QueryCanceled):
        app.execute(COPY, (ALL, "nightly", 100))
    assert jobs(app)[0][2] == 300
    database.lambda_.settle()
    resumed(database, app, told)
