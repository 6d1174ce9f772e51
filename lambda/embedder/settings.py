"""What the worker is told: by its environment, and by a generation's configuration."""

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from embedder import endpoints, providers
from embedder.errors import SettingsError
from embedder.providers.provider import Provider

HOST = "VECTORDB_HOST"
PORT = "VECTORDB_PORT"
DATABASE = "VECTORDB_DATABASE"
USER = "VECTORDB_USER"
REGION = "VECTORDB_REGION"
CA_BUNDLE = "VECTORDB_CA_BUNDLE"
CONCURRENCY = "VECTORDB_EMBED_CONCURRENCY"
POLL_SECONDS = "VECTORDB_EMBED_POLL_SECONDS"
QUEUE_URL = "VECTORDB_EMBED_QUEUE_URL"
MODELS = "VECTORDB_MODELS"
INDEX_ARNS = "VECTORDB_EMBED_INDEX_ARNS"
HELPS = "VECTORDB_EMBED_HELPS"
HOSTADDR = "VECTORDB_HOSTADDR"
HOSTADDR_PORT = "VECTORDB_HOSTADDR_PORT"
NAMES: Mapping[str, str] = {
    HOST: "the database's or its proxy's endpoint, the name in its certificate",
    PORT: "its port (default 5432)",
    DATABASE: "the database's name (default vectordb)",
    USER: "the login, a member of rds_iam and vectordb_worker (default vectordb_embedder)",
    REGION: "the region of database and models (default AWS_REGION)",
    CA_BUNDLE: "file of roots in PEM that the database's certificate is checked against (default: rds-global-bundle.pem beside the code)",
    CONCURRENCY: "calls of a model at once (default 8)",
    POLL_SECONDS: "how often a container looks for work (default 5)",
    QUEUE_URL: "URL of the queue of tickets (default: there is none)",
    MODELS: "the models of Bedrock that the role admits, a JSON list (default: all)",
    INDEX_ARNS: "the indexes of S3 Vectors that the role admits, a JSON list (default: all)",
    HELPS: "true for one beside others: what it may not do itself it leaves to them, and opens no circuit (default: false)",
    HOSTADDR: "IP address to connect to in place of the endpoint's",
    HOSTADDR_PORT: "port at that address (default: the database's port)",
    endpoints.VARIABLE: "HTTP endpoints that may be asked, a JSON list of origin, secret (ARN of its token) and ca (PEM) (default: none)",
}
_LIMITS = {"texts": "texts_per_request", "characters": "characters_per_text", "tokens": "tokens_per_text"}
"""As embed.model names them."""
DESTINATIONS = ("table", "column", "s3_vectors")
"""embed.finish writes to the first two. The vectors of S3 Vectors are written before it is called (placing.py)."""
LEASE_SECONDS = 90
BATCH_ROWS = 96
MOST_CONCURRENCY, MOST_ROWS = 64, 5000


class Pace(NamedTuple):
    """How a run works."""

    batch_rows: int
    lease_seconds: int
    concurrency: int
    limiter: str


def region() -> str:
    """Raises SettingsError."""
    found = os.environ.get(REGION) or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not found:
        raise SettingsError(f"the region is not known; set {REGION}")
    return found


def helps() -> bool:
    """Whether others do what this worker may not."""
    return os.environ.get(HELPS, "").lower() == "true"


def number(name: str, default: int, low: int, high: int) -> int:
    """A whole number of the environment. Raises SettingsError."""
    text = os.environ.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise SettingsError(f"{name} must be a whole number from {low} to {high}")
    return int(text)


def pace(config: Mapping[str, Any], provider: Provider) -> Pace:
    """By a generation's configuration and the environment. Raises SettingsError."""
    if (kind := (config.get("destination") or {}).get("kind", DESTINATIONS[0])) not in DESTINATIONS:
        raise SettingsError(f"the worker cannot write to the destination {kind!r}; it can to {', '.join(DESTINATIONS)}")
    admitted = os.environ.get(INDEX_ARNS)
    if kind == "s3_vectors" and admitted and config["destination"].get("arn") not in json.loads(admitted):
        raise SettingsError(
            f"the worker may not write to the index {config['destination'].get('index')}: declare a vectorizer of it in vectordb:embedding, and deploy"
        )
    limits = config.get("limits") or {}
    concurrency = number(CONCURRENCY, 8, 1, MOST_CONCURRENCY)
    own = limits.get("concurrency")
    if type(own) is int and own > 0:
        concurrency = min(concurrency, own)
    return Pace(
        batch_rows=_whole(limits, "batch_rows", BATCH_ROWS, MOST_ROWS),
        lease_seconds=_whole(limits, "lease_seconds", LEASE_SECONDS, 3600),
        concurrency=concurrency,
        limiter=str(config.get("limiter") or provider.model),
    )


def checked(config: Any) -> Mapping[str, Any]:
    """A generation's configuration, when its parts are of the right type. Raises SettingsError."""
    if not isinstance(config, dict):
        raise SettingsError("config must be an object")
    for name in ("embedding", "chunking", "destination", "limits", "model_limits", "delivery"):
        if not isinstance(config.get(name), dict | None):
            raise SettingsError(f"config.{name} must be an object")
    if not isinstance(config.get("template"), str | None):
        raise SettingsError("config.template must be a string")
    return config


def provider(config: Mapping[str, Any]) -> Provider:
    """The provider of a generation. Raises SettingsError."""
    embedding = config.get("embedding") or {}
    model, dimension = embedding.get("model"), embedding.get("dimension")
    if not isinstance(model, str) or not (dimension is None or type(dimension) is int):
        raise SettingsError("embedding.model must be a string and embedding.dimension an integer")
    admitted = os.environ.get(MODELS)
    if admitted and embedding.get("provider", "bedrock") == "bedrock" and model not in json.loads(admitted):
        raise SettingsError(f"the worker may not ask {model}: name it under models of vectordb:embedding, and deploy")
    stated = config.get("model_limits") or {}
    limits = {name: stated[column] for name, column in _LIMITS.items() if stated.get(column)}
    return providers.found(model, dimension, limits | embedding, list(endpoints.admitted()))


def _whole(limits: Mapping[str, Any], name: str, default: int, most: int) -> int:
    value = limits.get(name)
    return min(value, most) if type(value) is int and value > 0 else default
