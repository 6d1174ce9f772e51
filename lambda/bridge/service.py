"""Calls of Amazon S3 Vectors: one client a region, made once, within the caller's time.

How long things may take, each inside the next: a call of the service (at most ATTEMPTS times CONNECT_SECONDS + READ_SECONDS,
and under 3 s of pauses) < the function's timeout (20 s) < the database's aws_lambda.request_timeout_ms.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as EndpointError

from protocol import BridgeError

CONNECT_SECONDS = 1
READ_SECONDS = 4
ATTEMPTS = 3
RESERVE_SECONDS = 0.2
"""Kept back for putting the answer into JSON and sending it."""

_RETRYABLE = frozenset(
    {"TooManyRequestsException", "RequestTimeoutException", "InternalServerException", "ServiceUnavailableException"}
)
_SERVER_ERROR = 500
_CONFIG = Config(
    # total_max_attempts counts the first try; max_attempts does not (botocore.config.Config).
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    tcp_keepalive=True,
    user_agent_extra="vectordb-bridge",
)
_clients: dict[str, "S3Vectors"] = {}
_making = threading.Lock()  # boto3's default session is not safe to share while it makes a client


class S3Vectors(Protocol):
    """The part of boto3's client that the bridge uses."""

    def query_vectors(self, **parameters: Any) -> dict[str, Any]: ...
    def get_vectors(self, **parameters: Any) -> dict[str, Any]: ...
    def list_vectors(self, **parameters: Any) -> dict[str, Any]: ...


def client(region: str) -> S3Vectors:
    """The region's client. Making one costs far more than a call, so it is kept for the life of the environment."""
    if region not in _clients:
        with _making:
            if region not in _clients:
                _clients[region] = cast("S3Vectors", boto3.client("s3vectors", region_name=region, config=_CONFIG))
    return _clients[region]


class Session:
    """The calls of one request: its deadline, and what they cost."""

    def __init__(self, remaining_seconds: float) -> None:
        self._deadline = time.monotonic() + remaining_seconds - RESERVE_SECONDS
        self._slowest = 0.0
        self.calls = 0
        self.seconds = 0.0

    def has_time(self) -> bool:
        """Whether another call like the slowest so far would end in time, with as much again to spare."""
        return time.monotonic() + 2 * self._slowest < self._deadline

    def call(self, operation: Callable[..., dict[str, Any]], parameters: dict[str, Any]) -> dict[str, Any]:
        """One call of the service. Raises BridgeError: the service's own code, DeadlineExceeded, Service…"""
        started = time.monotonic()
        if started >= self._deadline:
            raise BridgeError(
                "DeadlineExceeded",
                "the time that the database allows ran out before the service answered",
                retryable=True,
            )
        self.calls += 1
        try:
            return operation(**parameters)
        except ClientError as error:
            raise _refused(error) from error
        except (HTTPClientError, EndpointError) as error:
            raise BridgeError(
                "ServiceUnreachable", f"S3 Vectors could not be reached ({type(error).__name__})", retryable=True
            ) from error
        except BotoCoreError as error:
            # The text of some of these repeats the parameters: the type must do.
            raise BridgeError("ServiceCallFailed", f"the call of S3 Vectors failed ({type(error).__name__})") from error
        finally:
            took = time.monotonic() - started
            self.seconds += took
            self._slowest = max(self._slowest, took)


def _refused(error: ClientError) -> BridgeError:
    details = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    code = str(details.get("Code") or "UnknownError")
    status = metadata.get("HTTPStatusCode")
    return BridgeError(
        code,
        str(details.get("Message") or "the service gave no message"),
        retryable=code in _RETRYABLE or (isinstance(status, int) and status >= _SERVER_ERROR),
        request_id=metadata.get("RequestId"),
    )
