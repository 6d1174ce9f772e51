"""Words that all writers of the report share: how a reviewer ought to take something, and how things are counted."""

from enum import StrEnum


class Grade(StrEnum):
    """From fine to wrong; `plain` is neither."""

    GOOD = "good"
    LOOK = "look"
    BAD = "bad"
    PLAIN = "plain"


def counted(count: int, thing: str) -> str:
    """`1 way`, `2 ways`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
