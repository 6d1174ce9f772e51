"""Text to a vector, by a model of Amazon Bedrock that the function may use.

A vector can be compared with an index's only when the same model made both: which model that is, the database's registration
of the index says. Requests and answers: Bedrock User Guide, model parameters of Amazon Titan Text Embeddings and of Cohere
Embed v3 and v4.
"""

import json
import math
from array import array
from collections.abc import Callable
from typing import Any, NamedTuple

import models
import service
from protocol import BridgeError

_QUERY = "search_query"
"""Cohere's models embed questions and documents differently."""


class Model(NamedTuple):
    """How one model is asked, and what it answers with."""

    dimensions: tuple[int, ...]
    """The default first."""
    body: Callable[[str, int], dict[str, Any]]
    """(text, dimension) → the request."""
    numbers: Callable[[dict[str, Any]], Any]
    """The answer → its list of numbers, when the answer is as documented."""


def _titan_2(text: str, dimension: int) -> dict[str, Any]:
    return {"inputText": text, "dimensions": dimension, "normalize": True}


def _cohere_3(text: str, _dimension: int) -> dict[str, Any]:
    return {"texts": [text], "input_type": _QUERY, "embedding_types": ["float"]}


def _cohere_4(text: str, dimension: int) -> dict[str, Any]:
    return _cohere_3(text, dimension) | {"output_dimension": dimension}


def _titan_numbers(answer: dict[str, Any]) -> Any:
    return answer["embedding"]


def _cohere_numbers(answer: dict[str, Any]) -> Any:
    (numbers,) = answer["embeddings"]["float"]
    return numbers


_TITAN_1 = Model(dimensions=(1536,), body=lambda text, _: {"inputText": text}, numbers=_titan_numbers)
_COHERE_3 = Model(dimensions=(1024,), body=_cohere_3, numbers=_cohere_numbers)
MODELS = {
    "amazon.titan-embed-text-v2:0": Model(dimensions=(1024, 512, 256), body=_titan_2, numbers=_titan_numbers),
    "amazon.titan-embed-text-v1": _TITAN_1,
    "amazon.titan-embed-g1-text-02": _TITAN_1,
    "cohere.embed-english-v3": _COHERE_3,
    "cohere.embed-multilingual-v3": _COHERE_3,
    "cohere.embed-v4:0": Model(dimensions=(1536, 1024, 512, 256), body=_cohere_4, numbers=_cohere_numbers),
}
"""Model's id → how it is asked."""


def vector(session: service.Session, region: str, model: str, text: str, dimension: int | None) -> "array[float]":
    """The text's vector, as 32-bit floats (typecode "f").

    Args:
        session: the request's calls.
        region: where Bedrock is asked: the index's region.
        model: an id of VECTORDB_MODELS (models.py).
        text: not empty.
        dimension: the index's; None for the model's default.

    Raises:
        BridgeError: ModelNotAllowed; InvalidRequest for a dimension that the model does not have; Bedrock's own codes;
            ServiceContradiction for an answer that is not such a vector.
    """
    if model not in models.allowed():
        raise BridgeError("ModelNotAllowed", f"the function may not use this model: it is not in {models.VARIABLE}")
    known = _known(model)
    length = known.dimensions[0] if dimension is None else dimension
    if length not in known.dimensions:
        raise BridgeError(
            "InvalidRequest",
            f"the model makes vectors of {_listed(known.dimensions)} dimensions; the index has {length}",
        )
    name = service.NAMES[service.MODELS]
    answer = service.parsed(session.embed(region, model, json.dumps(known.body(text, length)).encode()), name)
    try:
        numbers = array("f", known.numbers(answer))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise BridgeError("ServiceContradiction", f"{name} answered without a vector", retryable=True) from None
    if len(numbers) != length or not all(map(math.isfinite, numbers)):
        raise BridgeError(
            "ServiceContradiction",
            f"{name} answered with a vector of {len(numbers)} numbers; {length} finite ones were asked for",
            retryable=True,
        )
    return numbers


def _known(model: str) -> Model:
    known = MODELS.get(model)
    if known is None:
        raise BridgeError("InvalidRequest", f"the function cannot ask this model; it knows {', '.join(MODELS)}")
    return known


def _listed(numbers: tuple[int, ...]) -> str:
    return " or ".join(map(str, sorted(numbers)))
