"""`vectordb plan`."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vectordb.cli import results
from vectordb.cli.context import StackOption, chosen_stack, data, project_directory, talk
from vectordb.errors import VectordbError

if TYPE_CHECKING:
    from rich.console import Console

    from vectordb.local.permissions.judgement import Judgement
    from vectordb.plan.plan import Plan
    from vectordb.plan.report.difference import Difference
    from vectordb.plan.report.model import Report
    from vectordb.plan.stack_configuration import StackConfiguration

FileOption = Path | None


def plan(
    stack: StackOption = "",
    json_file: Annotated[
        FileOption,
        typer.Option("--json", metavar="FILE", help="Write the whole plan as JSON; without FILE, to standard output."),
    ] = None,
    markdown: Annotated[
        FileOption,
        typer.Option("--markdown", metavar="FILE", help="Write the report as a pull request's comment, below 60 KB."),
    ] = None,
    html: Annotated[
        FileOption,
        typer.Option(
            "--html", metavar="FILE", help="Write the report as one page, with a drawing of the architecture."
        ),
    ] = None,
    sarif: Annotated[
        FileOption, typer.Option("--sarif", metavar="FILE", help="Write what the policies found for code scanning.")
    ] = None,
    diff: Annotated[
        FileOption,
        typer.Option(
            "--diff",
            "--since",
            metavar="FILE",
            help="Show what changes since FILE, exposure, access, encryption and cost first: an earlier plan, or what "
            "`pulumi stack export` wrote; `-` for standard input.",
        ),
    ] = None,
    policy_config: Annotated[
        FileOption,
        typer.Option(
            "--policy-config",
            metavar="FILE",
            help="Configuration of the policies; by default config.<stack>.json in the pack's folder, where it exists.",
        ),
    ] = None,
) -> None:
    """Show what `pulumi up` would make, what can reach it, and check it against the policies. Nothing is asked of AWS.

    The program runs in this process with unknown outputs, as in a preview, and the pack in policy/ judges every resource.
    A FILE is written when everything else succeeded, and `-` is standard output.

    \b
    Exit codes: 0 no mandatory violation, 1 at least one, 2 the program or its configuration failed.

    \b
    vectordb plan
    vectordb plan --stack prod --html plan.html
    vectordb plan --json | jq '.resources[].type'
    pulumi stack export | vectordb plan --diff -
    vectordb plan --diff main.json --markdown comment.md --sarif plan.sarif
    """
    from vectordb.plan import changes_summary, stack_configuration
    from vectordb.plan.report import model, terminal
    from vectordb.plan.summary import judged, show

    files = {"--json": json_file, "--markdown": markdown, "--html": html, "--sarif": sarif}
    console = talk() if results.only_one_prints(files) else data()
    before = None if diff is None else _read(diff)
    directory = project_directory()
    configuration = stack_configuration.read(directory, chosen_stack(stack, directory))
    made, permissions, whole, base = _plan(configuration, policy_config, before)
    report = model.read(whole, judged(made), _pages())
    difference = None if base is None or before is None else _compared(_named(diff), before, base, whole, report)
    results.write(_written(files, whole, report, difference, configuration.directory))
    show(made, console)
    if made.violations and policy_config is None:
        _show_missing_configuration(configuration, console)
    _show_permissions(permissions, console)
    terminal.show_reach(report, console)
    if difference is not None:
        terminal.show_difference(difference, console)
        changes_summary.show(difference.base, difference.resources, difference.consequences, console)
    for option, file in files.items():
        if file is not None and file != results.STANDARD_OUTPUT:
            talk().print(f"{_NAMES[option]} is in {file}.")
    raise typer.Exit(1 if made.mandatory else 0)


_NAMES = {"--json": "The plan", "--markdown": "The comment", "--html": "The report", "--sarif": "The log of findings"}


def _plan(
    configuration: "StackConfiguration", policy_config: Path | None, before: dict[str, Any] | None
) -> "tuple[Plan, Judgement, dict[str, Any], Report | None]":
    """The plan, what its roles may, its JSON with the facts, and the report of the base."""
    from vectordb.local.permissions.judgement import judge
    from vectordb.plan import analyzer, facts
    from vectordb.plan import plan as planning
    from vectordb.plan.report import base

    folder = analyzer.nearest(configuration.directory)
    # The proofs go on beside the policies: each is a process of its own.
    with facts.started(folder) as prover, facts.started(folder, wanted=base.unproved(before)) as earlier:

        def prove(recorded: dict[str, Any]) -> None:
            prover.begin(recorded)
            if before is not None and base.unproved(before):
                earlier.begin(base.to_prove(before, recorded["presumed"]["identifiers"]))

        made = planning.make(configuration, policy_config=policy_config, recorded=prove)
        permissions = judge(configuration, made.presumed.recording)
        whole = made.as_json() | {"permissions": _permissions(permissions)} | prover.answer().as_json()
        compared = None if before is None else base.report(before, earlier, configuration.region)
    return made, permissions, whole, compared


def _permissions(judged: "Judgement") -> dict[str, list[str]]:
    return {
        "roles": [role.name for role in judged.roles],
        "missing": list(judged.missing),
        "unneeded": list(judged.unneeded),
    }


def _compared(
    name: str, before: dict[str, Any], base: "Report", whole: dict[str, Any], report: "Report"
) -> "Difference":
    from vectordb.plan import changes
    from vectordb.plan.consequences import consequences
    from vectordb.plan.report import difference

    found = changes.compare(before, whole)
    return difference.compare(base, report, name, found, consequences(found, whole, before))


def _written(
    files: Mapping[str, FileOption],
    whole: dict[str, Any],
    report: "Report",
    difference: "Difference | None",
    program: Path,
) -> dict[Path, str]:
    """File → what is to be in it."""
    from vectordb.plan.report import html, markdown, sarif

    writers = {
        "--json": lambda: json.dumps(whole, indent=2, ensure_ascii=False) + "\n",
        "--markdown": lambda: markdown.comment(report, difference),
        "--html": lambda: html.page(report, difference),
        "--sarif": lambda: json.dumps(sarif.log(report, program), indent=2, ensure_ascii=False) + "\n",
    }
    return {file: writers[option]() for option, file in files.items() if file is not None}


def _pages() -> str:
    """Where the checkout can be read, as GitHub's workflows say in their environment; empty elsewhere."""
    server, repository = os.environ.get("GITHUB_SERVER_URL", ""), os.environ.get("GITHUB_REPOSITORY", "")
    return f"{server}/{repository}/blob/{os.environ.get('GITHUB_SHA') or 'HEAD'}/" if server and repository else ""


