"""Sets of whole numbers as intervals: sorted, disjoint, both ends included."""

from collections.abc import Iterable, Iterator

Ranges = tuple[tuple[int, int], ...]


def union(*sets: Iterable[tuple[int, int]]) -> Ranges:
    """All numbers of any of `sets`, whose intervals may overlap and come in any order; empty ones count for nothing."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(interval for each in sets for interval in each):
        if first > last:
            continue
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def intersection(one: Ranges, other: Ranges) -> Ranges:
    """The numbers of both."""
    return tuple(_common(one, other))


def _common(one: Ranges, other: Ranges) -> Iterator[tuple[int, int]]:
    left = right = 0
    while left < len(one) and right < len(other):
        first, last = max(one[left][0], other[right][0]), min(one[left][1], other[right][1])
        if first <= last:
            yield first, last
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1


def difference(one: Ranges, other: Ranges) -> Ranges:
    """The numbers of `one` that are not in `other`."""
    left: list[tuple[int, int]] = []
    for first, last in one:
        start = first
        for taken_first, taken_last in other:
            if taken_last < start:
                continue
            if taken_first > last:
                break
            if taken_first > start:
                left.append((start, taken_first - 1))
            start = taken_last + 1
        if start <= last:
            left.append((start, last))
    return tuple(left)
