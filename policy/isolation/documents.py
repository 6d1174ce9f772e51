"""Facts about IAM policy documents: JSON text, or an object that becomes it."""

import json
from collections.abc import Iterator, Mapping

from isolation.reading import Property


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
    yield from Property(policy.path, document).at("Statement").each()


def texts(value: Property) -> list[str]:
    """The strings of an element that may be one string or a list of them."""
    return [element.text for element in value.each() if element.text is not None]


def is_everyone(principal: Property) -> bool:
    """Whether a Principal element is `*` or `{"AWS": "*"}`, alone or in a list."""
    return "*" in texts(principal) or "*" in texts(principal.at("AWS"))


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
