"""Checks of what a caller passes, before the service is asked: names, types, ranges.

Messages name the argument and the position, never the value: values are the caller's data and these messages may be kept.
"""

from array import array
from collections.abc import Iterable, Mapping
from typing import Any

import floats
from protocol import BridgeError

MAX_TOP_K = 10_000
MAX_KEYS = 10_000
MAX_KEY_LENGTH = 1024
MAX_PAGE = 1000
MAX_QUERIES = 1000
MAX_TOKEN_LENGTH = 2048
"""Of ListVectors and ListIndexes; QueryVectors' are twice as long, and the function puts a few characters before them."""
MAX_QUERY_TOKEN_LENGTH = 4096 + 16
MAX_QUERY_TEXTS = 10
MAX_QUERY_TEXT_LENGTH = 1024
MAX_SEGMENTS = 16
MAX_METADATA_KEY_LENGTH = 63
"""The service's MetadataKey."""
MODES = ("CLASSIC", "ENHANCED")


def exactly(arguments: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse arguments that the operation does not have, and ones that are absent: a scope left out is not "no scope"."""
    wanted = frozenset(names)
    if unknown := len(arguments.keys() - wanted):
        raise invalid(f"{unknown} unknown argument(s); known are {', '.join(sorted(wanted))}")
    if missing := wanted - arguments.keys():
        raise invalid(f"missing argument(s): {', '.join(sorted(missing))}")


def invalid(message: str) -> BridgeError:
    """The refusal of an argument."""
    return BridgeError("InvalidRequest", message)


def shown(name: str) -> str:
    """The caller's own name of a metadata key, short and printable."""
    cut = name if len(name) <= MAX_METADATA_KEY_LENGTH else f"{name[: MAX_METADATA_KEY_LENGTH - 3]}..."
    return cut if cut.isprintable() else "".join(c if c.isprintable() else "?" for c in cut)


def vector(arguments: Mapping[str, Any], name: str) -> "array[float] | None":
    """A vector in base64, or None when null."""
    value = arguments.get(name)
    return None if value is None else floats.decoded(value, name)


def vectors(arguments: Mapping[str, Any], name: str) -> "list[array[float]]":
    """1 to 1000 vectors in base64, all of one dimension."""
    value = arguments.get(name)
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_QUERIES:
        raise invalid(f"{name} must be an array of 1 to {MAX_QUERIES} vectors")
    decoded = [floats.decoded(item, f"{name}[{position}]") for position, item in enumerate(value)]
    for position, numbers in enumerate(decoded):
        if len(numbers) != len(decoded[0]):
            raise invalid(f"{name}[{position}] has {len(numbers)} dimensions, the first has {len(decoded[0])}")
    return decoded


def keys(arguments: Mapping[str, Any], name: str) -> list[str]:
    """1 to 10,000 distinct keys of 1 to 1024 characters."""
    value = arguments.get(name)
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_KEYS:
        raise invalid(f"{name} must be an array of 1 to {MAX_KEYS} keys")
    for position, item in enumerate(value):
        key(item, f"{name}[{position}]")
    if len(set(value)) != len(value):
        raise invalid(f"{name} must be distinct")
    return value


def key(value: Any, name: str) -> str:
    """A vector's key."""
    return _string(value, name, MAX_KEY_LENGTH)


def integer(arguments: Mapping[str, Any], name: str, *, low: int, high: int) -> int:
    """An integer from low to high."""
    value = arguments.get(name)
    if type(value) is not int or not low <= value <= high:
        raise invalid(f"{name} must be an integer from {low} to {high}")
    return value


def epoch(arguments: Mapping[str, Any]) -> int | None:
    """The count of writes that a cached answer belongs to, or None for no cache."""
    return None if arguments.get("epoch") is None else integer(arguments, "epoch", low=0, high=2**63 - 1)


def flag(arguments: Mapping[str, Any], name: str) -> bool:
    """A boolean."""
    value = arguments.get(name)
    if not isinstance(value, bool):
        raise invalid(f"{name} must be true or false")
    return value


def token(arguments: Mapping[str, Any], name: str = "next_token", longest: int = MAX_TOKEN_LENGTH) -> str | None:
    """A page's token, or None when null."""
    value = arguments.get(name)
    return None if value is None else _string(value, name, longest)


def text(arguments: Mapping[str, Any], name: str, longest: int) -> str:
    """A string that is not empty."""
    return _string(arguments.get(name), name, longest)


def mode(arguments: Mapping[str, Any]) -> str | None:
    """How filters are applied, or None for the index's own way."""
    value = arguments.get("query_mode")
    if value is not None and value not in MODES:
        raise invalid(f"query_mode must be {' or '.join(MODES)}")
    return value


def full_text_keys(arguments: Mapping[str, Any]) -> list[str] | None:
    """1 to 10 distinct metadata keys, or None when null."""
    value = arguments.get("full_text_keys")
    if value is None:
        return None
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_QUERY_TEXTS:
        raise invalid(f"full_text_keys must be an array of 1 to {MAX_QUERY_TEXTS} metadata keys")
    found = [
        _string(item, f"full_text_keys[{position}]", MAX_METADATA_KEY_LENGTH) for position, item in enumerate(value)
    ]
    if len(set(found)) != len(found):
        raise invalid("full_text_keys must be distinct")
    return found


def query_texts(arguments: Mapping[str, Any]) -> list[tuple[str, str]] | None:
    """(metadata key, words) for each of 1 to 10 distinct keys, or None when null."""
    value = arguments.get("query_texts")
    if value is None:
        return None
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_QUERY_TEXTS:
        raise invalid(f"query_texts must be an array of 1 to {MAX_QUERY_TEXTS} texts")
    found: list[tuple[str, str]] = []
    for position, item in enumerate(value):
        name = f"query_texts[{position}]"
        if not isinstance(item, dict) or item.keys() != {"key", "text"}:
            raise invalid(f"{name} must be an object of key and text")
        found.append(
            (
                _string(item["key"], f"{name}.key", MAX_METADATA_KEY_LENGTH),
                _string(item["text"], f"{name}.text", MAX_QUERY_TEXT_LENGTH),
            )
        )
    if len({metadata_key for metadata_key, _ in found}) != len(found):
        raise invalid("query_texts must have distinct keys")
    return found


def encodable(value: str) -> bool:
    """Whether it is Unicode: JSON can spell half a surrogate pair, which no UTF-8 body can carry."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _string(value: Any, name: str, longest: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise invalid(f"{name} must be a string of 1 to {longest} characters")
    if not encodable(value):
        raise invalid(f"{name} is not valid Unicode")
    return value
