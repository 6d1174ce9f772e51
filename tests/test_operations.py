"""docs/operations.md says what is protected and what the SQL step leaves: held against the program."""

import re
from pathlib import Path

import pytest

from vectordb.database.removal import GROUPS, SCHEMAS
from vectordb.plan import plan, stack_configuration

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def prod():
    return plan.record(stack_configuration.read(ROOT, "prod"))


def test_the_page_names_every_protected_type(prod):
    protected = {resource.type for resource in prod.resources if resource.protect}
    named = set(re.findall(r"^\| `(aws:[^`]+)` \|", PAGE, re.MULTILINE))
    assert named - protected == {"aws:rds/instance:Instance"}  # of the other engine
    assert protected <= named


def test_the_sql_step_removes_nothing_when_the_stack_goes(prod):
    (step,) = [resource for resource in prod.resources if resource.type == "command:local:Command"]
    assert "delete" not in step.inputs
    assert "triggers" not in step.inputs


def test_the_page_names_what_remove_schema_removes():
    for name in SCHEMAS:
        assert f"`{name}`" in PAGE
    made = set(
        re.findall(r"CREATE SCHEMA IF NOT EXISTS (\w+)", "".join(f.read_text() for f in (ROOT / "sql").rglob("*.sql")))
    )
    assert made <= set(SCHEMAS)
    roles = set(re.findall(r"'(vectordb_\w+)'", (ROOT / "sql/versioned/001_roles.sql").read_text()))
    assert roles == set(GROUPS)
