"""What the Data API answers: rows, and the server's errors, which it flattens into one line of text."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import errors
from psycopg.pq import DiagnosticField

from vectordb.database.session import Row

# As in `ERROR: operator does not exist: integer = text; Hint: No operator matches …; Position: 36; SQLState: 42883`. The fields
# come in this order, and any may be missing; Serverless v1 began `Position` on a line of its own.
_ERROR = re.compile(
    r"""
    (?:(?P<severity>ERROR|FATAL|PANIC):\ )?
    (?P<message>.*?)
    (?:;\sDetail:\ (?P<Detail>.*?))?
    (?:;\sHint:\ (?P<Hint>.*?))?
    (?:;\sWhere:\ (?P<Where>.*?))?
    (?:(?:;\s|\n\s*)Position:\ (?P<Position>\d+))?
    (?:;\sSQLState:\ (?P<SQLState>\w{5}))?;?\s*
    """,
    re.VERBOSE | re.DOTALL,
)
_FIELDS = {
    "Detail": DiagnosticField.MESSAGE_DETAIL,
    "Hint": DiagnosticField.MESSAGE_HINT,
    "Where": DiagnosticField.CONTEXT,
    "Position": DiagnosticField.STATEMENT_POSITION,
}


def database_error(text: str) -> errors.Error | None:
    """The server's error in a message of the Data API, as psycopg has it; None when it is none of the server's."""
    match = _ERROR.fullmatch(text.strip())
    if match is None or not (match["severity"] or match["SQLState"]):
        return None
    return made(
        match["SQLState"] or "XX000",  # internal_error, where none is told
        match["message"],
        severity=match["severity"] or "ERROR",
        fields={name: match[name].strip() for name in _FIELDS if match[name]},
    )


def made(sqlstate: str, message: str, *, severity: str = "ERROR", fields: Mapping[str, str] = {}) -> errors.Error:
    """An error as psycopg raises it: of the class of its SQLSTATE, with `diag`.

    Args:
        sqlstate: five characters.
        message: the primary message.
        severity: ERROR or FATAL.
        fields: Detail, Hint, Where and Position, where there are any.
    """
    info: dict[int, bytes | None] = {
        DiagnosticField.SEVERITY: severity.encode(),
        DiagnosticField.SQLSTATE: sqlstate.encode(),
        DiagnosticField.MESSAGE_PRIMARY: message.encode(),
        **{_FIELDS[name]: value.encode() for name, value in fields.items()},
    }
    try:
        kind: type[errors.Error] = errors.lookup(sqlstate)
    except KeyError:  # a code of the application's own
        kind = errors.DatabaseError
    return kind(message, info=info)


def moved(error: errors.Error, by: int) -> errors.Error:
    """The same error with its position moved, which counts characters from 1."""
    diag = error.diag
    if not diag.statement_position:
        return error
    told = {"Detail": diag.message_detail, "Hint": diag.message_hint, "Where": diag.context}
    fields = {name: value for name, value in told.items() if value}
    return made(
        error.sqlstate or "XX000",
        diag.message_primary or str(error),
        severity=diag.severity or "ERROR",
        fields={**fields, "Position": str(max(1, int(diag.statement_position) + by))},
    )


class Rows:
    """The rows of an answer, as psycopg's cursor gives them."""

    def __init__(self, records: Sequence[Sequence[Mapping[str, Any]]]) -> None:
        self._rows = [tuple(_value(field) for field in record) for record in records]
        self._next = 0

    def fetchall(self) -> list[Row]:
        """Every row that was not fetched yet."""
        left, self._next = self._rows[self._next :], len(self._rows)
        return left

    def fetchone(self) -> Row | None:
        """The next row; None after the last."""
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]


def _value(field: Mapping[str, Any]) -> Any:
    """The value of a Field, a union of which one member is set; arrays have one dimension."""
    if field.get("isNull"):
        return None
    [(kind, value)] = field.items()
    if kind == "arrayValue":
        [(_, elements)] = value.items()
        return list(elements)
    return value


def parameter(name: str, value: Any) -> dict[str, Any]:
    """A SqlParameter. Text stays text, a whole number is a bigint, as the API has no smaller one."""
    if value is None:
        field: dict[str, Any] = {"isNull": True}
    elif isinstance(value, bool):
        field = {"booleanValue": value}
    elif isinstance(value, int):
        field = {"longValue": value}
    elif isinstance(value, str):
        field = {"stringValue": value}
    else:  # ExecuteStatement: "Array parameters are not supported"
        raise errors.NotSupportedError(f"the Data API takes no parameter of type {type(value).__name__}")
    return {"name": name, "value": field}
