"""Amazon S3 Vectors: PutVectors, DeleteVectors, ListVectors, each one signed call that nothing tries twice.

Errors and limits: botocore's description of s3vectors; Amazon S3 User Guide, limitations.
"""

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from embedder import connections, signing, transport
from embedder.errors import CallError, Kind
from embedder.providers import bedrock

SERVICE = "s3vectors"
MOST_VECTORS = 500
"""Vectors or keys that one call takes."""
MOST_BYTES = 8_000_000
"""Of a put's body; the service takes 20 MiB, but a lease does not wait for the last of them."""
MOST_LISTED = 1000
CALL_SECONDS = 10.0
_KINDS = {
    "TooManyRequestsException": Kind.THROTTLE,
    "ServiceUnavailableException": Kind.THROTTLE,
    "InternalServerException": Kind.TRANSIENT,
    "RequestTimeoutException": Kind.TRANSIENT,
    "ConflictException": Kind.TRANSIENT,
    "ValidationException": Kind.POISON,
    "ServiceQuotaExceededException": Kind.CONFIGURATION,
    "NotFoundException": Kind.CONFIGURATION,
    "AccessDeniedException": Kind.CONFIGURATION,
    "KmsDisabledException": Kind.CONFIGURATION,
    "KmsInvalidKeyUsageException": Kind.CONFIGURATION,
    "KmsInvalidStateException": Kind.CONFIGURATION,
    "KmsNotFoundException": Kind.CONFIGURATION,
    "ExpiredTokenException": Kind.TRANSIENT,
}
_OLD = re.compile("skew|expired", re.IGNORECASE)
"""In the code or the message of a signature that is too old: of a worker that was stopped on the way."""
_OK, _THROTTLED, _UNAVAILABLE, _TIMEOUT, _SERVER_ERROR, _FORBIDDEN = 200, 429, 503, 408, 500, 403


class LateError(Exception):
    """The call was not begun, because its time was over."""


class Page(NamedTuple):
    """Of ListVectors."""

    keys: list[str]
    next_token: str | None


def url(region: str) -> str:
    """The service's address, without a slash at its end; AWS_ENDPOINT_URL_S3VECTORS and AWS_ENDPOINT_URL go before."""
    for variable in ("AWS_ENDPOINT_URL_S3VECTORS", "AWS_ENDPOINT_URL"):
        if given := os.environ.get(variable):
            return given.rstrip("/")
    fips = "-fips" if os.environ.get("AWS_USE_FIPS_ENDPOINT", "").lower() == "true" else ""
    return f"https://{SERVICE}{fips}.{region}.{transport.suffix(region, 'dualStackDnsSuffix')}"


def put(index_arn: str, records: Sequence[bytes], until: float) -> None:
    """Write vectors by their keys: at most MOST_VECTORS, each as PutVectors takes it, in UTF-8.

    Args:
        index_arn: the index.
        records: the vectors.
        until: the monotonic time after which nothing is sent. The signature is made before it is looked at the time, so a process
            that is stopped in between sends what the service refuses when it is 15 minutes old.

    Raises:
        CallError: poison when some of the vectors are refused.
        LateError: nothing was sent.
    """
    head = f'{{"indexArn":{json.dumps(index_arn)},"vectors":['.encode()
    _call("PutVectors", index_arn, head + b",".join(records) + b"]}", until)


def delete(index_arn: str, keys: Sequence[str], until: float) -> None:
    """Delete at most MOST_VECTORS; keys that have none are passed over. Raises as `put`."""
    _call("DeleteVectors", index_arn, _json({"indexArn": index_arn, "keys": list(keys)}), until)


def listed(index_arn: str, token: str | None, until: float) -> Page:
    """A page of an index's keys, in the service's order. Raises as `put`."""
    asked = {"indexArn": index_arn, "maxResults": MOST_LISTED} | ({"nextToken": token} if token else {})
    answer = _call("ListVectors", index_arn, _json(asked), until)
    try:
        document = json.loads(answer)
        return Page([vector["key"] for vector in document["vectors"]], document.get("nextToken") or None)
    except (ValueError, KeyError, TypeError):
        raise CallError(Kind.TRANSIENT, "BadAnswer", "S3 Vectors answered with something else than vectors") from None


def refusal(status: int, headers: Mapping[str, str], content: bytes) -> CallError:
    """What an answer with another status than 200 means.

    The service's message may quote a key or metadata: it is repeated only where no vector can be meant.
    """
    document = bedrock.parsed(content)
    code = bedrock.said_code(headers, document)
    said = document.get("message") or document.get("Message")
    kind = _KINDS.get(code or "") or _by_status(status)
    if kind is Kind.CONFIGURATION and status == _FORBIDDEN and _OLD.search(f"{code} {said}"):
        kind = Kind.TRANSIENT
    shown = said if kind is Kind.CONFIGURATION and isinstance(said, str) else f"HTTP status {status}"
    return CallError(kind, code or f"Http{status}", f"S3 Vectors: {shown}")


def _by_status(status: int) -> Kind:
    if status in {_THROTTLED, _UNAVAILABLE}:
        return Kind.THROTTLE
    if status == _TIMEOUT or status >= _SERVER_ERROR:
        return Kind.TRANSIENT
    return Kind.CONFIGURATION


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _call(operation: str, index_arn: str, body: bytes, until: float) -> bytes:
    region = index_arn.split(":")[3]
    origin = url(region)
    try:
        signed = signing.request(SERVICE, region, f"{origin}/{operation}", body)
        left = until - time.monotonic()
        if left <= 0:
            raise LateError
        reply = transport.exchange(
            origin, f"/{operation}", signed.body, dict(signed.headers.items()), min(CALL_SECONDS, max(left, 1.0))
        )
    except connections.FAILURES as error:
        name = type(error).__name__
        raise CallError(Kind.TRANSIENT, "Unreachable", f"no answer came from S3 Vectors ({name})") from None
    except signing.UnsignedError:
        raise CallError(Kind.CONFIGURATION, "NoCredentials", "the worker has no credentials to sign with") from None
    if reply.status != _OK:
        raise refusal(reply.status, reply.headers, reply.body)
    return reply.body
