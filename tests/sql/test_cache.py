"""The function's cache, from SQL: what is given again, and what never is."""

import pytest

QUERY = "SELECT vector_id FROM s3vl.query_vectors('[1,0,0,0]', 'tenants', top_k => {}) ORDER BY distance, vector_id"
BATCH = "SELECT vector_id FROM s3vl.query_vectors_batch('{{1,0,0,0},{0,1,0,0}}'::float8[], 'tenants', top_k => 1)"
PUT = "SELECT s3vl.put_vectors(ARRAY['cached'], '{{1,0,0,0}}'::float8[], NULL, 'tenants')"


@pytest.fixture
def asked(database, monkeypatch):
    """Run a statement: its first column, and how many queries the service got."""
    monkeypatch.setenv("VECTORDB_CACHE_SECONDS", "60")
    before = database.vectors.contents("tenants")

    def ask(session, statement):
        database.vectors.calls.clear()
        found = [row[0] for row in session.execute(statement).fetchall()]
        return found, len(database.vectors.called("QueryVectors"))

    yield ask
    database.vectors.clear("tenants")
    database.vectors.put("tenants", before)
    database.as_admin("SELECT s3vl.advance_epoch('tenants')")


def test_an_answer_is_given_again_to_the_same_tenant_only_and_until_the_next_write(database, asked):
    with database.login("acme") as acme, database.login("globex") as globex:
        first, calls = asked(acme, QUERY.format(3))
        assert (calls, asked(acme, QUERY.format(3))) == (1, (first, 0))
        assert asked(acme, QUERY.format(4))[1] == 1
        others, calls = asked(globex, QUERY.format(3))
        assert calls == 1
        assert "a1" in first
        assert "a1" not in others
        acme.execute(PUT)
        assert asked(acme, QUERY.format(3)) == (["cached", *first[:2]], 1)
        assert asked(globex, QUERY.format(3)) == (others, 1)
        with acme.transaction(force_rollback=True):  # what S3 Vectors has, it keeps
            acme.execute("SELECT s3vl.delete_vectors(ARRAY['cached'], 'tenants')")
        assert asked(acme, QUERY.format(3)) == (first, 1)


def test_queries_of_a_batch_are_kept_one_by_one(database, asked):
    with database.login("acme") as acme:
        first, calls = asked(acme, BATCH)
        assert (calls, asked(acme, BATCH)) == (2, (first, 0))
        swapped = BATCH.replace("{{1,0,0,0},{0,1,0,0}}", "{{0,1,0,0},{1,0,0,0},{0,0,1,0}}")
        again, calls = asked(acme, swapped)
        assert (again[:2], calls) == (first[::-1], 1)
        acme.execute("SET default_transaction_read_only = on")
        assert asked(acme, BATCH) == (first, 0)
