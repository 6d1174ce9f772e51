"""Places where a chunk always ends, chosen by the text around them alone.

Chunks that are filled one after the other all move when one paragraph grows. An anchor stops that: whether a paragraph's end is one
depends on that paragraph and its neighbours only, so an edit moves the chunks up to the next anchor and no further. It is the
paragraph whose checksum is the lowest of all that end within some distance on either side.
"""

import zlib
from collections import deque
from collections.abc import Sequence

from embedder.chunking.places import Places, Strength

CHUNKS = 0.5
"""The distance, in chunks. The more of them, the fewer chunks change with an edit, and the more there are: here about a tenth."""


def of(text: str, places: Places, size: int) -> list[int]:
    """The anchors of a text whose chunks have about `size` characters, in order."""
    ends = sorted(place for place, strength in places.items() if strength >= Strength.PARAGRAPH)
    if len(text) <= size or not ends:
        return []
    begins = [0, *ends[:-1]]
    sums = [
        zlib.crc32(text[begin:end].strip().encode("utf-8", "replace")) for begin, end in zip(begins, ends, strict=True)
    ]
    distance = int(CHUNKS * size)
    left = _lowest_before(ends, sums, distance)
    right = _lowest_before([-end for end in reversed(ends)], sums[::-1], distance)[::-1]
    return [
        end
        for end, own, before, after in zip(ends, sums, left, right, strict=True)
        # What is left behind the last one is worth a chunk.
        if (before is None or own < before) and (after is None or own <= after) and len(text) - end > size // 2
    ]


def _lowest_before(positions: Sequence[int], values: Sequence[int], distance: int) -> list[int | None]:
    """For each, the lowest value of those before it that are no further than `distance`."""
    window: deque[int] = deque()
    lowest: list[int | None] = []
    for index, position in enumerate(positions):
        while window and positions[window[0]] < position - distance:
            window.popleft()
        lowest.append(values[window[0]] if window else None)
        while window and values[window[-1]] >= values[index]:
            window.pop()
        window.append(index)
    return lowest
