"""What a service says when it refuses: AWS's errors in JSON over HTTP (the protocol rest-json), as BridgeErrors."""

import json
import re
from typing import Any

from protocol import BridgeError
from transport import Reply

OK = 200
VECTORS, MODELS = "Amazon S3 Vectors", "Amazon Bedrock"
THROTTLED = frozenset({"TooManyRequestsException", "ThrottlingException", "ModelNotReadyException"})
_TOO_MANY_REQUESTS, _REQUEST_TIMEOUT, _SERVER_ERROR = 429, 408, 500
_RETRYABLE = THROTTLED | {
    "RequestTimeoutException",
    "InternalServerException",
    "ServiceUnavailableException",
    "ModelTimeoutException",
}
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,99}")
_PATH = re.compile(r"[A-Za-z0-9_./\[\]$-]{1,100}")
_MOST_FIELDS = 5


def of(reply: Reply, service: str) -> BridgeError:
    """The refusal that an answer with another status than 200 is.

    Its code is the service's own. A page of something that is not the service (a proxy, a wrong endpoint) has none: that
    is a ServiceCallFailed with the status. The message is the service's, ARNs and all: who may read those, SQL decides.
    """
    document = _document(reply.body)
    request_id = reply.headers.get("x-amzn-requestid") or reply.headers.get("x-amz-request-id")
    by_status = reply.status in {_TOO_MANY_REQUESTS, _REQUEST_TIMEOUT} or reply.status >= _SERVER_ERROR
    code = _code(reply, document)
    if code is None:
        return BridgeError(
            "ServiceCallFailed",
            f"{service} answered with HTTP status {reply.status} and no error of its own",
            retryable=by_status,
            request_id=request_id,
        )
    # Codes of the two services are alike; where nothing is said, it was the index's.
    message = _message(document) if service == VECTORS else f"{service}: {_message(document)}"
    return BridgeError(code, message, retryable=by_status or code in _RETRYABLE, request_id=request_id)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _code(reply: Reply, document: dict[str, Any]) -> str | None:
    """From the header, else from the body; either may have a namespace before `#` and a link after `:`."""
    for given in (reply.headers.get("x-amzn-errortype"), document.get("__type"), document.get("code")):
        if isinstance(given, str):
            code = given.partition(":")[0].rpartition("#")[2].strip()
            if _CODE.fullmatch(code):
                return code
    return None


def _message(document: dict[str, Any]) -> str:
    given = document.get("message") or document.get("Message") or document.get("errorMessage")
    # Half a surrogate pair, which JSON can spell, is no UTF-8: Lambda's runtime could not send it.
    message = given.encode(errors="replace").decode() if isinstance(given, str) else "the service gave no reason"
    fields = document.get("fieldList")
    paths = [
        path
        for field in (fields if isinstance(fields, list) else [])
        if isinstance(field, dict) and isinstance(path := field.get("path"), str) and _PATH.fullmatch(path)
    ]
    if paths:
        message += f" (at {', '.join(dict.fromkeys(paths[:_MOST_FIELDS]))})"
    return message
