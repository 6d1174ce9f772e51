"""`vectordb embed index`: the HNSW index of a vectorizer's embeddings."""

from typing import Annotated

import typer

from vectordb.cli import embedding
from vectordb.cli.target import DatabaseOption, LocalOption, StackOption
from vectordb.errors import VectordbError


def index(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The vectorizer.", show_default=False)],
    *,
    generation: Annotated[
        int | None,
        typer.Option("--generation", metavar="N", help="Of this generation.", show_default="the newest that wants one"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Though there are few vectors, or more are coming.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the statements and end.")] = False,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait for the database to answer.")
    ] = 120,
) -> None:
    """Build the HNSW index of embeddings in PostgreSQL, while they are read and written.

    Workers build small ones by themselves. This is for those that take longer, and for columns of your own tables, as the table's owner. It may be
    stopped and run again. By pg_cron: the statement that --dry-run prints.

    \b
    vectordb embed index docs
    vectordb embed index docs --dry-run

    \b
    Exit codes: 0 it is there, 1 none is to be built now, 2 failed.
    """
    from vectordb.cli.context import talk
    from vectordb.database import vector_indexes
    from vectordb.database.session import lasts

    def say(text: str) -> None:
        talk().print(text, markup=False)

    with embedding.session(stack, database, local=local, timeout=timeout, admin=True) as session:
        if not lasts(session):
            raise VectordbError(
                "an index cannot be built through the Data API, whose calls end after 45 seconds",
                remedy="Use the tunnel (vectordb connect), or run what --dry-run prints on a host in the VPC.",
            )
        candidates = vector_indexes.wanted(session, name, generation)
        reasons = [vector_indexes.reason_against(name, one, force=force) for one in candidates]
        if all(reasons):
            say("; ".join(reasons))
            raise typer.Exit(0 if all(one.state == "ready" for one in candidates) else 1)
        one = candidates[reasons.index("")]
        if dry_run:
            for part in one.parts or []:
                typer.echo(f"{part['statement']};")
            return
        say(f"generation {one.generation} of {name}: {one.vectors} vectors, about {one.seconds or 0:.0f} s")
        with embedding.session(stack, database, local=local, timeout=timeout, admin=True) as watcher:
            if lasts(watcher):
                vector_indexes.build(session, watcher, name, one, say)
    say(f"generation {one.generation} of {name} has its index")
