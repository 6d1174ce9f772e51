"""Vectors as JSON text. Writing the digits is most of what an answer costs, so it is done once and in C."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def vector_json(vector: NDArray[np.float32]) -> str:
    """A JSON array of the numbers with nine significant digits, which is every float32 exactly."""
    return _template(len(vector)) % tuple(vector.tolist())


@lru_cache
def _template(length: int) -> str:
    return "[" + ",".join(["%.9g"] * length) + "]"
