"""Named parameters: `:name` in a statement, with typed values beside it."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.numeric import Float8, Int8

from vectordb.local.emulator.wire import ServiceError

# What is text to PostgreSQL stays as it is; a name follows a colon that is not part of a cast or an assignment.
_TOKEN = re.compile(
    r"""
    (?P<skip>--[^\n]*+ | /\*.*?\*/ | [eE]'(?:[^'\\]|\\.|'')*+' | '[^']*+(?:''[^']*+)*+' | "[^"]*+" | ::
           | \$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$ | \w++)
  | :(?P<name>[A-Za-z0-9_]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_HINTS = {
    "JSON": "jsonb",
    "UUID": "uuid",
    "TIMESTAMP": "timestamp",
    "DATE": "date",
    "TIME": "time",
    "DECIMAL": "numeric",
}


def bind(sql: str, given: Sequence[Mapping[str, Any]]) -> tuple[str, list[Any]]:
    """The statement with `$1`, `$2` … in place of names, and their values.

    Raises:
        ServiceError: a name has no value, or a value is of no kind that the API takes.
    """
    values = {str(one.get("name")): one for one in given}
    order: list[str] = []

    def placed(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return match[0]
        if name not in values:
            raise ServiceError("ValidationException", f"The statement names the parameter {name}, which has no value.")
        if name not in order:
            order.append(name)
        hint = _HINTS.get(str(values[name].get("typeHint", "")))
        return f"${order.index(name) + 1}" + (f"::{hint}" if hint else "")

    return _TOKEN.sub(placed, sql), [_value(values[name].get("value") or {}) for name in order]


def _value(field: Mapping[str, Any]) -> Any:
    """A value with the type that the service gives it: every whole number is a bigint."""
    match next(iter(field.items()), ("", None)):
        case "isNull", _:
            return None
        case "longValue", value:
            return Int8(value)
        case "doubleValue", value:
            return Float8(value)
        case (("booleanValue" | "stringValue"), value):
            return value
        case "blobValue", value:
            return base64.b64decode(value)
        case "arrayValue", _:
            raise ServiceError("ValidationException", "Array parameters are not supported.")
    raise ServiceError("ValidationException", "A parameter has no value.")
