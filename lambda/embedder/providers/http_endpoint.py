"""A model behind HTTP inside the VPC, in the form that vLLM, Text Embeddings Inference, Ollama and most others speak (OpenAI's).

POST {"model", "input": [texts]} → {"data": [{"index", "embedding"}], "usage": {"prompt_tokens"}}. Which origins may be asked stands
in the worker's environment, never in the database: who may write a vectorizer must not thereby make the worker call any address.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from embedder import endpoints
from embedder.errors import CallError, Kind, SettingsError
from embedder.limits import Limits
from embedder.providers import answers
from embedder.providers.provider import Answer, Purpose, Request

SERVICE = "http"
LIMITS = Limits(texts=32, characters=8_192, tokens=512, bytes=32_768, call_tokens=16_384, call_bytes=4_000_000)
_POISON = frozenset({400, 413, 422})
_THROTTLED = frozenset({429, 503})
_SETTINGS = frozenset({401, 403, 404, 405})


class HttpEndpoint(NamedTuple):
    """One endpoint; `prefixes` go before each text, as models of the E5 and BGE families want them."""

    model: str
    dimension: int
    url: str
    limits: Limits = LIMITS
    prefixes: Mapping[str, str] = {}
    region: str | None = None
    service: str = SERVICE

    def request(self, texts: Sequence[str], purpose: Purpose) -> Request:
        prefix = self.prefixes.get(purpose, "")
        document = {"model": self.model, "input": [prefix + text for text in texts]}
        return Request(self.url, json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))

    def answer(self, body: bytes, texts: int) -> Answer:
        found = answers.document(body)
        rows = _in_order(found.get("data"), texts)
        usage = found.get("usage")
        counted = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        vectors = answers.vectors(rows, texts=texts, dimension=self.dimension, normalised=False)
        return Answer(vectors, answers.tokens(counted))

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> CallError:  # noqa: ARG002 - every provider's shape
        if status in _THROTTLED:
            given = headers.get("retry-after", "")
            delay = min(float(given), 300.0) if given.isdecimal() else None
            return CallError(Kind.THROTTLE, f"Http{status}", "the endpoint has too many requests", delay)
        kind = Kind.POISON if status in _POISON else Kind.CONFIGURATION if status in _SETTINGS else Kind.TRANSIENT
        return CallError(kind, f"Http{status}", f"the endpoint answered with HTTP status {status}")


def made(model: str, dimension: int, settings: Mapping[str, Any], origins: Sequence[str]) -> HttpEndpoint:
    """An endpoint by a generation's settings: url, and optionally texts, characters, tokens, prefixes.

    Args:
        model: the name that the endpoint knows the model by.
        dimension: of its vectors; the endpoint is not told.
        settings: from the database.
        origins: scheme, host and port that may be asked, such as https://embeddings.internal:8443.

    Raises:
        SettingsError: the origin is not among them, or a setting is no such thing.
    """
    url = settings.get("url")
    parts = urlsplit(url if isinstance(url, str) else "")
    if endpoints.origin(parts.geturl()) not in origins or parts.scheme not in {"http", "https"}:
        raise SettingsError(
            "the endpoint's origin is not one that the worker may ask: name it under endpoints of vectordb:embedding, and deploy"
        )
    prefixes = settings.get("prefixes") or {}
    if not isinstance(prefixes, dict) or not all(isinstance(prefix, str) for prefix in prefixes.values()):
        raise SettingsError("embedding.prefixes must be an object of strings")
    longest = max(map(len, prefixes.values()), default=0)
    most = {name: _count(settings, name, getattr(LIMITS, name)) for name in ("texts", "characters", "tokens")}
    limits = LIMITS._replace(
        texts=most["texts"],
        characters=most["characters"] - longest,
        tokens=most["tokens"] - longest,
        bytes=4 * most["characters"],
        call_tokens=most["texts"] * most["tokens"],
    )
    return HttpEndpoint(model, dimension, str(url), limits, prefixes)


def _count(settings: Mapping[str, Any], name: str, default: int) -> int:
    value = settings.get(name, default)
    if type(value) is not int or not 1 <= value <= 1_000_000:  # noqa: PLR2004 - more is a mistake
        raise SettingsError(f"embedding.{name} must be a positive integer")
    return value


def _in_order(data: Any, texts: int) -> list[Any]:
    """By `index`: the order of the list is not promised."""
    if not isinstance(data, list) or len(data) != texts:
        raise answers.contradiction(f"without a vector for each of {texts} texts")
    rows: list[Any] = [None] * texts
    for position, item in enumerate(data):
        if isinstance(item, dict):
            index = item.get("index", position)
            if type(index) is int and 0 <= index < texts:
                rows[index] = item.get("embedding")
    return rows
