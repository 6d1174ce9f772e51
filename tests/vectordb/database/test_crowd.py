"""Many appliers at once, more than the database takes: each file runs once, and nobody fails."""

import threading
from dataclasses import replace

from vectordb.database import access, migrate, sqlfiles
from vectordb.database.talk import Deadline

from .conftest import MASTER, PASSWORD, VALUES, Password

FILES = 6


def lay_files(database, *, seconds):
    database.write("versioned/001_a.sql", f"create table runs (x int); select pg_sleep({seconds})")
    for number in range(2, FILES):
        text = f"insert into runs values ({number}); create table t{number} ()"
        database.write(f"versioned/{number:03d}_b.sql", text)
    database.write(
        "repeatable/c.sql",
        "create or replace function f() returns int language sql as 'select 1'; insert into runs values (6)",
    )


def crowd(database, settings, appliers):
    """Each applier on connections of its own, through the TLS front, begun at the same moment."""
    target = replace(settings, database=database.name)
    results, failures, begin = [], [], threading.Barrier(appliers)

    def work():
        said = []
        begin.wait()
        try:
            summary = migrate.apply(
                lambda: access.opened(target, Password(PASSWORD), deadline=Deadline(240), say=said.append),
                sqlfiles.discover(database.folder), VALUES, timeout=240, say=said.append,
            )  # fmt: skip
            results.append((summary, said))
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(appliers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(results) == appliers
    applied = sorted(file for summary, _ in results for file in summary.applied)
    assert applied == sorted(database.ledger())
    assert len(applied) == FILES
    assert {len(summary.applied) + summary.unchanged for summary, _ in results} == {FILES}
    assert database.rows("select x from runs order by x") == [(2,), (3,), (4,), (5,), (6,)]
    return sum(any("no connection free" in line for line in said) for _, said in results)


def test_thirty_appliers_and_eight_connections(database, settings):
    lay_files(database, seconds=0.05)
    with database.server.superuser_connection() as superuser:
        superuser.execute(f"alter role {MASTER} connection limit 8")
    try:
        waited = crowd(database, settings, 30)
    finally:
        with database.server.superuser_connection() as superuser:
            superuser.execute(f"alter role {MASTER} connection limit -1")
    assert waited > 0, "the limit was never met, so nothing was shown"


def test_two_hundred_appliers_and_a_hundred_connections(database, settings):
    assert database.rows("show max_connections") == [("100",)]
    lay_files(database, seconds=2)  # long enough for all to come
    assert crowd(database, settings, 200) > 50
