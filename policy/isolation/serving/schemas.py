"""The part of JSON Schema that settings are described with, and how a value that does not fit is told to its author."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from isolation.reading.properties import Property

KEYWORDS: Final = frozenset({"type", "enum", "minimum", "maximum", "pattern", "items", "minItems"})
"""What `fitted` understands; a schema of a setting uses nothing else."""

_TYPES: Final[Mapping[str, str]] = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "a string",
    "array": "a list",
}


class MisfitError(ValueError):
    """A value does not fit its schema; the text is the class of what was given and what is allowed."""


def fitted(value: object, schema: Mapping[str, Any]) -> object:
    """`value` as the schema's type: an integer is an `int`, although it came over the wire as a double.

    Raises:
        MisfitError: it does not fit.
    """
    kind = schema.get("type")
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    wrong = MisfitError(f"is {_described(value, schema)}, not {allowed(schema)}")
    if not _is(value, kind) or value not in schema.get("enum", [value]):
        raise wrong
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        raise wrong
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        raise wrong
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) < schema.get("minItems", 0):
            raise wrong
        return [_element(element, schema) for element in value]
    return value


def _element(value: object, schema: Mapping[str, Any]) -> object:
    try:
        return fitted(value, schema.get("items", {}))
    except MisfitError as error:
        raise MisfitError(f"holds something that {error}") from None


def allowed(schema: Mapping[str, Any]) -> str:
    """What a schema allows, as a phrase: `a whole number from 1 to 35`."""
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    phrase = _TYPES.get(schema.get("type", ""), "a value")
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        phrase += f" from {least} to {most}"
    elif least is not None:
        phrase += f" of at least {least}"
    elif most is not None:
        phrase += f" of at most {most}"
    if "pattern" in schema:
        phrase += f" that matches {schema['pattern']}"
    if "items" in schema:
        phrase += f", each {allowed(schema['items'])}"
    return phrase


def _is(value: object, kind: str | None) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "array":
        return isinstance(value, Sequence) and not isinstance(value, str)
    return isinstance(value, str) if kind == "string" else True


def _described(value: object, schema: Mapping[str, Any]) -> str:
    """The class of a value; a number of the right kind is named, since only its size can be wrong."""
    if isinstance(value, int | float) and _is(value, schema.get("type")):
        return str(value)
    return Property("", value).described if value is not None else "null"
