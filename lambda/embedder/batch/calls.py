"""Signed calls of Amazon S3 and of Bedrock's control plane, each made once. No answer is repeated in an error: S3's hold content."""

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from embedder import connections, signing, transport
from embedder.errors import CallError, Kind
from embedder.providers import bedrock

CALL_SECONDS = 20.0
_OK, _THROTTLED, _TIMEOUT, _SERVER_ERROR, _SLOW_DOWN = 200, 429, 408, 500, 503
_BAD = 400
_CODE = re.compile(rb"<Code>([A-Za-z]{1,60})</Code>")
_THROTTLES = frozenset({"ThrottlingException", "ServiceQuotaExceededException", "SlowDown", "ServiceUnavailable"})
_TRANSIENT = frozenset({"InternalServerException", "InternalError", "ConflictException", "ExpiredToken"})


def origin(service: str, region: str, bucket: str = "") -> str:
    """A service's address without a slash at its end; of S3 a bucket's. AWS_ENDPOINT_URL_<SERVICE> and AWS_ENDPOINT_URL go before."""
    for variable in (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL"):
        if given := os.environ.get(variable):
            return given.rstrip("/") + (f"/{bucket}" if bucket else "")
    fips = "-fips" if os.environ.get("AWS_USE_FIPS_ENDPOINT", "").lower() == "true" else ""
    host = f"{service}{fips}.{region}.{transport.suffix(region)}"
    return f"https://{bucket}.{host}" if bucket else f"https://{host}"


def call(
    service: str, region: str, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> transport.Reply:
    """An answer with a status below 400.

    Raises:
        CallError: throttle or transient, later; else configuration, with the service's code.
    """
    try:
        signed = signing.request(service, region, url, body, headers, method)
        parts = urlsplit(signed.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        reply = transport.exchange(
            f"{parts.scheme}://{parts.netloc}", target, body, dict(signed.headers.items()), CALL_SECONDS, method
        )
    except connections.FAILURES as error:
        raise CallError(
            Kind.TRANSIENT, "Unreachable", f"no answer came from {service} ({type(error).__name__})"
        ) from None
    except signing.UnsignedError:
        raise CallError(Kind.CONFIGURATION, "NoCredentials", "the worker has no credentials to sign with") from None
    if reply.status >= _BAD:
        raise refusal(service, reply)
    return reply


def refusal(service: str, reply: transport.Reply) -> CallError:
    """What an answer with another status means. Bedrock's control plane never sees content, so its words go on; S3's do not."""
    said = ""
    if service == "s3":
        found = _CODE.search(reply.body)
        code = found[1].decode() if found else ""
    else:
        document = bedrock.parsed(reply.body)
        code = bedrock.said_code(reply.headers, document) or ""
        said = str(document.get("message") or document.get("Message") or "")
    if code in _THROTTLES or reply.status in {_THROTTLED, _SLOW_DOWN}:
        kind = Kind.THROTTLE
    elif code in _TRANSIENT or reply.status == _TIMEOUT or reply.status >= _SERVER_ERROR:
        kind = Kind.TRANSIENT
    else:
        kind = Kind.CONFIGURATION
    return CallError(kind, code or f"Http{reply.status}", said or f"{service} answered with HTTP status {reply.status}")
