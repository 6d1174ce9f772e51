"""The Condition element (IAM User Guide, condition operators and global condition keys)."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vectordb.local.permissions import UnsupportedPolicyError
from vectordb.local.permissions.patterns import text_matches

Context = Mapping[str, str]
"""Condition key in lower case → its value in the request. A known key that is missing is absent from the request."""

_PRESENT = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principaltype",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:securetransport",
    }
)
# Absent from what a role calls itself over the public endpoint. The first two are there only in calls that a service makes
# (the confused deputy problem), the others only in calls over a VPC endpoint.
_ABSENT = frozenset(
    {"aws:sourceaccount", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:viaawsservice", "kms:viaservice"}
)


def _arn_like(pattern: str, value: str) -> bool:
    wanted, given = pattern.split(":", 5), value.split(":", 5)
    return len(wanted) == len(given) and all(map(text_matches, wanted, given))


_OPERATORS: dict[str, tuple[Callable[[str, str], bool], bool]] = {
    # name: (does a value of the policy mean the request's, is the operator a negation)
    "StringEquals": (lambda wanted, given: wanted == given, False),
    "StringNotEquals": (lambda wanted, given: wanted == given, True),
    "StringEqualsIgnoreCase": (lambda wanted, given: wanted.casefold() == given.casefold(), False),
    "StringNotEqualsIgnoreCase": (lambda wanted, given: wanted.casefold() == given.casefold(), True),
    "StringLike": (text_matches, False),
    "StringNotLike": (text_matches, True),
    # ArnEquals and ArnLike behave identically (IAM User Guide).
    "ArnEquals": (_arn_like, False),
    "ArnLike": (_arn_like, False),
    "ArnNotEquals": (_arn_like, True),
    "ArnNotLike": (_arn_like, True),
    "Bool": (lambda wanted, given: wanted.casefold() == given.casefold(), False),
}


@dataclass(frozen=True)
class Condition:
    """One operator with one key; the statement applies when all its conditions hold."""

    operator: str
    """Without IfExists."""
    key: str
    values: tuple[str, ...]
    if_exists: bool = False

    def holds(self, context: Context) -> bool:
        """Whether the condition holds for a request. Any of the values is enough, none for a negated operator.

        An absent key fails an operator, unless it ends with IfExists; it passes a negated one.
        """
        given = context.get(self.key.lower())
        if self.operator == "Null":
            return any((given is None) == (value.lower() == "true") for value in self.values)
        compare, negated = _OPERATORS[self.operator]
        if given is None:
            return self.if_exists or negated
        return any(compare(value, given) for value in self.values) != negated


@functools.lru_cache(maxsize=256)
def check_key(key: str) -> None:
    """Raise UnsupportedPolicyError for a key of which nobody here knows whether a request has it."""
    if key.lower() not in _PRESENT | _ABSENT:
        raise UnsupportedPolicyError(f"the condition key {key!r} is not known here")


def parse(operator: str, key: str, values: tuple[str, ...]) -> Condition:
    """A condition from its parts in a document.

    Raises:
        UnsupportedPolicyError: the operator is not implemented here.
    """
    name = operator.removesuffix("IfExists")
    if name not in _OPERATORS and operator != "Null":
        raise UnsupportedPolicyError(f"the condition operator {operator!r} is not implemented here")
    return Condition(name, key, values, if_exists=name != operator)


def request_context(*, principal: str, account: str, region: str, principal_type: str = "AssumedRole") -> Context:
    """The condition keys of a call that a principal makes to its own account over TLS.

    Args:
        principal: ARN of the role or user; a session is known by its role's.
        account: of the principal and the resource.
        region: that the request is sent to.
        principal_type: AssumedRole, User or Account.
    """
    return {
        "aws:principalaccount": account,
        "aws:principalarn": principal,
        "aws:principaltype": principal_type,
        "aws:requestedregion": region,
        "aws:resourceaccount": account,
        # Clients use TLS on AWS. Here they talk to a loopback address, which no policy should see.
        "aws:securetransport": "true",
    }
