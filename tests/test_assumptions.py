"""docs/assumptions.md: each row is whole, and what it names to look with exists."""

import gzip
import re
from functools import cache
from pathlib import Path

import botocore
import pytest
import typer

from vectordb.cli.app import app

ROOT = Path(__file__).parents[1]
MODELS = Path(botocore.__file__).parent / "data"
# What the AWS CLI calls otherwise than botocore calls its folder.
FOLDERS = {"s3api": "s3"}
ROWS = [
    re.split(r"(?<!\\)\|", line.strip().strip("|"))
    for line in (ROOT / "docs/assumptions.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d+ \|", line)
]
LOOKED = [(row[0].strip(), row[-1]) for row in ROWS]


def test_rows_are_numbered_and_whole():
    assert [int(row[0]) for row in ROWS] == list(range(1, len(ROWS) + 1))
    assert [row[0] for row in ROWS if len(row) != 5 or not all(cell.strip() for cell in row)] == []


def test_a_row_that_is_as_another_says_which():
    for number, cell in LOOKED:
        for other in re.findall(r"\bas (\d+)\b", cell):
            assert 1 <= int(other) <= len(ROWS), number
            assert int(other) != int(number)


def test_the_checks_that_are_named_exist():
    source = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "vectordb/doctor").rglob("*.py"))
    for number, cell in LOOKED:
        for names in re.findall(r"checks? ((?:`[a-z0-9-]+`(?:, | and )?)+)", cell):
            for name in re.findall(r"`([a-z0-9-]+)`", names):
                assert f'Check("{name}"' in source or f'"{name}"' in source, (number, name)


def test_the_commands_of_vectordb_that_are_named_exist():
    root = typer.main.get_command(app)
    for number, cell in LOOKED:
        for words in re.findall(r"`vectordb ([a-z- ]+)", cell):
            command = root
            for word in words.split():
                if not hasattr(command, "commands"):
                    break
                assert word in command.commands, (number, words)
                command = command.commands[word]


@cache
def operations(service):
    """The names of a service's operations; read as text, which is ten times faster than as JSON."""
    [file] = sorted((MODELS / service).glob("*/service-2.json.gz"))[-1:]
    return set(re.findall(r'"name":\s*"([A-Za-z0-9]+)",?\s*"http"', gzip.decompress(file.read_bytes()).decode()))


@pytest.mark.parametrize(("number", "cell"), [(number, cell) for number, cell in LOOKED if "`aws " in cell])
def test_the_commands_of_aws_that_are_named_exist(number, cell):
    for service, command in re.findall(r"`aws ([a-z0-9-]+) ([a-z0-9-]+)", cell):
        names = {name.casefold() for name in operations(FOLDERS.get(service, service))}
        if (service, command) != ("ssm", "start-session"):
            assert command.replace("-", "") in names, number


def test_the_functions_and_views_that_are_named_exist():
    made = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "sql").rglob("*.sql"))
    for number, cell in LOOKED:
        for name in re.findall(r"\b((?:s3vl|embed)\.[a-z_]+)\b", cell):
            assert re.search(rf"(FUNCTION|VIEW|TABLE|PROCEDURE)( IF NOT EXISTS)? {re.escape(name)}\b", made), (
                number,
                name,
            )


def test_no_page_claims_to_have_run_on_aws():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    claim = re.compile(
        r"\b(ran|run|tested|verified|measured|deployed|proven) (on|in|against) (a real |real |live )?AWS\b",
        re.IGNORECASE,
    )
    denial = re.compile(r"\b(nothing|not|never|no|nobody|without|until|before|cannot|whether|when|if)\b", re.IGNORECASE)
    for page in pages:
        for paragraph in re.split(r"\n\s*\n", page.read_text(encoding="utf-8")):
            assert not claim.search(paragraph) or denial.search(paragraph), (page.name, paragraph[:200])
