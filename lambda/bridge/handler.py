"""Answers the SQL functions s3vl.* from Amazon S3 Vectors. Entry point: `handler.handle`.

`handle` never raises: what goes wrong is an answer too, in the envelope of protocol.py, so that the database can tell the
service's refusal from a function that is broken or is not this one.
"""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import indexes
import log
import protocol
import service
import vectors
from protocol import BridgeError

Operation = Callable[[dict[str, Any], service.Session], dict[str, Any]]


def availability_check(arguments: dict[str, Any], session: service.Session) -> dict[str, Any]:  # noqa: ARG001 - every operation's shape
    """That the function is there and configured; asks nothing of the service.

    Result: {"operations": [...], "indexes": number of indexes the function may use}.
    """
    return {"operations": sorted(OPERATIONS), "indexes": len(indexes.allowed())}


OPERATIONS: dict[str, Operation] = {
    "availability_check": availability_check,
    "query_vectors": vectors.query_vectors,
    "get_vectors": vectors.get_vectors,
    "list_vectors": vectors.list_vectors,
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
        session = service.Session(_remaining_seconds(context, request.timeout_ms))
        result = _operation(request.operation)(request.arguments, session)
        answer = protocol.answer(request, result, request_id)
    except BridgeError as known:
        error = known
    except Exception as unexpected:  # noqa: BLE001 - the last line: only the type, because the text may hold data
        error = BridgeError("UnexpectedError", f"the function failed unexpectedly ({type(unexpected).__name__})")
    if error is not None:
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


# Before the first request, where Lambda gives a whole processor: clients for the regions that will be asked. A variable
# that cannot be read is told to each caller instead.
with contextlib.suppress(BridgeError):
    for _region in sorted({_index.region for _index in indexes.allowed().values()}):
        service.client(_region)
