"""BM25 and RRF against plain readings of their definitions, while vectors are written, rewritten and deleted."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectordb.local.emulator.s3vectors.search import Hit
from vectordb.local.emulator.s3vectors.store import VectorIndex
from vectordb.local.emulator.s3vectors.text.inverted import TextQuery
from vectordb.local.emulator.s3vectors.text.ranking import fuse

WORDS = st.sampled_from(["alpha", "beta", "gamma", "delta", "epsilon"])
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)
VALUES = st.one_of(TEXTS, TEXTS, st.lists(TEXTS | st.integers(), max_size=3), st.integers(), st.booleans())
METADATA = st.dictionaries(st.sampled_from(["title", "body", "other"]), VALUES, max_size=3)
KEYS = st.integers(0, 9).map(str)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.lists(st.tuples(KEYS, METADATA), min_size=1, max_size=6)),
        st.tuples(st.just("delete"), st.lists(KEYS, min_size=1, max_size=4)),
    ),
    max_size=8,
)


def words(metadata, key):
    """What is searchable under a key: words are separated by spaces here."""
    value = metadata.get(key)
    if isinstance(value, list):
        value = " ".join(part for part in value if isinstance(part, str))
    return value.split() if isinstance(value, str) else []


def bm25(stored, key, query):
    """Vector key → score, by the formula with k1 = 1.2 and b = 0.75, word by word."""
    texts = {name: words(metadata, key) for name, metadata in stored.items() if words(metadata, key)}
    scores = {}
    for name, text in texts.items():
        for term in set(query.split()) & set(text):
            holding = sum(term in other for other in texts.values())
            average = sum(map(len, texts.values())) / len(texts)
            frequency = text.count(term)
            idf = math.log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
            weight = frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * len(text) / average))
            scores[name] = scores.get(name, 0) + idf * weight
    return scores


def put(index, entries):
    rows = np.ones((len(entries), 2), dtype=np.float32)
    index.put([key for key, _ in entries], rows, [metadata for _, metadata in entries])


def apply(index, stored, step):
    kind, what = step
    if kind == "put":
        put(index, what)
        stored.update(what)
    else:
        index.delete(what)
        for key in what:
            stored.pop(key, None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("indexes")


def check(index, stored, query):
    """Every score and the order of what the index finds for one text under two keys."""
    expected = {key: bm25(stored, key, query) for key in ("title", "body")}
    total = {
        name: expected["title"].get(name, 0) + expected["body"].get(name, 0)
        for name in {*expected["title"], *expected["body"]}
    }
    hits = index.search(None, [TextQuery("title", query), TextQuery("body", query)], 1000, None)
    assert {hit.key: dict(hit.bm25) for hit in hits} == {
        name: {key: pytest.approx(of[name]) for key, of in expected.items() if name in of} for name in total
    }
    sums = [total[hit.key] for hit in hits]
    assert sums == pytest.approx(sorted(sums, reverse=True))
    assert all(hit.metadata == stored[hit.key] and hit.distance is None for hit in hits)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, early=st.booleans(), query=st.lists(WORDS, min_size=1, max_size=4).map(" ".join))
def test_bm25_is_exact_after_any_writes(folder, steps, early, query):
    """Whether the texts are read as they come (early), or from what is stored when they are first searched."""
    path = folder / "index.sqlite"
    path.unlink(missing_ok=True)
    index = VectorIndex(path, 2, "cosine")
    try:
        stored = {}
        if early:
            check(index, stored, query)
        for step in steps:
            apply(index, stored, step)
        check(index, stored, query)
    finally:
        index.close()


def test_bm25_is_exact_after_a_sweep(folder):
    index = VectorIndex(folder / "swept.sqlite", 2, "cosine")
    stored = {}
    check(index, stored, "alpha")
    generator = np.random.default_rng(3)
    vocabulary = np.array(["alpha", "beta", "gamma", "delta"])
    for turn in range(24):  # 400 keys rewritten until the postings hold more of what is gone than of what lives
        entries = [(str(n), {"body": " ".join(generator.choice(vocabulary, 1 + n % 7))}) for n in range(400)]
        apply(index, stored, ("put", entries))
        apply(index, stored, ("delete", [str(turn)]))
    # The sweep shows in nothing but memory and time.
    assert sum(map(len, index._text.fields["body"]._postings.values())) < 2 * 24 * 400
    check(index, stored, "alpha gamma")
    check(index, stored, "delta")
    index.close()


def test_equal_scores_stand_in_the_order_of_writing(folder):
    index = VectorIndex(folder / "ties.sqlite", 2, "cosine")
    put(index, [(str(n), {"body": "same words"}) for n in (3, 1, 2)])
    found = index.search(None, [TextQuery("body", "words")], 2, None)
    assert [hit.key for hit in found] == ["3", "1"]
    index.close()


def test_the_language_of_a_key_may_change(folder):
    index = VectorIndex(folder / "language.sqlite", 2, "cosine")
    put(index, [("a", {"body": "the files"})])
    assert index.search(None, [TextQuery("body", "file")], 1, None) == []
    assert [hit.key for hit in index.search(None, [TextQuery("body", "file", "en")], 1, None)] == ["a"]
    index.close()


RANKINGS = st.lists(KEYS, unique=True, max_size=8)


@given(near=RANKINGS, matching=RANKINGS, count=st.integers(1, 20))
def test_rrf_is_the_sum_of_reciprocal_ranks(near, matching, count):
    scores = {}
    for ranking in (near, matching):
        for rank, key in enumerate(ranking):
            scores[key] = scores.get(key, 0) + 1 / (61 + rank)
    fused = fuse(
        [Hit(key, 0.5, {"key": key}) for key in near],
        [Hit(key, None, {"key": key}, (("body", 2.0),)) for key in matching],
        count,
    )
    # Of equal scores those of the vector search first, in its order.
    order = sorted(scores, key=lambda key: (-scores[key], [*near, *matching].index(key)))
    assert [hit.key for hit in fused] == order[:count]
    for hit in fused:
        assert hit == Hit(
            hit.key,
            0.5 if hit.key in near else None,
            {"key": hit.key},
            (("body", 2.0),) if hit.key in matching else (),
            scores[hit.key],
        )
