"""Facts about IAM policy documents: JSON text, or an object that becomes it.

Read in every spelling that AWS accepts: Statement as one object or a list, each element as one value or a list. Element
names are found in any case; so is Effect, although AWS takes no other than `Allow` and `Deny` (IAM User Guide, "IAM JSON
policy elements: Effect"), for a statement that AWS would refuse must not pass for harmless here.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from isolation.reading.conditions import element, names, narrows
from isolation.reading.properties import Property

_ACCOUNT_PART: Final = 4
_ARN_PARTS: Final = 6
_ACCOUNT_DIGITS: Final = 12

Kind = Literal["everyone", "account", "identity", "service", "federated", "canonical", "unknown"]


class NoDocumentError(ValueError):
    """The property holds no policy document."""


def statements(policy: Property) -> Iterator[Property]:
    """The statements of a known policy document, without those that are unknown.

    Raises:
        NoDocumentError: it is neither an object nor JSON text of one.
    """
    document = policy.value
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError):
            raise NoDocumentError from None
    if not isinstance(document, Mapping):
        raise NoDocumentError
    yield from element(Property(policy.path, document), "Statement").each()


def texts(value: Property) -> list[str]:
    """The strings of an element that may be one string or a list of them."""
    return [each.text for each in value.each() if each.text is not None]


def allows(statement: Property) -> bool:
    """Whether the statement is known to allow."""
    return (element(statement, "Effect").text or "").casefold() == "allow"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a statement names."""

    kind: Kind
    """`account` is an account as a whole, `identity` a role, a user or a session of one."""
    name: str
    """As it is written; empty when unknown."""
    place: Property
    """Where it is written."""

    @property
    def account(self) -> str:
        """The account of an `account` or `identity`, when it is written."""
        parts = self.name.split(":", _ARN_PARTS - 1)
        return parts[_ACCOUNT_PART] if len(parts) == _ARN_PARTS else self.name if self.kind == "account" else ""


def principals(statement: Property) -> Iterator[Principal]:
    """Whom a statement of a resource's policy names; nobody for a statement of an identity's policy.

    NotPrincipal names everyone: all but a few (IAM User Guide, NotPrincipal: it "allows all principals except the one named").
    """
    excepted = element(statement, "NotPrincipal")
    if not excepted.absent:
        yield Principal("everyone", "*", excepted)
    principal = element(statement, "Principal")
    if isinstance(principal.value, Mapping):
        for key in names(principal):
            yield from (_principal(key.casefold(), each) for each in _named(principal.at(key)))
    else:
        # As text only `*` is valid; some services take an ARN or an account in its place.
        yield from (_principal("aws", each) for each in _named(principal))


def _named(value: Property) -> Iterator[Property]:
    return iter([value]) if value.unknown else value.elements()


def _principal(key: str, place: Property) -> Principal:
    text = str(place.number) if isinstance(place.value, int | float) and place.number is not None else place.text
    if text is None:
        return Principal("unknown", "", place)
    if text == "*" or key == "*":
        return Principal("everyone", text, place)
    if key != "aws":
        kinds: dict[str, Kind] = {"service": "service", "federated": "federated", "canonicaluser": "canonical"}
        return Principal(kinds.get(key, "unknown"), text, place)
    parts = text.split(":", _ARN_PARTS - 1)
    if len(parts) != _ARN_PARTS:
        is_account = len(text) == _ACCOUNT_DIGITS and text.isdigit()
        return Principal("everyone" if _wild(text) else "account" if is_account else "identity", text, place)
    # "You cannot use a wildcard to match part of a principal name or ARN" (IAM User Guide, Principal): were it possible,
    # it would mean everyone.
    if _wild(parts[_ACCOUNT_PART]):
        return Principal("everyone", text, place)
    return Principal("account" if parts[-1] == "root" else "identity", text, place)


def _wild(text: str) -> bool:
    return "*" in text or "?" in text


def is_everyone(principal: Property) -> bool:
    """Whether a Principal element is `*` or `{"AWS": "*"}`, alone or in a list."""
    return "*" in texts(principal) or "*" in texts(principal.at("AWS"))


def is_public(statement: Property) -> bool:
    """Whether the statement is known to allow something to everyone, or to everyone but a few, under no condition that
    narrows that to known callers.

    A condition whose value is unknown may narrow: the statement is judged when the value is known.
    """
    named = any(principal.kind == "everyone" for principal in principals(statement))
    return allows(statement) and named and narrows(statement) is False


def only_condition(statement: Property, operators: frozenset[str], key: str) -> Property | None:
    """The value that `key` is compared with, when it is the statement's only condition and by one of `operators`.

    A second condition would narrow the statement. Condition keys are case-insensitive (IAM User Guide, Condition).
    """
    condition = statement.at("Condition")
    if not isinstance(condition.value, Mapping) or len(condition.value) != 1:
        return None
    operator = next(iter(condition.value))
    compared = condition.at(operator)
    if operator not in operators or not isinstance(compared.value, Mapping) or len(compared.value) != 1:
        return None
    name = next(iter(compared.value))
    return compared.at(name) if name.casefold() == key.casefold() else None


# A topic's policy can name single actions only; what a message passes is this one (SNS Developer Guide, enforce encryption
# of data in transit).
_ALL_OF: Final = {"sns": "sns:publish"}


def refuses_clear_text(statement: Property, service: str, *, contains: bool) -> bool:
    """Whether a statement denies every action to everyone who comes without TLS.

    `contains`: the resource holds others (a bucket its objects, a vector bucket its indexes), so both must be named.
    """
    compared = only_condition(statement, frozenset({"Bool", "BoolIfExists"}), "aws:SecureTransport")
    resources = texts(statement.at("Resource"))
    within = any(name.endswith("*") for name in resources) if contains else True
    itself = any(not name.endswith("/*") for name in resources)
    return (
        statement.at("Effect").text == "Deny"
        and is_everyone(statement.at("Principal"))
        and any(
            action.casefold() in ("*", f"{service}:*", _ALL_OF.get(service)) for action in texts(statement.at("Action"))
        )
        and within
        and itself
        and compared is not None
        and [each.truth for each in compared.elements()] == [False]
    )
