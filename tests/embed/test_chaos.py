"""Nothing is lost, stale or left behind, whatever happens to writers, workers and the model; and the test would see it.

VECTORDB_CHAOS_SECONDS makes it longer, VECTORDB_CHAOS_SEED repeats a run's random choices (not its timing),
VECTORDB_CHAOS_RESTARTS restarts the server so many times.
"""

import os
import random
import sys

import pytest

from tests.embed.chaos import Chaos

SECONDS = float(os.environ.get("VECTORDB_CHAOS_SECONDS", "15"))
RESTARTS = int(os.environ.get("VECTORDB_CHAOS_RESTARTS", "1"))
FENCE = "AND w.key = i.key AND w.version = i.version AND w.lease = i.lease"
UNFENCED = "AND w.key = i.key"


@pytest.fixture
def seed():
    chosen = int(os.environ.get("VECTORDB_CHAOS_SEED", random.SystemRandom().randrange(10**6)))
    sys.stdout.write(f"VECTORDB_CHAOS_SEED={chosen}\n")
    return chosen


def drop(database):
    with database.login() as admin:
        admin.execute("SELECT embed.drop_vectorizer('chaos')")
        admin.execute("DROP TABLE public.chaos")


@pytest.fixture(autouse=True)
def clean(database):
    yield
    drop(database)


@pytest.fixture
def unfenced(database):
    """embed.finish without its fence: whoever comes with a result writes it."""
    with database.login() as admin:
        source = admin.execute("SELECT pg_get_functiondef('embed.finish'::regproc)").fetchone()[0]
        assert FENCE in source
        admin.execute("SET ROLE vectordb_owner")
        admin.execute(source.replace(FENCE, UNFENCED))
    yield
    with database.login() as admin:
        admin.execute("SET ROLE vectordb_owner")
        admin.execute(source)


def test_nothing_is_lost_stale_or_left_behind(database, model, seed):
    result = Chaos(database, model, seed, SECONDS, RESTARTS).run()
    sys.stdout.write(f"{result}\n")
    assert result.pending == 0
    assert (result.missing, result.stale, result.orphans, result.wrongly_dead) == ([], [], [], [])
    assert result.deadlocks == 0
    assert result.kills + result.stops > SECONDS
    assert result.writes > 100 * SECONDS / 5
    assert result.throttled > 0


def test_without_the_fence_the_same_finds_damage(database, model, seed, unfenced):
    """Or the test above would prove nothing. Chance decides how much there is in a run, so there may be three."""
    for attempt in range(3):
        if attempt:
            drop(database)
        result = Chaos(database, model, seed + attempt, SECONDS).run()
        sys.stdout.write(f"{result}\n")
        if result.missing or result.stale or result.orphans:
            return
    pytest.fail("a worker without a fence did no damage")
