"""`vectordb doctor`."""

from typing import TYPE_CHECKING, Annotated

import typer

from vectordb.cli.context import StackOption, data, sql_folder, talk
from vectordb.cli.target import DatabaseOption, LocalOption, chosen

if TYPE_CHECKING:
    from rich.console import Console

    from vectordb.doctor.findings import Report


def doctor(
    *,
    stack: StackOption = "",
    local: LocalOption = False,
    database: DatabaseOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")] = False,
) -> None:
    """Look at every link between you and an answer, and say what to do about the broken ones.

    Each line is a check of its own: state, time, what was found, remedy. What cannot be told while another link is broken is
    skipped and names it. Nothing is changed; docs/doctor.md says what each check proves.

    \b
    Exit codes: 0 no link is broken, 1 at least one, 2 the stack cannot be found.

    \b
    vectordb doctor
    vectordb doctor --local
    vectordb doctor --stack prod --json | jq '.checks[] | select(.state == "failed")'
    """
    import json

    from vectordb.doctor.checks import CHECKS
    from vectordb.doctor.context import Subject
    from vectordb.doctor.run import examine

    target = chosen(stack, local, database)
    target.use()
    subject = Subject(
        settings=target.settings,
        outputs=target.outputs,
        sql=sql_folder(),
        user=target.user,
        local=target.local,
    )
    console = talk()
    with console.status("looking ...") as status:
        waiting = ""

        def progress(done: int, total: int, said: str) -> None:
            nonlocal waiting
            waiting = said or waiting
            status.update(f"{done} of {total} checks" + (f": {waiting}" if waiting else ""))

        report = examine(subject, CHECKS, progress=progress)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "stack": target.name,
                    "database": target.database,
                    "local": target.local,
                    "sound": not report.failed,
                    "seconds": round(report.seconds, 3),
                    "checks": [outcome.as_json() for outcome in report.outcomes],
                    "not_declared": list(report.absent),
                },
                indent=2,
            )
        )
    else:
        _show(report, data(), console)
    raise typer.Exit(1 if report.failed else 0)


_COLOURS = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim", "not applicable": "dim"}


def _show(report: "Report", results: "Console", console: "Console") -> None:
    from rich.text import Text

    widest = max((len(outcome.name) for outcome in report.outcomes), default=0)
    for outcome in report.outcomes:
        state = outcome.state.value
        line = Text(f"{state:<14}", style=_COLOURS[state])
        line.append(f"  {outcome.name:<{widest}}  {outcome.seconds:6.2f} s  {outcome.detail}", style="none")
        if outcome.remedy:
            line.append(f"  → {outcome.remedy}", style="none")
        # One line each, however long: a pipe cuts it up by columns.
        results.print(line, soft_wrap=True)
    counted = ", ".join(f"{count} {state}" for state, count in report.counts().items())
    console.print(f"{counted}, in {report.seconds:.1f} s", soft_wrap=True)
    if report.absent:
        console.print(f"[dim]Not part of this stack: {', '.join(report.absent)}[/]", soft_wrap=True)
