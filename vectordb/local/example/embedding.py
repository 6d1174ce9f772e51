"""Text to vectors through Bedrock's runtime API: Titan Text Embeddings V2 at 256 dimensions."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MODEL = "amazon.titan-embed-text-v2:0"
DIMENSIONS = 256
_CALLS_AT_ONCE = 4


def embed(bedrock: Any, text: str) -> list[float]:
    """The unit vector of one text. Titan takes one text a call."""
    body = json.dumps({"inputText": text, "dimensions": DIMENSIONS, "normalize": True})
    answer = bedrock.invoke_model(modelId=MODEL, body=body, contentType="application/json", accept="application/json")
    vector: list[float] = json.loads(answer["body"].read())["embedding"]
    return vector


def embed_all(bedrock: Any, texts: Sequence[str], progress: Callable[[int], None]) -> list[list[float]]:
    """The vectors of many texts, in their order; `progress` is told of each that is done."""

    def one(text: str) -> list[float]:
        vector = embed(bedrock, text)
        progress(1)
        return vector

    with ThreadPoolExecutor(_CALLS_AT_ONCE) as pool:
        return list(pool.map(one, texts))


def as_text(vector: Sequence[float]) -> str:
    """pgvector's text form."""
    return "[" + ",".join(map(repr, vector)) + "]"
