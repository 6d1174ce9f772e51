"""Asking an HTTP endpoint of the VPC, with its bearer token where it wants one."""

import threading
import time
from urllib.parse import urlsplit

from embedder import secret, signing, transport
from embedder.endpoints import VARIABLE, Endpoint, admitted, origin
from embedder.errors import SettingsError

KEPT_SECONDS = 300.0
"""How long a token is used before its secret is read again; after one that is refused it is read again at once."""
_REFUSED = frozenset({401, 403})


def asked(url: str, body: bytes, seconds: float) -> transport.Reply:
    """One POST of JSON, with the endpoint's token. A token that is refused is asked for again, for it may have been changed.

    Raises:
        SettingsError: the origin is not admitted.
        CallError: its token cannot be read.
        OSError, HTTPError, HTTPException: connections.FAILURES.
    """
    parts = urlsplit(url)
    endpoint = admitted().get(origin(url))
    if endpoint is None:
        raise SettingsError(f"the worker may not ask this origin ({VARIABLE})")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    bearer = _token(endpoint)
    reply = _sent(endpoint, target, body, bearer, seconds)
    if bearer and reply.status in _REFUSED and (newer := _token(endpoint, refused=bearer)) != bearer:
        reply = _sent(endpoint, target, body, newer, seconds)
    return reply


def _sent(endpoint: Endpoint, target: str, body: bytes, bearer: str, seconds: float) -> transport.Reply:
    headers = {"Content-Type": "application/json", "User-Agent": signing.USER_AGENT}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    return transport.exchange(endpoint.origin, target, body, headers, seconds, roots=endpoint.ca)


_tokens: dict[str, tuple[str, float]] = {}
_reading = threading.Lock()


def _token(endpoint: Endpoint, refused: str = "") -> str:
    """Kept, unless it is old or the one that was refused; empty when there is none. Thread-safe. Raises CallError."""
    if not endpoint.secret:
        return ""
    with _reading:
        kept = _tokens.get(endpoint.secret)
        if kept is None or kept[0] == refused or time.monotonic() - kept[1] >= KEPT_SECONDS:
            kept = _tokens[endpoint.secret] = (secret.token(endpoint.secret), time.monotonic())
        return kept[0]
