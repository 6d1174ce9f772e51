"""As test_chaos, with the vectors in S3 Vectors: what is seen is right, and what is not seen is deleted in the end.

The service takes a signature for 3 s where AWS's takes it for 15 minutes, and what is reckoned with 15 minutes in the database is
reckoned with 4 s.
"""

import hashlib
import json
import random
import sys
import time

import pytest

from tests.embed.chaos import DIMENSION, Chaos, seconds
from tests.embed.index import ARN, Index, IndexServer
from tests.embed.test_chaos import assert_right, clean, seed  # noqa: F401 - fixtures

SIGNATURE_SECONDS = 3.0
GRACE = (
    "CREATE OR REPLACE FUNCTION embed.s3_grace() RETURNS interval LANGUAGE sql IMMUTABLE AS $$ SELECT interval '{}' $$"
)
COLLECT_SECONDS = 30.0


class IndexChaos(Chaos):
    """One run. `collects`: whether it ends when all garbage is collected, and a comparison of index and database is complete."""

    name = "S3 Vectors"
    destination = "embed.to_s3_vectors('chaos')"

    def __init__(self, index, *arguments, collects=True, **more):
        super().__init__(*arguments, **more)
        self.index = index
        self.collects = collects
        self.listing = None
        """What the comparison found."""
        digests = {hashlib.sha256(f"[{n}]".encode()).hexdigest()[:32]: n for n in range(1000)}
        self._keys = digests | {f"[{n}]": n for n in range(1000)}
        index.meddle = self._put
        self.meddler.at_put = True

    def _put(self, keys):
        self.meddler.put({self._keys[key.split("/")[1]] for key in keys})

    def _seen(self, admin):
        numbers = admin.execute("SELECT number FROM embed.generation").fetchall()
        return {
            key
            for (number,) in numbers
            for (key,) in admin.execute(f"SELECT vector_key FROM embeddings.chaos_generation_{number}").fetchall()
        }

    def _settle(self):
        super()._settle()
        self.index.refuse = None
        if not self.collects:
            return
        with self.database.login() as admin:
            self.result.garbage = len(self.index.vectors.keys() - self._seen(admin))
            self._collected(admin, time.monotonic() + COLLECT_SECONDS)
            self.result.hidden = sorted(self.index.vectors.keys() - self._seen(admin))
            admin.execute("SELECT * FROM embed.reconcile('chaos')")
            self._listed(admin, time.monotonic() + COLLECT_SECONDS)

    def _collected(self, admin, until):
        left = "SELECT (SELECT count(*) FROM embed.s3_garbage) + (SELECT count(*) FROM embed.s3_intent)"
        while time.monotonic() < until and admin.execute(left).fetchone()[0]:
            # Searches that are under way are not waited for, nor are deletes of workers that were killed.
            admin.execute("UPDATE embed.s3_garbage SET due_at = clock_timestamp()")
            time.sleep(0.5)

    def _listed(self, admin, until):
        found = "SELECT missing, orphan, strange FROM embed.s3_listing WHERE finished_at IS NOT NULL AND listed > 0"
        while time.monotonic() < until and self.listing is None:
            self.listing = admin.execute(found).fetchone()
            time.sleep(0.1)

    def _stored(self, admin, generation):
        """A vector that is seen and not there counts as stale, by numbers that cannot be right."""
        stored = {}
        for key, chunk, vector_key in admin.execute(
            f"SELECT id, chunk, vector_key FROM embeddings.chaos_generation_{generation} ORDER BY id, chunk_number"
        ).fetchall():
            vector = self.index.vectors.get(vector_key)
            numbers = vector["data"]["float32"] if vector else [0.0] * DIMENSION
            stored.setdefault(key, []).append((chunk, json.dumps(numbers)))
        return stored


