"""The WSGI application: our services on their own paths, moto behind the rest."""

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any, Protocol

from vectordb.local.emulator import settled
from vectordb.local.emulator.authorization import moto_asked, refusals
from vectordb.local.emulator.authorization.asked import asked
from vectordb.local.emulator.authorization.calls import Call
from vectordb.local.emulator.authorization.gate import Gate, RefusedError
from vectordb.local.emulator.faults import Faults
from vectordb.local.emulator.rds_data.clusters import Clusters
from vectordb.local.emulator.routes import route
from vectordb.local.emulator.wire import Request, Response, ServiceError, StartResponse, answer, send

_OWN = "/_vectordb/"
_REMEMBERED_CALLS = 2000

_log = logging.getLogger(__name__)

WSGI = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Service(Protocol):
    """One of our services."""

    def handle(self, operation: str, request: Request, /) -> Response:
        """Run an operation."""

    def close(self) -> None:
        """Let go of files and processes."""


class Lazy:
    """A service that is made at its first use, or beforehand in the background: importing numpy takes a quarter second."""

    def __init__(self, make: Callable[[], Service]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._service: Service | None = None

    def get(self) -> Service:
        """The service; the first caller waits for it."""
        service = self._service
        if service is None:
            with self._lock:
                service = self._service = self._service or self._make()
        return service

    @property
    def loaded(self) -> bool:
        """Whether it is there."""
        return self._service is not None

    def close(self) -> None:
        """Close the service if there is one."""
        if self._service is not None:
            self._service.close()


class Application:
    """Routes requests.

    Args:
        services: s3vectors, bedrock and lambda.
        moto: everything else.
        gate: judges every call.
        loaded: the names of what moto has imported.
        clusters: gets those that have a Data API.
        alias_changed: told the path, body and region of each request that created or changed an alias.
        pages: further pages of the emulator's own, by method and name.
    """

    def __init__(
        self,
        services: Mapping[str, Lazy],
        moto: WSGI,
        gate: Gate,
        *,
        loaded: Callable[[], list[str]] = list,
        alias_changed: Callable[[str, bytes, str], None] = lambda _path, _body, _region: None,
        clusters: Clusters | None = None,
        pages: Mapping[tuple[str, str], Callable[[Request], Response]] | None = None,
    ) -> None:
        self._services = services
        self._moto = moto
        self._gate = gate
        self._loaded = loaded
        self._alias_changed = alias_changed
        self._clusters = clusters
        self._pages = pages or {}
        self._faults = Faults()
        self._calls: deque[Call] = deque(maxlen=_REMEMBERED_CALLS)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        routed = route(request.method, request.path)
        if routed is None and not request.path.startswith(_OWN):
            return self._to_moto(request, environ, start_response)
        call = Call(request.access_key, *(routed or ("", "")))
        try:
            reply = self._own(request) if routed is None else self._run(call, request)
        except ServiceError as error:
            reply = error.response()
        except Exception:  # noqa: BLE001 - a server answers 500 to what nobody foresaw, and goes on
            _log.exception("%s %s", request.method, request.path)
            reply = ServiceError(
                "InternalServerException", "The local emulator failed; its log says why", 500
            ).response()
        if routed is not None:
            call.status = reply.status
            self._calls.append(call)
        return send(reply, start_response, call.request_id)

    def record(self, call: Call) -> None:
        """Keep a call that a service made by itself."""
        self._calls.append(call)

    def _run(self, call: Call, request: Request) -> Response:
        service, operation = call.service, call.operation
        try:
            self._gate.judge(call, request, lambda: asked(service, operation, request))
        except RefusedError as refused:
            raise refusals.error(service, refused.code, refused.message, refused.status) from refused
        return self._faults.apply(service, operation) or self._services[service].get().handle(operation, request)

    def _to_moto(self, request: Request, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        call = Call(request.access_key, request.service, f"{request.method} {request.path}")
        try:
            self._judge_for_moto(call, request)
        except RefusedError as refused:
            reply = refusals.response(request, refused.code, refused.message, call.request_id, refused.status)
        except Exception:  # noqa: BLE001 - as above
            _log.exception("%s %s (authorisation)", request.method, request.path)
            reply = ServiceError("InternalFailure", "The local emulator failed; its log says why", 500).response()
        else:
            settled_answer = settled.find(request, call.operation)
            if settled_answer is None:
                return self._answered_by_moto(call, request, environ, start_response)
            reply = settled_answer
        call.status = reply.status
        self._calls.append(call)
        return send(reply, start_response, call.request_id)

    def _judge_for_moto(self, call: Call, request: Request) -> None:
        operation, parameters = moto_asked.operation_of(request)
        call.operation = operation or call.operation
        wanted = moto_asked.asked(request, operation, parameters)
        free = set(wanted.actions) <= moto_asked.NEED_NO_PERMISSION
        self._gate.judge(call, request, lambda: wanted, free=free)
        # What the service takes in the caller's name is the caller's need, too.
        for action, resource in wanted.through:
            name, _, through = action.partition(":")
            self._calls.append(
                replace(call, service=name, operation=through, status=200, actions=(action,), resources=(resource,))
            )

    def _answered_by_moto(
        self, call: Call, request: Request, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            call.status = int(status.split(maxsplit=1)[0])
            call.request_id = next((v for k, v in headers if k.lower() == "x-amzn-requestid"), call.request_id)
            return start_response(status, headers, *rest)

        body = b""
        watched = request.method in {"POST", "PUT"} and "/aliases" in request.path
        if watched:
            body = request.body()
            environ["wsgi.input"] = BytesIO(body)
        try:
            content = _whole(self._moto(environ, started))
        except Exception:  # noqa: BLE001 - as above: moto raises whatever it likes
            _log.exception("%s %s (moto)", request.method, request.path)
            failure = ServiceError(
                "InternalFailure", f"moto failed; the emulator's log says why: {sys.exc_info()[1]}", 500
            )
            call.status = failure.status
            self._calls.append(call)
            return send(failure.response(), start_response, call.request_id)
        self._calls.append(call)
        if watched and call.status in {200, 201}:
            self._alias_changed(request.path, body, request.region)
        return content

    def _own(self, request: Request) -> Response:
        page = request.path.removeprefix(_OWN)
        if (request.method, page) == ("GET", "health"):
            ours = [name for name, service in self._services.items() if service.loaded]
            return answer({"status": "ready", "services": ours, "moto": self._loaded()})
        if (request.method, page) == ("GET", "calls"):
            return answer([call.document() for call in list(self._calls)])
        if (request.method, page) in self._pages:
            return self._pages[request.method, page](request)
        take = self._taking().get((request.method, page))
        if take is None:
            raise ServiceError("NotFoundException", f"{request.method} {request.path} is not known", 404)
        take(request.parameters())
        return answer({})

    def _taking(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], None]]:
        """The pages that take an order and answer nothing."""
        pages: dict[tuple[str, str], Callable[[dict[str, Any]], None]] = {
            ("POST", "faults"): self._faults.add,
            ("DELETE", "faults"): lambda _: self._faults.clear(),
        }
        if self._gate.principals is not None:
            pages["POST", "principals"] = self._gate.principals.assign
        if self._clusters is not None:
            pages["POST", "clusters"] = self._clusters.register
        return pages


def _whole(iterable: Iterable[bytes]) -> list[bytes]:
    """What a WSGI application answers, which is then closed (PEP 3333)."""
    try:
        return list(iterable)
    finally:
        close = getattr(iterable, "close", None)
        if close is not None:
            close()
