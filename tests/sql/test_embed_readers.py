"""Who may read the embeddings when the source's readers change, and who may call what."""

from collections.abc import Iterator

import pytest

from tests.sql.cases import failure
from tests.sql.conftest import Connection
from tests.sql.embed_cases import Bench

ROWS = "SELECT count(*) FROM embeddings.docs_generation_1_rows"
CHUNKS = "SELECT count(*) FROM embeddings.docs"


@pytest.fixture
def reader(bench: Bench) -> Iterator[Connection]:
    """acme may read app.docs, of which there are three rows."""
    bench.docs(3)
    bench.run("GRANT USAGE ON SCHEMA app TO acme; GRANT SELECT ON app.docs TO acme")
    bench.worker.drain(bench.vectorizer())
    with bench.database.login("acme") as session:
        yield session


def counted(reader: Connection, statement: str) -> int:
    return int(reader.execute(statement).fetchall()[0][0])


def test_what_is_revoked_is_revoked_with_the_next_sweep(bench: Bench, reader: Connection) -> None:
    assert counted(reader, CHUNKS) == 3
    bench.run("REVOKE SELECT ON app.docs FROM acme; GRANT SELECT ON app.docs TO globex")
    bench.worker.rows("SELECT embed.apply_waiting()")
    assert failure(reader, CHUNKS)[0] == failure(reader, ROWS)[0] == "42501"
    with bench.database.login("globex") as other:
        assert counted(other, CHUNKS) == 3
    assert bench.worker.rows("SELECT embed.share_anew() AS n") == [{"n": 0}], "nothing more to do"


def test_row_level_security_that_comes_later_hides_with_the_next_sweep(bench: Bench, reader: Connection) -> None:
    bench.run("CREATE POLICY of_acme ON app.docs FOR SELECT TO acme USING (id = 2)")
    bench.run("CREATE POLICY all_of_it ON app.docs FOR SELECT TO vectordb_owner USING (true)")
    bench.run("ALTER TABLE app.docs ENABLE ROW LEVEL SECURITY")
    bench.worker.rows("SELECT embed.apply_waiting()")
    # Of a row that is hidden not even the hash is seen, by which its text can be guessed.
    assert [counted(reader, statement) for statement in (CHUNKS, ROWS)] == [1, 1]
    bench.run("ALTER TABLE app.docs DISABLE ROW LEVEL SECURITY")
    bench.worker.rows("SELECT embed.apply_waiting()")
    assert [counted(reader, statement) for statement in (CHUNKS, ROWS)] == [3, 3]


def test_no_function_is_open_to_public(bench: Bench, reader: Connection) -> None:
    """Neither those of embed, nor what it makes for a vectorizer; and whatever runs as its owner pins its path."""
    open_to_all = (
        "SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace IN ('embed'::regnamespace, 'embeddings'::regnamespace)"
        " AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) AS a WHERE a.grantee = 0))"
    )
    assert bench.run(open_to_all) == []
    unpinned = (
        "SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace IN ('embed'::regnamespace, 'embeddings'::regnamespace)"
        " AND (p.proowner <> 'vectordb_owner'::regrole"
        " OR p.prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false))"
    )
    assert bench.run(unpinned) == []
    tables = (
        "SELECT c.oid::regclass FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a WHERE c.relnamespace = 'embed'::regnamespace"
        " AND c.relkind IN ('r', 'S') AND a.grantee <> 'vectordb_owner'::regrole"
    )
    assert bench.run(tables) == []
