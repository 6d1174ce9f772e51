"""What stands in for AWS behind `aws_lambda.invoke`: the emulators in this process, and Lambda's Invoke operation over HTTP."""

import contextlib
import json
import math
import threading
import urllib.parse
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import transport
from vectordb.local.emulator.s3vectors import service
from vectordb.local.emulator.wire import Request, ServiceError

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:vectordb-dev-bridge:live"
BUCKET = "vectordb-dev"
MODEL = "test.embed-words"
MOST_PUT = 500


def index_arn(name: str, *, partition: str = "aws", region: str = "us-east-1") -> str:
    return f"arn:{partition}:s3vectors:{region}:123456789012:bucket/{BUCKET}/index/{name}"


def embedded(text: str, dimension: int) -> list[float]:
    """What the model of the tests makes of a text: a unit vector, the sum of its words' own."""
    words = text.lower().split()
    sums = [sum(math.sin(zlib.crc32(word.encode()) % 1000 + place) for word in words) for place in range(dimension)]
    length = math.hypot(*sums)
    return [value / length for value in sums]


class S3Vectors:
    """S3 Vectors and Bedrock as the function reaches them: `exchange` stands in the place of transport.exchange.

    Attributes:
        calls: (operation, parameters) of each call that was sent, attempts included; InvokeModel is Bedrock's.
        refusal: (code, message, HTTP status) with which every call is answered while it is set.
        before: called with operation and parameters before each call; what it returns, if anything, is the answer.
    """

    def __init__(self, folder: Path) -> None:
        self._service = service.S3Vectors(folder, backfill_seconds=0)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refusal: tuple[str, str, int] | None = None
        self.before: Callable[[str, dict[str, Any]], transport.Reply | None] | None = None
        self._ask("CreateVectorBucket", {"vectorBucketName": BUCKET})

    def exchange(
        self,
        service: str,
        region: str,
        path: str,
        body: bytes,
        *,
        connect_timeout: float,
        read_timeout: float,
    ) -> transport.Reply:
        operation = "InvokeModel" if service == "bedrock-runtime" else path.removeprefix("/")
        parameters = json.loads(body)
        self.calls.append((operation, parameters))
        if self.before and (reply := self.before(operation, parameters)):
            return reply
        if self.refusal:
            return refused(*self.refusal)
        if operation == "InvokeModel":
            return answered({"embedding": embedded(parameters["inputText"], parameters["dimensions"])})
        return self._sent(operation, body, region)

    def called(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of the calls of one operation."""
        return [parameters for name, parameters in self.calls if name == operation]

    # What a test prepares, past `calls` and `refusal`.

    def create(self, name: str, dimension: int, metric: str = "cosine", **more: Any) -> None:
        shape = {"dataType": "float32", "dimension": dimension, "distanceMetric": metric}
        self._ask("CreateIndex", {"vectorBucketName": BUCKET, "indexName": name} | shape | more)

    def put(self, name: str, vectors: Mapping[str, tuple[list[float], dict[str, Any]]]) -> None:
        """Add vectors: key → (numbers, metadata)."""
        records = [
            {"key": key, "data": {"float32": numbers}, "metadata": metadata}
            for key, (numbers, metadata) in vectors.items()
        ]
        for start in range(0, len(records), MOST_PUT):
            self._ask("PutVectors", {"indexArn": index_arn(name), "vectors": records[start : start + MOST_PUT]})

    def contents(self, name: str) -> dict[str, tuple[list[float], dict[str, Any]]]:
        """All vectors of an index, by key: (numbers, metadata)."""
        found, asked = [], {"indexArn": index_arn(name), "maxResults": 1000, "returnData": True, "returnMetadata": True}
        while True:
            page = self._ask("ListVectors", asked)
            found += page["vectors"]
            if "nextToken" not in page:
                return {one["key"]: (one["data"]["float32"], one["metadata"]) for one in found}
            asked["nextToken"] = page["nextToken"]

    def clear(self, name: str) -> None:
        """Delete every vector of an index."""
        keys = list(self.contents(name))
        for start in range(0, len(keys), MOST_PUT):
            self._ask("DeleteVectors", {"indexArn": index_arn(name), "keys": keys[start : start + MOST_PUT]})

    def close(self) -> None:
        self._service.close()

    def _ask(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        reply = self._sent(operation, json.dumps(parameters).encode(), "us-east-1")
        assert reply.status == 200, reply
        answer: dict[str, Any] = json.loads(reply.body)
        return answer

    def _sent(self, operation: str, body: bytes, region: str) -> transport.Reply:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": f"/{operation}",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            "HTTP_AUTHORIZATION": f"Credential=KEY/20260101/{region}/s3vectors/aws4_request",
        }
        try:
            reply = self._service.handle(operation, Request(environ))
        except ServiceError as error:
            reply = error.response()
        headers = {name.lower(): value for name, value in reply.headers} | {"x-amzn-requestid": "s3-request-1"}
        return transport.Reply(reply.status, headers, reply.body)


def answered(document: Any) -> transport.Reply:
    """A service's answer."""
    return transport.Reply(200, {"x-amzn-requestid": "s3-request-1"}, json.dumps(document).encode())


def refused(code: str, message: str, status: int = 400) -> transport.Reply:
    """A service's refusal."""
    headers = {"x-amzn-requestid": "s3-request-1", "x-amzn-errortype": code}
    return transport.Reply(status, headers, json.dumps({"message": message}).encode())


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
