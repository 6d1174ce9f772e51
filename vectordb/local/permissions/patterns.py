"""The wildcards of IAM: `*` for any characters, `?` for one (IAM User Guide, policy elements Action and Resource)."""

import functools
import re

from vectordb.local.permissions import UnsupportedPolicyError

_ARN_PARTS = 6
"""arn, partition, service, region, account, resource; colons after the fifth belong to the resource."""


def action_matches(pattern: str, action: str) -> bool:
    """Whether an action of a policy means `action`; both as `service:Name`, whose case does not count."""
    return _expression(pattern.lower()).fullmatch(action.lower()) is not None


def arn_matches(pattern: str, arn: str) -> bool:
    """Whether a resource of a policy means `arn`. Each part of an ARN is compared by itself; a lone `*` means everything.

    Raises:
        UnsupportedPolicyError: the pattern is neither `*` nor an ARN of six parts.
    """
    if pattern == "*":
        return True
    wanted = _parts(pattern)
    given = arn.split(":", _ARN_PARTS - 1)
    return len(given) == _ARN_PARTS and all(map(text_matches, wanted, given))


def text_matches(pattern: str, text: str) -> bool:
    """Whether a pattern means `text`, case included."""
    return _expression(pattern).fullmatch(text) is not None


def check_arn(pattern: str) -> None:
    """Raise UnsupportedPolicyError unless the pattern is `*` or an ARN of six parts (IAM refuses others, too)."""
    if pattern != "*":
        _parts(pattern)


def is_exact(pattern: str) -> bool:
    """Whether a pattern means one thing only."""
    return "*" not in pattern and "?" not in pattern


def arns_overlap(left: str, right: str) -> bool:
    """Whether two patterns of resources have an ARN in common."""
    if "*" in (left, right):
        return True
    return all(map(overlap, _parts(left), _parts(right)))


@functools.lru_cache(maxsize=4096)
def overlap(left: str, right: str) -> bool:
    """Whether two patterns have a text in common."""
    if left.startswith("*"):
        return overlap(left[1:], right) or (right != "" and overlap(left, right[1:]))
    if right.startswith("*"):
        return overlap(right, left)
    if left == "" or right == "":
        return left == right
    return (left[0] == right[0] or "?" in (left[0], right[0])) and overlap(left[1:], right[1:])


@functools.lru_cache(maxsize=4096)
def _parts(pattern: str) -> tuple[str, ...]:
    parts = tuple(pattern.split(":", _ARN_PARTS - 1))
    if len(parts) != _ARN_PARTS or parts[0] != "arn":
        raise UnsupportedPolicyError(f"{pattern!r} is neither * nor an ARN of six parts")
    return parts


@functools.lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(character) or re.escape(character) for character in pattern), re.DOTALL)
