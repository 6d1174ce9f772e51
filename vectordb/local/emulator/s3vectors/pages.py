"""Page tokens. A listing's token carries its position; a query's names a ranking that is kept for a few minutes.

So the pages of one query fit together whatever is written meanwhile, as one ranking cut into pieces.
"""

import base64
import binascii
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

from vectordb.local.emulator.s3vectors.parameters import invalid
from vectordb.local.emulator.s3vectors.search import Hit

QUERY_PAGE = 100
_LIFETIME = 300.0
"""Seconds; AWS says several minutes."""
_MOST_RANKINGS = 128


def encode_position(position: str) -> str:
    """A listing's token."""
    return base64.urlsafe_b64encode(position.encode()).decode()


def decode_position(token: str) -> str:
    """The position in a listing's token."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid("nextToken", "The nextToken is not valid") from error


class Rankings:
    """Results of queries that have further pages."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, bytes, Sequence[Hit]]] = OrderedDict()

    def first(self, request: bytes, hits: Sequence[Hit]) -> tuple[Sequence[Hit], str]:
        """The first page and the token of the next, empty when there is none.

        Args:
            request: a digest of the parameters that a token is bound to.
            hits: the whole ranking.
        """
        if len(hits) <= QUERY_PAGE:
            return hits, ""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._kept[name] = (time.monotonic() + _LIFETIME, request, hits)
            while len(self._kept) > _MOST_RANKINGS:
                self._kept.popitem(last=False)
        return hits[:QUERY_PAGE], encode_position(f"{name}.{QUERY_PAGE}")

    def following(self, request: bytes, token: str) -> tuple[Sequence[Hit], str]:
        """A later page and the token of the one after it."""
        name, _, offset = decode_position(token).rpartition(".")
        with self._lock:
            expires, owner, hits = self._kept.get(name, (0.0, b"", ()))
        if expires < time.monotonic() or not offset.isdecimal():
            raise invalid("nextToken", "The nextToken is not valid or has expired; start the query again")
        if owner != request:
            raise invalid(
                "nextToken",
                "The nextToken belongs to another query: index, queryVector, queryTexts, topK, filter and queryMode must be repeated unchanged",
            )
        start = int(offset)
        end = start + QUERY_PAGE
        return hits[start:end], encode_position(f"{name}.{end}") if end < len(hits) else ""
