"""`vectordb embed`: how fresh the embeddings are."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vectordb.cli import embed_actions, embedding
from vectordb.cli.target import DatabaseOption, LocalOption, StackOption
from vectordb.errors import VectordbError

if TYPE_CHECKING:
    from rich.console import Group

    from vectordb.database.session import Session

app = typer.Typer(
    no_args_is_help=True, help="The embeddings of a database: what waits, what failed, how fast it goes; and mend it."
)

_ASK = "SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.name, s.generation), '[]')::text FROM embed.status AS s"
_COLUMNS = (
    "vectorizer", "generation", "state", "delivery", "pending", "leased", "delayed", "dead", "oldest", "coverage", "rows/s",
    "tokens/s", "throttles", "circuit",
)  # fmt: skip
_SPARED = ("tokens/s", "leased", "delayed", "throttles", "delivery", "rows/s", "oldest", "generation")
"""Where a terminal is narrow, these go first."""
_LEAST_NAME = 12
_NUMBERS = frozenset({"pending", "leased", "delayed", "dead", "oldest", "coverage", "rows/s", "tokens/s", "throttles"})

_OUTCOMES = {
    "waiting": "is not made yet, and is tried again at each sweep",
    "differs": "is not as declared",
    "refused": "cannot be made",
}

Row = Mapping[str, Any]


@app.callback()
def options() -> None:
    """Options of every command below."""


@app.command(
    epilog="Examples:  vectordb embed status --local  ·  vectordb embed status --watch  ·  vectordb embed status --json | jq '.[].pending'",
)
def status(
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it anew until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", metavar="SECONDS", min=0.2, max=3600, help="With --watch.")] = 2.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="All columns of embed.status; with --watch a line each time.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait for the database.")
    ] = 120,
) -> None:
    """Show each generation of each vectorizer: what is pending, dead and why, coverage, speed.

    It is a table on a terminal and lines otherwise. A session that watches keeps a cluster with minCapacity 0 awake.

    \b
    Exit codes: 0 well, 1 rows are dead, a circuit is open or a source is not watched as declared, 2 failed.
    """
    with embedding.session(stack, database, local=local, timeout=timeout) as session:
        rows = _rows(session)
        if not watch:
            _show(rows, as_json=as_json)
            _waiting(session)
            raise typer.Exit(1 if any(_ill(row) for row in rows) else 0)
        try:
            _watch(session, rows, every, as_json=as_json)
        except KeyboardInterrupt:
            raise typer.Exit(0) from None


def _watch(session: "Session", rows: list[Row], every: float, *, as_json: bool) -> None:
    from rich.live import Live

    from vectordb.cli.context import data

    console = data()
    if as_json or not console.is_terminal:
        while True:
            _show(rows, as_json=as_json)
            time.sleep(every)
            rows = _rows(session)
    with Live(screen(rows, console.width), console=console, auto_refresh=False) as live:
        while True:
            time.sleep(every)
            live.update(screen(_rows(session), console.width), refresh=True)


def _show(rows: list[Row], *, as_json: bool) -> None:
    from vectordb.cli.context import data, talk

    if as_json:
        typer.echo(json.dumps(rows))
        return
    console = data()
    if console.is_terminal:
        console.print(screen(rows, console.width))
        return
    if rows:
        for line in lines(rows):
            typer.echo(line)
    for note in notes(rows):
        talk().print(note, markup=False)


def _waiting(session: "Session") -> None:
    """What the configuration declares and the database has not, or not so."""
    import psycopg

    from vectordb.cli.context import talk

    asked = "SELECT name, outcome, reason FROM embed.declared WHERE outcome <> 'applied' ORDER BY name"
    try:
        found = session.execute(asked).fetchall()
    except psycopg.errors.UndefinedTable:
        return  # SQL of before declarations were shown
    for name, outcome, reason in found:
        talk().print(
            f"{name} (vectordb:embedding.vectorizers) {_OUTCOMES.get(outcome, outcome)}: {reason}", markup=False
        )


def screen(rows: Sequence[Row], width: int) -> "Group":
    """For a terminal: the columns that fit, and below them what somebody has to know."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[Table | Text] = []
    if rows:
        shown = [dict(zip(_COLUMNS, cells(row), strict=True)) for row in rows]
        columns, name_width = _fitting(shown, width)
        made = Table(box=None, pad_edge=False)
        for column in columns:
            most = name_width if column == "vectorizer" else None
            made.add_column(column, justify="right" if column in _NUMBERS else "left", no_wrap=True, max_width=most)
        for row, texts in zip(rows, shown, strict=True):
            made.add_row(*(Text(texts[column]) for column in columns), style="red" if _ill(row) else "")
        parts.append(made)
    return Group(*parts, *(Text(note) for note in notes(rows)))


