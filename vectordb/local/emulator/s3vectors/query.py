"""QueryVectors: nearest vectors, best matching texts, or both fused."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from vectordb.local.emulator.s3vectors.catalogue import Catalogue, Resource
from vectordb.local.emulator.s3vectors.control import MODES, Answer, Parameters
from vectordb.local.emulator.s3vectors.filters import compile_filter
from vectordb.local.emulator.s3vectors.pages import Rankings
from vectordb.local.emulator.s3vectors.parameters import choice, constraint, flag, integer, invalid, items, text
from vectordb.local.emulator.s3vectors.records import read_query
from vectordb.local.emulator.s3vectors.search import Hit
from vectordb.local.emulator.s3vectors.text.configuration import LONGEST_KEY, is_active
from vectordb.local.emulator.s3vectors.text.inverted import TextQuery

LARGEST_TOP_K = 10_000
MOST_TEXTS = 10
LONGEST_TEXT = 1024


class Queries:
    """Answers queries, and remembers the rankings that have further pages."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._rankings = Rankings()

    def answer(self, parameters: Parameters, resource: Resource) -> Answer:
        """One page of a query on an index.

        Raises:
            ServiceError: ValidationException.
        """
        count = integer(parameters, "topK", 1, LARGEST_TOP_K)
        if choice(parameters, "queryMode", MODES, default="ENHANCED") == "CLASSIC":
            raise invalid("queryMode", "CLASSIC cannot be specified for an index in ENHANCED mode")
        vectors = self._catalogue.vectors(resource)
        texts = _texts(parameters, resource.settings.get("textSearch", {}))
        given = parameters.get("queryVector")
        if given is None and not texts:
            raise invalid("queryVector", "Must specify queryVector, queryTexts, or both")
        vector = None if given is None else read_query(given, vectors.dimension, vectors.metric)
        document = parameters.get("filter")
        predicate = None if document is None else compile_filter(document, non_filterable=non_filterable(resource))

        bound = [resource.arn, resource.created, count, document, [[query.key, query.text] for query in texts]]
        request = sha256(json.dumps(bound, sort_keys=True).encode() + (b"" if vector is None else vector.tobytes()))
        token = text(parameters, "nextToken", 1, 4096, default="")
        if token:
            hits, following = self._rankings.following(request.digest(), token)
        else:
            hits, following = self._rankings.first(request.digest(), vectors.search(vector, texts, count, predicate))
        show = _Shown(parameters)
        page: Answer = {"vectors": [show.hit(hit) for hit in hits], "distanceMetric": vectors.metric}
        return {**page, "nextToken": following} if following else page


class _Shown:
    """What a request wants to see of a hit."""

    def __init__(self, parameters: Parameters) -> None:
        self.distance = flag(parameters, "returnDistance")
        self.metadata = flag(parameters, "returnMetadata")
        self.scores = flag(parameters, "returnScores")

    def hit(self, hit: Hit) -> dict[str, Any]:
        shown: dict[str, Any] = {"key": hit.key}
        if self.distance and hit.distance is not None:
            shown["distance"] = hit.distance
        if self.scores and (scores := _scores(hit)):
            shown["scores"] = scores
        if self.metadata:
            shown["metadata"] = hit.metadata
        return shown


def _scores(hit: Hit) -> dict[str, Any]:
    """Empty for a hit of the vector search alone."""
    scores: dict[str, Any] = {}
    if hit.fused is not None:
        scores["fused"] = _float32(hit.fused)
        if hit.distance is not None:
            scores["vectorDistance"] = hit.distance
    if hit.bm25:
        scores["bm25Scores"] = [{"metadataKey": key, "score": _float32(score)} for key, score in hit.bm25]
    return scores


def _float32(number: float) -> float:
    """The digits that a float32 has."""
    return float(f"{number:.9g}")


def _texts(parameters: Parameters, configured: Mapping[str, Mapping[str, Any]]) -> Sequence[TextQuery]:
    if parameters.get("queryTexts") is None:
        return ()
    queries: dict[str, TextQuery] = {}
    # The texts are sensitive (so the model says): a message names the key alone.
    for position, given in enumerate(items(parameters, "queryTexts", 1, MOST_TEXTS)):
        path = f"queryTexts/{position}"
        if not isinstance(given, dict):
            raise constraint(path, "be a structure")
        words = text(given, "text", 1, LONGEST_TEXT)
        key = text(given, "metadataKey", 1, LONGEST_KEY)
        if key in queries:
            raise invalid("queryTexts", f"The metadata key '{key}' is given twice; each entry must target another one")
        if key not in configured:
            raise invalid(path, f"The metadata key '{key}' is not configured for full-text search in this index")
        if not is_active(configured[key]):
            raise invalid(path, f"The text search configuration of the metadata key '{key}' is still BUILDING")
        queries[key] = TextQuery(key, words, configured[key]["language"])
    return tuple(queries.values())


def non_filterable(resource: Resource) -> list[str]:
    """The metadata keys of an index that cannot be filtered on."""
    keys: list[str] = resource.settings["metadataConfiguration"].get("nonFilterableMetadataKeys", [])
    return keys
