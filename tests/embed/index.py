"""An index of S3 Vectors on this machine: puts, deletes and pages, with what makes them hard: delays, refusals, old signatures."""

import datetime as dt
import json
import random
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

ARN = "arn:aws:s3vectors:us-east-1:123456789012:bucket/vectors/index/chaos"


@dataclass
class Index:
    """What the service holds and does.

    Attributes:
        longest_age: seconds after its signature in which a request is taken; AWS: 15 minutes.
        latency: seconds, at most, before and after a change.
        refuse: called with operation and parameters; (status, code) with which a call is answered, or None.
        meddle: called with the keys of vectors before they are put.
    """

    longest_age: float = 900.0
    latency: float = 0.0
    refuse: Any = None
    meddle: Any = None
    vectors: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, operation: str, body: bytes, signed_at: str) -> tuple[int, dict[str, Any]]:
        parameters = json.loads(body)
        with self.lock:
            self.calls.append((operation, parameters))
        time.sleep(random.uniform(0, self.latency))  # noqa: S311 - no secret
        refusal = self._late(signed_at) or (self.refuse and self.refuse(operation, parameters))
        if refusal:
            with self.lock:
                self.refused[refusal[1]] = self.refused.get(refusal[1], 0) + 1
            return refusal[0], {"__type": refusal[1], "message": "refused: secret words"}
        if operation == "PutVectors" and self.meddle:
            self.meddle([vector["key"] for vector in parameters["vectors"]])
        with self.lock:
            result = self._changed(operation, parameters)
        time.sleep(random.uniform(0, self.latency))  # noqa: S311 - no secret
        return 200, result

    def _late(self, signed_at: str) -> tuple[int, str] | None:
        then = dt.datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
        age = dt.datetime.now(dt.UTC) - then
        return (403, "RequestTimeTooSkewed") if age.total_seconds() > self.longest_age else None

    def _changed(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if operation == "PutVectors":
            assert len(parameters["vectors"]) <= 500
            for vector in parameters["vectors"]:
                self.vectors[vector["key"]] = vector
        elif operation == "DeleteVectors":
            assert 1 <= len(parameters["keys"]) <= 500
            for key in parameters["keys"]:
                self.vectors.pop(key, None)
        else:
            most = parameters["maxResults"]
            keys = sorted(key for key in self.vectors if key > parameters.get("nextToken", ""))
            page: dict[str, Any] = {"vectors": [{"key": key} for key in keys[:most]]}
            return page | ({"nextToken": keys[most - 1]} if len(keys) > most else {})
        return {}


class IndexServer:
    """The index behind HTTP, on a loopback port, while it is entered; `url` is where."""

    def __init__(self, index: Index) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, document = index.answer(self.path[1:], body, self.headers["X-Amz-Date"])
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *arguments: Any) -> None:
                pass  # a worker that was killed

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
