"""Exact nearest neighbours: every distance is computed, in float32. And what a search finds."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vectordb.local.emulator.s3vectors.filters import Predicate
from vectordb.local.emulator.s3vectors.table import Matrix, Metadata, VectorTable

Metric = Literal["cosine", "euclidean"]
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer to a query."""

    key: str
    distance: float | None
    """None when the vector search did not find it."""
    metadata: Metadata
    bm25: tuple[tuple[str, float], ...] = ()
    """Metadata key and score of each text query that it matches."""
    fused: float | None = None
    """The score in a hybrid search."""


def nearest(table: VectorTable, query: Matrix, metric: Metric, count: int, predicate: Predicate | None) -> list[Hit]:
    """The `count` nearest rows that satisfy the predicate, nearest first; equal distances in the rows' order.

    Args:
        table: the vectors.
        query: shape (dimension,).
        metric: cosine is 1 - cos, in 0 to 2; euclidean is the length of the difference.
        count: how many at most.
        predicate: a filter over the metadata.
    """
    distances = cosine(table, query) if metric == "cosine" else euclidean(table, query)
    chosen = smallest(distances, count) if predicate is None else _first_that_hold(table, distances, count, predicate)
    return [Hit(table.keys[row], float(distances[row]), table.metadata[row]) for row in chosen]


def cosine(table: VectorTable, query: Matrix) -> Matrix:
    """1 - cos of every row with the query; neither may be zero."""
    similarity = (table.rows @ query) / (table.norms * np.linalg.norm(query))
    return np.clip(1 - similarity, 0, 2)


def euclidean(table: VectorTable, query: Matrix) -> Matrix:
    """The distance of every row. From differences: |a|² - 2ab + |b|² cancels in float32, and finds a copy 3e-4 away."""
    distances = np.empty(len(table), dtype=np.float32)
    for start in range(0, len(table), _BLOCK):
        difference = table.rows[start : start + _BLOCK] - query
        distances[start : start + _BLOCK] = np.sqrt(np.einsum("ij,ij->i", difference, difference))
    return distances


def smallest(values: NDArray[Any], count: int) -> list[int]:
    """The positions of the `count` smallest values in ascending order; equal ones in the order of their positions."""
    if count < len(values):
        # Everything as small as the last one, so that a tie at the end is broken by order and not by the partition.
        bound = np.partition(values, count - 1)[count - 1]
        candidates: NDArray[np.intp] = np.flatnonzero(values <= bound)
    else:
        candidates = np.arange(len(values))
    ordered: list[int] = candidates[np.argsort(values[candidates], kind="stable")][:count].tolist()
    return ordered


def _first_that_hold(table: VectorTable, distances: Matrix, count: int, predicate: Predicate) -> list[int]:
    # In the order of distance, so that a filter which most rows pass is asked about few of them.
    chosen = []
    for row in np.argsort(distances, kind="stable").tolist():
        if predicate(table.metadata[row]):
            chosen.append(row)
            if len(chosen) == count:
                break
    return chosen
