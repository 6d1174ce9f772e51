"""Bedrock's ValidationExceptions, in its words."""

from collections.abc import Iterable, Mapping
from typing import Any

from vectordb.local.emulator.wire import ServiceError


def refused(message: str) -> ServiceError:
    """A ValidationException."""
    return ServiceError("ValidationException", message)


def malformed(reason: str) -> ServiceError:
    """A request body that the model's schema refuses."""
    return refused(f"Malformed input request: {reason}, please reformat your input and try again.")


def check_keys(body: Mapping[str, Any], required: Iterable[str], allowed: Iterable[str]) -> None:
    """Refuse a missing or unknown member."""
    for key in required:
        if key not in body:
            raise malformed(f"#: required key [{key}] not found")
    for key in body:
        if key not in allowed:
            raise malformed(f"#: extraneous key [{key}] is not permitted")


def check_text(text: Any, path: str, longest: int) -> str:
    """A text of 1 to `longest` characters."""
    if not isinstance(text, str):
        raise malformed(f"{path}: expected type: String, found: {_type_name(text)}")
    if not text:
        raise malformed(f"{path}: expected minLength: 1, actual: 0")
    if len(text) > longest:
        raise malformed(f"{path}: expected maxLength: {longest}, actual: {len(text)}")
    return text


def check_choice(body: Mapping[str, Any], key: str, allowed: Iterable[Any], default: Any) -> Any:
    """One of the allowed values; booleans are not numbers."""
    value = body.get(key, default)
    if not any(value == option and isinstance(value, bool) == isinstance(option, bool) for option in allowed):
        raise malformed(f"#/{key}: {value} is not a valid enum value")
    return value


def check_kinds(body: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> list[str]:
    """A non-empty list of distinct kinds of embeddings; ["float"] when absent."""
    kinds = body.get(key)
    if kinds is None:
        return ["float"]
    if not isinstance(kinds, list) or not kinds:
        raise malformed(f"#/{key}: expected minimum item count: 1, found: 0")
    for position, kind in enumerate(kinds):
        if kind not in allowed:
            raise malformed(f"#/{key}/{position}: {kind} is not a valid enum value")
    return list(dict.fromkeys(kinds))


def _type_name(value: Any) -> str:
    names = {
        dict: "JSONObject",
        list: "JSONArray",
        bool: "Boolean",
        int: "Integer",
        float: "Double",
        type(None): "Null",
    }
    return names.get(type(value), type(value).__name__)
