"""What must hold of a model's answer. One that is not as documented is an error: a wrong vector would be found by nobody."""

import json
import math
from array import array
from collections.abc import Iterable
from typing import Any

from embedder.errors import CallError, Kind

LENGTH_TOLERANCE = 0.01
"""How far a vector that is said to have length 1 may be from it: 32-bit floats of 1,536 numbers are within 0.001."""


def contradiction(what: str) -> CallError:
    """The model did not keep to its own interface; it may the next time."""
    return CallError(Kind.TRANSIENT, "UnusableAnswer", f"the model answered {what}")


def document(body: bytes) -> dict[str, Any]:
    """An answer's JSON object."""
    try:
        found = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise contradiction("with something that is no JSON object")
    return found


def vectors(rows: Any, *, texts: int, dimension: int, normalised: bool) -> "list[array[float]]":
    """Lists of numbers as vectors, when they are as many as the texts, as long as asked for, finite, and not zero.

    Args:
        rows: what the answer has for vectors.
        texts: how many were asked for.
        dimension: how long each must be.
        normalised: whether each must have length 1.
    """
    if not isinstance(rows, list) or len(rows) != texts:
        raise contradiction(f"without a vector for each of {texts} texts")
    lengths = {len(row) if isinstance(row, list) else 0 for row in rows}
    if len(lengths) == 1 and 0 < (length := lengths.pop()) != dimension:
        # All of them: it does so always, and no text is at fault.
        said = f"the model makes vectors of {length} dimensions, and is declared to make them of {dimension}"
        raise CallError(Kind.CONFIGURATION, "WrongDimension", said)
    return [_vector(row, dimension, normalised=normalised) for row in rows]


def scaled(vector: "array[float]") -> "array[float]":
    """A vector with length 1, of the same direction."""
    length = math.hypot(*vector)
    if abs(length - 1) <= LENGTH_TOLERANCE / 10:
        return vector
    return array("f", [number / length for number in vector])


def tokens(count: Any) -> int | None:
    """A count of tokens, when it is one."""
    return count if type(count) is int and count >= 0 else None


def _vector(row: Any, dimension: int, *, normalised: bool) -> "array[float]":
    if not isinstance(row, list) or len(row) != dimension:
        raise contradiction(f"with a vector that has not the {dimension} dimensions asked for")
    try:
        numbers = array("f", _floats(row))
    except (TypeError, OverflowError):
        raise contradiction("with a vector that is not of numbers") from None
    length = math.hypot(*numbers)
    if not math.isfinite(length):
        raise contradiction("with a vector that is not finite")
    if length == 0:
        raise contradiction("with a vector of zeros, which has no direction")
    if normalised and abs(length - 1) > LENGTH_TOLERANCE:
        raise contradiction("with a vector whose length is not 1")
    return numbers


def _floats(row: list[Any]) -> Iterable[float]:
    if not set(map(type, row)) <= {float, int}:
        raise TypeError
    return row


def _no_number(_name: str) -> Any:
    """NaN and Infinity are no JSON."""
    raise ValueError
