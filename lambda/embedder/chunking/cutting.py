"""One pass over a text: each chunk as long as it may be, ended at the strongest place of its second half.

A text that was cut before keeps the chunks that an edit left as they are, in front of it and behind it; what lies between is cut anew,
into one chunk or two where it fits them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

from embedder.chunking import anchors, graphemes, measures, places
from embedder.chunking.measures import Measure
from embedder.chunking.plan import Plan
from embedder.limits import Limits


class Chunk(NamedTuple):
    """text[begin:end]; without overlap, begin is where the chunk before ended."""

    text: str
    begin: int
    start: int
    """Where it goes on from the chunk before: text[start:end] of all chunks, put together, is the whole text."""
    end: int


class Stored(NamedTuple):
    """A chunk that is stored, with its vector."""

    hash: str
    length: int
    """In characters of Unicode."""


class Before(NamedTuple):
    """How a text was cut when it was embedded last."""

    stored: Sequence[Stored]
    """In their order."""
    digest: Callable[[str], str]
    """The hash that a chunk has."""


class TooLongError(Exception):
    """A text that has to stay whole and is longer than the model takes."""


def chunks(text: str, plan: Plan, limits: Limits, before: Before | None = None) -> list[Chunk]:
    """A text in chunks, none larger than the plan's size or the model's limits; none for an empty text.

    Args:
        text: any text.
        plan: how to cut it.
        limits: the model's, less what the template adds.
        before: the chunks to keep where the text still has them; they need no embedding.

    Raises:
        TooLongError: method `none` without `truncate`, and more than the model takes.
    """
    bounds = _bounds(text, plan, limits)
    if plan.method == "none":
        return _whole(text, plan, bounds)
    if text and _reach(text, bounds, 0) == len(text):  # most rows
        return [Chunk(text, 0, 0, len(text))]
    cutter = _Cutter.of(text, plan, bounds)
    return cutter.kept(before) if before and before.stored else cutter.filled(0, len(text))


def _bounds(text: str, plan: Plan, limits: Limits) -> list[Measure]:
    """The plan's own first, where it has a size."""
    bounds = []
    if plan.size:
        bounds.append(measures.tokens(text, plan.size) if plan.unit == "tokens" else measures.characters(plan.size))
    bounds.append(measures.characters(limits.characters))
    # No character is more than four of anything, and four times a short text is still short.
    if len(text) * 4 > limits.tokens:
        bounds.append(measures.tokens(text, limits.tokens))
    if len(text) * 4 > limits.bytes:
        bounds.append(measures.octets(text, limits.bytes))
    return bounds


def _reach(text: str, bounds: list[Measure], begin: int) -> int:
    """The furthest end of a chunk; always beyond `begin`, by a character that is too large if need be."""
    return max(begin + 1, min(len(text), *(bound.reach(begin) for bound in bounds)))


def _whole(text: str, plan: Plan, bounds: list[Measure]) -> list[Chunk]:
    if not text:
        return []
    reach = _reach(text, bounds, 0)
    if reach < len(text):
        if not plan.truncate:
            raise TooLongError
        reach = graphemes.cut_at_or_before(text, reach, 0)
    return [Chunk(text[:reach], 0, 0, reach)]


