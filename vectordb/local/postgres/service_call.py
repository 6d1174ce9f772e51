"""One request of the spool transport to a service, and the refusals that SQL is to raise.

The same rules and words as the C transport's (transport/*.c), where their sources stand; one test suite holds both to them.
"""

import contextlib
import http.client
import json
import socket
import threading
from dataclasses import dataclass
from typing import NoReturn

ANONYMOUS = "local"
"""The access key id of a database that nobody gave one."""
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


class InvocationError(Exception):
    """What SQL is to raise."""

    def __init__(self, sqlstate: str, message: str, detail: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail


def refuse(what: str, given: str) -> NoReturn:
    """Raise that an argument is not allowed."""
    raise InvocationError(INVALID_PARAMETER, f'invalid {what}: "{given}"')


def authorization(access_key: str, region: str, service: str) -> str:
    """The header that tells the service which database calls; nothing is signed."""
    scope = f"{access_key}/20260101/{region}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


@dataclass(frozen=True)
class Answer:
    """A success: its status, its headers by their names in lower case, its body, which is text."""

    status: int
    headers: dict[str, str]
    content: bytes


@dataclass(frozen=True)
class Client:
    """Sends requests to one service, each over a connection of its own.

    Attributes:
        name: as errors name it, after AWS.
        connect_timeout_ms: until there is a connection.
        request_timeout_ms: from there until the whole reply is.
        largest_response: in bytes.
    """

    name: str
    connect_timeout_ms: int
    request_timeout_ms: int
    largest_response: int

    @property
    def patience(self) -> float:
        """Seconds that a call takes at most."""
        return (self.connect_timeout_ms + self.request_timeout_ms) / 1000

    def fail(self, said: str) -> NoReturn:
        """Raise that the service was not reached or its reply is broken."""
        raise InvocationError(CONNECTION_FAILURE, "invoke API failed", self.detail(said))

    def detail(self, said: str) -> str:
        """The DETAIL of an error."""
        return f"AWS {self.name} client returned '{said}'."

    def post(self, address: tuple[str, int], path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Send one request.

        Raises:
            InvocationError: whatever keeps it from a whole reply that is no refusal.
        """
        connection = http.client.HTTPConnection(*address, timeout=self.connect_timeout_ms / 1000)
        try:
            connection.connect()
        except OSError:
            self.fail(CANNOT_CONNECT)
        connection.sock.settimeout(None)
        expired = threading.Event()
        # A timeout of the socket's would start again with every byte; this one is for the whole request.
        timer = threading.Timer(self.request_timeout_ms / 1000, _expire, (connection.sock, expired))
        timer.daemon = True
        timer.start()
        try:
            response, content = self._exchange(connection, path, body, headers)
        except InvocationError:
            if expired.is_set():
                self.fail(TIMEOUT)
            raise
        finally:
            timer.cancel()
            connection.close()
        return self._judge(response, content)

    def _exchange(
        self, connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        try:
            connection.putrequest("POST", path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            # A server may answer, and close, before it has read all: its answer counts.
            with contextlib.suppress(OSError):
                connection.endheaders(body)
            response = connection.getresponse()
            return response, self._content(response)
        except http.client.RemoteDisconnected:
            self.fail(NOTHING)
        except http.client.IncompleteRead:
            self.fail(PARTIAL)
        except (http.client.HTTPException, ValueError):
            self.fail(WEIRD_REPLY)
        except OSError:
            self.fail(NOTHING)

    def _content(self, response: http.client.HTTPResponse) -> bytes:
        """The body, whole: of the announced length or in chunks; without either a cut one could not be told from a whole one."""
        announced = response.length
        if response.status in _WITHOUT_BODY:
            return b""
        if announced is not None:
            if announced > self.largest_response:
                self.fail(TOO_LARGE)
            return response.read()
        if not response.chunked:
            self.fail(WEIRD_REPLY)
        content = bytearray()
        while block := response.read1(65536):
            content += block
            if len(content) > self.largest_response:
                self.fail(TOO_LARGE)
        return bytes(content)

    def _judge(self, response: http.client.HTTPResponse, content: bytes) -> Answer:
        headers = {name.lower(): value for name, value in response.getheaders()}
        try:
            text = content.decode()
        except UnicodeDecodeError:
            self.fail(NOT_TEXT)
        if "\0" in text:
            self.fail(NOT_TEXT)
        if response.status >= _REFUSED:
            said = (
                _message(text)
                or text.encode()[:_LONGEST_MESSAGE].decode(errors="ignore")
                or f"HTTP status {response.status}"
            )
            raise InvocationError(SERVICE_REFUSED, "invoke API failed", self.detail(said))
        return Answer(response.status, headers, content)


def _expire(connected: socket.socket, expired: threading.Event) -> None:
    expired.set()
    with contextlib.suppress(OSError):  # it ended in this very moment
        connected.shutdown(socket.SHUT_RDWR)


def _message(text: str) -> str | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    said = document.get("Message", document.get("message"))
    return said if isinstance(said, str) else None
