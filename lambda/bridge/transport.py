"""One signed call over a kept HTTPS connection: botocore's signer, urllib3's connections, no client.

A client of the SDK builds, checks, sends and reads every request by its description of the service. Here the body is made
once and what comes back is handed on as it came; what a signature is stays botocore's business.
"""

import functools
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import botocore
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from urllib3.connection import HTTPConnection
from urllib3.response import HTTPResponse

import connections
import endpoints

USER_AGENT = f"vectordb-bridge/2 Botocore/{botocore.__version__}"
_CHUNK = 256 * 1024
_CLOSED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""What a kept connection raises that the server has closed meanwhile."""


class Reply(NamedTuple):
    """What the service answered."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes


class UnreachableError(Exception):
    """No answer came, or not all of one.

    Args:
        what: the kind of failure, without addresses or data: a class's name.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class UnsignedError(Exception):
    """The environment holds no credentials, or they cannot be read."""


class Credentials(NamedTuple):
    """What the signer reads: botocore.credentials.ReadOnlyCredentials, whose module takes long to import."""

    access_key: str
    secret_key: str
    token: str | None


def exchange(
    service: str, region: str, path: str, body: bytes, *, connect_timeout: float, read_timeout: float
) -> Reply:
    """POST `body` to `path` of the service.

    Everything that is asked here may be asked twice: reads change nothing, and writes are by key. So a kept connection
    that the server has closed meanwhile is replaced at once.

    Args:
        service: "s3vectors" or "bedrock-runtime".
        region: the region that is asked, and signed for.
        path: percent-encoded, from its slash on.
        body: JSON.
        connect_timeout: seconds for opening a connection.
        read_timeout: seconds for the whole answer.

    Raises:
        UnreachableError: no whole answer came in time.
        UnsignedError: there is nothing to sign with.
    """
    address = endpoints.url(service, region)
    request = signed(service, region, address + path, body)
    pool = connections.pool(address)
    try:
        connection = pool.kept()
        if connection is not None:
            try:
                return _ask(pool, connection, request, read_timeout)
            except _CLOSED:
                pool.clear()  # what lay longer is no better
        return _ask(pool, pool.open(connect_timeout), request, read_timeout)
    except connections.FAILURES as error:
        raise UnreachableError(type(error).__name__) from error


def signed(service: str, region: str, url: str, body: bytes) -> Any:
    """botocore's AWSPreparedRequest of a POST, with its Authorization (Signature Version 4).

    Raises:
        UnsignedError: there is nothing to sign with.
    """
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    # As every SDK does on Lambda, for tracing and against functions that call themselves.
    if trace := os.environ.get("_X_AMZN_TRACE_ID"):
        headers["X-Amzn-Trace-Id"] = quote(trace, safe="-=;:+&[]{}\"',")
    request = AWSRequest(method="POST", url=url, headers=headers, data=body)
    SigV4Auth(_credentials(), endpoints.SERVICES[service].signing_name, region).add_auth(request)
    return request.prepare()


def _ask(pool: connections.Pool, connection: HTTPConnection, request: Any, seconds: float) -> Reply:
    until = time.monotonic() + seconds
    sock = connection.sock  # the connection forgets it when the server says that it will end it
    try:
        connection.timeout = seconds
        target = urlsplit(request.url)
        connection.request("POST", target.path, request.body, dict(request.headers.items()), preload_content=False)
        response = connection.getresponse()
        content = b"".join(_parts(response, sock, until))
    except BaseException:
        connection.close()
        raise
    pool.keep(connection)
    return Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, content)


def _parts(response: HTTPResponse, sock: Any, until: float) -> Iterator[bytes]:
    """The answer as it comes: the socket's own time is for each step, so each gets only what is left of the whole."""
    while part := response.read1(_CHUNK):
        yield part
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if sock.fileno() != -1:  # closed behind an answer's end when the server said that it would
            sock.settimeout(left)


def _credentials() -> Any:
    """Lambda's variables; with SnapStart there are none after a restore, but a local address that has them."""
    environment = os.environ
    if environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY"):
        return Credentials(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN") or None,
        )
    try:
        return _container().get_frozen_credentials()
    except Exception as error:
        raise UnsignedError from error


@functools.cache
def _container() -> Any:
    """Credentials that botocore fetches, keeps and renews; found once, at the first use."""
    from botocore.credentials import ContainerProvider

    found = ContainerProvider().load()
    if found is None:
        raise UnsignedError
    return found