class _Cutter(NamedTuple):
    text: str
    plan: Plan
    bounds: list[Measure]
    found: places.Places
    positions: list[int]
    """The places of `found`, in order."""
    fixed: list[int]
    """The anchors among them."""

    @classmethod
    def of(cls, text: str, plan: Plan, bounds: list[Measure]) -> "_Cutter":
        found = places.of(plan.method, text)
        usual = min(_reach(text, bounds, 0), len(text))
        return cls(text, plan, bounds, found, sorted(found), anchors.of(text, found, usual))

    def filled(self, start: int, stop: int) -> list[Chunk]:
        """text[start:stop] in chunks that end at anchors, or else as late as they may."""
        result: list[Chunk] = []
        while start < stop:
            begin, reach = self._room(start)
            result.append(self._chunk(begin, start, self._end(start, min(reach, stop), stop)))
            start = result[-1].end
        return result

    def kept(self, before: Before) -> list[Chunk]:
        """The whole text, with the chunks of before that it still begins and ends with."""
        front = self._ahead(before)
        start = front[-1].end if front else 0
        back = self._back(Before(before.stored[len(front) :], before.digest), start)
        stop = back[0].start if back else len(self.text)
        # One chunk is embedded either way; chunks that only grew fewer would not fill up again.
        if start < stop and front and self._room(front[-1].start)[1] >= stop:
            start = front.pop().start
        elif start < stop and back and self._room(start)[1] >= back[0].end:
            stop = back.pop(0).end
        return [*front, *self._between(start, stop), *back]

    def _room(self, start: int) -> tuple[int, int]:
        """Where a chunk that goes on at `start` begins, and how far it may reach."""
        begin = self._begin(start)
        reach = _reach(self.text, self.bounds, begin)
        if reach <= start:  # what is repeated leaves no room beside one large character
            begin, reach = start, _reach(self.text, self.bounds, start)
        return begin, reach

    def _chunk(self, begin: int, start: int, end: int) -> Chunk:
        return Chunk(self.text[begin:end], begin, start, end)

    def _begin(self, start: int) -> int:
        """Where a chunk's repetition of the text before it begins: at a word, if there is one."""
        if not self.plan.overlap or not start:
            return start
        earliest = self.bounds[0].back(start, measures.thirds(self.plan.unit, self.plan.overlap))
        if self.positions:
            index = bisect_left(self.positions, earliest)
            if (
                index < len(self.positions)
                and self.positions[index] < start
                and graphemes.may_cut(self.text, self.positions[index])
            ):
                return self.positions[index]
        return graphemes.cut_at_or_after(self.text, earliest, start)

    def _end(self, start: int, reach: int, stop: int) -> int:
        index = bisect_right(self.fixed, start)
        if index < len(self.fixed) and self.fixed[index] <= reach:
            return self.fixed[index]
        if reach == stop:
            return reach
        # A chunk that ends early costs another; only of whole sentences is it wanted.
        for lowest in (start,) if self.plan.method == "sentence" else (start + (reach - start) // 2, start):
            if safe := self._safe(lowest, reach):
                return max(safe, key=lambda place: (self.found[place], place))
        return graphemes.cut_at_or_before(self.text, reach, start)

    def _safe(self, lowest: int, highest: int) -> list[int]:
        """The places behind `lowest`, up to `highest`, that cut no character in two."""
        candidates = self.positions[bisect_right(self.positions, lowest) : bisect_right(self.positions, highest)]
        return [place for place in candidates if graphemes.may_cut(self.text, place)]

    def _ahead(self, before: Before) -> list[Chunk]:
        """The first chunks of before that the text begins with."""
        result: list[Chunk] = []
        start = 0
        for stored in before.stored:
            begin, reach = self._room(start)
            end = begin + stored.length
            if not (start < end <= reach and self._is(stored, begin, end, before)):
                break
            result.append(self._chunk(begin, start, end))
            start = end
        return result

    def _back(self, before: Before, start: int) -> list[Chunk]:
        """The last chunks of before that the text ends with, none of which goes on before `start`."""
        taken: list[tuple[int, int]] = []
        ends = [len(self.text)]
        for stored in reversed(before.stored):
            end = next((end for end in ends if self._is(stored, end - stored.length, end, before)), 0)
            onward = self._onward(end - stored.length, end, max(start, 1)) if end else []
            if not onward:
                break
            taken.append((end - stored.length, end))
            ends = onward
        starts = [*(end for _, end in taken[1:]), ends[0]]
        return [self._chunk(begin, going_on, end) for (begin, end), going_on in zip(taken, starts, strict=False)][::-1]

    def _is(self, stored: Stored, begin: int, end: int, before: Before) -> bool:
        whole = end == len(self.text) or graphemes.may_cut(self.text, end)
        return begin >= 0 and whole and before.digest(self.text[begin:end]) == stored.hash

    def _onward(self, begin: int, end: int, lowest: int) -> list[int]:
        """Where a chunk from `begin` to `end` may go on from the one before: it would repeat the text from `begin` on."""
        if not self.plan.overlap:
            return [begin] if begin >= lowest and graphemes.may_cut(self.text, begin) else []
        repeated = self.bounds[0]._replace(most=measures.thirds(self.plan.unit, self.plan.overlap))
        found: list[int] = []
        for place in range(min(repeated.reach(begin), end - 1), lowest - 1, -1):
            if (its := self._begin(place)) < begin:
                break
            if its == begin and graphemes.may_cut(self.text, place) and self._room(place)[1] >= end:
                found.append(place)
        return found

    def _between(self, start: int, stop: int) -> list[Chunk]:
        """text[start:stop] in one chunk or two, if it fits them."""
        if start == stop:
            return []
        begin, reach = self._room(start)
        if reach >= stop:
            return [self._chunk(begin, start, stop)]
        middle = graphemes.cut_at_or_before(self.text, min((start + stop + 1) // 2, reach), start)
        halves = [place for place in self._safe(start, reach) if self._room(place)[1] >= stop]
        if not halves and self._room(middle)[1] < stop:
            return self.filled(start, stop)
        half = max(halves, key=lambda place: (self.found[place], -abs(place - middle)), default=middle)
        return [self._chunk(begin, start, half), self._chunk(self._room(half)[0], half, stop)]
