"""One applier at a time: an advisory lock, of a session or of a transaction, waited for by asking.

Both kinds share their keys: whoever applies over a connection and whoever applies over the Data API exclude each other.
"""

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import LiteralString

import psycopg

from vectordb.database.session import Session
from vectordb.database.talk import Deadline, Say
from vectordb.errors import VectordbError

# "vectordb" in ASCII, which is below 2^63. pg_locks shows its upper half as classid and its lower half as objid.
KEY = int.from_bytes(b"vectordb", "big")

_HOLDER = """
SELECT a.pid, a.usename::text, a.application_name, a.client_addr::text, a.state, a.backend_start::timestamptz(0)::text, left(a.query, 120)
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    AND (l.classid::bigint << 32 | l.objid::bigint) = %s
"""


_OF_SESSION: LiteralString = "SELECT pg_catalog.pg_try_advisory_lock(%s)"
_OF_TRANSACTION: LiteralString = "SELECT pg_catalog.pg_try_advisory_xact_lock(%s)"


@contextlib.contextmanager
def held(session: Session, *, deadline: Deadline, say: Say, needless: Callable[[], bool]) -> Iterator[bool]:
    """Hold the lock of the session; yields False, without it, when `needless` has become true while another one held it.

    Raises:
        VectordbError: not got before the deadline; names the session that holds it.
    """
    if not _got(session, _OF_SESSION, deadline=deadline, say=say, needless=needless):
        yield False
        return
    try:
        yield True
    finally:
        if not session.closed:
            with contextlib.suppress(psycopg.Error):  # a broken session has lost the lock already
                session.execute("SELECT pg_catalog.pg_advisory_unlock(%s)", (KEY,))


def taken(session: Session, *, deadline: Deadline, say: Say) -> None:
    """Take the lock for the transaction that is open; its end lets go of it.

    Raises:
        VectordbError: not got before the deadline; names the session that holds it.
    """
    _got(session, _OF_TRANSACTION, deadline=deadline, say=say, needless=lambda: False)


def _got(session: Session, query: LiteralString, *, deadline: Deadline, say: Say, needless: Callable[[], bool]) -> bool:
    """Whether the lock is held now; otherwise it has become needless.

    The lock is asked for again and again rather than waited for in the server: a statement that waits there keeps a snapshot, and
    CREATE INDEX CONCURRENTLY in the session that holds the lock would wait for that snapshot, until PostgreSQL ends one of the two.
    """
    pause, told = 0.05, False
    while not _try(session, query):
        if needless():
            return False
        if deadline.passed():
            raise VectordbError(
                f"another session has held the migration lock for {deadline.seconds:g} s: {_holder(session)}",
                remedy="Wait for it, give a longer --timeout, or end that session with SELECT pg_terminate_backend(PID).",
            )
        if not told:
            say(f"waiting: another session applies SQL files ({_holder(session)})")
            told = True
        deadline.pause(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing
        pause = min(1.0, pause * 1.5)
    return True


def _try(session: Session, query: LiteralString) -> bool:
    found = session.execute(query, (KEY,)).fetchone()
    return bool(found and found[0])


def _holder(session: Session) -> str:
    found = session.execute(_HOLDER, (KEY,)).fetchone()
    if found is None:
        return "it has just let go"
    pid, user, application, address, state, since, query = found
    parts = [f"PID {pid}", f"user {user}", application or "unnamed application", f"from {address or 'a local socket'}"]
    return f"{', '.join(parts)}, connected since {since}, {state or 'state unknown'}: {' '.join((query or '').split())}"
