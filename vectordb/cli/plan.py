"""`vectordb plan`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vectordb.cli.context import StackOption, chosen_stack, data, project_directory, talk
from vectordb.errors import VectordbError

if TYPE_CHECKING:
    from rich.console import Console

    from vectordb.local.permissions.judgement import Judgement


def plan(
    stack: StackOption = "",
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the whole plan as JSON; without FILE, to standard output."),
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(
            "--since",
            metavar="FILE",
            help="Show what changes since FILE: an earlier plan, or what `pulumi stack export` wrote; `-` for standard input.",
        ),
    ] = None,
) -> None:
    """Show what `pulumi up` would make, and check it against the policies. Nothing is asked of AWS.

    The program runs in this process with unknown outputs, as in a preview, and the pack in policy/ judges every resource.

    \b
    Exit codes: 0 no mandatory violation, 1 at least one, 2 the program or its configuration failed.

    \b
    vectordb plan
    vectordb plan --stack prod --json plan.json
    vectordb plan --json | jq '.resources[].type'
    pulumi stack export | vectordb plan --since -
    """
    from vectordb.local.permissions.judgement import judge
    from vectordb.plan import plan as planning
    from vectordb.plan import stack_configuration
    from vectordb.plan.summary import show

    before = None if since is None else _read(since)
    directory = project_directory()
    configuration = stack_configuration.read(directory, chosen_stack(stack, directory))
    made = planning.make(configuration)
    permissions = judge(configuration)
    whole = made.as_json() | {
        "permissions": {
            "roles": [role.name for role in permissions.roles],
            "missing": list(permissions.missing),
            "unneeded": list(permissions.unneeded),
        }
    }
    text = json.dumps(whole, indent=2, ensure_ascii=False)
    console = talk() if json_file == Path("-") else data()
    if json_file == Path("-"):
        typer.echo(text)
    show(made, console)
    _show_permissions(permissions, console)
    if before is not None:
        from vectordb.plan import changes, changes_summary
        from vectordb.plan.consequences import consequences

        found = changes.compare(before, whole)
        changes_summary.show(str(since), found, consequences(found, whole, before), console)
    if json_file is not None and json_file != Path("-"):
        json_file.write_text(text + "\n", encoding="utf-8")
        talk().print(f"The plan is in {json_file}.")
    raise typer.Exit(1 if made.mandatory else 0)


def _show_permissions(judged: "Judgement", console: "Console") -> None:
    for sentence in judged.missing:
        console.print(f"! A role lacks a permission: {sentence}", style="yellow", soft_wrap=True)
    for sentence in judged.unneeded:
        console.print(f"! A role may more than it is known to need: {sentence}", style="yellow", soft_wrap=True)
    if not (judged.missing or judged.unneeded):
        console.print(
            f"✓ {len(judged.roles)} roles may what they need, and nothing else.", style="green", soft_wrap=True
        )


def _read(file: Path) -> dict[str, Any]:
    """An earlier plan or a stack's state."""
    try:
        read = json.loads(sys.stdin.read() if file == Path("-") else file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise VectordbError(f"--since {file}: there is no such file.") from None
    except (ValueError, OSError) as error:
        raise VectordbError(f"--since {file}: it cannot be read as JSON: {error}") from None
    if not isinstance(read, dict):
        raise VectordbError(f"--since {file}: it is neither a plan nor a stack's state.")
    return read
