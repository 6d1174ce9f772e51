"""What the function is packed from."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CLOSURE = {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}


def pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s\\]+)", text, re.MULTILINE))


def test_the_function_runs_the_versions_that_are_tested_here():
    lock = pins((ROOT / "requirements.lock").read_text())
    ours = pins((ROOT / "lambda/bridge/requirements.txt").read_text())
    assert ours == {name: lock[name] for name in CLOSURE}


@pytest.mark.parametrize("module", sorted((ROOT / "lambda/bridge").glob("*.py")), ids=lambda path: path.stem)
def test_the_function_is_self_contained(module):
    """Lambda's root is the folder: imports are the standard library, the SDK, or a neighbour."""
    neighbours = {path.stem for path in module.parent.glob("*.py")}
    standard = {"collections", "contextlib", "dataclasses", "functools", "json", "math", "os", "re", "sys", "threading"}
    standard |= {"time", "typing"}
    statements = [
        node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    imported = {
        (name.name if isinstance(node, ast.Import) else str(node.module)).partition(".")[0]
        for node in statements
        for name in node.names
    }
    assert imported <= standard | neighbours | {"boto3", "botocore"}


def test_the_entry_point_is_there():
    import handler

    assert callable(handler.handle)
    assert Path(handler.__file__) == ROOT / "lambda/bridge/handler.py"
