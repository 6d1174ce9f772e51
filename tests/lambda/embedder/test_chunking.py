"""What holds for every text and every plan, and the places that each method cuts at."""

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.chunking import Plan, PlanError, TooLongError, chunks, graphemes, measures
from embedder.limits import Limits
from tests.embed.texts import LIMITS, PLANS, TEXTS, WIDE


@given(TEXTS, PLANS, LIMITS)
def test_put_together_they_are_the_text_and_none_is_too_large(text, plan, limits):
    found = chunks(text, plan, limits)
    assert "".join(text[chunk.start : chunk.end] for chunk in found) == text
    assert [chunk.text for chunk in found] == [text[chunk.begin : chunk.end] for chunk in found]
    for chunk in found:
        assert chunk.begin <= chunk.start < chunk.end
        own = len(chunk.text) if plan.unit == "characters" else measures.estimated_tokens(chunk.text)
        assert own <= plan.size
        assert len(chunk.text) <= limits.characters
        assert measures.estimated_tokens(chunk.text) <= limits.tokens
        assert len(chunk.text.encode("utf-8", "surrogatepass")) <= limits.bytes
        repeated = text[chunk.begin : chunk.start]
        assert (len(repeated) if plan.unit == "characters" else measures.estimated_tokens(repeated)) <= plan.overlap


@given(
    st.lists(
        st.sampled_from(
            ["e\u0301", "👩\u200d👩\u200d👧", "🇩🇪", "👍🏽", "\u1100\u1161\u11a8", "각", "a", "\r\n", "नि", "中", " "]
        )
    ),
    PLANS,
)
def test_what_a_reader_sees_as_one_character_stays_whole(clusters, plan):
    text = "".join(clusters)
    found = chunks(text, plan._replace(overlap=0, size=max(plan.size, 40)), WIDE)
    ends = set()
    position = 0
    for cluster in clusters:
        position += len(cluster)
        ends.add(position)
    assert {chunk.end for chunk in found} <= ends
    assert {chunk.begin for chunk in found} <= ends | {0}


def test_a_cluster_that_is_no_character_of_any_script_is_cut_all_the_same():
    text = "a" + "\u0301" * 500
    found = chunks(text, Plan("fixed", 50), WIDE)
    assert "".join(chunk.text for chunk in found) == text
    assert max(len(chunk.text) for chunk in found) == 50


@pytest.mark.parametrize(
    ("text", "position", "may"),
    [
        ("ab", 1, True),
        ("e\u0301", 1, False),
        ("\r\n", 1, False),
        ("👩\u200d👧", 1, False),
        ("👩\u200d👧", 2, False),
        ("🇩🇪🇫🇷", 1, False),
        ("🇩🇪🇫🇷", 2, True),
        ("🇩🇪🇫🇷", 3, False),
        ("👍🏽", 1, False),
        ("❤\ufe0f", 1, False),
        ("\u1100\u1161", 1, False),
        ("가\u11a8", 1, False),
        ("가나", 1, True),
    ],
)
def test_where_a_text_may_be_cut(text, position, may):
    assert graphemes.may_cut(text, position) is may


def parts(text, method, size, **more):
    return [chunk.text for chunk in chunks(text, Plan(method, size, **more), WIDE)]


def test_recursive_prefers_paragraphs_then_lines_then_sentences_then_words():
    assert parts("First one.\n\nSecond one. Third.\nFourth", "recursive", 22) == [
        "First one.\n\n",
        "Second one. Third.\n",
        "Fourth",
    ]
    assert parts("One line here\nanother line", "recursive", 20) == ["One line here\n", "another line"]
    assert parts("One is here. Two is there now", "recursive", 20) == ["One is here. ", "Two is there now"]
    assert parts("some words without any end", "recursive", 20) == ["some words without ", "any end"]
    assert parts("x" * 45, "recursive", 20) == ["x" * 20, "x" * 20, "x" * 5]


def test_fixed_cuts_at_its_size():
    assert parts("some words without any end", "fixed", 20) == ["some words without a", "ny end"]


def test_sentences_of_several_scripts():
    text = "Ja! Nein? 第一句话在这里。第二句话也在。 And a third one goes here."
    assert parts(text, "sentence", 24) == [
        "Ja! Nein? 第一句话在这里。",
        "第二句话也在。 ",
        "And a third one goes ",
        "here.",
    ]


