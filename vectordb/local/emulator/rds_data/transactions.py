"""Transactions: a connection each, which ends with them or three minutes after the last call."""

import contextlib
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Connection

from vectordb.local.emulator.rds_data.clusters import Cluster
from vectordb.local.emulator.wire import ServiceError

_REMEMBERED = 1000  # ids of transactions that are over, for the reason that AWS gives


@dataclass(eq=False)
class Transaction:
    """One transaction. `busy` is held while a statement runs in it, also by one that has outlived its call."""

    cluster: Cluster
    connection: Connection[Any]
    busy: threading.Lock = field(default_factory=threading.Lock)
    used: float = field(default_factory=time.monotonic)


class Transactions:
    """Those that are open; a thread ends what nobody continues."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Transaction] = {}
        self._over: dict[str, str] = {}
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closing = False

    def add(self, cluster: Cluster, connection: Connection[Any]) -> str:
        """Take a connection in whose transaction has begun; the transaction's id."""
        name = f"{uuid.uuid4().hex}{uuid.uuid4().hex}"
        with self._lock:
            self._open[name] = Transaction(cluster, connection)
            if self._thread is None:
                self._thread = threading.Thread(target=self._expire, name="data-api-transactions", daemon=True)
                self._thread.start()
        self._wake.set()
        return name

    def take(self, name: str, cluster: Cluster) -> Transaction:
        """The transaction, with `busy` held.

        Raises:
            ServiceError: it is over or runs a statement.
        """
        with self._lock:
            found = self._open.get(name)
            over = self._over.get(name, "Transaction may be expired.")
        if found is None or found.cluster.arn != cluster.arn:
            raise ServiceError("TransactionNotFoundException", f"Transaction {name} is not found. {over}", 404)
        found.used = time.monotonic()
        if not found.busy.acquire(blocking=False):
            raise ServiceError("DatabaseErrorException", "Transaction is still running a query")
        return found

    def end(self, name: str, why: str) -> None:
        """Forget a transaction and close its connection, which rolls back what was not committed."""
        with self._lock:
            found = self._open.pop(name, None)
            self._over[name] = why
            while len(self._over) > _REMEMBERED:
                del self._over[next(iter(self._over))]
        if found is not None:
            with contextlib.suppress(psycopg.Error):
                found.connection.close()

    def close(self) -> None:
        """End them all."""
        self._closing = True
        self._wake.set()
        for name in list(self._open):
            self.end(name, "Transaction may be expired.")

    def _expire(self) -> None:
        while not self._closing:
            now = time.monotonic()
            with self._lock:
                waiting = {name: one.used + one.cluster.idle_seconds - now for name, one in self._open.items()}
            for name, left in waiting.items():
                found = self._open.get(name)
                # One that is busy is used.
                if left <= 0 and found is not None and found.busy.acquire(blocking=False):
                    self.end(name, "Transaction may be expired.")
            pauses = [left for left in waiting.values() if left > 0]
            self._wake.wait(min([*pauses, 1.0]) if waiting else None)
            self._wake.clear()
