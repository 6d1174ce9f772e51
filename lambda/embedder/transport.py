"""One POST of JSON over a kept connection, signed for Bedrock and plain for an endpoint in the VPC. Nothing is tried twice.

A client of the SDK would retry by itself: behind the limiter's back, and past the lease.
"""

import errno
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
from urllib3.response import BaseHTTPResponse

from embedder import connections, deadlines, signing
from embedder.errors import CallError, Kind, SettingsError
from embedder.providers import bedrock
from embedder.providers.provider import Answer, Provider, Purpose

CONNECT_SECONDS = 3.0
CALL_SECONDS = 30.0
"""For the whole answer. Models take 0.1 to 1 s; what takes this long will not come."""
LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes; 96 vectors of 1,536 numbers are 3 MB."""
QUOTED = 16
"""Characters in a row that are no coincidence."""
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
        except SettingsError as error:
            raise CallError(Kind.CONFIGURATION, "Settings", str(error)) from None
        if reply.status != _OK:
            raise _without_content(provider.refusal(reply.status, reply.headers, reply.body), texts)
        return provider.answer(reply.body, len(texts))

    return ask


def _without_content(error: CallError, texts: Sequence[str]) -> CallError:
    """What a service says of a configuration is repeated, but not where it quotes a text that it was sent."""
    if error.kind is not Kind.CONFIGURATION:
        return error  # and has no words of the service
    said = str(error)
    parts = {said[place : place + QUOTED] for place in range(max(1, len(said) - QUOTED + 1))}
    if any(
        text in said if len(text) < QUOTED else any(part in text for part in parts) for text in texts if text.strip()
    ):
        return CallError(error.kind, error.code, "the reason that the service gives quotes the text", error.delay)
    return error


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
    # It reads secrets by `exchange` of this module, and few workers need it.
    from embedder import bearer

    return bearer.asked(path, body, seconds)


def exchange(
    origin: str,
    target: str,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
    method: str = "POST",
    roots: str = "",
) -> Reply:
    """One request to an origin, over a connection that was kept where there is one; `roots` as connections.pool takes them.

    Raises connections.FAILURES.
    """
    until = time.monotonic() + seconds
    pool = connections.pool(origin, roots)
    connection = pool.kept()
    if connection is not None:
        try:
            return _asked(pool, connection, method, target, body, headers, until)
        except _CLOSED:
            pool.clear()  # what lay longer is no better
    return _asked(pool, pool.open(min(CONNECT_SECONDS, seconds)), method, target, body, headers, until)


def _asked(
    pool: connections.Pool,
    connection: HTTPConnection,
    method: str,
    target: str,
    body: bytes,
    headers: Mapping[str, str],
    until: float,
) -> Reply:
    response: BaseHTTPResponse | None = None
    try:
        connection.timeout = max(until - time.monotonic(), 0.001)
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        connection.request(method, target, body, headers, preload_content=False)
        response = deadlines.answered(connection, until)
        content = b"".join(_parts(response))
    except BaseException:
        if response is not None:
            response.close()  # it holds the socket as well
        connection.close()
        raise
    pool.keep(connection)
    return Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, content)


def _parts(response: BaseHTTPResponse) -> Iterator[bytes]:
    size = 0
    while part := response.read(_CHUNK):
        size += len(part)
        if size > LARGEST_ANSWER:
            raise OSError(errno.EMSGSIZE, "the answer is too large")
        yield part
