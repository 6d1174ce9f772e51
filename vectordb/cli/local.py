"""`vectordb local`: the stack on this machine."""

from typing import Annotated

import typer
from rich.console import Console

from vectordb.cli.context import StackOption, chosen_stack, data, project_directory, talk

app = typer.Typer(
    help="The stack on this machine: the same program, executed against stand-ins for AWS.", no_args_is_help=True
)


@app.command()
def up(
    *,
    stack: StackOption = "",
    tour: Annotated[bool, typer.Option("--tour", help="Load the example and answer one question three ways.")] = False,
) -> None:
    r"""Start the stack, or bring a running one up to date with the program.

    \b
    Exit codes: 0 it is up, 1 refused (by a policy, or another command is at work), 2 the program or its configuration failed.

    \b
    vectordb local up
    vectordb local up --stack prod --tour
    """
    from vectordb.local import lifecycle
    from vectordb.local.state import Folder

    directory = project_directory()
    name = chosen_stack(stack, directory)
    console = talk()
    running, started = lifecycle.up(directory, name, _Follower(console, name))
    console.print(
        f"[green]✓[/] {running.stack} is up: PostgreSQL {running.postgres_version} on 127.0.0.1:{running.port}, "
        f"AWS stand-ins on {running.emulator}" + ("" if started else " (it was running)"),
        soft_wrap=True,
    )
    if started:
        for notice in running.notices:
            console.print(f"[yellow]![/] {notice}", soft_wrap=True)
        _recorded(console, running.recorded)
    if tour:
        from vectordb.local.example import tour as example

        example.show(running, Folder.of(directory, name).credentials(), data(), console)


@app.command()
def down(stack: StackOption = "") -> None:
    """Stop the stack. Its data stays for the next `up`."""
    from vectordb.local import lifecycle
    from vectordb.local.state import Folder

    directory = project_directory()
    name = chosen_stack(stack, directory)
    ran = lifecycle.down(Folder.of(directory, name))
    talk().print(f"[green]✓[/] {name} is stopped; its data is in .local/{name}." if ran else f"{name} was not running.")


@app.command()
def status(
    *, stack: StackOption = "", as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False
) -> None:
    """Show where the running stack listens. Exit code 1 when it does not run."""
    import json
    from dataclasses import asdict

    from rich.table import Table

    from vectordb.local.state import Folder

    directory = project_directory()
    running = Folder.of(directory, chosen_stack(stack, directory)).running()
    if as_json:
        typer.echo(json.dumps(asdict(running), indent=2))
        return
    table = Table(box=None, show_header=False)
    for label, value in (
        ("stack", f"{running.project} / {running.stack} ({running.region})"),
        ("PostgreSQL", f"{running.postgres_version}, {running.host} on 127.0.0.1:{running.port}"),
        ("login", f"{running.user} on database {running.database}"),
        ("AWS endpoint", running.emulator),
        ("aws_lambda", "compiled" if running.transport == "c" else "over files (no C compiler)"),
        (
            "processes",
            ", ".join(f"{n} {pid}" for n, pid in {"supervisor": running.supervisor, **running.processes}.items()),
        ),
        ("logs", f".local/{running.stack}/*.log"),
    ):
        table.add_row(label, value)
    data().print(table)
    _recorded(data(), running.recorded)


@app.command()
def env(stack: StackOption = "") -> None:
    r"""Print shell exports: for psql and every libpq client, and for every AWS SDK.

    PGPASSFILE names a file with an IAM token that the running stack renews.

    \b
    eval "$(vectordb local env)"
    psql -c 'select count(*) from stdlib.entries'
    aws s3vectors list-vector-buckets
    """
    import shlex

    from vectordb.local import connections
    from vectordb.local.state import Folder

    directory = project_directory()
    folder = Folder.of(directory, chosen_stack(stack, directory))
    running = folder.running()
    typer.echo(f"unset {' '.join(connections.UNSET)}")
    for name, value in connections.environment(running, folder.credentials()).items():
        typer.echo(f"export {name}={shlex.quote(value)}")


@app.command()
def reset(
    *, stack: StackOption = "", yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Stop the stack and remove its data: tables, vectors, logs, credentials."""
    from vectordb.local import lifecycle
    from vectordb.local.state import Folder

    directory = project_directory()
    name = chosen_stack(stack, directory)
    if not yes:
        typer.confirm(f"Remove all data of the local stack {name!r}?", abort=True, err=True)
    lifecycle.reset(Folder.of(directory, name))
    talk().print(f"[green]✓[/] .local/{name} is gone.")


class _Follower:
    """Prints what is made as it is made."""

    def __init__(self, console: Console, stack: str) -> None:
        self._console = console
        console.print(f"Starting {stack} on this machine ...")

    def __call__(self, event: object) -> None:
        from vectordb.local.events import Event

        if isinstance(event, Event) and event.kind == "made":
            kind = event.detail.rpartition(":")[2]
            self._console.print(f"  [dim]{event.seconds:5.2f} s[/]  {event.text}  [dim]{kind}[/]")


def _recorded(console: Console, recorded: dict[str, int]) -> None:
    """What has no stand-in, by type: never silently skipped."""
    if recorded:
        listed = ", ".join(
            f"{kind.rpartition(':')[2]}" + (f" ×{count}" if count > 1 else "") for kind, count in recorded.items()
        )
        console.print(
            f"[dim]Checked by the policies, but not made here (network and access): {listed}.[/]", soft_wrap=True
        )
