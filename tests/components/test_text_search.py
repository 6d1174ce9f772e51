"""The step of full-text keys, and the names and tables that it and the bridge share with the programs that read them."""

import ast
import json
import re

import pytest

import embedding
from components import bridge_permissions, text_search
from components.config import load
from components.config.indexes import Language
from components.config.models import EMBEDDING_MODELS
from components.database.parameters import CONNECT_TIMEOUT_MS, REQUEST_TIMEOUT_MS
from components.lambda_bridge import TIMEOUT_SECONDS
from components.observability.bridge_graphs import NAMESPACE
from tests.components.configured import wire
from tests.components.family.stack import Stack
from tests.components.recorded import ROOT, all_of, only, record
from vectordb import text_search as command

INDEX = {"name": "docs", "dimension": 8}


def test_there_is_a_step_when_an_index_has_full_text_keys():
    assert "text-search-apply" in all_of(
        record(indexes=[INDEX | {"fullTextKeys": ["body"]}, INDEX | {"name": "other"}]), "Command"
    )
    assert sorted(all_of(record(indexes=[INDEX]), "Command")) == ["sql-apply"]


def test_the_step_is_told_the_current_generation():
    index = INDEX | {"fullTextKeys": ["body"], "generation": 2, "keep": [{"dimension": 4}]}
    step = only(Stack(keys={"indexes": [index]}).deployed(), "Command", "text-search-apply")
    (told,) = json.loads(step.inputs["environment"]["VECTORDB_TEXT_SEARCH"])
    assert told["arn"].endswith("/index/docs-g2")
    assert told["keys"] == [{"key": "body"}]


def test_the_step_does_not_wait_for_the_database_nor_the_database_for_it():
    recording = record(indexes=[INDEX | {"fullTextKeys": ["body"]}])
    by_name = {resource.name: resource for resource in recording.resources}
    assert not [urn for urn in by_name["text-search-apply"].dependencies if "database" in urn or "sql" in urn]
    assert not [urn for urn in by_name["sql-apply"].dependencies if "text-search" in urn]


def test_the_step_sets_what_the_command_reads():
    tree = ast.parse((ROOT / "components/text_search.py").read_text(encoding="utf-8"))
    written = {
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and re.fullmatch("VECTORDB_[A-Z_]+", str(n.value))
    }
    assert written == {command.DECLARED, command.REGION}


def test_program_and_command_know_the_same_languages():
    assert Language.__args__ == command.LANGUAGES
    assert load(wire(indexes=[INDEX | {"fullTextKeys": [{"key": x, "language": x} for x in command.LANGUAGES]}]))


@pytest.mark.parametrize("keys", [[{"key": "a"}, {"key": "b", "language": "en"}], []])
def test_what_the_program_writes_the_command_reads(keys):
    told = json.dumps([{"arn": "arn:x", "keys": text_search.described_keys(keys)}])
    _, [declared] = command.from_environment({command.REGION: "r", command.DECLARED: told})
    assert declared.keys == {one["key"]: one.get("language", "") for one in keys}


def test_the_function_can_ask_every_model_that_can_be_configured():
    known = {name: tuple(sorted(model.dimensions)) for name, model in embedding.MODELS.items()}
    assert dict(EMBEDDING_MODELS) == known


def test_the_bridge_is_told_of_by_the_names_that_it_reads():
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "lambda/bridge").glob("*.py"))
    read = set(re.findall(r'"(VECTORDB_[A-Z_]+)"', sources))
    variables = only(record(indexes=[INDEX]), "Function").inputs["environment"]["variables"]
    assert set(variables) == read


def test_the_dashboard_shows_the_metrics_that_the_bridge_writes():
    assert f'NAMESPACE = "{NAMESPACE}"' in (ROOT / "lambda/bridge/metrics.py").read_text(encoding="utf-8")


def test_the_function_gives_up_before_the_database_does():
    """connect + function < request: what runs out of time is the function, which can say what it was at."""
    assert CONNECT_TIMEOUT_MS + TIMEOUT_SECONDS * 1000 < REQUEST_TIMEOUT_MS


@pytest.mark.parametrize(
    ("arns", "buckets"),
    [
        ([], []),
        (["arn:b/index/x", "arn:b/index/y", "arn:a/index/x"], ["arn:a", "arn:b"]),
    ],
)
def test_the_buckets_of_indexes(arns, buckets):
    assert bridge_permissions.buckets_of(arns) == buckets


def test_a_bridge_in_a_vpc_needs_to_be_told_where():
    from components.lambda_bridge import LambdaBridge

    bridge = object.__new__(LambdaBridge)
    bridge._args, bridge._name, bridge._models = {"vpc_id": "vpc-1"}, "bridge", []
    with pytest.raises(ValueError, match="bridge: vpc_id needs subnet_ids and endpoint_security_group_ids beside it"):
        bridge._place(None)
