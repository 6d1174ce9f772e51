"""`vectordb migrate`: SQL files onto a database: of a stack, of this machine, or as the environment of the SQL step says."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vectordb.cli.target import DatabaseOption, LocalOption, StackOption
from vectordb.errors import VectordbError

if TYPE_CHECKING:
    from vectordb.database.comparison import Comparison
    from vectordb.database.run import Run
    from vectordb.database.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Apply the SQL files under sql/ to the database, each once, and tell what differs."
)

_SQL = Path("sql")
SqlOption = Annotated[
    Path,
    typer.Option(
        "--sql",
        metavar="DIR",
        help="Folder with versioned/NNN_name.sql and repeatable/name.sql; where there is no ./sql, the project's.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
TimeoutOption = Annotated[
    float,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=1,
        help="How long to wait for the database, and for another run that applies files.",
    ),
]

_TARGET = (
    "The database is that of --stack, or with --local of the stack on this machine. Where neither is given and VECTORDB_HOST, VECTORDB_REGION or VECTORDB_SECRET_ARN is set, "
    "the environment tells it, as the Pulumi program sets it for its SQL step: VECTORDB_HOST, VECTORDB_PORT, VECTORDB_DATABASE, "
    "VECTORDB_REGION, VECTORDB_SECRET_ARN, VECTORDB_TRANSPORT (ssm, data-api, direct), VECTORDB_BASTION_ID, "
    "VECTORDB_SESSION_DOCUMENT, VECTORDB_CLUSTER_ARN for data-api, VECTORDB_FUNCTION_ARN, VECTORDB_INDEXES, VECTORDB_USERS; "
    "VECTORDB_HOSTADDR and VECTORDB_HOSTADDR_PORT for an address of your own; VECTORDB_CA_BUNDLE for other roots than those of "
    "Amazon RDS. AWS credentials are found as in every AWS tool."
)


@app.command(
    epilog="Examples:  vectordb migrate plan --local  ·  vectordb migrate plan --json | jq '.pending[].file'",
    help=f"Show which files `apply` would run. Changes nothing.\n\n{_TARGET}\n\nExit codes: 0, 2 failed.",
)
def plan(
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    sql: SqlOption = _SQL,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 600,
) -> None:
    with ending_at_once(), _run(settings(stack, database, local=local), sql, timeout) as run:
        _show(run, as_json=as_json)


@app.command(
    epilog="Examples:  vectordb migrate check --stack prod  ·  vectordb migrate check --json || echo 'the database is behind'",
    help=f"Like plan, and fail when the database differs from the files.\n\n{_TARGET}\n\nExit codes: 0 equal, 1 differs, 2 failed.",
)
def check(
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    sql: SqlOption = _SQL,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 600,
) -> None:
    with ending_at_once(), _run(settings(stack, database, local=local), sql, timeout) as run:
        differs = _show(run, as_json=as_json).differs()
    raise typer.Exit(1 if differs else 0)


@app.command(
    epilog="Examples:  vectordb migrate apply --local  ·  vectordb migrate apply --sql sql --timeout 60",
    help=(
        "Run the files that are new or changed, each in a transaction with its line in the ledger, one applier at a time. A run that "
        f"was interrupted is continued by the next.\n\n{_TARGET}\n\n"
        'Prints {"applied", "unchanged", "versions", "duration_ms"} as JSON; talk goes to standard error. Exit codes: 0, 2 failed.'
    ),
)
def apply(
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    sql: SqlOption = _SQL,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 600,
) -> None:
    del as_json  # it always does: the step keeps it as its output
    with ending_at_once(), _run(settings(stack, database, local=local), sql, timeout) as run:
        summary = run.apply()
    typer.echo(json.dumps(summary.as_json()))


def settings(stack: str, database: str, *, local: bool) -> "Settings":
    """Of the database that the options name; without any, of the one that the environment names, else of the selected stack.

    From here on this process's AWS clients go to where the stack is.
    """
    from vectordb.cli import target
    from vectordb.database import client
    from vectordb.database.settings import HOST, REGION, SECRET_ARN, Settings

    client.drop_contradictions()
    told = any(os.environ.get(name) for name in (HOST, REGION, SECRET_ARN))
    if told and not (stack or local or database):
        return Settings.from_environment(os.environ)
    chosen = target.chosen(stack, local, database)
    chosen.use()
    return chosen.settings


@contextlib.contextmanager
def _run(chosen: "Settings", sql: Path, timeout: float) -> Iterator["Run"]:
    from vectordb.cli.context import sql_folder
    from vectordb.database.run import Run

    if sql == _SQL and not sql.is_dir():
        # Outside of a project it stays as it is, and is told to be missing.
        with contextlib.suppress(VectordbError):
            sql = sql_folder()
    yield Run.prepare(chosen, sql, timeout=timeout)


def _show(run: "Run", *, as_json: bool) -> "Comparison":
    compared, edited = run.plan()
    if as_json:
        typer.echo(json.dumps(_as_json(compared)))
        return compared
    for step in compared.steps:
        typer.echo(f"{step.label}  {step.why}")
    for text in edited:
        typer.echo(text)
    for label in compared.missing:
        typer.echo(f"{label}  applied, and no file here")
    typer.echo(
        f"{len(compared.steps)} to apply, {compared.unchanged} unchanged, {len(compared.edited)} edited after they were applied"
    )
    return compared


def _as_json(compared: "Comparison") -> dict[str, Any]:
    return {
        "pending": [{"file": step.label, "why": step.why} for step in compared.steps],
        "unchanged": compared.unchanged,
        "edited": [
            {"file": one.prepared.file.label, "applied": one.applied_checksum, "now": one.prepared.checksum}
            for one in compared.edited
        ],
        "missing": list(compared.missing),
    }


@contextlib.contextmanager
def ending_at_once(
    left: str = "the file under way was rolled back; apply again to continue",
) -> Iterator[None]:
    """On SIGINT or SIGTERM cancel the statement, roll back, end the tunnel and leave, undisturbed by further signals.

    Args:
        left: what a person is told of the state that this leaves.
    """
    received: list[int] = []

    def stop(number: int, _: object) -> None:
        received.append(number)
        for other in (signal.SIGINT, signal.SIGTERM):
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        number = received[0] if received else signal.SIGINT
        typer.echo(
            f"interrupted by {signal.Signals(number).name}: {left}",
            err=True,
        )
        raise typer.Exit(128 + number) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
