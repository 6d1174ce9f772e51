"""InvokeModel over HTTP. What is left out stands in the package's docstring."""

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from vectordb.local.emulator.bedrock import cohere, titan
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
    """The runtime's InvokeModel."""

    def __init__(self) -> None:
        self.embedder = Embedder()

    def handle(self, _operation: str, request: Request) -> Response:
        """Run a model.

        Raises:
            ServiceError: ValidationException for an unknown model or a request that the model refuses.
        """
        path = _PATH.fullmatch(request.path)
        model = _MODEL_ID.fullmatch(path[1]) if path else None
        run = _MODELS.get(model[1]) if model else None
        if run is None:
            raise refused("The provided model identifier is invalid.")
        try:
            body = json.loads(request.body())
        except (ValueError, RecursionError) as error:
            raise refused("Malformed input request, please reformat your input and try again.") from error
        if not isinstance(body, dict):
            raise malformed(f"#: expected type: JSONObject, found: {type(body).__name__}")
        return run(self.embedder, body)

    def close(self) -> None:
        """Nothing is open."""
