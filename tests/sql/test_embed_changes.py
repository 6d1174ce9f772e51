"""The source changes under its vectorizer: what goes on, what status tells, and how it is mended."""

import pytest

from tests.sql.cases import failure
from tests.sql.embed_cases import Bench


def made(bench: Bench, rows: int = 3, **parts: str) -> int:
    bench.docs(rows)
    docs = bench.vectorizer(**parts)
    bench.worker.drain(docs)
    assert problem(bench) is None
    return docs


def problem(bench: Bench) -> str | None:
    return bench.value("SELECT problem FROM embed.status")  # type: ignore[no-any-return]


def goes_on(bench: Bench, docs: int, table: str = "app.docs", key: str = "id", body: str = "body") -> None:
    bench.run(f"INSERT INTO {table} ({key}, {body}) VALUES (100, 'new')")
    bench.run(f"UPDATE {table} SET {body} = 'changed' WHERE {key} = 1")
    bench.run(f"DELETE FROM {table} WHERE {key} = 2")
    assert bench.worker.drain(docs) == 3
    assert bench.run(f"SELECT {key}, chunk FROM embeddings.docs ORDER BY {key}") == [
        (1, "changed"),
        (3, "body 3"),
        (100, "new"),
    ]
    found = bench.run(f"SELECT {key} FROM embeddings.docs_search('[1,2,3]') ORDER BY {key}")
    assert found == [(1,), (3,), (100,)]
    assert bench.reconciled() == (0, 0, 0, 0)


def test_a_column_of_the_content_is_renamed_in_one_transaction(bench: Bench) -> None:
    docs = made(bench, template="'$title: $chunk'")
    bench.run(
        "BEGIN; ALTER TABLE app.docs RENAME body TO contents; SELECT embed.refresh('docs', content => 'contents'); COMMIT"
    )
    assert problem(bench) is None
    assert bench.reconciled() == (0, 0, 0, 0), "what it says is the same"
    goes_on(bench, docs, body="contents")


def test_a_column_of_the_content_is_renamed(bench: Bench) -> None:
    docs = made(bench)
    bench.run("ALTER TABLE app.docs RENAME body TO contents")
    assert problem(bench) == "body of the source is not there, or of another type: embed.refresh"
    assert failure(bench.owner, "UPDATE app.docs SET contents = 'x'")[0] == "42703"
    code, message, _, hint = failure(bench.owner, "SELECT embed.refresh('docs')")
    assert (code, message) == ("55000", "embed.refresh: app.docs has no column body")
    assert "SELECT embed.refresh('docs', content => '...')" in hint
    bench.run("SELECT embed.refresh('docs', content => 'contents')")
    goes_on(bench, docs, body="contents")


def test_another_content_is_embedded_where_it_differs(bench: Bench) -> None:
    docs = made(bench)
    bench.run("SELECT embed.refresh('docs', content => $$CASE WHEN id = 2 THEN title ELSE body END$$)")
    assert bench.reconciled(repair="true") == (0, 1, 0, 1)
    assert bench.worker.drain(docs) == 1
    assert bench.run("SELECT chunk FROM embeddings.docs ORDER BY id") == [("body 1",), ("t2",), ("body 3",)]


def test_the_key_is_renamed(bench: Bench) -> None:
    docs = made(bench)
    bench.run("ALTER TABLE app.docs RENAME id TO number")
    assert (problem(bench) or "").startswith("id of the source is not there")
    bench.run("SELECT embed.refresh('docs')")
    assert problem(bench) is None
    goes_on(bench, docs, key="number")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE app.docs ALTER id TYPE text", "id of the source is not there, or of another type"),
        (
            "ALTER TABLE app.docs DROP CONSTRAINT docs_pkey, ADD PRIMARY KEY (title)",
            "the primary key is (title), not (id)",
        ),
    ],
)
def test_the_key_is_another(bench: Bench, change: str, told: str) -> None:
    made(bench)
    bench.run(change)
    assert (problem(bench) or "").startswith(told)
    code, message, _, hint = failure(bench.owner, "SELECT embed.refresh('docs')")
    assert (code, message) == (
        "55000",
        "embed.refresh: the primary key of app.docs is another one, or of another type, than when docs was made",
    )
    assert "SELECT embed.drop_vectorizer('docs')" in hint
    bench.run("SELECT embed.drop_vectorizer('docs')")
    bench.worker.drain(bench.vectorizer())
    assert bench.reconciled() == (0, 0, 0, 0)


def test_the_table_moves(bench: Bench) -> None:
    docs = made(bench)
    bench.run("ALTER TABLE app.docs RENAME TO papers; CREATE SCHEMA app2; ALTER TABLE app.papers SET SCHEMA app2")
    try:
        assert problem(bench) == "vectordb_owner may not read app2.papers: embed.refresh as the owner of the table"
        bench.run("SELECT embed.refresh('docs')")
        assert problem(bench) is None
        goes_on(bench, docs, table="app2.papers")
    finally:
        bench.run("SELECT embed.drop_vectorizer('docs'); DROP SCHEMA app2 CASCADE")


