"""A text that was embedded before and is edited: which chunks stay."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.chunking import Before, Plan, Stored, chunks, measures
from embedder.limits import Limits
from tests.embed.texts import LIMITS, PLANS, TEXTS, WIDE

WORDS = [
    "the",
    "a",
    "of",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "lazy",
    "dog",
    "embedding",
    "vector",
    "database",
    "search",
    "query",
    "network",
    "policy",
    "row",
]
PARAGRAPHS = 50


def cut(text: str, plan: Plan, was: list[str] | None = None, limits: Limits = WIDE) -> list[str]:
    """The chunks' texts, where a chunk's hash is its text."""
    before = None if was is None else Before([Stored(chunk, len(chunk)) for chunk in was], str)
    return [chunk.text for chunk in chunks(text, plan, limits, before)]


@given(TEXTS, TEXTS, TEXTS, TEXTS, PLANS, LIMITS)
def test_whatever_was_stored_nothing_is_lost_and_none_is_too_large(front, old, new, behind, plan, limits):
    was = [chunk.text for chunk in chunks(front + old + behind, plan, limits)]
    text = front + new + behind
    found = chunks(text, plan, limits, Before([Stored(chunk, len(chunk)) for chunk in was], str))
    assert "".join(text[chunk.start : chunk.end] for chunk in found) == text
    for chunk in found:
        assert chunk.text == text[chunk.begin : chunk.end]
        assert chunk.begin <= chunk.start < chunk.end
        own = len(chunk.text) if plan.unit == "characters" else measures.estimated_tokens(chunk.text)
        assert own <= plan.size
        assert len(chunk.text) <= limits.characters
        assert measures.estimated_tokens(chunk.text) <= limits.tokens
        assert len(chunk.text.encode("utf-8", "surrogatepass")) <= limits.bytes


@given(TEXTS, PLANS, LIMITS)
def test_an_unchanged_text_keeps_every_chunk(text, plan, limits):
    was = cut(text, plan, limits=limits)
    assert cut(text, plan, was, limits) == was


@given(st.lists(st.tuples(st.text("abc ", max_size=9), st.integers(-5, 500))), TEXTS, PLANS)
def test_what_is_stored_may_be_anything(stored, text, plan):
    before = Before([Stored(*each) for each in stored], lambda chunk: chunk[:3])
    assert "".join(text[chunk.start : chunk.end] for chunk in chunks(text, plan, WIDE, before)) == text


def paragraph(chosen: random.Random) -> str:
    return " ".join(" ".join(chosen.choices(WORDS, k=chosen.randint(4, 14))) + "." for _ in range(chosen.randint(1, 6)))


def edited(chosen: random.Random, old: str) -> str:
    """A paragraph written anew, with a sentence more, or its first half."""
    return chosen.choice([paragraph(chosen), old + " And a sentence more.", old[: max(10, len(old) // 2)]])


@pytest.mark.parametrize(
    ("plan", "most", "usually"),
    [
        (Plan("recursive", 800), 2, 1.0),
        (Plan("markdown", 800), 2, 1.0),
        (Plan("recursive", 800, 100), 4, 0.97),
        (Plan("sentence", 800), 3, 0.97),
        (Plan("fixed", 800), 3, 0.97),
    ],
    ids=lambda value: f"{value.method}-{value.overlap}" if isinstance(value, Plan) else "",
)
def test_one_paragraph_of_fifty_edited_is_one_or_two_chunks(plan, most, usually):
    """And after 150 edits there are hardly more chunks than a text has that is cut for the first time."""
    changed: Counter[int] = Counter()
    chosen = random.Random(1)  # noqa: S311 - no secret
    paragraphs = [paragraph(chosen) for _ in range(PARAGRAPHS)]
    was = cut("\n\n".join(paragraphs), plan)
    for _ in range(150):
        place = chosen.randrange(PARAGRAPHS)
        paragraphs[place] = edited(chosen, paragraphs[place])
        now = cut("\n\n".join(paragraphs), plan, was)
        changed[len(set(now) - set(was))] += 1
        was = now
    assert len(was) <= 1.7 * len(cut("\n\n".join(paragraphs), plan))
    assert max(changed) <= most
    assert sum(times for count, times in changed.items() if count <= 2) >= usually * changed.total()


def test_a_text_that_grows_at_its_end_fills_its_last_chunk():
    plan = Plan("recursive", 100)
    text, was = "", []
    for number in range(60):
        text += f"Line number {number} of it.\n"
        now = cut(text, plan, was)
        assert len(set(now) - set(was)) <= 2
        was = now
    assert len(was) <= 1.3 * len(cut(text, plan))


def test_a_paragraph_taken_away_costs_one_chunk_at_most():
    chosen = random.Random(4)  # noqa: S311 - no secret
    paragraphs = [paragraph(chosen) for _ in range(PARAGRAPHS)]
    plan = Plan("recursive", 800)
    was = cut("\n\n".join(paragraphs), plan)
    for place in range(PARAGRAPHS):
        left = "\n\n".join(paragraphs[:place] + paragraphs[place + 1 :])
        assert len(set(cut(left, plan, was)) - set(was)) <= 1


def test_what_the_chunks_were_made_with_has_changed():
    """Another title in the template: every hash is another, and the text is cut as for the first time."""
    chosen = random.Random(5)  # noqa: S311 - no secret
    text = "\n\n".join(paragraph(chosen) for _ in range(20))
    plan = Plan("recursive", 300)
    was = [Stored(chunk, len(chunk)) for chunk in cut(text, plan)]
    assert [chunk.text for chunk in chunks(text, plan, WIDE, Before(was, lambda chunk: "another " + chunk))] == cut(
        text, plan
    )
