"""How many calls it takes to find what a model refuses."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.search import Search


def calls(bad, count):
    """(calls after the first refused one, found, embedded)."""
    found, embedded, made = set(), set(), 0
    pieces = list(range(count))
    if not bad:
        return 0, found, set(pieces)
    while pieces:
        search = Search(pieces)
        while asked := search.next():
            made += 1
            if bad.isdisjoint(asked):
                search.answered()
                embedded.update(asked)
            else:
                search.refused()
        found.add(search.found)
        pieces = search.rest()
        if pieces:
            made += 1
            if bad.isdisjoint(pieces):
                embedded.update(pieces)
                pieces = []
            elif len(pieces) == 1:
                found.update(pieces)
                pieces = []
    return made, found, embedded


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 31, 32, 33, 64, 96])
def test_one_bad_text_costs_at_most_twice_the_logarithm(count):
    worst = max(calls({bad}, count)[0] for bad in range(count))
    assert worst <= max(2, 2 * math.log2(count))
    assert {96: 9, 2: 2}.get(count, worst) == worst


@given(
    st.integers(2, 96).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1), min_size=1)))
)
def test_all_bad_ones_are_found_and_all_others_embedded(given_):
    count, bad = given_
    made, found, embedded = calls(bad, count)
    assert found == bad
    assert embedded == set(range(count)) - bad
    assert made <= len(bad) * (math.ceil(math.log2(count)) + 2)
