"""Another model beside the one that serves: building, going over, going back."""

from tests.sql.cases import failure
from tests.sql.embed_cases import Bench, vector

WIDER = "embed.http('http://model.test', 'fake', 5)"


def built(bench: Bench, rows: int = 10) -> int:
    bench.docs(rows)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    assert bench.value(f"SELECT embed.alter_vectorizer('docs', embedding => {WIDER})") == 2
    return docs


def test_delivery_and_limits_change_in_place(bench: Bench) -> None:
    bench.docs(1)
    bench.vectorizer()
    assert (
        bench.value(
            "SELECT embed.alter_vectorizer('docs', delivery => embed.deliver_queue(4), limits => embed.limits(500, 10))"
        )
        is None
    )
    assert bench.run("SELECT delivery, quota_per_minute, generation FROM embed.status") == [("queue", 500.0, 1)]
    assert bench.value("SELECT limits ->> 'batch_rows' FROM embed.vectorizer") == "10"


def test_another_model_builds_beside_the_live_one(bench: Bench) -> None:
    docs = built(bench)
    assert bench.run(
        "SELECT generation, generation_state, dimension, coverage, backfilling FROM embed.status ORDER BY 1"
    ) == [
        (1, "live", 3, 1.0, False),
        (2, "building", 5, 0.0, True),
    ]
    # Both hear of changes, the live one is asked for first.
    bench.run("UPDATE app.docs SET body = 'both' WHERE id = 1")
    assert bench.work() == [(1, "[1]", "u"), (2, "[1]", "u")]
    assert [row["generation"] for row in bench.worker.available()] == [1, 2]
    assert failure(bench.owner, "SELECT embed.cutover('docs')")[:2] == (
        "55000",
        "embed.cutover: generation 2 of docs is not complete: 1 rows are to be embedded and more to be enqueued",
    )
    assert failure(bench.owner, "SELECT embed.alter_vectorizer('docs', chunking => embed.chunk_fixed())")[0] == "55000"
    bench.worker.drain(docs, 1)
    bench.worker.drain(docs, 2, dimension=5)
    assert bench.value("SELECT count(*) FROM embed.search('docs', '[1,2,3]')") == 10
    bench.run("CREATE VIEW app.readers AS SELECT id, embedding FROM embeddings.docs")
    assert bench.value("SELECT embed.cutover('docs')") == 2
    assert bench.run("SELECT DISTINCT public.vector_dims(embedding) FROM app.readers") == [(5,)]
    assert bench.value("SELECT count(*) FROM embed.search('docs', '[1,2,3,4,5]')") == 10
    assert bench.value("SELECT embed.query_model('docs') -> 'embedding' ->> 'dimension'") == "5"
    assert bench.reconciled() == (0, 0, 0, 0)


def test_going_back_finds_what_changed_since(bench: Bench) -> None:
    docs = built(bench)
    bench.worker.drain(docs, 2, dimension=5)
    bench.run("SELECT embed.cutover('docs')")
    bench.run(
        "UPDATE app.docs SET body = 'since' WHERE id = 3; DELETE FROM app.docs WHERE id = 4; INSERT INTO app.docs VALUES (99, 't', 'new')"
    )
    # The one that is kept remembers, but nothing is paid for it.
    assert [row["generation"] for row in bench.worker.available()] == [2]
    assert bench.worker.claim(docs, 1).rows == []
    bench.worker.drain(docs, 2, dimension=5)
    assert bench.value("SELECT embed.rollback('docs')") == 1
    assert bench.run("SELECT DISTINCT public.vector_dims(embedding) FROM embeddings.docs") == [(3,)]
    # Nothing stale is found, not even before it is embedded.
    assert bench.value("SELECT count(*) FROM embed.search('docs', '[1,2,3]', 100)") == 8
    assert bench.worker.drain(docs, 1) == 3
    assert bench.value("SELECT count(*) FROM embed.search('docs', '[1,2,3]', 100)") == 10
    assert bench.reconciled() == (0, 0, 0, 0)
    assert bench.value("SELECT embed.rollback('docs')") == 2
    assert bench.run("SELECT generation, generation_state FROM embed.status ORDER BY 1") == [
        (1, "retired"),
        (2, "live"),
    ]


