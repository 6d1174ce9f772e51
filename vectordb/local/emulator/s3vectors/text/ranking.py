"""BM25 for one searchable key, and Reciprocal Rank Fusion of two rankings.

The service names both methods and neither formula nor constants; these are the usual ones.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vectordb.local.emulator.s3vectors.search import Hit

K1 = 1.2
"""How much a repeated term counts (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009)."""
B = 0.75
"""How much a long text counts less."""
RRF_K = 60
"""Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet", 2009."""

Numbers = NDArray[np.float64]


def bm25(frequencies: Numbers, lengths: Numbers, *, texts: int, average_length: float) -> Numbers:
    """What one term adds to the score of each text that holds it.

    Args:
        frequencies: how often each text holds the term.
        lengths: how many terms each of these texts has.
        texts: how many texts there are, with and without the term.
        average_length: over all texts.
    """
    holding = len(frequencies)
    rarity = math.log(1 + (texts - holding + 0.5) / (holding + 0.5))
    damping = K1 * (1 - B + B * lengths / average_length)
    weights: Numbers = rarity * frequencies * (K1 + 1) / (frequencies + damping)
    return weights


def fuse(near: Sequence[Hit], matching: Sequence[Hit], count: int) -> list[Hit]:
    """The `count` best by RRF: the sum of 1 / (60 + rank) over the rankings that hold a vector, ranks from 1.

    Of equal sums those that are near come first, in their order.

    Args:
        near: the vector search's ranking; its hits have a distance.
        matching: the text search's; its hits have BM25 scores.
        count: how many at most.
    """
    fused: dict[str, Hit] = {}
    for ranking in (near, matching):
        for rank, hit in enumerate(ranking, start=1):
            before = fused.get(hit.key)
            score = 1 / (RRF_K + rank) + (before.fused or 0 if before else 0)
            fused[hit.key] = replace(before, fused=score, bm25=hit.bm25) if before else replace(hit, fused=score)
    return sorted(fused.values(), key=lambda hit: -(hit.fused or 0))[:count]
