"""Batch inference by workers that are killed between any two of their calls, of a service or of the database."""

import json
import random
from itertools import count

import pytest

from tests.sql.embed_batch import SETTINGS, Killed

pytestmark = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"])


def killed_at(site, place):
    """A whole life of two jobs, in which the worker is killed at the place-th call of a service or the database; whether it was."""
    site.bench.run("INSERT INTO app.docs SELECT n, 't', 'body ' || n FROM generate_series(1, 24) AS n")
    site.bench.vectorizer(embedding="embed.bedrock('amazon.titan-embed-text-v2:0', 256)", backfill="'batch'")
    seen = count()

    def at(_call):
        if next(seen) == place:
            raise Killed

    # Before the call: nobody knows of it. After it: it is done, and nobody was told.
    site.cloud.before = site.cloud.after = at
    died = False
    try:
        for _ in range(12):
            site.step()
            site.cloud.complete()
    except Killed:
        died = True
        site.database.close()
    site.settle()
    assert len({job["jobName"] for job in site.cloud.jobs.values()}) == len(site.cloud.jobs) <= 3
    site.check()
    site.bench.run("SELECT embed.drop_vectorizer('docs')")
    site.bench.run("TRUNCATE app.docs")
    site.bench.run("DELETE FROM embed.batch_job")
    site.cloud.jobs.clear()
    return died


def _killing(site, monkeypatch, places):
    monkeypatch.setenv("VECTORDB_EMBED_BATCH", json.dumps(SETTINGS | {"leastRecords": 10, "mostRecords": 12}))
    site.bench.docs()
    for place in places:
        if not killed_at(site, place):
            return place
    return None


def test_a_worker_that_is_killed_at_some_call(site, monkeypatch):
    seed = random.randrange(1000)  # noqa: S311 - of a test
    print(f"seed {seed}")  # noqa: T201 - to make a failure again
    _killing(site, monkeypatch, random.Random(seed).sample(range(150), 3))  # noqa: S311 - as above


@pytest.mark.long
def test_a_worker_that_is_killed_at_any_call(site, monkeypatch):
    last = _killing(site, monkeypatch, count())
    assert last > 150, last
