"""The vectors that are searched: two indexes of unit vectors, the same in every run."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vectordb.local.emulator import ACCOUNT

REGION = "us-east-1"
BUCKET = "vectordb-bench"
QUERIED = "documents"
QUERIED_DIMENSION = 1024
QUERIED_COUNT = 400
FETCHED = "wide"
FETCHED_DIMENSION = 1536
FETCHED_COUNT = 100
QUERIES = 100

_PUT_AT_ONCE = 200
_TOPICS = ("storage", "network", "database", "compute", "security")


def index_arn(name: str) -> str:
    """The ARN of one of the two indexes."""
    return f"arn:aws:s3vectors:{REGION}:{ACCOUNT}:bucket/{BUCKET}/index/{name}"


def unit_vectors(count: int, dimension: int, seed: int) -> NDArray[np.float32]:
    """Shape (count, dimension), float32, each of length 1 as embedding models give them."""
    drawn = np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32)
    unit: NDArray[np.float32] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def queries() -> NDArray[np.float32]:
    """Shape (QUERIES, QUERIED_DIMENSION)."""
    return unit_vectors(QUERIES, QUERIED_DIMENSION, 3)


def fill(call: Callable[[str, dict[str, Any]], Any]) -> None:
    """Make the bucket and both indexes by the API's own operations; `call` takes a name and parameters."""
    call("CreateVectorBucket", {"vectorBucketName": BUCKET})
    _fill_index(call, QUERIED, unit_vectors(QUERIED_COUNT, QUERIED_DIMENSION, 1))
    _fill_index(call, FETCHED, unit_vectors(FETCHED_COUNT, FETCHED_DIMENSION, 2))


def _fill_index(call: Callable[[str, dict[str, Any]], Any], name: str, rows: NDArray[np.float32]) -> None:
    call(
        "CreateIndex",
        {
            "vectorBucketName": BUCKET,
            "indexName": name,
            "dataType": "float32",
            "dimension": rows.shape[1],
            "distanceMetric": "cosine",
        },
    )
    vectors = [
        {
            "key": f"document-{number:04}",
            "data": {"float32": row.tolist()},
            "metadata": {
                "topic": _TOPICS[number % len(_TOPICS)],
                "year": 2000 + number % 26,
                "title": f"Chapter {number} of the handbook",
            },
        }
        for number, row in enumerate(rows)
    ]
    for start in range(0, len(vectors), _PUT_AT_ONCE):
        parameters = {
            "vectorBucketName": BUCKET,
            "indexName": name,
            "vectors": vectors[start : start + _PUT_AT_ONCE],
        }
        call("PutVectors", parameters)