def test_markdown_keeps_headings_with_what_follows_and_code_whole():
    text = "# A\n\nIntro text, longer.\n\n## B\n\nBody of B here.\n\n```\ncode\n\n# no heading\n```\n\nAfter it.\n"
    found = parts(text, "markdown", 40)
    assert "".join(found) == text
    assert found == [
        "# A\n\nIntro text, longer.\n\n",
        "## B\n\nBody of B here.\n\n",
        "```\ncode\n\n# no heading\n```\n\nAfter it.\n",
    ]


def test_overlap_repeats_whole_words():
    found = chunks("alpha beta gamma delta epsilon zeta eta", Plan("recursive", 20, 8), WIDE)
    assert [chunk.text for chunk in found] == ["alpha beta gamma ", "gamma delta epsilon ", "epsilon zeta eta"]


def test_none_is_whole_or_refused_or_begun():
    assert parts("short", "none", 0) == ["short"]
    long = "word " * 20_000
    with pytest.raises(TooLongError):
        parts(long, "none", 0)
    (only,) = parts(long, "none", 0, truncate=True)
    assert long.startswith(only)
    assert measures.estimated_tokens(only) <= WIDE.tokens < measures.estimated_tokens(only + "word " * 10)


def test_a_size_above_the_models_limit_is_the_models():
    cohere = Limits(96, 2_048, 512, 8_192, 49_152, 4_000_000)
    assert max(len(chunk.text) for chunk in chunks("word " * 5000, Plan("recursive", 100_000), cohere)) <= 2_048


def paragraphs(random_, count):
    return [
        " ".join(
            "".join(random_.choices("abcdefghij", k=random_.randint(2, 9))) for _ in range(random_.randint(20, 60))
        )
        + "."
        for _ in range(count)
    ]


@pytest.mark.parametrize("overlap", [0, 100])
def test_an_edit_of_one_paragraph_of_fifty_makes_one_or_two_new_chunks(overlap):
    """Three of four edits, some of which make the paragraph twice as long, and one more where chunks overlap; none makes more than a few."""
    random_ = random.Random(5)  # noqa: S311 - no secret
    counts = []
    for _ in range(60):
        given_ = paragraphs(random_, 50)
        before = set(parts("\n\n".join(given_), "recursive", 800, overlap=overlap))
        position = random_.randrange(50)
        given_[position] += " " + " ".join(paragraphs(random_, 1)) * random_.randint(0, 1) + "edited"
        after = parts("\n\n".join(given_), "recursive", 800, overlap=overlap)
        counts.append(len([part for part in after if part not in before]))
    counts.sort()
    assert counts[len(counts) // 2] <= 2
    assert counts[len(counts) * 3 // 4] <= 2 + (overlap > 0)
    assert counts[-1] <= 6


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("three", 2), ("one two three", 5), ("2026", 4), ("中文", 4), ("🎉", 4), ("x" * 30, 30), ("é", 1)],
)
def test_tokens_are_estimated_high(text, tokens):
    assert measures.estimated_tokens(text) == tokens


def test_cut_time_is_linear_in_the_text():
    for text in ("\n\n" * 200_000, "a " * 200_000, "\u0301" * 100_000, "🇩" * 20_000, "x" * 400_000):
        assert "".join(parts(text, "recursive", 800)) == text


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"method": "semantic"}, "chunking.method must be one of none, fixed, recursive, sentence, markdown"),
        ({"method": "fixed", "size": 5}, "chunking.size must be an integer from 20 to 100000"),
        ({"method": "fixed", "size": 100, "overlap": 51}, "chunking.overlap must be an integer from 0 to 50"),
        ({"method": "fixed", "unit": "words"}, "chunking.unit must be one of characters, tokens"),
        ({"method": "fixed", "chunk_size": 5}, "chunking has unknown keys (chunk_size)"),
    ],
)
def test_plans_that_cannot_be_followed(given_, said):
    with pytest.raises(PlanError, match="^" + said.replace("(", r"\(").replace(")", r"\)")):
        Plan.read(given_)


def test_plans():
    assert Plan.read(None) == Plan("none")
    assert Plan.read({"method": "recursive"}) == Plan("recursive", 800, 0)
    assert Plan.read({"method": "markdown", "size": 100, "overlap": 10, "unit": "tokens"}) == Plan(
        "markdown", 100, 10, "tokens"
    )


def test_every_mark_of_unicode_stays_with_its_letter():
    marks = [chr(code) for code in range(0x300, 0x3000) if unicodedata.category(chr(code)) in {"Mn", "Mc", "Me"}]
    assert len(marks) > 900
    assert not any(graphemes.may_cut("a" + mark, 1) for mark in marks)
