"""Who may import whom, and names that two parts share: written once, held equal here."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from components import sql_schema
from vectordb.database import settings, sqlfiles

ROOT = Path(__file__).parents[1]

FORBIDDEN = {
    "components": {"policy", "isolation", "vectordb", "boto3", "botocore", "psycopg"},
    "policy": {"components", "vectordb", "pulumi", "pulumi_aws", "boto3"},
    "lambda": {"components", "policy", "isolation", "vectordb", "pulumi", "pulumi_aws"},
    "vectordb": {"components", "policy", "isolation", "handler", "pulumi_aws"},
}
"""Folder → the packages that no file below it imports: the parts meet only where one runs the other."""

LAYERS = (
    "errors",
    "processes",
    "cost",
    "plan",
    "database",
    "text_search",
    "local",
    "doctor",
    "bench",
    "cli",
    "__main__",
)
"""Of vectordb, lowest first: a module imports from its own layer and those before it."""

LAYERS_OF_THE_PACK = (
    {"reading"},
    {"rule"},
    {"stack", "checks", "declared", "matching"},
    {"loading"},
    {"access"},
    {"reachability"},
    {"encryption"},
    {"rules"},
    {"registry"},
    {"facts", "serving"},
)
"""Of policy/isolation, lowest first: what is known of a value, of a resource, of a stack; then the rules about it."""


def sources(folder):
    return sorted(file for file in (ROOT / folder).rglob("*.py") if "__pycache__" not in file.parts)


def imported(file):
    """The absolute names that a file imports, at any depth."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_the_parts_do_not_import_each_other(folder):
    assert sources(folder)
    wrong = {
        (str(file.relative_to(ROOT)), name)
        for file in sources(folder)
        for name in imported(file)
        if name.partition(".")[0] in FORBIDDEN[folder]
    }
    assert wrong == set()


def layer(module):
    parts = module.split(".")
    return LAYERS.index(parts[1]) if len(parts) > 1 and parts[1] in LAYERS else 0


def test_imports_within_the_command_line_go_one_way():
    wrong = {
        (module, name)
        for file in sources("vectordb")
        for module in [".".join(file.relative_to(ROOT).with_suffix("").parts)]
        for name in imported(file)
        if name.startswith("vectordb.") and layer(name) > layer(module)
    }
    assert wrong == set()


def test_imports_within_the_policy_pack_go_one_way():
    ranks = {name: rank for rank, names in enumerate(LAYERS_OF_THE_PACK) for name in names}
    known = [file for file in sources("policy/isolation") if file.name not in ("__init__.py", "__main__.py")]
    parts = {file: file.relative_to(ROOT / "policy/isolation").with_suffix("").parts[0] for file in known}
    assert set(parts.values()) == set(ranks)
    wrong = {
        (str(file.relative_to(ROOT)), name)
        for file, part in parts.items()
        for name in imported(file)
        if name.startswith("isolation.") and ranks[name.split(".")[1]] > ranks[part]
    }
    # The annotations of a stack rule's check name the stack that it judges.
    assert wrong == {
        ("policy/isolation/rule.py", "isolation.stack"),
        ("policy/isolation/rule.py", "isolation.stack.Stack"),
    }


def test_plan_and_database_know_nothing_of_each_other():
    names = {name for file in sources("vectordb/plan") for name in imported(file)}
    assert not [name for name in names if name.startswith("vectordb.database")]
    names = {name for file in sources("vectordb/database") for name in imported(file)}
    assert not [name for name in names if name.startswith("vectordb.plan")]


def test_the_step_sets_what_the_command_reads():
    written = set(re.findall(r'"(VECTORDB_[A-Z0-9_]+)"', Path(sql_schema.__file__).read_text()))
    only_here = {settings.HOSTADDR, settings.HOSTADDR_PORT, settings.CA_BUNDLE}
    for_plans = {"VECTORDB_INDEXES_SHA256"}  # known before the ARNs are: what makes the step run is seen in a plan
    assert written - for_plans == set(settings.NAMES) - only_here


def test_program_and_command_agree_on_the_digest_of_the_sql(tmp_path):
    for name, content in (("versioned/001_a.sql", b"select 1;\r\n"), ("repeatable/b.sql", b"select 2;\n")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(content)
    assert sql_schema.digest(tmp_path) == sqlfiles.digest(tmp_path)
    assert sql_schema.digest(ROOT / "sql") == sqlfiles.digest(ROOT / "sql")
    before = sql_schema.digest(tmp_path)
    (tmp_path / "repeatable/b.sql").write_bytes(b"select 3;\n")
    assert sql_schema.digest(tmp_path) != before


def test_the_pulumi_cli_finds_the_environment_that_make_installs():
    """The CLI runs `python -m pip` in the program's environment, and gives a policy pack none unless it names one."""
    program = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["runtime"]
    pack = yaml.safe_load((ROOT / "policy" / "PulumiPolicy.yaml").read_text())["runtime"]
    assert program == {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}}
    assert pack["options"]["virtualenv"] == "../.venv"
    assert re.search(r"^pip==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)


def test_the_lock_names_no_address():
    assert not re.search(r"https?://|--index|--find-links", (ROOT / "requirements.lock").read_text())


def test_files_hold_one_idea_each():
    tracked = [file for folder in (*FORBIDDEN, "sql", "scripts") for file in (ROOT / folder).rglob("*.*")]
    long = {
        str(file.relative_to(ROOT)): lines
        for file in tracked
        if file.suffix in (".py", ".sql", ".c", ".h") and (lines := file.read_text(encoding="utf-8").count("\n")) > 400
    }
    assert long == {}


def test_every_relative_link_of_the_documentation_leads_somewhere():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        (str(page.relative_to(ROOT)), link)
        for page in pages
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert broken == []
