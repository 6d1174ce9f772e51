"""Invoke over HTTP, and the calls themselves. What is left out stands in the package's docstring."""

import base64
import binascii
import json
import re
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from vectordb.local.emulator.authorization.acting import Acting
from vectordb.local.emulator.clock import Clock
from vectordb.local.emulator.functions import registry
from vectordb.local.emulator.functions.asynchronous import Asynchronous
from vectordb.local.emulator.functions.deployed import Deployed, Packages, environment, log_stream
from vectordb.local.emulator.functions.destinations import Destinations
from vectordb.local.emulator.functions.errors import invalid_content, invalid_parameter, too_large
from vectordb.local.emulator.functions.event_configs import EventConfigs
from vectordb.local.emulator.functions.logs import TAIL, LogWriter, Report, compose, moment
from vectordb.local.emulator.functions.names import Target, parse_target
from vectordb.local.emulator.functions.pool import Lease, Pool
from vectordb.local.emulator.functions.worker import Reply, Worker
from vectordb.local.emulator.wire import Request, Response, ServiceError

LARGEST_SYNCHRONOUS = 6 * 1024 * 1024
LARGEST_ASYNCHRONOUS = 1024 * 1024
LARGEST_RESULT = 6_291_556
"""Lambda's own figure: 6 MB and a hundred bytes."""

