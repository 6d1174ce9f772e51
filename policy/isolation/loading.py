"""Reads the resources of a stack from JSON: a plan (`vectordb plan --json`) or a state (`pulumi stack export`)."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pulumi_policy import deserialize, proxy

from isolation.rule import Resource
from isolation.stack import Stack

_ARN_PARTS: Final = 6
_MASKED: Final = "[secret]"
"""What a plan's JSON has in place of a secret."""


class NoPlanError(ValueError):
    """The text holds neither a plan nor a state; the message says why, without any of the text."""


@dataclass(frozen=True)
class Loaded:
    """The resources of a stack, and what of them was made up.

    Attributes:
        stack: the resources; of a plan with the documents that it presumes, secrets as something unknown.
        presumed: URN and property of each document whose identifiers are made up.
        identifiers: what was made up → `name.output` of the resource that it stands for.
        account: the account that the stack is in, when that is known.
    """

    stack: Stack
    presumed: frozenset[tuple[str, str]]
    identifiers: Mapping[str, str]
    account: str


def load(text: str) -> Loaded:
    """Read a plan or a state.

    Raises:
        NoPlanError: it is neither.
    """
    try:
        document = json.loads(text)
    except RecursionError:
        raise NoPlanError("the JSON is nested too deeply") from None
    except ValueError:
        raise NoPlanError("the text is no JSON") from None
    if not isinstance(document, dict):
        raise NoPlanError("the JSON is no object")
    try:
        return _loaded(document)
    except RecursionError:
        raise NoPlanError("the JSON is nested too deeply") from None


def _loaded(document: dict[str, Any]) -> Loaded:
    listed = _object(document.get("deployment", document)).get("resources")
    if not isinstance(listed, list):
        raise NoPlanError("the JSON has no list of resources: give it a plan, or what `pulumi stack export` writes")
    presumed = _object(document.get("presumed"))
    added = {urn: _object(properties) for urn, properties in _object(presumed.get("properties")).items()}
    resources = [_resource(each, added) for each in listed if _is_resource(each)]
    return Loaded(
        Stack(resources),
        frozenset((urn, key) for urn, properties in added.items() for key in properties),
        {made: name for made, name in _object(presumed.get("identifiers")).items() if isinstance(name, str) and made},
        _text(presumed.get("account")) or _account(resources),
    )


def _account(resources: Sequence[Resource]) -> str:
    """The account in which a state's resources are: the one that most of their own ARNs name."""
    arns = (_text(resource.properties.get("arn")).split(":") for resource in resources)
    owners = Counter(parts[4] for parts in arns if len(parts) >= _ARN_PARTS and parts[4])
    return max(owners, key=lambda owner: owners[owner], default="")


def _is_resource(each: object) -> bool:
    # What a state holds only until it is deleted (`delete`) has been replaced by another with the same URN.
    return (
        isinstance(each, dict) and bool(_text(each.get("urn")) and _text(each.get("type"))) and not each.get("delete")
    )


def _resource(each: dict[str, Any], added: Mapping[str, Mapping[str, Any]]) -> Resource:
    urn = each["urn"]
    identity = {"id": each["id"]} if _text(each.get("id")) else {}
    values = {**identity, **_object(each.get("inputs")), **_object(each.get("outputs")), **added.get(urn, {})}
    references = {key: tuple(_texts(urns)) for key, urns in _object(each.get("propertyDependencies")).items()}
    return Resource(
        each["type"],
        urn.split("::", 3)[-1],
        urn,
        _opened(values),
        parent=_text(each.get("parent")),
        references=references,
        protect=each.get("protect") is True,
        ignored=tuple(_texts(each.get("ignoreChanges"))),
    )


def _opened(value: Any) -> Any:
    """`value` with everything secret unknown: nothing of it can then be told, or left out as absent."""
    if isinstance(value, dict):
        if value.get(deserialize.SPECIAL_SIG_KEY) == deserialize.SPECIAL_SECRET_SIG:
            return proxy.UNKNOWN_STRING_VALUE
        return {key: _opened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_opened(item) for item in value]
    return proxy.UNKNOWN_STRING_VALUE if value == _MASKED else value


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> Iterator[str]:
    return (each for each in (value if isinstance(value, list) else []) if isinstance(each, str))
