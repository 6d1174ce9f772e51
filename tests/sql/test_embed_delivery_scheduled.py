"""Delivery scheduled: a job of pg_cron, where the server has it, calls the worker when there is work."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.sql import embed_cases, embed_delivery
from tests.sql.cases import PASSWORD
from tests.sql.conftest import Database
from tests.sql.doubles import Lambda, S3Vectors
from tests.sql.embed_delivery import Stage
from vectordb.local.postgres import PostgresServer, bootstrap
from vectordb.local.postgres.cron import CronScheduler, scheduler
from vectordb.local.postgres.spool import SpoolWorker

SETTINGS = {"shared_preload_libraries": "pg_stat_statements,pg_cron", "cron.database_name": "vectordb"}
SCHEDULED = "embed.deliver_scheduled('1 second')"


@pytest.fixture(scope="module")
def with_cron(tmp_path_factory: Any, runtimes: Path, lambda_: Lambda, vectors: S3Vectors) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("cron")
    with PostgresServer(folder / "data", endpoint=lambda_.endpoint, settings=SETTINGS, runtimes=runtimes) as server:
        worker = SpoolWorker(server.spool_folder, lambda_.endpoint) if server.transport == "spool" else None
        if worker:
            worker.start()
        bootstrap(server, database="vectordb", master="vectordb_admin", password=PASSWORD)
        database = Database(server, lambda_, vectors)
        database.apply(function_arn="", indexes=[])
        with database.login("vectordb_admin") as admin:
            admin.execute("CREATE EXTENSION pg_cron; GRANT USAGE ON SCHEMA cron TO operator")
        yield database
        if worker:
            worker.stop()


@pytest.fixture
def cron(with_cron: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with embed_cases.opened(with_cron) as bench, embed_delivery.staged(bench, monkeypatch) as stage:
        bench.run("DELETE FROM cron.job; DELETE FROM cron.job_run_details")
        yield stage


def jobs(stage: Stage) -> list[tuple[Any, ...]]:
    return stage.bench.run("SELECT jobname, schedule, command, username, database FROM cron.job ORDER BY jobid")


def test_a_job_comes_changes_and_goes_with_the_delivery(cron: Stage) -> None:
    docs = cron.docs("embed.deliver_scheduled('30 seconds')")
    job = (f"embed_{docs}", "30 seconds", f"SELECT embed.run_job({docs})", "vectordb_admin", "vectordb")
    assert jobs(cron) == [job]
    cron.deliver("embed.deliver_scheduled('10 minutes')")
    assert jobs(cron) == [(job[0], "*/10 * * * *", *job[2:])]
    cron.deliver("embed.deliver_event()")
    assert jobs(cron) == []
    cron.deliver("embed.deliver_scheduled('1 minute')")
    assert [schedule for _, schedule, *_ in jobs(cron)] == ["*/1 * * * *"]


def test_the_job_calls_the_worker_when_there_is_work_and_goes_when_it_is_stray(cron: Stage) -> None:
    docs = cron.docs(SCHEDULED)
    with (
        mock.patch.object(scheduler, "_LOOK", 0.1),
        CronScheduler(cron.bench.database.server.socket_directory, guarded=cron.bench.database.server.transport == "c"),
    ):
        said = "SELECT DISTINCT status, return_message FROM cron.job_run_details WHERE end_time IS NOT NULL"
        wait(lambda: cron.bench.run(said) != [])
        assert cron.bells == []
        cron.bench.run("INSERT INTO app.docs VALUES (1, 't', 'one')")
        wait(lambda: cron.bells != [])
        assert set(map(str, cron.bells)) == {str({"vectorizer": docs})}
        assert cron.answer_bells() == 1
        assert cron.bench.run(said) == [("succeeded", "SELECT 1")]
        # Dropped by somebody who cannot see the job: it takes itself off.
        cron.bench.run("SELECT embed.drop_vectorizer('docs')")
        wait(lambda: jobs(cron) == [])


def test_who_may_not_use_pg_cron_gets_no_job(cron: Stage) -> None:
    cron.bench.docs()
    cron.bench.run(
        "GRANT vectordb_owner TO analyst; GRANT USAGE ON SCHEMA app TO analyst, vectordb_owner WITH GRANT OPTION"
    )
    cron.bench.run("GRANT SELECT, TRIGGER ON app.docs TO analyst; GRANT SELECT ON app.docs TO vectordb_owner")
    with cron.bench.database.login("analyst") as analyst:
        analyst.execute(
            f"SELECT embed.create_vectorizer('docs', 'app.docs', 'body', embedding => {embed_delivery.TITAN}, delivery => {SCHEDULED})"
        )
    cron.bench.run("REVOKE vectordb_owner FROM analyst")
    assert jobs(cron) == []


@pytest.mark.parametrize(
    ("seconds", "schedule"),
    [
        (1, "1 seconds"),
        (59, "59 seconds"),
        (60, "*/1 * * * *"),
        (90, "*/1 * * * *"),
        (2700, "*/30 * * * *"),
        (3600, "0 */1 * * *"),
        (50000, "0 */12 * * *"),
        (86400, "0 0 * * *"),
    ],
)
def test_schedules_are_never_more_seldom_than_asked_for(stage: Stage, seconds: int, schedule: str) -> None:
    assert stage.bench.value("SELECT embed.cron_schedule(%s)", seconds) == schedule


def wait(come_true: Any) -> None:
    until = time.monotonic() + 10
    while not come_true():
        assert time.monotonic() < until
        time.sleep(0.05)
