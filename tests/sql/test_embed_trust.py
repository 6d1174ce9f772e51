"""A table's owner who is no administrator: none of its code runs as the owner of the vectorizers, or as a worker."""

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.sql.cases import failure
from tests.sql.conftest import Connection
from tests.sql.embed_cases import Bench

READ = "GRANT USAGE ON SCHEMA tenant TO vectordb_owner, vectordb_admin; GRANT SELECT, TRIGGER ON tenant.docs TO vectordb_admin;"


@pytest.fixture
def mallory(bench: Bench) -> Iterator[Connection]:
    """Owns tenant.docs, which has a vectorizer, and a function that notes when it runs as somebody else."""
    with bench.database.server.superuser_connection("vectordb") as superuser, bench.session() as session:
        superuser.execute(
            "DROP SCHEMA IF EXISTS tenant CASCADE; DROP ROLE IF EXISTS mallory; CREATE ROLE mallory;"
            " GRANT mallory TO vectordb_admin WITH INHERIT FALSE; CREATE SCHEMA tenant AUTHORIZATION mallory"
        )
        session.execute(
            "SET ROLE mallory; CREATE TABLE tenant.docs (id integer PRIMARY KEY, body text, title text, v vector(3));"
            " CREATE SEQUENCE tenant.ran; GRANT USAGE ON SEQUENCE tenant.ran TO PUBLIC;"
            " CREATE FUNCTION tenant.note() RETURNS boolean LANGUAGE plpgsql AS $$"
            "   BEGIN IF current_user <> 'mallory' THEN PERFORM nextval('tenant.ran'); END IF; RETURN true; END $$;"
            " CREATE FUNCTION tenant.calm() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN tenant.note(); END $$;"
            " GRANT USAGE ON SCHEMA tenant TO PUBLIC;"
            " GRANT SELECT (id, body, title, v), UPDATE (v) ON tenant.docs TO vectordb_owner; INSERT INTO tenant.docs VALUES (1, 'text', 't');"
            + READ
        )
        yield session
        session.close()
        bench.clear()
        superuser.execute("DROP SCHEMA tenant CASCADE; DROP OWNED BY mallory; DROP ROLE mallory")


def safe(mallory: Connection) -> bool:
    """Whether none of its code ran as somebody else; a sequence remembers what is rolled back as well."""
    return mallory.execute("SELECT pg_sequence_last_value('tenant.ran') IS NULL").fetchone() == (True,)


def worked(bench: Bench, docs: int) -> None:
    """A worker does what it can, and somebody looks at the status."""
    with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
        bench.worker.drain(docs)
    bench.run("SELECT * FROM embed.status")
    with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
        bench.reconciled()


@pytest.mark.parametrize("function", ["note", "calm"])
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside-one-that-shows-all"])
def test_a_policy(bench: Bench, mallory: Connection, function: str, beside: bool) -> None:
    docs = bench.vectorizer(source="tenant.docs")
    mallory.execute(
        f"CREATE POLICY p ON tenant.docs USING (tenant.{function}()); ALTER TABLE tenant.docs ENABLE ROW LEVEL SECURITY"
    )
    if beside:
        mallory.execute("CREATE POLICY shown ON tenant.docs FOR SELECT TO vectordb_owner USING (true)")
    worked(bench, docs)
    assert safe(mallory)


TYPE = (
    "CREATE TYPE tenant.trap AS (t text); CREATE FUNCTION tenant.spring(tenant.trap) RETURNS text LANGUAGE plpgsql AS $$"
    " BEGIN PERFORM tenant.note(); RETURN ($1).t; END $$; CREATE CAST (tenant.trap AS text) WITH FUNCTION tenant.spring(tenant.trap) AS IMPLICIT;"
)


