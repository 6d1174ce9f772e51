"""Many queries in one invocation: asked side by side, answered in their order, each complete or not at all."""

import contextlib
from array import array
from collections.abc import Iterable
from typing import Any, NamedTuple

import answers
import arguments as check
import parallel
import queries
import service
from limits import Room, Vector
from protocol import BridgeError
from service import Session

_VECTORS_UNDER_WAY = 20_000
"""Vectors of all queries at once, because the function's memory holds them."""


class Ranking(NamedTuple):
    """The answer to one query: all of its vectors, or None when not all of them came in time and fit into an answer."""

    vectors: list[Vector] | None
    metric: str
    size: int


def query_vectors_batch(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """The top_k nearest vectors of each of many vectors.

    Arguments: index_arn, query_vectors (1 to 1000, base64, of one dimension), top_k, return_metadata, metadata_filter,
    query_mode, scope, epoch: alike for all.
    Result: {"metric", "results": [[{"key", "distance", "metadata"?}] of each query], "taken": n}: complete results of the first
    n queries, as many as fit and the time allows. n is 0 when the first alone does not fit, or takes too long: query_vectors
    gives it in parts.
    A query that fails fails the batch, and is named by its number, from 1.
    """
    check.exactly(arguments, (*queries.SHARED, "query_vectors"))
    template = queries.shared(arguments)
    vectors = check.vectors(arguments, "query_vectors")
    batch = _Batch(template, session, check.epoch(arguments))
    asked = parallel.ordered(batch.ranking, list(enumerate(vectors, start=1)), batch.width)
    with contextlib.closing(asked):
        batch.collect(asked)
    return {"metric": batch.metric, "results": batch.results, "taken": len(batch.results)}


class _Batch:
    def __init__(self, template: queries.Template, session: Session, epoch: int | None) -> None:
        self.template = template
        self.session = session
        self.epoch = epoch
        self.room = Room()
        self.results: list[list[Vector]] = []
        self.metric: str | None = None
        self.ended = False
        self._first = min(parallel.concurrency(), max(1, _VECTORS_UNDER_WAY // template.top_k))

    def collect(self, asked: Iterable[Ranking]) -> None:
        """Take the results in order, until one does not fit or the time is over."""
        try:
            for ranking in asked:
                self.metric = self.metric or ranking.metric
                if ranking.metric != self.metric:
                    raise answers.contradiction("answered with two distance metrics")
                if ranking.vectors is None or ranking.size > self.room.left:
                    return
                self.room.left -= ranking.size
                self.results.append(ranking.vectors)
        except BridgeError as error:
            # What is complete is answered, and the caller asks for the rest.
            if not self.results or not service.passing(error):
                raise
        finally:
            self.ended = True

    def width(self) -> int:
        """How many queries may be under way: no more than will fit, by the average of those answered."""
        if not self.results:
            return self._first
        return min(self._first, self.room.further(len(self.results))) if self.session.has_time() else 0

    def ranking(self, numbered: "tuple[int, array[float]]") -> Ranking:
        """One query, page after page. Runs in a thread of its own."""
        number, numbers = numbered
        query = self.template.query(numbers)
        kept = query.kept_as(self.epoch, self.template.top_k)
        try:
            return self._ranking(query, kept)
        except BridgeError as error:
            message = f"query {number}: {error.message}"
            raise BridgeError(error.code, message, retryable=error.retryable, request_id=error.request_id) from error

    def _ranking(self, query: queries.Query, kept: bytes | None) -> Ranking:
        if (known := queries.recalled(kept, self.session)) is not None:
            answer, size = known
            return Ranking(answer["vectors"], answer["metric"], size)
        room = Room()
        found: list[Vector] = []
        metric = ""
        try:
            for page in queries.pages(query, self.session):
                metric = page.metric
                late = page.following is not None and not self.session.has_time()
                if self.ended or late or room.take(page.vectors, page.body) < len(page.vectors):
                    return Ranking(None, metric, 0)
                found += page.vectors
        except BridgeError as error:
            if not found or not service.passing(error):
                raise
            return Ranking(None, metric, 0)
        queries.remember(kept, {"metric": metric, "vectors": found, "next_token": None})
        return Ranking(found, metric, room.used)
