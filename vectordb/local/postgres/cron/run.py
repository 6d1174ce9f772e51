"""One run of a job: a session of its user, its command, its outcome."""

import contextlib
import select
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import pq, sql

from vectordb.database.lexer import LexicalError, statements
from vectordb.local.postgres import access, sockets
from vectordb.local.postgres.cron.agenda import Job

_ENDS_TRANSACTION = frozenset({"abort", "begin", "commit", "end", "release", "rollback", "savepoint", "start"})
_FIELDS = (
    ("DETAIL", pq.DiagnosticField.MESSAGE_DETAIL),
    ("HINT", pq.DiagnosticField.MESSAGE_HINT),
    ("CONTEXT", pq.DiagnosticField.CONTEXT),
)
# Who may not come in is told in the words of the server, to whom this session is the superuser's.
_ADMISSION = """
SELECT CASE
    WHEN d.oid IS NULL THEN format('database "%%s" does not exist', asked.database)
    WHEN r.oid IS NULL THEN format('role "%%s" does not exist', asked.username)
    WHEN NOT r.rolcanlogin THEN format('role "%%s" is not permitted to log in', asked.username)
    WHEN NOT d.datallowconn THEN format('database "%%s" is not currently accepting connections', asked.database)
    WHEN NOT has_database_privilege(r.oid, d.oid, 'CONNECT') THEN
        format(E'permission denied for database "%%s"\\nDETAIL: User does not have CONNECT privilege.', asked.database)
END, coalesce((
    SELECT array_agg(setting ORDER BY s.setdatabase, place)
    FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) WITH ORDINALITY AS _ (setting, place)
    WHERE s.setrole = r.oid AND s.setdatabase IN (0, d.oid)), '{}')
FROM (VALUES (%s, %s)) AS asked (database, username)
LEFT JOIN pg_database d ON d.datname = asked.database LEFT JOIN pg_roles r ON r.rolname = asked.username
"""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: what becomes of `status` and `return_message`."""

    succeeded: bool
    message: str


def carry_out(
    job: Job,
    superuser: "psycopg.Connection[Any]",
    socket_directory: Path,
    *,
    guarded: bool,
    begun: Callable[[int], None],
) -> Outcome:
    """Run a job's command as its user, to its end.

    Args:
        job: what to run.
        superuser: asks who may come in, and with which settings.
        socket_directory: of the server.
        guarded: the server can keep the session from becoming the superuser's again.
        begun: told the session's process id before the command is sent.
    """
    row = superuser.execute(_ADMISSION, (job.database, job.username)).fetchone()
    assert row is not None
    refusal, settings = row
    if refusal is not None:
        return Outcome(False, f"FATAL: {refusal}")
    try:
        session = psycopg.connect(
            host=str(socket_directory),
            port=sockets.PORT,
            user=access.SUPERUSER,
            dbname=job.database,
            autocommit=True,
            client_encoding="UTF8",
            options=" ".join(f"-c {_escaped(setting)}" for setting in ("application_name=pg_cron", *settings)),
            connect_timeout=10,
        )
    except psycopg.OperationalError as error:
        return Outcome(False, f"FATAL: {error}")
    with contextlib.closing(session):
        begun(session.info.backend_pid)
        session.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(job.username)))
        if guarded:
            session.execute("SET cron.local_stay_who_you_are = on")
        if _ends_transaction(job.command):
            return Outcome(False, "ERROR: transaction control statements are not allowed in pg_cron")
        return _outcome(session.pgconn, job.command)


def _escaped(setting: str) -> str:
    return setting.replace("\\", "\\\\").replace(" ", "\\ ")


def _ends_transaction(command: str) -> bool:
    try:
        found = [statement.words for statement in statements(command)]
    except LexicalError:
        return False  # the server will say so
    return any(
        words[:1] and (words[0] in _ENDS_TRANSACTION or words[:2] == ("prepare", "transaction")) for words in found
    )


def _outcome(session: pq.abc.PGconn, command: str) -> Outcome:
    """Send the command, whose statements are one transaction, and let go of its rows one by one."""
    # Not `Cursor.execute`, which would keep every row, nor waiting in libpq, which keeps the whole process from going on.
    session.send_query(command.encode())
    session.set_single_row_mode()
    tag, failure = "", None
    while (result := _next(session)) is not None:
        if result.status in {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE}:
            failure = failure or _failure(result)  # the end of a session is told twice, the second time by libpq
        elif result.status in {pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH}:
            return Outcome(False, "ERROR: COPY not supported")
        elif result.status != pq.ExecStatus.SINGLE_TUPLE:
            tag = (result.command_status or b"").decode()
        result.clear()
    return failure or Outcome(True, tag)


def _next(session: pq.abc.PGconn) -> pq.abc.PGresult | None:
    """The next result, None after the last."""
    try:
        while session.flush():
            select.select([session.socket], [session.socket], [])
            session.consume_input()
        while session.is_busy():
            select.select([session.socket], [], [])
            session.consume_input()
    except psycopg.OperationalError:
        pass  # the connection broke: libpq has a result that says so
    return session.get_result()


def _failure(result: pq.abc.PGresult) -> Outcome:
    def field(which: pq.DiagnosticField) -> str:
        return (result.error_field(which) or b"").decode(errors="replace")

    severity = field(pq.DiagnosticField.SEVERITY_NONLOCALIZED)
    if not severity:  # the connection broke: there is no word of the server's
        return Outcome(False, result.error_message.decode(errors="replace").strip() or "connection lost")
    lines = [f"{severity}: {field(pq.DiagnosticField.MESSAGE_PRIMARY)}"]
    lines += [f"{name}: {text}" for name, which in _FIELDS if (text := field(which))]
    return Outcome(False, "\n".join(lines))
