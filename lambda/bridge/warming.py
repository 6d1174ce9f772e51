"""Connections to where the first calls will go, opened while the rest is imported.

Reading the CA bundle and waiting for handshakes leave the interpreter free, so begun first, they cost little time. What fails
is left to the first call, which says why. It begins when this module is imported; `wait` is for the end of the imports.
"""

import threading
import time

import connections
import endpoints
import indexes
from protocol import BridgeError

SECONDS = 0.5
"""How long a start waits for its connections: Lambda may stop the environment right after it, in the midst of a handshake."""


def wait() -> None:
    """Until all are open, or a moment."""
    until = time.monotonic() + SECONDS
    for opening in _openings:
        opening.join(max(0.0, until - time.monotonic()))


def _regions() -> set[str]:
    try:
        return {index.region for index in indexes.allowed().values()}
    except BridgeError:  # told to each caller instead
        return set()


def _open(region: str) -> None:
    try:
        pool = connections.pool(endpoints.url("s3vectors", region))
        pool.keep(pool.open(SECONDS))
    except (*connections.FAILURES, ValueError):
        return


def _begun() -> list[threading.Thread]:
    openings = [threading.Thread(target=_open, args=[region], daemon=True) for region in sorted(_regions())]
    for opening in openings:
        opening.start()
    return openings


_openings = _begun()
