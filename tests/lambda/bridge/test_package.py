"""What the function is packed from."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CLOSURE = {"botocore", "python-dateutil", "six", "urllib3"}


def pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s\\]+)", text, re.MULTILINE))


def test_the_function_runs_the_versions_that_are_tested_here():
    lock = pins((ROOT / "requirements.lock").read_text())
    ours = pins((ROOT / "lambda/bridge/requirements.txt").read_text())
    assert ours == {name: lock[name] for name in CLOSURE}


@pytest.mark.parametrize("module", sorted((ROOT / "lambda/bridge").glob("*.py")), ids=lambda path: path.stem)
def test_the_function_is_self_contained(module):
    """Lambda's root is the folder: imports are the standard library, the signer, the connections, or a neighbour."""
    neighbours = {path.stem for path in module.parent.glob("*.py")}
    assert not neighbours & sys.stdlib_module_names
    statements = [
        node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    imported = {
        (name.name if isinstance(node, ast.Import) else str(node.module)).partition(".")[0]
        for node in statements
        for name in node.names
    }
    assert imported <= sys.stdlib_module_names | neighbours | {"botocore", "urllib3"}


def test_the_entry_point_is_there():
    import handler

    assert callable(handler.handle)
    assert Path(handler.__file__) == ROOT / "lambda/bridge/handler.py"
