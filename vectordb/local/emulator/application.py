"""The WSGI application: our services on their own paths, moto behind the rest."""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import Any, Protocol

from vectordb.local.emulator.faults import Faults
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
        loaded: the names of what moto has imported.
        alias_changed: told the path, body and region of each request that created or changed an alias.
    """

    def __init__(
        self,
        services: Mapping[str, Lazy],
        moto: WSGI,
        *,
        loaded: Callable[[], list[str]] = list,
        alias_changed: Callable[[str, bytes, str], None] = lambda _path, _body, _region: None,
    ) -> None:
        self._services = services
        self._moto = moto
        self._loaded = loaded
        self._alias_changed = alias_changed
        self._faults = Faults()
        self._calls: deque[tuple[float, str, str, str, int]] = deque(maxlen=_REMEMBERED_CALLS)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        routed = route(request.method, request.path)
        if routed is None and not request.path.startswith(_OWN):
            return self._to_moto(request, environ, start_response)
        try:
            reply = self._own(request) if routed is None else self._run(*routed, request)
        except ServiceError as error:
            reply = error.response()
        except Exception:  # noqa: BLE001 - a server answers 500 to what nobody foresaw, and goes on
            _log.exception("%s %s", request.method, request.path)
            reply = ServiceError(
                "InternalServerException", "The local emulator failed; its log says why", 500
            ).response()
        if routed is not None:
            self._calls.append((time.time(), request.access_key, *routed, reply.status))
        return send(reply, start_response)

    def _run(self, service: str, operation: str, request: Request) -> Response:
        return self._faults.apply(service, operation) or self._services[service].get().handle(operation, request)

    def _to_moto(self, request: Request, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        statuses = []

        def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            statuses.append(int(status.split(maxsplit=1)[0]))
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
            return send(failure.response(), start_response)
        status = statuses[-1] if statuses else 500
        operation = request.header("X-Amz-Target") or f"{request.method} {request.path}"
        self._calls.append((time.time(), request.access_key, request.service, operation, status))
        if watched and status in {200, 201}:
            self._alias_changed(request.path, body, request.region)
        return content

    def _own(self, request: Request) -> Response:
        page = request.path.removeprefix(_OWN)
        if (request.method, page) == ("GET", "health"):
            ours = [name for name, service in self._services.items() if service.loaded]
            return answer({"status": "ready", "services": ours, "moto": self._loaded()})
        if (request.method, page) == ("GET", "calls"):
            names = ("time", "accessKey", "service", "operation", "status")
            return answer([dict(zip(names, call, strict=True)) for call in list(self._calls)])
        if (request.method, page) == ("POST", "faults"):
            self._faults.add(request.parameters())
            return answer({})
        if (request.method, page) == ("DELETE", "faults"):
            self._faults.clear()
            return answer({})
        raise ServiceError("NotFoundException", f"{request.method} {request.path} is not known", 404)


def _whole(iterable: Iterable[bytes]) -> list[bytes]:
    """What a WSGI application answers, which is then closed (PEP 3333)."""
    try:
        return list(iterable)
    finally:
        close = getattr(iterable, "close", None)
        if close is not None:
            close()