def _show_missing_configuration(configuration: "StackConfiguration", console: "Console") -> None:
    """Whoever adds a stack meets findings that its neighbours are configured not to have."""
    from vectordb.plan import analyzer, policy_configuration

    folder = analyzer.nearest(configuration.directory)
    if policy_configuration.beside(folder, configuration.stack) is None:
        file = f"{folder.name}/config.{configuration.stack}.json"
        said = f"There is no {file}, so every policy is in force as it is by default: docs/policies.md#configuration"
        console.print(said, style="dim", soft_wrap=True)


def _show_permissions(judged: "Judgement", console: "Console") -> None:
    from vectordb.plan.report.grade import counted

    for sentence in judged.missing:
        console.print(f"! A role lacks a permission: {sentence}", style="yellow", soft_wrap=True)
    for sentence in judged.unneeded:
        console.print(f"! A role may more than it is known to need: {sentence}", style="yellow", soft_wrap=True)
    if not (judged.missing or judged.unneeded):
        needs = "it needs" if len(judged.roles) == 1 else "they need"
        said = f"✓ {counted(len(judged.roles), 'role')} may what {needs}, and nothing else."
        console.print(said, style="green", soft_wrap=True)


def _named(file: Path | None) -> str:
    return "standard input" if file is None or file == results.STANDARD_OUTPUT else file.name


def _read(file: Path) -> dict[str, Any]:
    """An earlier plan or a stack's state."""
    from vectordb.plan.report import base

    try:
        text = sys.stdin.read() if file == Path("-") else file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise VectordbError(f"--diff {file}: there is no such file.") from None
    except (UnicodeError, OSError) as error:
        raise VectordbError(f"--diff {file}: it cannot be read: {error}") from None
    return base.read(file, text)
