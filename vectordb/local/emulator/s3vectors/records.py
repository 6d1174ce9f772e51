"""PutVectors' records: checked against the index and the service's limits, then one matrix.

Limits (Amazon S3 User Guide, limitations): key 1 to 1024 characters; metadata 40 KB in all, of it 2,048 bytes filterable,
50 keys; NaN and infinity never, the zero vector not for cosine.
"""

import json
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from vectordb.local.emulator.s3vectors.parameters import constraint, invalid
from vectordb.local.emulator.s3vectors.search import Metric
from vectordb.local.emulator.s3vectors.table import Matrix, Metadata
from vectordb.local.emulator.wire import ServiceError

LONGEST_KEY = 1024
MOST_METADATA_BYTES = 40 * 1024
MOST_FILTERABLE_BYTES = 2048
MOST_METADATA_KEYS = 50

_NUMBERS = {int, float}
# How JSON says what it has no number for (the AWS protocols' spelling).
_HUGE = 1e300
_SPELLED = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


def read_records(
    records: list[Any], dimension: int, metric: Metric, non_filterable: Collection[str]
) -> tuple[list[str], Matrix, list[Metadata]]:
    """Keys, vectors of shape (records, dimension) and metadata of a PutVectors request.

    Raises:
        ServiceError: ValidationException about the first record that cannot be stored.
    """
    keys, vectors, metadata = [], [], []
    for position, record in enumerate(records):
        if not isinstance(record, dict):
            raise constraint(f"vectors/{position}", "be a structure")
        key = check_key(record.get("key"), f"vectors/{position}/key")
        keys.append(key)
        vectors.append(
            _numbers(
                record.get("data"), f"vectors/{position}/data", f"Invalid record for key '{key}': vector", dimension
            )
        )
        metadata.append(_metadata(record.get("metadata"), position, key, non_filterable))
    rows = _float32(vectors)
    _check_rows(rows, metric, lambda row: (f"vectors/{row}/data", f"Invalid record for key '{keys[row]}': vector"))
    return keys, rows, metadata


def read_query(data: Any, dimension: int, metric: Metric) -> Matrix:
    """A query's vector, of shape (dimension,)."""
    rows: Matrix = _float32([_numbers(data, "queryVector", "Query vector", dimension)])
    _check_rows(rows, metric, lambda _: ("queryVector", "Query vector"))
    row: Matrix = rows[0]
    return row


def check_key(key: Any, path: str) -> str:
    """A vector's key."""
    if not isinstance(key, str):
        raise constraint(path, "not be null")
    if not 1 <= len(key) <= LONGEST_KEY:
        raise constraint(path, f"have length between 1 and {LONGEST_KEY}, inclusive", length=len(key))
    return key


def _numbers(data: Any, path: str, what: str, dimension: int) -> list[float]:
    numbers = data.get("float32") if isinstance(data, dict) else None
    if not isinstance(numbers, list):
        raise constraint(path, "have the member float32")
    if len(numbers) != dimension:
        raise invalid(path, f"{what} must have length {dimension}, but has length {len(numbers)}")
    if not set(map(type, numbers)) <= _NUMBERS:
        numbers = [_SPELLED.get(number, number) if isinstance(number, str) else number for number in numbers]
        if not set(map(type, numbers)) <= _NUMBERS:
            raise invalid(f"{path}/float32", f"{what} must contain numbers only")
    return numbers


def _float32(vectors: list[list[float]]) -> Matrix:
    # What float32 cannot hold becomes infinite, and is refused as such.
    with np.errstate(over="ignore"):
        try:
            rows = np.asarray(vectors, dtype=np.float64)
        except OverflowError:  # a whole number beyond 1e308
            rows = np.asarray([[min(max(number, -_HUGE), _HUGE) for number in vector] for vector in vectors])
        converted: Matrix = rows.astype(np.float32)
    return converted


def _check_rows(rows: Matrix, metric: Metric, describe: Callable[[int], tuple[str, str]]) -> None:
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        path, what = describe(int(np.argmin(finite)))
        raise invalid(path, f"{what} must not contain NaN or infinite values, in the range of float32")
    zero = ~rows.any(axis=1)
    if metric == "cosine" and zero.any():
        path, what = describe(int(np.argmax(zero)))
        raise invalid(path, f"{what} must not be all zeros: cosine distance is not defined for it")


def _metadata(metadata: Any, position: int, key: str, non_filterable: Collection[str]) -> Metadata:
    path, what = f"vectors/{position}/metadata", f"Invalid record for key '{key}'"
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise invalid(path, f"{what}: metadata must be a JSON object")
    if len(metadata) > MOST_METADATA_KEYS:
        raise invalid(path, f"{what}: metadata must have at most {MOST_METADATA_KEYS} keys, but has {len(metadata)}")
    for name, value in metadata.items():
        if not _storable(value):
            raise _refused_value(path, what, name)
    if _size(metadata) > MOST_FILTERABLE_BYTES:
        filterable = {name: value for name, value in metadata.items() if name not in non_filterable}
        for part, most, called in (
            (metadata, MOST_METADATA_BYTES, "total"),
            (filterable, MOST_FILTERABLE_BYTES, "filterable"),
        ):
            if (size := _size(part)) > most:
                raise invalid(path, f"{what}: {called} metadata must have at most {most} bytes, but has {size} bytes")
    return metadata


def _storable(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(element, str | int | float) for element in value)
    return isinstance(value, str | int | float)


def _refused_value(path: str, what: str, name: str) -> ServiceError:
    return invalid(f"{path}/{name}", f"{what}: metadata '{name}' must be a string, number, boolean or a list of these")


def _size(metadata: Metadata) -> int:
    return len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode())
