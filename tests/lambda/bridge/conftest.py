"""A client of S3 Vectors that answers from a script (botocore's Stubber), and a Lambda context.

The folder's name is a Python keyword, so what the tests share comes as fixtures.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

import handler
import indexes
import service

ARN = "arn:aws:s3vectors:us-east-1:123456789012:bucket/vectordb-dev/index/stdlib"


class Context:
    """What Lambda passes beside the event."""

    aws_request_id = "5a1c0f3e-0000-4000-8000-000000000001"

    def __init__(self, remaining_ms: int = 20_000) -> None:
        self.remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def _event(operation: str, arguments: dict[str, Any], /, **changes: Any) -> dict[str, Any]:
    event = {"v": 1, "operation": operation, "nonce": "n-1", "timeout_ms": 20_000, "arguments": arguments}
    return {key: value for key, value in (event | changes).items() if value is not ...}


@pytest.fixture
def arn() -> str:
    return ARN


@pytest.fixture
def context() -> type[Context]:
    return Context


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """event(operation, arguments, **changes): a valid event but for the changes; ... leaves a key out."""
    return _event


@pytest.fixture
def query() -> Callable[..., dict[str, Any]]:
    """query(**changes): valid arguments of query_vectors but for the changes; ... leaves one out."""

    def query(**changes: Any) -> dict[str, Any]:
        arguments = {
            "index_arn": ARN,
            "query_vector": [0.5, -0.25],
            "top_k": 10,
            "return_metadata": True,
            "metadata_filter": None,
            "next_token": None,
            "received": 0,
        }
        return {key: value for key, value in (arguments | changes).items() if value is not ...}

    return query


@pytest.fixture
def call() -> Callable[..., Any]:
    """call(operation, arguments): the result of a success, the error of a refusal."""

    def call(operation: str, arguments: dict[str, Any], *, remaining_ms: int = 20_000, **changes: Any) -> Any:
        answer = handler.handle(_event(operation, arguments, **changes), Context(remaining_ms))
        assert (answer["v"], answer["request_id"]) == (1, Context.aws_request_id)
        assert json.loads(json.dumps(answer)) == answer
        return answer["result"] if answer["ok"] else answer["error"]

    return call


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The function's environment; the clients of one test are not the next one's."""
    monkeypatch.setenv(indexes.VARIABLE, json.dumps([ARN]))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(service, "_clients", {})
    yield
    indexes._allowed.cache_clear()


@pytest.fixture
def stub() -> Iterator[Stubber]:
    """The client of us-east-1, which answers what the test queues and nothing else."""
    client = boto3.client(
        "s3vectors",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    service._clients["us-east-1"] = client
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()
