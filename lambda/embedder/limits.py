"""What a model takes in one call and in one text."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Of one model; each is exact but `tokens`, which is compared with an estimate that is meant to be too high."""

    texts: int
    """A call."""
    characters: int
    """A text."""
    tokens: int
    """A text."""
    bytes: int
    """A text, in UTF-8."""
    call_tokens: int
    """All texts of a call."""
    call_bytes: int
    """All texts of a call, in UTF-8."""
