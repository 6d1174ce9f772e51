"""Answers the SQL functions s3vl.* from Amazon S3 Vectors. Entry point: `handler.handle`.

`handle` never raises: what goes wrong is an answer too, in the envelope of protocol.py, so that the database can tell the
service's refusal from a function that is broken or is not this one.
"""

import start  # before everything else

# isort: split
import warming  # goes on beside the imports that follow

# isort: split
import importlib
import time
from collections.abc import Callable
from typing import Any

import indexes
import log
import protocol
import queries
import service
from protocol import BridgeError

Operation = Callable[[dict[str, Any], service.Session], dict[str, Any]]


def availability_check(arguments: dict[str, Any], session: service.Session) -> dict[str, Any]:  # noqa: ARG001 - every operation's shape
    """That the function is there and configured; asks nothing of the service.

    Result: {"operations": [...], "indexes": number of indexes the function may use}.
    """
    return {"operations": sorted(OPERATIONS), "indexes": len(indexes.allowed())}


def _later(module: str, name: str) -> Operation:
    """An operation whose module is imported when it is asked for first: a start waits for what it needs only."""

    def operation(arguments: dict[str, Any], session: service.Session) -> dict[str, Any]:
        result: dict[str, Any] = getattr(importlib.import_module(module), name)(arguments, session)
        return result

    return operation


OPERATIONS: dict[str, Operation] = {
    "availability_check": availability_check,
    "query_vectors": queries.query_vectors,
    "query_vectors_batch": _later("batch", "query_vectors_batch"),
    "search_text": queries.search_text,
    "get_vectors": _later("reads", "get_vectors"),
    "list_vectors": _later("reads", "list_vectors"),
    "list_segments": _later("segments", "list_segments"),
    "describe_index": _later("describe", "describe_index"),
    "list_indexes": _later("describe", "list_indexes"),
    "put_vectors": _later("writes", "put_vectors"),
    "delete_vectors": _later("writes", "delete_vectors"),
}


def handle(event: Any, context: Any) -> dict[str, Any]:
    """Answer one request (protocol.py). `context` is Lambda's; its remaining time bounds the request's own."""
    started = time.monotonic()
    request_id = str(getattr(context, "aws_request_id", "") or "")
    session: service.Session | None = None
    error: BridgeError | None = None
    answer: dict[str, Any]
    try:
        request = protocol.read(event)
        session = service.Session(_remaining_seconds(context, request.timeout_ms), request_id)
        result = _operation(request.operation)(request.arguments, session)
        answer = protocol.answer(request, result, request_id)
        error = session.failure
    except BridgeError as known:
        answer = protocol.refusal(event, error := known, request_id)
    except Exception as unexpected:  # noqa: BLE001 - the last line: only the type, because the text may hold data
        error = BridgeError("UnexpectedError", f"the function failed unexpectedly ({type(unexpected).__name__})")
        answer = protocol.refusal(event, error, request_id)
    log.request(event, answer, error, session, request_id=request_id, seconds=time.monotonic() - started)
    return answer


def _operation(name: str) -> Operation:
    operation = OPERATIONS.get(name)
    if operation is None:
        raise BridgeError("InvalidRequest", f"unknown operation; known are {', '.join(sorted(OPERATIONS))}")
    return operation


def _remaining_seconds(context: Any, timeout_ms: int) -> float:
    """The smaller of what Lambda and the caller still allow."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return (min(timeout_ms, remaining()) if callable(remaining) else timeout_ms) / 1000


warming.wait()
start.over()