@pytest.fixture
def index(database, monkeypatch):
    throttling = random.Random(1)  # noqa: S311 - no secret
    index = Index(longest_age=SIGNATURE_SECONDS, latency=0.05)
    index.refuse = lambda operation, _: (
        (429, "TooManyRequestsException") if operation == "PutVectors" and throttling.random() < 0.1 else None
    )
    with IndexServer(index) as server, database.login() as admin:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3VECTORS", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        admin.execute("SET ROLE vectordb_owner")
        admin.execute("SELECT s3vl.register_index('chaos', %s)", [ARN])
        admin.execute(
            "UPDATE s3vl.index_registry SET dimension = %s, metric = 'euclidean' WHERE index_name = 'chaos'",
            [DIMENSION],
        )
        admin.execute(GRACE.format(f"{SIGNATURE_SECONDS + 1} seconds"))
        yield index
    with database.login() as admin:
        admin.execute("SET ROLE vectordb_owner")
        admin.execute(GRACE.format("16 minutes"))
        admin.execute("DELETE FROM embed.s3_garbage")
        admin.execute("DELETE FROM embed.s3_intent")
        admin.execute("DELETE FROM embed.s3_listing")
        admin.execute("SELECT s3vl.unregister_index('chaos')")


@pytest.fixture
def clean_first(index, clean):  # noqa: F811
    """The vectorizer goes before the index."""


STABLE = (
    # Keys without the attempt in them, for whoever asks.
    """CREATE OR REPLACE FUNCTION embed.intend(vectorizer_id integer, generation integer, items jsonb) RETURNS TABLE (key text, prefix text)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        INSERT INTO embed.s3_intent (vector_key, vectorizer_id, generation, index_arn, expires_at)
        SELECT format('%s/%s/', vectorizer_id, i.key) || c, vectorizer_id, generation, '', 'infinity'
        FROM jsonb_to_recordset(items) AS i(key text, chunks integer[]), unnest(i.chunks) AS c
        ON CONFLICT DO NOTHING;
        SELECT i.key, format('%s/%s/', vectorizer_id, i.key) FROM jsonb_to_recordset(items) AS i(key text)
    $$""",
    # A worker that wakes does not look whether its rows are another's by now.
    """CREATE OR REPLACE FUNCTION embed.renew(vectorizer_id integer, generation integer, keys text[], leases bigint[], lease_seconds integer)
    RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT unnest(keys) $$""",
    # All chunks anew, and nothing collected: chunks that keep their vectors, and garbage, have no place among such keys.
    """CREATE OR REPLACE FUNCTION embed.stored(vectorizer_id integer, generation integer, keys text[])
    RETURNS TABLE (key text, chunk integer, hash text, length integer)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT ''::text, 0, ''::text, 0 WHERE false $$""",
    """CREATE OR REPLACE FUNCTION embed.garbage(count integer DEFAULT 500) RETURNS TABLE (index_arn text, vector_keys text[])
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT ''::text, '{}'::text[] WHERE false $$""",
)


@pytest.fixture
def stable(database):
    """As most write to such an index: one key for each chunk of a row, and the database's fence only behind the put."""
    names = ("embed.intend", "embed.renew", "embed.stored", "embed.garbage")
    with database.login() as admin:
        sources = [admin.execute("SELECT pg_get_functiondef(%s::regproc)", [name]).fetchone()[0] for name in names]
        admin.execute("SET ROLE vectordb_owner")
        for changed in STABLE:
            admin.execute(changed)
    yield
    with database.login() as admin:
        admin.execute("SET ROLE vectordb_owner")
        for source in sources:
            admin.execute(source)


def test_what_is_seen_is_right_and_the_rest_is_deleted(database, chaos_model, index, clean_first, seed):  # noqa: F811
    chaos = IndexChaos(index, database, chaos_model, seed, seconds(7))
    result = chaos.run()
    assert_right(result)
    assert result.hidden == [], result
    assert chaos.listing == (0, 0, 0), result
    assert result.garbage > 0, result
    assert index.refused["TooManyRequestsException"] > 0, result


@pytest.mark.long
def test_stable_keys_do_damage(database, chaos_model, index, clean_first, stable, seed):  # noqa: F811
    """Or the test above would prove nothing."""
    result = IndexChaos(index, database, chaos_model, seed, 1, collects=False, restarts=False, operating=False).run()
    sys.stdout.write(f"{result}\n")
    assert len(result.stale) >= 5, result
