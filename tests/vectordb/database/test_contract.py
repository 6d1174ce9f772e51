"""Names that the program and the command line share: written once in the command line, held equal here."""

import ast
from pathlib import Path

import pytest

from vectordb.database import settings, sqlfiles

ROOT = Path(__file__).parents[3]
STEP = ROOT / "components" / "sql_schema.py"


@pytest.fixture(scope="module")
def step():
    return ast.parse(STEP.read_text(encoding="utf-8"))


def test_the_step_sets_only_variables_that_are_read(step):
    strings = {node.value for node in ast.walk(step) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    given = {name for name in strings if name.startswith("VECTORDB_") and name.isupper()}
    for_plans = {"VECTORDB_INDEXES_SHA256"}  # known before the ARNs are: what makes the step run is seen in a plan
    assert given - for_plans <= set(settings.NAMES)
    assert {settings.HOST, settings.REGION, settings.SECRET_ARN, settings.BASTION_ID} <= given


def test_the_step_computes_the_same_digest(step, tmp_path):
    [function] = [node for node in step.body if isinstance(node, ast.FunctionDef) and node.name == "digest"]
    namespace = {}
    exec(compile("import hashlib\nfrom pathlib import Path\n" + ast.unparse(function), str(STEP), "exec"), namespace)  # noqa: S102 - our own file
    for name, content in {
        "versioned/001_a.sql": b"a\r\nb",
        "repeatable/b.sql": b"\xef\xbb\xbfx",
        "repeatable/B.sql": b"",
        "no.txt": b"x",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    assert namespace["digest"](tmp_path) == sqlfiles.digest(tmp_path)
