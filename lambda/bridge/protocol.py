"""What the SQL functions and this function say to each other: version 2.

Request:  {"v": 2, "operation": text, "nonce": text, "timeout_ms": integer, "arguments": object}
Answer:   {"v": 2, "operation": text, "nonce": text, "request_id": text, "ok": true, "result": object}
Refusal:  {"v": 2, "operation": text, "nonce": text, "request_id": text, "ok": false,
           "error": {"code": text, "message": text, "retryable": boolean, "request_id": text or null}}

The caller checks version, operation and nonce of what comes back: an answer that does not repeat them is not this
function's, and must never be taken for an empty result. `request_id` beside `ok` is the invocation's; the one in `error`
is the service's. `timeout_ms` is how long the caller will wait.

Every operation's arguments and result stand at its function (handler.OPERATIONS). All arguments are always there, null
where there is nothing to say; one that is not known is refused. Two things have one form throughout:

- A vector that the caller sends is base64, without line breaks, of its 32-bit floats, big-endian: what pgvector's
  vector_send gives, without its first four bytes. A vector that the function answers with is text, its numbers as the
  service wrote them with commas between: "0.1,-2.5e-05". No digit is lost, and neither side formats or parses numbers
  one by one.
- `scope` is null or {"key": metadata key, "values": [scalars]}: what the caller's tenants may see and write. A vector is in
  scope when its metadata at the key equals one of the values, or is a list that holds one.
"""

from typing import Any, NamedTuple

VERSION = 2
MAX_NONCE_LENGTH = 64
MAX_MESSAGE_LENGTH = 500
MAX_TIMEOUT_MS = 900_000  # Lambda's own limit
MAX_ANSWER_BYTES = 5_500_000
"""Of a result: Lambda allows 6,291,556 bytes for a synchronous answer; the envelope and escapes have the rest."""
_KEYS = frozenset({"v", "operation", "nonce", "timeout_ms", "arguments"})


class BridgeError(Exception):
    """A refusal that the caller reads.

    Args:
        code: the error code of S3 Vectors or Bedrock, or one of this function's own: InvalidRequest,
            UnsupportedProtocol, IndexNotAllowed, ModelNotAllowed, TenantMismatch, BridgeMisconfigured,
            DeadlineExceeded, ResponseTooLarge, ServiceUnreachable, ServiceCallFailed, ServiceContradiction,
            UnexpectedError. The SQL side maps each to an SQLSTATE.
        message: one sentence for the caller, without vectors.
        retryable: whether the same request may succeed later.
        request_id: the service's request id, when the service answered.
    """

    def __init__(self, code: str, message: str, *, retryable: bool = False, request_id: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retryable = retryable
        self.request_id = request_id


class Request(NamedTuple):
    """A request whose envelope is valid; its arguments are still to be checked."""

    operation: str
    nonce: str
    timeout_ms: int
    arguments: dict[str, Any]


def read(event: Any) -> Request:
    """Check the envelope. Raises BridgeError InvalidRequest or UnsupportedProtocol."""
    if not isinstance(event, dict):
        raise BridgeError("InvalidRequest", f"the event must be an object, not {type(event).__name__}")
    version = event.get("v")
    if type(version) is not int or version != VERSION:
        raise BridgeError(
            "UnsupportedProtocol", f"this function speaks protocol {VERSION} only; deploy it and the SQL files together"
        )
    if unknown := len(event.keys() - _KEYS):
        raise BridgeError(
            "InvalidRequest", f"the event has {unknown} unknown key(s); known are {', '.join(sorted(_KEYS))}"
        )
    operation, nonce = event.get("operation"), event.get("nonce")
    timeout_ms, arguments = event.get("timeout_ms"), event.get("arguments")
    if not isinstance(operation, str):
        raise BridgeError("InvalidRequest", "operation must be a string")
    if echoed(nonce) is None:
        raise BridgeError("InvalidRequest", f"nonce must be a string of 1 to {MAX_NONCE_LENGTH} characters")
    if type(timeout_ms) is not int or not 1 <= timeout_ms <= MAX_TIMEOUT_MS:
        raise BridgeError("InvalidRequest", f"timeout_ms must be an integer from 1 to {MAX_TIMEOUT_MS}")
    if not isinstance(arguments, dict):
        raise BridgeError("InvalidRequest", "arguments must be an object")
    return Request(operation=operation, nonce=str(nonce), timeout_ms=timeout_ms, arguments=arguments)


def echoed(value: Any) -> str | None:
    """What may be repeated of an unchecked operation or nonce: a short string, or nothing."""
    return value if isinstance(value, str) and 0 < len(value) <= MAX_NONCE_LENGTH and value.isprintable() else None


def answer(request: Request, result: dict[str, Any], request_id: str) -> dict[str, Any]:
    """The envelope of a success."""
    return {
        "v": VERSION,
        "operation": request.operation,
        "nonce": request.nonce,
        "request_id": request_id,
        "ok": True,
        "result": result,
    }


def refusal(event: Any, error: BridgeError, request_id: str) -> dict[str, Any]:
    """The envelope of a failure, for any event at all."""
    given = event if isinstance(event, dict) else {}
    return {
        "v": VERSION,
        "operation": echoed(given.get("operation")),
        "nonce": echoed(given.get("nonce")),
        "request_id": request_id,
        "ok": False,
        "error": {
            "code": error.code,
            "message": error.message[:MAX_MESSAGE_LENGTH],
            "retryable": error.retryable,
            "request_id": error.request_id,
        },
    }