@pytest.mark.parametrize("how", ["ALTER TABLE app.docs DISABLE TRIGGER ALL", "SET session_replication_role = replica"])
def test_writes_that_fire_no_trigger(bench: Bench, how: str) -> None:
    docs = made(bench)
    with bench.database.server.superuser_connection("vectordb") as superuser:
        superuser.execute(how)
        superuser.execute("UPDATE app.docs SET body = 'unseen' WHERE id = 1; DELETE FROM app.docs WHERE id = 2")
        superuser.execute("INSERT INTO app.docs VALUES (9, 't', 'unseen')")
    assert ((problem(bench) or "").startswith("triggers of app.docs are disabled")) == ("DISABLE" in how)
    assert bench.work() == []
    bench.run("SELECT embed.refresh('docs')")
    assert problem(bench) is None
    assert bench.reconciled(repair="true") == (1, 1, 1, 3)
    bench.worker.drain(docs)
    assert bench.reconciled() == (0, 0, 0, 0)


def test_copy_is_seen(bench: Bench) -> None:
    docs = made(bench, 0)
    with bench.owner.cursor() as cursor, cursor.copy("COPY app.docs (id, body) FROM STDIN") as copy:
        copy.write("1\tone\n2\ttwo\n")
    assert bench.worker.drain(docs) == 2


def test_a_partition_comes_and_goes(bench: Bench) -> None:
    bench.run("CREATE TABLE app.docs (id bigint PRIMARY KEY, body text) PARTITION BY RANGE (id)")
    bench.run("CREATE TABLE app.one PARTITION OF app.docs FOR VALUES FROM (0) TO (10)")
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    bench.run("CREATE TABLE app.two (id bigint PRIMARY KEY, body text); INSERT INTO app.two VALUES (11, 'before')")
    bench.run("ALTER TABLE app.docs ATTACH PARTITION app.two FOR VALUES FROM (10) TO (20)")
    bench.run("INSERT INTO app.docs VALUES (1, 'in one'), (12, 'in two')")
    bench.worker.drain(docs)
    assert bench.value("SELECT unwatched_partitions FROM embed.status") == 1
    assert bench.reconciled(repair="true") == (1, 0, 0, 1)
    bench.run("SELECT embed.refresh('docs')")
    bench.worker.drain(docs)
    bench.run("ALTER TABLE app.docs DETACH PARTITION app.two")
    assert bench.run("SELECT key FROM embed.search('docs', '[1,2,3]')") == [([1],)], "what is gone is not found"
    assert bench.reconciled(repair="true") == (0, 0, 2, 2)
    bench.worker.drain(docs)
    bench.run("UPDATE app.two SET body = 'nobody minds'")
    bench.worker.drain(docs)
    assert bench.reconciled() == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("VIEW app.docs AS SELECT 1 AS id, 'x'::text AS body", "app.docs is no table"),
        ("MATERIALIZED VIEW app.docs AS SELECT 1 AS id, 'x'::text AS body", "app.docs is no table"),
        ("TEMPORARY TABLE docs (id bigint PRIMARY KEY, body text)", "docs is temporary"),
        ("TABLE app.docs (id bigint PRIMARY KEY, body text); CREATE TABLE app.more () INHERITS (app.docs)", "app.docs has children"),
    ],
)  # fmt: skip
def test_what_cannot_be_watched_is_told(bench: Bench, kind: str, told: str) -> None:
    bench.run("DROP TABLE IF EXISTS pg_temp.docs")
    bench.run(f"CREATE {kind}")
    source = "docs" if "TEMPORARY" in kind else "app.docs"
    statement = (
        f"SELECT embed.create_vectorizer('docs', '{source}', 'body', embedding => embed.http('http://m', 'f', 3))"
    )
    code, message, *_ = failure(bench.owner, statement)
    assert (code, message.startswith(f"embed.create_vectorizer: the source {told}")) == ("22023", True), message


def test_a_child_by_inheritance_that_comes_later(bench: Bench) -> None:
    made(bench)
    bench.run("CREATE TABLE app.more () INHERITS (app.docs)")
    assert problem(bench) == "the source has children by inheritance, which are not watched"


def test_unlogged_generated_and_odd_names(bench: Bench) -> None:
    table, name = 'app."Ünï ""q"" $1 %s 名前 and so on, up to the sixty-t"', "a" * 40
    run = bench.owner.execute  # without parameters a per cent sign is one
    run(
        f"""CREATE UNLOGGED TABLE {table} ("key %s ""é"" $2" text, "n%" int, "the %I body" text,
        made text GENERATED ALWAYS AS (upper("the %I body")) STORED, PRIMARY KEY ("key %s ""é"" $2", "n%"))"""
    )
    docs = bench.vectorizer(name, table, "made", template="'$made $chunk'")
    run(f"INSERT INTO {table} VALUES ('a\"''%', 1, 'one'), ('名前', 2, 'two')")
    assert bench.worker.drain(docs) == 2
    run(f'UPDATE {table} SET "the %I body" = \'three\' WHERE "n%" = 2')
    assert bench.worker.drain(docs) == 1
    assert bench.run(f"SELECT key, chunk FROM embed.search('{name}', '[1,2,3]') ORDER BY 2") == [
        (["a\"'%", 1], "ONE"),
        (["名前", 2], "THREE"),
    ]
    found = run(
        f"SELECT chunk FROM embeddings.{name}_search('[1,2,3]', 5, '\"n%\" = ($1 ->> ''n'')::int -- as given', '{{\"n\": 2}}')"
    )
    assert found.fetchall() == [("THREE",)]
    assert bench.reconciled(name) == (0, 0, 0, 0)
