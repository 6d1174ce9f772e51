"""A model server: Bedrock's InvokeModel for Titan v2 and Cohere v4, and an endpoint in OpenAI's form, on this machine.

It has a quota of requests per minute, a latency, texts that it refuses, storms of throttling, and it counts. Vectors follow from the
text alone, so that a test can say which vector belongs to which text.
"""

import hashlib
import json
import math
import random
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote

POISON = "POISON"
"""A text that holds it is refused."""
MOST_TEXTS = 96
"""Of a request to Cohere's model."""


@lru_cache(maxsize=10_000)
def vector(text: str, dimension: int) -> list[float]:
    """The vector of a text, of length 1."""
    source = random.Random(hashlib.sha256(text.encode()).digest())  # noqa: S311 - no secret
    numbers = [source.gauss(0, 1) for _ in range(dimension)]
    length = math.sqrt(sum(number * number for number in numbers))
    return [number / length for number in numbers]


class RefusedError(Exception):
    """An answer with another status than 200."""

    def __init__(self, status: int, code: str, message: str = "no reason") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


class Model:
    """What the server answers with; its attributes may be changed while it runs.

    Args:
        per_minute: requests that it takes, with a burst of two seconds' worth; None for any number.
        latency: seconds that an answer takes.
        poison: whether a text is refused.
    """

    def __init__(
        self,
        per_minute: float | None = None,
        latency: float = 0.0,
        poison: Callable[[str], bool] = lambda text: POISON in text,
    ) -> None:
        self.latency = latency
        self.poison = poison
        self.storm = 0.0
        """Share of requests that are throttled whatever the quota."""
        self.failing: RefusedError | None = None
        """What every request is answered with."""
        self.calls: list[int] = []
        """Texts of each call that was answered with vectors."""
        self.texts: list[str] = []
        """Texts that got a vector."""
        self.refused: dict[str, int] = {}
        """Code → calls that were answered with it."""
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._random = random.Random(1)  # noqa: S311 - no secret
        self.per_minute: float | None = None
        self.set_quota(per_minute)

    def set_quota(self, per_minute: float | None) -> None:
        """From now on. The first one begins with all that can be saved up, another one after it with nothing."""
        self._permits = (per_minute or 0) / 30 if self.per_minute is None else 0.0
        self.per_minute = per_minute
        self._filled = time.monotonic()

    def forget(self) -> None:
        """No quota, and nothing counted."""
        self.set_quota(None)
        self.calls, self.texts, self.refused = [], [], {}

    def embed(self, texts: list[str], dimension: int) -> list[list[float]]:
        """The vectors. Raises RefusedError."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            storm = self._random.random() < self.storm or not self._permitted()
        try:
            self._check(texts, storm=storm)
            found = [vector(text, dimension) for text in texts]
        except RefusedError as error:
            with self._lock:
                self.refused[error.code] = self.refused.get(error.code, 0) + 1
            raise
        finally:
            with self._lock:
                self._at_once -= 1
        with self._lock:
            self.calls.append(len(texts))
            self.texts += texts
        return found

    def _check(self, texts: list[str], *, storm: bool) -> None:
        if storm:
            raise RefusedError(429, "ThrottlingException", "Too many requests, please wait before trying again.")
        time.sleep(self.latency)
        if self.failing is not None:
            raise self.failing
        if any(self.poison(text) or not text.strip() for text in texts):
            raise RefusedError(400, "ValidationException", f"Malformed input request: {texts[0]}")

    def _permitted(self) -> bool:
        if self.per_minute is None:
            return True
        now = time.monotonic()
        rate = self.per_minute / 60
        self._permits = min(self._permits + (now - self._filled) * rate, 2 * rate)
        self._filled = now
        if self._permits < 1:
            return False
        self._permits -= 1
        return True

    def answer(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """By the model that the path names. Raises RefusedError."""
        if path.startswith("/v1/embeddings"):
            dimension = int(document["model"].rpartition("-")[2])
            rows = self.embed(document["input"], dimension)
            return {"data": [{"index": index, "embedding": row} for index, row in enumerate(rows)]}
        model = unquote(path).removeprefix("/model/").removesuffix("/invoke")
        if "titan-embed-text-v2" in model:
            (row,) = self.embed([document["inputText"]], document["dimensions"])
            return {"embedding": row, "inputTextTokenCount": len(document["inputText"].split())}
        if "cohere.embed-v4" in model:
            if len(document["texts"]) > MOST_TEXTS:
                raise RefusedError(400, "ValidationException", "too many texts")
            return {"embeddings": {"float": self.embed(document["texts"], document["output_dimension"])}}
        raise RefusedError(400, "ValidationException", "The provided model identifier is invalid.")


class Server:
    """A model behind HTTP; `with Server(model) as server` runs it."""

    def __init__(self, model: Model) -> None:
        self.model = model

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    status, headers, found = 200, {}, model.answer(self.path, json.loads(body))
                except RefusedError as error:
                    status, headers = error.status, {"x-amzn-ErrorType": f"{error.code}:http://internal/"}
                    found = {"message": error.message}
                content = json.dumps(found).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: Any) -> None:
                """A worker that was killed left its connection."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
