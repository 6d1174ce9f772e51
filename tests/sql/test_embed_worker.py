"""The worker's functions: what is kept by hash, failures by class, the circuit, the limiter, the figures."""

import json
import time
from typing import Any

import psycopg
import pytest

from tests.sql.cases import failure
from tests.sql.embed_cases import Bench, digest, vector

LIMITER = "http/http://model.test/fake"


def fail(bench: Bench, vectorizer: int, kind: str, *, count: int = 100, delay: float | None = None) -> dict[str, str]:
    claim = bench.worker.claim(vectorizer, count=count)
    rows = bench.worker.rows(
        "SELECT * FROM embed.fail(%s, 1, %s, %s, %s, 'it said no', %s)",
        vectorizer,
        claim.keys,
        claim.leases,
        kind,
        delay,
    )
    return {row["key"]: row["outcome"] for row in rows}


def test_unchanged_chunks_are_not_embedded_again(bench: Bench) -> None:
    """One paragraph of fifty: one chunk. One put before them all: one chunk."""
    bench.docs()
    docs = bench.vectorizer()
    paragraphs = [f"paragraph {n}" for n in range(50)]
    bench.run("INSERT INTO app.docs VALUES (1, 't', %s)", "\n\n".join(paragraphs))
    bench.worker.drain(docs)
    assert len(bench.worker.embedded) == 50
    for change in (
        lambda: paragraphs.__setitem__(20, "edited"),
        lambda: paragraphs.insert(0, "first"),
        lambda: paragraphs.pop(7),
    ):
        bench.worker.embedded.clear()
        change()
        bench.run("UPDATE app.docs SET body = %s", "\n\n".join(paragraphs))
        bench.worker.drain(docs)
        assert len(bench.worker.embedded) <= 1
        assert bench.run("SELECT chunk_number, chunk, embedding::text FROM embeddings.docs ORDER BY 1") == [
            (n, text, vector(text)) for n, text in enumerate(paragraphs)
        ]
    bench.run("UPDATE app.docs SET body = NULL")
    assert bench.worker.drain(docs) == 1
    assert bench.value("SELECT count(*) FROM embeddings.docs") == 0
    assert bench.reconciled() == (0, 0, 0, 0)


def test_a_chunk_that_stays_in_its_place_is_not_written(bench: Bench) -> None:
    bench.docs()
    docs = bench.vectorizer()
    bench.run("INSERT INTO app.docs VALUES (1, 't', E'a\n\nb')")
    bench.worker.drain(docs)
    before = bench.run("SELECT ctid::text FROM embeddings.docs_generation_1 ORDER BY chunk_number")
    bench.run("UPDATE app.docs SET body = E'a\n\nc'")
    bench.worker.drain(docs)
    after = bench.run("SELECT ctid::text FROM embeddings.docs_generation_1 ORDER BY chunk_number")
    assert (after[0], after[1] != before[1]) == (before[0], True)


def test_a_vector_to_keep_that_is_not_stored(bench: Bench) -> None:
    bench.docs(1)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    claim = bench.worker.read(bench.worker.claim(docs))
    items = bench.worker.items(claim)
    items[0]["chunks"][0]["embedding"] = None
    assert bench.worker.finish(claim, items) == {"[1]": "incomplete"}
    assert bench.value("SELECT count(*) FROM embeddings.docs") == 0
    assert bench.worker.drain(docs) == 1


def test_a_wrong_dimension_writes_nothing(bench: Bench) -> None:
    bench.docs(2)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    claim = bench.worker.read(bench.worker.claim(docs))
    with pytest.raises(psycopg.Error, match="expected 3 dimensions, not 4"):
        bench.worker.finish(claim, dimension=4)
    assert bench.value("SELECT count(*) FROM embeddings.docs") == 0
    assert set(bench.worker.finish(claim).values()) == {"done"}


def test_white_space_is_nothing_to_embed(bench: Bench) -> None:
    bench.docs()
    docs = bench.vectorizer()
    bench.run("INSERT INTO app.docs VALUES (1, 't', E' \n\t '), (2, 't', NULL), (3, 't', '')")
    claim = bench.worker.read(bench.worker.claim(docs))
    assert [claim.contents[f"[{n}]"]["content"] for n in (1, 2, 3)] == [None, None, None]
    assert set(bench.worker.finish(claim).values()) == {"done"}
    assert bench.reconciled() == (0, 0, 0, 0)


def test_the_template_s_columns_count_as_content(bench: Bench) -> None:
    bench.docs(1)
    docs = bench.vectorizer(template="'$title: $chunk'")
    bench.worker.drain(docs)
    config = bench.value("SELECT embed.query_model('docs')")
    assert (config["template"], config["fields"], config["limiter"]) == ("$title: $chunk", ["title"], LIMITER)
    bench.run("UPDATE app.docs SET views = 5")
    assert bench.work() == []
    bench.run("UPDATE app.docs SET title = 'another'")
    claim = bench.worker.read(bench.worker.claim(docs))
    assert claim.contents["[1]"]["fields"] == {"title": "another"}


