"""Cohere Embed English v3, Multilingual v3 and v4 (Bedrock User Guide, model parameters of Cohere Embed).

int8 and uint8 are the float values times 127, unlike Cohere's own calibration; binary packs eight signs into a byte.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vectordb.local.emulator.bedrock.embedder import Embedder, Vector
from vectordb.local.emulator.bedrock.refusals import (
    check_choice,
    check_keys,
    check_kinds,
    check_text,
    malformed,
    refused,
)
from vectordb.local.emulator.wire import Response, answer

_KINDS: dict[str, Callable[[Vector], Any]] = {
    "float": lambda v: v.tolist(),
    "int8": lambda v: np.clip(np.rint(v * 127), -128, 127).astype(int).tolist(),
    "uint8": lambda v: (np.clip(np.rint(v * 127), -128, 127) + 128).astype(int).tolist(),
    "binary": lambda v: (np.packbits(v > 0).astype(int) - 128).tolist(),
    "ubinary": lambda v: np.packbits(v > 0).astype(int).tolist(),
}
_INPUT_TYPES = ("search_document", "search_query", "classification", "clustering")


@dataclass(frozen=True, slots=True)
class Version:
    """What differs between the models."""

    dimensions: tuple[int, ...]
    """The default first."""
    most_texts: int
    most_characters: int
    most_tokens: int
    truncate: tuple[str, ...]
    """The default first."""
    further: frozenset[str]
    """Members of the request beyond those of v3."""


V3 = Version((1024,), 96, 2048, 512, ("NONE", "START", "END"), frozenset())
V4 = Version(
    (1536, 1024, 512, 256),
    96,
    512_000,
    128_000,
    ("NONE", "LEFT", "RIGHT"),
    frozenset({"output_dimension", "max_tokens"}),
)


def embed(version: Version, embedder: Embedder, body: Mapping[str, Any]) -> Response:
    """texts, input_type, truncate, embedding_types (and v4's output_dimension, max_tokens) → embeddings in the texts' order."""
    if "images" in body or "inputs" in body:
        raise refused("Images and mixed inputs are not part of the local Cohere models; give texts")
    known = {"texts", "input_type", "truncate", "embedding_types"}
    check_keys(body, ["texts", "input_type"], known | version.further)
    check_choice(body, "input_type", _INPUT_TYPES, None)
    truncate = check_choice(body, "truncate", version.truncate, version.truncate[0])
    dimension = check_choice(body, "output_dimension", version.dimensions, version.dimensions[0])
    kinds = check_kinds(body, "embedding_types", tuple(_KINDS))
    texts = _texts(version, body)
    tokens = [_cut(version, body, truncate, embedder.tokens(text)) for text in texts]
    vectors = [embedder.embed(ids, dimension) for ids in tokens]
    made = {kind: [_KINDS[kind](vector) for vector in vectors] for kind in kinds}
    by_type = "embedding_types" in body
    reply = answer(
        {
            "id": str(uuid.uuid4()),
            "texts": texts,
            "embeddings": made if by_type else made["float"],
            "response_type": "embeddings_by_type" if by_type else "embeddings_floats",
        }
    )
    reply.headers.append(("X-Amzn-Bedrock-Input-Token-Count", str(sum(map(len, tokens)))))
    return reply


def _texts(version: Version, body: Mapping[str, Any]) -> list[str]:
    texts = body["texts"]
    if not isinstance(texts, list) or not 1 <= len(texts) <= version.most_texts:
        found = len(texts) if isinstance(texts, list) else 0
        rule = f"maximum item count: {version.most_texts}" if found else "minimum item count: 1"
        raise malformed(f"#/texts: expected {rule}, found: {found}")
    return [check_text(text, f"#/texts/{position}", version.most_characters) for position, text in enumerate(texts)]


def _cut(version: Version, body: Mapping[str, Any], truncate: str, tokens: list[int]) -> list[int]:
    most = body.get("max_tokens", version.most_tokens)
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= version.most_tokens:
        raise malformed(f"#/max_tokens: {most} is not from 1 to {version.most_tokens}")
    if len(tokens) <= most:
        return tokens
    if truncate == "NONE":
        raise refused(
            f"too many tokens: total number of tokens in the text cannot exceed {most} - received {len(tokens)}"
        )
    return tokens[-most:] if truncate in {"START", "LEFT"} else tokens[:most]
