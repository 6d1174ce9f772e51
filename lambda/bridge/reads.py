"""GetVectors and ListVectors: vectors by key, and page by page.

A vector outside of the scope is as if it were not there. The scope is read from metadata, which is asked for then and
answered only when it was wanted.
"""

import contextlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import answers
import arguments as check
import floats
import indexes
import parallel
import scope as scopes
import service
from limits import Room, Vector, too_large
from protocol import BridgeError
from scope import Scope
from service import Session

GET_CHUNK = 100
"""Keys that GetVectors takes at once."""


class Page(NamedTuple):
    """One answer of the service: each vector, or None where there is none for the caller."""

    vectors: list[Vector | None]
    body: bytes
    following: str | None = None


class Reader(NamedTuple):
    """Reads vectors of an index, within a scope."""

    target: indexes.Index
    session: Session
    data: bool
    metadata: bool
    scope: Scope | None

    @property
    def _describes(self) -> bool:
        """Whether the service is asked for metadata: the scope is read from it."""
        return self.metadata or self.scope is not None

    def by_keys(self, keys: Sequence[str]) -> Page:
        """The vectors of at most 100 keys, in the keys' order."""
        document, body = self._asked("GetVectors", f'"keys":{json.dumps(keys)}')
        vectors = {vector["key"]: vector for vector in self._stored(document)}
        if not vectors.keys() <= set(keys):
            raise answers.contradiction("answered with a key that was not asked for")
        return Page([self._mine(vectors.get(key)) for key in keys], body)

    def page(self, most: int, token: str | None, segment: tuple[int, int] | None = None) -> Page:
        """A page of at most `most` vectors, of the whole index or of segment (index, count)."""
        what = f'"maxResults":{most}'
        if segment is not None:
            what += f',"segmentIndex":{segment[0]},"segmentCount":{segment[1]}'
        if token is not None:
            what += f',"nextToken":{json.dumps(token)}'
        document, body = self._asked("ListVectors", what)
        vectors = self._stored(document)
        if len(vectors) > most:
            raise answers.contradiction("answered with more vectors than were asked for")
        return Page([self._mine(vector) for vector in vectors], body, answers.following(document, token))

    def _asked(self, operation: str, what: str) -> tuple[dict[str, Any], bytes]:
        shown = f"{what}{_flag('returnData', wanted=self.data)}{_flag('returnMetadata', wanted=self._describes)}"
        # An ARN is ASCII without quotes (indexes.parse).
        request = f'{{"indexArn":"{self.target.arn}",{shown}}}'.encode()
        body = self.session.call(self.target, operation, request)
        if self.data:
            body = floats.as_text(body)
        return service.parsed(body), body

    def _stored(self, document: dict[str, Any]) -> list[Vector]:
        return answers.stored(document, data=self.data, metadata=self._describes)

    def _mine(self, vector: Vector | None) -> Vector | None:
        if vector is None or self.scope is None:
            return vector
        if not self.scope.sees(vector["metadata"]):
            return None
        if not self.metadata:
            del vector["metadata"]
        return vector


def reader(arguments: dict[str, Any], session: Session) -> Reader:
    """What the arguments index_arn, return_data, return_metadata and scope say. Raises BridgeError."""
    return Reader(
        indexes.requested(arguments),
        session,
        check.flag(arguments, "return_data"),
        check.flag(arguments, "return_metadata"),
        scopes.requested(arguments),
    )


def get_vectors(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """The vectors of some keys.

    Arguments: index_arn, keys (1 to 10,000, distinct), return_data, return_metadata, scope.
    Result: {"vectors": [{"key", "data"? as text, "metadata"?}], "taken": n}: the vectors that exist among the first n keys,
    in the keys' order. n is at least 1; the caller asks again for the rest.
    """
    check.exactly(arguments, ("index_arn", "keys", "return_data", "return_metadata", "scope"))
    source = reader(arguments, session)
    keys = check.keys(arguments, "keys")
    chunks = [keys[start : start + GET_CHUNK] for start in range(0, len(keys), GET_CHUNK)]
    getting = _Getting(session)
    pages = parallel.ordered(source.by_keys, chunks, getting.width)
    with contextlib.closing(pages):
        getting.collect(pages)
    return {"vectors": getting.found, "taken": getting.taken}


class _Getting:
    """Chunk after chunk, until one does not fit or the time is over."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.room = Room()
        self.found: list[Vector] = []
        self.taken = self.pages = 0

    def width(self) -> int:
        """How many chunks may be under way: one until its size is known, then no more than will fit."""
        if self.pages == 0:
            return 1
        return min(parallel.concurrency(), self.room.further(self.pages)) if self.session.has_time() else 0

    def collect(self, pages: Iterable[Page]) -> None:
        try:
            for page in pages:
                fits = self.room.take(page.vectors, page.body)
                if self.taken + fits == 0:
                    raise too_large("one vector")
                self.found += [vector for vector in page.vectors[:fits] if vector]
                self.taken += fits
                self.pages += 1
                if fits < len(page.vectors):
                    return
        except BridgeError as error:
            # What is there is answered, and the caller asks for the rest.
            if not self.taken or not service.passing(error):
                raise


def list_vectors(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """One page of the index.

    Arguments: index_arn, max_results (1 to 1000), next_token (or null), return_data, return_metadata, scope.
    Result: {"vectors": [{"key", "data"? as text, "metadata"?}], "next_token"}, null at the end. A page may hold less than
    max_results; it holds none only at the end, or when the time was over before the scope's first vector.
    """
    check.exactly(arguments, ("index_arn", "max_results", "next_token", "return_data", "return_metadata", "scope"))
    source = reader(arguments, session)
    limit = check.integer(arguments, "max_results", low=1, high=check.MAX_PAGE)
    token = check.token(arguments)
    found: list[Vector] = []
    tokens = {token}
    room, most = Room(), limit
    while True:
        before = room.left
        try:
            page = source.page(most, token)
        except BridgeError as error:
            # Pages lie behind this answer already when the token is another: go on from there.
            if token == arguments["next_token"] or not service.passing(error):
                raise
            return {"vectors": found, "next_token": token}
        fits = room.take(_leading(page.vectors, limit - len(found)), page.body)
        if fits < len(page.vectors):
            # The page's token points behind all of it. Leave it to the next request, or ask for that much only.
            if found:
                return {"vectors": found, "next_token": token}
            if fits == 0:
                raise too_large("one vector")
            room, most = Room(), fits
            continue
        found += [vector for vector in page.vectors if vector]
        token = page.following
        if token in tokens and token is not None:
            raise answers.contradiction("answered with pages that lead in a circle")
        tokens.add(token)
        # Without a scope one page is enough. Within one, pages may hold few vectors of it or none: go on, in larger steps.
        full = source.scope is None or len(found) == limit or before - room.left > room.left
        late = (found or source.scope is not None) and not session.has_time()
        if token is None or (found and full) or late:
            return {"vectors": found, "next_token": token}
        most = min(2 * most, check.MAX_PAGE)


def _leading(vectors: Sequence[Vector | None], limit: int) -> Sequence[Vector | None]:
    """The longest beginning that holds at most `limit` vectors."""
    for position, vector in enumerate(vectors):
        if vector is not None:
            if limit == 0:
                return vectors[:position]
            limit -= 1
    return vectors


def _flag(name: str, *, wanted: bool) -> str:
    return f',"{name}":true' if wanted else ""
