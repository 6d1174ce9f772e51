"""Rows as the Data API sends them, and the server's errors as it words them."""

import base64
import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import Connection, RawCursor, postgres

from vectordb.local.emulator.wire import ServiceError

LARGEST_RESULT = 1 << 20

# Aurora User Guide, "Data API operations reference": what a result may hold, and one-dimensional arrays of it.
_TYPES = {
    "bool", "bytea", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar", "uuid", "json", "jsonb",
    "date", "time", "timestamp", "timestamptz",
}  # fmt: skip
_ELEMENTS = {bool: "booleanValues", int: "longValues", float: "doubleValues"}


def answer(connection: Connection[Any], cursor: RawCursor[Any], *, metadata: bool, as_json: bool) -> dict[str, Any]:
    """The body of an answer to ExecuteStatement.

    Raises:
        ServiceError: the rows are of a type, a shape or a size that is not returned.
    """
    columns = cursor.description
    if columns is None:
        return {"numberOfRecordsUpdated": max(cursor.rowcount, 0), "generatedFields": []}
    names = [_type_name(connection, column.type_code) for column in columns]
    for name in names:
        if name.removeprefix("_") not in _TYPES:
            raise ServiceError(
                "UnsupportedResultException", f"The result contains the unsupported data type {name.upper()}."
            )
    rows = cursor.fetchall()
    if _size(cursor) > LARGEST_RESULT:
        raise ServiceError("UnsupportedResultException", "The result exceeds the size limit 1 MB.")
    body: dict[str, Any] = {"numberOfRecordsUpdated": 0}
    if as_json:
        plain = [{c.name: _plain(value) for c, value in zip(columns, row, strict=True)} for row in rows]
        return {**body, "formattedRecords": json.dumps(plain)}
    body["records"] = [[_field(value) for value in row] for row in rows]
    if metadata:
        body["columnMetadata"] = [
            {"name": c.name, "label": c.name, "typeName": name} for c, name in zip(columns, names, strict=True)
        ]
    return body


def refused(error: psycopg.Error) -> ServiceError:
    """An error of the server: `ERROR: message; Hint: …; Position: 5; SQLState: 42601`; its DETAIL and CONTEXT are not told."""
    diag = error.diag
    parts = [f"{diag.severity or 'ERROR'}: {diag.message_primary or ' '.join(str(error).split())}"]
    if diag.message_hint:
        parts.append(f"Hint: {diag.message_hint}")
    if diag.statement_position:
        parts.append(f"Position: {diag.statement_position}")
    return ServiceError("DatabaseErrorException", "; ".join([*parts, f"SQLState: {error.sqlstate or 'XX000'}"]))


def _type_name(connection: Connection[Any], oid: int) -> str:
    known = postgres.types.get(oid)
    if known is not None:
        return f"_{known.name}" if oid == known.array_oid else known.name
    # Types of extensions, and those that psycopg does not know; by another cursor, which changes nothing of the result.
    found = connection.execute("SELECT typname::text FROM pg_catalog.pg_type WHERE oid = $1", [oid]).fetchone()
    return str(found[0]) if found else str(oid)


def _size(cursor: RawCursor[Any]) -> int:
    """Bytes of the values on the wire, with a length for each and a count for each row."""
    result = cursor.pgresult
    assert result is not None
    lengths = sum(
        len(result.get_value(row, column) or b"") for row in range(result.ntuples) for column in range(result.nfields)
    )
    return lengths + result.ntuples * (2 + 4 * result.nfields)


def _field(value: Any) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    if isinstance(value, list):
        return {"arrayValue": _array(value)}
    plain = _plain(value)
    if isinstance(value, bytes):
        return {"blobValue": plain}
    kinds = {bool: "booleanValue", int: "longValue", float: "doubleValue"}
    return {kinds.get(type(plain), "stringValue"): plain}


def _array(values: Sequence[Any]) -> dict[str, Any]:
    if any(isinstance(value, list) or value is None for value in values):
        raise ServiceError("UnsupportedResultException", "The result contains an unsupported array.")
    plain = [_plain(value) for value in values]
    return {_ELEMENTS.get(type(plain[0]), "stringValues") if plain else "stringValues": plain}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(dt.UTC).replace(tzinfo=None)
        return value.isoformat(" ")
    return str(value)
