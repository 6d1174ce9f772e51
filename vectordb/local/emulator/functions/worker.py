"""One child process that runs one version of one function: started, called, killed."""

import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_LENGTHS = struct.Struct(">II")
_MOST_LOG = 1 << 20
"""Bytes of one call's log that are kept."""

Kind = Literal["ready", "result", "error", "unreadable", "timeout", "exit"]


@dataclass(frozen=True, slots=True)
class Reply:
    """How a call, or the start, ended.

    `error` is an exception of the handler or the runtime, with its document as body; `exit` the process's end, with the
    words AWS has for it as body; `unreadable` an event that is no JSON.
    """

    kind: Kind
    body: bytes
    log: bytes
    memory: int
    """Megabytes at most."""


class Worker:
    """A process that is waiting for a call, or in one. Used by one thread at a time.

    Args:
        folder: the unpacked package.
        environment: the whole environment.
        stream: the name of its log stream.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], stream: str) -> None:
        self.stream = stream
        ours, theirs = socket.socketpair()
        lifeline, self._alive = os.pipe()
        output, their_output = os.pipe()
        try:
            self._process = subprocess.Popen(
                # -u: what a handler printed before it was killed is in the log. -X utf8: whatever the locale.
                [sys.executable, "-I", "-S", "-u", "-X", "utf8", str(_BOOTSTRAP), str(theirs.fileno()), str(lifeline)],
                stdin=subprocess.DEVNULL,
                stdout=their_output,
                stderr=their_output,
                env=dict(environment),
                cwd=folder,
                pass_fds=(theirs.fileno(), lifeline),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._alive)
            os.close(output)
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(lifeline)
            os.close(their_output)
        os.set_blocking(output, False)
        self._channel = ours
        self._output = output
        self._selector = selectors.DefaultSelector()
        self._selector.register(ours, selectors.EVENT_READ)
        self._selector.register(output, selectors.EVENT_READ)
        self._log = bytearray()
        self.memory = 0

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def initialise(self, seconds: float) -> Reply:
        """Wait until the handler is loaded; `ready`, or how it failed. What it printed comes with the first call's log."""
        return self._outcome(time.monotonic() + seconds)

    def call(self, header: Mapping[str, Any], payload: bytes, seconds: float) -> Reply:
        """Send an event and wait for its outcome; after `timeout` and `exit` the worker is of no more use."""
        deadline = time.monotonic() + seconds
        encoded = json.dumps(header).encode()
        try:
            self._channel.settimeout(seconds)
            self._channel.sendall(_LENGTHS.pack(len(encoded), len(payload)) + encoded + payload)
        except OSError:  # it has ended, or does not read: the outcome says which
            pass
        return self._outcome(deadline)

    def end(self) -> None:
        """End the process and all that it started; whoever is in a call hears of it. Any thread may ask for this."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End the process and let go of what belongs to it."""
        self.end()
        self._process.wait()
        self._selector.close()
        self._channel.close()
        os.close(self._output)
        os.close(self._alive)

    def _outcome(self, deadline: float) -> Reply:
        try:
            frame = self._frame(deadline)
        except TimeoutError:
            self._drain()
            return self._reply("timeout", b"")
        self._drain()
        if frame is None:
            return self._reply("exit", self._ending().encode())
        header, body = frame
        self.memory = header["memory"]
        if header["kind"] == "unreadable":
            body = header["message"].encode()
        return self._reply(header["kind"], body)

    def _reply(self, kind: Kind, body: bytes) -> Reply:
        log = bytes(self._log)
        if kind != "ready":
            self._log.clear()
        return Reply(kind, body, log, self.memory)

    def _frame(self, deadline: float) -> tuple[dict[str, Any], bytes] | None:
        """The next frame, or None when the process has ended; its output is collected meanwhile."""
        buffer = bytearray()
        needed = _LENGTHS.size
        self._channel.setblocking(False)
        while len(buffer) < needed:
            # Asked for each turn: a handler that never stops printing makes the selector ready for ever.
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            for key, _ in self._selector.select(remaining):
                if key.fileobj is not self._channel:
                    self._drain()
                    continue
                chunk = self._receive(needed - len(buffer))
                if chunk is None:
                    continue
                if not chunk:
                    return None
                buffer += chunk
            if len(buffer) == _LENGTHS.size == needed:
                needed += sum(_LENGTHS.unpack(buffer))
        header_length, _ = _LENGTHS.unpack_from(buffer)
        start = _LENGTHS.size + header_length
        return json.loads(buffer[_LENGTHS.size : start]), bytes(buffer[start:])

    def _receive(self, count: int) -> bytes | None:
        try:
            return self._channel.recv(min(count, 1 << 20))
        except BlockingIOError:
            return None
        except ConnectionError:
            return b""

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while chunk := os.read(self._output, 65536):
                self._log += chunk
                if len(self._log) > _MOST_LOG:
                    del self._log[: len(self._log) - _MOST_LOG]
            if self._output in self._selector.get_map():
                self._selector.unregister(self._output)  # its end would be reported again and again

    def _ending(self) -> str:
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:  # it closed the channel and lives on
            return "Runtime exited without providing a reason"
        if code == 0:
            return "Runtime exited without providing a reason"
        how = f"signal: {signal.strsignal(-code) or -code}".lower() if code < 0 else f"exit status {code}"
        return f"Runtime exited with error: {how}"
