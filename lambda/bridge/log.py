"""One line of JSON a request on standard output: what was done and what it cost, never vectors, metadata, keys or tokens.

Lambda keeps a line that is JSON as it is, and with log_format JSON filters by its `level` and `timestamp`.
"""

import json
import sys
from datetime import UTC, datetime
from typing import Any

import indexes
import metrics
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
    line = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": "INFO" if error is None else "ERROR" if error.code == "UnexpectedError" else "WARN",
        "message": "answered" if error is None else "cut short" if answer["ok"] else "refused",
        "request_id": request_id,
        "operation": echoed(given.get("operation")),
        "index": index.name if index else None,
        "vectors": _count(answer.get("result", {})),
        "milliseconds": round(seconds * 1000, 1),
        "service_calls": session.calls if session else 0,
        "service_milliseconds": round(session.seconds * 1000, 1) if session else 0,
        "pages": session.pages if session else 0,
        "retries": session.retries if session else 0,
        "cache_hits": session.cache_hits if session else 0,
        "error_code": error.code if error else None,
        "service_request_id": error.request_id if error else None,
        **metrics.members(session, failed=error is not None),
    }
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def _count(result: dict[str, Any]) -> int | None:
    """How many vectors were answered with, written or deleted."""
    for name in ("vectors", "indexes"):
        if isinstance(result.get(name), list):
            return len(result[name])
    if isinstance(result.get("results"), list):
        return sum(len(found) for found in result["results"])
    return next((result[name] for name in ("written", "deleted") if isinstance(result.get(name), int)), None)
