"""QueryVectors: the nearest vectors, by a vector, by texts or by both; and search by a text that is embedded first.

The service gives 100 vectors a page. An answer may hold less than was asked, because Lambda carries 6 MB and the caller
waits only so long: it then says how to go on (`next_token`), and the SQL functions go on until they have everything.
"""

import hashlib
import json
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import answers
import arguments as check
import cache
import embedding
import filters
import floats
import indexes
import scope as scopes
import service
from limits import Room, Vector, too_large
from protocol import BridgeError
from scope import Scope
from service import Session

MAX_SEARCH_TEXT_LENGTH = 50_000
"""What Titan takes; a model that takes less says so itself."""
SHARED = ("index_arn", "top_k", "return_metadata", "metadata_filter", "query_mode", "scope", "epoch")
"""The arguments of every query."""
_SKIP_DIGITS = 5

Texts = Sequence[tuple[str, str]]


class Template(NamedTuple):
    """All of a query but its vector: `head`, the vector's numbers, `tail`, and for a further page its token."""

    target: indexes.Index
    head: str
    tail: str
    top_k: int
    texts: bool
    metadata: bool
    scope: Scope | None

    def query(self, numbers: "array[float] | None") -> "Query":
        """The query by a vector, or by texts alone."""
        vector = "" if numbers is None else f',"queryVector":{{"float32":[{floats.text(numbers)}]}}'
        return Query(self, f"{self.head}{vector}{self.tail}".encode())


class Page(NamedTuple):
    """One answer of the service, without the vectors that an earlier answer of this function held."""

    vectors: list[Vector]
    metric: str
    asked: str | None
    """The token that led here."""
    skipped: int
    following: str | None
    """The next page's token; None when all vectors are there."""
    body: bytes


class Query(NamedTuple):
    """A query as it is sent. `body` is its JSON but for the last brace."""

    template: Template
    body: bytes

    def page(self, session: Session, token: str | None, skipped: int, metric: str | None) -> Page:
        """One page; the service wants every page's request alike, but for the token."""
        following = f',"nextToken":{json.dumps(token)}}}'.encode() if token else b"}"
        body = session.call(self.template.target, "QueryVectors", self.body + following)
        document = service.parsed(body)
        read = answers.scored if self.template.texts else answers.near
        vectors = read(document, metadata=self.template.metadata)
        if skipped > len(vectors):
            raise answers.contradiction("answered with another page than before")
        scope = self.template.scope
        if scope and self.template.metadata and not all(scope.sees(vector["metadata"]) for vector in vectors):
            raise answers.contradiction("answered with vectors that the filter excludes")
        metric = answers.metric(document, metric)
        return Page(vectors[skipped:], metric, token, skipped, answers.following(document, token), body)

    def kept_as(self, epoch: int | None, limit: int) -> bytes | None:
        """Where an answer from the first vector on is kept, or None when it is not."""
        return kept_as("query", self.template.target, epoch, self.template.scope, limit, self.body.decode())


