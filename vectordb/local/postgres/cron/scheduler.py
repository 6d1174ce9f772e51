"""The thread that looks every second what is due, and the threads that run it."""

import contextlib
import datetime as dt
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import errors

from vectordb.local.postgres import access, sockets
from vectordb.local.postgres.cron.agenda import Agenda, Job
from vectordb.local.postgres.cron.run import Outcome, carry_out

_LOOK = 1.0  # seconds between looks at cron.job, and between attempts to reach the server
_JOBS = "SELECT jobid, schedule, command, database, username, active FROM cron.job ORDER BY jobid"
_READY = (
    "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') AND NOT pg_is_in_recovery(),"
    " current_setting('cron.max_running_jobs')::integer, current_setting('cron.log_run')::boolean"
)
_INTERRUPTED = "UPDATE cron.job_run_details SET status = 'failed', return_message = 'server restarted' WHERE status IN ('starting', 'running')"


class CronScheduler:
    """Runs the jobs of one server that has pg_cron preloaded, in threads of this process.

    A server that is down is tried every second. Nothing here keeps the process from ending.

    Args:
        socket_directory: of the server.
        guarded: the server's pg_cron is compiled (see `run.carry_out`).
    """

    def __init__(self, socket_directory: Path, *, guarded: bool) -> None:
        self._socket_directory = socket_directory
        self._guarded = guarded
        self._stopping = threading.Event()
        self._look = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to schedule."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep_running, name="cron", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin no more runs and end those under way; they are marked when the server is started again."""
        if self._thread is None:
            return
        self._stopping.set()
        self._look.set()
        self._thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _keep_running(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._connected() as connection:
                    life = _Life(connection, self._socket_directory, self._stopping, self._look, guarded=self._guarded)
                    life.lead()
            except psycopg.OperationalError:
                pass  # no server, or no such database yet
            except Exception:  # noqa: BLE001 - nobody waits for this thread's exception
                traceback.print_exc(file=sys.stderr)
            self._stopping.wait(_LOOK)

    @contextlib.contextmanager
    def _connected(self) -> Iterator["psycopg.Connection[Any]"]:
        options: dict[str, Any] = {
            "host": str(self._socket_directory),
            "port": sockets.PORT,
            "user": access.SUPERUSER,
            "autocommit": True,
            "application_name": "pg_cron scheduler",
            "connect_timeout": 10,
        }
        with psycopg.connect(dbname="postgres", **options) as connection:
            row = connection.execute("SELECT current_setting('cron.database_name')").fetchone()
            assert row is not None
        with psycopg.connect(dbname=row[0], **options) as connection:
            yield connection


class _Life:
    """From one connection to its end: what the launcher of pg_cron keeps in memory."""

    def __init__(
        self,
        connection: "psycopg.Connection[Any]",
        socket_directory: Path,
        stopping: threading.Event,
        look: threading.Event,
        *,
        guarded: bool,
    ) -> None:
        self._connection = connection
        self._socket_directory = socket_directory
        self._guarded = guarded
        self._stopping = stopping
        self._look = look
        self._lock = threading.Lock()
        self._sessions: dict[int, int] = {}
        """Job → process id of the session that runs it."""
        self._canceled: set[int] = set()
        self._ended: list[int] = []
        self._log_run = True

    def lead(self) -> None:
        """Schedule until it is told to stop, or the connection breaks."""
        agenda: Agenda | None = None
        while not self._stopping.is_set():
            self._look.clear()
            ready, most, self._log_run = self._row(_READY)
            if agenda is None:
                agenda = Agenda(most, _now())
                if ready:
                    self._connection.execute(_INTERRUPTED)
            for job_id in self._take_ended():
                agenda.ended(job_id)
            for job in agenda.know(self._jobs() if ready else [], _now()):
                self._cancel(job)
            for job in agenda.due(_now()):
                self._begin(job)
            self._look.wait(min(_LOOK, agenda.next_look(_now())))
        for process in list(self._sessions.values()):
            self._connection.execute("SELECT pg_terminate_backend(%s)", (process,))

    def _row(self, query: str, *parameters: object) -> Any:
        return self._connection.execute(query.encode(), parameters).fetchone()

    def _jobs(self) -> list[Job]:
        try:
            return [Job(*row) for row in self._connection.execute(_JOBS)]
        except errors.UndefinedTable:  # dropped in this very moment
            return []

    def _take_ended(self) -> list[int]:
        with self._lock:
            ended, self._ended = self._ended, []
        return ended

    def _begin(self, job: Job) -> None:
        run_id: int | None = None
        if self._log_run:
            [run_id] = self._row(
                "INSERT INTO cron.job_run_details (jobid, database, username, command, status)"
                " VALUES (%s, %s, %s, %s, 'starting') RETURNING runid",
                *(job.id, job.database, job.username, job.command),
            )
        threading.Thread(target=self._run, args=(job, run_id), name=f"cron-job-{job.id}", daemon=True).start()

    def _run(self, job: Job, run_id: int | None) -> None:
        def begun(process: int) -> None:
            with self._lock:
                self._sessions[job.id] = process
            self._note(run_id, "job_pid = %s, status = 'running', start_time = clock_timestamp()", process)

        try:
            self._finish(job, run_id, self._outcome(job, begun))
        except psycopg.OperationalError:
            pass  # the server has gone, and the run is marked when it is back
        finally:
            with self._lock:
                self._sessions.pop(job.id, None)
                self._canceled.discard(job.id)
                self._ended.append(job.id)
            self._look.set()

    def _outcome(self, job: Job, begun: Callable[[int], None]) -> Outcome:
        try:
            return carry_out(job, self._connection, self._socket_directory, guarded=self._guarded, begun=begun)
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:  # as when its user was dropped in this very moment
            return Outcome(False, f"ERROR: {error}")

    def _finish(self, job: Job, run_id: int | None, outcome: Outcome) -> None:
        with self._lock:
            if job.id in self._canceled:
                outcome = Outcome(False, "job canceled")
        if self._stopping.is_set():
            return
        changed = (
            "status = %s, return_message = %s, start_time = coalesce(start_time, clock_timestamp()),"
            " end_time = clock_timestamp()"
        )
        self._note(run_id, changed, "succeeded" if outcome.succeeded else "failed", outcome.message)

    def _note(self, run_id: int | None, changed: str, *values: object) -> None:
        if run_id is None:
            return
        with contextlib.suppress(errors.UndefinedTable):  # the extension was dropped meanwhile
            query = f"UPDATE cron.job_run_details SET {changed} WHERE runid = %s"  # noqa: S608 - our own text
            self._connection.execute(query.encode(), (*values, run_id))

    def _cancel(self, job: Job) -> None:
        with self._lock:
            process = self._sessions.get(job.id)
            if process is None:
                return
            self._canceled.add(job.id)
        self._connection.execute("SELECT pg_terminate_backend(%s)", (process,))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
