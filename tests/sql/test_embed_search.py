"""Searching: conditions, whose rights they have, typed results, and the examples of docs/embeddings.md."""

import re
from pathlib import Path

from tests.sql.cases import failure
from tests.sql.embed_cases import Bench
from tests.sql.embed_delivery import TITAN, Stage

PAGE = Path(__file__).resolve().parents[2] / "docs" / "embeddings.md"
FILTER = "SELECT id FROM embeddings.docs_search('[1,2,3]', 10, %s, %s) ORDER BY id"


def embedded(bench: Bench, rows: int = 4, **parts: str) -> None:
    bench.docs(rows)
    bench.worker.drain(bench.vectorizer(**parts))


def test_a_condition_on_the_source(bench: Bench) -> None:
    embedded(bench)
    assert bench.run(FILTER, "id > 2 AND title <> $1 ->> 'title'", '{"title": "t4"}') == [(3,)]
    assert bench.run(FILTER, "docs.id = ANY (ARRAY(SELECT jsonb_array_elements_text($1)::bigint))", "[1, 4]") == [
        (1,),
        (4,),
    ]
    assert bench.run(FILTER, "true -- all of them", None) == [(1,), (2,), (3,), (4,)]
    assert bench.run(FILTER, "id IN (SELECT max(id) FROM app.docs)", None) == [(4,)]
    assert failure(bench.owner, FILTER, "nonsense", None)[:2] == ("42703", 'column "nonsense" does not exist')


def test_a_condition_on_the_source_of_a_column(bench: Bench) -> None:
    bench.docs(4)
    bench.run("ALTER TABLE app.docs ADD COLUMN v public.vector(3)")
    bench.worker.drain(bench.vectorizer(destination="embed.to_column('v')"))
    assert bench.run(FILTER, "views = 0 AND id < 3", None) == [(1,), (2,)]


def test_a_condition_has_the_rights_of_who_asks(bench: Bench) -> None:
    embedded(bench)
    bench.run("GRANT USAGE ON SCHEMA app TO analyst; GRANT SELECT (id, body) ON app.docs TO analyst")
    bench.run("CREATE TABLE app.secrets AS SELECT 'x' AS word")
    with bench.database.login("analyst") as analyst:
        near = "SELECT key FROM embed.search('docs', '[1,2,3]', filter => %s)"
        code, message, _, hint = failure(analyst, near, "true")
        assert (code, message) == ("42501", "embed.search: analyst may not read the embeddings of docs")
        assert "SELECT embed.refresh('docs')" in hint
        bench.run("GRANT SELECT ON app.docs TO analyst; SELECT embed.refresh('docs')")
        assert analyst.execute(near, ("current_user = 'analyst' AND id = 1",)).fetchall() == [([1],)]
        assert failure(analyst, near, "EXISTS (SELECT FROM app.secrets)")[0] == "42501"
        assert failure(analyst, near, "true) OR EXISTS (SELECT FROM app.secrets WHERE (true)")[0] == "42501"
        # What is stale stays hidden, however a condition is bent.
        bench.run("UPDATE app.docs SET body = 'other' WHERE id = 1")
        found = analyst.execute(near, ("true) OR (true",)).fetchall()
        assert sorted(row[0][0] for row in found) == [2, 3, 4]


def test_results_have_the_key_s_own_types(bench: Bench) -> None:
    bench.run("CREATE TYPE app.colour AS ENUM ('red', 'blue')")
    bench.run(
        "CREATE TABLE app.docs (at timestamptz, raw bytea, tint app.colour, body text, PRIMARY KEY (at, raw, tint))"
    )
    bench.run("INSERT INTO app.docs VALUES ('2024-05-01 12:00+02', '\\x00ff', 'blue', 'one')")
    bench.worker.drain(bench.vectorizer())
    bench.run("SET timezone = 'Asia/Tokyo'")
    joined = "SELECT d.body FROM embeddings.docs_search('[1,2,3]') AS s JOIN app.docs AS d USING (at, raw, tint)"
    assert bench.run(joined) == [("one",)]
    bench.run("RESET timezone")


def test_a_key_that_has_the_name_of_an_argument(bench: Bench) -> None:
    bench.run("CREATE TABLE app.docs (k integer PRIMARY KEY, body text); INSERT INTO app.docs VALUES (1, 'one')")
    bench.worker.drain(bench.vectorizer())
    assert bench.value("SELECT to_regproc('embeddings.docs_search')") is None
    assert bench.run("SELECT key FROM embed.search('docs', '[1,2,3]')") == [([1],)]


def test_the_examples_of_the_page(stage: Stage) -> None:
    page = PAGE.read_text()
    chapters = {
        name: re.findall(r"```sql\n(.*?)```", page[page.index(f"## {name}\n") :].partition("\n## ")[0], re.DOTALL)
        for name in ("Searching", "The index", "When the table changes")
    }
    assert [len(blocks) for blocks in chapters.values()] == [1, 1, 1]
    bench = stage.bench
    bench.run("SET search_path = app, public")
    bench.run("CREATE TABLE docs (id bigint PRIMARY KEY, title text, body text)")
    bench.run("INSERT INTO docs SELECT n, 'Title ' || n, 'Number ' || n FROM generate_series(1, 12) AS n")
    bench.run("INSERT INTO docs SELECT n, 'Title ' || n, 'Number ' || n FROM generate_series(901, 903) AS n")
    bench.vectorizer(
        source="app.docs",
        embedding=TITAN,
        delivery="embed.deliver_event()",
        limits="embed.limits(requests_per_minute => 60000)",
    )
    stage.answer_bells()
    counts = []
    for statement in chapters["Searching"][0].split(";\n"):
        if statement.strip():
            counts.append(len(bench.owner.execute(statement).fetchall()))  # type: ignore[arg-type]
    assert counts == [5, 3, 5, 3]
    assert bench.owner.execute(chapters["The index"][0]).fetchall()[0][2] == "none"  # type: ignore[arg-type]
    bench.owner.execute(chapters["When the table changes"][0])  # type: ignore[arg-type]
    assert bench.value("SELECT problem FROM embed.status") is None
    bench.run("RESET search_path")
