"""One POST of JSON over a kept connection, signed for Bedrock and plain for an endpoint in the VPC. Nothing is tried twice.

A client of the SDK would retry by itself: behind the limiter's back, and past the lease.
"""

import functools
import json
import os
import pkgutil
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection
from urllib3.response import HTTPResponse

from embedder import connections, signing
from embedder.errors import CallError, Kind
from embedder.providers import bedrock
from embedder.providers.provider import Answer, Provider, Purpose

CONNECT_SECONDS = 3.0
CALL_SECONDS = 30.0
"""For the whole answer. Models take 0.1 to 1 s; what takes this long will not come."""
LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes; 96 vectors of 1,536 numbers are 3 MB."""
_CHUNK = 256 * 1024
_OK = 200
_CLOSED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""What a kept connection raises that the server has closed meanwhile."""

Ask = Callable[[Provider, Sequence[str], Purpose], Answer]


class Reply(NamedTuple):
    """What was answered; headers by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def asking(region: str, seconds: float = CALL_SECONDS) -> Ask:
    """A function that asks a provider's model: (provider, texts, purpose) → Answer, or CallError. For any thread."""

    def ask(provider: Provider, texts: Sequence[str], purpose: Purpose) -> Answer:
        made = provider.request(texts, purpose)
        try:
            reply = _sent(provider, provider.region or region, made.path, made.body, seconds)
        except connections.FAILURES as error:
            name = type(error).__name__
            raise CallError(Kind.TRANSIENT, "Unreachable", f"no answer came from the model ({name})") from None
        except signing.UnsignedError:
            raise CallError(Kind.CONFIGURATION, "NoCredentials", "the worker has no credentials to sign with") from None
        if reply.status != _OK:
            raise provider.refusal(reply.status, reply.headers, reply.body)
        return provider.answer(reply.body, len(texts))

    return ask


def bedrock_url(region: str) -> str:
    """Of Bedrock's runtime, without a slash at its end; AWS_ENDPOINT_URL_BEDROCK_RUNTIME and AWS_ENDPOINT_URL go before."""
    for variable in ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL"):
        if given := os.environ.get(variable):
            return given.rstrip("/")
    fips = "-fips" if os.environ.get("AWS_USE_FIPS_ENDPOINT", "").lower() == "true" else ""
    return f"https://bedrock-runtime{fips}.{region}.{suffix(region)}"


@functools.cache
def suffix(region: str, output: str = "dnsSuffix") -> str:
    """The end of names in the region's partition, by botocore's data: the first that lists the region or whose pattern fits, else `aws`."""
    partitions: list[dict[str, Any]] = json.loads(pkgutil.get_data("botocore", "data/partitions.json") or b"")[
        "partitions"
    ]
    for partition in partitions:
        if region in partition["regions"] or re.match(partition["regionRegex"], region):
            return str(partition["outputs"][output])
    return str(partitions[0]["outputs"][output])


def _sent(provider: Provider, region: str, path: str, body: bytes, seconds: float) -> Reply:
    if provider.service == bedrock.SERVICE:
        origin = bedrock_url(region)
        signed = signing.request("bedrock", region, origin + path, body)
        return exchange(origin, urlsplit(signed.url).path, signed.body, dict(signed.headers.items()), seconds)
    parts = urlsplit(path)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Content-Type": "application/json", "User-Agent": signing.USER_AGENT}
    return exchange(f"{parts.scheme}://{parts.netloc}", target, body, headers, seconds)


def exchange(origin: str, target: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Reply:
    """One POST to an origin, over a connection that was kept where there is one. Raises connections.FAILURES."""
    pool = connections.pool(origin)
    connection = pool.kept()
    if connection is not None:
        try:
            return _asked(pool, connection, target, body, headers, seconds)
        except _CLOSED:
            pool.clear()  # what lay longer is no better
    return _asked(pool, pool.open(CONNECT_SECONDS), target, body, headers, seconds)


def _asked(
    pool: connections.Pool,
    connection: HTTPConnection,
    target: str,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
) -> Reply:
    until = time.monotonic() + seconds
    try:
        connection.timeout = seconds
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        connection.request("POST", target, body, headers, preload_content=False)
        response = connection.getresponse()
        content = b"".join(_parts(response, until))
    except BaseException:
        connection.close()
        raise
    pool.keep(connection)
    return Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, content)


def _parts(response: HTTPResponse, until: float) -> Iterator[bytes]:
    size = 0
    while part := response.read(_CHUNK):
        size += len(part)
        # The socket's own time is for each step.
        if time.monotonic() > until or size > LARGEST_ANSWER:
            raise TimeoutError
        yield part
