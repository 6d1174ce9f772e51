"""Policy documents as statements."""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vectordb.local.permissions import UnsupportedPolicyError, conditions
from vectordb.local.permissions.conditions import Condition, Context
from vectordb.local.permissions.patterns import action_matches, arn_matches, check_arn

Effect = Literal["Allow", "Deny"]

_KEYS = {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}
_VERSION = "2012-10-17"


@dataclass(frozen=True)
class Statement:
    """One statement. `principals` is empty in an identity policy, else pairs such as ("AWS", ARN or *), ("Service", name)."""

    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: tuple[tuple[str, str], ...] = ()
    conditions: tuple[Condition, ...] = ()
    sid: str = ""

    def applies(self, action: str, resource: str, context: Context) -> bool:
        """Whether it speaks of this action on this resource in a request with this context.

        Raises:
            UnsupportedPolicyError: it depends on a condition key of which nothing is known here.
        """
        return any(arn_matches(pattern, resource) for pattern in self.resources) and self.lets(action, context)

    def lets(self, action: str, context: Context) -> bool:
        """The same for a trust policy, whose resource is the role that has it.

        Raises:
            UnsupportedPolicyError: it depends on a condition key of which nothing is known here.
        """
        if not any(action_matches(pattern, action) for pattern in self.actions):
            return False
        for condition in self.conditions:
            conditions.check_key(condition.key)
        return all(condition.holds(context) for condition in self.conditions)


@dataclass(frozen=True)
class Policy:
    """A named document."""

    name: str
    statements: tuple[Statement, ...] = field(default=())


def parse(document: str | Mapping[str, Any], name: str) -> Policy:
    """Read a document: JSON text, or the object.

    Args:
        document: an identity policy, a resource policy or a trust policy (which has no Resource).
        name: for messages.

    Raises:
        UnsupportedPolicyError: it is no policy document, or holds what is not implemented here.
    """
    if isinstance(document, str):
        return _parse_text(document, name)
    try:
        return Policy(name, tuple(_statements(document)))
    except UnsupportedPolicyError as error:
        raise UnsupportedPolicyError(f"The policy {name!r} cannot be judged: {error}.") from error


@functools.lru_cache(maxsize=1024)
def _parse_text(text: str, name: str) -> Policy:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UnsupportedPolicyError(f"The policy {name!r} cannot be judged: it is no JSON ({error}).") from error
    if not isinstance(document, dict):
        raise UnsupportedPolicyError(f"The policy {name!r} cannot be judged: it is no JSON object.")
    return parse(document, name)


def _statements(document: Mapping[str, Any]) -> Iterator[Statement]:
    if document.get("Version") != _VERSION:
        raise UnsupportedPolicyError(f"its version is {document.get('Version')!r}, not {_VERSION!r}")
    for statement in _listed(document.get("Statement", [])):
        if not isinstance(statement, Mapping):
            raise UnsupportedPolicyError(f"a statement is no object: {statement!r}")
        if unknown := sorted(set(statement) - _KEYS):
            raise UnsupportedPolicyError(f"{', '.join(unknown)} is not implemented here")
        if statement.get("Effect") not in {"Allow", "Deny"}:
            raise UnsupportedPolicyError(f"a statement's effect is {statement.get('Effect')!r}")
        yield Statement(
            effect=statement["Effect"],
            actions=_texts(statement.get("Action", []), "an action"),
            resources=tuple(_resources(statement)),
            principals=tuple(_principals(statement.get("Principal", {}))),
            conditions=tuple(_conditions(statement.get("Condition", {}))),
            sid=str(statement.get("Sid", "")),
        )


def _resources(statement: Mapping[str, Any]) -> Iterator[str]:
    for resource in _texts(statement.get("Resource", []), "a resource"):
        check_arn(resource)
        yield resource


def _principals(principal: Any) -> Iterator[tuple[str, str]]:
    if principal == "*":
        yield "AWS", "*"
    elif isinstance(principal, Mapping):
        for kind, names in principal.items():
            yield from ((kind, name) for name in _texts(names, "a principal"))
    else:
        raise UnsupportedPolicyError(f"a principal is {principal!r}")


def _conditions(block: Any) -> Iterator[Condition]:
    if not isinstance(block, Mapping):
        raise UnsupportedPolicyError(f"a condition is {block!r}")
    for operator, keys in block.items():
        for key, values in keys.items():
            listed = tuple(str(value).lower() if isinstance(value, bool) else value for value in _listed(values))
            yield conditions.parse(operator, key, _texts(list(listed), f"a value of {key}"))


def _texts(value: Any, what: str) -> tuple[str, ...]:
    texts = tuple(_listed(value))
    for text in texts:
        if not isinstance(text, str):
            raise UnsupportedPolicyError(f"{what} is {text!r}, no text")
        if "${" in text:
            raise UnsupportedPolicyError(f"{what} has a policy variable, which is not implemented here: {text}")
    return texts


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
