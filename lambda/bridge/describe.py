"""GetIndex and ListIndexes: what an index is, and which there are."""

import json
import time
from typing import Any, NamedTuple

import answers
import arguments as check
import indexes
import service
from service import Session

FACTS_SECONDS = 300.0
"""How long an index's settings are kept. They are fixed at its creation; one of the same name may take its place."""


class Facts(NamedTuple):
    """What a write must keep to."""

    dimension: int
    metric: str
    non_filterable: frozenset[str]


_kept: dict[str, tuple[float, Facts]] = {}


def facts(index: indexes.Index, session: Session, *, fresh: bool = False) -> Facts:
    """The index's dimension, metric and non-filterable keys; from the service when `fresh`, or when some minutes are over."""
    found = _kept.get(index.arn)
    if found is not None and not fresh and 0 <= time.time() - found[0] < FACTS_SECONDS:
        return found[1]
    described = _index(index, session)
    current = Facts(described["dimension"], described["metric"], frozenset(described["non_filterable_keys"]))
    _kept[index.arn] = (time.time(), current)
    return current


def forget(index: indexes.Index) -> None:
    """The service refused what the index's settings allow: they may be another index's."""
    _kept.pop(index.arn, None)


def describe_index(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """The settings of an index.

    Arguments: index_arn.
    Result: {"name", "bucket", "dimension", "metric", "data_type", "mode" (null when the service does not say), "non_filterable_keys",
    "full_text_keys": [{"key", "language", "status"}], "encryption", "kms_key_arn", "created_at": seconds since 1970}.
    """
    check.exactly(arguments, ("index_arn",))
    return _index(indexes.requested(arguments), session)


def list_indexes(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """A page of the indexes of a bucket.

    Arguments: index_arn (of any allowed index: its bucket is listed), next_token (or null).
    Result: {"bucket", "indexes": [{"name", "arn", "created_at"}], "next_token"}, null at the end.
    """
    check.exactly(arguments, ("index_arn", "next_token"))
    index = indexes.requested(arguments)
    token = check.token(arguments)
    request = {"vectorBucketArn": index.bucket_arn} | ({"nextToken": token} if token else {})
    document = service.parsed(session.call(index, "ListIndexes", json.dumps(request).encode()))
    found = []
    for item in service.part(document, "indexes", list):
        if not isinstance(item, dict):
            raise answers.contradiction("answered with an index that is none")
        found.append(
            {
                "name": service.part(item, "indexName", str),
                "arn": service.part(item, "indexArn", str),
                "created_at": _seconds(item),
            }
        )
    return {"bucket": index.bucket, "indexes": found, "next_token": answers.following(document, token)}


def _index(index: indexes.Index, session: Session) -> dict[str, Any]:
    request = json.dumps({"indexArn": index.arn}).encode()
    found = service.part(service.parsed(session.call(index, "GetIndex", request)), "index", dict)
    if found.get("indexArn") != index.arn:
        raise answers.contradiction("answered with another index")
    dimension = found.get("dimension")
    if type(dimension) is not int or dimension < 1:
        raise answers.contradiction("answered without a usable dimension")
    metadata = _object(found, "metadataConfiguration")
    encryption = _object(found, "encryptionConfiguration")
    return {
        "name": service.part(found, "indexName", str),
        "bucket": service.part(found, "vectorBucketName", str),
        "dimension": dimension,
        "metric": answers.metric(found),
        "data_type": service.part(found, "dataType", str),
        "mode": _text(found, "indexMode"),
        "non_filterable_keys": [key for key in _list(metadata, "nonFilterableMetadataKeys") if isinstance(key, str)],
        "full_text_keys": [
            {
                "key": service.part(item, "metadataKey", str),
                "language": _text(item, "language"),
                "status": _text(item, "status"),
            }
            for item in _list(metadata, "textSearchConfigurations")
            if isinstance(item, dict)
        ],
        "encryption": _text(encryption, "sseType"),
        "kms_key_arn": _text(encryption, "kmsKeyArn"),
        "created_at": _seconds(found),
    }


def _seconds(item: dict[str, Any]) -> float:
    """A timestamp: seconds since 1970, as rest-json's answers have them."""
    value = item.get("creationTime")
    if type(value) is not int and type(value) is not float:
        raise answers.contradiction("answered without a usable creationTime")
    return value


def _object(item: dict[str, Any], name: str) -> dict[str, Any]:
    return {} if item.get(name) is None else service.part(item, name, dict)


def _list(item: dict[str, Any], name: str) -> list[Any]:
    return [] if item.get(name) is None else service.part(item, name, list)


def _text(item: dict[str, Any], name: str) -> str | None:
    return None if item.get(name) is None else str(item[name])
