"""Vectors between their three forms: the database's bytes, the service's JSON, and the database's text.

From the database a vector is base64 of its 32-bit floats, big-endian (pgvector's vector_send without its header): half the
bytes of its decimal text. The service takes decimal text. From the service to the database the text passes as it is.
"""

import array
import binascii
import functools
import math
import re
import sys
from typing import Any

from protocol import BridgeError

MAX_DIMENSION = 4096
LARGEST = 1.7976931348623157e308
"""Of the numbers that JSON's readers hold: 64-bit floats."""
_FLOAT_BYTES = 4
_LONGEST = (MAX_DIMENSION * _FLOAT_BYTES + 2) // 3 * 4

# Only these characters, so what becomes the inside of a string can hold no quote and no escape. Metadata holds no nested
# object (Amazon S3 User Guide, metadata filtering), and a quote inside of a string is escaped: nothing else looks like this.
_NUMBERS = re.compile(rb'(?<!\\)"data"\s*+:\s*+\{\s*+"float32"\s*+:\s*+\[([-+.0-9eE, ]*+)\]\s*+\}')
_BREAKS = (b"\n", b"\r", b"\t")


def decoded(value: Any, name: str) -> "array.array[float]":
    """The numbers of a vector's base64, of 1 to 4096 dimensions, all finite. Raises BridgeError InvalidRequest."""
    if not isinstance(value, str):
        raise _invalid(f"{name} must be base64 of 32-bit floats")
    if len(value) > _LONGEST:
        raise _invalid(f"{name} must have at most {MAX_DIMENSION} dimensions")
    try:
        data = binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        raise _invalid(f"{name} must be base64 of 32-bit floats") from None
    if not data or len(data) % _FLOAT_BYTES or len(data) > MAX_DIMENSION * _FLOAT_BYTES:
        raise _invalid(f"{name} must have 1 to {MAX_DIMENSION} dimensions of four bytes each, not {len(data)} bytes")
    numbers = array.array("f", data)
    if sys.byteorder == "little":
        numbers.byteswap()
    if not finite(numbers):
        wrong = next(position for position, number in enumerate(numbers) if not math.isfinite(number))
        raise _invalid(f"{name}[{wrong}] must be finite")
    return numbers


def encoded(numbers: "array.array[float]") -> str:
    """The base64 of a vector, as the database sends it."""
    swapped = array.array("f", numbers)
    if sys.byteorder == "little":
        swapped.byteswap()
    return binascii.b2a_base64(swapped, newline=False).decode()


def finite(numbers: "array.array[float]") -> bool:
    """Whether all are finite: a NaN or infinity stays in the sum, and 4096 32-bit floats cannot overflow it."""
    return math.isfinite(sum(numbers))


def text(numbers: "array.array[float]") -> str:
    """The numbers in JSON, without brackets. Nine digits give every 32-bit float back exactly."""
    return _form(len(numbers)) % tuple(numbers)


@functools.lru_cache(maxsize=16)
def _form(count: int) -> str:
    return ",".join(["%.9g"] * count)


def as_text(body: bytes) -> bytes:
    """The service's answer with each `"data":{"float32":[0.1,2]}` replaced by `"data":"0.1,2"`.

    Reading a hundred vectors of 1536 numbers as floats and writing them again would cost ten times as much.
    """
    if any(line in body for line in _BREAKS):
        # In JSON these stand between values only: inside a string they are escaped.
        body = body.translate(None, b"".join(_BREAKS))
    return _NUMBERS.sub(rb'"data":"\1"', body)


def _invalid(message: str) -> BridgeError:
    return BridgeError("InvalidRequest", message)
