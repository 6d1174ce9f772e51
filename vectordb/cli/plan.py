"""`vectordb plan`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from vectordb.cli.context import StackOption, chosen_stack, data, project_directory, talk


def plan(
    stack: StackOption = "",
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the whole plan as JSON; without FILE, to standard output."),
    ] = None,
) -> None:
    r"""Show what `pulumi up` would make, and check it against the policies. Nothing is asked of AWS.

    The program runs in this process with unknown outputs, as in a preview, and the pack in policy/ judges every resource.

    \b
    Exit codes: 0 no mandatory violation, 1 at least one, 2 the program or its configuration failed.

    \b
    vectordb plan
    vectordb plan --stack prod --json plan.json
    vectordb plan --json | jq '.resources[].type'
    """
    from vectordb.plan import plan as planning
    from vectordb.plan import stack_configuration
    from vectordb.plan.summary import show

    directory = project_directory()
    made = planning.make(stack_configuration.read(directory, chosen_stack(stack, directory)))
    text = json.dumps(made.as_json(), indent=2, ensure_ascii=False)
    if json_file == Path("-"):
        typer.echo(text)
        show(made, talk())
    else:
        show(made, data())
        if json_file is not None:
            json_file.write_text(text + "\n", encoding="utf-8")
            talk().print(f"The plan is in {json_file}.")
    raise typer.Exit(1 if made.mandatory else 0)
