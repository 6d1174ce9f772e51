"""The help of every command reads as text: no escape is left in it, and it shows examples."""

import pytest
import typer.main
from typer.testing import CliRunner

from vectordb.cli.app import app


def commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", list(commands(typer.main.get_command(app))), ids=" ".join)
def test_help_shows_no_escape_and_an_example(path):
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "100", "TERM": "dumb"})
    assert shown.exit_code == 0
    assert "\\b" not in shown.output
    assert f"vectordb {' '.join(path)}" in shown.output.partition("Usage:")[2].partition("\n")[2]
