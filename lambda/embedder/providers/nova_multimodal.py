"""Amazon Nova Multimodal Embeddings, its text side: one text a call (Nova User Guide, embeddings request and response schema)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from embedder.errors import CallError
from embedder.limits import Limits
from embedder.providers import answers, bedrock
from embedder.providers.provider import Answer, Purpose, Request

MODELS = ("amazon.nova-2-multimodal-embeddings-v1:0",)
DIMENSIONS = (3072, 1024, 384, 256)
LIMITS = Limits(
    texts=1, characters=8_192, tokens=8_192, bytes=32_768, call_tokens=8_192, call_bytes=bedrock.LARGEST_CALL
)
_PURPOSES = {Purpose.DOCUMENT: "GENERIC_INDEX", Purpose.QUERY: "TEXT_RETRIEVAL"}


class NovaMultimodal(NamedTuple):
    """{"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams"} → {"embeddings": [{"embedding"}]}."""

    model: str
    dimension: int
    limits: Limits = LIMITS
    region: str | None = None
    service: str = bedrock.SERVICE

    def request(self, texts: Sequence[str], purpose: Purpose) -> Request:
        (text,) = texts
        document = {
            "schemaVersion": "nova-multimodal-embed-v1",
            "taskType": "SINGLE_EMBEDDING",
            "singleEmbeddingParams": {
                "embeddingPurpose": _PURPOSES[purpose],
                "embeddingDimension": self.dimension,
                "text": {"truncationMode": "NONE", "value": text},
            },
        }
        return Request(bedrock.path(self.model), bedrock.body(document))

    def answer(self, body: bytes, texts: int) -> Answer:
        found = answers.document(body).get("embeddings")
        items = found if isinstance(found, list) else []
        rows = [item.get("embedding") if isinstance(item, dict) else None for item in items]
        return Answer(answers.vectors(rows, texts=texts, dimension=self.dimension, normalised=False), None)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> CallError:
        return bedrock.refusal(status, headers, body)
