"""Amazon Titan Text Embeddings V2: one text a call, of three lengths (Bedrock User Guide, model parameters of Titan Embeddings)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from embedder.errors import CallError
from embedder.limits import Limits
from embedder.providers import answers, bedrock
from embedder.providers.provider import Answer, Purpose, Request

MODELS = ("amazon.titan-embed-text-v2:0",)
DIMENSIONS = (1024, 512, 256)
LIMITS = Limits(
    texts=1, characters=50_000, tokens=8_192, bytes=200_000, call_tokens=8_192, call_bytes=bedrock.LARGEST_CALL
)


class TitanTextV2(NamedTuple):
    """{"inputText", "dimensions", "normalize"} → {"embedding", "inputTextTokenCount"}; it knows no purposes."""

    model: str
    dimension: int
    limits: Limits = LIMITS
    region: str | None = None
    service: str = bedrock.SERVICE

    def request(self, texts: Sequence[str], purpose: Purpose) -> Request:  # noqa: ARG002 - every provider's shape
        (text,) = texts
        document = {"inputText": text, "dimensions": self.dimension, "normalize": True}
        return Request(bedrock.path(self.model), bedrock.body(document))

    def answer(self, body: bytes, texts: int) -> Answer:
        found = answers.document(body)
        vectors = answers.vectors([found.get("embedding")], texts=texts, dimension=self.dimension, normalised=True)
        return Answer(vectors, answers.tokens(found.get("inputTextTokenCount")))

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> CallError:
        return bedrock.refusal(status, headers, body)
