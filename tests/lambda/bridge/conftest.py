"""A service that answers from a script, an S3 Vectors emulator behind the same wire, a Lambda context, and events.

The folder's name is a Python keyword, so what the tests share comes as fixtures.
"""

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cache
import connections
import describe
import handler
import indexes
import models
import service
import transport
from tests.bridge_support import emulated  # noqa: F401 - a fixture of the tests here

ARN = "arn:aws:s3vectors:us-east-1:123456789012:bucket/vectordb-dev/index/stdlib"


class Context:
    """What Lambda passes beside the event."""

    aws_request_id = "5a1c0f3e-0000-4000-8000-000000000001"

    def __init__(self, remaining_ms: int = 20_000) -> None:
        self.remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


class Wire:
    """In the place of `transport.exchange`: answers what the test queued for the operation, and nothing else."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str, Any]] = []
        """(service, region, path, body as JSON) of each call."""
        self.timeouts: list[tuple[float, float]] = []
        self._replies: dict[str, deque[Any]] = defaultdict(deque)
        self._lock = threading.Lock()

    def reply(
        self,
        operation: str,
        body: Any,
        *,
        status: int = 200,
        request_id: str = "service-1",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Queue an answer for an operation ("QueryVectors", or a path): a document, bytes, or a function of the request."""
        path = operation if operation.startswith("/") else f"/{operation}"
        self._replies[path].append((body, status, {"x-amzn-requestid": request_id} | (headers or {})))

    def refuse(
        self,
        operation: str,
        code: str,
        message: str = "the reason",
        *,
        status: int = 400,
        request_id: str = "service-1",
        **more: Any,
    ) -> None:
        """Queue a refusal as S3 Vectors writes it; `more` are members beside the message."""
        headers = {"x-amzn-errortype": code}
        self.reply(operation, {"message": message} | more, status=status, request_id=request_id, headers=headers)

    def fail(self, operation: str, error: Exception) -> None:
        """Queue an exception."""
        self._replies[f"/{operation}" if not operation.startswith("/") else operation].append(error)

    def exchange(
        self, service: str, region: str, path: str, body: bytes, *, connect_timeout: float, read_timeout: float
    ) -> transport.Reply:
        request = json.loads(body)
        with self._lock:
            self.requests.append((service, region, path, request))
            self.timeouts.append((connect_timeout, read_timeout))
            replies = self._replies[path]
            assert replies, f"nothing was queued for {path}"
            queued = replies.popleft()
        if isinstance(queued, Exception):
            raise queued
        answer, status, headers = queued
        if callable(answer):
            answer = answer(request)
        return transport.Reply(status, headers, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def left(self) -> dict[str, int]:
        """What was queued and not asked for."""
        return {path: len(replies) for path, replies in self._replies.items() if replies}


def _event(operation: str, arguments: dict[str, Any], /, **changes: Any) -> dict[str, Any]:
    event = {"v": 2, "operation": operation, "nonce": "n-1", "timeout_ms": 20_000, "arguments": arguments}
    return {key: value for key, value in (event | changes).items() if value is not ...}


@pytest.fixture
def arn() -> str:
    return ARN


@pytest.fixture
def index() -> indexes.Index:
    index = indexes.parse(ARN)
    assert index is not None
    return index


@pytest.fixture
def context() -> type[Context]:
    return Context


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """event(operation, arguments, **changes): a valid event but for the changes; ... leaves a key out."""
    return _event


@pytest.fixture
def call() -> Callable[..., Any]:
    """call(operation, arguments): the result of a success, the error of a refusal."""

    def call(operation: str, arguments: dict[str, Any], *, remaining_ms: int = 20_000, **changes: Any) -> Any:
        answer = handler.handle(_event(operation, arguments, **changes), Context(remaining_ms))
        assert (answer["v"], answer["request_id"]) == (2, Context.aws_request_id)
        assert json.loads(json.dumps(answer)) == answer
        return answer["result"] if answer["ok"] else answer["error"]

    return call


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The function's environment, in which nothing can be reached; what one test caches is not the next one's."""
    monkeypatch.setenv(indexes.VARIABLE, json.dumps([ARN]))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(describe, "_kept", {})
    monkeypatch.setattr(service._random, "uniform", lambda low, _high: low)  # no pauses
    for variable in (
        cache.SECONDS_VARIABLE,
        cache.MEGABYTES_VARIABLE,
        models.VARIABLE,
        "VECTORDB_BATCH_CONCURRENCY",
        "AWS_CA_BUNDLE",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_USE_FIPS_ENDPOINT",
        "_X_AMZN_TRACE_ID",
    ):
        monkeypatch.delenv(variable, raising=False)
    yield
    indexes._allowed.cache_clear()
    models._allowed.cache_clear()
    connections.pool.cache_clear()
    cache._made.cache_clear()


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """The service, scripted; at the end nothing may be left."""
    wire = Wire()
    monkeypatch.setattr(transport, "exchange", wire.exchange)
    yield wire
    assert wire.left() == {}
