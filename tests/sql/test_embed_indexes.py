"""The HNSW index of vectors in PostgreSQL: when it pays, who builds it, and that searches find by it what they find without."""

import random
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from tests.sql import embed_cases
from tests.sql.cases import failure
from tests.sql.conftest import Database
from tests.sql.embed_cases import Bench
from tests.sql.embed_delivery import Stage
from vectordb.cli import embed, embedding
from vectordb.database import vector_indexes

COUNT = 12_000
DIMENSION = 64
FILLED = """
    INSERT INTO embeddings.docs_generation_1 (id, chunk_number, chunk, chunk_hash, embedding)
    SELECT d.id, 0, d.body, sha256(convert_to(d.body, 'UTF8')), r.numbers::public.vector(64)
    FROM app.docs AS d JOIN (
        SELECT n / 64 + 1 AS id, array_agg(random() - 0.5) AS numbers
        FROM generate_series(0, (SELECT count(*) FROM app.docs) * 64 - 1) AS n GROUP BY 1
    ) AS r USING (id)
"""


@pytest.fixture(scope="module")
def many(applied: Database) -> Iterator[Bench]:
    """12,000 rows with vectors of chance, the hardest that there are for an index."""
    if applied.server.version == 16:
        pytest.skip("pgvector is the same on PostgreSQL 16 and 18")
    with embed_cases.opened(applied) as bench:
        bench.run("CREATE TABLE app.docs (id bigint PRIMARY KEY, title text, body text)")
        bench.run(
            "INSERT INTO app.docs SELECT n, 't' || n %% 100, 'body ' || n FROM generate_series(1, %s) AS n", COUNT
        )
        bench.vectorizer(embedding=f"embed.http('http://model.test', 'fake', {DIMENSION})", backfill="'none'")
        with applied.server.superuser_connection("vectordb") as superuser:
            superuser.execute("SET search_path = pg_catalog; SELECT setseed(0.5)")
            superuser.execute(FILLED)
            superuser.execute(
                "INSERT INTO embeddings.docs_generation_1_rows (id, embed_version, embed_hash, embed_chunks)"
                " SELECT id, 0, sha256(convert_to(body, 'UTF8')), 1 FROM app.docs"
            )
        yield bench


def state(bench: Bench) -> str:
    return str(bench.value("SELECT state FROM embed.indexes"))


def build(bench: Bench, seconds: float = 45) -> bool:
    """What a worker does that has nothing else to do."""
    for begun in bench.worker.rows("SELECT * FROM embed.begin_index(%s)", seconds):
        target = begun["vectorizer_id"], begun["generation"]
        return bool(bench.worker.rows("SELECT embed.build_index(%s, %s) AS built", *target)[0]["built"])
    return False


def built(bench: Bench, *, force: bool = False) -> list[str]:
    """What `vectordb embed index` does."""
    said: list[str] = []
    with bench.session() as session, bench.session() as watcher:
        (one,) = vector_indexes.wanted(session, "docs", None)
        if reason := vector_indexes.reason_against("docs", one, force=force):
            return [reason]
        vector_indexes.build(session, watcher, "docs", one, said.append)
    return said


def found(bench: Bench, near: str, k: int, more: str = "") -> list[int]:
    rows = bench.run(f"SELECT id FROM embeddings.docs_search(%s, %s{more}) ORDER BY distance", near, k)
    return [row[0] for row in rows]


def exact(bench: Bench, near: str, k: int, condition: str = "true") -> list[int]:
    rows = bench.run(
        "SELECT id FROM app.docs JOIN embeddings.docs_generation_1 AS c USING (id) WHERE c.chunk = body AND "
        f"{condition} ORDER BY (c.embedding OPERATOR(public.<=>) %s::public.vector) + 0 LIMIT %s",
        near,
        k,
    )
    return [row[0] for row in rows]


def recall(bench: Bench, k: int, queries: int = 15) -> float:
    chosen = random.Random(k)  # noqa: S311 - questions, not secrets
    hits = 0
    for _ in range(queries):
        near = str([chosen.uniform(-1, 1) for _ in range(DIMENSION)])
        hits += len(set(found(bench, near, k)) & set(exact(bench, near, k)))
    return hits / (k * queries)


@pytest.fixture(scope="module")
def indexed(many: Bench) -> Bench:
    """With the index, and with a third of the rows not what they were when it was built."""
    assert state(many) == "wanted"
    assert build(many, seconds=0.1) is False, "there is no time for it"
    assert state(many) == "wanted"
    assert build(many)
    assert many.run("SELECT state, parts FROM embed.indexes") == [("ready", None)]
    assert many.run("SELECT vector_index FROM embed.status") == [("ready",)]
    assert build(many) is False
    many.run("DELETE FROM app.docs WHERE id % 10 = 1")
    many.run("UPDATE app.docs SET body = body || ' changed' WHERE id % 10 IN (2, 3)")
    return many


@pytest.mark.parametrize("k", [10, 100])
def test_recall(indexed: Bench, k: int) -> None:
    assert recall(indexed, k) >= 0.95


