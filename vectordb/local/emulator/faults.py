"""Failures on demand: what a client does when AWS throttles, fails or is slow can be shown here.

    POST /_vectordb/faults {"service": "s3vectors", "operation": "QueryVectors", "times": 2,
                            "code": "TooManyRequestsException", "status": 429, "message": "Slow down"}

`service` is s3vectors, bedrock, lambda or rds-data; `operation` an operation's name or * for each. `delay` (seconds) waits first;
without `code` the call then runs as usual. `body` answers with those raw bytes, with `status` (default 200). Faults of
one operation are used up in the order they were given. DELETE forgets them all. Left out: faults of services that moto
answers.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from vectordb.local.emulator.wire import Response, ServiceError

_FIELDS = {"service", "operation", "times", "code", "status", "message", "delay", "body"}


@dataclass(slots=True)
class Fault:
    """One order to fail; `times` counts down."""

    service: str
    operation: str
    times: int
    code: str
    status: int
    message: str
    delay: float
    body: str | None


class Faults:
    """The orders in force; cheap to ask when there are none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: deque[Fault] = deque()

    def add(self, document: dict[str, Any]) -> None:
        """Take an order.

        Raises:
            ServiceError: a field is unknown or missing.
        """
        unknown = sorted(set(document) - _FIELDS)
        if unknown or not isinstance(document.get("service"), str):
            raise ServiceError(
                "ValidationException", f"A fault has a service and any of {sorted(_FIELDS)}; not {unknown}"
            )
        body = document.get("body")
        order = Fault(
            service=document["service"],
            operation=str(document.get("operation", "*")),
            times=int(document.get("times", 1)),
            code=str(document.get("code", "")),
            status=int(document.get("status", 500 if document.get("code") else 200)),
            message=str(document.get("message", "Ordered by a fault")),
            delay=float(document.get("delay", 0)),
            body=None if body is None else str(body),
        )
        with self._lock:
            self._orders.append(order)

    def clear(self) -> None:
        """Forget every order."""
        with self._lock:
            self._orders.clear()

    def apply(self, service: str, operation: str) -> Response | None:
        """What to answer instead of running the operation, or None.

        Raises:
            ServiceError: the ordered failure.
        """
        if not self._orders:
            return None
        with self._lock:
            order = next((o for o in self._orders if o.service == service and o.operation in {operation, "*"}), None)
            if order is None:
                return None
            order.times -= 1
            if order.times <= 0:
                self._orders.remove(order)
        if order.delay:
            time.sleep(order.delay)
        if order.body is not None:
            return Response(order.body.encode(), order.status)
        if order.code:
            raise ServiceError(order.code, order.message, order.status)
        return None
