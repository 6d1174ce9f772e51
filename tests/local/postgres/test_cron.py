"""pg_cron: the extension, and its scheduler beside a server."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest
from psycopg import errors

from vectordb.local.postgres import PostgresServer, bootstrap
from vectordb.local.postgres.cron import CronScheduler, scheduler

from .conftest import DATABASE, MASTER, PASSWORD, require_compiler
from .test_cron_schedule import NO_SCHEDULES, SCHEDULES

SETTINGS = {"shared_preload_libraries": "pg_stat_statements,pg_cron", "cron.database_name": DATABASE}
SOON = 4.0  # seconds: a look, an interval of one second, and a slow machine


@dataclass
class Cron:
    server: PostgresServer

    def connect(
        self, user: str = MASTER, password: str = PASSWORD, dbname: str = DATABASE
    ) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host=str(self.server.socket_directory), user=user, password=password, dbname=dbname, autocommit=True
        )

    def execute(self, query: str, *parameters: Any, user: str = MASTER) -> list[Any]:
        with self.connect(user, PASSWORD) as connection:
            cursor = connection.execute(query.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def runs(self, job: int, condition: str = "true", *, count: int = 1, within: float = SOON) -> list[Any]:
        """(status, message) of a job's runs that fit, once there are as many."""
        deadline = time.monotonic() + within
        query = (
            f"SELECT status, return_message FROM cron.job_run_details WHERE jobid = %s AND {condition} ORDER BY runid"
        )
        while len(found := self.execute(query, job)) < count:
            assert time.monotonic() < deadline, self.execute("SELECT * FROM cron.job_run_details WHERE jobid = %s", job)
            time.sleep(0.05)
        return found

    def once(self, *commands: str, user: str = MASTER) -> list[Any]:
        """(status, message) of the first run of each command."""
        jobs = [
            self.execute("SELECT cron.schedule(%s, '1 second', %s)", str(number), command, user=user)[0][0]
            for number, command in enumerate(commands)
        ]
        found = [self.runs(job, "end_time IS NOT NULL")[0] for job in jobs]
        self.execute("DELETE FROM cron.job")
        return found


