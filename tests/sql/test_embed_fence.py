"""TRUNCATE by a transaction whose number is smaller than that of what was written before it."""

import pytest

from tests.sql.embed_cases import Bench


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
def test_what_was_read_before_a_truncate_by_an_older_transaction(bench: Bench, isolation: str) -> None:
    bench.docs(0)
    docs = bench.vectorizer()
    with bench.session() as old:
        old.execute(f"BEGIN ISOLATION LEVEL {isolation}")
        old.execute("SELECT txid_current()")
        bench.run("INSERT INTO app.docs VALUES (1, 't', 'old')")
        claim = bench.worker.read(bench.worker.claim(docs, 1))
        items = bench.worker.items(claim, 3)
        old.execute("TRUNCATE app.docs")
        old.execute("INSERT INTO app.docs VALUES (2, 't', 'new')")
        old.execute("COMMIT")
    assert list(bench.worker.finish(claim, items).values()) == ["changed"]
    bench.worker.drain(docs)
    assert bench.run("SELECT id, chunk FROM embeddings.docs") == [(2, "new")]
    assert bench.value("SELECT count(*) FROM embed.sweep") == 0
    assert bench.reconciled() == (0, 0, 0, 0)
