"""Cohere Embed v3, English and multilingual: 96 texts a call (Bedrock User Guide, model parameters of Cohere Embed v3).

A text has 2,048 characters at most, and the model reads its first 512 tokens; with `truncate` NONE a longer one is refused and not
embedded by half.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from embedder.errors import CallError
from embedder.limits import Limits
from embedder.providers import answers, bedrock
from embedder.providers.provider import Answer, Purpose, Request

MODELS = ("cohere.embed-english-v3", "cohere.embed-multilingual-v3")
DIMENSIONS = (1024,)
LIMITS = Limits(
    texts=96, characters=2_048, tokens=512, bytes=8_192, call_tokens=96 * 512, call_bytes=bedrock.LARGEST_CALL
)
INPUT_TYPES = {Purpose.DOCUMENT: "search_document", Purpose.QUERY: "search_query"}


class CohereV3(NamedTuple):
    """{"texts", "input_type", "truncate", "embedding_types"} → {"embeddings": {"float": [[...], ...]}}."""

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
        }
        return Request(bedrock.path(self.model), bedrock.body(document))

    def answer(self, body: bytes, texts: int) -> Answer:
        found = answers.document(body).get("embeddings")
        # Without embedding_types, which an older deployment may not know, the answer is the list itself.
        rows = found.get("float") if isinstance(found, dict) else found
        return Answer(answers.vectors(rows, texts=texts, dimension=self.dimension, normalised=False), None)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> CallError:
        return bedrock.refusal(status, headers, body)
