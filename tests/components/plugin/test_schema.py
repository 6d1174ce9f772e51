"""The schema is an interface: what changes in it changes programs in other languages."""

import importlib
import inspect
import json
import re
import tomllib

import pytest
import yaml

from components import provider
from components.component import Component
from tests.components.recorded import ROOT

GOLDEN = ROOT / "components" / "schema.json"
SCHEMA = json.loads(GOLDEN.read_text(encoding="utf-8"))
SCALARS = {"string", "integer", "number", "boolean"}


def described():
    """Everything that has a description: (token, property or None, definition)."""
    for token, definition in {**SCHEMA["resources"], **SCHEMA["types"]}.items():
        yield token, None, definition
        for kind in ("inputProperties", "properties"):
            for key, value in definition.get(kind, {}).items():
                yield token, key, value


def options():
    """Every optional input: (`Component.input`, definition)."""
    for token, definition in {**SCHEMA["resources"], **SCHEMA["types"]}.items():
        inputs = definition.get("inputProperties", definition["properties"])
        required = definition.get("requiredInputs", definition.get("required", []))
        yield from ((f"{token.rpartition(':')[2]}.{key}", inputs[key]) for key in inputs if key not in required)


def test_the_published_schema_is_what_the_components_are():
    """`make schema` writes it anew. A removed or renamed input breaks programs; an added one does not."""
    assert json.loads(provider.provider().schema) == SCHEMA
    assert GOLDEN.read_text(encoding="utf-8") == json.dumps(SCHEMA, indent=2) + "\n"


def test_every_component_is_hosted():
    modules = [
        importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
        for file in (ROOT / "components").rglob("*.py")
        if file.stem not in ("__init__", "__main__")
    ]
    found = {
        member.__name__
        for module in modules
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Component) and member.__module__ == module.__name__
    }
    hosted = {component.__name__ for component in provider.COMPONENTS}
    assert hosted == found - {"Component", "Database"}
    assert {f"vectordb:index:{name}" for name in hosted} == set(SCHEMA["resources"])


def test_everything_is_described():
    assert [(token, key) for token, key, value in described() if not value.get("description", "").strip()] == []


def test_descriptions_are_those_of_the_base_classes_too_and_name_properties_as_the_schema_does():
    aurora = SCHEMA["resources"]["vectordb:index:AuroraDatabase"]
    assert aurora["inputProperties"]["vpcId"]["description"] == "The VPC."
    assert aurora["properties"]["endpoint"]["description"] == (
        "The writer's host name; certificates and IAM tokens are made out to it."
    )
    cidr = SCHEMA["resources"]["vectordb:index:Network"]["inputProperties"]["cidr"]["description"]
    assert cidr.endswith("Not with `vpcId`.")
    mentioned = {name for *_, value in described() for name in re.findall(r"`(\w+)`", value["description"])}
    assert {name for name in mentioned if "_" in name} == {
        "allow_bedrock", "allow_invoke", "max_connections", "publisher_statements", "rds_iam",
        "vectordb_embedder",
    }  # fmt: skip


def test_no_type_is_left_open():
    """Only scalars, lists and mappings of them, and the package's own types: each language has those."""

    def kinds(definition):
        inner = definition.get("items") or definition.get("additionalProperties")
        if inner:
            return kinds(inner)
        return definition.get("type") or definition.get("$ref")

    properties = [value for _, key, value in described() if key]
    allowed = SCALARS | {f"#/types/{token}" for token in SCHEMA["types"]}
    assert {kinds(value) for value in properties} - allowed == set()


def test_numbers_and_switches_say_what_they_are_by_default():
    silent = {
        name
        for name, definition in options()
        if definition.get("type") in SCALARS - {"string"} and "efault" not in definition["description"]
    }
    assert silent == {"MonitoredDatabaseArgs.allocatedStorage"}


@pytest.mark.parametrize(
    ("name", "documented"),
    [
        ("RdsDatabase.certificateAuthority", "Default rds-ca-rsa2048-g1."),
        ("RdsDatabase.allowMajorUpgrade", "Default false."),
        ("AuroraDatabase.dataApi", "Default false."),
        ("AuroraDatabase.insights", "Default standard."),
        ("AuroraDatabase.backupDays", "Default 7."),
        ("Network.flowLogs", "Default true."),
        ("Network.ipv6", "Default false."),
        ("Bastion.sharedEndpoints", "Default none."),
    ],
)
def test_secure_defaults_are_documented(name, documented):
    assert dict(options())[name]["description"].endswith(documented)


def test_every_component_takes_tags():
    for token, resource in SCHEMA["resources"].items():
        assert resource["inputProperties"]["tags"]["type"] == "object", token


def test_it_says_who_it_is():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (SCHEMA["name"], SCHEMA["version"]) == ("vectordb", project["version"])


def test_the_cli_finds_the_environment_and_the_versions_that_make_installs():
    plugin = yaml.safe_load((ROOT / "components/PulumiPlugin.yaml").read_text())["runtime"]
    assert plugin == {"name": "python", "options": {"toolchain": "pip", "virtualenv": "../.venv"}}
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    lines = (ROOT / "components/requirements.txt").read_text().splitlines()
    wanted = dict(line.split("==") for line in lines if "==" in line)
    assert set(wanted) == {"pulumi", "pulumi-aws", "pulumi-command", "pydantic"}
    assert wanted == {name: locked[name] for name in wanted}
    assert "-r ../lambda/bridge/requirements.txt" in lines
