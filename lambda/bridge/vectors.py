"""The operations on vectors.

An answer may hold less than was asked, because Lambda answers with 6 MB at most and the caller waits only so long; it then
says how to go on (`next_token`, `taken`), and the SQL functions go on until they have everything. Nothing is ever left out
without saying so.
"""

import json
from collections.abc import Sequence
from typing import Any

import arguments as check
import indexes
from protocol import BridgeError
from service import Session, client

GET_CHUNK = 100
"""Keys that GetVectors takes at once."""
MAX_ANSWER_BYTES = 5_500_000
"""Lambda allows 6,291,556 bytes for a synchronous answer; the envelope and escapes have the rest."""
_FLOAT_BYTES = 26
"""The longest number in JSON, with its separator: -1.2345678901234567e-308."""

Vector = dict[str, Any]


def query_vectors(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """The top_k nearest vectors, nearest first.

    Arguments: index_arn, query_vector, top_k (1 to 10,000), return_metadata, metadata_filter (or null), next_token (or
    null) and received: to go on where an earlier answer ended, its token and the number of vectors received so far.
    Result: {"metric", "vectors": [{"key", "distance", "metadata"?}], "next_token"}; next_token is null when all are there.
    """
    check.known(
        arguments,
        ("index_arn", "query_vector", "top_k", "return_metadata", "metadata_filter", "next_token", "received"),
    )
    index = indexes.requested(arguments)
    top_k = check.integer(arguments, "top_k", low=1, high=check.MAX_TOP_K)
    wanted = top_k - check.integer(arguments, "received", low=0, high=top_k - 1)
    token = check.token(arguments, "next_token")
    parameters: dict[str, Any] = {
        "indexArn": index.arn,
        "queryVector": {"float32": check.vector(arguments, "query_vector")},
        "topK": top_k,
        "returnDistance": True,
        "returnMetadata": check.flag(arguments, "return_metadata"),
    }
    document = check.metadata_filter(arguments, "metadata_filter")
    if document is not None:
        parameters["filter"] = document
    service = client(index.region)
    found: list[Vector] = []
    size = 0
    while True:
        # The service wants every page's request alike, but for the token.
        page = session.call(service.query_vectors, parameters | ({"nextToken": token} if token else {}))
        found += page["vectors"]
        token = _advanced(token, page)
        if token is None or len(found) >= wanted:
            return {"metric": page["distanceMetric"], "vectors": found[:wanted], "next_token": None}
        size += _size(page["vectors"])
        # Another page is at most as large as 100 vectors with their metadata of 40 KB: too much only after this one.
        if found and (size > MAX_ANSWER_BYTES // 4 or not session.has_time()):
            return {"metric": page["distanceMetric"], "vectors": found, "next_token": token}


def get_vectors(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """The vectors of some keys.

    Arguments: index_arn, keys (distinct), return_data, return_metadata.
    Result: {"vectors": [{"key", "data"?, "metadata"?}], "taken": n}: the vectors that exist among the first n keys, in
    the service's order. n is at least 1; the caller asks again for the rest.
    """
    check.known(arguments, ("index_arn", "keys", "return_data", "return_metadata"))
    index = indexes.requested(arguments)
    keys = check.keys(arguments, "keys")
    parameters = {
        "indexArn": index.arn,
        "returnData": check.flag(arguments, "return_data"),
        "returnMetadata": check.flag(arguments, "return_metadata"),
    }
    service = client(index.region)
    found: list[Vector] = []
    taken = size = 0
    while taken < len(keys) and (taken == 0 or session.has_time()):
        chunk = keys[taken : taken + GET_CHUNK]
        page = session.call(service.get_vectors, parameters | {"keys": chunk})
        by_key = {vector["key"]: _flat(vector) for vector in page["vectors"]}
        answered = [by_key.pop(key, None) for key in chunk]
        if by_key:
            raise BridgeError("ServiceContradiction", "S3 Vectors answered with a key that was not asked for")
        fits = _fitting(answered, MAX_ANSWER_BYTES - size)
        if taken + fits == 0:
            raise _too_large("one vector")
        size += sum(_size([vector]) for vector in answered[:fits] if vector)
        found += [vector for vector in answered[:fits] if vector]
        taken += fits
        if fits < len(chunk):
            break
    return {"vectors": found, "taken": taken}


def list_vectors(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """One page of the index.

    Arguments: index_arn, max_results (1 to 1000), next_token (or null), return_data, return_metadata.
    Result: {"vectors": [{"key", "data"?, "metadata"?}], "next_token"}. A page without vectors is the end: pages that the
    service leaves empty on the way are skipped, because rows could not carry their token.
    """
    check.known(arguments, ("index_arn", "max_results", "next_token", "return_data", "return_metadata"))
    index = indexes.requested(arguments)
    limit = check.integer(arguments, "max_results", low=1, high=check.MAX_PAGE)
    token = check.token(arguments, "next_token")
    parameters = {
        "indexArn": index.arn,
        "returnData": check.flag(arguments, "return_data"),
        "returnMetadata": check.flag(arguments, "return_metadata"),
    }
    service = client(index.region)
    while True:
        request = parameters | {"maxResults": limit} | ({"nextToken": token} if token else {})
        page = session.call(service.list_vectors, request)
        vectors = [_flat(vector) for vector in page["vectors"]]
        fits = _fitting(vectors, MAX_ANSWER_BYTES)
        if fits < len(vectors):
            # The page's token points behind all of it, so a part cannot be answered: ask for less.
            if fits == 0:
                raise _too_large("one vector")
            limit = fits
            continue
        following = _advanced(token, page)
        if vectors or following is None:
            return {"vectors": vectors, "next_token": following}
        token = following


def _advanced(token: str | None, page: dict[str, Any]) -> str | None:
    following: str | None = page.get("nextToken") or None
    if following is not None and following == token and not page["vectors"]:
        raise BridgeError(
            "ServiceContradiction", "S3 Vectors answered with an empty page that leads to itself", retryable=True
        )
    return following


def _flat(vector: Vector) -> Vector:
    """The service's {"key", "data": {"float32": [...]}, "metadata"} with the numbers, as given, directly under "data"."""
    return vector | {"data": vector["data"]["float32"]} if "data" in vector else vector


def _size(vectors: Sequence[Vector]) -> int:
    """An upper bound for the bytes of vectors in JSON, without writing their numbers."""
    return sum(
        len(vector.get("data", ())) * _FLOAT_BYTES
        + len(json.dumps([vector["key"], vector.get("metadata")]))
        + 80  # the names, the distance and the separators
        for vector in vectors
    )


def _fitting(vectors: Sequence[Vector | None], budget: int) -> int:
    """How many of the leading vectors fit into so many bytes; None stands for a key without a vector."""
    total = 0
    for position, vector in enumerate(vectors):
        total += _size([vector]) if vector else 0
        if total > budget:
            return position
    return len(vectors)


def _too_large(what: str) -> BridgeError:
    return BridgeError("ResponseTooLarge", f"{what} is larger than an answer of Lambda may be")
