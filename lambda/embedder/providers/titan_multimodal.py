"""Amazon Titan Multimodal Embeddings G1, its text side: one short text a call (Bedrock User Guide, model parameters).

What goes wrong while it makes a vector stands in `message`, in an answer with status 200.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from embedder.errors import CallError, Kind
from embedder.limits import Limits
from embedder.providers import answers, bedrock
from embedder.providers.provider import Answer, Purpose, Request

MODELS = ("amazon.titan-embed-image-v1",)
DIMENSIONS = (1024, 384, 256)
LIMITS = Limits(texts=1, characters=2_560, tokens=256, bytes=10_240, call_tokens=256, call_bytes=bedrock.LARGEST_CALL)


class TitanMultimodal(NamedTuple):
    """{"inputText", "embeddingConfig"} → {"embedding", "inputTextTokenCount", "message"}; it knows no purposes."""

    model: str
    dimension: int
    limits: Limits = LIMITS
    region: str | None = None
    service: str = bedrock.SERVICE

    def request(self, texts: Sequence[str], purpose: Purpose) -> Request:  # noqa: ARG002 - every provider's shape
        (text,) = texts
        document = {"inputText": text, "embeddingConfig": {"outputEmbeddingLength": self.dimension}}
        return Request(bedrock.path(self.model), bedrock.body(document))

    def answer(self, body: bytes, texts: int) -> Answer:
        found = answers.document(body)
        if found.get("message"):
            raise CallError(Kind.POISON, "GenerationError", "the model could not embed the text")
        vectors = answers.vectors([found.get("embedding")], texts=texts, dimension=self.dimension, normalised=False)
        return Answer(vectors, answers.tokens(found.get("inputTextTokenCount")))

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> CallError:
        return bedrock.refusal(status, headers, body)
