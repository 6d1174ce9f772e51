"""docs/configuration.md has every key, and docs/network.md every flow and endpoint that the program makes."""

import re
import sys
from enum import Enum
from pathlib import Path

import pytest

from components.config.bridge import Bridge
from components.config.configuration import Configuration, Observability
from components.config.database import Database, ReaderScaling, Restore
from components.config.embedding import (
    Chunking,
    Delivery,
    Destination,
    Embedding,
    EmbeddingModel,
    Limits,
    Vectorizer,
)
from components.config.embedding_models import ModelEndpoint
from components.config.indexes import FullTextKey, Index, Shape
from components.config.network import ENDPOINT_SERVICES, Network
from components.config.users import User
from tests.components.recorded import ROOT, record

PAGE = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")


SECTIONS = [
    ("`vectordb:network`", Network),
    ("`vectordb:database`", Database),
    ("`vectordb:bridge`", Bridge),
    ("`vectordb:embedding.endpoints`", ModelEndpoint),
]


def rows(page):
    """First cells of the tables → the rest of their rows."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| ")
    ]
    return {first: rest for first, *rest in cells if not first.startswith(("-", "Key"))}


def section(title):
    return rows(PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0])


def keys(table):
    return {key for cell in table for key in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize(("title", "model"), SECTIONS)
def test_a_section_lists_its_keys_and_no_others(title, model):
    assert keys(section(title)) == {field.alias for field in model.model_fields.values()}


def test_the_section_of_the_worker_lists_its_own_keys_and_a_vectorizer_s():
    """Two tables, of keys that are not the same anywhere."""
    listed = {cell.strip("`") for cell in section("`vectordb:embedding`")}
    assert listed == {f.alias for model in (Embedding, Vectorizer) for f in model.model_fields.values()}


def test_the_other_sections_list_theirs():
    listed = keys(section("The rest"))
    wanted = {f"vectordb:{field.alias}" for field in Configuration.model_fields.values()}
    wanted -= {
        "vectordb:network",
        "vectordb:database",
        "vectordb:bridge",
        "vectordb:embedding",
        "vectordb:indexes",
        "vectordb:users",
    }
    wanted |= {f"vectordb:indexes[].{field.alias}" for field in Index.model_fields.values()}
    wanted |= {f"vectordb:users[].{field.alias}" for field in User.model_fields.values()}
    assert listed == wanted


@pytest.mark.parametrize(
    "model",
    [
        ReaderScaling,
        Restore,
        Shape,
        FullTextKey,
        Observability,
        Chunking,
        Delivery,
        Destination,
        EmbeddingModel,
        Limits,
    ],
)
def test_the_keys_of_inner_objects_are_on_the_page(model):
    for field in model.model_fields.values():
        assert re.search(rf"\b{field.alias}\b", PAGE), field.alias


@pytest.mark.parametrize(("title", "model"), SECTIONS)
def test_defaults_are_the_ones_listed(title, model):
    table = section(title)
    for field in model.model_fields.values():
        default = field.get_default(call_default_factory=True)
        if default in (None, (), {}) or field.is_required():
            continue
        (row,) = [rest for cell, rest in table.items() if f"`{field.alias}`" in cell]
        shown = default.value if isinstance(default, Enum) else default
        text = (
            str(shown).lower() if isinstance(shown, bool) else f"{shown:g}" if isinstance(shown, float) else str(shown)
        )
        assert row[0].strip("`").strip('"') == text, field.alias


SERVER = {
    "origin": "https://models.internal:8443",
    "securityGroupId": "sg-0123456789abcdef0",
    "token": "arn:aws:secretsmanager:us-east-1:123456789012:secret:models-AbCdEf",
}
NETWORK_PAGE = (ROOT / "docs/network.md").read_text(encoding="utf-8")


def test_the_network_page_has_every_endpoint():
    table = rows(NETWORK_PAGE.partition("\n## Endpoints\n")[2].partition("\nNot made, and why:")[0])
    assert keys(table) == set(ENDPOINT_SERVICES)


@pytest.mark.skipif(
    not (Path(sys.prefix) / "lambda-arm64").is_dir(),
    reason="the worker's libraries are missing: make install lays them there",
)
def test_the_network_page_has_every_flow():
    """Each rule of a stack with everything switched on is one of the table's rows."""
    recording = record(
        database={"engine": "both", "minCapacity": 0.5, "proxy": True, "bedrockModels": ["amazon.titan-embed-text-v2:0"]},
        network={"clients": {"api": "sg-01234567"}},
        indexes=[{"name": "docs", "dimension": 256, "model": "amazon.titan-embed-text-v2:0"}],
        bridge={"vpc": True},
        embedding={"vectorizers": [{"name": "docs", "source": "docs", "content": "body", "embedding": {"model": "amazon.titan-embed-text-v2:0", "dimension": 256}, "destination": {"kind": "s3_vectors", "index": "docs"}}], "endpoints": [SERVER]},
    )  # fmt: skip
    described = {
        (r.inputs["description"], r.inputs["fromPort"])
        for r in recording.resources
        if r.type.endswith((":SecurityGroupEgressRule", ":SecurityGroupIngressRule"))
    }
    assert described == {
        ("bastion to ssm", 443),
        ("bastion to ssmmessages", 443),
        ("Amazon Linux packages, through the S3 gateway endpoint", 443),
        ("bastion to database", 5432),
        ("bastion to rds", 5432),
        ("database to endpoints", 443),
        ("rds to endpoints", 443),
        ("database to bedrock", 443),
        ("bridge to s3vectors", 443),
        ("bridge to bedrock runtime", 443),
        ("embedder to bedrock runtime", 443),
        ("embedder to s3vectors", 443),
        ("embedder to sqs", 443),
        ("embedder to secretsmanager", 443),
        ("embedder to server sg 0123456789abcdef0 8443", 8443),
        ("embedder to database", 5432),
        ("database proxy to database", 5432),
        ("rds proxy to database", 5432),
        ("api to database proxy", 5432),
        ("api to rds proxy", 5432),
    }
    table = NETWORK_PAGE.partition("\n## What reaches what\n")[2].partition("\n## ")[0]
    assert [line.split("|")[1:4] for line in table.splitlines() if line.startswith("| ")][1:] == [
        [" bastion ", " endpoint `ssm` ", " 443 "],
        [" bastion ", " endpoint `ssmmessages` ", " 443 "],
        [" bastion ", " S3's prefix list, through the gateway endpoint ", " 443 "],
        [" bastion ", " each database ", " 5432 "],
        [" database ", " endpoint `lambda` ", " 443 "],
        [" Aurora cluster ", " endpoint `bedrock-runtime` ", " 443 "],
        [" bridge function ", " endpoint `s3vectors` ", " 443 "],
        [" bridge function ", " endpoint `bedrock-runtime` ", " 443 "],
        [" embedding worker ", " database ", " 5432 "],
        [" embedding worker ", " endpoint `bedrock-runtime` ", " 443 "],
        [" embedding worker ", " endpoint `sqs` ", " 443 "],
        [" embedding worker ", " endpoint `s3vectors` ", " 443 "],
        [" embedding worker ", " endpoint `secretsmanager` ", " 443 "],
        [" embedding worker ", " each of `embedding.endpoints`, by its `securityGroupId` ", " its own "],
        [" embedding worker ", " endpoint `bedrock`; S3's prefix list, through the gateway endpoint ", " 443 "],
        [" proxy ", " database ", " 5432 "],
        [" each of `clients` ", " database; with `proxy`, the proxy ", " 5432 "],
    ]
