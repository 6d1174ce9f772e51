"""The HNSW index of a vectorizer's embeddings in PostgreSQL, built beside readers and writers."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from vectordb.errors import VectordbError

Connection = psycopg.Connection[tuple[Any, ...]]
Progress = Callable[[str], None]
EVERY_SECONDS = 1.0

_WANTED: LiteralString = (
    "SELECT generation, generation_state, state, vectors, seconds, vectorizer_id, memory_kb, parallel, parts FROM embed.indexes"
    " WHERE name = %s AND coalesce(generation = %s, generation_state <> 'retired') ORDER BY generation DESC"
)
_LOCK: LiteralString = "SELECT pg_try_advisory_lock(hashtext('embed.index'), %s)"
_UNLOCK: LiteralString = "SELECT pg_advisory_unlock(hashtext('embed.index'), %s)"
_PROGRESS: LiteralString = (
    "SELECT phase, round(100.0 * blocks_done / nullif(blocks_total, 0), 1), tuples_done, lockers_total - lockers_done"
    " FROM pg_stat_progress_create_index WHERE pid = %s"
)


@dataclass(frozen=True)
class Wanted:
    """What is to be indexed, as embed.indexes says."""

    generation: int
    generation_state: str
    state: str | None
    vectors: int | None
    seconds: float | None
    vectorizer: int
    memory_kb: int | None
    parallel: bool
    parts: list[dict[str, Any]] | None


def wanted(session: Connection, name: str, generation: int | None) -> list[Wanted]:
    """The generations of a vectorizer, or the one that is named, newest first."""
    found = [Wanted(*row) for row in session.execute(_WANTED, (name, generation)).fetchall()]
    if not found:
        raise VectordbError(f"there is no such vectorizer or generation: {name}", remedy="vectordb embed status")
    return found


def reason_against(name: str, one: Wanted, *, force: bool) -> str:
    """Why its index is not to be built now; empty when it is."""
    where = f"generation {one.generation} of {name}"
    reasons = {
        None: f"the vectors of {where} are not in PostgreSQL, or its source was dropped",
        "ready": f"{where} has its index",
        "impossible": f"{where} has more dimensions than an HNSW index takes: 2000, of halfvec 4000",
        "building": f"somebody is building the index of {where}",
    }
    if not force:
        reasons["none"] = f"{where} wants no index (fewer than 10,000 vectors, or index => 'none'); --force builds it"
        reasons["filling"] = f"{where} is being filled, and its index is sooner built afterwards; --force builds it now"
    return reasons.get(one.state, "")


def build(session: Connection, watcher: Connection, name: str, one: Wanted, say: Progress) -> None:
    """Build it, part by part: one, but of a partitioned table.

    Args:
        session: in which it is built.
        watcher: another, which looks how far it is.
        name: the vectorizer.
        one: that `reason_against` is silent about.
        say: told a line of progress every second.

    Raises:
        VectordbError: not the owner of the table; another is building. What is left of it is removed by the next call.
    """
    if not session.execute(_LOCK, (one.vectorizer,)).fetchone() == (True,):
        raise VectordbError(
            f"somebody is building an index of {name}", remedy="vectordb embed status shows when it is ready."
        )
    session.execute("SET statement_timeout = 0")
    session.execute("SET lock_timeout = 0")
    session.execute("SET search_path = pg_catalog")
    if one.memory_kb:
        session.execute("SELECT set_config('maintenance_work_mem', %s, false)", (f"{one.memory_kb}kB",))
    if not one.parallel:
        session.execute("SET max_parallel_maintenance_workers = 0")
    try:
        for part in one.parts or []:
            _part(session, watcher, part, say)
    finally:
        if not session.closed:
            session.execute("RESET ROLE")
            session.execute(_UNLOCK, (one.vectorizer,))


def _part(session: Connection, watcher: Connection, part: dict[str, Any], say: Progress) -> None:
    try:
        session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(part["owner"])))
        if part["broken"]:
            say(f"removing what an earlier building left: {part['broken']}")
            session.execute(_trusted(f"DROP INDEX CONCURRENTLY IF EXISTS {part['broken']}"))
        _watched(session, watcher, part, say)
    except psycopg.errors.InsufficientPrivilege as error:
        raise VectordbError(
            f"{part['relation']} is {part['owner']}'s: {error.diag.message_primary}",
            remedy=f"As {part['owner']}, outside of a transaction:\n  {part['statement']};",
        ) from error
    finally:
        if not session.closed:
            session.execute("RESET ROLE")


def _watched(session: Connection, watcher: Connection, part: dict[str, Any], say: Progress) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            session.execute(_trusted(part["statement"]))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            failures.append(error)

    pid = session.info.backend_pid
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(EVERY_SECONDS)
            if thread.is_alive() and (row := watcher.execute(_PROGRESS, (pid,)).fetchone()):
                phase, percent, _, lockers = row
                say(
                    f"{part['relation']}: {phase}"
                    + (f" {percent} %" if percent else "")
                    + (f", {lockers} to wait for" if lockers else "")
                )
    except BaseException:
        session.cancel_safe()
        thread.join(10)
        raise
    if failures:
        raise failures[0]


def _trusted(statement: str) -> sql.SQL:
    """A statement that the database's own functions wrote, with every name quoted."""
    return sql.SQL(statement)
