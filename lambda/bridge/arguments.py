"""Checks of what a caller passes, before the service is asked: types, ranges, finite numbers.

Messages name the argument and the position, never the value: values are the caller's data and these messages may be kept.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from protocol import BridgeError

MAX_DIMENSION = 4096
MAX_TOP_K = 10_000
MAX_KEYS = 10_000
MAX_KEY_LENGTH = 1024
MAX_PAGE = 1000
MAX_TOKEN_LENGTH = 4096
MAX_FLOAT32 = 3.4028235677973366e38
"""The service stores 32-bit floats; what rounds to more than the largest of them is not one."""


def known(arguments: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse arguments that the operation does not have."""
    allowed = frozenset(names)
    if unknown := len(arguments.keys() - allowed):
        raise _invalid(f"{unknown} unknown argument(s); known are {', '.join(sorted(allowed))}")


def vector(arguments: Mapping[str, Any], name: str) -> list[float]:
    """A list of 1 to 4096 finite numbers that fit 32-bit floats."""
    value = arguments.get(name)
    if not isinstance(value, list):
        raise _invalid(f"{name} must be an array of numbers")
    if not 1 <= len(value) <= MAX_DIMENSION:
        raise _invalid(f"{name} must have 1 to {MAX_DIMENSION} elements, not {len(value)}")
    # Types first, with C's speed: True is an int to isinstance, and 10**400 is no float.
    if not set(map(type, value)) <= {int, float}:
        wrong = next(position for position, item in enumerate(value) if type(item) not in {int, float})
        raise _invalid(f"{name}[{wrong}] must be a number")
    largest, smallest = max(value), min(value)
    # A NaN may hide from max and min, not from a sum; the sum of finite 32-bit floats stays finite.
    if not (smallest >= -MAX_FLOAT32 and largest <= MAX_FLOAT32 and math.isfinite(sum(value))):
        wrong = next(position for position, item in enumerate(value) if not abs(item) <= MAX_FLOAT32)
        raise _invalid(f"{name}[{wrong}] must be finite and fit a 32-bit float")
    return value


def keys(arguments: Mapping[str, Any], name: str) -> list[str]:
    """A list of 1 to 10,000 distinct keys of 1 to 1024 characters."""
    value = arguments.get(name)
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_KEYS:
        raise _invalid(f"{name} must be an array of 1 to {MAX_KEYS} keys")
    for position, key in enumerate(value):
        if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY_LENGTH:
            raise _invalid(f"{name}[{position}] must be a string of 1 to {MAX_KEY_LENGTH} characters")
        if not _encodable(key):
            raise _invalid(f"{name}[{position}] is not valid Unicode")
    if len(set(value)) != len(value):
        raise _invalid(f"{name} must be distinct")
    return value


def integer(arguments: Mapping[str, Any], name: str, *, low: int, high: int) -> int:
    """An integer from low to high."""
    value = arguments.get(name)
    if type(value) is not int or not low <= value <= high:
        raise _invalid(f"{name} must be an integer from {low} to {high}")
    return value


def flag(arguments: Mapping[str, Any], name: str) -> bool:
    """A boolean."""
    value = arguments.get(name)
    if not isinstance(value, bool):
        raise _invalid(f"{name} must be true or false")
    return value


def token(arguments: Mapping[str, Any], name: str) -> str | None:
    """A page's token, or None when absent or null."""
    value = arguments.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TOKEN_LENGTH or not _encodable(value):
        raise _invalid(f"{name} must be a string of 1 to {MAX_TOKEN_LENGTH} characters")
    return value


def metadata_filter(arguments: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """A filter document, or None when absent or null. The service checks its operators."""
    value = arguments.get(name)
    if value is not None and not isinstance(value, dict):
        raise _invalid(f"{name} must be an object")
    return value


def _encodable(text: str) -> bool:
    """JSON can spell half a surrogate pair, which no UTF-8 body can carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _invalid(message: str) -> BridgeError:
    return BridgeError("InvalidRequest", message)