def query_vectors(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """The top_k nearest vectors, best first.

    Arguments: index_arn, query_vector (base64 or null), query_texts (null or [{"key", "text"}]), top_k (1 to 10,000), limit (how
    many vectors this answer may hold), return_metadata, metadata_filter, query_mode, scope, epoch; to go on where an
    earlier answer ended, its next_token, and in received how many vectors came so far.
    Result: {"metric", "vectors": [{"key", "distance", "metadata"?, "fused"?, "bm25"?}], "next_token"}; next_token is null
    when all are there. With texts, distance is null for a vector that only the words found.
    """
    check.exactly(arguments, (*SHARED, "limit", "query_vector", "query_texts", "received", "next_token"))
    texts = check.query_texts(arguments)
    template = shared(arguments, texts)
    numbers = check.vector(arguments, "query_vector")
    if numbers is None and texts is None:
        raise check.invalid("query_vector and query_texts must not both be null")
    limit = check.integer(arguments, "limit", low=1, high=check.MAX_TOP_K)
    received = check.integer(arguments, "received", low=0, high=template.top_k - 1)
    token = check.token(arguments, longest=check.MAX_QUERY_TOKEN_LENGTH)
    epoch = check.epoch(arguments)
    query = template.query(numbers)
    if received or token:
        return _from(query, session, limit, received, token)
    return remembered(query.kept_as(epoch, limit), session, lambda: _from(query, session, limit, 0, None))


def search_text(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """The top_k nearest vectors to a text, which a model embeds.

    Arguments: those of query_vectors without query_vector, query_texts, received and next_token; text, model, dimension (or
    null), full_text_keys (null, or the metadata keys in which the same words are searched).
    Result: that of query_vectors, and "query_vector" in base64, with which query_vectors goes on.
    """
    check.exactly(arguments, (*SHARED, "limit", "text", "model", "dimension", "full_text_keys"))
    keys = check.full_text_keys(arguments)
    text = check.text(arguments, "text", check.MAX_QUERY_TEXT_LENGTH if keys else MAX_SEARCH_TEXT_LENGTH)
    model = check.text(arguments, "model", 256)
    dimension = None
    if arguments["dimension"] is not None:
        dimension = check.integer(arguments, "dimension", low=1, high=floats.MAX_DIMENSION)
    template = shared(arguments, [(key, text) for key in keys] if keys else None)
    limit = check.integer(arguments, "limit", low=1, high=check.MAX_TOP_K)

    def searched() -> dict[str, Any]:
        numbers = embedding.vector(session, template.target.region, model, text, dimension)
        answer = _from(template.query(numbers), session, limit, 0, None)
        return {**answer, "query_vector": floats.encoded(numbers)}

    request = json.dumps([template.head, template.tail, model, dimension, text])
    kept = kept_as("text", template.target, check.epoch(arguments), template.scope, limit, request)
    return remembered(kept, session, searched)


def pages(query: Query, session: Session, *, received: int = 0, place: str | None = None) -> Iterator[Page]:
    """The pages from a place on, until top_k vectors are there or the index has no more.

    Raises:
        BridgeError: ServiceContradiction when the pages do not fit together; the service's refusals.
    """
    token, skipped = _read(place)
    metric: str | None = None
    keys: set[str] = set()
    tokens = {token}
    while True:
        page = query.page(session, token, skipped, metric)
        received += len(page.vectors)
        if received > query.template.top_k:
            raise answers.contradiction("answered with more vectors than were asked for")
        answers.distinct((vector["key"] for vector in page.vectors), keys)
        if page.following is None or received == query.template.top_k:
            yield page._replace(following=None)
            return
        if page.following in tokens:
            raise answers.contradiction("answered with pages that lead in a circle")
        tokens.add(page.following)
        yield page
        token, skipped, metric = page.following, 0, page.metric


def remembered(kept: bytes | None, session: Session, asked: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is kept there, or else what the service says; kept then when it is complete, because tokens grow old."""
    if (known := recalled(kept, session)) is not None:
        return known[0]
    answer = asked()
    if answer["next_token"] is None:
        remember(kept, answer)
    return answer


def recalled(kept: bytes | None, session: Session) -> tuple[dict[str, Any], int] | None:
    """The answer that is kept there, and its bytes in an answer."""
    value = cache.get(kept) if kept else None
    if value is None:
        return None
    session.hit()
    return json.loads(value), len(value)


def remember(kept: bytes | None, answer: dict[str, Any]) -> None:
    """Keep a complete answer."""
    if kept:
        value = json.dumps(answer).encode()
        cache.put(kept, value, len(kept) + len(value))


def kept_as(
    kind: str, index: indexes.Index, epoch: int | None, scope: Scope | None, limit: int, request: str
) -> bytes | None:
    """The cache's key: everything that an answer depends on. The scope stands in it by itself, whatever the filter holds."""
    if epoch is None or not cache.enabled():
        return None
    tenants = scope.filter if scope else None
    return hashlib.sha256(json.dumps([kind, index.arn, epoch, tenants, limit, request]).encode()).digest()


def shared(arguments: dict[str, Any], texts: Texts | None = None) -> Template:
    """What an operation's arguments say about all of its queries. Raises BridgeError InvalidRequest or IndexNotAllowed."""
    index = indexes.requested(arguments)
    scope = scopes.requested(arguments)
    top_k = check.integer(arguments, "top_k", low=1, high=check.MAX_TOP_K)
    metadata = check.flag(arguments, "return_metadata")
    mode = check.mode(arguments)
    document = filters.joined(arguments, scope, mode)
    tail = [',"returnScores":true' if texts else ',"returnDistance":true']
    if texts:
        listed = [{"text": text, "metadataKey": key} for key, text in texts]
        tail.append(f',"queryTexts":{json.dumps(listed)}')
    if metadata:
        tail.append(',"returnMetadata":true')
    if document is not None:
        tail.append(f',"filter":{document}')
    if mode is not None:
        tail.append(f',"queryMode":"{mode}"')
    # An ARN is ASCII without quotes (indexes.parse).
    head = f'{{"indexArn":"{index.arn}","topK":{top_k}'
    return Template(index, head, "".join(tail), top_k, bool(texts), metadata, scope)


def _from(query: Query, session: Session, limit: int, received: int, place: str | None) -> dict[str, Any]:
    """The vectors from a place on, as many as the limit, Lambda, the time and the service allow."""
    room = Room()
    found: list[Vector] = []
    metric, following = "", None
    try:
        for page in pages(query, session, received=received, place=place):
            metric = page.metric
            before = room.left
            fits = room.take(page.vectors[: limit - len(found)], page.body)
            found += page.vectors[:fits]
            if fits < len(page.vectors):
                # A page can be asked for again: its token, or none for the first, and how much of it is answered.
                if not found:
                    raise too_large("one vector")
                following = _place(page.asked, page.skipped + fits)
                break
            following = None if page.following is None else _place(page.following, 0)
            # Another page like this one must fit, too.
            if found and (len(found) >= limit or before - room.left > room.left or not session.has_time()):
                break
    except BridgeError as error:
        if not found or not service.passing(error):
            raise
    return {"metric": metric, "vectors": found, "next_token": following}


def _place(token: str | None, skipped: int) -> str:
    return f"{skipped}:{token or ''}"


def _read(place: str | None) -> tuple[str | None, int]:
    if place is None:
        return None, 0
    digits, colon, token = place.partition(":")
    if not colon or not digits.isdecimal() or not digits.isascii() or len(digits) > _SKIP_DIGITS:
        raise check.invalid("next_token must be one of an earlier answer")
    return token or None, int(digits)
