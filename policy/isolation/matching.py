"""Who gets what, when each thing may go to several."""

from collections import deque


def matched(wanted: set[str], candidates: list[list[str]]) -> set[str]:
    """The `wanted` that get something when each thing goes to one of its candidates and as many as possible get one.

    During a preview a policy may depend on several endpoints although it goes to one of them: two policies that depend on
    the same three endpoints leave one without (a maximum matching, by shortest augmenting paths).

    Args:
        wanted: URNs.
        candidates: for each thing the URNs that it may go to; those that are not wanted count for nothing.
    """
    holder: dict[str, int] = {}
    held: dict[int, str] = {}
    for thing in range(len(candidates)):
        found, reached = _free(thing, wanted, candidates, holder)
        while found:
            taker = reached[found]
            holder[found], held[taker], found = taker, found, held.get(taker, "")
    return set(holder)


def _free(
    thing: int, wanted: set[str], candidates: list[list[str]], holder: dict[str, int]
) -> tuple[str, dict[str, int]]:
    """One that nobody holds, or an empty string, and for each on the way there the thing that would go to it."""
    reached: dict[str, int] = {}
    waiting = deque([thing])
    while waiting:
        taker = waiting.popleft()
        for urn in candidates[taker]:
            if urn in wanted and urn not in reached:
                reached[urn] = taker
                if urn not in holder:
                    return urn, reached
                waiting.append(holder[urn])
    return "", reached