def test_transient_failures_wait_longer_each_time_and_end(bench: Bench) -> None:
    bench.docs(1)
    docs = bench.vectorizer(limits="embed.limits(max_attempts => 3)")
    bench.worker.advance(docs)
    assert fail(bench, docs, "transient") == {"[1]": "retry"}
    attempts, wait, error = bench.run(
        "SELECT attempts, extract(epoch FROM not_before - clock_timestamp())::float8, last_error FROM embed.work"
    )[0]
    assert (attempts, error) == (1, "it said no")
    assert 0.8 < wait <= 2
    assert bench.run("SELECT pending, leased, delayed, retrying FROM embed.status") == [(1, 0, 1, 1)]
    bench.run("UPDATE embed.work SET not_before = now()")
    assert fail(bench, docs, "transient", delay=0) == {"[1]": "retry"}
    assert fail(bench, docs, "transient") == {"[1]": "dead"}
    assert bench.run("SELECT key, attempts, class, reason FROM embed.dead") == [("[1]", 3, "transient", "it said no")]
    assert bench.run("SELECT dead, dead_reason, pending, coverage FROM embed.status") == [
        (1, "transient: it said no", 0, 0.0)
    ]
    # Known, so nothing that reconciliation would find.
    assert bench.reconciled(repair="true") == (0, 0, 0, 0)
    assert bench.value("SELECT embed.retry_dead('docs')") == 1
    assert bench.worker.drain(docs) == 1
    assert bench.value("SELECT count(*) FROM embed.dead") == 0


def test_poison_is_dead_until_its_row_changes(bench: Bench) -> None:
    bench.docs(2)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    assert fail(bench, docs, "poison", count=1) == {"[1]": "dead"}
    assert bench.worker.drain(docs) == 1
    bench.run("UPDATE app.docs SET body = 'harmless' WHERE id = 1")
    assert bench.worker.drain(docs) == 1
    assert bench.value("SELECT count(*) FROM embed.dead") == 0


def test_a_failure_of_what_the_row_was_before_counts_nothing(bench: Bench) -> None:
    bench.docs(1)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    claim = bench.worker.claim(docs)
    bench.run("UPDATE app.docs SET body = 'harmless'")
    assert bench.worker.rows(
        "SELECT * FROM embed.fail(%s, 1, %s, %s, 'poison', 'x')", docs, claim.keys, claim.leases
    ) == [{"key": "[1]", "outcome": "lost"}]
    assert bench.worker.drain(docs) == 1


def test_the_circuit(bench: Bench) -> None:
    """Opened by what is not set up; one probe after a while; closed by what succeeds, or by hand. Others go on."""
    bench.docs(2)
    docs = bench.vectorizer()
    bench.vectorizer("others")
    bench.worker.advance(docs)
    bench.worker.claim(docs, count=1)
    assert fail(bench, docs, "configuration") == {"[2]": "retry"}
    assert bench.run("SELECT name, state, circuit FROM embed.status ORDER BY name") == [
        ("docs", "circuit", "it said no"),
        ("others", "active", None),
    ]
    assert bench.run("SELECT attempts FROM embed.work WHERE vectorizer_id = %s", docs) == [(0,), (0,)]
    assert [row["config"]["name"] for row in bench.worker.available()] == ["others"]
    bench.run("UPDATE embed.generation SET circuit_until = now()")
    assert [row["config"]["name"] for row in bench.worker.available()] == ["docs", "others"]
    assert [row["config"]["name"] for row in bench.worker.available()] == ["others"]
    claim = bench.worker.read(bench.worker.claim(docs))
    assert bench.worker.finish(claim) == {"[2]": "done"}
    assert bench.run("SELECT DISTINCT state FROM embed.status") == [("active",)]
    fail(bench, docs, "configuration")
    bench.run("UPDATE embed.work SET not_before = now(), lease = NULL")
    fail(bench, docs, "configuration")
    bench.run("SELECT embed.resume('docs')")
    assert bench.run("SELECT DISTINCT state FROM embed.status") == [("active",)]


def test_pause_and_resume(bench: Bench) -> None:
    bench.docs(1)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    bench.run("SELECT embed.pause('docs')")
    bench.run("INSERT INTO app.docs VALUES (2, 't', 'b')")
    assert (bench.worker.available(), bench.worker.claim(docs).rows) == ([], [])
    assert bench.value("SELECT state FROM embed.status") == "paused"
    bench.run("SELECT embed.resume('docs')")
    assert bench.worker.available()[0]["pending"] == 2
    assert bench.worker.drain(docs) == 2


