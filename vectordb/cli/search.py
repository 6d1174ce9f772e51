"""`vectordb search`."""

from enum import StrEnum
from typing import Annotated

import typer

from vectordb.cli.context import StackOption, chosen_stack, data, project_directory, talk
from vectordb.errors import VectordbError


class Store(StrEnum):
    """Where to look."""

    PGVECTOR = "pgvector"
    S3 = "s3"
    BOTH = "both"


class Kind(StrEnum):
    """What to look for."""

    FUNCTION = "function"
    CLASS = "class"
    METHOD = "method"


def search(
    question: Annotated[str, typer.Argument(help="In plain language.", show_default=False)],
    *,
    local: Annotated[bool, typer.Option("--local", help="Ask the stack on this machine.")] = False,
    stack: StackOption = "",
    store: Annotated[Store, typer.Option(help="pgvector, s3 (through SQL), or both.")] = Store.BOTH,
    top: Annotated[int, typer.Option("--top", "-k", min=1, max=1000, help="How many answers.")] = 5,
    kind: Annotated[Kind | None, typer.Option(help="Only entries of this kind.", show_default=False)] = None,
    module: Annotated[str | None, typer.Option(help="Only entries of this module.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Search the example by meaning: text in, entries of Python's standard library out.

    \b
    vectordb search --local "parse a date"
    vectordb search --local "run a command" --kind function --store s3
    vectordb search --local "open a socket" --module asyncio --json
    """
    import json
    from dataclasses import asdict

    from vectordb.local import connections
    from vectordb.local.clients import Clients
    from vectordb.local.example import answers
    from vectordb.local.example.embedding import as_text, embed
    from vectordb.local.example.tour import show_answer
    from vectordb.local.state import Folder

    if not local:
        raise VectordbError("Only the stack on this machine can be searched from here.", remedy="Add --local.")
    if not question.strip():
        raise VectordbError("The question is empty.", remedy='Ask something: vectordb search --local "parse a date"')
    directory = project_directory()
    folder = Folder.of(directory, chosen_stack(stack, directory))
    running, credentials = folder.running(), folder.credentials()
    vector = as_text(embed(Clients(running.emulator, running.region, credentials)("bedrock-runtime"), question))
    wanted = {
        Store.PGVECTOR: (("pgvector", answers.PGVECTOR),),
        Store.S3: (("S3 Vectors", answers.S3_VECTORS),),
        Store.BOTH: (("pgvector", answers.PGVECTOR), ("S3 Vectors", answers.S3_VECTORS)),
    }[store]
    with connections.connect(running, credentials) as connection:
        if connection.execute("SELECT to_regclass('stdlib.entries') IS NULL").fetchone() == (True,):
            raise VectordbError("The example is not loaded.", remedy="Load it with: vectordb local up --tour")
        found = {
            title: answers.ask(connection, statement, vector, top=top, module=module, kind=kind and kind.value)
            for title, statement in wanted
        }
    if as_json:
        typer.echo(json.dumps({title: asdict(answer) for title, answer in found.items()}, indent=2, ensure_ascii=False))
        return
    for title, answer in found.items():
        show_answer(data(), title, answer)
    if not any(answer.hits for answer in found.values()):
        talk().print("Nothing matches these conditions.")