def _fitting(shown: Sequence[Mapping[str, str]], width: int) -> tuple[list[str], int]:
    """The columns that a terminal has room for, and how wide the names may be."""
    widths = {column: max(len(column), *(len(texts[column]) for texts in shown)) for column in _COLUMNS}
    columns = [column for column in _COLUMNS if column != "circuit"]
    for spared in _SPARED:
        others = sum(widths[column] + 2 for column in columns if column != "vectorizer")
        if others + min(widths["vectorizer"], _LEAST_NAME) <= width:
            break
        columns.remove(spared)
    others = sum(widths[column] + 2 for column in columns if column != "vectorizer")
    return columns, max(1, width - others)


def notes(rows: Sequence[Row]) -> Iterator[str]:
    """What somebody has to know or to do."""
    if not rows:
        yield "There are no vectorizers. Declare one: SELECT embed.create_vectorizer(...), or vectordb:embedding."
    for row in rows:
        name = row["name"]
        if row.get("problem"):
            yield f"{name}: {row['problem']}"
        if row["circuit"]:
            yield f"{name}: the circuit is open: {row['circuit']}\n  mend that, then: vectordb embed resume {name}"
        if row["dead"]:
            many = "1 row is" if row["dead"] == 1 else f"{row['dead']} rows are"
            yield (
                f"{name}: {many} dead, the latest because of: {row['dead_reason']}\n"
                f"  mend that, then: vectordb embed retry {name}"
            )


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """For a file or a program: columns under their names, two spaces apart."""
    shown = [_COLUMNS, *(cells(row) for row in rows)]
    widths = [max(len(line[place]) for line in shown) for place in range(len(_COLUMNS))]
    for line in shown:
        yield "  ".join(
            text.rjust(width) if column in _NUMBERS else text.ljust(width)
            for column, text, width in zip(_COLUMNS, line, widths, strict=True)
        ).rstrip()


def cells(row: Row) -> tuple[str, ...]:
    """A row of embed.status as people read it."""
    state = row["generation_state"] if row["state"] == "active" else f"{row['generation_state']}, {row['state']}"
    return (
        str(row["name"]),
        str(row["generation"]),
        state,
        str(row["delivery"]),
        *(str(row[key]) for key in ("pending", "leased", "delayed", "dead")),
        _age(row["oldest_age"]),
        "" if row["coverage"] is None else f"{100 * row['coverage']:.1f} %",
        f"{row['rows_per_second'] or 0:.1f}",
        f"{row['tokens_per_second'] or 0:.0f}",
        str(row["throttles"]),
        str(row["circuit"] or ""),
    )


def _ill(row: Row) -> bool:
    """Whether somebody has to look."""
    return bool(row["dead"] or row["circuit"] or row.get("problem"))


def _age(interval: str | None) -> str:
    """PostgreSQL's interval without its fractions of a second."""
    return (interval or "").partition(".")[0]


def _rows(session: "Session") -> list[Row]:
    import psycopg

    try:
        answer = session.execute(_ASK).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise VectordbError(
            "this database has no embed.status: its SQL is older than embeddings",
            remedy="Apply the SQL: pulumi up, or vectordb migrate apply.",
        ) from error
    found: list[Row] = json.loads(answer[0]) if answer else []
    return found


for action in embed_actions.ACTIONS:
    app.command()(action)
