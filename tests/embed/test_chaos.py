"""Nothing is lost, stale or left behind, whatever happens to users, workers, messages, the model and the server; and the test would see it.

CHAOS_SECONDS makes it longer, CHAOS_SEED repeats a run's random choices (not its timing): `make chaos seconds=600 seed=1`.
"""

import os
import random
import re
import sys

import pytest

from tests.embed.chaos import Chaos, ColumnChaos, seconds

LONGEST_WAIT_SECONDS = 1.0
"""For a lock of a worker: it holds those for one short transaction of at most 64 rows, here on a busy machine."""


@pytest.fixture
def seed():
    chosen = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(10**6))
    sys.stdout.write(f"CHAOS_SEED={chosen}\n")
    return chosen


@pytest.fixture(autouse=True)
def clean(database):
    yield
    with database.login() as admin:
        admin.execute("SELECT embed.drop_vectorizer('chaos')")
        admin.execute("DROP TABLE public.chaos")
        admin.execute("SELECT embed.configure(NULL)")


@pytest.fixture
def unfenced(database):
    """embed.finish without its fence: whoever comes with a result writes it, if there is anything to be done at that row."""
    with database.login() as admin:
        definition = "SELECT pg_get_functiondef(%s::regproc)"
        finish, held = (admin.execute(definition, [name]).fetchone()[0] for name in ("embed.finish", "embed.held"))
        admin.execute("SET ROLE vectordb_owner")
        admin.execute(re.sub(r"\bheld\b", "unfenced", without(held, "AND w.lease = k.lease")))
        admin.execute(without(without(finish, "AND h.version = i.version"), "embed.held(", "embed.unfenced("))
    yield
    with database.login() as admin:
        admin.execute("SET ROLE vectordb_owner")
        admin.execute(finish)
        admin.execute("DROP FUNCTION embed.unfenced")


def without(source, part, instead=""):
    """Fails where the part is not, or no longer: the control would control nothing."""
    assert source.count(part) == 1
    return source.replace(part, instead)


def assert_right(result):
    sys.stdout.write(f"{result}\n")
    assert result.pending == 0, result
    assert (result.missing, result.stale, result.orphans, result.wrongly_dead) == ([], [], [], []), result
    assert result.reconciled == (0, 0, 0), result
    assert result.deadlocks == 0, result
    assert result.waited_for_workers < LONGEST_WAIT_SECONDS, result
    # And there was something to endure.
    assert result.kills + result.stops + result.ends >= result.seconds / 2, result
    assert result.writes > 10 * result.seconds, result
    assert result.meddled > 40, result
    assert sum(result.messages.get(kind, 0) for kind in ("lost", "late", "doubled")) > 0, result
    assert result.seconds < 10 or result.refused["ThrottlingException"] > 0, result


@pytest.mark.parametrize(
    ("kind", "default"),
    [pytest.param(Chaos, 8, id="table"), pytest.param(ColumnChaos, 5, id="column", marks=pytest.mark.long)],
)
def test_nothing_is_lost_stale_or_left_behind(database, chaos_model, seed, kind, default):
    assert_right(kind(database, chaos_model, seed, seconds(default)).run())


def test_without_the_fence_the_same_finds_damage(database, chaos_model, seed, unfenced):
    """Or the test above would prove nothing."""
    result = Chaos(database, chaos_model, seed, 1, restarts=False, operating=False).run()
    sys.stdout.write(f"{result}\n")
    assert result.damage >= 10, result
    # And the comparison of source and embeddings that users have sees it, too.
    assert result.reconciled != (0, 0, 0), result
