"""One invocation of the spool transport: check what SQL asked for, send it to the Lambda service, judge the reply.

The same rules and words as the C transport's (transport/*.c), where their sources stand; one test suite holds both to them.
"""

import base64
import contextlib
import http.client
import json
import re
import socket
import threading
import urllib.parse
from dataclasses import dataclass
from typing import NoReturn

ANONYMOUS = "local"
"""The access key id of a database that nobody gave one."""
LARGEST_REQUEST = 6_291_456
LARGEST_EVENT = 1_048_576
LARGEST_RESPONSE = 6_291_556
_LONGEST_CLIENT_CONTEXT = 3583
_LONGEST_MESSAGE = 1000
_REFUSED = 300
_WITHOUT_BODY = frozenset({204, 304})

INVALID_PARAMETER = "22023"
NULL_NOT_ALLOWED = "22004"
CONNECTION_FAILURE = "08006"
SERVICE_REFUSED = "39000"
FUNCTION_FAILED = "38000"

CANNOT_CONNECT = "Unable to connect to endpoint"
WEIRD_REPLY = "curlCode: 8, Weird server reply"
PARTIAL = "curlCode: 18, Transferred a partial file"
TIMEOUT = "curlCode: 28, Timeout was reached"
NOTHING = "curlCode: 52, Server returned nothing (no headers, no data)"
NOT_TEXT = "Response is not valid UTF-8"
TOO_LARGE = "curlCode: 63, Maximum file size exceeded"

_NAME = re.compile(
    r"(?:(?:arn:[a-zA-Z0-9-]+:lambda:(?P<arn_region>[a-zA-Z0-9-]+):|(?P<region>[a-zA-Z0-9-]+):)?[a-zA-Z0-9_$.-]+:function:)?"
    r"[a-zA-Z0-9_$.-]+(?::(?P<qualifier>[a-zA-Z0-9_$.-]+))?"
)
_LONGEST_NAME = 170


