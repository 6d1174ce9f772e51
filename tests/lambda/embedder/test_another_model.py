"""One more model is one file, and one line in each place that lists models; they say the same."""

import ast
import re
import types
from pathlib import Path
from typing import NamedTuple

import pytest

from components.config.embedding_models import WORKER_MODELS
from embedder import providers
from embedder.limits import Limits
from embedder.providers import answers, bedrock
from embedder.providers.provider import Answer, Purpose, Request
from embedder.transport import asking
from tests.embed.model import Model, Server, vector

ROOT = Path(__file__).resolve().parents[3]
OLD_NAMES = {"amazon.titan-embed-g1-text-02"}
"""Models under another name, which nobody is asked to choose."""


class Toy(NamedTuple):
    """{"phrases"} → {"points": [[...], ...]}."""

    model: str
    dimension: int
    limits: Limits
    region: str | None = None
    service: str = bedrock.SERVICE

    def request(self, texts, purpose):
        return Request(bedrock.path(self.model), bedrock.body({"phrases": list(texts), "for": purpose}))

    def answer(self, body, texts):
        rows = answers.document(body).get("points")
        return Answer(answers.vectors(rows, texts=texts, dimension=self.dimension, normalised=True), None)

    refusal = staticmethod(bedrock.refusal)


def test_a_provider_is_one_file_and_one_line(monkeypatch):
    module = types.SimpleNamespace(
        MODELS=("toy.embed-v1",), DIMENSIONS=(16, 8), LIMITS=Limits(10, 100, 100, 400, 1000, 4000)
    )
    monkeypatch.setitem(providers.FAMILIES, "toy", (module, Toy))
    model = Model()
    model.answer = lambda path, asked: {"points": model.embed(asked["phrases"], 8)} if "toy" in path else {}
    with Server(model) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        provider = providers.found("eu.toy.embed-v1", 8, {"family": "toy"})
        answer = asking("us-east-1", 5)(provider, ["one", "two"], Purpose.DOCUMENT)
    for row, text in zip(answer.vectors, ("one", "two"), strict=True):
        assert list(row) == pytest.approx(vector(text, 8), abs=1e-6)


def test_no_other_file_of_the_worker_knows_a_family_of_models():
    words = re.compile("titan|cohere|nova", re.IGNORECASE)
    knowing = set()
    for path in (ROOT / "lambda/embedder").rglob("*.py"):
        tree = ast.parse(path.read_text())
        texts = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        } - {
            ast.get_docstring(node, clean=False)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        }
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        if any(words.search(text) and " " not in text for text in texts | names):
            knowing.add(path.parent.name)
    assert knowing == {"providers"}


def test_worker_database_and_deployment_list_the_same_models():
    source = (ROOT / "sql/repeatable/41_embed_declarations.sql").read_text()
    declared = {
        model: ([int(number) for number in dimensions.split(",")], int(texts), int(characters), int(tokens))
        for model, dimensions, texts, characters, tokens in re.findall(
            r"\('bedrock', '([^']+)', '\{([0-9,]+)\}', (\d+), (\d+), (\d+)\)", source
        )
    }
    spoken = {
        model: (list(module.DIMENSIONS), module.LIMITS.texts, module.LIMITS.characters, module.LIMITS.tokens)
        for module, _ in providers.FAMILIES.values()
        for model in module.MODELS
        if model not in OLD_NAMES
    }
    assert declared == spoken
    assert {model: sorted(found[0]) for model, found in spoken.items()} == {
        model: list(dimensions) for model, dimensions in WORKER_MODELS.items()
    }
