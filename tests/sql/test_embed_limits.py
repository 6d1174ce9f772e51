"""What the database, the configuration and the worker let people declare is the same."""

import json
from typing import Any

import psycopg
import pytest
from pydantic import ValidationError

from components.config.embedding import Chunking
from components.config.embedding_models import WORKER_MODELS
from embedder import providers
from embedder.chunking import Plan, PlanError
from tests.sql.conftest import Database


def test_models(applied: Database) -> None:
    rows = applied.as_admin(
        "SELECT model, dimensions, texts_per_request, characters_per_text, tokens_per_text FROM embed.model"
        " WHERE provider = 'bedrock'"
    )
    in_sql = {row[0]: row[1:] for row in rows}
    in_worker: dict[str, Any] = {}
    for module, _ in providers.FAMILIES.values():
        limits = module.LIMITS
        for model in module.MODELS:
            in_worker[model] = (list(module.DIMENSIONS), limits.texts, limits.characters, limits.tokens)
    del in_worker["amazon.titan-embed-g1-text-02"]  # the older name of v1
    assert in_sql == in_worker
    assert {model: sorted(given[0]) for model, given in in_sql.items()} == {
        model: sorted(dimensions) for model, dimensions in WORKER_MODELS.items()
    }


@pytest.mark.parametrize(
    ("unit", "size", "overlap", "taken"),
    [
        ("characters", 20, 10, True),
        ("characters", 19, 0, False),
        ("characters", 21, 11, False),
        ("characters", 100_000, 50_000, True),
        ("characters", 100_001, 0, False),
        ("tokens", 16, 8, True),
        ("tokens", 15, 0, False),
        ("tokens", 40, 21, False),
    ],
)
def test_chunkings(applied: Database, unit: str, size: int, overlap: int, *, taken: bool) -> None:
    given = {"method": "recursive", "size": size, "overlap": overlap, "unit": unit}

    def by_database() -> None:
        applied.as_admin("SELECT embed.checked_chunking('a test', %s)", json.dumps(given))

    def by_worker() -> None:
        Plan.read(given)

    def by_configuration() -> None:
        assert Chunking.model_validate(given).declared() == given

    for ask in (by_database, by_worker, by_configuration):
        if taken:
            ask()
        else:
            with pytest.raises((psycopg.errors.InvalidParameterValue, PlanError, ValidationError)):
                ask()
