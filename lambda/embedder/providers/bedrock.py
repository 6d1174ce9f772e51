"""What all of Amazon Bedrock's models share: the path of InvokeModel, and the meaning of its errors.

Errors and statuses: botocore's description of bedrock-runtime, InvokeModel.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from embedder.errors import CallError, Kind

SERVICE = "bedrock-runtime"
LARGEST_CALL = 4_000_000
"""Bytes of text in a call: even if each became six by JSON's escapes, the body has less than the 25,000,000 that it may."""
_KINDS = {
    "ThrottlingException": Kind.THROTTLE,
    "ServiceQuotaExceededException": Kind.THROTTLE,
    "ServiceUnavailableException": Kind.THROTTLE,
    "ModelNotReadyException": Kind.TRANSIENT,
    "ModelTimeoutException": Kind.TRANSIENT,
    "InternalServerException": Kind.TRANSIENT,
    "ModelErrorException": Kind.TRANSIENT,
    "ValidationException": Kind.POISON,
    "AccessDeniedException": Kind.CONFIGURATION,
    "ResourceNotFoundException": Kind.CONFIGURATION,
    # Of the service's entrance, before any operation: signatures, clocks, credentials.
    "UnrecognizedClientException": Kind.CONFIGURATION,
    "InvalidSignatureException": Kind.CONFIGURATION,
    "MissingAuthenticationTokenException": Kind.CONFIGURATION,
    "IncompleteSignatureException": Kind.CONFIGURATION,
    "InvalidClientTokenId": Kind.CONFIGURATION,
    "SignatureDoesNotMatch": Kind.CONFIGURATION,
    "ExpiredTokenException": Kind.TRANSIENT,
}
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,99}")
_SETTINGS = re.compile(
    r"model identifier|on-demand throughput|inference profile|end of its life|not supported|extraneous key",
    re.IGNORECASE,
)
"""What ValidationException says when no text at all would be taken: a model that is none, or none here."""
_THROTTLED, _TIMEOUT, _SERVER_ERROR, _FORBIDDEN, _NOT_FOUND = 429, 408, 500, 403, 404
_UNAVAILABLE = 503


def path(model: str) -> str:
    """Of InvokeModel; the model's id or ARN stands in it percent-encoded."""
    return f"/model/{quote(model, safe='')}/invoke"


def body(document: dict[str, Any]) -> bytes:
    """A request's JSON, without spaces, and with characters as they are."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def refusal(status: int, headers: Mapping[str, str], content: bytes) -> CallError:
    """What an answer with another status than 200 means.

    The service's message is read, never repeated: it may quote the text that it refuses. Only where no text can be meant, because the
    caller or the model is, does it go on.
    """
    document = parsed(content)
    code = said_code(headers, document)
    message = document.get("message") or document.get("Message")
    said = message if isinstance(message, str) else ""
    kind = _KINDS.get(code or "") or _by_status(status)
    if kind is Kind.POISON and _SETTINGS.search(said):
        return CallError(
            Kind.CONFIGURATION, str(code), "Bedrock refuses every call of this model: is its id right here?"
        )
    shown = said if kind is Kind.CONFIGURATION and said else f"Bedrock answered with HTTP status {status}"
    return CallError(kind, code or f"Http{status}", shown, _delay(headers))


def _by_status(status: int) -> Kind:
    if status in {_THROTTLED, _UNAVAILABLE}:
        return Kind.THROTTLE
    if status in {_FORBIDDEN, _NOT_FOUND}:
        return Kind.CONFIGURATION
    # A 4xx that nothing is known of is not held against the text.
    return Kind.TRANSIENT


def _delay(headers: Mapping[str, str]) -> float | None:
    given = headers.get("retry-after", "")
    return min(float(given), 300.0) if given.isdecimal() else None


def parsed(content: bytes) -> dict[str, Any]:
    """A refusal's JSON object, or an empty one."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def said_code(headers: Mapping[str, str], document: dict[str, Any]) -> str | None:
    """A refusal's code: from the header, else from the body; either may have a namespace before `#` and a link after `:`."""
    for given in (headers.get("x-amzn-errortype"), document.get("__type"), document.get("code")):
        if isinstance(given, str):
            code = given.partition(":")[0].rpartition("#")[2].strip()
            if _CODE.fullmatch(code):
                return code
    return None
