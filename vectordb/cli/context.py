"""What every command needs: the project's folder, the stack, where to print."""

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from vectordb.errors import VectordbError

StackOption = Annotated[
    str,
    typer.Option(
        "--stack",
        "-s",
        help="The stack; by default the one that `pulumi stack select` chose, or dev.",
        show_default=False,
        autocompletion=lambda: _stacks(),  # noqa: PLW0108 - defined below
    ),
]


def talk() -> Console:
    """Where progress and prose go: standard error, in colour only on a terminal."""
    return Console(stderr=True, highlight=False)


def data() -> Console:
    """Where results go: standard output."""
    return Console(highlight=False)


def project_directory() -> Path:
    """The nearest folder, from the working directory up, that holds Pulumi.yaml.

    Raises:
        VectordbError: there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "Pulumi.yaml").exists():
            return folder
    raise VectordbError(
        f"{here} is not inside a Pulumi project: no Pulumi.yaml here or above.",
        remedy="Change to the project's folder, the one with Makefile and Pulumi.yaml.",
    )


def sql_folder() -> Path:
    """The project's SQL: `sql` beside its program, or in the nearest folder above, which a program in a checkout's folder uses.

    Raises:
        VectordbError: there is no project here.
    """
    from vectordb.plan.stack_configuration import program

    start = project_directory()
    with contextlib.suppress(VectordbError):  # in another language it has no `main` that is read here
        start = program(start)
    found = (folder / "sql" for folder in (start, *start.parents))
    return next((folder for folder in found if (folder / "versioned").is_dir()), start / "sql")


def chosen_stack(given: str, directory: Path) -> str:
    """`given`, or what PULUMI_STACK or `pulumi stack select` says, or dev."""
    return given or os.environ.get("PULUMI_STACK", "") or _selected(directory) or "dev"


def _selected(directory: Path) -> str:
    """The CLI keeps the choice by a hash of the project file's path (sdk/go/common/workspace, getWorkspaceFile)."""
    from vectordb.plan.stack_configuration import _mapping

    project = directory / "Pulumi.yaml"
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    digest = hashlib.sha1(str(project).encode(), usedforsecurity=False).hexdigest()
    name = _mapping(project, "").get("name", directory.name)
    try:
        selected = json.loads((home / "workspaces" / f"{name}-{digest}-workspace.json").read_text()).get("stack", "")
    except (OSError, ValueError):
        return ""
    return str(selected).rpartition("/")[2]  # organization/project/stack on Pulumi Cloud


def _stacks() -> list[str]:
    from vectordb.plan.stack_configuration import stacks

    try:
        return stacks(project_directory())
    except VectordbError:
        return []