@pytest.mark.parametrize("condition", ["NULL", "$$title < 't5'$$"])
def test_searches_use_it(indexed: Bench, condition: str) -> None:
    near = str([1.0] * DIMENSION)
    statement = str(indexed.value(f"SELECT nearest FROM embed.search_plan('docs', {condition})"))
    for parameter, value in (("$1", "NULL::jsonb"), ("$2", f"'{near}'"), ("$3", "20"), ("$4", "10")):
        statement = statement.replace(parameter, value)
    plan = "\n".join(row[0] for row in indexed.run("EXPLAIN " + statement))
    assert "Index Scan using embed_hnsw" in plan, plan
    # The view that people write queries of their own about.
    plan = str(
        indexed.run(
            f"EXPLAIN SELECT id FROM embeddings.docs ORDER BY embedding OPERATOR(public.<=>) '{near}'::public.vector LIMIT 5"
        )
    )
    assert "Index Scan using embed_hnsw" in plan, plan


def test_a_condition_that_few_rows_meet(indexed: Bench) -> None:
    near = str([1.0] * DIMENSION)
    assert found(indexed, near, 10, ", 'id < 40'") == exact(indexed, near, 10, "id < 40")
    # The index gives up before it has found any; the search does not.
    assert found(indexed, near, 10, ", 'title = $1 ->> 0 AND id > 11500', '[\"t77\"]'") == exact(
        indexed, near, 10, "title = 't77' AND id > 11500"
    )
    assert len(found(indexed, near, 10_000)) == 0.7 * COUNT


def test_settings_of_the_session_are_left_as_they_were(indexed: Bench) -> None:
    indexed.run("BEGIN; SET LOCAL hnsw.ef_search = 700; SET LOCAL hnsw.iterative_scan = strict_order")
    found(indexed, str([1.0] * DIMENSION), 10)
    assert indexed.value("SELECT current_setting('hnsw.ef_search')") == "700"
    assert indexed.value("SELECT current_setting('hnsw.iterative_scan')") == "strict_order"
    indexed.run("ROLLBACK")


def column(bench: Bench) -> None:
    bench.docs(20)
    bench.run("ALTER TABLE app.docs ADD COLUMN v public.halfvec(3)")
    bench.worker.drain(bench.vectorizer(destination="embed.to_column('v', index => 'hnsw')"))


def test_a_column_of_the_users_own_table(bench: Bench) -> None:
    column(bench)
    assert state(bench) == "wanted"
    assert build(bench) is False, "a worker does not lock a user's table"
    assert built(bench) == []
    assert state(bench) == "ready"
    assert "halfvec_cosine_ops" in bench.value("SELECT indexdef FROM pg_indexes WHERE indexname LIKE 'embed_hnsw%'")
    assert built(bench) == ["generation 1 of docs has its index"]
    # An index that is there already does as well.
    bench.run("SELECT embed.drop_vectorizer('docs')")
    bench.worker.drain(bench.vectorizer(destination="embed.to_column('v', index => 'hnsw')"))
    assert state(bench) == "ready"


