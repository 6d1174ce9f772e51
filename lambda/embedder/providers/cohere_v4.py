"""Cohere Embed v4, its text side: 96 texts a call, of four lengths (Bedrock User Guide, model parameters of Cohere Embed v4).

In most regions it is reached through an inference profile, whose id has a prefix: `us.cohere.embed-v4:0`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from embedder.errors import CallError
from embedder.limits import Limits
from embedder.providers import answers, bedrock
from embedder.providers.cohere_v3 import INPUT_TYPES
from embedder.providers.provider import Answer, Purpose, Request

MODELS = ("cohere.embed-v4:0",)
DIMENSIONS = (1536, 1024, 512, 256)
LIMITS = Limits(
    texts=96,
    characters=128_000,
    tokens=128_000,
    bytes=512_000,
    call_tokens=128_000,
    call_bytes=bedrock.LARGEST_CALL,
)
"""128,000 tokens are the model's context for a text; whether a call may have more is not written, so it does not."""


class CohereV4(NamedTuple):
    """As v3, with "output_dimension"; → {"embeddings": {"float": [[...], ...]}}."""

    model: str
    dimension: int
    limits: Limits = LIMITS
    region: str | None = None
    service: str = bedrock.SERVICE

    def request(self, texts: Sequence[str], purpose: Purpose) -> Request:
        document = {
            "texts": list(texts),
            "input_type": INPUT_TYPES[purpose],
            "truncate": "NONE",
            "embedding_types": ["float"],
            "output_dimension": self.dimension,
        }
        return Request(bedrock.path(self.model), bedrock.body(document))

    def answer(self, body: bytes, texts: int) -> Answer:
        found = answers.document(body).get("embeddings")
        rows = found.get("float") if isinstance(found, dict) else found
        return Answer(answers.vectors(rows, texts=texts, dimension=self.dimension, normalised=False), None)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> CallError:
        return bedrock.refusal(status, headers, body)
