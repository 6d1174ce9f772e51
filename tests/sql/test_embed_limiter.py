"""How much of a quota the limiter makes use of: its own functions, in a time of the test's."""

import random
from collections.abc import Iterator

import pytest

from tests.sql.embed_cases import MODEL, Bench

# A model that refuses what is over its quota, and of the rest a share while a storm goes on. What is refused is told 0.3 s later.
SIMULATION = """
CREATE FUNCTION pg_temp.answered(declared float8, quotas float8[], storms float8[], chances float8[]) RETURNS integer[]
LANGUAGE plpgsql AS $$
DECLARE
    began constant timestamptz := '2026-01-01';
    now timestamptz;
    l embed.limiter;
    quota float8;
    permits float8 := quotas[1] / 60;
    per_tick integer;
    second integer;
    refused boolean[] := '{}';
    answered integer[] := array_fill(0, ARRAY[cardinality(quotas)]);
    chance integer := 0;
BEGIN
    SELECT * INTO l FROM embed.limiter LIMIT 1;
    l.ceiling := declared; l.rate := declared; l.tokens := 0; l.filled_at := began; l.grown_at := began;
    FOR tick IN 1 .. (cardinality(quotas) / 0.05)::integer LOOP
        now := began + make_interval(secs => tick * 0.05);
        second := least(1 + floor(tick * 0.05), cardinality(quotas));
        quota := quotas[second] / 60;
        permits := least(greatest(1, quota), permits + quota * 0.05);
        l.wanting_at := now;
        l := embed.filled(l, now);
        refused[tick] := false;
        per_tick := greatest(0, floor(l.tokens));
        FOR request IN 1 .. per_tick LOOP
            chance := chance % cardinality(chances) + 1;
            IF chances[chance] < storms[second] OR permits < 1 THEN
                refused[tick] := true;
            ELSE
                permits := permits - 1;
                answered[second] := answered[second] + 1;
            END IF;
        END LOOP;
        l.tokens := l.tokens - per_tick;
        l.granted := l.granted + per_tick;
        IF refused[tick - 6] THEN
            l := embed.after_refusal(l, now);
        END IF;
    END LOOP;
    RETURN answered;
END $$
"""


@pytest.fixture
def limiter(bench: Bench) -> Iterator[Bench]:
    bench.docs()
    bench.vectorizer(embedding=MODEL)
    bench.run("SET ROLE vectordb_owner")
    bench.run(SIMULATION)
    yield bench
    bench.run("RESET ROLE")


def share(limiter: Bench, declared: float, quotas: list[float], storms: list[float], since: int) -> float:
    """What was answered from that second on, as a share of the quota."""
    chances = random.Random(declared)  # noqa: S311 - no secret
    answered = limiter.value(
        "SELECT pg_temp.answered(%s, %s, %s, %s)", declared, quotas, storms, [chances.random() for _ in range(997)]
    )
    return float(sum(answered[since:]) / (sum(quotas[since:]) / 60))


QUOTAS = [120.0, 300.0, 1000.0, 6000.0, 60000.0]


def test_nearly_the_whole_quota_is_used(limiter: Bench) -> None:
    shares = {quota: share(limiter, quota, [quota] * 30, [0.0] * 30, 5) for quota in (60.0, *QUOTAS)}
    assert min(shares.values()) >= 0.95, shares


def test_a_quota_that_is_halved_is_found(limiter: Bench) -> None:
    """From that very second on, over thirty seconds. Of less than five a second too few are refused to tell it so soon."""
    shares = {quota: share(limiter, quota, [quota] * 10 + [quota / 2] * 30, [0.0] * 40, 10) for quota in QUOTAS[1:]}
    assert min(shares.values()) >= 0.9, shares


def test_a_quota_that_is_less_than_declared_is_made_use_of(limiter: Bench) -> None:
    shares = {quota: share(limiter, 3 * quota, [quota] * 40, [0.0] * 40, 10) for quota in QUOTAS}
    assert min(shares.values()) >= 0.9, shares


@pytest.mark.parametrize("seconds", [5, 20])
def test_a_storm_leaves_nothing_behind(limiter: Bench, seconds: int) -> None:
    """Seven of ten requests are refused for a while; ten seconds later all is as before."""
    storms = [0.0] * 5 + [0.7] * seconds + [0.0] * 20
    length = len(storms)
    shares = {quota: share(limiter, quota, [quota] * length, storms, length - 10) for quota in (60.0, *QUOTAS)}
    assert min(shares.values()) >= 0.9, shares


def test_a_quota_that_comes_back_is_found(limiter: Bench) -> None:
    quotas = [600.0] * 5 + [100.0] * 20 + [600.0] * 50
    assert share(limiter, 600, quotas, [0.0] * 75, 60) >= 0.9
