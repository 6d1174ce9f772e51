"""Declaring vectorizers: every primary key, every content that is refused, who may, and what is made."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.sql.cases import failure
from tests.sql.embed_cases import MODEL, Bench, vector

CREATE = f"SELECT embed.create_vectorizer('docs', 'app.docs', %s, embedding => {MODEL})"


def test_what_is_inserted_is_embedded(bench: Bench) -> None:
    bench.docs(3)
    docs = bench.vectorizer()
    assert bench.worker.drain(docs) == 3
    assert bench.run("SELECT id, chunk_number, chunk, embedding::text FROM embeddings.docs ORDER BY id") == [
        (n, 0, f"body {n}", vector(f"body {n}")) for n in (1, 2, 3)
    ]
    bench.run("INSERT INTO app.docs VALUES (4, 't', 'new')")
    bench.run("UPDATE app.docs SET body = 'changed' WHERE id = 1")
    bench.run("DELETE FROM app.docs WHERE id = 2")
    assert bench.work() == [(1, "[1]", "u"), (1, "[2]", "u"), (1, "[4]", "u")]
    assert bench.worker.drain(docs) == 3
    assert bench.run("SELECT id, chunk FROM embeddings.docs ORDER BY id") == [(1, "changed"), (3, "body 3"), (4, "new")]
    assert bench.reconciled() == (0, 0, 0, 0)


KEYS: list[tuple[str, list[Any]]] = [
    ("smallint", [1, -3]),
    ("bigint GENERATED ALWAYS AS IDENTITY", [1, 2]),
    ("numeric", [Decimal("1.50"), Decimal(100)]),
    ("text", ["a b", 'quote " and \\ and é', ""]),
    ("varchar(20)", ["x", "y'"]),
    ("char(5)", ["ab", "c"]),
    ("uuid", [uuid.UUID(int=5), uuid.UUID(int=2**127)]),
    ("date", [dt.date(2024, 2, 29), dt.date(1, 1, 1)]),
    ("timestamp", [dt.datetime.fromisoformat("2024-01-01T01:02:03.456789")]),
    ("timestamptz", [dt.datetime(2024, 1, 1, 1, 2, 3, 456789, dt.UTC)]),
    ("boolean", [True, False]),
    ("bytea", [b"\x00\xff", b""]),
    ("app.colour", ["red", "deep 'blue'"]),
    ("app.positive", [1, 7]),
]


@pytest.mark.parametrize(("declared", "values"), KEYS, ids=[declared for declared, _ in KEYS])
def test_any_primary_key(bench: Bench, declared: str, values: list[Any]) -> None:
    bench.run("CREATE TYPE app.colour AS ENUM ('red', 'deep ''blue''')")
    bench.run("CREATE DOMAIN app.positive AS integer CHECK (VALUE > 0)")
    bench.run(f"CREATE TABLE app.docs (id {declared} PRIMARY KEY, body text)")
    # A session of another time zone and another form of bytea writes the same key.
    bench.run("SET timezone = 'Asia/Tokyo'; SET bytea_output = 'escape'; SET datestyle = 'SQL, DMY'")
    docs = bench.vectorizer()
    bench.run("SET timezone = 'UTC'; SET bytea_output = 'hex'")
    for value in values:
        bench.run("INSERT INTO app.docs OVERRIDING SYSTEM VALUE VALUES (%s, 'text')", value)
    assert bench.worker.drain(docs) == len(values)
    assert bench.value("SELECT count(*) FROM embeddings.docs JOIN app.docs USING (id)") == len(values)
    assert bench.reconciled() == (0, 0, 0, 0)
    bench.run("SET timezone = 'America/New_York'; SET bytea_output = 'escape'")
    bench.run("UPDATE app.docs SET body = 'other'")
    assert bench.worker.drain(docs) == len(values)
    assert bench.value("SELECT count(*) FROM embeddings.docs WHERE chunk = 'other'") == len(values)
    bench.run("DELETE FROM app.docs")
    assert bench.worker.drain(docs) == len(values)
    assert bench.value("SELECT count(*) FROM embeddings.docs") == 0


def test_a_composite_key_of_a_partitioned_table(bench: Bench) -> None:
    bench.run(
        "CREATE TABLE app.docs (tenant text, id integer, body text, PRIMARY KEY (tenant, id)) PARTITION BY LIST (tenant)"
    )
    bench.run("CREATE TABLE app.docs_a PARTITION OF app.docs FOR VALUES IN ('a')")
    bench.run("CREATE TABLE app.docs_b PARTITION OF app.docs FOR VALUES IN ('b')")
    docs = bench.vectorizer()
    bench.run("INSERT INTO app.docs VALUES ('a', 1, 'one'), ('b', 1, 'two'), ('a', 2, 'three')")
    bench.run("INSERT INTO app.docs_b VALUES ('b', 2, 'straight into the partition')")
    assert bench.worker.drain(docs) == 4
    # A row that goes to another partition is a row that went and one that came.
    bench.run("UPDATE app.docs SET tenant = 'b', id = 3 WHERE tenant = 'a' AND id = 1")
    assert bench.work() == [(1, '["a", 1]', "u"), (1, '["b", 3]', "u")]
    assert bench.worker.drain(docs) == 2
    assert bench.run("SELECT tenant, id, chunk FROM embeddings.docs ORDER BY 1, 2") == [
        ("a", 2, "three"),
        ("b", 1, "two"),
        ("b", 2, "straight into the partition"),
        ("b", 3, "one"),
    ]
    # One that comes later is not watched until it is told of.
    bench.run("CREATE TABLE app.docs_c PARTITION OF app.docs FOR VALUES IN ('c')")
    assert bench.value("SELECT unwatched_partitions FROM embed.status") == 1
    bench.run("SELECT embed.refresh('docs')")
    assert bench.value("SELECT unwatched_partitions FROM embed.status") == 0
    bench.run("INSERT INTO app.docs_c VALUES ('c', 1, 'seen')")
    assert bench.work() == [(1, '["c", 1]', "u")]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("id double precision PRIMARY KEY", "id of type double precision"),
        ("a integer, b jsonb, PRIMARY KEY (a, b)", "b of type jsonb"),
        ("id integer[] PRIMARY KEY", "id of type integer[]"),
        ("id interval PRIMARY KEY", "id of type interval"),
        ("id inet PRIMARY KEY", "id of type inet"),
        ("id text COLLATE app.loose PRIMARY KEY", "id with a collation that takes different texts as equal"),
    ],
)
def test_unusual_keys_are_refused_by_name(bench: Bench, columns: str, message: str) -> None:
    bench.run("CREATE COLLATION app.loose (locale = 'C')")
    with bench.database.server.superuser_connection("vectordb") as superuser:
        # PostgreSQL makes such a collation with ICU only, which not every build has.
        superuser.execute("UPDATE pg_collation SET collisdeterministic = false WHERE collname = 'loose'")
    bench.run(f"CREATE TABLE app.docs ({columns}, body text)")
    assert failure(bench.owner, CREATE, "body")[:2] == (
        "22023",
        f"embed.create_vectorizer: the primary key of app.docs has {message}",
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("titel", 'column "titel" does not exist'),
        ("views", "it is of type integer, not text"),
        ("body || now()::text", "functions in index expression must be marked IMMUTABLE"),
        ("(SELECT max(relname)::text FROM pg_class)", "cannot use subquery in index expression"),
        ("max(body)", "aggregate functions are not allowed in index expressions"),
        ("regexp_split_to_table(body, ' ')", "set-returning functions are not allowed in index expressions"),
        ("body), (title", "it is more than one expression"),
        ("body)); DROP TABLE app.docs; --", 'syntax error at or near ")"'),
        ("body) FROM app.docs; DROP TABLE app.docs; SELECT (1", "cannot open multi-query plan as cursor"),
        ("'constant'::text", "it names no column"),
        ("tableoid::text", "index creation on system columns is not supported"),
        ("app.foreign_code(body)", "it uses the function app.foreign_code(text), which belongs to analyst"),
    ],
)
def test_contents_are_refused(bench: Bench, content: str, problem: str) -> None:
    bench.docs(1)
    bench.run("CREATE FUNCTION app.foreign_code(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1'")
    with bench.database.server.superuser_connection("vectordb") as superuser:
        superuser.execute("ALTER FUNCTION app.foreign_code OWNER TO analyst")
    state, message, *_ = failure(bench.owner, CREATE, content)
    assert (state, message) == ("22023", f"embed.create_vectorizer: the content cannot be used: {problem}")
    assert bench.value("SELECT count(*) FROM app.docs") == 1
    assert bench.value("SELECT to_regclass('pg_temp.embed_content_check')") is None


def test_a_content_is_kept_as_postgresql_writes_it(bench: Bench) -> None:
    bench.docs(2)
    docs = bench.vectorizer(content="coalesce(title, '') || ': ' || upper(body) -- shouted")
    assert bench.run("SELECT content, content_columns FROM embed.vectorizer") == [
        ("(((COALESCE(title, ''::text) || ': '::text) || upper(body)))", ["title", "body"])
    ]
    bench.worker.drain(docs)
    assert bench.value("SELECT chunk FROM embeddings.docs WHERE id = 2") == "t2: BODY 2"


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            "chunking => embed.chunk_fixed(size => 0)",
            "embed.chunk_fixed: size of chunking must be a whole number from 20 to 100000, not 0",
        ),
        (
            "chunking => embed.chunk_recursive(100, overlap => 100)",
            "overlap of chunking must be a whole number from 0 to 50, not 100",
        ),
        (
            'chunking => \'{"method": "words"}\'',
            "method of chunking must be one of none, fixed, recursive, sentence, markdown, not 'words'",
        ),
        ('chunking => \'{"method": "none", "sise": 1}\'', "chunking has the unknown part 'sise'"),
        (
            "embedding => embed.bedrock('amazon.titan-embed-text-v2:0', 300)",
            "amazon.titan-embed-text-v2:0 has no 300 dimensions",
        ),
        ("embedding => embed.bedrock('nobody.embed')", "the model 'nobody.embed' is not known"),
        ("embedding => embed.http('ftp://x', 'm', 3)", "url must begin with https:// or http://, not 'ftp://x'"),
        ("template => '$title'", "the template '$title' has no $chunk"),
        ("template => '$heading: $chunk'", "the template names $heading, but app.docs has no such column"),
        (
            "destination => embed.to_table(type => 'bit')",
            "type of destination must be one of vector, halfvec, not 'bit'",
        ),
        ("destination => embed.to_table('nowhere')", "the view 'nowhere' must be given as schema.name"),
        ("destination => embed.to_column('vec')", "app.docs has no column vec"),
        (
            "destination => embed.to_column('title')",
            "the column title of app.docs is of type text, the model gives 3 dimensions",
        ),
        (
            "destination => embed.to_s3_vectors('demo-index')",
            "the model gives 3 dimensions, the index 'demo-index' has 5",
        ),
        (
            "delivery => embed.deliver_queue(1)",
            "maximum_concurrency of delivery must be a whole number from 2 to 1000, not 1",
        ),
        (
            "delivery => embed.deliver_in_transaction()",
            "in_transaction needs the destination embed.to_column and the chunking embed.chunk_none()",
        ),
        (
            "limits => embed.limits(max_attempts => 0)",
            "max_attempts of limits must be a whole number from 1 to 100, not 0",
        ),
        ("backfill => 'soon'", "backfill must be one of now, low, batch, none, not 'soon'"),
    ],
)
def test_parts_are_refused(bench: Bench, part: str, message: str) -> None:
    bench.docs()
    with pytest.raises(psycopg.Error) as caught:
        bench.run(
            f"SELECT embed.create_vectorizer('docs', 'app.docs', 'body', {part}"
            + ("" if part.startswith("embedding") else f", embedding => {MODEL}")
            + ")"
        )
    assert message in (caught.value.diag.message_primary or "")


def test_who_may(bench: Bench) -> None:
    """A member of vectordb_owner with rights on the source, and only where its owner lets vectordb_owner read."""
    bench.docs()
    with bench.database.login("operator") as operator:
        assert failure(operator, CREATE, "body")[:2] == ("42501", "permission denied for schema app")
        bench.run("GRANT USAGE ON SCHEMA app TO operator")
        state, message, _, hint = failure(operator, CREATE, "body")
        assert (state, message) == (
            "42501",
            "embed.create_vectorizer: operator may not SELECT from app.docs and put triggers on it",
        )
        assert hint == "GRANT SELECT, TRIGGER ON app.docs TO operator;"
        bench.run("GRANT SELECT, TRIGGER ON app.docs TO operator")
        state, _, _, hint = failure(operator, CREATE, "body")
        assert (state, hint) == (
            "42501",
            "As the owner of the table: GRANT SELECT (id, body) ON app.docs TO vectordb_owner;",
        )
        bench.run("GRANT SELECT (id, body) ON app.docs TO vectordb_owner; GRANT USAGE ON SCHEMA app TO vectordb_owner")
        operator.execute(CREATE, ("body",))
    with bench.database.login("vectordb_app") as app:
        assert failure(app, CREATE, "body")[0] == "42501"
        assert failure(app, "SELECT embed.drop_vectorizer('docs')")[0] == "42501"
    owners = bench.run(
        "SELECT DISTINCT proowner::regrole::text, prosecdef, proconfig[1] FROM pg_proc WHERE proname LIKE 'capture_%'"
    )
    assert owners == [("vectordb_owner", True, "search_path=pg_catalog, pg_temp")]


def test_a_writer_of_the_source_needs_nothing_of_ours(bench: Bench) -> None:
    bench.docs()
    docs = bench.vectorizer()
    bench.run(
        "GRANT USAGE ON SCHEMA app TO vectordb_app; GRANT INSERT, UPDATE, DELETE, SELECT ON app.docs TO vectordb_app"
    )
    with bench.database.login("vectordb_app") as app:
        # Nothing that the writer puts in the way is called.
        app.execute("CREATE TEMPORARY TABLE work (n integer)")
        app.execute("SET search_path = pg_temp, public")
        app.execute("INSERT INTO app.docs VALUES (1, 't', 'b'); UPDATE app.docs SET body = 'c'; DELETE FROM app.docs")
        # Which came last is not asked: who works on it looks whether it is there.
        assert bench.work() == [(1, "[1]", "u")]
        app.execute("INSERT INTO app.docs VALUES (2, 't', 'shared')")
        bench.worker.drain(docs)
        # Granted after the vectorizer was made.
        assert failure(app, "SELECT chunk FROM embeddings.docs")[0] == "42501"
        bench.run("SELECT embed.refresh('docs')")
        assert app.execute("SELECT chunk FROM embeddings.docs").fetchall() == [("shared",)]
        for queue in ("embed.work", "embed.inbox"):
            assert failure(app, f"SELECT * FROM {queue}")[0] == "42501"
            assert failure(app, f"DELETE FROM {queue}")[0] == "42501"
        bench.run("REVOKE SELECT ON app.docs FROM vectordb_app")
        bench.run("SELECT embed.refresh('docs')")
        assert failure(app, "SELECT chunk FROM embeddings.docs")[0] == "42501"


def test_row_level_security(bench: Bench) -> None:
    bench.docs(2)
    bench.run("ALTER TABLE app.docs ENABLE ROW LEVEL SECURITY; ALTER TABLE app.docs FORCE ROW LEVEL SECURITY")
    bench.run("GRANT USAGE ON SCHEMA app TO analyst; GRANT SELECT ON app.docs TO analyst")
    state, message, _, hint = failure(bench.owner, CREATE, "body")
    assert (state, message) == (
        "42501",
        "embed.create_vectorizer: row-level security hides rows of app.docs from vectordb_owner",
    )
    assert hint.startswith("CREATE POLICY vectorizer ON app.docs FOR SELECT TO vectordb_owner USING (true);")
    bench.run("CREATE POLICY vectorizer ON app.docs FOR SELECT TO vectordb_owner USING (true)")
    bench.run("CREATE POLICY mine ON app.docs FOR SELECT TO analyst USING (id = 2)")
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    with bench.database.login("analyst") as analyst:
        assert analyst.execute("SELECT id FROM embeddings.docs").fetchall() == [(2,)]
        assert analyst.execute("SELECT id FROM embeddings.docs_generation_1").fetchall() == [(2,)]
        assert analyst.execute("SELECT key FROM embed.search('docs', '[1,2,3]')").fetchall() == [([2],)]
    # A policy that comes later hides rows: they are not taken for deleted.
    bench.run("CREATE POLICY less ON app.docs AS RESTRICTIVE FOR SELECT USING (id = 1)")
    bench.run("SELECT embed.resume('docs')")
    state, message, *_ = failure(bench.worker.connection, f"SELECT * FROM embed.content({docs}, 1, '{{[1],[2]}}')")
    assert (state, message) == ("42501", "embed.content: row-level security hides rows of app.docs from vectordb_owner")


def test_dropping(bench: Bench) -> None:
    bench.docs(1)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    bench.run("SELECT embed.drop_vectorizer('docs', keep_embeddings => true)")
    assert bench.run("SELECT id, chunk FROM embeddings.docs") == [(1, "body 1")]
    bench.run("DROP VIEW embeddings.docs; DROP TABLE embeddings.docs_generation_1")
    bench.vectorizer()
    bench.run("SELECT embed.drop_vectorizer('docs')")
    assert bench.value("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'app.docs'::regclass") == 0
    assert bench.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'embeddings'::regnamespace") == 0
    assert bench.work() == []
    assert failure(bench.owner, "SELECT embed.drop_vectorizer('docs')")[:2] == (
        "42704",
        "embed.drop_vectorizer: there is no vectorizer 'docs'",
    )


def test_a_source_that_was_dropped(bench: Bench) -> None:
    bench.docs(1)
    bench.vectorizer()
    bench.run("DROP TABLE app.docs")
    assert bench.worker.available() == []
    assert bench.run("SELECT source, source_rows FROM embed.status") == [("dropped", None)]
    bench.run("SELECT embed.drop_vectorizer('docs')")