@pytest.mark.parametrize("content", ["body", "lower(body)"])
def test_a_column_of_another_type(bench: Bench, mallory: Connection, content: str) -> None:
    docs = bench.vectorizer(source="tenant.docs", content=content)
    mallory.execute(TYPE + "ALTER TABLE tenant.docs ALTER body TYPE tenant.trap USING ROW(body)::tenant.trap")
    for isolation in ("READ COMMITTED", "REPEATABLE READ"):
        mallory.execute(f"SET default_transaction_isolation = '{isolation}'")
        code, message, *_ = failure(mallory, "UPDATE tenant.docs SET body = ROW('y')")
        assert code in {"42501", "42883"}
        assert "tenant.trap" in message
    worked(bench, docs)
    assert safe(mallory)


INLINED = TYPE.replace(
    "LANGUAGE plpgsql AS $$ BEGIN PERFORM tenant.note(); RETURN ($1).t; END $$",
    "LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN tenant.calm() THEN ($1).t END $$",
)
"""Evaluated by who plans a statement, if it is only in it."""


@pytest.mark.parametrize("trap", [TYPE, INLINED], ids=["called", "inlined"])
def test_a_key_of_another_type(bench: Bench, mallory: Connection, trap: str) -> None:
    docs = bench.vectorizer(source="tenant.docs")
    mallory.execute(
        trap + "ALTER TABLE tenant.docs DROP CONSTRAINT docs_pkey, ALTER id TYPE tenant.trap USING ROW(id)::tenant.trap"
    )
    for write in ("INSERT INTO tenant.docs (id, body) VALUES (ROW('2'), 'x')", "DELETE FROM tenant.docs"):
        assert failure(mallory, write)[0] in {"42501", "42883"}
    worked(bench, docs)
    assert safe(mallory)


def test_a_field_of_a_type_of_its_owner(bench: Bench, mallory: Connection) -> None:
    mallory.execute(
        "CREATE TYPE tenant.mood AS ENUM ('sad', 'glad'); ALTER TABLE tenant.docs ADD mood tenant.mood;"
        " CREATE FUNCTION tenant.spring(tenant.mood) RETURNS text LANGUAGE plpgsql AS $$"
        " BEGIN PERFORM tenant.note(); RETURN 'x'; END $$; GRANT SELECT (mood) ON tenant.docs TO vectordb_owner"
    )
    try:
        docs = bench.vectorizer(source="tenant.docs", template="'$mood: $chunk'")
    except psycopg.Error as error:
        assert error.sqlstate == "42501"  # noqa: PT017 - either is right
        return
    mallory.execute("CREATE CAST (tenant.mood AS text) WITH FUNCTION tenant.spring(tenant.mood)")
    mallory.execute("INSERT INTO tenant.docs (id, body, mood) VALUES (2, 'x', 'glad')")
    worked(bench, docs)
    assert safe(mallory)


@pytest.mark.parametrize(
    "trap",
    [
        "CREATE TRIGGER t BEFORE UPDATE ON tenant.docs FOR EACH ROW EXECUTE FUNCTION tenant.fire()",
        "CREATE TRIGGER t BEFORE UPDATE ON tenant.docs FOR EACH STATEMENT EXECUTE FUNCTION tenant.fire()",
        "ALTER TABLE tenant.docs ADD CHECK (tenant.note())",
        "CREATE RULE r AS ON UPDATE TO tenant.docs DO ALSO SELECT tenant.note()",
        "CREATE INDEX ON tenant.docs ((tenant.calm() AND id > 0))",
    ],
)
def test_what_runs_when_a_vector_is_written_to_its_table(bench: Bench, mallory: Connection, trap: str) -> None:
    docs = bench.vectorizer(source="tenant.docs", destination="embed.to_column('v')")
    mallory.execute(
        "CREATE FUNCTION tenant.fire() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN PERFORM tenant.note(); RETURN NEW; END $$;" + trap
    )
    mallory.execute("INSERT INTO tenant.docs (id, body) VALUES (2, 'x')")
    worked(bench, docs)
    assert safe(mallory)


