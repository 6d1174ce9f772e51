"""The statements of `vectordb embed` NAME, as the master who runs them."""

import pytest

from vectordb.cli import embed, embed_actions, embedding
from vectordb.errors import VectordbError


def test_each_does_its_one_thing(bench):
    bench.docs(3)
    vectorizer = bench.vectorizer(embedding="embed.http('http://model.test', 'fake', 3)")
    bench.worker.drain(vectorizer)
    master = bench.session()
    with master:
        bench.run("ALTER TABLE app.docs DISABLE TRIGGER ALL")
        bench.run("UPDATE app.docs SET body = 'past the triggers' WHERE id = 2")
        bench.run("ALTER TABLE app.docs ENABLE TRIGGER ALL")
        assert embedding.asked(master, embed_actions.RECONCILE, "docs", False)[0][1:] == (0, 1, 0, 0)
        assert embedding.asked(master, embed_actions.RECONCILE, "docs", True)[0][1:] == (0, 1, 0, 1)
        embedding.asked(master, embed_actions.PAUSE, "docs")
        assert bench.worker.available() == []
        embedding.asked(master, embed_actions.RESUME, "docs")
        claim = bench.worker.claim(vectorizer)
        bench.worker.rows(
            "SELECT * FROM embed.fail(%s, 1, %s, %s, 'poison', 'no')", vectorizer, claim.keys, claim.leases
        )
        [row] = embed._rows(master)
        assert (row["pending"], row["dead"]) == (0, 1)
        assert embedding.asked(master, embed_actions.RETRY, "docs") == [(1,)]
        bench.run("SELECT embed.alter_vectorizer('docs', embedding => embed.http('http://model.test', 'other', 4))")
        with pytest.raises(VectordbError) as refused:
            embedding.asked(master, embed_actions.CUTOVER, "docs", False)
        assert refused.value.remedy
        bench.worker.drain(vectorizer)
        bench.worker.drain(vectorizer, 2, dimension=4)
        assert embedding.asked(master, embed_actions.CUTOVER, "docs", False) == [(2,)]
        assert embedding.asked(master, embed_actions.ROLLBACK, "docs") == [(1,)]
        with pytest.raises(VectordbError, match="no vectorizer"):
            embedding.asked(master, embed_actions.PAUSE, "dogs")
        with pytest.raises(VectordbError):
            embedding.asked(master, embed_actions.SEARCH, "docs", "words", 5)
