"""ListVectors of a whole index: its segments are read side by side, in rounds that fill one answer."""

import contextlib
from typing import Any, NamedTuple

import answers
import arguments as check
import parallel
import reads
import service
from limits import Room, Vector, too_large
from protocol import BridgeError
from service import Session

_FIRST_BYTES = 20_000
"""What a vector with its data is thought to take, until the first round has shown it."""
_FIRST_BYTES_PLAIN = 2_000
"""The same without its data."""
_USED_UP = 4
"""A further round begins only when this part of the answer is free."""


class Segment(NamedTuple):
    """A part of the index, and where to go on in it."""

    number: int
    token: str | None


def list_segments(arguments: dict[str, Any], session: Session) -> dict[str, Any]:
    """The next vectors of each of some segments.

    Arguments: index_arn, segment_count (1 to 16), segments ([{"index", "next_token"}]: those still to be listed, null at a
    segment's beginning), return_data, return_metadata, scope.
    Result: {"vectors": [{"key", "data"? as text, "metadata"?}], "segments": [{"index", "next_token"}]}: the segments that have
    more; none at the end. Vectors may be none before the end.
    """
    check.exactly(arguments, ("index_arn", "segment_count", "segments", "return_data", "return_metadata", "scope"))
    source = reads.reader(arguments, session)
    count = check.integer(arguments, "segment_count", low=1, high=check.MAX_SEGMENTS)
    listing = _Listing(source, count, _segments(arguments, count))
    while listing.round():
        pass
    return {
        "vectors": listing.found,
        "segments": [{"index": segment.number, "next_token": segment.token} for segment in listing.open],
    }


class _Listing:
    def __init__(self, source: reads.Reader, count: int, segments: list[Segment]) -> None:
        self.source = source
        self.count = count
        self.open = segments
        self.found: list[Vector] = []
        self.room = Room()
        self._tokens = {(segment.number, segment.token) for segment in segments}
        self._read = 0
        self._cap = check.MAX_PAGE

    def round(self) -> bool:
        """One page of each open segment, as large as will fit; whether another round is worth it."""
        most = self._most()
        still, complete = self._pages(most)
        moved = still != self.open
        self.open = still
        if not complete and not moved and not self.found:
            # Not even one page fitted: the vectors are larger than thought.
            if most == 1:
                raise too_large("one vector")
            self._cap = max(1, most // _USED_UP)
            return True
        return (
            bool(still) and complete and self.room.left > self.room.most // _USED_UP and self.source.session.has_time()
        )

    def _pages(self, most: int) -> tuple[list[Segment], bool]:
        """What is open after a page of each segment, and whether all of these pages are in the answer."""

        def page(segment: Segment) -> reads.Page:
            return self.source.page(most, segment.token, (segment.number, self.count))

        still: list[Segment] = []
        complete, reached = True, 0
        try:
            with contextlib.closing(parallel.ordered(page, self.open, lambda: check.MAX_SEGMENTS)) as pages:
                for segment, answer in zip(self.open, pages, strict=True):
                    before = self.room.left
                    if self.room.take(answer.vectors, answer.body) < len(answer.vectors):
                        # It does not fit as a whole: it is read again, into the next answer.
                        self.room.left = before
                        complete = False
                        still.append(segment)
                    else:
                        still += self._taken(segment, answer)
                    reached += 1
        except BridgeError as error:
            if not service.passing(error) or not (self.found or still != self.open[:reached]):
                raise
            return still + self.open[reached:], False
        return still, complete

    def _taken(self, segment: Segment, answer: reads.Page) -> list[Segment]:
        """Take a page's vectors; where the segment goes on, or nothing at its end."""
        self._read += len(answer.vectors)
        self.found += [vector for vector in answer.vectors if vector]
        if answer.following is None:
            return []
        self._advance(segment, answer.following)
        return [segment._replace(token=answer.following)]

    def _advance(self, segment: Segment, token: str) -> None:
        if (segment.number, token) in self._tokens:
            raise answers.contradiction("answered with pages that lead in a circle")
        self._tokens.add((segment.number, token))

    def _most(self) -> int:
        """How many vectors a page may have, so that those of all segments fit."""
        guess = _FIRST_BYTES if self.source.data else _FIRST_BYTES_PLAIN
        average = self.room.used // self._read if self._read else guess
        return max(1, min(self._cap, self.room.left // (max(average, 1) * len(self.open))))


def _segments(arguments: dict[str, Any], count: int) -> list[Segment]:
    value = arguments.get("segments")
    if not isinstance(value, list) or not 1 <= len(value) <= count:
        raise check.invalid(f"segments must be an array of 1 to {count} segments")
    found: list[Segment] = []
    for position, item in enumerate(value):
        name = f"segments[{position}]"
        if not isinstance(item, dict) or item.keys() != {"index", "next_token"}:
            raise check.invalid(f"{name} must be an object of index and next_token")
        index = item["index"]
        if type(index) is not int or not 0 <= index < count:
            raise check.invalid(f"{name}.index must be an integer from 0 to {count - 1}")
        token = item["next_token"]
        found.append(Segment(index, None if token is None else check.text(item, "next_token", check.MAX_TOKEN_LENGTH)))
    if len({segment.number for segment in found}) != len(found):
        raise check.invalid("segments must be distinct")
    return found
