"""Files whose statements stand alone, and what an interrupted concurrent build leaves."""

import threading
import time

import pytest

from vectordb.database import extensions, indexes
from vectordb.database.extensions import Extensions
from vectordb.errors import VectordbError

HEADER = "-- vectordb: no-transaction\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("create index concurrently a on t (x)", ["a"]),
        ('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS A ON t (x); create index concurrently "B""c" on t (y)', ["a", 'B"c']),
        ("create /* here */ index -- and\n concurrently if not exists a on only s.t using hnsw (x vector_l2_ops)", ["a"]),
        ("create index concurrently on t (x)", []),
        ("create index a on t (x); drop index concurrently b; select 'create index concurrently c on t (x)'", []),
    ],
)  # fmt: skip
def test_the_indexes_of_a_text(text, names):
    assert indexes.built_concurrently(text) == names


def test_each_statement_runs_by_itself(database):
    database.write("versioned/001_t.sql", "create table t (x int)")
    database.write(
        "versioned/002_i.sql", HEADER + "create index concurrently if not exists i on t (x);\nvacuum t;\nselect ';';"
    )
    assert database.apply().applied == ["versioned/001_t.sql", "versioned/002_i.sql"]
    assert database.rows("select indisvalid from pg_index where indexrelid = 'i'::regclass") == [(True,)]
    assert database.apply().applied == []


def test_a_failed_statement_keeps_what_ran_before_and_names_its_place(database):
    path = database.write(
        "versioned/001_t.sql", HEADER + "create table if not exists t (x int);\n  create table u (x nope);"
    )
    with pytest.raises(VectordbError) as caught:
        database.apply()
    assert caught.value.message.splitlines()[0] == f'{path}:3:21: ERROR 42704: type "nope" does not exist'
    assert caught.value.remedy.startswith("What ran before this statement was kept; the file runs again from its top.")
    assert database.rows("select to_regclass('t')::text, to_regclass('u')") == [("t", None)]
    assert database.ledger() == []
    path.write_text(HEADER + "create table if not exists t (x int);\n  create table u (x int);")
    assert database.apply().applied == ["versioned/001_t.sql"]


def test_a_failed_build_is_told_as_invalid_and_built_anew(database):
    database.write("versioned/001_t.sql", "create table t (x int); insert into t values (1), (1)")
    database.write("versioned/002_i.sql", HEADER + "create unique index concurrently if not exists i on t (x)")
    with pytest.raises(VectordbError) as caught:
        database.apply()
    assert (
        caught.value.message.splitlines()[-1]
        == "  The failed build left an INVALID index, which no query uses: public.i"
    )
    assert "DROP INDEX CONCURRENTLY public.i;" in caught.value.remedy
    database.rows("delete from t where ctid = (select min(ctid) from t) returning 1")
    assert database.apply().applied == ["versioned/002_i.sql"]
    assert "versioned/002_i.sql: removing public.i, which an interrupted build left INVALID" in database.said
    assert database.rows("select indisvalid from pg_index where indexrelid = 'i'::regclass") == [(True,)]


def test_a_transaction_that_a_file_leaves_open_is_ended(database):
    database.write(
        "versioned/001_t.sql", HEADER + "create table if not exists t (x int); begin; insert into t values (1)"
    )
    assert database.apply().applied == ["versioned/001_t.sql"]
    assert database.rows("select * from t") == []
    assert database.ledger() == ["versioned/001_t.sql"]


def test_waiting_for_the_lock_does_not_stop_a_concurrent_build(database):
    """A session that waited inside the server would hold a snapshot that the build waits for."""
    database.write("versioned/001_t.sql", "create table t (x int)")
    database.write("versioned/002_i.sql", HEADER + "select pg_sleep(0.3);\ncreate index concurrently i on t (x)")
    results = []
    threads = [threading.Thread(target=lambda: results.append(database.apply().applied)) for _ in range(4)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, results)) == [0, 0, 0, 2]
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("installed", "available", "unsafe"),
    [
        ({"vector": "0.8.1"}, {"vector": "0.8.2"}, True),
        ({"vector": "0.8.2"}, {"vector": "0.8.2"}, False),
        ({"vector": "0.10.0"}, {"vector": "0.10.0"}, False),
        ({}, {"vector": "0.8.1"}, True),  # it is about to be created
        ({}, {"vector": "0.8.5"}, False),
        ({}, {}, False),
    ],
)
def test_pgvector_below_0_8_2_is_unsafe(installed, available, unsafe):
    assert Extensions(installed, available).pgvector_is_unsafe() is unsafe


def test_the_warnings_name_the_hole_and_the_upgrade():
    first, second = Extensions({"vector": "0.8.1"}, {"vector": "0.8.2"}).warnings()
    assert first.startswith("warning: pgvector 0.8.1 has CVE-2026-3172 (fixed in 0.8.2)")
    assert (
        second == "note: vector 0.8.1 is installed, 0.8.2 is available: put ALTER EXTENSION vector UPDATE into a file"
    )
    assert Extensions({"vector": "0.8.2"}, {"vector": "0.8.2"}).warnings() == []


def test_indexes_are_built_serially_while_pgvector_is_unsafe(database, monkeypatch):
    monkeypatch.setattr(extensions, "SAFE_PGVECTOR", (99,))
    show = "select current_setting('max_parallel_maintenance_workers')"
    database.write("versioned/001_a.sql", f"create extension vector; create table seen as {show} as workers")
    database.write("versioned/002_b.sql", f"{HEADER}insert into seen {show}")
    database.apply()
    assert database.rows("select workers from seen") == [("0",), ("0",)]
    assert any("CVE-2026-3172" in line for line in database.said)


def test_a_safe_pgvector_builds_in_parallel_and_says_nothing(database):
    database.write(
        "versioned/001_a.sql",
        "create extension vector; create table seen as select current_setting('max_parallel_maintenance_workers') as workers",
    )
    summary = database.apply()
    assert database.rows("select workers from seen") == [("2",)]
    assert set(summary.versions) == {"plpgsql", "vector"}
    assert database.said == [line for line in database.said if line.startswith("applied ")]