def test_changes_come_before_backfill(bench: Bench) -> None:
    bench.docs(20)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    bench.run("UPDATE app.docs SET body = 'now' WHERE id = 17")
    assert bench.worker.claim(docs, count=1).keys == ["[17]"]


def test_release_and_renew(bench: Bench) -> None:
    bench.docs(2)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    claim = bench.worker.claim(docs, lease=2)
    assert bench.worker.rows("SELECT embed.renew(%s, 1, %s, %s, 600) AS key", docs, claim.keys, claim.leases) == [
        {"key": "[1]"},
        {"key": "[2]"},
    ]
    assert bench.value("SELECT min(lease_until - clock_timestamp()) > '9 minutes' FROM embed.work")
    assert bench.run("SELECT pending, leased FROM embed.status") == [(2, 2)]
    assert bench.worker.rows("SELECT embed.release(%s, 1, %s, %s) AS n", docs, claim.keys, claim.leases) == [{"n": 2}]
    assert bench.worker.claim(docs).keys == ["[1]", "[2]"]


def test_a_worker_may_only_what_it_needs(bench: Bench) -> None:
    bench.docs(1)
    bench.vectorizer()
    for statement in (
        "SELECT * FROM embed.work",
        "SELECT * FROM app.docs",
        "SELECT embed.pause('docs')",
        "SELECT embed.drop_vectorizer('docs')",
        "SELECT * FROM embeddings.docs",
    ):
        assert failure(bench.worker.connection, statement)[0] == "42501"


def permits(bench: Bench, wanted: int, purpose: str = "document") -> tuple[int, float]:
    row = bench.worker.rows("SELECT * FROM embed.permits(%s, %s, %s)", LIMITER, wanted, purpose)[0]
    return row["granted"], row["wait_seconds"]


def test_the_limiter_grants_the_rate(bench: Bench) -> None:
    bench.docs()
    bench.vectorizer(limits="embed.limits(requests_per_minute => 6000)")
    started = time.monotonic()
    bench.run("UPDATE embed.limiter SET tokens = 0, filled_at = clock_timestamp()")
    granted = 0
    while time.monotonic() - started < 1:
        granted += permits(bench, 50)[0]
    elapsed = time.monotonic() - started  # of a busy machine more than a second
    # A hundred a second, less two percent.
    assert 85 * elapsed <= granted <= 98 * elapsed
    assert bench.run("SELECT rate_per_minute, quota_per_minute FROM embed.status") == [(6000.0, 6000.0)]


def test_a_query_may_borrow(bench: Bench) -> None:
    bench.docs()
    bench.vectorizer(limits="embed.limits(requests_per_minute => 60)")
    assert permits(bench, 1) == (1, 0)
    granted, wait = permits(bench, 1)
    assert granted == 0
    assert 0.5 < wait < 1.1
    assert permits(bench, 1, "query") == (1, 0)
    granted, wait = permits(bench, 1)
    assert granted == 0
    assert 1.5 < wait < 2.1
    bench.worker.rows("SELECT embed.return_permits(%s, 1)", LIMITER)
    assert permits(bench, 1)[1] < 1.1


def test_a_throttle_halves_the_rate_once_and_it_comes_back(bench: Bench) -> None:
    bench.docs(3)
    docs = bench.vectorizer(limits="embed.limits(requests_per_minute => 6000)")
    bench.worker.advance(docs)
    assert fail(bench, docs, "throttle", count=2) == {"[1]": "retry", "[2]": "retry"}
    assert fail(bench, docs, "throttle") == {"[3]": "retry"}
    assert bench.run("SELECT rate, wall, throttles FROM embed.limiter") == [(3000.0, 6000.0, 2)]
    assert bench.run("SELECT DISTINCT attempts FROM embed.work") == [(0,)]
    rates = bench.run(
        "SELECT embed.grown_rate(l, s.at) FROM (SELECT '2026-01-01'::timestamptz) AS t(at) "
        "CROSS JOIN LATERAL (SELECT t.at + make_interval(secs => s) FROM unnest(ARRAY[0.5, 2, 4, 20, 120, 300]) AS s) AS s(at) "
        "CROSS JOIN LATERAL jsonb_populate_record((SELECT l FROM embed.limiter AS l), "
        "jsonb_build_object('throttled_at', t.at, 'grown_at', t.at, 'wanting_at', s.at)) AS l"
    )
    # A second's rest, two of recovery, then slowly, and after a minute faster, never above the quota.
    assert rates == [(3000,), (4350,), (5700,), (5700,), (6000,), (6000,)]
    # Nothing is grown that nobody asked for.
    bench.run("UPDATE embed.limiter SET rate = 3000, wanting_at = clock_timestamp() - interval '1 minute', tokens = 1")
    permits(bench, 1)
    assert bench.value("SELECT rate FROM embed.limiter") == 3000


