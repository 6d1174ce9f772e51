"""`vectordb indexes`: what no infrastructure provider can set of Amazon S3 Vectors indexes."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from vectordb.cli.target import LocalOption, StackOption

if TYPE_CHECKING:
    from vectordb.database.talk import Say
    from vectordb.text_search import Declared, Difference

app = typer.Typer(
    no_args_is_help=True,
    help="Configure what no infrastructure provider can of Amazon S3 Vectors indexes: metadata keys that are searched by words.",
)

DeleteOption = Annotated[
    bool, typer.Option("--delete", help="Also take away every full-text key that is not declared, whoever made it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]

_TARGET = (
    "The indexes are those of --stack, or with --local of the stack on this machine, with the keys that its configuration "
    "declares (vectordb:indexes[].fullTextKeys). Where neither is given and VECTORDB_TEXT_SEARCH is set, the environment tells "
    "them, as the Pulumi program sets it for its step, with VECTORDB_REGION. AWS credentials are found as in every AWS tool; they "
    "need s3vectors:GetIndex and s3vectors:UpdateMetadataConfiguration on the indexes."
)


@app.command(
    epilog="Examples:  vectordb indexes apply --stack prod  ·  vectordb indexes apply --local --delete",
    help=(
        "Add the full-text keys that an index lacks, delete and add those of another language, and wait until they can be "
        "searched. No vector is touched. Keys that are not declared stay, unless the same step declared them before or --delete is "
        f"given. It can be run at any time, and goes on where another run ended.\n\n{_TARGET}\n\n"
        'Prints {"indexes": [{"arn", "declared", "added", "changed", "deleted", "kept", "building"}]} as JSON; talk goes to '
        "standard error. What is still in `building` when the time is up goes on by itself: `check` tells when it is done. "
        "Exit codes: 0, 2 failed."
    ),
)
def apply(
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    delete: DeleteOption = False,
    as_json: JsonOption = False,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait for S3 Vectors, for all indexes."),
    ] = 900,
) -> None:
    from vectordb.cli.migrate import ending_at_once
    from vectordb.database.talk import Deadline
    from vectordb.text_search import PREVIOUS, Indexes, own_keys

    del as_json  # it always does: the step keeps it as its output
    with ending_at_once("the index goes on with what it was told; apply again to continue"):
        region, declared = _declared(stack, local=local)
        own, deadline = own_keys(os.environ.get(PREVIOUS, "")), Deadline(timeout)
        indexes, outcomes = Indexes(region), []
        with _telling() as say:
            for one in declared:
                done = indexes.apply(one, deadline=deadline, say=say, own=own.get(one.arn, ()), delete=delete)
                if done.building:
                    say(f"{one.name}: {', '.join(done.building)} cannot be searched yet; S3 Vectors goes on building")
                if done.kept:
                    say(f"{one.name}: {', '.join(done.kept)} not declared here, left as it is (--delete takes it away)")
                outcomes.append(done.as_json())
    typer.echo(json.dumps({"indexes": outcomes}))


@app.command(
    epilog="Examples:  vectordb indexes check --local  ·  vectordb indexes check --json | jq '.indexes[].add'",
    help=(
        "Hold each index against its declaration, and fail when it lacks a key, has one of another language, or cannot search one "
        f"yet. Changes nothing.\n\n{_TARGET}\n\nExit codes: 0 as declared, 1 differs, 2 failed."
    ),
)
def check(
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    delete: DeleteOption = False,
    as_json: JsonOption = False,
) -> None:
    from vectordb.text_search import Indexes, compare

    region, declared = _declared(stack, local=local)
    indexes = Indexes(region)
    found = [(one, compare(one, indexes.state(one), delete=delete)) for one in declared]
    if as_json:
        rows = [{"arn": one.arn, **{key: list(value) for key, value in vars(left).items()}} for one, left in found]
        typer.echo(json.dumps({"indexes": rows}))
    else:
        for one, left in found:
            for line in _lines(one, left):
                typer.echo(line)
    raise typer.Exit(1 if any(left.building or not left.settled for _, left in found) else 0)


def _lines(one: "Declared", left: "Difference") -> Iterator[str]:
    said = {
        "lacks": left.add,
        "has in another language": left.change,
        "is to lose": left.delete,
        "is building": left.building,
        "has, not declared here,": left.kept,
    }
    if not any(said.values()):
        listed = ", ".join(f"{key} ({language or 'standard'})" for key, language in sorted(one.keys.items()))
        yield f"{one.name}  as declared: {listed or 'no full-text keys'}"
    for words, keys in said.items():
        if keys:
            yield f"{one.name}  {words} {', '.join(keys)}"


def _declared(stack: str, *, local: bool) -> tuple[str, "list[Declared]"]:
    """The region, and the indexes as the options name them; without any, as the environment does, else of the selected stack."""
    from vectordb.cli import target
    from vectordb.text_search import DECLARED, from_environment, from_outputs

    if os.environ.get(DECLARED) and not (stack or local):
        return from_environment(os.environ)
    chosen = target.chosen(stack, local)
    chosen.use()
    return chosen.settings.region, from_outputs(chosen.outputs)


@contextmanager
def _telling() -> "Iterator[Say]":
    """Lines of progress; on a terminal the last one with a spinner."""
    from vectordb.cli.context import talk
    from vectordb.database.talk import to_stderr

    console = talk()
    if not console.is_terminal:
        yield to_stderr
        return
    with console.status("looking at the indexes ...") as status:

        def say(line: str) -> None:
            console.print(line, soft_wrap=True)
            status.update(line)

        yield say
