"""Lambda's Invoke for a few functions, each in one process that stays: what `aws_lambda.invoke` calls.

The processes are those of the local stack (the runtime's bootstrap, a whole environment of Lambda's variables); the way to them is
as short as it can be, and the same for all.
"""

import contextlib
import json
import socketserver
import threading
import time
import urllib.parse
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from vectordb.bench.clocks import ProcessClock
from vectordb.bench.packages import Package
from vectordb.errors import VectordbError
from vectordb.local.emulator import ACCOUNT
from vectordb.local.emulator.functions.deployed import Deployed, environment
from vectordb.local.emulator.functions.worker import Reply, Worker

TIMEOUT = 20.0
"""Seconds of one call, as the bridge is declared."""
_START = 30.0
_LINE = 65536


class _Process(Worker):
    """A worker whose processor time can be read."""

    @property
    def pid(self) -> int:
        return self._process.pid


@dataclass(frozen=True)
class Exchanged:
    """The bytes of one call of a function."""

    request: bytes
    reply: bytes


@dataclass(frozen=True)
class ColdStart:
    """Milliseconds from the start of a process to its first answer."""

    wall: float
    processor: float
    answer: bytes


class Function:
    """One function. Calls wait for each other, as with a concurrency of one.

    Args:
        name: of the function.
        package: what it runs.
        variables: its environment, beside Lambda's own.
        region: where it is.
        endpoint: AWS, for its own calls.
    """

    def __init__(self, name: str, package: Package, variables: Mapping[str, str], region: str, endpoint: str) -> None:
        self.arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"
        self._folder: Path = package.folder
        self._renew = package.renew
        deployed = Deployed(
            region=region,
            name=name,
            version="1",
            handler=package.handler,
            runtime="python3.13",
            timeout=TIMEOUT,
            memory=package.memory,
            role=f"arn:aws:iam::{ACCOUNT}:role/{name}",
            variables=tuple(sorted(variables.items())),
            log_group=f"/aws/lambda/{name}",
            log_format="JSON",
            code_sha256="",
            code=b"",
        )
        credentials = {"AWS_ACCESS_KEY_ID": "LOCAL", "AWS_SECRET_ACCESS_KEY": "local", "AWS_SESSION_TOKEN": "local"}
        self._environment = environment(
            deployed, folder=package.folder, endpoint=endpoint, credentials=credentials, stream="bench"
        )
        self._turn = threading.Lock()
        self._process = self._started()
        self.clock = ProcessClock(self._process.pid)
        self.last = Exchanged(b"", b"")
        """Of the last call that was answered."""

    def call(self, event: bytes) -> Reply:
        """Run the handler once."""
        with self._turn:
            reply = self._process.call(self._header(), event, TIMEOUT)
        self.last = Exchanged(event, reply.body)
        return reply

    def cold_start(self, event: bytes, *, renewed: bool = False) -> ColdStart:
        """Start another process, as a new environment of Lambda does, and let it answer one event.

        Args:
            event: the request.
            renewed: without byte-code, neither the package's nor what an earlier start left behind.
        """
        if renewed:
            self._renew()
        begun = time.perf_counter()
        process = self._started()
        try:
            reply = process.call(self._header(), event, TIMEOUT)
            wall = 1000 * (time.perf_counter() - begun)
            processor = ProcessClock(process.pid).milliseconds()
        finally:
            process.kill()
        if reply.kind != "result":
            raise VectordbError(f"The function {self.arn} failed: {reply.body.decode()[:500]} {reply.log.decode()}")
        return ColdStart(wall, processor, reply.body)

    @property
    def memory(self) -> int:
        """Megabytes that the process has had at most: the kernel's figure since it began (getrusage counts the parent's before the exec)."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8").splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) // 1024

    def close(self) -> None:
        """End the process."""
        self._process.kill()

    def _started(self) -> _Process:
        process = _Process(self._folder, self._environment, "bench")
        ready = process.initialise(_START)
        if ready.kind != "ready":
            process.kill()
            raise VectordbError(f"The function {self.arn} does not start: {ready.body.decode()[:500]}")
        return process

    def _header(self) -> dict[str, Any]:
        return {"id": str(uuid.uuid4()), "arn": self.arn, "deadline": time.time() + TIMEOUT, "client_context": None}


class Callee(Protocol):
    """What answers an Invoke. One that takes events asynchronously answers at once, with nothing."""

    def call(self, event: bytes) -> Reply:
        """One event."""

    def close(self) -> None:
        """No more events."""


class Invoke:
    """The endpoint: `http://127.0.0.1:port`. A thread for each connection, of which each session of the database has one."""

    def __init__(self) -> None:
        self.functions: dict[str, Callee] = {}
        functions = self.functions

        class Connection(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self) -> None:
                with contextlib.suppress(OSError):  # the database gave up waiting
                    while (start := self.rfile.readline(_LINE)).strip():
                        length = 0
                        while (line := self.rfile.readline(_LINE)).strip():
                            name, _, value = line.partition(b":")
                            if name.lower() == b"content-length":
                                length = int(value)
                        arn = urllib.parse.unquote(start.split()[1].decode()).split("/functions/")[1]
                        event = self.rfile.read(length)
                        self.wfile.write(_answer(functions.get(arn.removesuffix("/invocations")), event))

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Connection)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """Stop listening and end the functions."""
        self._server.shutdown()
        self._server.server_close()
        for function in self.functions.values():
            function.close()


def _answer(function: Callee | None, event: bytes) -> bytes:
    if function is None:
        body = json.dumps({"Message": "Function not found"}).encode()
        head = "HTTP/1.1 404 Not Found\r\nx-amzn-ErrorType: ResourceNotFoundException\r\n"
    else:
        reply = function.call(event)
        body = reply.body
        failed = "" if reply.kind == "result" else "X-Amz-Function-Error: Unhandled\r\n"
        head = f"HTTP/1.1 200 OK\r\nX-Amz-Executed-Version: 1\r\n{failed}"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
