"""A run that is killed at any moment is continued by the next; one that is asked to stop stops."""

import os
import random
import signal
import sys
import time

import psycopg
import pytest

from vectordb.database import migrate, sqlfiles
from vectordb.database.execution import run

from .conftest import VALUES

HEADER = "-- vectordb: no-transaction\n"
OTHERS = "select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"


def apply_in_a_child(database):
    """Fork: a child that is killed has made its own connection and shares nothing else with this process."""
    files = sqlfiles.discover(database.folder)
    child = os.fork()
    if child:
        return child
    try:
        migrate.apply(database.connect, files, VALUES, timeout=20, say=lambda _: None)
        os._exit(0)
    finally:
        os._exit(1)


def lay_slow_files(database):
    database.write(
        "versioned/001_t.sql",
        "create table runs (file int); create table t (x int); insert into t select generate_series(1, 20000)",
    )
    for number in (2, 3, 5, 6):
        database.write(
            f"versioned/{number:03d}_t.sql",
            f"insert into runs values ({number}); select pg_sleep(0.015); create table t{number} (); select pg_sleep(0.015)",
        )
    database.write(
        "versioned/004_i.sql", HEADER + "create index concurrently if not exists i on t (x); select pg_sleep(0.02)"
    )
    database.write(
        "repeatable/f.sql",
        "create or replace function f() returns int language sql as 'select 1'; insert into runs values (100)",
    )


def kill_at(make_database, moments, seed):
    """Kill an apply at moments spread over its whole run; after each the next run continues, and ledger and schema agree."""
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    sys.stdout.write(f"the moments come from seed {seed}\n")  # shown when it fails
    reached = set()
    undisturbed = make_database()
    lay_slow_files(undisturbed)
    started = time.monotonic()
    os.waitpid(apply_in_a_child(undisturbed), 0)
    whole = time.monotonic() - started
    for moment in range(moments):
        database = make_database()
        lay_slow_files(database)
        child = apply_in_a_child(database)
        time.sleep((moment + chance.random()) / moments * whole)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while database.rows(OTHERS):  # what the server had begun when its client went
            time.sleep(0.005)
        before = database.rows("select to_regclass('vectordb.migrations') is not null")[0][0]
        done = database.ledger() if before else []
        reached.add(len(done))
        summary = database.apply()
        assert done + summary.applied == [
            "versioned/001_t.sql", "versioned/002_t.sql", "versioned/003_t.sql", "versioned/004_i.sql", "versioned/005_t.sql",
            "versioned/006_t.sql", "repeatable/f.sql",
        ]  # fmt: skip
        assert summary.unchanged == len(done)
        assert database.rows("select file from runs order by file") == [(2,), (3,), (5,), (6,), (100,)]
        assert database.rows("select indisvalid from pg_index where indexrelid = 'i'::regclass") == [(True,)]
        assert database.rows("select f(), to_regclass('t6')::text") == [(1, "t6")]
    return reached


def test_killed_at_ten_random_moments_the_next_run_continues(make_database):
    reached = kill_at(make_database, 10, 20261121)
    assert len(reached) > 1, f"the moments were not spread: {reached}"


@pytest.mark.long
def test_killed_at_fifty_random_moments_the_next_run_continues(make_database):
    assert len(kill_at(make_database, 50, random.SystemRandom().randrange(1 << 32))) > 3


def test_killed_inside_a_concurrent_build_the_next_run_builds_anew(database):
    database.write("versioned/001_t.sql", "create table t (x int)")
    database.apply()
    database.write("versioned/002_i.sql", HEADER + "create index concurrently if not exists i on t (x)")
    older = database.open()
    older.execute(
        "begin isolation level repeatable read; select count(*) from t"
    )  # the build waits for this transaction
    child = apply_in_a_child(database)
    while not database.rows(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'create index%%'"
    ):
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert database.rows("select indisvalid from pg_index where indexrelid = 'i'::regclass") == [(False,)]
    older.close()
    assert database.apply().applied == ["versioned/002_i.sql"]
    assert database.rows("select indisvalid from pg_index where indexrelid = 'i'::regclass") == [(True,)]


def test_a_client_that_is_gone_lets_go_within_two_seconds(database):
    """The server looks every second whether the client is there, so its lock and its transaction do not outlive it for long."""
    database.write("versioned/001_t.sql", "select pg_sleep(600)")
    child = apply_in_a_child(database)
    running = (
        "select 1 from pg_stat_activity where datname = current_database() and query like 'select pg_sleep(600)%%'"
    )
    while not database.rows(running):
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    deadline = time.monotonic() + 2.5
    while database.rows(running) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert database.rows(running) == []


def test_an_interrupt_cancels_the_statement_in_the_server(database):
    with database.connect() as opened:
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        started = time.monotonic()
        try:
            with pytest.raises(KeyboardInterrupt), opened.transaction():
                run(opened, "create table t (); select pg_sleep(600)")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        assert time.monotonic() - started < 2
        assert opened.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert database.rows("select to_regclass('t')") == [(None,)]
    assert (
        database.rows(
            "select query from pg_stat_activity where datname = current_database() and state = 'active' and pid <> pg_backend_pid()"
        )
        == []
    )
