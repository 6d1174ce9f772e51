"""S3 Vectors behind HTTPS, in a process of its own: `python -m vectordb.bench.service`.

The local stack's emulator computes each answer once; after that the same request gets the same bytes. So a call costs this
process next to nothing, and the time that it takes is the one that was set, for both sides alike. Requests wait beside each
other, as many as there are connections.

`POST /_bench/delay` with {"seconds": s} sets the service time, counted from the last byte of a request.
`GET /_bench/spent` answers {"requests": n, "seconds": s}: how long requests were here since it was last asked.
"""

import argparse
import asyncio
import contextlib
import json
import os
import ssl
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from vectordb.bench import emulated, seed
from vectordb.local.emulator.s3vectors.service import S3Vectors
from vectordb.local.emulator.wire import Response, answer

_LARGEST_HEAD = 1 << 16
_CONTROL = "/_bench/"
_REMEMBERED = frozenset({"QueryVectors", "GetVectors", "GetIndex"})


class Service:
    """Answers requests, late."""

    def __init__(self, folder: Path) -> None:
        self._vectors = S3Vectors(folder)
        self._remembered: dict[tuple[str, bytes], Response] = {}
        self.delay = 0.0
        self._requests = 0
        self._seconds = 0.0

    def operate(self, operation: str, body: bytes, authorization: str) -> Response:
        """The emulator's answer."""
        found = self._remembered.get((operation, body))
        if found is None:
            found = emulated.answered(self._vectors, operation, body, authorization)
            if operation in _REMEMBERED:
                self._remembered[operation, body] = found
        return found

    def fill(self) -> None:
        """Put the benchmark's vectors in."""

        def call(operation: str, parameters: dict[str, Any]) -> None:
            reply = self.operate(operation, json.dumps(parameters).encode(), _signed())
            if reply.status != 200:  # noqa: PLR2004 - HTTP's word for success
                raise RuntimeError(f"{operation}: {reply.body.decode()}")

        seed.fill(call)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests until it ends."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                _, path, _ = head[0].split(" ", 2)
                fields = (line.partition(":") for line in head[1:] if line)
                headers = {name.lower(): value.strip() for name, _, value in fields}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                writer.write(_encoded(await self._reply(path, body, headers.get("authorization", ""))))
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()

    async def _reply(self, path: str, body: bytes, authorization: str) -> Response:
        if path.startswith(_CONTROL):
            return self._control(path.removeprefix(_CONTROL), body)
        arrived = time.perf_counter()
        reply = self.operate(path.lstrip("/"), body, authorization)
        # What the answer took to find is a part of the service time.
        left = arrived + self.delay - time.perf_counter()
        if left > 0:
            await asyncio.sleep(left)
        self._requests += 1
        self._seconds += time.perf_counter() - arrived
        return reply

    def _control(self, what: str, body: bytes) -> Response:
        if what == "delay":
            self.delay = float(json.loads(body)["seconds"])
            return answer({})
        spent = {"requests": self._requests, "seconds": self._seconds}
        self._requests, self._seconds = 0, 0.0
        return answer(spent)

    def close(self) -> None:
        """Let go of the files."""
        self._vectors.close()


def _signed() -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential=LOCAL/20260101/{seed.REGION}/s3vectors/aws4_request, SignedHeaders=, Signature="
    )


def _encoded(reply: Response) -> bytes:
    lines = [
        f"HTTP/1.1 {reply.status} Answered",
        f"Content-Type: {reply.content_type}",
        f"Content-Length: {len(reply.body)}",
        "x-amzn-RequestId: 00000000-0000-4000-8000-000000000000",
        *(f"{name}: {value}" for name, value in reply.headers),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + reply.body


async def _serve(service: Service, certificate: Path, key: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def listen(host: str, port: int) -> Coroutine[Any, Any, asyncio.Server]:
        return asyncio.start_server(service.converse, host, port, ssl=context, limit=_LARGEST_HEAD, backlog=512)

    server = await listen("127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with contextlib.suppress(OSError):  # where `localhost` is first of all ::1, a refusal there would cost time
        await listen("::1", port)
    sys.stdout.write(f"ready {port}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


def main() -> None:
    """Fill the indexes, say `ready PORT`, and serve until the parent ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    chosen = parser.parse_args()
    # One core for the matrix product: the others belong to what is measured.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    service = Service(chosen.state)
    service.fill()
    try:
        asyncio.run(_serve(service, chosen.certificate, chosen.key))
    finally:
        service.close()


if __name__ == "__main__":
    main()