_INVOCATIONS = re.compile(r"/[^/]+/functions/(.+)/invocations/?")
_EVENT_CONFIG = re.compile(r"/[^/]+/functions/(.+)/event-invoke-config(?:/list)?/?")
_ALIASES = re.compile(r"/[^/]+/functions/([^/]+)/aliases(?:/([^/]+))?/?")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended."""

    payload: bytes
    error: bool
    log: str
    version: str


class Functions:
    """Runs functions.

    Args:
        state: packages go to `functions`, logs to `logs` below it.
        endpoint: this emulator, for the functions' own calls.
        most: how many calls run at once.
        warm: whether a published alias has a worker started beforehand.
        retry_delay: seconds before the first repetition of a failed asynchronous call; the second waits twice as long.
        clock: for the repetitions.
        acting: judges what is done with a function's role.
    """

    def __init__(
        self, state: Path, endpoint: str, *, most: int, warm: bool, retry_delay: float, clock: Clock, acting: Acting
    ) -> None:
        self._packages = Packages(state / "functions")
        self._endpoint = endpoint
        self._warm = warm
        self._pool = Pool(self._start, most=most)
        self._threads = ThreadPoolExecutor(max(1, most // 2), thread_name_prefix="asynchronous")
        destinations = Destinations(
            acting, lambda arn, payload: self.submit(parse_target(arn, None, arn.split(":")[3]), payload)
        )
        self._configs = EventConfigs(registry.find, lambda target, arn: destinations.check(registry.find(target), arn))
        self._asynchronous = Asynchronous(
            registry.find, self.run, self._configs, destinations, clock, self._threads, delay=retry_delay
        )
        self._logs = LogWriter(state / "logs", registry.write_log)

    def handle(self, operation: str, request: Request) -> Response:
        """Invoke, or one of the operations on the configuration of asynchronous calls.

        Raises:
            ServiceError: a modelled error of the operation.
        """
        match = _INVOCATIONS.fullmatch(request.path) or _EVENT_CONFIG.fullmatch(request.path)
        qualifier = next(iter(request.query("Qualifier")), None)
        target = parse_target(unquote(match[1]) if match else "", qualifier or None, request.region)
        return (
            self._invoke(target, request) if operation == "Invoke" else self._configs.handle(operation, target, request)
        )

    def submit(self, target: Target, payload: bytes) -> str:
        """Take an asynchronous call; returns its request id.

        Raises:
            ServiceError: there is no such function.
        """
        registry.find(target)
        return self._asynchronous.submit(target, payload)

    def forget(self, region: str, name: str) -> None:
        """A function was deleted."""
        self._configs.forget(region, name)

    def _invoke(self, target: Target, request: Request) -> Response:
        kind = request.header("X-Amz-Invocation-Type") or "RequestResponse"
        if kind not in {"RequestResponse", "Event", "DryRun"}:
            raise invalid_parameter(f"The invocation type '{kind}' is none of Event, RequestResponse and DryRun")
        largest = LARGEST_ASYNCHRONOUS if kind == "Event" else LARGEST_SYNCHRONOUS
        if request.length() > largest:
            raise too_large(largest)
        context = _client_context(request.header("X-Amz-Client-Context"))
        deployed = registry.find(target)
        if kind == "DryRun":
            return Response(b"", 204)
        payload = request.body() or b"{}"
        if kind == "Event":
            _check_json(payload)
            self._asynchronous.submit(target, payload)
            return Response(b"", 202)
        outcome = self.run(deployed, target, payload, str(uuid.uuid4()), context)
        reply = Response(outcome.payload, headers=[("X-Amz-Executed-Version", outcome.version)])
        if outcome.error:
            reply.headers.append(("X-Amz-Function-Error", "Unhandled"))
        if request.header("X-Amz-Log-Type") == "Tail":
            reply.headers.append(("X-Amz-Log-Result", base64.b64encode(outcome.log.encode()[-TAIL:]).decode()))
        return reply

    def run(
        self, deployed: Deployed, target: Target, payload: bytes, request_id: str, context: dict[str, Any] | None = None
    ) -> Outcome:
        """One call in a worker of its own.

        Raises:
            ServiceError: no worker may be started, or the payload is no JSON.
        """
        with self._pool.lease(deployed) as lease:
            header = {
                "id": request_id,
                "arn": target.arn,
                "deadline": time.time() + deployed.timeout,
                "client_context": context,
            }
            begun = time.monotonic()
            reply = lease.failed or lease.worker.call(header, payload, deployed.timeout)
            seconds = min(time.monotonic() - begun, deployed.timeout)
            lease.usable = lease.usable and reply.kind in {"result", "error", "unreadable"}
            outcome = self._outcome(deployed, lease, reply, Report(request_id, seconds, reply.memory, lease.started_in))
        if reply.kind == "unreadable":
            raise invalid_content(f"Could not parse request body into json: {reply.body.decode()}")
        return outcome

    def invoke_from_moto(self, target: Target, payload: bytes, kind: str) -> tuple[bytes, bool]:
        """A call that moto makes itself: the result, and whether it is an error."""
        if kind != "RequestResponse":
            self._asynchronous.submit(target, payload)
            return b"", False
        outcome = self.run(registry.find(target), target, payload or b"{}", str(uuid.uuid4()))
        return outcome.payload, outcome.error

    def alias_changed(self, path: str, body: bytes, region: str) -> None:
        """Start a worker for an alias that moto has just created or changed."""
        match = _ALIASES.fullmatch(path)
        if not (self._warm and match):
            return
        alias = match[2] or json.loads(body).get("Name", "")

        def warm() -> None:
            with suppress(ServiceError):
                self._pool.warm(registry.find(parse_target(unquote(match[1]), alias, region)))

        threading.Thread(target=warm, name="warm", daemon=True).start()

    def end_workers(self) -> None:
        """End every worker; calls in flight fail."""
        self._pool.close()

    def close(self) -> None:
        """End every worker and write what is left of the logs."""
        self._pool.close()
        self._asynchronous.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._logs.close()

    def _start(self, deployed: Deployed) -> Worker:
        folder = self._packages.unpack(deployed)
        stream = log_stream(deployed, time.strftime("%Y/%m/%d", time.gmtime()))
        variables = environment(
            deployed,
            folder=folder,
            endpoint=self._endpoint,
            credentials=registry.credentials(deployed),
            stream=stream,
        )
        return Worker(folder, variables, stream)

    def _outcome(self, deployed: Deployed, lease: Lease, reply: Reply, report: Report) -> Outcome:
        """The payload that AWS would send, and the log."""
        output, payload, failed = reply.log, reply.body, reply.kind != "result"
        if reply.kind == "timeout":
            said = f"Task timed out after {deployed.timeout:.2f} seconds"
            output += f"{moment()} {report.request_id} {said}\n\n".encode()
            payload = _error("Sandbox.Timedout", f"RequestId: {report.request_id} Error: {said}")
        elif reply.kind == "exit":
            said = reply.body.decode()
            output += f"RequestId: {report.request_id} Error: {said}\nRuntime.ExitError\n".encode()
            payload = _error("Runtime.ExitError", f"RequestId: {report.request_id} Error: {said}")
        elif lease.failed is not None:
            payload = json.dumps({**json.loads(payload), "requestId": report.request_id}).encode()
        elif failed is False and len(payload) > LARGEST_RESULT:
            failed = True
            said = f"Response payload size exceeded maximum allowed payload size ({LARGEST_RESULT} bytes)."
            payload = _error("Function.ResponseSizeTooLarge", said)
        log = compose(deployed, output, report)
        self._logs.write(deployed, lease.worker.stream, log)
        return Outcome(payload, failed, log, deployed.version)


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def _check_json(payload: bytes) -> None:
    try:
        json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise invalid_content(f"Could not parse request body into json: {error}") from error


def _client_context(encoded: str) -> dict[str, Any] | None:
    if not encoded:
        return None
    try:
        document = json.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError) as error:
        raise invalid_content("Client context must be a valid Base64-encoded JSON object.") from error
    if not isinstance(document, dict):
        raise invalid_content("Client context must be a valid Base64-encoded JSON object.")
    return document
