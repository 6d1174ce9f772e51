"""A run that lasts: its figures are written down meanwhile, and the newest change does not wait behind all that is old."""

import time

import pytest

from embedder.providers.provider import Answer
from embedder.stopping import Stopping
from embedder.worker import Worker
from tests.embed.queue_double import Queue

PER_SECOND = 200


class Limited(Queue):
    """With a quota, and notes of what was asked when."""

    def __post_init__(self):
        super().__post_init__()
        self.claims, self.records = [], []
        self.filled = self.clock()

    def permits(self, limiter, wanted):
        self.filled = max(self.filled, self.clock() - 0.05)
        granted = min(wanted, int((self.clock() - self.filled) * PER_SECOND))
        self.filled += granted / PER_SECOND
        return granted, 1 / PER_SECOND

    def claim(self, vectorizer, generation, count, seconds):
        self.claims.append(count)
        return super().claim(vectorizer, generation, count, seconds)

    def record(self, vectorizer, generation, stats):
        self.records.append(stats)
        super().record(vectorizer, generation, stats)


@pytest.fixture
def worked(monkeypatch):
    """A queue of 160 rows that was worked off, and the report."""
    monkeypatch.setattr("embedder.run.CLAIM_SECONDS", 0.1)
    monkeypatch.setattr("embedder.run.TELL_SECONDS", 0.1)
    made = Limited(
        {
            "chunking": {"method": "none"},
            "embedding": {"provider": "bedrock", "model": "amazon.titan-embed-text-v2:0", "dimension": 256},
            "limits": {"batch_rows": 96, "lease_seconds": 30},
        }
    )
    for n in range(160):
        made.write(f"[{n}]", f"text {n}")

    def ask(provider, texts, purpose):
        time.sleep(0.005)
        return Answer([[1.0] * 256 for _ in texts], 2)

    worker = Worker(made, ask, Stopping())
    try:
        return made, worker.work()
    finally:
        worker.close()


def test_no_more_is_claimed_than_the_quota_clears_soon(worked):
    made, report = worked
    assert report.stats.rows == 160
    assert max(made.claims) <= 64, "the first ones double until it is known how long one lasts"
    assert max(made.claims[4:]) <= 0.1 * PER_SECOND * 2


def test_figures_are_written_down_while_a_run_goes_on(worked):
    made, report = worked
    assert len(made.records) >= 4
    assert max(told["calls"] for told in made.records) < 80
    assert made.recorded == pytest.approx(report.stats.recorded())
    assert made.recorded["seconds"] < 2, "no second is counted twice"