def test_the_next_cutover_and_abandon_remove_what_was_kept(bench: Bench) -> None:
    docs = built(bench, 2)
    bench.worker.drain(docs, 2, dimension=5)
    bench.run("SELECT embed.cutover('docs')")
    bench.run("SELECT embed.alter_vectorizer('docs', chunking => embed.chunk_sentence())")
    bench.worker.drain(docs, 3, dimension=5)
    bench.run("UPDATE app.docs SET body = 'kept for generation 1 too' WHERE id = 1")
    bench.worker.drain(docs, 2, dimension=5)
    bench.worker.drain(docs, 3, dimension=5)
    bench.run("SELECT embed.cutover('docs')")
    assert bench.run("SELECT generation FROM embed.status ORDER BY 1") == [(2,), (3,)]
    assert bench.value("SELECT to_regclass('embeddings.docs_generation_1')") is None
    assert bench.worker.rows("SELECT embed.tidy() AS n") == [{"n": 1}]
    assert failure(bench.owner, "SELECT embed.abandon('docs', 3)")[:2] == (
        "55000",
        "embed.abandon: generation 3 of docs is live",
    )
    bench.run("SELECT embed.abandon('docs', 2)")
    assert failure(bench.owner, "SELECT embed.rollback('docs')")[:2] == (
        "55000",
        "embed.rollback: the vectorizer docs has no generation that is retired",
    )
    bench.run("UPDATE app.docs SET body = 'only one now'")
    assert {row[0] for row in bench.work()} == {3}


def test_a_worker_whose_generation_was_dropped(bench: Bench) -> None:
    docs = built(bench, 2)
    bench.worker.advance(docs, 2)
    claim = bench.worker.read(bench.worker.claim(docs, 2))
    items = bench.worker.items(claim, 5)
    bench.run("SELECT embed.abandon('docs', 2)")
    assert failure(bench.worker.connection, f"SELECT * FROM embed.content({docs}, 2, '{{[1]}}')")[0] == "42704"
    assert failure(bench.worker.connection, "SELECT * FROM embed.finish(%s, 2, '[]')", docs)[0] == "42704"
    assert items[0]["key"] == "[1]"


def test_a_broken_new_model_does_not_stop_the_live_one(bench: Bench) -> None:
    docs = built(bench, 2)
    bench.worker.advance(docs, 2)
    claim = bench.worker.claim(docs, 2)
    bench.worker.rows(
        "SELECT * FROM embed.fail(%s, 2, %s, %s, 'configuration', 'no access')", docs, claim.keys, claim.leases
    )
    bench.run("UPDATE app.docs SET body = 'x' WHERE id = 1")
    assert [row["generation"] for row in bench.worker.available()] == [1]
    assert bench.run("SELECT generation, state FROM embed.status ORDER BY 1") == [(1, "active"), (2, "circuit")]


def test_another_type_of_vector(bench: Bench) -> None:
    bench.docs(2)
    docs = bench.vectorizer()
    bench.worker.drain(docs)
    bench.run("SELECT embed.alter_vectorizer('docs', destination => embed.to_table(type => 'halfvec'))")
    bench.worker.drain(docs, 2)
    bench.run("SELECT embed.cutover('docs')")
    assert bench.run("SELECT embedding::text, pg_typeof(embedding)::text FROM embeddings.docs WHERE id = 1") == [
        (vector("body 1"), "halfvec")
    ]
    bench.run("SELECT embed.rollback('docs')")
    assert bench.value("SELECT pg_typeof(embedding)::text FROM embeddings.docs WHERE id = 1") == "vector"


def test_another_column(bench: Bench) -> None:
    bench.docs(2)
    bench.run("ALTER TABLE app.docs ADD COLUMN one public.vector(3), ADD COLUMN two public.halfvec(5)")
    docs = bench.vectorizer(destination="embed.to_column('one')")
    bench.worker.drain(docs)
    assert failure(bench.owner, f"SELECT embed.alter_vectorizer('docs', embedding => {WIDER})")[0] == "22023"
    bench.run(f"SELECT embed.alter_vectorizer('docs', embedding => {WIDER}, destination => embed.to_column('two'))")
    bench.worker.drain(docs, 2, dimension=5)
    bench.run("SELECT embed.cutover('docs')")
    assert bench.run("SELECT key FROM embed.search('docs', %s, 1)", vector("body 1", 5)) == [([1],)]
    bench.run("SELECT embed.rollback('docs')")
    assert bench.run("SELECT key FROM embed.search('docs', %s, 1)", vector("body 1")) == [([1],)]


def test_from_a_column_to_a_table(bench: Bench) -> None:
    bench.docs(2)
    bench.run("ALTER TABLE app.docs ADD COLUMN one public.vector(3)")
    docs = bench.vectorizer(destination="embed.to_column('one')")
    bench.worker.drain(docs)
    bench.run("SELECT embed.alter_vectorizer('docs', destination => embed.to_table())")
    bench.worker.drain(docs, 2)
    bench.run("SELECT embed.cutover('docs')")
    assert bench.value("SELECT count(*) FROM embeddings.docs") == 2
