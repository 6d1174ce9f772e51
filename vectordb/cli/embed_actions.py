"""`vectordb embed` NAME commands: each one is one function of schema `embed`."""

import json
from typing import Annotated, LiteralString

import typer

from vectordb.cli import embed_index, embedding
from vectordb.cli.target import DatabaseOption, LocalOption, StackOption

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The vectorizer.", show_default=False)]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait for the database.")
]
RECONCILE: LiteralString = (
    "SELECT sum(examined), sum(missing), sum(stale), sum(orphan), sum(repaired) FROM embed.reconcile(%s, repair => %s)"
)
RETRY: LiteralString = "SELECT embed.retry_dead(%s)"
PAUSE: LiteralString = "SELECT embed.pause(%s)"
RESUME: LiteralString = "SELECT embed.resume(%s)"
CUTOVER: LiteralString = "SELECT embed.cutover(%s, force => %s)"
ROLLBACK: LiteralString = "SELECT embed.rollback(%s)"
SEARCH: LiteralString = "SELECT key, chunk_number, chunk, distance FROM embed.search_text(%s, %s, %s)"


def reconcile(
    name: NameArgument,
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Enqueue what is missing, stale or orphaned.")] = False,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    timeout: TimeoutOption = 120,
) -> None:
    """Compare every row with its embedding, and find what bypassed the triggers.

    \b
    vectordb embed reconcile docs
    vectordb embed reconcile docs --repair --stack prod

    \b
    Exit codes: 0 in step, 1 it is not and was not repaired, 2 failed.
    """
    with embedding.session(stack, database, local=local, timeout=timeout, admin=True) as session:
        [found] = embedding.asked(session, RECONCILE, name, repair)
    examined, missing, stale, orphan, repaired = (int(count or 0) for count in found)
    typer.echo(f"examined {examined}, missing {missing}, stale {stale}, orphan {orphan}, repaired {repaired}")
    raise typer.Exit(1 if missing + stale + orphan > 0 and not repair else 0)


def retry(
    name: NameArgument,
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    timeout: TimeoutOption = 120,
) -> None:
    """Try dead rows again, once what killed them is mended.

    \b
    vectordb embed retry docs

    \b
    Exit codes: 0 done, 2 failed.
    """
    with embedding.session(stack, database, local=local, timeout=timeout, admin=True) as session:
        [(rows,)] = embedding.asked(session, RETRY, name)
    typer.echo(f"{rows} rows are enqueued again")


def pause(
    name: NameArgument,
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    timeout: TimeoutOption = 120,
) -> None:
    """Embed nothing until `resume`; changes are still collected.

    \b
    vectordb embed pause docs

    \b
    Exit codes: 0 done, 2 failed.
    """
    with embedding.session(stack, database, local=local, timeout=timeout, admin=True) as session:
        embedding.asked(session, PAUSE, name)
    typer.echo(f"{name} is paused")


def resume(
    name: NameArgument,
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    timeout: TimeoutOption = 120,
) -> None:
    """Go on after `pause`, or after an open circuit whose cause is mended.

    \b
    vectordb embed resume docs

    \b
    Exit codes: 0 done, 2 failed.
    """
    with embedding.session(stack, database, local=local, timeout=timeout, admin=True) as session:
        embedding.asked(session, RESUME, name)
    typer.echo(f"{name} goes on")


def cutover(
    name: NameArgument,
    *,
    force: Annotated[bool, typer.Option("--force", help="Though rows are missing in it.")] = False,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    timeout: TimeoutOption = 120,
) -> None:
    """Let searches use the generation that was built beside the live one.

    \b
    vectordb embed cutover docs

    \b
    Exit codes: 0 done, 2 failed, or it is not complete.
    """
    with embedding.session(stack, database, local=local, timeout=timeout, admin=True) as session:
        [(generation,)] = embedding.asked(session, CUTOVER, name, force)
    typer.echo(f"generation {generation} of {name} is live")


def rollback(
    name: NameArgument,
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    timeout: TimeoutOption = 120,
) -> None:
    """Let searches use the generation before again, as long as it is kept.

    \b
    vectordb embed rollback docs

    \b
    Exit codes: 0 done, 2 failed.
    """
    with embedding.session(stack, database, local=local, timeout=timeout, admin=True) as session:
        [(generation,)] = embedding.asked(session, ROLLBACK, name)
    typer.echo(f"generation {generation} of {name} is live")


def search(
    name: NameArgument,
    question: Annotated[str, typer.Argument(metavar="TEXT", help="In plain language.", show_default=False)],
    *,
    top: Annotated[int, typer.Option("--top", "-k", min=1, max=1000, help="How many answers.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    timeout: TimeoutOption = 120,
) -> None:
    """Search a vectorizer's embeddings by meaning, with its own model.

    \b
    vectordb embed search docs "how do I reset my password"
    vectordb embed search docs "refunds" --top 20 --json

    \b
    Exit codes: 0 answered, 2 failed.
    """
    with embedding.session(stack, database, local=local, timeout=timeout) as session:
        found = embedding.asked(session, SEARCH, name, question, top)
    if as_json:
        named = ("key", "chunk_number", "chunk", "distance")
        typer.echo(json.dumps([dict(zip(named, row, strict=True)) for row in found], ensure_ascii=False))
        return
    for key, number, chunk, distance in found:
        typer.echo(
            f"{distance:.4f}  {json.dumps(key, ensure_ascii=False)}  {number}  {' '.join((chunk or '').split())}"
        )


ACTIONS = (reconcile, retry, pause, resume, cutover, rollback, search, embed_index.index)
