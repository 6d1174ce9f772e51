"""The child: loads a handler once and calls it for each message. Runs alone (`-I -S`): the standard library only.

Usage: bootstrap.py CHANNEL LIFELINE, both inherited descriptors. CHANNEL is a stream socket that carries frames: two
lengths (32 bits, big-endian), a JSON header, a body. LIFELINE is a pipe that ends when the parent does.
Errors have the names and shapes of AWS's Python runtime client.
"""

import importlib
import json
import logging
import os
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

Handler = Callable[[Any, "Context"], Any]
_LENGTHS = struct.Struct(">II")


class Context:
    """What a handler gets as its second argument."""

    def __init__(self, header: dict[str, Any]) -> None:
        environment = os.environ
        self.aws_request_id = header["id"]
        self.invoked_function_arn = header["arn"]
        self.function_name = environment["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = environment["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = environment["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = environment["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = Identity()
        self.client_context = ClientContext(header["client_context"]) if header["client_context"] else None
        self._deadline = header["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the call is ended, never below zero."""
        return max(0, int((self._deadline - time.time()) * 1000))

    def log(self, message: object) -> None:
        """Write to the log as it is."""
        sys.stdout.write(str(message))


class Identity:
    """Cognito's, which there is none of."""

    cognito_identity_id = None
    cognito_identity_pool_id = None


class ClientContext:
    """What the caller sent along: custom, env and client."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.custom = document.get("custom")
        self.env = document.get("env")
        self.client = document.get("client")


class Channel:
    """Frames to and from the parent."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)

    def receive(self) -> tuple[dict[str, Any], bytes] | None:
        """(header, body), or None at the end."""
        lengths = self._exactly(_LENGTHS.size)
        if lengths is None:
            return None
        header_length, body_length = _LENGTHS.unpack(lengths)
        header, body = self._exactly(header_length), self._exactly(body_length)
        return None if header is None or body is None else (json.loads(header), body)

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        """One frame."""
        encoded = json.dumps(header).encode()
        self._socket.sendall(_LENGTHS.pack(len(encoded), len(body)) + encoded + body)

    def _exactly(self, count: int) -> bytes | None:
        buffer = bytearray(count)
        view = memoryview(buffer)
        while view:
            received = self._socket.recv_into(view)
            if not received:
                return None
            view = view[received:]
        return bytes(buffer)


class FailureError(Exception):
    """An error of the runtime's own making."""

    def __init__(self, kind: str, message: str, trace: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = list(trace)


def load(name: str) -> Handler:
    """The handler of `module.function` or `folder/module.function`."""
    module_name, _, function_name = name.rpartition(".")
    if not module_name:
        raise FailureError(
            "Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)"
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise FailureError("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {(error.text or "").strip()}']
        raise FailureError(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace
        ) from error
    try:
        found: Handler = getattr(module, function_name)
    except AttributeError as error:
        raise FailureError(
            "Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'"
        ) from error
    return found


def describe(error: Exception, request_id: str) -> dict[str, Any]:
    """The error's document: errorMessage, errorType, requestId, stackTrace."""
    if isinstance(error, FailureError):
        kind, trace = error.kind, error.trace
    else:
        kind = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        theirs = [
            frame
            for frame in frames
            if frame.filename != __file__ and not frame.filename.startswith("<frozen importlib")
        ]
        trace = traceback.format_list(theirs)
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": trace}


def report(document: dict[str, Any], log: "LogHandler") -> None:
    """Write an error to the log, as AWS's runtime does."""
    if log.json:
        sys.stdout.write(json.dumps({"timestamp": moment(time.time()), "level": "ERROR", **document}) + "\n")
        return
    lines = [f"[ERROR] {document['errorType']}: {document['errorMessage']}"]
    if document["stackTrace"]:
        lines += ["Traceback (most recent call last):", *(line.rstrip("\n") for line in document["stackTrace"])]
    sys.stdout.write("\n".join(lines) + "\n")


def moment(seconds: float) -> str:
    """A time as the logs have it, to the millisecond."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03d}Z"


def encode(value: object) -> bytes:
    """A result as JSON."""

    def other(item: Any) -> float:
        if type(item).__name__ == "Decimal":
            return float(item)
        raise TypeError(f"Object of type {type(item).__name__} is not JSON serializable")

    try:
        return json.dumps(value, default=other).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise FailureError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


class LogHandler(logging.Handler):
    """The root logger's handler: AWS's text format, or JSON when the function declares it."""

    def __init__(self) -> None:
        super().__init__()
        self.request_id = ""
        self.json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """One record to standard output."""
        created = moment(record.created)
        text = self.format(record)
        if self.json:
            document: dict[str, Any] = {
                "timestamp": created,
                "level": record.levelname,
                "message": record.getMessage(),
                "logger": record.name,
            }
            if self.request_id:
                document["requestId"] = self.request_id
            if record.exc_info and record.exc_info[0]:
                document["errorType"] = record.exc_info[0].__name__
                document["errorMessage"] = str(record.exc_info[1])
                document["stackTrace"] = traceback.format_tb(record.exc_info[2])
            text = json.dumps(document, default=str)
        else:
            text = f"[{record.levelname}]\t{created}\t{self.request_id}\t{text}"
        sys.stdout.write(text + "\n")


def peak_memory() -> int:
    """Megabytes at most so far."""
    try:
        import resource
    except ImportError:
        return 0
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // scale


def end_with(lifeline: int) -> None:
    """Kill this process and its children when the parent is gone, whatever the handler is doing."""
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


def answer(channel: Channel, handler: Handler, log: LogHandler, header: dict[str, Any], body: bytes) -> None:
    """Run one call and send its outcome."""
    log.request_id = header["id"]
    try:
        event = json.loads(body)
    except ValueError as error:
        channel.send({"kind": "unreadable", "message": str(error), "memory": peak_memory()})
        return
    kind = "result"
    try:
        result = encode(handler(event, Context(header)))
    except Exception as error:  # noqa: BLE001 - a handler may raise anything
        document = describe(error, header["id"])
        report(document, log)
        kind, result = "error", json.dumps(document).encode()
    sys.stdout.flush()
    channel.send({"kind": kind, "memory": peak_memory()}, result)


def main() -> None:
    """Load, say so, and serve until the channel ends."""
    channel, lifeline = Channel(int(sys.argv[1])), int(sys.argv[2])
    os.set_inheritable(lifeline, False)
    threading.Thread(target=end_with, args=(lifeline,), daemon=True).start()
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    sys.argv[1:] = []
    log = LogHandler()
    logging.getLogger().addHandler(log)
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001 - and so may its import
        document = describe(error, "")
        report(document, log)
        channel.send({"kind": "error", "memory": peak_memory()}, json.dumps(document).encode())
        return
    channel.send({"kind": "ready", "memory": peak_memory()})
    while (message := channel.receive()) is not None:
        answer(channel, handler, log, *message)


if __name__ == "__main__":
    main()
