"""The wildcards of actions and ARNs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectordb.local.permissions import UnsupportedPolicyError
from vectordb.local.permissions.patterns import (
    action_matches,
    arn_matches,
    arns_overlap,
    is_exact,
    overlap,
    text_matches,
)

TEXTS = st.text(alphabet="ab/.", max_size=6)
PATTERNS = st.text(alphabet="ab*?", max_size=6)
BUCKET = "arn:aws:s3vectors:us-east-1:123456789012:bucket/b"


def means(pattern, text):
    """The definition, character by character."""
    if pattern == "":
        return text == ""
    if pattern[0] == "*":
        return means(pattern[1:], text) or (text != "" and means(pattern, text[1:]))
    return text != "" and pattern[0] in ("?", text[0]) and means(pattern[1:], text[1:])


@given(PATTERNS, TEXTS)
def test_a_pattern_means_what_the_definition_says(pattern, text):
    assert text_matches(pattern, text) == means(pattern, text)


@given(PATTERNS, TEXTS)
def test_a_pattern_and_a_text_overlap_when_it_means_the_text(pattern, text):
    assert overlap(pattern, text) == overlap(text, pattern) == means(pattern, text)


@given(PATTERNS, PATTERNS, TEXTS)
def test_patterns_with_a_text_in_common_overlap(left, right, text):
    assert overlap(left, right) == overlap(right, left)
    if means(left, text) and means(right, text):
        assert overlap(left, right)


@given(st.text(alphabet="ab*?", max_size=4), st.text(alphabet="ab*?", max_size=4))
def test_patterns_that_overlap_have_a_text_in_common(left, right):
    import itertools

    # The shortest common text is no longer than both patterns together.
    longest = len(left) + len(right)
    texts = ("".join(t) for n in range(min(longest, 6) + 1) for t in itertools.product("abc", repeat=n))
    if longest <= 6:
        assert overlap(left, right) == any(means(left, text) and means(right, text) for text in texts)


def test_the_case_of_an_action_does_not_count_that_of_a_resource_does():
    assert action_matches("S3Vectors:query*", "s3vectors:QueryVectors")
    assert not action_matches("s3vectors:Query", "s3vectors:QueryVectors")
    assert arn_matches(f"{BUCKET}*", f"{BUCKET}/index/i")
    assert not arn_matches(BUCKET.upper().replace("ARN", "arn"), BUCKET)


@pytest.mark.parametrize(
    ("pattern", "means_it"),
    [
        ("*", True),
        (BUCKET, True),
        ("arn:aws:s3vectors:*:*:bucket/b", True),
        ("arn:*:s3vectors:*:123456789012:bucket/?", True),
        # One wildcard does not reach over a colon.
        ("arn:aws:*:bucket/b::x", False),
        ("arn:aws:s3vectors:us-west-2:123456789012:bucket/*", False),
        ("arn:aws:s3vectors:us-east-1:123456789012:bucket/b/*", False),
    ],
)
def test_the_parts_of_an_arn_are_compared_one_by_one(pattern, means_it):
    assert arn_matches(pattern, BUCKET) is means_it
    assert arns_overlap(pattern, BUCKET) is means_it


def test_colons_in_the_last_part_belong_to_the_resource():
    stream = "arn:aws:logs:us-east-1:123456789012:log-group:g:log-stream:s"
    assert arn_matches("arn:aws:logs:us-east-1:123456789012:log-group:g:*", stream)


@pytest.mark.parametrize("pattern", ["arn:aws:s3vectors:*", "bucket/b", "x:aws:s3:::b"])
def test_what_is_no_arn_is_refused(pattern):
    with pytest.raises(UnsupportedPolicyError, match="neither"):
        arn_matches(pattern, BUCKET)


def test_exact_means_without_wildcards():
    assert is_exact(BUCKET)
    assert not is_exact("a*")
    assert not is_exact("a?")