def test_an_index_of_a_constant(bench: Bench, mallory: Connection) -> None:
    """Whoever plans a query evaluates it."""
    docs = bench.vectorizer(source="tenant.docs")
    mallory.execute("CREATE INDEX ON tenant.docs ((tenant.calm() AND id > 0))")
    worked(bench, docs)
    assert "tenant.calm(), which belongs to mallory" in bench.value("SELECT problem FROM embed.status")
    assert safe(mallory)


def test_a_type_that_changes_behind_a_transaction_s_back(bench: Bench, mallory: Connection) -> None:
    bench.vectorizer(source="tenant.docs")
    with bench.session() as other:
        other.execute("SET ROLE mallory")
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        mallory.execute(TYPE + "ALTER TABLE tenant.docs ALTER body TYPE tenant.trap USING ROW(body)::tenant.trap")
        assert failure(other, "UPDATE tenant.docs SET body = ROW('y')")[0] in {"42501", "42883", "40001"}
        other.execute("ROLLBACK")
    assert safe(mallory)


@pytest.mark.parametrize("destination", ["embed.to_table()", "embed.to_column('v')"])
def test_a_change_that_commits_while_a_worker_waits(bench: Bench, mallory: Connection, destination: str) -> None:
    """The source's owner holds its table, and lets go when the worker has looked and waits."""
    docs = bench.vectorizer(source="tenant.docs", destination=destination)
    bench.worker.drain(docs)
    mallory.execute("INSERT INTO tenant.docs (id, body) VALUES (2, 'x')")
    claim = bench.worker.claim(docs)
    mallory.execute("BEGIN; CREATE POLICY p ON tenant.docs USING (tenant.note())")
    mallory.execute("ALTER TABLE tenant.docs ENABLE ROW LEVEL SECURITY")
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(bench.worker.read, claim)
        time.sleep(0.3)
        assert not reading.done()
        mallory.execute("COMMIT")
        with pytest.raises(psycopg.Error) as refused:
            reading.result()
    assert refused.value.sqlstate == "42501"
    assert safe(mallory)


def test_a_table_of_somebody_else_s_that_runs_nothing_is_embedded(bench: Bench, mallory: Connection) -> None:
    docs = bench.vectorizer(source="tenant.docs", template="'$title: $chunk'")
    mallory.execute("CREATE INDEX ON tenant.docs (lower(title)); ALTER TABLE tenant.docs ADD CHECK (tenant.note())")
    mallory.execute(
        "CREATE TRIGGER t BEFORE UPDATE ON tenant.docs FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    )
    mallory.execute("CREATE POLICY mine ON tenant.docs USING (title = current_setting('app.title', true))")
    mallory.execute("CREATE POLICY shown ON tenant.docs FOR SELECT TO vectordb_owner USING (true)")
    mallory.execute("ALTER TABLE tenant.docs ENABLE ROW LEVEL SECURITY; INSERT INTO tenant.docs VALUES (2, 'x', 't')")
    assert bench.worker.drain(docs) == 2
    assert safe(mallory)


def test_a_function_that_was_put_into_an_extension(bench: Bench, mallory: Connection) -> None:
    """Whoever may create extensions owns them, and may add to them."""
    mallory.execute("CREATE FUNCTION tenant.shout(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT upper($1) $$")
    owned = "UPDATE pg_extension SET extowner = %s::regrole WHERE extname = 'vector'"
    with bench.database.server.superuser_connection("vectordb") as superuser:
        (owner,) = superuser.execute(
            "SELECT extowner::regrole::text FROM pg_extension WHERE extname = 'vector'"
        ).fetchall()[0]
        superuser.execute(owned, ["mallory"])
        try:
            mallory.execute("ALTER EXTENSION vector ADD FUNCTION tenant.shout(text)")
            with pytest.raises(psycopg.Error, match="belongs to mallory"):
                bench.vectorizer(source="tenant.docs", content="tenant.shout(body)")
            mallory.execute("ALTER EXTENSION vector DROP FUNCTION tenant.shout(text)")
        finally:
            superuser.execute(owned, [owner])
