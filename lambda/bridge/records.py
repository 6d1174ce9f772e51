"""What PutVectors takes, checked before the first call: keys, numbers, metadata, against the index's settings.

Limits (Amazon S3 User Guide, limitations): metadata 40 KB in all, of it 2,048 bytes filterable, 50 keys; the zero vector not
where the metric is cosine. Messages name a vector by its position in the request, and the metadata key.
"""

import json
from array import array
from collections.abc import Mapping
from typing import Any, NamedTuple

import arguments as check
import floats
from describe import Facts
from protocol import BridgeError
from scope import Scope, is_scalar

MAX_METADATA_BYTES = 40 * 1024
MAX_FILTERABLE_BYTES = 2048
MAX_METADATA_KEYS = 50
_MEMBERS = frozenset({"key", "data", "metadata"})


class MismatchError(Exception):
    """A vector does not fit the index as far as its settings are known: they may have changed since."""

    def __init__(self, refusal: BridgeError) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Record(NamedTuple):
    """A vector that may be written; its metadata says whose it is."""

    name: str
    key: str
    numbers: "array[float]"
    metadata: dict[str, Any]

    def json(self) -> str:
        """As PutVectors takes it. Text, not escapes: the service counts bytes of UTF-8."""
        metadata = f',"metadata":{compact(self.metadata)}' if self.metadata else ""
        return f'{{"key":{json.dumps(self.key)},"data":{{"float32":[{floats.text(self.numbers)}]}}{metadata}}}'


def read(arguments: Mapping[str, Any], scope: Scope | None) -> list[Record]:
    """The vectors of a request, as far as they can be checked without the index. Raises BridgeError."""
    value = arguments.get("vectors")
    if not isinstance(value, list) or not 1 <= len(value) <= check.MAX_KEYS:
        raise check.invalid(f"vectors must be an array of 1 to {check.MAX_KEYS} vectors")
    records = [_record(item, f"vectors[{position}]", scope) for position, item in enumerate(value)]
    seen: set[str] = set()
    for record in records:
        if record.key in seen:
            raise check.invalid(f"{record.name}.key is given twice")
        seen.add(record.key)
    return records


def fit(records: list[Record], facts: Facts) -> None:
    """Check vectors against the index's settings. Raises MismatchError for the first that does not fit."""
    for record in records:
        if len(record.numbers) != facts.dimension:
            problem = f"{record.name}.data has {len(record.numbers)} dimensions, the index has {facts.dimension}"
            raise MismatchError(check.invalid(problem))
        if facts.metric == "cosine" and not any(record.numbers):
            problem = f"{record.name}.data is all zeros, which has no cosine distance"
            raise MismatchError(check.invalid(problem))
        _fit_metadata(record, facts)


def compact(value: Any) -> str:
    """JSON without a blank, as the service counts it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _record(item: Any, name: str, scope: Scope | None) -> Record:
    if not isinstance(item, dict) or item.keys() != _MEMBERS:
        raise check.invalid(f"{name} must be an object of key, data and metadata")
    key = check.key(item["key"], f"{name}.key")
    numbers = floats.decoded(item["data"], f"{name}.data")
    metadata = {} if item["metadata"] is None else _metadata(item["metadata"], f"{name}.metadata")
    if scope is not None:
        metadata = scope.stamped(metadata, f"{name}.metadata.{check.shown(scope.key)}")
    if len(metadata) > MAX_METADATA_KEYS:
        raise check.invalid(f"{name}.metadata has {len(metadata)} keys, at most {MAX_METADATA_KEYS} are allowed")
    return Record(name, key, numbers, metadata)


def _metadata(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise check.invalid(f"{name} must be an object")
    for key, item in value.items():
        if not isinstance(key, str) or not check.encodable(key):
            raise check.invalid(f"{name} has a key that is not valid Unicode")
        if not (all(map(is_scalar, item)) if isinstance(item, list) else is_scalar(item)):
            raise check.invalid(
                f"{name}.{check.shown(key)} must be a string, a number, a boolean or an array of these; "
                "leave out what is null"
            )
    return value


def _fit_metadata(record: Record, facts: Facts) -> None:
    size = _size(record.metadata)
    if size <= MAX_FILTERABLE_BYTES:
        return
    filterable = {key: item for key, item in record.metadata.items() if key not in facts.non_filterable}
    for part, most, called in (
        (record.metadata, MAX_METADATA_BYTES, "in all"),
        (filterable, MAX_FILTERABLE_BYTES, "filterable"),
    ):
        if (bytes_ := _size(part)) > most:
            largest = max(part, key=lambda key: _size(part[key]))
            raise MismatchError(
                check.invalid(
                    f"{record.name}.metadata has {bytes_} bytes {called}, at most {most} are allowed; "
                    f"the largest is {check.shown(largest)} with {_size(part[largest])}"
                )
            )


def _size(value: Any) -> int:
    return len(compact(value).encode())
