"""The worker's login, and vectorizers that the configuration declares: made, changed and left as the tables allow."""

import json

import psycopg
import pytest

from components.config import load
from components.config.embedding import WORKER_MODELS
from embedder import metrics
from embedder.postgres import Postgres
from vectordb.errors import VectordbError

ARN = "arn:aws:lambda:us-east-1:123456789012:function:vectordb-dev-embedder:live"
FILE = "repeatable/96_embedding.sql"
TITAN = "amazon.titan-embed-text-v2:0"


def worker(*vectorizers, **keys):
    """What the program tells SQL for a configuration."""
    given = {"models": [TITAN], "vectorizers": vectorizers} | keys
    config = load({"vectordb:embedding": json.dumps(given)})
    told = [one.declared(sweep_minutes=1, max_concurrency=8) for one in config.embedding.vectorizers]
    return {"functionArn": ARN, "queue": True, "vectorizers": told}


def notes(**keys):
    return {
        "name": "declared_notes",
        "source": "declared.notes",
        "content": "body",
        "embedding": {"model": TITAN},
    } | keys


@pytest.fixture
def configured(database):
    yield database
    with database.login("operator") as connection:
        connection.execute("SET ROLE vectordb_owner")
        for (name,) in connection.execute("SELECT name FROM embed.vectorizer WHERE name LIKE 'declared%'").fetchall():
            connection.execute("SELECT embed.drop_vectorizer(%s)", (name,))
        connection.execute("DELETE FROM embed.declaration")
        connection.execute("DROP SCHEMA IF EXISTS declared CASCADE")
    database.apply()


def make_table(database):
    with database.login("operator") as connection:
        connection.execute("SET ROLE vectordb_owner")
        connection.execute("CREATE SCHEMA declared")
        connection.execute("CREATE TABLE declared.notes (id int PRIMARY KEY, body text, title text)")


def outcomes(database):
    return database.as_admin("SELECT name, outcome FROM embed.declaration WHERE declared ORDER BY name")


def test_the_login_is_the_worker_s_and_goes_with_it(configured, superuser):
    assert configured.apply(worker=worker()) == [FILE]
    groups = (
        "SELECT m.roleid::regrole::text FROM pg_auth_members m WHERE m.member = 'vectordb_embedder'::regrole ORDER BY 1"
    )
    assert superuser.execute(groups).fetchall() == [("rds_iam",), ("vectordb_worker",)]
    with configured.login("vectordb_embedder") as connection:
        assert connection.execute("SELECT count(*) FROM embed.available()").fetchone() is not None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM embed.work")
    assert configured.as_admin("SELECT worker_arn, has_queue FROM embed.config") == [(ARN, True)]
    assert configured.apply() == [FILE]
    with pytest.raises(psycopg.OperationalError, match="is not permitted to log in"):
        configured.login("vectordb_embedder")
    assert configured.as_admin("SELECT worker_arn FROM embed.config") == [(None,)]
    configured.as_admin("SELECT embed.configure(%s, true)", ARN)
    superuser.execute("UPDATE vectordb.migrations SET checksum = 'changed' WHERE name = '96_embedding.sql'")
    configured.apply()
    assert configured.as_admin("SELECT worker_arn FROM embed.config") == [(ARN,)]
    configured.as_admin("SELECT embed.configure(NULL)")


def test_a_table_that_is_missing_waits(configured):
    assert configured.apply(worker=worker(notes())) == [FILE]
    assert [line for line in configured.said if "declared_notes" in line and "is not made yet" in line]
    assert outcomes(configured) == [("declared_notes", "waiting")]
    make_table(configured)
    assert configured.as_admin("SELECT name, outcome, reason FROM embed.apply_declared()") == [
        ("declared_notes", "applied", None)
    ]
    assert configured.as_admin("SELECT content FROM embed.vectorizer WHERE name = 'declared_notes'") == [("body",)]