@pytest.fixture(scope="module", params=[(18, "c"), (16, "spool")], ids=lambda value: f"{value[0]}-{value[1]}")
def cron(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, runtimes: Path) -> Iterator[Cron]:
    version, transport = request.param
    if transport == "c":
        require_compiler()
    data = tmp_path_factory.mktemp("cron") / "data"
    server = PostgresServer(data, version=version, transport=transport, runtimes=runtimes, settings=SETTINGS)
    with server:
        bootstrap(server, database=DATABASE, master=MASTER, password=PASSWORD)
        made = Cron(server)
        quick = mock.patch.object(scheduler, "_LOOK", 0.1)  # the second between two looks is not what is tested
        with quick, CronScheduler(server.socket_directory, guarded=transport == "c"):
            made.execute("CREATE EXTENSION pg_cron")
            made.execute(f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'")
            made.execute("GRANT USAGE ON SCHEMA cron TO app")
            yield made


@pytest.fixture(autouse=True)
def _no_jobs(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "cron" in request.fixturenames:
        request.getfixturevalue("cron").execute("DELETE FROM cron.job")


def refused(cron: Cron, query: str, *parameters: Any, user: str = MASTER) -> tuple[str, str]:
    with pytest.raises(psycopg.Error) as raised:
        cron.execute(query, *parameters, user=user)
    return str(raised.value.diag.message_primary), str(
        raised.value.diag.message_hint or raised.value.diag.message_detail
    )


class TestExtension:
    def test_its_functions_and_tables(self, cron: Cron) -> None:
        null, three = "text DEFAULT NULL::text", "job_name text, schedule text, command text"
        assert cron.execute(
            "SELECT proname || '(' || pg_get_function_arguments(oid) || ') ' || prorettype::regtype FROM pg_proc"
            " WHERE pronamespace = 'cron'::regnamespace AND proname !~ '^_' ORDER BY proname, 1"
        ) == [
            (
                f"alter_job(job_id bigint, schedule {null}, command {null}, database {null}, username {null}, active boolean DEFAULT NULL::boolean) void",
            ),
            ("schedule(job_name text, schedule text, command text) bigint",),
            ("schedule(schedule text, command text) bigint",),
            (f"schedule_in_database({three}, database text, username {null}, active boolean DEFAULT true) bigint",),
            ("unschedule(job_id bigint) boolean",),
            ("unschedule(job_name text) boolean",),
        ]
        columns = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"
        assert [name for (name,) in cron.execute(columns, "cron.job")] == [
            *("jobid", "schedule", "command", "nodename", "nodeport", "database", "username", "active", "jobname"),
        ]
        assert [name for (name,) in cron.execute(columns, "cron.job_run_details")] == [
            *(
                "jobid",
                "runid",
                "job_pid",
                "database",
                "username",
                "command",
                "status",
                "return_message",
                "start_time",
                "end_time",
            ),
        ]
        assert cron.execute("SELECT extversion FROM pg_extension WHERE extname = 'pg_cron'") == [("1.6",)]
        [(libraries,)] = cron.execute("SHOW shared_preload_libraries")
        assert libraries.split(",")[0] == "pg_cron"
        assert cron.execute("SHOW cron.max_running_jobs") == [("5",)]

    def test_it_knows_the_schedules_that_the_scheduler_knows(self, cron: Cron) -> None:
        asked = SCHEDULES + NO_SCHEDULES
        known = cron.execute(
            "SELECT cron._is_schedule(s) FROM unnest(%s::text[]) WITH ORDINALITY AS _ (s, n) ORDER BY n", asked
        )
        assert dict(zip(asked, [is_one for (is_one,) in known], strict=True)) == {
            **dict.fromkeys(SCHEDULES, True),
            **dict.fromkeys(NO_SCHEDULES, False),
        }

    def test_scheduling_again_by_name_changes_the_job(self, cron: Cron) -> None:
        [(first,)] = cron.execute("SELECT cron.schedule('nightly', '0 3 * * *', 'VACUUM')")
        assert cron.execute("SELECT cron.schedule('nightly', '0 4 * * *', 'ANALYZE')") == [(first,)]
        [(second,)] = cron.execute("SELECT cron.schedule('0 3 * * *', 'VACUUM')")
        assert second > first
        assert cron.execute(
            "SELECT jobid, schedule, command, database, username, active, jobname FROM cron.job ORDER BY 1"
        ) == [
            (first, "0 4 * * *", "ANALYZE", DATABASE, MASTER, True, "nightly"),
            (second, "0 3 * * *", "VACUUM", DATABASE, MASTER, True, None),
        ]
        assert cron.execute("SELECT cron.unschedule('nightly'), cron.unschedule(%s)", second) == [(True, True)]
        assert cron.execute("SELECT FROM cron.job") == []

    def test_what_it_refuses(self, cron: Cron) -> None:
        assert refused(cron, "SELECT cron.schedule('x', '5 minutes', 'VACUUM')") == (
            "invalid schedule: 5 minutes",
            "Use cron format (e.g. 5 4 * * *), or interval format '[1-59] seconds'",
        )
        assert refused(cron, "SELECT cron.unschedule(999)")[0] == "could not find valid entry for job 999"
        assert refused(cron, "SELECT cron.unschedule('none')")[0] == "could not find valid entry for job 'none'"
        assert refused(cron, "SELECT cron.schedule(NULL, '* * * * *', 'VACUUM')")[0] == "job_name can not be NULL"
        in_database = "SELECT cron.schedule_in_database('x', '* * * * *', 'VACUUM', %s, %s)"
        assert refused(cron, in_database, "nowhere", None)[0] == 'database "nowhere" does not exist'
        assert refused(cron, in_database, DATABASE, "app")[0] == "must be superuser to create a job for another role"
        assert (
            refused(cron, "SELECT cron.alter_job(999, '* * * * *')")[0] == "Job 999 does not exist or you don't own it"
        )
        [(job,)] = cron.execute("SELECT cron.schedule('* * * * *', 'VACUUM')")
        assert refused(cron, "SELECT cron.alter_job(%s)", job)[0] == "no updates specified"

    def test_others_see_and_change_their_own_only(self, cron: Cron) -> None:
        [(masters,)] = cron.execute("SELECT cron.schedule('same name', '* * * * *', 'VACUUM')")
        [(own,)] = cron.execute("SELECT cron.schedule('same name', '0 0 * * *', 'ANALYZE')", user="app")
        assert cron.execute("SELECT jobid, username FROM cron.job", user="app") == [(own, "app")]
        assert cron.execute("SELECT jobid FROM cron.job ORDER BY 1") == [(masters,), (own,)]
        for query in (
            "SELECT cron.unschedule(%s)",
            "SELECT cron.alter_job(%s, active => false)",
            "SELECT cron.schedule_in_database('x', '* * * * *', 'VACUUM', 'postgres')",
            "INSERT INTO cron.job (schedule, command) VALUES ('* * * * *', 'VACUUM')",
            "DELETE FROM cron.job",
            "INSERT INTO cron._request (operation, jobname, schedule, command, caller) VALUES ('schedule', 'x', '@daily', 'x', 'rdsadmin')",
            "INSERT INTO cron._request (operation, jobid, active) VALUES ('alter', %s, false)",
            "INSERT INTO cron._request (operation, schedule, command, database) VALUES ('schedule', '@daily', 'x', 'postgres')",
        ):
            said, _ = refused(cron, query, *[masters] * query.count("%s"), user="app")
            assert said.startswith("permission denied for "), query
        cron.execute("GRANT EXECUTE ON FUNCTION cron.alter_job TO app")
        assert cron.execute("SELECT cron.alter_job(%s, schedule => '5 seconds', active => false)", own, user="app") == [
            ("",)
        ]
        assert refused(cron, "SELECT cron.alter_job(%s, active => false)", masters, user="app")[0] == (
            f"Job {masters} does not exist or you don't own it"
        )
        assert cron.execute("SELECT schedule, command, active FROM cron.job WHERE jobid = %s", own) == [
            ("5 seconds", "ANALYZE", False)
        ]
        assert cron.execute("SELECT cron.unschedule('same name')", user="app") == [(True,)]
        assert cron.execute("SELECT jobid FROM cron.job") == [(masters,)]

    def test_a_function_that_runs_as_its_owner_schedules_for_its_owner(self, cron: Cron) -> None:
        cron.execute(
            "CREATE OR REPLACE FUNCTION of_master() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog"
            " AS $$ SELECT cron.schedule('of master', '@daily', 'VACUUM') $$"
        )
        [(job,)] = cron.execute("SELECT of_master()", user="app")
        assert cron.execute("SELECT username FROM cron.job WHERE jobid = %s", job) == [(MASTER,)]


class TestRuns:
    def test_a_run_leaves_its_details(self, cron: Cron) -> None:
        [(job,)] = cron.execute("SELECT cron.schedule('count', '1 second', 'SELECT generate_series(1, 3)')")
        assert cron.runs(job, "end_time IS NOT NULL", count=2, within=2 * SOON) == [("succeeded", "SELECT 3")] * 2
        [row] = cron.execute(
            "SELECT database, username, command, job_pid > 0, start_time <= end_time FROM cron.job_run_details"
            " WHERE jobid = %s ORDER BY runid LIMIT 1",
            job,
        )
        assert row == (DATABASE, MASTER, "SELECT generate_series(1, 3)", True, True)
        gaps = cron.execute(
            "SELECT extract(epoch FROM start_time - lag(start_time) OVER (ORDER BY runid))::float FROM cron.job_run_details"
            " WHERE jobid = %s ORDER BY runid LIMIT 1 OFFSET 1",
            job,
        )
        assert 0.5 < gaps[0][0] < 2.5

    def test_messages_of_what_fails_and_what_succeeds(self, cron: Cron) -> None:
        found = cron.once(
            "SELECT 1/0",
            "VACUUM pg_class",
            "DO $$ BEGIN RAISE 'no' USING DETAIL = 'd', HINT = 'h'; END $$",
            "COPY pg_class TO STDOUT",
        )
        assert found == [
            ("failed", "ERROR: division by zero"),
            ("succeeded", "VACUUM"),
            ("failed", "ERROR: no\nDETAIL: d\nHINT: h\nCONTEXT: PL/pgSQL function inline_code_block line 1 at RAISE"),
            ("failed", "ERROR: COPY not supported"),
        ]

    def test_a_command_is_one_transaction(self, cron: Cron) -> None:
        cron.execute("CREATE TABLE seen (id int PRIMARY KEY)")
        cron.execute(
            "CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO seen VALUES (4) ON CONFLICT DO NOTHING; COMMIT; PERFORM 1/0; END $$"
        )
        found = cron.once(
            "INSERT INTO seen VALUES (1); COMMIT",
            "INSERT INTO seen VALUES (2); SELECT 1/0",
            "INSERT INTO seen VALUES (3) ON CONFLICT DO NOTHING; SELECT 1 -- ; COMMIT",
            "CALL steps()",
        )
        assert found == [
            ("failed", "ERROR: transaction control statements are not allowed in pg_cron"),
            ("failed", "ERROR: division by zero"),
            ("succeeded", "SELECT 1"),
            (
                "failed",
                'ERROR: division by zero\nCONTEXT: SQL statement "SELECT 1/0"\nPL/pgSQL function steps() line 1 at PERFORM',
            ),
        ]
        assert cron.execute("SELECT id FROM seen ORDER BY id") == [(3,), (4,)]

    def test_it_runs_as_its_user_with_his_settings_and_rights(self, cron: Cron) -> None:
        cron.execute("CREATE TABLE masters_own (who text); GRANT INSERT ON masters_own TO app")
        cron.execute(
            "ALTER ROLE app SET search_path = 'no such', public; ALTER ROLE app SET statement_timeout = '300ms'"
        )
        found = cron.once(
            "INSERT INTO masters_own VALUES (concat_ws('|', current_user, session_user, current_setting('search_path')))",
            "SELECT FROM masters_own",
            "SELECT pg_sleep(9)",
            "RESET SESSION AUTHORIZATION",
            "SELECT set_config('session_authorization', 'rdsadmin', false)",
            user="app",
        )
        assert found[:3] == [
            ("succeeded", "INSERT 0 1"),
            ("failed", "ERROR: permission denied for table masters_own"),
            ("failed", "ERROR: canceling statement due to statement timeout"),
        ]
        assert set(cron.execute("DELETE FROM masters_own RETURNING who")) == {('app|app|"no such", public',)}
        if cron.server.transport == "c":
            assert found[3:] == [("failed", 'ERROR: parameter "session_authorization" cannot be changed')] * 2
        cron.execute("ALTER ROLE app RESET ALL")

    def test_another_database_and_who_may_not_in(self, cron: Cron) -> None:
        query = "SELECT cron.schedule_in_database(%s, '1 second', 'SELECT 1/(current_database() = ''postgres'')::int', 'postgres')"
        there, nowhere, locked = (cron.execute(query, name)[0][0] for name in ("there", "nowhere", "locked"))
        cron.execute("CREATE ROLE group_only; UPDATE cron.job SET username = 'group_only' WHERE jobname = 'locked'")
        cron.execute("UPDATE cron.job SET database = 'nowhere' WHERE jobname = 'nowhere'")
        assert cron.runs(there, "end_time IS NOT NULL")[0] == ("succeeded", "SELECT 1")
        assert cron.runs(nowhere, "end_time IS NOT NULL")[0] == ("failed", 'FATAL: database "nowhere" does not exist')
        assert cron.runs(locked, "end_time IS NOT NULL")[0] == (
            "failed",
            'FATAL: role "group_only" is not permitted to log in',
        )

    def test_one_run_at_a_time_beside_others(self, cron: Cron) -> None:
        [(slow,)] = cron.execute("SELECT cron.schedule('slow', '1 second', 'SELECT pg_sleep(2.5)')")
        [(quick,)] = cron.execute("SELECT cron.schedule('quick', '1 second', 'SELECT 1')")
        cron.runs(slow, "status = 'running'")
        before = len(cron.runs(quick))
        cron.runs(slow, "end_time IS NOT NULL")
        assert len(cron.runs(quick)) > before
        cron.runs(slow, count=2)
        overlaps = (
            "SELECT FROM cron.job_run_details a JOIN cron.job_run_details b USING (jobid)"
            " WHERE a.jobid = %s AND b.runid > a.runid AND b.start_time < coalesce(a.end_time, 'infinity')"
        )
        assert cron.execute(overlaps, slow) == []

    def test_a_session_that_is_ended(self, cron: Cron) -> None:
        [(job,)] = cron.execute("SELECT cron.schedule('ended', '1 second', 'SELECT pg_sleep(60)')")
        cron.runs(job, "status = 'running'")
        cron.execute("UPDATE cron.job SET schedule = '@yearly'")
        with cron.server.superuser_connection() as superuser:
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_cron'"
            )
        assert cron.runs(job, "end_time IS NOT NULL") == [
            ("failed", "FATAL: terminating connection due to administrator command")
        ]

    @pytest.mark.parametrize("end", ["SELECT cron.unschedule(%s)", "SELECT cron.alter_job(%s, active => false)"])
    def test_a_run_of_a_job_that_goes_is_ended(self, cron: Cron, end: str) -> None:
        [(job,)] = cron.execute("SELECT cron.schedule('long', '1 second', 'SELECT pg_sleep(60)')")
        cron.runs(job, "status = 'running'")
        cron.execute(end, job)
        assert cron.runs(job, "end_time IS NOT NULL") == [("failed", "job canceled")]
        assert (
            cron.execute("SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'") == []
        )


def test_where_it_cannot_be_created(cron: Cron, tmp_path: Path, runtimes: Path) -> None:
    with (
        cron.server.superuser_connection() as superuser,
        pytest.raises(errors.RaiseException, match=f"can only create extension in database {DATABASE}"),
    ):
        superuser.execute("CREATE EXTENSION pg_cron")
    for settings, said in (
        ({}, 'unrecognized configuration parameter "cron.database_name"'),
        ({"cron.database_name": "postgres"}, "pg_cron can only be loaded via shared_preload_libraries"),
    ):
        server = PostgresServer(tmp_path / "data", transport="spool", runtimes=runtimes, settings=settings)
        with server, server.superuser_connection() as superuser:
            assert not server.has_cron
            with pytest.raises(psycopg.Error, match=said):
                superuser.execute("CREATE EXTENSION pg_cron")


def test_a_server_that_goes_and_comes_back(tmp_path: Path, runtimes: Path) -> None:
    server = PostgresServer(tmp_path / "data", transport="auto", runtimes=runtimes, settings=SETTINGS)
    cron = Cron(server)
    with contextlib.ExitStack() as opened:
        server.start()
        opened.callback(server.stop)
        bootstrap(server, database=DATABASE, master=MASTER, password=PASSWORD)
        opened.enter_context(CronScheduler(server.socket_directory, guarded=server.transport == "c"))
        cron.execute("CREATE EXTENSION pg_cron")
        [(job,)] = cron.execute("SELECT cron.schedule('long', '1 second', 'SELECT pg_sleep(60)')")
        cron.runs(job, "status = 'running'")
        server.stop()
        time.sleep(1.2)
        server.start()
        # What is told first: that its session ends, or at the next start that it had not ended.
        [(status, said)] = cron.runs(job, "status = 'failed'")
        assert status == "failed"
        assert said == "server restarted" or "terminating connection" in said
        assert cron.runs(job, "status = 'running'") == [("running", None)]


def test_a_scheduler_that_stops_ends_what_runs(tmp_path: Path, runtimes: Path) -> None:
    settings = SETTINGS | {"cron.log_run": "off", "cron.database_name": "postgres"}
    with PostgresServer(tmp_path / "data", transport="spool", runtimes=runtimes, settings=settings) as server:
        bootstrap(server, database=DATABASE, master=MASTER, password=PASSWORD)
        with server.superuser_connection() as superuser:
            superuser.execute("CREATE EXTENSION pg_cron")
            superuser.execute("SELECT cron.schedule('1 second', 'SELECT pg_sleep(60)')")
            active = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'"
            with CronScheduler(server.socket_directory, guarded=False):
                deadline = time.monotonic() + SOON
                while superuser.execute(active).fetchone() == (0,):
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
                stopping = time.monotonic()
            assert time.monotonic() - stopping < 1
            time.sleep(0.1)
            assert superuser.execute(active).fetchone() == (0,)
            assert superuser.execute("SELECT count(*) FROM cron.job_run_details").fetchone() == (0,)
