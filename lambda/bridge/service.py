"""Calls of Amazon S3 Vectors and of Amazon Bedrock within the caller's time: attempts, pauses, refusals.

How long things may take, each inside the next: a call with all its attempts and pauses (at most ATTEMPTS times
CONNECT_SECONDS + READ_SECONDS, and 3 s of pauses), or less when the caller's time is shorter < the function's timeout (20 s)
< the database's aws_lambda.request_timeout_ms < statement_timeout.
"""

import json
import random
import threading
import time
from typing import Any
from urllib.parse import quote

import refusals
import transport
from indexes import Index
from protocol import BridgeError

CONNECT_SECONDS = 1.0
READ_SECONDS = 4.0
ATTEMPTS = 3
PAUSE_SECONDS = 0.1
"""The longest pause before the second attempt; before each further one, twice the last."""
THROTTLED_PAUSE_SECONDS = 1.0
"""The same after a refusal for too many requests: quotas are per second."""
RESERVE_SECONDS = 0.2
"""Kept back for putting the answer into JSON and sending it."""
VECTORS, MODELS = "s3vectors", "bedrock-runtime"
NAMES = {VECTORS: refusals.VECTORS, MODELS: refusals.MODELS}
_PAGED = frozenset({"QueryVectors", "ListVectors", "ListIndexes"})
_random = random.SystemRandom()  # a snapshot's copies would all have the same generator


class Session:
    """The calls of one request: its deadline, and what they cost. Thread-safe."""

    def __init__(self, remaining_seconds: float, request_id: str = "") -> None:
        self.request_id = request_id
        """The invocation's."""
        self.failure: BridgeError | None = None
        """What ended the work in its middle, when the answer tells how far it came instead of being a refusal."""
        self._deadline = time.monotonic() + remaining_seconds - RESERVE_SECONDS
        self._lock = threading.Lock()
        self._slowest = 0.0
        self.calls = 0
        """Calls, however many attempts each took."""
        self.retries = 0
        """Attempts beyond the first of each call."""
        self.pages = 0
        """Pages that were answered."""
        self.cache_hits = 0
        """Answers that the function had kept (`hit`)."""
        self.seconds = 0.0
        """Time in calls, pauses included; calls side by side count each."""

    def remaining(self) -> float:
        """Seconds until the answer must be begun; negative when it is too late."""
        return self._deadline - time.monotonic()

    def has_time(self) -> bool:
        """Whether another call like the slowest so far would end in time, with as much again to spare."""
        return 2 * self._slowest < self.remaining()

    def hit(self) -> None:
        """Count an answer that needed no call."""
        with self._lock:
            self.cache_hits += 1

    def call(self, index: Index, operation: str, body: bytes) -> bytes:
        """One call of S3 Vectors, such as "QueryVectors"; `body` and the answer are its JSON.

        Raises:
            BridgeError: the service's own code, or DeadlineExceeded, ServiceUnreachable, ServiceCallFailed,
                ServiceContradiction.
        """
        answer = self._call(VECTORS, index.region, f"/{operation}", body)
        if operation in _PAGED:
            with self._lock:
                self.pages += 1
        return answer

    def embed(self, region: str, model: str, body: bytes) -> bytes:
        """One call of a model of Bedrock (InvokeModel); `body` and the answer are the model's JSON.

        Raises:
            BridgeError: as `call`.
        """
        return self._call(MODELS, region, f"/model/{quote(model, safe='')}/invoke", body)

    def _call(self, service: str, region: str, path: str, body: bytes) -> bytes:
        started = time.monotonic()
        with self._lock:
            self.calls += 1
        try:
            return self._attempts(service, region, path, body)
        finally:
            took = time.monotonic() - started
            with self._lock:
                self.seconds += took
                self._slowest = max(self._slowest, took)

    def _attempts(self, service: str, region: str, path: str, body: bytes) -> bytes:
        attempt = 1
        while True:
            try:
                return self._attempt(service, region, path, body)
            except BridgeError as error:
                pause = _pause(attempt, error)
                if not error.retryable or attempt == ATTEMPTS or pause >= self.remaining():
                    raise
            time.sleep(pause)
            attempt += 1
            with self._lock:
                self.retries += 1

    def _attempt(self, service: str, region: str, path: str, body: bytes) -> bytes:
        remaining = self.remaining()
        if remaining <= 0:
            raise _late()
        name = NAMES[service]
        try:
            reply = transport.exchange(
                service,
                region,
                path,
                body,
                connect_timeout=min(CONNECT_SECONDS, remaining),
                read_timeout=min(READ_SECONDS, remaining),
            )
        except transport.UnreachableError as error:
            if self.remaining() <= 0:
                raise _late() from error  # it was not given the time that it usually has
            raise BridgeError(
                "ServiceUnreachable", f"{name} could not be reached ({error.what})", retryable=True
            ) from error
        except transport.UnsignedError as error:
            raise BridgeError("ServiceCallFailed", f"the function has no credentials to call {name} with") from error
        if reply.status != refusals.OK:
            raise refusals.of(reply, name)
        return reply.body


def passing(error: BridgeError) -> bool:
    """Whether a request may go on where it ended: the time was over, or the service had too much to do or failed.

    An answer that holds something ends there and says how to go on. Whoever asks on begins with it: what stays wrong is an
    error then.
    """
    return error.retryable and error.code != "ServiceContradiction"


def parsed(body: bytes, what: str = NAMES[VECTORS]) -> dict[str, Any]:
    """An answer's JSON object. What is none is an error, never an empty answer.

    Raises:
        BridgeError: ServiceContradiction.
    """
    try:
        document = json.loads(body, parse_constant=_no_number)
        if b"\\ud" in body or b"\\uD" in body:
            # JSON can spell half a surrogate pair; an answer that holds one is no UTF-8, and would end Lambda's runtime.
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise BridgeError(
            "ServiceContradiction", f"{what} answered with something that is no JSON object", retryable=True
        )
    return document


def _no_number(_name: str) -> Any:
    """NaN and Infinity are Python's, and no JSON: the database could not read them."""
    raise ValueError


def part(document: dict[str, Any], name: str, kind: type, what: str = NAMES[VECTORS]) -> Any:
    """A member that an answer must have.

    Raises:
        BridgeError: ServiceContradiction.
    """
    value = document.get(name)
    if not isinstance(value, kind):
        raise BridgeError("ServiceContradiction", f"{what} answered without a usable {name}", retryable=True)
    return value


def _late() -> BridgeError:
    message = "the time that the database allows ran out before the service answered"
    return BridgeError("DeadlineExceeded", message, retryable=True)


def _pause(attempt: int, error: BridgeError) -> float:
    """Seconds after an attempt (from 1) before the next: exponential backoff with full jitter, so that many callers do not come back at once."""
    longest = THROTTLED_PAUSE_SECONDS if error.code in refusals.THROTTLED else PAUSE_SECONDS
    return _random.uniform(0, longest * 2 ** (attempt - 1))
