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
    """Start the stack, or bring a running one up to date with the program.

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
    several = len(running.databases) > 1
    listed = (
        f"{f'{d.name} is ' if several else ''}PostgreSQL {d.postgres_version} on 127.0.0.1:{d.port}"
        for d in running.databases
    )
    console.print(
        f"[green]✓[/] {running.stack} is up: {', '.join(listed)}, AWS stand-ins on {running.emulator}"
        + ("" if started else " (it was running)"),
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
    """Stop the stack. Its data stays for the next `up`.

    \b
    vectordb local down
    """
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
    """Show where the running stack listens. Exit code 1 when it does not run.

    \b
    vectordb local status
    vectordb local status --json | jq .databases
    """
    import json
    from dataclasses import asdict

    from vectordb.local.state import Folder

    directory = project_directory()
    running = Folder.of(directory, chosen_stack(stack, directory)).running()
    if as_json:
        # What was there when a stack had one database stays where it was: of the primary.
        typer.echo(json.dumps(asdict(running.primary) | asdict(running), indent=2))
        return
    rows = [("stack", f"{running.project} / {running.stack} ({running.region})")]
    for database in running.databases:
        compiled = "compiled" if database.transport == "c" else "over files (no C compiler)"
        rows += [
            (database.name, f"{database.engine}, PostgreSQL {database.postgres_version}, aws_lambda {compiled}"),
            ("  endpoint", f"{database.host} on 127.0.0.1:{database.port}"),
            ("  login", f"{database.user} on database {database.database}"),
        ]
    rows += [
        ("AWS endpoint", running.emulator),
        ("authorisation", f"checked for {running.roles} roles; you are the deployer, who may everything"),
        (
            "processes",
            ", ".join(f"{n} {pid}" for n, pid in {"supervisor": running.supervisor, **running.processes}.items()),
        ),
        ("logs", f".local/{running.stack}/*.log, .local/{running.stack}/databases/*/*.log"),
    ]
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        # Names are there to be copied: a line is never broken.
        data().print(f"{label:<{width}}  {value}", soft_wrap=True)
    _recorded(data(), running.recorded)


@app.command()
def env(
    *,
    stack: StackOption = "",
    database: Annotated[
        str, typer.Option("--database", help="Name of the database, as `status` lists it.", show_default="the primary")
    ] = "",
) -> None:
    """Print shell exports: for psql and every libpq client, and for every AWS SDK.

    PGPASSFILE names a file with an IAM token that the running stack renews.

    \b
    eval "$(vectordb local env)"
    eval "$(vectordb local env --database rds)"
    psql -c 'select count(*) from stdlib.entries'
    aws s3vectors list-vector-buckets
    """
    import shlex

    from vectordb.local import connections
    from vectordb.local.state import Folder

    directory = project_directory()
    folder = Folder.of(directory, chosen_stack(stack, directory))
    running = folder.running()
    exports = connections.environment(running, folder.credentials(), database)
    typer.echo(f"unset {' '.join(connections.UNSET)}")
    for name, value in exports.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


@app.command()
def reset(
    *, stack: StackOption = "", yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Stop the stack and remove its data: tables, vectors, logs, credentials.

    \b
    vectordb local reset --stack dev
    """
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
    """What has no stand-in, by what it is about: never silently skipped."""
    from vectordb.local.recorded import grouped, listed

    if recorded:
        console.print("[dim]Recorded and checked by the policies, not executed here:[/]", soft_wrap=True)
    for kind, names in grouped(recorded).items():
        console.print(f"[dim]  {kind:<10} {listed(names)}[/]", soft_wrap=True)
