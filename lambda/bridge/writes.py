"""PutVectors and DeleteVectors, in chunks, with what is done when one fails.

Both may be repeated: a vector is replaced by its key, and one that is gone stays gone. All is checked before the first call,
so that a refusal means that nothing was written. Within a scope the keys are read first, because a key may be another
tenant's; two tenants that write one new key in the same moment are told apart by nothing.
"""

import contextlib
import json
from collections.abc import Sequence
from typing import Any

import arguments as check
import describe
import indexes
import parallel
import reads
import records
import scope as scopes
import service
from protocol import BridgeError
from records import Record
from scope import Scope
from service import Session

CHUNK = 500
"""Vectors or keys that one call takes."""
MAX_BODY_BYTES = 20 * 1024 * 1024
"""Of a request to the service."""
_STALE = frozenset({"ValidationException", "NotFoundException"})


def put_vectors(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """Insert vectors, or replace those of the same key.

    Arguments: index_arn, vectors (1 to 10,000 of {"key", "data" in base64, "metadata" or null}), scope.
    Result: {"written": n, "error": null or what ended it (`_told`)}: the first n vectors are written; of those behind
    them the last call's may be.
    """
    check.exactly(arguments, ("index_arn", "vectors", "scope"))
    index = indexes.requested(arguments)
    scope = scopes.requested(arguments)
    found = records.read(arguments, scope)
    _fit(found, index, session)
    if scope is not None:
        _refuse_foreign(found, index, session, scope)
    head = f'{{"indexArn":"{index.arn}","vectors":['
    written = 0
    error: BridgeError | None = None
    try:
        while written < len(found):
            _begin(session, written)
            body, count = _chunk(head, found, written)
            service.parsed(session.call(index, "PutVectors", body))
            written += count
    except BridgeError as refused:
        error = _noted(refused, index, session, written)
    return {"written": written, "error": error and _told(error, session)}


def delete_vectors(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """Delete vectors; a key without a vector, or with another tenant's, is passed over.

    Arguments: index_arn, keys (1 to 10,000, distinct), scope.
    Result: {"deleted": n, "error": null or what ended it (`_told`)}: the first n keys are done.
    """
    check.exactly(arguments, ("index_arn", "keys", "scope"))
    index = indexes.requested(arguments)
    scope = scopes.requested(arguments)
    keys = check.keys(arguments, "keys")
    deleted = 0
    error: BridgeError | None = None
    try:
        for start in range(0, len(keys), CHUNK):
            _begin(session, deleted)
            chunk = keys[start : start + CHUNK]
            mine = chunk if scope is None else _owned(chunk, index, session, scope)
            if mine:
                body = f'{{"indexArn":"{index.arn}","keys":{json.dumps(mine)}}}'.encode()
                service.parsed(session.call(index, "DeleteVectors", body))
            deleted += len(chunk)
    except BridgeError as refused:
        error = _noted(refused, index, session, deleted)
    return {"deleted": deleted, "error": error and _told(error, session)}


def _fit(found: list[Record], index: indexes.Index, session: Session) -> None:
    """Check against the index's settings as they are kept; where that refuses, against those of now."""
    try:
        records.fit(found, describe.facts(index, session))
    except records.MismatchError:
        try:
            records.fit(found, describe.facts(index, session, fresh=True))
        except records.MismatchError as mismatch:
            raise mismatch.refusal from None


def _chunk(head: str, found: list[Record], start: int) -> tuple[bytes, int]:
    """The body of one call, and how many vectors it holds."""
    parts: list[bytes] = []
    size = len(head) + 2
    for record in found[start : start + CHUNK]:
        part = record.json().encode()
        if parts and size + len(part) + 1 > MAX_BODY_BYTES:
            break
        parts.append(part)
        size += len(part) + 1
    return head.encode() + b",".join(parts) + b"]}", len(parts)


def _refuse_foreign(found: Sequence[Record], index: indexes.Index, session: Session, scope: Scope) -> None:
    existing = _existing([record.key for record in found], index, session)
    for record in found:
        if record.key in existing and not scope.owns(existing[record.key]):
            raise BridgeError("TenantMismatch", f"{record.name}.key is in use by a tenant that is not the caller's")


def _owned(keys: list[str], index: indexes.Index, session: Session, scope: Scope) -> list[str]:
    existing = _existing(keys, index, session)
    return [key for key in keys if key in existing and scope.owns(existing[key])]


def _existing(keys: list[str], index: indexes.Index, session: Session) -> dict[str, dict[str, Any]]:
    """key → metadata of those that exist."""
    reader = reads.Reader(index, session, data=False, metadata=True, scope=None)
    chunks = [keys[start : start + reads.GET_CHUNK] for start in range(0, len(keys), reads.GET_CHUNK)]
    with contextlib.closing(parallel.ordered(reader.by_keys, chunks, parallel.concurrency)) as pages:
        return {vector["key"]: vector["metadata"] for page in pages for vector in page.vectors if vector}


def _begin(session: Session, done: int) -> None:
    """After the first chunk, begin none that may not end in time: whether it was done would not be known."""
    if done and not session.has_time():
        raise BridgeError("DeadlineExceeded", "the time that the database allows ran out", retryable=True)


def _noted(error: BridgeError, index: indexes.Index, session: Session, done: int) -> BridgeError:
    if error.code in _STALE:
        describe.forget(index)
    # Out of time after some of them is no failure: the database goes on with the rest.
    if not (done and error.code == "DeadlineExceeded"):
        session.failure = error
    return error


def _told(error: BridgeError, session: Session) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": error.message,
        "retryable": error.retryable,
        "request_id": error.request_id,
        "function_request_id": session.request_id or None,
    }
