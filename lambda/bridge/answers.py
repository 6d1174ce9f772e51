"""What the service's answers must be. One that is not is an error: nonsense must never look like an empty result."""

import math
from collections.abc import Iterable
from typing import Any

import floats
import service
from limits import Vector
from protocol import BridgeError

METRICS = frozenset({"cosine", "euclidean"})


def contradiction(what: str) -> BridgeError:
    """The service did not keep to its own interface."""
    return BridgeError("ServiceContradiction", f"{service.NAMES[service.VECTORS]} {what}", retryable=True)


def following(document: dict[str, Any], asked: str | None) -> str | None:
    """The token of the next page, None at the end; one that leads to the page itself is refused."""
    token = document.get("nextToken")
    if token is None or token == "":
        return None
    if not isinstance(token, str):
        raise contradiction("answered without a usable nextToken")
    if token == asked:
        raise contradiction("answered with a page that leads to itself")
    return token


def metric(document: dict[str, Any], expected: str | None = None) -> str:
    """The distance metric; the same in every page."""
    value = document.get("distanceMetric")
    if not isinstance(value, str) or value not in METRICS or value != (expected or value):
        raise contradiction("answered without a usable distanceMetric")
    return value


def stored(document: dict[str, Any], *, data: bool, metadata: bool) -> list[Vector]:
    """The vectors of GetVectors and ListVectors: {"key", "data"? as text, "metadata"?}, each key once."""
    found: list[Vector] = []
    for item in service.part(document, "vectors", list):
        vector: Vector = {"key": _key(item)}
        if data:
            vector["data"] = _typed(item, "data", str)
        if metadata:
            vector["metadata"] = described(item)
        found.append(vector)
    distinct(vector["key"] for vector in found)
    return found


def near(document: dict[str, Any], *, metadata: bool) -> list[Vector]:
    """The vectors of a QueryVectors by a vector: {"key", "distance", "metadata"?}."""
    found: list[Vector] = []
    for item in service.part(document, "vectors", list):
        vector: Vector = {"key": _key(item), "distance": _number(item.get("distance"), "distance")}
        if metadata:
            vector["metadata"] = described(item)
        found.append(vector)
    return found


def scored(document: dict[str, Any], *, metadata: bool) -> list[Vector]:
    """The vectors of a QueryVectors with texts: {"key", "distance" or null, "fused"?, "bm25"?, "metadata"?}."""
    found: list[Vector] = []
    for item in service.part(document, "vectors", list):
        scores = item.get("scores") if isinstance(item, dict) else None
        if not isinstance(scores, dict):
            raise contradiction("answered with a vector without scores")
        distance = scores.get("vectorDistance")
        vector: Vector = {
            "key": _key(item),
            "distance": None if distance is None else _number(distance, "vectorDistance"),
        }
        if scores.get("fused") is not None:
            vector["fused"] = _number(scores["fused"], "fused score")
        if scores.get("bm25Scores"):
            vector["bm25"] = _bm25(scores["bm25Scores"])
        if metadata:
            vector["metadata"] = described(item)
        found.append(vector)
    return found


def distinct(keys: Iterable[str], seen: set[str] | None = None) -> None:
    """Refuse a key that comes twice; `seen` collects the keys of earlier pages."""
    seen = set() if seen is None else seen
    for key in keys:
        if key in seen:
            raise contradiction("answered with one vector twice")
        seen.add(key)


def described(item: dict[str, Any]) -> dict[str, Any]:
    """A vector's metadata; {} where the service leaves it out."""
    metadata = item.get("metadata")
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise contradiction("answered without usable metadata")
    for value in metadata.values():
        for number in value if isinstance(value, list) else (value,):
            if isinstance(number, float) and not math.isfinite(number):
                raise contradiction("answered with metadata that is no number")
    return metadata


def _key(item: Any) -> str:
    key = item.get("key") if isinstance(item, dict) else None
    if not isinstance(key, str):
        raise contradiction("answered with a vector without a key")
    return key


def _typed(item: dict[str, Any], name: str, kind: type) -> Any:
    value = item.get(name)
    if not isinstance(value, kind):
        raise contradiction(f"answered with a vector without {name}")
    return value


def _number(value: Any, name: str) -> float:
    if type(value) is float or type(value) is int:
        number = float(value) if -floats.LARGEST <= value <= floats.LARGEST else math.nan
        if math.isfinite(number):
            return number
    raise contradiction(f"answered with a vector without a usable {name}")


def _bm25(scores: Any) -> dict[str, float]:
    try:
        return {str(score["metadataKey"]): _number(score["score"], "BM25 score") for score in scores}
    except (KeyError, TypeError):
        raise contradiction("answered with a vector without usable BM25 scores") from None