def test_a_sweep_makes_what_waited(configured, superuser):
    configured.apply(worker=worker(notes(source="declared_notes_table"), notes(name="declared_other")))
    assert [reason for (reason,) in configured.as_admin("SELECT reason FROM embed.declared ORDER BY name")] == [
        "there is no table declared_notes_table.",
        "there is no table declared.notes.",
    ]
    superuser.execute("CREATE TABLE public.declared_notes_table (id int PRIMARY KEY, body text)")
    superuser.execute("CREATE SCHEMA declared CREATE TABLE notes (body text)")
    superuser.execute("ALTER TABLE public.declared_notes_table OWNER TO vectordb_owner")
    superuser.execute("ALTER SCHEMA declared OWNER TO vectordb_owner")
    superuser.execute("ALTER TABLE declared.notes OWNER TO vectordb_owner")
    try:
        with configured.login("vectordb_embedder") as sweep:
            assert sweep.execute("SELECT embed.apply_waiting()").fetchone() == (1,)
            assert sweep.execute("SELECT embed.apply_waiting()").fetchone() == (0,)
            [(name, values)] = Postgres(lambda: sweep).statuses()
        assert (name, values.keys()) == ("declared_notes", metrics.UNITS.keys())
        assert {values[one] for one in ("Pending", "Dead", "CircuitOpen")} == {0}
        assert values["Coverage"] == 100
        with configured.login() as reader:
            outcomes = reader.execute("SELECT name, outcome, reason FROM embed.declared ORDER BY name").fetchall()
        assert [outcome[:2] for outcome in outcomes] == [("declared_notes", "applied"), ("declared_other", "refused")]
        assert "vectordb:embedding.vectorizers, name declared_other: " in outcomes[1][2]
        assert "primary key" in outcomes[1][2]
    finally:
        configured.as_admin("SELECT embed.drop_vectorizer('declared_notes')")
        superuser.execute("DROP TABLE public.declared_notes_table")


def test_what_is_wrong_fails_the_deployment_and_names_the_key(configured):
    make_table(configured)
    with pytest.raises(VectordbError) as refused:
        configured.apply(worker=worker(notes(content="no such expression")))
    assert "vectordb:embedding.vectorizers, name declared_notes: " in str(refused.value)
    assert "Mend it in the stack's configuration" in f"{refused.value} {refused.value.remedy}"
    assert outcomes(configured) == []


def test_what_is_declared_is_made_once_and_changed_in_place(configured):
    make_table(configured)
    cut = {"method": "recursive", "size": 400, "overlap": 50}
    whole = notes(
        chunking=cut, template="$title: $chunk", limits={"requestsPerMinute": 600}, delivery={"mode": "queue"}
    )
    configured.apply(worker=worker(whole))
    state = (
        "SELECT v.delivery ->> 'mode', v.limits ->> 'batch_rows', count(*)::int, max(g.number) FROM embed.vectorizer v "
        "JOIN embed.generation g ON g.vectorizer_id = v.id WHERE v.name = 'declared_notes' GROUP BY v.id"
    )
    assert configured.as_admin(state) == [("queue", "96", 1, 1)]
    configured.as_admin("SELECT * FROM embed.apply_declared()")
    assert configured.as_admin(state) == [("queue", "96", 1, 1)]
    configured.apply(worker=worker(whole | {"delivery": {"mode": "event"}, "limits": {"batchRows": 10}}))
    assert configured.as_admin(state) == [("event", "10", 1, 1)]
    other = whole | {"embedding": {"model": TITAN, "dimension": 256}}
    configured.apply(worker=worker(other))
    assert configured.as_admin(state) == [("queue", "96", 2, 2)]
    configured.as_admin("SELECT * FROM embed.apply_declared()")
    assert configured.as_admin(state) == [("queue", "96", 2, 2)]
    assert outcomes(configured) == [("declared_notes", "applied")]


def test_another_content_is_said_and_not_done(configured):
    make_table(configured)
    configured.apply(worker=worker(notes()))
    configured.apply(worker=worker(notes(content="title")))
    assert [line for line in configured.said if "is not as declared: its content is body" in line]
    assert outcomes(configured) == [("declared_notes", "differs")]
    configured.apply(worker=worker())
    assert [line for line in configured.said if "is declared no more and goes on" in line]
    assert configured.as_admin("SELECT count(*)::int FROM embed.vectorizer WHERE name = 'declared_notes'") == [(1,)]


def test_the_models_are_those_that_sql_knows(database):
    known = {
        model: tuple(sorted(dimensions))
        for model, dimensions in database.as_admin(
            "SELECT model, dimensions FROM embed.model WHERE provider = 'bedrock'"
        )
    }
    assert known == dict(WORKER_MODELS)
