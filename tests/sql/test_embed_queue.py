"""What a worker does at the queue costs the same however much is queued, and what users do lets nobody wait."""

from typing import Any

import pytest

from tests.sql.embed_cases import Bench
from tests.sql.embed_delivery import Stage


def read(bench: Bench, superuser: Any) -> int:
    """Rows of embed.work that were read until now, by scans and by way of its indexes."""
    bench.worker.connection.execute("SELECT pg_stat_force_next_flush()")
    (count,) = superuser.execute(
        "SELECT s.seq_tup_read + (SELECT sum(i.idx_tup_read) FROM pg_stat_user_indexes AS i WHERE i.relid = s.relid) "
        "FROM pg_stat_user_tables AS s WHERE s.relid = 'embed.work'::regclass"
    ).fetchone()
    return int(count)


@pytest.mark.parametrize("statistics", ["never taken", "taken of an empty queue"])
def test_what_a_worker_asks_takes_no_longer_when_more_is_queued(bench: Bench, superuser: Any, statistics: str) -> None:
    """Counted in rows that are read, for a clock would count the machine's other work."""
    bench.docs()
    docs = bench.vectorizer()
    superuser.execute("TRUNCATE embed.work")
    if statistics == "taken of an empty queue":
        # Pages that are there, and next to no row in them: so autovacuum finds a queue that was drained.
        bench.run("INSERT INTO app.docs SELECT n, 't', 'b' FROM generate_series(100001, 105000) AS n")
        superuser.execute("DELETE FROM embed.work WHERE key <> '[105000]'")
        superuser.execute("VACUUM ANALYZE embed.work")
    cost = {}
    for count in (1000, 40000):
        bench.run(f"INSERT INTO app.docs SELECT n, 't', 'b' FROM generate_series({count} / 2, {count}) AS n")
        before = read(bench, superuser)
        claim = bench.worker.claim(docs, count=96)
        assert len(claim.rows) == 96
        held = (claim.keys, claim.leases)
        bench.worker.rows("SELECT embed.renew(%s, 1, %s, %s, 60)", docs, *held)
        bench.worker.rows("SELECT * FROM embed.fail(%s, 1, %s, %s, 'transient', 'x', 0)", docs, *held)
        claim = bench.worker.claim(docs, count=96)
        bench.worker.rows("SELECT embed.release(%s, 1, %s, %s)", docs, claim.keys, claim.leases)
        claim = bench.worker.claim(docs, count=32)
        assert set(bench.worker.finish(bench.worker.read(claim)).values()) == {"done"}
        cost[count] = read(bench, superuser) - before
    # Entries of the five thousand that went may still be in the index; twenty thousand would be read by one scan of what waits.
    assert cost[40000] < cost[1000] + 10000 < 18000, cost


def test_what_statements_embed_is_in_the_statistics_and_nobody_waits_for_it(stage: Stage) -> None:
    stage.docs("embed.deliver_sync_lambda()", limits="embed.limits(requests_per_minute => 60000)")
    with stage.bench.session() as one, stage.bench.session() as other:
        one.execute("BEGIN")
        one.execute("INSERT INTO app.docs SELECT n, 't', 'body ' || n FROM generate_series(1, 5) AS n")
        other.execute("SET statement_timeout = '5s'")
        other.execute("INSERT INTO app.docs VALUES (6, 't', 'six')")
        one.execute("COMMIT")
    figures = "SELECT sum(rows), sum(chunks_embedded), sum(calls) FROM embed.run_stats"
    # Of ten seconds at least, of two minutes at most.
    seen = "SELECT round(rows_per_second * 60) BETWEEN 3 AND 36, errors FROM embed.status"
    assert stage.bench.run(seen) == [(True, 0)]
    stage.bench.worker.rows("SELECT embed.tidy()")
    assert stage.bench.run(figures) == [(6, 6, 6)]
    assert stage.bench.value("SELECT count(*) FROM embed.run_note") == 0
    stage.model.storm = 1.0
    stage.bench.run("INSERT INTO app.docs VALUES (7, 't', 'seven')")
    assert stage.bench.run(seen) == [(True, 1)]
