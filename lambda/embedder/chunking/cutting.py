"""One pass over a text: each chunk as long as it may be, ended at the strongest place of its second half."""

from bisect import bisect_left, bisect_right
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


class TooLongError(Exception):
    """A text that has to stay whole and is longer than the model takes."""


def chunks(text: str, plan: Plan, limits: Limits) -> list[Chunk]:
    """A text in chunks, none larger than the plan's size or the model's limits; none for an empty text.

    Args:
        text: any text.
        plan: how to cut it.
        limits: the model's, less what the template adds.

    Raises:
        TooLongError: method `none` without `truncate`, and more than the model takes.
    """
    bounds = _bounds(text, plan, limits)
    if plan.method == "none":
        return _whole(text, plan, bounds)
    return _cut(text, plan, bounds)


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


def _cut(text: str, plan: Plan, bounds: list[Measure]) -> list[Chunk]:
    if text and _reach(text, bounds, 0) == len(text):  # most rows
        return [Chunk(text, 0, 0, len(text))]
    found = places.of(plan.method, text)
    positions = sorted(found)
    usual = min(_reach(text, bounds, 0), len(text))
    fixed = anchors.of(text, found, usual)
    result: list[Chunk] = []
    start = 0
    while start < len(text):
        begin = _begin(text, plan, bounds, positions, start)
        reach = _reach(text, bounds, begin)
        if reach <= start:  # what is repeated leaves no room beside one large character
            begin, reach = start, _reach(text, bounds, start)
        end = _end(text, plan.method, found, positions, fixed, start, reach)
        result.append(Chunk(text[begin:end], begin, start, end))
        start = end
    return result


def _begin(text: str, plan: Plan, bounds: list[Measure], positions: list[int], start: int) -> int:
    """Where a chunk's repetition of the text before it begins: at a word, if there is one."""
    if not plan.overlap or not start:
        return start
    earliest = bounds[0].back(start, measures.thirds(plan.unit, plan.overlap))
    if positions:
        index = bisect_left(positions, earliest)
        if index < len(positions) and positions[index] < start and graphemes.may_cut(text, positions[index]):
            return positions[index]
    return graphemes.cut_at_or_after(text, earliest, start)


def _end(
    text: str, method: str, found: places.Places, positions: list[int], fixed: list[int], start: int, reach: int
) -> int:
    index = bisect_right(fixed, start)
    if index < len(fixed) and fixed[index] <= reach:
        return fixed[index]
    if reach == len(text):
        return reach
    # A chunk that ends early costs another; only of whole sentences is it wanted.
    for lowest in (start,) if method == "sentence" else (start + (reach - start) // 2, start):
        candidates = positions[bisect_right(positions, lowest) : bisect_right(positions, reach)]
        safe = [place for place in candidates if graphemes.may_cut(text, place)]
        if safe:
            return max(safe, key=lambda place: (found[place], place))
    return graphemes.cut_at_or_before(text, reach, start)
