"""What stands in for AWS behind `aws_lambda.invoke`: S3 Vectors in memory, and Lambda's Invoke operation over HTTP."""

import contextlib
import json
import math
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import ClientError

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:vectordb-dev-bridge:live"
PAGE = 100


def index_arn(name: str, *, partition: str = "aws", region: str = "us-east-1") -> str:
    return f"arn:{partition}:s3vectors:{region}:123456789012:bucket/vectordb-dev/index/{name}"


@dataclass
class Index:
    """Vectors of one index, in the order in which they were put."""

    dimension: int
    metric: str = "cosine"
    vectors: dict[str, tuple[list[float], dict[str, Any]]] = field(default_factory=dict)

    def distance(self, one: list[float], other: list[float]) -> float:
        if self.metric == "euclidean":
            return math.dist(one, other)
        norms = math.hypot(*one) * math.hypot(*other)
        return 1 - sum(a * b for a, b in zip(one, other, strict=True)) / norms


class S3Vectors:
    """boto3's client of S3 Vectors: exact search, 100 results a page, equality filters, the service's refusals."""

    def __init__(self) -> None:
        self.indexes: dict[str, Index] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refusal: tuple[str, str, int] | None = None
        self.page = PAGE

    def _begin(self, operation: str, parameters: dict[str, Any]) -> Index:
        self.calls.append((operation, parameters))
        if self.refusal:
            raise refused(operation, *self.refusal)
        if parameters["indexArn"] not in self.indexes:
            raise refused(operation, "NotFoundException", "The specified index could not be found", 404)
        return self.indexes[parameters["indexArn"]]

    def query_vectors(self, **parameters: Any) -> dict[str, Any]:
        index = self._begin("QueryVectors", parameters)
        asked = parameters["queryVector"]["float32"]
        if len(asked) != index.dimension:
            text = f"Query vector must have length equal to the dimension of the index: expected {index.dimension}"
            raise refused("QueryVectors", "ValidationException", text, 400)
        wanted = parameters.get("filter") or {}
        near = sorted(
            (index.distance(asked, vector), key)
            for key, (vector, metadata) in index.vectors.items()
            if all(metadata.get(name) == value for name, value in wanted.items())
        )[: parameters["topK"]]
        start = int(parameters.get("nextToken", "0"))
        found = [
            {"key": key, "distance": distance}
            | ({"metadata": index.vectors[key][1]} if parameters["returnMetadata"] else {})
            for distance, key in near[start : start + self.page]
        ]
        more = start + self.page < len(near)
        return {"vectors": found, "distanceMetric": index.metric} | (
            {"nextToken": str(start + self.page)} if more else {}
        )

    def get_vectors(self, **parameters: Any) -> dict[str, Any]:
        index = self._begin("GetVectors", parameters)
        assert len(parameters["keys"]) <= 100
        keys = sorted(set(parameters["keys"]) & index.vectors.keys())  # in no order that was asked for
        return {"vectors": [self._vector(index, key, parameters) for key in keys]}

    def list_vectors(self, **parameters: Any) -> dict[str, Any]:
        index = self._begin("ListVectors", parameters)
        start, keys = int(parameters.get("nextToken", "0")), list(index.vectors)
        page = keys[start : start + parameters["maxResults"]]
        end = start + len(page)
        return {"vectors": [self._vector(index, key, parameters) for key in page]} | (
            {"nextToken": str(end)} if end < len(keys) else {}
        )

    @staticmethod
    def _vector(index: Index, key: str, parameters: dict[str, Any]) -> dict[str, Any]:
        vector, metadata = index.vectors[key]
        data = {"data": {"float32": vector}} if parameters["returnData"] else {}
        return {"key": key} | data | ({"metadata": metadata} if parameters["returnMetadata"] else {})


def refused(operation: str, code: str, message: str, status: int) -> ClientError:
    """What botocore raises when the service refuses."""
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"RequestId": "s3-request-1", "HTTPStatusCode": status},
    }
    return ClientError(response, operation)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of Lambda. `function_error` is the header of a function that failed."""

    body: bytes
    status: int = 200
    function_error: str | None = None


class Context:
    """What Lambda passes beside the event."""

    aws_request_id = "lambda-request-1"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 20_000


class Lambda:
    """Lambda's Invoke operation on a loopback port; `behaviour` turns an event into an answer."""

    def __init__(self, handle: Callable[[Any, Any], dict[str, Any]]) -> None:
        self._handle = handle
        self.behaviour: Callable[[bytes], Answer | None] = self.honest
        self.functions: list[str] = []
        self.events: list[bytes] = []
        self._under_way, self._idle = 0, threading.Condition()
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 20  # headers and body in one segment: two would wait for each other (Nagle, delayed ACK)

            def do_POST(self) -> None:
                event = self.rfile.read(int(self.headers["Content-Length"]))
                with double._busy():
                    double.functions.append(urllib.parse.unquote(self.path.split("/")[3]))
                    double.events.append(event)
                    answer = double.behaviour(event)
                if answer is None:  # hang up
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Amz-Executed-Version", "7")
                if answer.function_error:
                    self.send_header("X-Amz-Function-Error", answer.function_error)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                with contextlib.suppress(OSError):  # the database gave up waiting
                    self.wfile.write(answer.body)
                    self.wfile.flush()

            def log_message(self, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *arguments: Any) -> None:
                pass  # a client that went away

        self._make = lambda port: Server(("127.0.0.1", port), Handler)
        self._listen(0)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _listen(self, port: int) -> None:
        self._server = self._make(port)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def honest(self, event: bytes) -> Answer:
        return Answer(json.dumps(self._handle(json.loads(event), Context())).encode())

    @contextlib.contextmanager
    def _busy(self) -> Iterator[None]:
        with self._idle:
            self._under_way += 1
        try:
            yield
        finally:
            with self._idle:
                self._under_way -= 1
                self._idle.notify_all()

    def settle(self) -> None:
        """Wait for calls that the database gave up on: they go on, as on AWS, and would count as the next test's."""
        with self._idle:
            assert self._idle.wait_for(lambda: not self._under_way, timeout=30)

    @contextlib.contextmanager
    def behaving(self, behaviour: Callable[[bytes], Answer | None]) -> Iterator[None]:
        """Answer in this way meanwhile."""
        before, self.behaviour = self.behaviour, behaviour
        try:
            yield
        finally:
            self.behaviour = before

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Refuse connections meanwhile, and hang up on those that are open."""
        port = self._server.server_address[1]
        with self.behaving(lambda event: None):
            self.stop()
            try:
                yield
            finally:
                self._listen(port)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
