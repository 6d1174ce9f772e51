"""InvokeModel over HTTP, and the way to batch inference. What is left out stands in the package's docstring."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

from vectordb.local.emulator.bedrock import cohere, titan
from vectordb.local.emulator.bedrock.batch.service import Batches
from vectordb.local.emulator.bedrock.batch.work import Run
from vectordb.local.emulator.bedrock.embedder import Embedder
from vectordb.local.emulator.bedrock.refusals import malformed, refused
from vectordb.local.emulator.wire import Request, Response

_MODELS: dict[str, Callable[[Embedder, Mapping[str, Any]], Response]] = {
    "amazon.titan-embed-text-v1": titan.version_1,
    "amazon.titan-embed-g1-text-02": titan.version_1,
    "amazon.titan-embed-text-v2:0": titan.version_2,
    "cohere.embed-english-v3": partial(cohere.embed, cohere.V3),
    "cohere.embed-multilingual-v3": partial(cohere.embed, cohere.V3),
    "cohere.embed-v4:0": partial(cohere.embed, cohere.V4),
}
_PATH = re.compile(r"/model/(.+)/invoke")
# A foundation model or inference profile by its ARN, and a profile's geography before the model's name.
_MODEL_ID = re.compile(
    r"(?:arn:aws[-a-z]*:bedrock:[a-z0-9-]+:\d*:(?:foundation-model|inference-profile)/)?(?:(?:us|eu|apac|au|ca|jp|global|us-gov)\.)?(.+)"
)


class Bedrock:
    """The runtime's InvokeModel, and the control plane's batch inference.

    Args:
        batches: made from what runs a model; None for InvokeModel alone.
    """

    def __init__(self, batches: Callable[[Run], Batches] | None = None) -> None:
        self.embedder = Embedder()
        self._make_batches = batches

    @cached_property
    def batches(self) -> Batches:
        """Made at the first call of one: they wait for moto."""
        assert self._make_batches is not None
        return self._make_batches(self.run)

    def handle(self, operation: str, request: Request) -> Response:
        """Run an operation.

        Raises:
            ServiceError: ValidationException for an unknown model or a request that the model refuses.
        """
        if operation != "InvokeModel":
            return self.batches.handle(operation, request)
        path = _PATH.fullmatch(request.path)
        named = path[1] if path else ""
        _model(named)
        try:
            body = json.loads(request.body())
        except (ValueError, RecursionError) as error:
            raise refused("Malformed input request, please reformat your input and try again.") from error
        if not isinstance(body, dict):
            raise malformed(f"#: expected type: JSONObject, found: {type(body).__name__}")
        return self.run(named, body)

    def run(self, model: str, body: Mapping[str, Any]) -> Response:
        """A model, by its id or its ARN, on a request's body. Raises ServiceError."""
        return _model(model)(self.embedder, body)

    def close(self) -> None:
        """Nothing is open."""


def _model(named: str) -> Callable[[Embedder, Mapping[str, Any]], Response]:
    """What runs a model. Raises ServiceError."""
    found = _MODEL_ID.fullmatch(named)
    run = _MODELS.get(found[1]) if found else None
    if run is None:
        raise refused("The provided model identifier is invalid.")
    return run
