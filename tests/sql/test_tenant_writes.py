"""Writing to an index with tenants: nobody's vectors but the session's own, whatever is passed."""

import psycopg
import pytest

from tests.sql.cases import failure


@pytest.fixture
def tenants(database):
    """The index with tenants, put back to what it was."""
    kept = database.vectors.contents("tenants")
    yield database.vectors
    database.lambda_.settle()
    database.vectors.clear("tenants")
    database.vectors.put("tenants", kept)


def test_a_tenant_writes_its_own_vectors_only(database, tenants):
    values = "ARRAY['[1,2,3,4]']::vector[]"
    with database.login("acme") as acme:
        assert acme.execute(
            f"SELECT s3vl.put_vectors(ARRAY['new'], {values}, ARRAY['{{\"n\": 1}}'::jsonb], 'tenants')"
        ).fetchone() == (1,)
        for key, metadata in (("g1", "{}"), ("fresh", '{"tenant": "globex"}'), ("both1", '{"tenant": "acme"}')):
            state, message, _, _ = failure(
                acme, f"SELECT s3vl.put_vectors(ARRAY[%s], {values}, ARRAY[%s]::jsonb[], 'tenants')", key, metadata
            )
            assert (state, message.split(": ")[1]) == ("42501", "TenantMismatch")
        assert acme.execute("SELECT s3vl.delete_vectors(ARRAY['a1', 'g1', 'nobody'], 'tenants')").fetchone() == (3,)
    found = tenants.contents("tenants")
    assert found["new"][1] == {"n": 1, "tenant": "acme"}
    assert found["g1"][1] == {"tenant": "globex", "n": 1}
    assert "a1" not in found
    assert {"nobody", "both1"} <= found.keys()
    assert "fresh" not in found


def test_tenants_writers_wait_for_each_other(database, tenants):
    """Between the look at a key and its write nobody else of the database may take it."""
    write = "SELECT s3vl.put_vectors(ARRAY['mine'], ARRAY['[1,2,3,4]']::vector[], index_name => 'tenants')"
    with database.login("acme") as acme, database.login("globex") as globex:
        globex.execute("SET lock_timeout = '50ms'")
        with acme.transaction():
            acme.execute(write)
            state, message, _, hint = failure(globex, write)
            assert (state, message) == (
                "55P03",
                "s3vl.put_vectors: another session is writing to the index 'tenants'; lock_timeout was over",
            )
            assert hint.startswith("Try again")
        assert failure(globex, write)[0] == "42501"
    assert tenants.contents("tenants")["mine"][1] == {"tenant": "acme"}


def test_nothing_of_another_tenants_key_is_told(database, tenants):
    with database.login("acme") as acme, pytest.raises(psycopg.Error) as caught:
        acme.execute("SELECT s3vl.put_vectors(ARRAY['g2'], ARRAY['[1,2,3,4]']::vector[], index_name => 'tenants')")
    told = f"{caught.value} {caught.value.diag.message_detail} {caught.value.diag.message_hint}"
    assert "globex" not in told