def test_figures(bench: Bench) -> None:
    bench.docs(4)
    docs = bench.vectorizer()
    bench.worker.advance(docs)
    bench.worker.finish(bench.worker.read(bench.worker.claim(docs, count=3)))
    for _ in range(2):
        stats: dict[str, Any] = {
            "rows": 300,
            "chunks_embedded": 30,
            "chunks_kept": 10,
            "tokens": 6000,
            "calls": 2,
            "throttles": 1,
        }
        bench.worker.rows("SELECT embed.record(%s, 1, %s)", docs, json.dumps(stats))
    row = bench.worker.rows("SELECT * FROM embed.status")[0]
    assert (row["pending"], row["source_rows"], row["embedded_rows"], row["coverage"]) == (1, 4, 3, 0.75)
    assert (row["model"], row["destination"], row["delivery"], row["state"]) == ("fake", "table", "scheduled", "active")
    # Of the time since the first minute with work, and of no less than ten seconds.
    assert 600 / 120 <= row["rows_per_second"] <= 600 / 10
    assert 12000 / 120 <= row["tokens_per_second"] <= 12000 / 10
    assert (row["throttles"], row["chunks_kept_ratio"], row["missing"]) == (2, 0.25, None)
    assert row["oldest_age"].total_seconds() < 10
    assert digest("x") != digest("y")


@pytest.mark.parametrize("kind", ["vector", "halfvec"])
def test_search(bench: Bench, kind: str) -> None:
    bench.docs(30)
    docs = bench.vectorizer(destination=f"embed.to_table(type => '{kind}', distance => 'euclidean')")
    bench.worker.drain(docs)
    query = vector("body 4")
    found = bench.run("SELECT key, chunk_number, chunk, distance FROM embed.search('docs', %s, 3)", query)
    assert found[0] == ([4], 0, "body 4", 0.0)
    assert len(found) == 3
    assert found[1][3] <= found[2][3]
    # What changed or is gone is left out at once, and others take its place.
    bench.run("UPDATE app.docs SET body = 'changed' WHERE id = 4")
    bench.run("DELETE FROM app.docs WHERE id = %s", found[1][0][0])
    later = bench.run("SELECT key FROM embed.search('docs', %s, 3)", query)
    assert (len(later), later[0][0]) == (3, found[2][0])
    bench.run("UPDATE app.docs SET body = 'all' WHERE id <> 30")
    assert bench.run("SELECT key FROM embed.search('docs', %s, 3)", query) == [([30],)]
    assert failure(bench.owner, "SELECT * FROM embed.search('docs', '[1,2]')")[:2] == (
        "22023",
        "embed.search: query_vector has 2 dimensions, the live generation of docs has 3",
    )


def test_the_column_destination(bench: Bench) -> None:
    bench.docs(3)
    bench.run("ALTER TABLE app.docs ADD COLUMN vec public.vector(3)")
    docs = bench.vectorizer(destination="embed.to_column('vec')")
    bench.worker.drain(docs)
    assert bench.run("SELECT id, vec::text FROM app.docs ORDER BY id") == [(n, vector(f"body {n}")) for n in (1, 2, 3)]
    assert bench.work() == []
    assert bench.reconciled() == (0, 0, 0, 0)
    assert bench.run("SELECT key, chunk FROM embed.search('docs', %s, 1)", vector("body 2")) == [([2], "body 2")]
    # A user holds row 1 by a column of no interest: no wait, and the result is kept.
    bench.run("UPDATE app.docs SET body = 'b' || id")
    claim = bench.worker.read(bench.worker.claim(docs))
    items = bench.worker.items(claim)
    with bench.session() as user, user.transaction():
        user.execute("UPDATE app.docs SET views = 9 WHERE id = 1")
        assert bench.worker.finish(claim, items) == {"[1]": "locked", "[2]": "done", "[3]": "done"}
    assert bench.worker.finish(claim, items[:1]) == {"[1]": "done"}
    with bench.session() as user, user.transaction(force_rollback=True):
        user.execute("LOCK TABLE app.docs IN ACCESS EXCLUSIVE MODE")
        assert bench.worker.finish(claim, items[:1]) == {"[1]": "locked"}
    bench.run("DELETE FROM app.docs WHERE id = 1; UPDATE app.docs SET body = NULL WHERE id = 2")
    assert bench.worker.drain(docs) == 2
    assert bench.run("SELECT id, vec IS NULL FROM app.docs ORDER BY id") == [(2, True), (3, False)]
    bench.run("UPDATE app.docs SET vec = NULL")
    assert bench.reconciled(repair="true") == (1, 0, 0, 1)
    assert bench.worker.drain(docs) == 1
    assert bench.reconciled() == (0, 0, 0, 0)
