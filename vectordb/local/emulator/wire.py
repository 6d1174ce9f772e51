"""Requests and answers in the shapes that AWS's JSON services share (restJson1)."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qs

from vectordb.local.emulator import DEFAULT_REGION

JSON = "application/json"


class Request:
    """One HTTP request; the caller's identity comes from the signature's scope, which is not verified."""

    __slots__ = ("_body", "_parameters", "access_key", "environ", "method", "path", "region", "service")

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        # WSGI hands UTF-8 over as Latin-1 (PEP 3333).
        self.path: str = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        self.access_key, self.region, self.service = scope(environ.get("HTTP_AUTHORIZATION", ""))
        if not self.access_key and "X-Amz-Credential=" in environ.get("QUERY_STRING", ""):
            # A presigned URL has its scope there.
            self.access_key, self.region, self.service = scope(f"Credential={self.query('X-Amz-Credential')[0]}")
        self._body: bytes | None = None
        self._parameters: dict[str, Any] | None = None

    def header(self, name: str) -> str:
        """A header by its ordinary name, empty when absent."""
        value: str = self.environ.get("HTTP_" + name.upper().replace("-", "_"), "")
        return value

    def query(self, name: str) -> list[str]:
        """Every value of a query parameter."""
        return parse_qs(self.environ.get("QUERY_STRING", ""), keep_blank_values=True).get(name, [])

    def length(self) -> int:
        """The body's length in bytes."""
        return int(self.environ.get("CONTENT_LENGTH") or 0)

    def body(self) -> bytes:
        """The whole body."""
        if self._body is None:
            self._body = self.environ["wsgi.input"].read()
        return self._body

    def parameters(self) -> dict[str, Any]:
        """The body as a JSON object, not to be changed; an empty body is an empty object.

        Raises:
            ServiceError: SerializationException, as AWS says it for what is no JSON object.
        """
        if self._parameters is not None:
            return self._parameters
        try:
            document = json.loads(self.body() or b"{}")
        except (ValueError, RecursionError) as error:
            raise ServiceError("SerializationException", f"The request body is not valid JSON: {error}") from error
        if not isinstance(document, dict):
            raise ServiceError("SerializationException", "The request body must be a JSON object")
        self._parameters = document
        return document


def scope(authorization: str) -> tuple[str, str, str]:
    """(access key id, region, service) of a Signature Version 4 header; defaults for a request without one.

    The header reads `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=…, Signature=…`.
    """
    _, _, credential = authorization.partition("Credential=")
    parts = credential.partition(",")[0].strip().rsplit("/", 4)
    if len(parts) != 5:  # noqa: PLR2004 - the five parts named above
        return "", DEFAULT_REGION, ""
    return parts[0], parts[2] or DEFAULT_REGION, parts[3]


@dataclass(slots=True)
class Response:
    """An answer: HTTP status, body, further headers."""

    body: bytes = b"{}"
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    content_type: str = JSON


def answer(document: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json.dumps(document, separators=(",", ":")).encode(), status)


class ServiceError(Exception):
    """A modelled error of a service: its code, HTTP status and further members of the body."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        members: Mapping[str, Any] | None = None,
        headers: Iterable[tuple[str, str]] = (),
        message_member: str = "message",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = dict(members or {})
        self.headers = list(headers)
        self.message_member = message_member

    def response(self) -> Response:
        """The error as AWS sends it: the code in a header, the rest in the body."""
        reply = answer({self.message_member: self.message, **self.members}, self.status)
        reply.headers = [("x-amzn-ErrorType", self.code), *self.headers]
        return reply


class StartResponse(Protocol):
    """PEP 3333's start_response, as far as it is used here."""

    def __call__(self, status: str, headers: list[tuple[str, str]], /) -> Any: ...


def send(
    reply: Response, start_response: StartResponse, request_id: str | None = None
) -> Iterator[bytes] | list[bytes]:
    """Hand an answer to the WSGI server."""
    headers = [
        ("Content-Length", str(len(reply.body))),
        ("x-amzn-RequestId", request_id or str(uuid.uuid4())),
        *reply.headers,
    ]
    if reply.status != HTTPStatus.NO_CONTENT:
        headers.insert(0, ("Content-Type", reply.content_type))
    start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", headers)
    return [reply.body]