def test_the_command(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    column(bench)
    monkeypatch.setattr(embedding, "session", lambda *_, **__: bench.session())
    runner = CliRunner()
    printed = runner.invoke(embed.app, ["index", "docs", "--dry-run"])
    statement = (
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS embed_hnsw_{bench.value('SELECT vectorizer_id FROM embed.indexes')}_1"
        " ON app.docs USING hnsw (v public.halfvec_cosine_ops) WITH (m = 16, ef_construction = 64);\n"
    )
    assert (printed.exit_code, printed.stdout) == (0, statement)
    assert runner.invoke(embed.app, ["index", "docs"]).exit_code == 0
    assert state(bench) == "ready"
    assert runner.invoke(embed.app, ["index", "docs"]).exit_code == 0
    bench.run("SELECT embed.drop_vectorizer('docs'); DROP TABLE app.docs")
    bench.docs(1)
    bench.worker.drain(bench.vectorizer())
    assert runner.invoke(embed.app, ["index", "docs"]).exit_code == 1, "there are too few"
    assert runner.invoke(embed.app, ["index", "docs", "--force"]).exit_code == 0
    assert state(bench) == "ready"


def test_what_a_building_that_was_killed_left(bench: Bench) -> None:
    column(bench)
    name = bench.value("SELECT format('embed_hnsw_%s_1', vectorizer_id) FROM embed.indexes")
    bench.run(f"CREATE INDEX {name} ON app.docs USING hnsw (v public.halfvec_cosine_ops)")
    with bench.database.server.superuser_connection("vectordb") as superuser:
        superuser.execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.{name}'::regclass")
    assert state(bench) == "wanted"
    assert built(bench) == [f"removing what an earlier building left: app.{name}"]
    assert state(bench) == "ready"


def test_a_partitioned_table(bench: Bench) -> None:
    bench.run("CREATE TABLE app.docs (id bigint PRIMARY KEY, body text, v public.vector(3)) PARTITION BY RANGE (id)")
    bench.run("CREATE TABLE app.one PARTITION OF app.docs FOR VALUES FROM (0) TO (10)")
    bench.run("CREATE TABLE app.two PARTITION OF app.docs FOR VALUES FROM (10) TO (20)")
    bench.run("INSERT INTO app.docs SELECT n, 'body ' || n FROM generate_series(1, 19) AS n")
    bench.worker.drain(bench.vectorizer(destination="embed.to_column('v', 'euclidean', 'hnsw')"))
    assert built(bench) == []
    assert bench.value("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%vector_l2_ops%'") == 2
    assert state(bench) == "ready"
    bench.run("CREATE TABLE app.three PARTITION OF app.docs FOR VALUES FROM (20) TO (30)")
    assert state(bench) == "wanted"


def test_what_is_declared(bench: Bench) -> None:
    bench.docs(1)
    wide = "embedding => embed.http('http://model.test', 'fake', 3000)"
    create = f"SELECT embed.create_vectorizer('docs', 'app.docs', 'body', {wide}, destination => embed.to_table(OF))"
    assert failure(bench.owner, create.replace("OF", "index => 'hnsw'"))[:2] == (
        "22023",
        "embed.create_vectorizer: an HNSW index takes at most 2000 dimensions",
    )
    assert failure(bench.owner, "SELECT embed.to_table(m => 16, ef_construction => 20)")[1].startswith(
        "embed.to_table: ef_construction of destination must be a whole number from 32 to 1000"
    )
    bench.run(create.replace("OF", ""))
    assert state(bench) == "impossible"
    bench.run("SELECT embed.drop_vectorizer('docs')")
    bench.run(create.replace("OF", "type => 'halfvec', index => 'hnsw', m => 8"))
    assert state(bench) == "ready"
    assert "m='8'" in bench.value("SELECT indexdef FROM pg_indexes WHERE indexname LIKE 'embed_hnsw%'")
    # How it is indexed makes no other generation.
    changed = "SELECT embed.alter_vectorizer('docs', destination => embed.to_table(type => 'halfvec'))"
    assert bench.value(changed) is None
    assert bench.value("SELECT destination ->> 'index' FROM embed.generation") is None


def test_nothing_is_claimed_while_a_worker_builds(bench: Bench) -> None:
    bench.docs(3)
    docs = bench.vectorizer(destination="embed.to_table(index => 'none')")
    bench.worker.advance(docs)
    held = bench.worker.read(bench.worker.claim(docs, count=1))
    items = bench.worker.items(held)
    with bench.database.server.superuser_connection("vectordb") as builder:
        builder.execute("UPDATE embed.generation SET index_until = clock_timestamp() + interval '1 minute'")
        builder.execute("BEGIN")
        builder.execute("CREATE INDEX ON embeddings.docs_generation_1 USING hnsw (embedding public.vector_cosine_ops)")
        assert bench.worker.available() == []
        assert bench.worker.claim(docs).rows == []
        assert list(bench.worker.finish(held, items).values()) == ["locked"]
        # Nobody who writes the source waits for it, nor who searches.
        bench.run("SET statement_timeout = '2s'; UPDATE app.docs SET body = 'other'")
        assert bench.run("SELECT * FROM embed.search('docs', '[1,2,3]'); RESET statement_timeout") == []
        builder.execute("ROLLBACK")
        builder.execute("UPDATE embed.generation SET index_until = NULL")
    assert list(bench.worker.finish(held, items).values()) == ["changed"]
    assert bench.worker.drain(docs) == 3


def test_no_cutover_to_slower_searches_by_mistake(bench: Bench) -> None:
    bench.docs(3)
    docs = bench.vectorizer(destination="embed.to_table(index => 'hnsw')")
    bench.worker.drain(docs)
    other = "embed.to_table(distance => 'euclidean', index => 'hnsw')"
    bench.run(f"SELECT embed.alter_vectorizer('docs', destination => {other})")
    bench.worker.drain(docs, 2)
    bench.run(f"DROP INDEX embeddings.embed_hnsw_{docs}_2")
    code, message, _, hint = failure(bench.owner, "SELECT embed.cutover('docs')")
    assert (code, message, hint) == (
        "55000",
        "embed.cutover: generation 2 of docs has no index yet: each search would compare all of its 3 vectors",
        "vectordb embed index docs builds it; force => true goes over all the same.",
    )
    assert build(bench)
    assert bench.value("SELECT embed.cutover('docs')") == 2


def test_a_worker_builds_it_when_all_is_done(stage: Stage) -> None:
    docs = stage.docs("embed.deliver_event()", "embed.to_table(index => 'hnsw')", rows=2)
    stage.bench.run(f"DROP INDEX embeddings.embed_hnsw_{docs}_1; UPDATE app.docs SET body = body || '!'")
    assert state(stage.bench) == "filling"
    assert stage.answer_bells() == 2
    assert state(stage.bench) == "ready"
