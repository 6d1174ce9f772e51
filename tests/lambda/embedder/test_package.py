"""What the package needs is pinned as everything else is, and it needs nothing more."""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "lambda" / "embedder"


def pins():
    lines = (FOLDER / "requirements.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_versions_are_the_locks():
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert pins() == {name: locked[name] for name in pins()}


def test_it_imports_what_is_pinned_and_no_client_of_the_sdk():
    names = set()
    for file in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.partition(".")[0])
    assert names - sys.stdlib_module_names == {"embedder", "psycopg", "botocore", "urllib3"}
