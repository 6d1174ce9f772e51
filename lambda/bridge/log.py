"""One line of JSON a request on standard output: what was done and what it cost, never vectors, metadata, keys or tokens."""

import json
import sys
from typing import Any

import indexes
import service
from protocol import BridgeError, echoed


def request(
    event: Any,
    answer: dict[str, Any],
    error: BridgeError | None,
    session: service.Session | None,
    *,
    request_id: str,
    seconds: float,
) -> None:
    """Write the line. Reads of the event only what identifies the work: the operation and the index's name."""
    given = event if isinstance(event, dict) else {}
    arguments = given.get("arguments")
    arn = arguments.get("index_arn") if isinstance(arguments, dict) else None
    index = indexes.parse(arn) if isinstance(arn, str) else None
    result = answer.get("result", {})
    line = {
        "level": "INFO" if error is None else "ERROR" if error.code == "UnexpectedError" else "WARN",
        "message": "answered" if error is None else "refused",
        "request_id": request_id,
        "operation": echoed(given.get("operation")),
        "index": index.name if index else None,
        "vectors": len(result["vectors"]) if "vectors" in result else None,
        "milliseconds": round(seconds * 1000, 1),
        "service_calls": session.calls if session else 0,
        "service_milliseconds": round(session.seconds * 1000, 1) if session else 0,
        "error_code": error.code if error else None,
        "service_request_id": error.request_id if error else None,
    }
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()