class InvocationError(Exception):
    """What SQL is to raise."""

    def __init__(self, sqlstate: str, message: str, detail: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail


@dataclass(frozen=True)
class Invocation:
    """The arguments of `aws_lambda._invoke` and the timeouts in force, in milliseconds."""

    function_name: str | None
    payload: str | None
    region: str | None
    invocation_type: str | None
    log_type: str | None
    context: str | None
    qualifier: str | None
    connect_timeout_ms: int
    request_timeout_ms: int

    @property
    def kind(self) -> str:
        """The invocation type, the default when none was given."""
        return "RequestResponse" if self.invocation_type is None else self.invocation_type


@dataclass(frozen=True)
class Reply:
    """A success: the payload is None for an Event and a DryRun."""

    status: int
    payload: bytes | None
    executed_version: str | None
    log_result: str | None


def _fail_client(said: str) -> NoReturn:
    raise InvocationError(CONNECTION_FAILURE, "invoke API failed", f"AWS Lambda client returned '{said}'.")


def _refuse(what: str, given: str) -> NoReturn:
    raise InvocationError(INVALID_PARAMETER, f'invalid {what}: "{given}"')


def _agree(what: str, given: str | None, of_name: str | None, name: str) -> str | None:
    if given is not None and of_name is not None and given != of_name:
        raise InvocationError(INVALID_PARAMETER, f'{what} "{given}" conflicts with "{name}"')
    return given if given is not None else of_name


def _signing_region(invocation: Invocation, name: str, default_region: str) -> str:
    """Check the name, the region and the qualifier against each other; the region to sign for."""
    region, qualifier = invocation.region, invocation.qualifier
    if region is not None and not re.fullmatch(r"[a-zA-Z0-9-]+", region):
        _refuse("region", region)
    if qualifier is not None and not re.fullmatch(r"[a-zA-Z0-9_$-]{1,128}", qualifier):
        _refuse("qualifier", qualifier)
    parsed = _NAME.fullmatch(name)
    if parsed is None or len(name) > _LONGEST_NAME:
        _refuse("function name", name)
    signed = _agree("region", region, parsed["arn_region"] or parsed["region"], name)
    _agree("qualifier", qualifier, parsed["qualifier"], name)
    return default_region if signed is None else signed


def _check_size(body: bytes, kind: str) -> None:
    largest = LARGEST_EVENT if kind == "Event" else LARGEST_REQUEST
    if len(body) > largest:
        said = f"Request must be smaller than {largest} bytes for the InvokeFunction operation"
        raise InvocationError(SERVICE_REFUSED, "invoke API failed", f"AWS Lambda client returned '{said}'.")


def request(
    invocation: Invocation, default_region: str, access_key: str = ANONYMOUS
) -> tuple[str, bytes, dict[str, str]]:
    """The path, body and headers of the Invoke request.

    `access_key` is the access key id that tells the service which database calls; nothing is signed.

    Raises:
        InvocationError: an argument is not allowed.
    """
    name = invocation.function_name
    if name is None:
        raise InvocationError(NULL_NOT_ALLOWED, "function_name must not be null")
    kind = invocation.kind
    log_type = "None" if invocation.log_type is None else invocation.log_type
    if kind not in {"RequestResponse", "Event", "DryRun"}:
        _refuse("invocation_type", kind)
    if log_type not in {"None", "Tail"}:
        _refuse("log_type", log_type)
    region = _signing_region(invocation, name, default_region)
    body = ("null" if invocation.payload is None else invocation.payload).encode()
    _check_size(body, kind)
    path = f"/2015-03-31/functions/{urllib.parse.quote(name, safe='')}/invocations"
    if invocation.qualifier is not None:
        path += f"?Qualifier={urllib.parse.quote(invocation.qualifier, safe='')}"
    scope = f"{access_key}/20260101/{region}/lambda/aws4_request"
    headers = {
        "Host": f"lambda.{region}.amazonaws.com",
        "Content-Type": "application/json",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "X-Amz-Invocation-Type": kind,
        "X-Amz-Log-Type": log_type,
        "Content-Length": str(len(body)),
    }
    if invocation.context is not None:
        headers["X-Amz-Client-Context"] = _client_context(invocation.context)
    return path, body, headers


def _client_context(context: str) -> str:
    encoded = base64.b64encode(context.encode()).decode()
    if len(encoded) > _LONGEST_CLIENT_CONTEXT:
        said = f"context is too long: {len(encoded)} bytes in base64, at most {_LONGEST_CLIENT_CONTEXT}"
        raise InvocationError(INVALID_PARAMETER, said)
    return encoded


def invoke(invocation: Invocation, address: tuple[str, int], default_region: str, access_key: str = ANONYMOUS) -> Reply:
    """Send one invocation over a connection of its own.

    Raises:
        InvocationError: whatever keeps it from a whole, successful reply.
    """
    path, body, headers = request(invocation, default_region, access_key)
    connection = http.client.HTTPConnection(*address, timeout=invocation.connect_timeout_ms / 1000)
    try:
        connection.connect()
    except OSError:
        _fail_client(CANNOT_CONNECT)
    connection.sock.settimeout(None)
    expired = threading.Event()
    # A timeout of the socket's would start again with every byte; this one is for the whole request.
    timer = threading.Timer(invocation.request_timeout_ms / 1000, _expire, (connection.sock, expired))
    timer.daemon = True
    timer.start()
    try:
        response, content = _exchange(connection, path, body, headers)
    except InvocationError:
        if expired.is_set():
            _fail_client(TIMEOUT)
        raise
    finally:
        timer.cancel()
        connection.close()
    return _judge(invocation, response, content)


def _expire(connected: socket.socket, expired: threading.Event) -> None:
    expired.set()
    with contextlib.suppress(OSError):  # it ended in this very moment
        connected.shutdown(socket.SHUT_RDWR)


def _exchange(
    connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]
) -> tuple[http.client.HTTPResponse, bytes]:
    try:
        connection.putrequest("POST", path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        with contextlib.suppress(OSError):  # a server may answer, and close, before it has read all: its answer counts
            connection.endheaders(body)
        response = connection.getresponse()
        return response, _content(response)
    except http.client.RemoteDisconnected:
        _fail_client(NOTHING)
    except http.client.IncompleteRead:
        _fail_client(PARTIAL)
    except (http.client.HTTPException, ValueError):
        _fail_client(WEIRD_REPLY)
    except OSError:
        _fail_client(NOTHING)


def _content(response: http.client.HTTPResponse) -> bytes:
    """The body, whole: of the announced length or in chunks; without either a cut one could not be told from a whole one."""
    announced = response.length
    if response.status in _WITHOUT_BODY:
        return b""
    if announced is not None:
        if announced > LARGEST_RESPONSE:
            _fail_client(TOO_LARGE)
        return response.read()
    if not response.chunked:
        _fail_client(WEIRD_REPLY)
    content = bytearray()
    while block := response.read1(65536):
        content += block
        if len(content) > LARGEST_RESPONSE:
            _fail_client(TOO_LARGE)
    return bytes(content)


def _judge(invocation: Invocation, response: http.client.HTTPResponse, content: bytes) -> Reply:
    headers = {name.lower(): value for name, value in response.getheaders()}
    try:
        text = content.decode()
    except UnicodeDecodeError:
        _fail_client(NOT_TEXT)
    if "\0" in text:
        _fail_client(NOT_TEXT)
    if response.status >= _REFUSED:
        said = (
            _message(text)
            or text.encode()[:_LONGEST_MESSAGE].decode(errors="ignore")
            or f"HTTP status {response.status}"
        )
        raise InvocationError(SERVICE_REFUSED, "invoke API failed", f"AWS Lambda client returned '{said}'.")
    if (error := headers.get("x-amz-function-error")) is not None:
        detail = f'"{invocation.function_name}" returned error "{error}", details: "{text}".'
        raise InvocationError(FUNCTION_FAILED, "lambda invocation failed", detail)
    if not content and invocation.kind == "RequestResponse":
        _fail_client(NOTHING)
    return Reply(
        status=response.status,
        payload=content or None,
        executed_version=headers.get("x-amz-executed-version") or None,
        log_result=headers.get("x-amz-log-result") or None,
    )


def _message(text: str) -> str | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    said = document.get("Message", document.get("message"))
    return said if isinstance(said, str) else None
