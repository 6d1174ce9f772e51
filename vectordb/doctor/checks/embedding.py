"""The pipeline that keeps embeddings fresh: the worker, what sends it, and how the vectorizers are."""

from typing import Any

import psycopg

from vectordb.doctor.context import Context, Subject
from vectordb.doctor.findings import Finding, failed, ok, warning
from vectordb.errors import VectordbError

WORKER = "workerArn"
TOLD = "embedding"
SWEEPS = "sweepArn"
"""Names of the stack's outputs."""

_AGE_MINUTES = 60
"""What waits for longer than a sweep on any stack is forgotten by somebody."""
_CHECK = "SELECT is_valid, error_message, hint, response_time_ms FROM embed.validate_config(%s, %s)"
_DECLARED = "SELECT name, outcome, coalesce(reason, '') FROM embed.declared WHERE outcome <> 'applied' ORDER BY name"
_VECTORIZERS = """
SELECT s.name, s.generation_state, s.state, s.delivery, s.pending, s.dead, coalesce(s.dead_reason, ''), coalesce(s.circuit, ''),
    coalesce(extract(epoch FROM s.oldest_age) / 60, 0)::integer, coalesce(s.missing + s.stale + s.orphan, 0),
    coalesce(s.vectors_missing, 0), s.unwatched_partitions, coalesce(s.problem, '')
FROM embed.status AS s WHERE s.generation_state <> 'retired' ORDER BY s.name, s.generation
"""


def has_pipeline(subject: Subject) -> bool:
    """Whether the stack has a worker."""
    return bool(subject.outputs.get(WORKER))


def calls_nobody(subject: Subject) -> str:
    """Why SQL calls no worker; empty when it does."""
    told = subject.outputs.get(TOLD)
    return "" if not told or told.get("functionArn") else "SQL calls no worker (vectordb:embedding calls is false)"


def worker(context: Context) -> Finding:
    """SQL calls the deployment's worker, and the worker logs in to the database: `embed.validate_config`."""
    told = context.subject.outputs[TOLD]
    try:
        row = context.sql().execute(_CHECK, (told["functionArn"], told["queue"])).fetchone()
    except (psycopg.errors.UndefinedFunction, psycopg.errors.InvalidSchemaName):
        return failed(
            "the database's SQL is older than this checkout", "Apply it: `pulumi up`, or vectordb migrate apply."
        )
    valid, message, hint, took = row or (False, "embed.validate_config() returned no row", "", 0)
    if not valid:
        return failed(str(message), str(hint))
    return ok(f"{told['functionArn'].partition(':function:')[2]} answered in {took} ms, and gets into the database")


def has_sweeps(subject: Subject) -> bool:
    """Whether a schedule sends the worker."""
    return bool(subject.outputs.get(SWEEPS))


def sweeps(context: Context) -> Finding:
    """The schedule is there and enabled: without it a bell that is lost is not made up for, and the mode `scheduled` stands still."""
    again = "Put it back: pulumi up --refresh"
    group, _, name = str(context.subject.outputs[SWEEPS]).partition(":schedule/")[2].partition("/")
    try:
        found = context.ask("scheduler", "get_schedule", f"look at the schedule {name}", GroupName=group, Name=name)
    except VectordbError as error:
        if "ResourceNotFoundException" in error.message:
            return failed(f"there is no schedule {name}", again)
        raise
    if found.get("State") != "ENABLED":
        return failed(f"{name} is {str(found.get('State')).lower()}: nothing sweeps", again)
    return ok(f"{name}, {found.get('ScheduleExpression')}")


def vectorizers(context: Context) -> Finding:
    """What `embed.status` and `embed.declared` say: no open circuit, nothing dead, nothing forgotten."""
    session = context.sql()
    try:
        rows = session.execute(_VECTORIZERS).fetchall()
        declared = session.execute(_DECLARED).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.InvalidSchemaName):
        return failed(
            "the database's SQL is older than this checkout", "Apply it: `pulumi up`, or vectordb migrate apply."
        )
    broken = [fault for row in rows for fault in _faults(row)]
    if broken:
        return failed("; ".join(said for said, _ in broken), " ".join(dict.fromkeys(what for _, what in broken)))
    noted = [note for row in rows for note in _notes(row)]
    noted += [
        (f"{name} is declared and {outcome}: {reason}", "Afterwards: SELECT * FROM embed.apply_declared();")
        for name, outcome, reason in declared
    ]
    if noted:
        return warning("; ".join(said for said, _ in noted), " ".join(dict.fromkeys(what for _, what in noted)))
    waiting = sum(row[4] for row in rows)
    names = ", ".join(dict.fromkeys(str(row[0]) for row in rows))
    return ok(f"{names}: {waiting} waiting" if rows else "none is declared")


def _faults(row: tuple[Any, ...]) -> list[tuple[str, str]]:
    """What stands still in a generation, each with what to do."""
    name, circuit, problem = row[0], row[7], row[12]
    faults = []
    if circuit:
        faults.append(
            (f"{name} stands still: {circuit}", f"Mend that; SELECT embed.resume('{name}'); goes on at once.")
        )
    if problem:
        faults.append((f"{name}: {problem}", f"SELECT embed.refresh('{name}'); or embed.drop_vectorizer('{name}')."))
    return faults


def _notes(row: tuple[Any, ...]) -> list[tuple[str, str]]:
    """What somebody should look at in a generation, each with what to do."""
    name, _, state, delivery, pending, dead, reason, _, minutes, differing, lost, unwatched, _ = row
    notes = []
    if state == "paused":
        notes.append((f"{name} is paused, {pending} waiting", f"SELECT embed.resume('{name}');"))
    elif pending and minutes >= _AGE_MINUTES:
        notes.append(
            (
                f"{name} ({delivery}) has {pending} waiting, the oldest for {minutes} min",
                "`vectordb embed status --watch` shows whether it moves; embedding-worker and embedding-sweeps whether anybody comes.",
            )
        )
    if dead:
        notes.append((f"{name} has {dead} dead rows: {reason}", f"Mend that, then: SELECT embed.retry_dead('{name}');"))
    if differing or lost:
        said = f"{name} differed from its table in {differing + lost} rows when it was last reconciled"
        notes.append((said, f"embed.reconcile('{name}', repair => true) enqueues them."))
    if unwatched:
        notes.append((f"{unwatched} partitions of {name} have no trigger", f"SELECT embed.refresh('{name}');"))
    return notes
