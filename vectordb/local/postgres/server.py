"""PostgreSQL on this machine: make its data directory, start it, stop it, recover from a run that was killed."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

import psycopg

from vectordb import processes
from vectordb.errors import VectordbError
from vectordb.local.postgres import access, identity, runtime, settings, sockets
from vectordb.local.postgres.service_call import ANONYMOUS

_START_WITHIN = 60.0  # seconds; a start takes 0.1, a recovery after a crash may take longer
_STOP_WITHIN = 15.0
# Aurora's and RDS's default collation is en_US.UTF-8; C.UTF-8 is what every Linux has.
_LOCALE = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"


class PostgresServer:
    """One PostgreSQL server on a unix socket, which ends with the process that started it (on Linux by the kernel's hand).

    It stands in for Aurora and RDS. Left out: TCP and TLS (the proxy in front has them), the storage layer, readers and failover,
    replication, and every extension but vector, aws_commons, aws_lambda, aws_ml and pg_cron (whose scheduler is a
    `cron.CronScheduler`, to be started where `has_cron` says so). `client_addr` and `pg_stat_ssl` show the socket.

    Beside the data directory it keeps `postgres.log`, `run` (the socket; elsewhere when the path is too long) and `spool`, so each
    server needs a parent folder of its own.

    Args:
        data: the data directory, made by the first start. Its parent folders are made too; none changes its mode.
        version: 16 or 18. For 17, which no wheel carries, 18 runs.
        transport: how aws_lambda and aws_ml reach their endpoint: compiled C, the spool (start a `spool.SpoolWorker` on `spool_folder`), or
            C where it can be compiled, else the spool.
        engine: what it stands for: RDS has no aws_ml.
        endpoint: the services, `http://127.0.0.1:port`.
        region: the database's own, where aws_lambda looks for a function whose name gives none (a `SpoolWorker` has its own).
        access_key: the access key id by which the Lambda service knows the database (a `SpoolWorker` has its own).
        bedrock_access_key: the one by which Amazon Bedrock does (a `SpoolWorker` has its own).
        settings: of the parameter group, by name.
        runtimes: a folder for the installations that servers run from; several servers share it.

    Attributes:
        transport: the transport chosen.
        transport_reason: why it is not the C one; empty when it is.
        left_out: libraries and settings that were asked for and do not exist here. Filled by `start`.
        has_cron: whether pg_cron is preloaded. Filled by `start`.
        process: the running postmaster, None before `start` and after `stop`.
    """

    def __init__(
        self,
        data: Path,
        *,
        version: int = 18,
        transport: Literal["auto", "c", "spool"] = "auto",
        engine: runtime.Engine = "Aurora",
        endpoint: str = "",
        region: str = "us-east-1",
        access_key: str = ANONYMOUS,
        bedrock_access_key: str = ANONYMOUS,
        settings: Mapping[str, str] | None = None,
        runtimes: Path,
    ) -> None:
        self.data = data.absolute().parent.resolve() / data.name
        self.version = 18 if version == 17 else version  # noqa: PLR2004 - a version, no magic
        self.endpoint = endpoint
        self.region = region
        self.access_key = access_key
        self.bedrock_access_key = bedrock_access_key
        self.settings = dict(settings or {})
        self.runtime = runtime.prepare(self.version, transport, runtimes.absolute().resolve(), engine)
        self.identity = identity.choose(self.runtime.program("postgres").parent)
        self.transport: Literal["c", "spool"] = self.runtime.transport
        self.transport_reason = self.runtime.transport_reason
        self.left_out: list[str] = []
        self.has_cron = False
        self.process: subprocess.Popen[bytes] | None = None
        self._socket_directory: Path | None = None

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say."""
        return self.data.parent / "postgres.log"

    @property
    def spool_folder(self) -> Path:
        """Where the spool transport lays its requests; a `SpoolWorker` answers them."""
        return self.data.parent / "spool"

    @property
    def socket_directory(self) -> Path:
        """The folder of the socket: libpq's `host`.

        Raises:
            VectordbError: the server does not run.
        """
        if self._socket_directory is None:
            raise VectordbError(f"PostgreSQL does not run on {self.data}.", remedy="Start it first.")
        return self._socket_directory

    def start(self) -> None:
        """Start the server and return when it accepts connections; makes the data directory when there is none.

        Raises:
            VectordbError: it did not start (with the end of its log), or the data directory is of another version.
        """
        end_earlier_run(self.data)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self._initialise()
        self._make_folder(self.spool_folder)
        directory = sockets.make(self.data)
        self.identity.own(directory)
        chosen, self.left_out = settings.merge(
            self.settings,
            self.runtime,
            socket_directory=directory,
            port=sockets.PORT,
            endpoint=self.endpoint,
            region=self.region,
            access_key=self.access_key,
            bedrock_access_key=self.bedrock_access_key,
        )
        self.has_cron = settings.CRON in chosen["shared_preload_libraries"].split(",")
        arguments = [argument for name, value in chosen.items() for argument in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            written = log.tell()
            self.process = self.identity.spawn(
                str(self.runtime.program("postgres")), "-D", str(self.data), *arguments, output=log
            )
        self._socket_directory = directory
        try:
            self._await_ready(self.process, written)
            self._renew_transport()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server and its sessions at once but cleanly; nothing happens when it does not run."""
        if self.process is not None:
            processes.end(self.process, number=signal.SIGINT, within=_STOP_WITHIN)
            self.process = None
        self._socket_directory = None
        sockets.remove(self.data)

    def superuser_connection(self, dbname: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """A connection as `rdsadmin` over the socket, in autocommit mode. The caller closes it (or uses `with`)."""
        return psycopg.connect(
            host=str(self.socket_directory),
            port=sockets.PORT,
            user=access.SUPERUSER,
            dbname=dbname,
            autocommit=True,
            connect_timeout=10,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        self.identity.own_tree(folder)

    def _initialise(self) -> None:
        """Make the data directory, unless there is one. It is made under another name and renamed, so it is there whole or not at all."""
        for half_made in self.data.parent.glob(f"{self.data.name}.making-*"):
            # An initdb whose parent was killed may be removing it at this moment, too.
            shutil.rmtree(half_made, ignore_errors=True)
        if (self.data / "PG_VERSION").exists():
            made_by = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
            if made_by != str(self.version):
                raise VectordbError(
                    f"{self.data} was made by PostgreSQL {made_by}; version {self.version} is asked for.",
                    remedy=f"Ask for version {made_by}, or remove it with `vectordb local reset` (its contents are made again).",
                )
            self.identity.own_tree(self.data)
            return
        making = self.data.with_name(f"{self.data.name}.making-{os.getpid()}")
        self._make_folder(making)
        options = (
            "--no-sync",
            "--encoding=UTF8",
            f"--locale={_LOCALE}",
            "--auth=trust",
            f"--username={access.SUPERUSER}",
        )
        status, written = self.identity.run(str(self.runtime.program("initdb")), *options, f"--pgdata={making}")
        if status != 0:
            shutil.rmtree(making, ignore_errors=True)
            raise VectordbError(
                f"PostgreSQL could not make its data directory {self.data}: {written}", remedy="Check the disk."
            )
        access.write(making, self.identity, None)
        if self.data.exists():  # without PG_VERSION: no data directory, whatever it is
            shutil.rmtree(self.data)
        making.rename(self.data)

    def _await_ready(self, process: subprocess.Popen[bytes], written: int) -> None:
        deadline = time.monotonic() + _START_WITHIN
        while time.monotonic() < deadline:
            lines = _postmaster(self.data)
            if len(lines) > _STATUS_LINE and lines[0] == str(process.pid) and lines[_STATUS_LINE].strip() == "ready":
                return
            if process.poll() is not None:
                break
            time.sleep(0.005)
        with self.log.open("rb") as log:
            log.seek(written)
            said = log.read().decode(errors="replace").strip()[-2000:]
        raise VectordbError(
            f"PostgreSQL did not start on {self.data}: {said or 'it said nothing'}", remedy=f"See {self.log}."
        )

    def _renew_transport(self) -> None:
        """Where aws_lambda or aws_ml was created over another transport (a compiler came or went), give it this one."""
        language = "c" if self.transport == "c" else "plpgsql"
        with self.superuser_connection() as connection:
            names = connection.execute(
                "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
            ).fetchall()
        for (name,) in names:
            with self.superuser_connection(str(name)) as connection:
                found = connection.execute(
                    "SELECT e.extname FROM pg_extension e"
                    " JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass"
                    " JOIN pg_proc p ON p.oid = d.objid JOIN pg_language l ON l.oid = p.prolang"
                    " WHERE (e.extname, p.proname) IN (('aws_lambda', '_invoke'), ('aws_ml', 'invoke_model')) AND l.lanname <> %s",
                    (language,),
                ).fetchall()
                for (extension,) in found:
                    connection.execute(self.runtime.transport_sql[str(extension)].encode())


_STATUS_LINE = 7  # of postmaster.pid, counted from 0: utils/pidfile.h


def _postmaster(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _postmaster_pid(data: Path) -> int:
    """The process that runs, or ran, on a data directory; 0 when there is none."""
    try:
        return abs(int(_postmaster(data)[0]))
    except (IndexError, ValueError):
        return 0


def end_earlier_run(data: Path) -> None:
    """End a server that an earlier run left on a data directory, and remove its socket's folder. Nothing happens when there is none.

    The process is ended only if it is PostgreSQL on exactly this directory: its number may long belong to something else.
    """
    data = data.absolute().parent.resolve() / data.name
    pid = _postmaster_pid(data)
    arguments = processes.arguments_of(pid) if pid else ()
    if arguments and Path(arguments[0]).name == "postgres" and str(data) in " ".join(arguments):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + _STOP_WITHIN
        while processes.alive(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        processes.end_by_id(pid)
    elif not pid or processes.alive(pid):
        # The number went to another process, or a crash left the file empty: PostgreSQL would not start. Where the number is free, its
        # own look at the file stays the better one: it also finds sessions that outlived their server.
        (data / "postmaster.pid").unlink(missing_ok=True)
    if data.parent.is_dir():
        sockets.remove(data)
