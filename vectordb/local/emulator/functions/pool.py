"""Warm workers: which are idle, how many may run, and one started beforehand for a published alias."""

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vectordb.local.emulator.functions.deployed import Deployed
from vectordb.local.emulator.functions.errors import too_many
from vectordb.local.emulator.functions.worker import Reply, Worker
from vectordb.local.emulator.wire import ServiceError

INITIALISATION_SECONDS = 10.0
"""What Lambda allows for loading a function before it charges the call's own timeout."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Lease:
    """A worker for one call. `failed` says how its start failed; `usable` decides whether it is kept."""

    worker: Worker
    failed: Reply | None = None
    started_in: float | None = None
    """Seconds that its start took, when this call waited for it."""
    usable: bool = True


@dataclass(slots=True)
class _Idle:
    worker: Worker
    since: float


class Pool:
    """Thread-safe.

    Args:
        start: makes a worker for a version.
        most: how many calls run at once, over all functions.
    """

    def __init__(self, start: Callable[[Deployed], Worker], *, most: int) -> None:
        self._start = start
        self._most = most
        self._lock = threading.Lock()
        self._idle: dict[Deployed, list[_Idle]] = {}
        self._busy: Counter[str] = Counter()
        self._warming: dict[Deployed, threading.Event] = {}
        self._all: set[Worker] = set()
        self._closed = False

    @contextlib.contextmanager
    def lease(self, deployed: Deployed) -> Iterator[Lease]:
        """A worker for the length of the block.

        Raises:
            ServiceError: TooManyRequestsException when as many calls run as may.
        """
        self._enter(deployed)
        try:
            lease = self._idle_or_new(deployed)
            try:
                yield lease
            except BaseException:
                lease.usable = False
                raise
            finally:
                self._give_back(deployed, lease)
        finally:
            with self._lock:
                self._busy[deployed.name] -= 1

    def warm(self, deployed: Deployed) -> None:
        """Have one worker ready. A call that comes meanwhile waits for it instead of starting another."""
        with self._lock:
            if self._closed or self._idle.get(deployed) or deployed in self._warming:
                return
            done = self._warming[deployed] = threading.Event()
        try:
            lease = self._new(deployed)
            self._give_back(deployed, lease)
        except (OSError, ServiceError) as error:
            _log.warning("%s could not be started beforehand: %s", deployed.name, error)
        finally:
            with self._lock:
                del self._warming[deployed]
            done.set()

    def close(self) -> None:
        """End every worker, busy or idle."""
        with self._lock:
            self._closed = True
            workers = list(self._all)
        for worker in workers:
            worker.end()

    def _enter(self, deployed: Deployed) -> None:
        with self._lock:
            if deployed.reserved is not None and self._busy[deployed.name] >= deployed.reserved:
                raise too_many("ReservedFunctionConcurrentInvocationLimitExceeded")
            if self._busy.total() >= self._most:
                raise too_many("ConcurrentInvocationLimitExceeded")
            self._busy[deployed.name] += 1

    def _idle_or_new(self, deployed: Deployed) -> Lease:
        while True:
            with self._lock:
                stale = self._take_stale(deployed)
                waiting = self._idle.get(deployed)
                found = waiting.pop() if waiting else None
                warming = self._warming.get(deployed)
            for idle in stale:
                self._kill(idle.worker)
            if found is None and warming is None:
                return self._new(deployed)
            if found is None and warming is not None:
                warming.wait()
            elif found is not None and found.worker.running:
                return Lease(found.worker)
            elif found is not None:
                self._kill(found.worker)

    def _take_stale(self, deployed: Deployed) -> list[_Idle]:
        """Idle workers of the same version with other code or configuration, and the oldest when there are too many."""
        replaced = [other for other in self._idle if other != deployed and other.identity == deployed.identity]
        stale = [idle for other in replaced for idle in self._idle.pop(other)]
        idle = sorted(((idles[0].since, key) for key, idles in self._idle.items() if idles), key=lambda pair: pair[0])
        too_many_by = sum(len(idles) for idles in self._idle.values()) - self._most
        return stale + [self._idle[key].pop(0) for _, key in idle[: max(0, too_many_by)]]

    def _new(self, deployed: Deployed) -> Lease:
        begun = time.monotonic()
        worker = self._start(deployed)
        with self._lock:
            closed = self._closed
            self._all.add(worker)
        if closed:
            self._kill(worker)
            raise too_many("CallerRateLimitExceeded")
        reply = worker.initialise(INITIALISATION_SECONDS + deployed.timeout)
        lease = Lease(worker, started_in=time.monotonic() - begun)
        if reply.kind != "ready":
            lease.failed = reply
            lease.usable = False
        return lease

    def _give_back(self, deployed: Deployed, lease: Lease) -> None:
        if not lease.usable:
            self._kill(lease.worker)
            return
        with self._lock:
            kept = not self._closed
            if kept:
                self._idle.setdefault(deployed, []).append(_Idle(lease.worker, time.monotonic()))
        if not kept:
            self._kill(lease.worker)

    def _kill(self, worker: Worker) -> None:
        with self._lock:
            ours = worker in self._all
            self._all.discard(worker)
        if ours:
            worker.kill()
