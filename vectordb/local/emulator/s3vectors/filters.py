"""Metadata filters: a document such as {"module": "gzip", "year": {"$gte": 2020}} as a predicate over metadata.

Source: Amazon S3 User Guide, metadata filtering. Fields and operators side by side are ANDed. Strings, numbers and
booleans are only equal to their own kind (true is not 1). A list in the metadata satisfies $eq and $in when one element
does. Comparisons hold for numbers only. `$ne` and `$nin` are the negations of `$eq` and `$in`, so they hold for a missing
key; the guide does not say.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from vectordb.local.emulator.s3vectors.parameters import invalid
from vectordb.local.emulator.wire import ServiceError

Predicate = Callable[[Mapping[str, Any]], bool]
MOST_CONSTRAINTS = 100
"""In an ENHANCED index; each value counts."""

_MISSING = object()


def compile_filter(document: Any, *, non_filterable: Collection[str] = ()) -> Predicate:
    """The predicate of a filter document.

    Args:
        document: the request's `filter`.
        non_filterable: metadata keys of the index that cannot be filtered on.

    Raises:
        ServiceError: ValidationException, naming the operator or key.
    """
    compiler = _Compiler(frozenset(non_filterable))
    predicate = compiler.document(document, depth=0)
    if compiler.constraints > MOST_CONSTRAINTS:
        raise _refusal(
            f"it has {compiler.constraints} constraints, at most {MOST_CONSTRAINTS} are allowed (each value counts)"
        )
    return predicate


class _Compiler:
    def __init__(self, non_filterable: frozenset[str]) -> None:
        self.non_filterable = non_filterable
        self.constraints = 0

    def document(self, document: Any, *, depth: int) -> Predicate:
        if not isinstance(document, dict) or not document:
            raise _refusal("a filter is a JSON object with at least one condition")
        if depth > MOST_CONSTRAINTS:
            raise _refusal("it is nested too deeply")
        return _all([self._entry(key, value, depth) for key, value in document.items()])

    def _entry(self, key: str, value: Any, depth: int) -> Predicate:
        if key in {"$and", "$or"}:
            if not isinstance(value, list) or not value:
                raise _refusal(f"{key} needs a non-empty array of filters")
            parts = [self.document(part, depth=depth + 1) for part in value]
            return _all(parts) if key == "$and" else _any(parts)
        if key.startswith("$"):
            raise _refusal(f"{key} is no logical operator; $and and $or are")
        if key in self.non_filterable:
            raise _refusal(f"the metadata key '{key}' is not filterable in this index")
        conditions = value if isinstance(value, dict) else {"$eq": value}
        if not conditions:
            raise _refusal(f"the condition on '{key}' is empty")
        return _all([self._condition(key, operator, operand) for operator, operand in conditions.items()])

    def _condition(self, key: str, operator: str, operand: Any) -> Predicate:
        self.constraints += len(operand) if isinstance(operand, list) else 1
        if operator in _OPERATORS:
            accepts, needed, make = _OPERATORS[operator]
            if not accepts(operand):
                raise _refusal(f"{operator} on '{key}' needs {needed}")
            return make(key, operand)
        raise _refusal(f"{operator} is no operator; {', '.join(sorted(_OPERATORS))} are")


def _refusal(reason: str) -> ServiceError:
    return invalid("filter", f"Invalid query filter: {reason}")


def _all(parts: list[Predicate]) -> Predicate:
    return parts[0] if len(parts) == 1 else lambda metadata: all(part(metadata) for part in parts)


def _any(parts: list[Predicate]) -> Predicate:
    return lambda metadata: any(part(metadata) for part in parts)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)  # bool is an int


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_scalar(element) for element in value)


def _identity(value: Any) -> tuple[bool, Any]:
    """Equal exactly when the values are equal and of one kind: 1 is 1.0, True is not 1."""
    return isinstance(value, bool), value


def _contained(value: Any, wanted: Collection[tuple[bool, Any]]) -> bool:
    if isinstance(value, list):
        return any(_identity(element) in wanted for element in value)
    return _identity(value) in wanted


def _in(key: str, operand: list[Any]) -> Predicate:
    wanted = {_identity(value) for value in operand}

    def predicate(metadata: Mapping[str, Any]) -> bool:
        value = metadata.get(key, _MISSING)
        return value is not _MISSING and _contained(value, wanted)

    return predicate


def _equal(key: str, operand: Any) -> Predicate:
    return _in(key, [operand])


def _negated(make: Callable[[str, Any], Predicate]) -> Callable[[str, Any], Predicate]:
    def negated(key: str, operand: Any) -> Predicate:
        predicate = make(key, operand)
        return lambda metadata: not predicate(metadata)

    return negated


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[str, Any], Predicate]:
    def make(key: str, operand: Any) -> Predicate:
        return lambda metadata: _is_number(value := metadata.get(key)) and compare(value, operand)

    return make


def _starts_with(key: str, operand: str) -> Predicate:
    def predicate(metadata: Mapping[str, Any]) -> bool:
        value = metadata.get(key)
        if isinstance(value, list):
            return any(isinstance(element, str) and element.startswith(operand) for element in value)
        return isinstance(value, str) and value.startswith(operand)

    return predicate


def _exists(key: str, operand: bool) -> Predicate:  # noqa: FBT001 - the operand of the operator, like any other
    return lambda metadata: (key in metadata) is operand


# operator → what it accepts, that in words, and the predicate
_OPERATORS: dict[str, tuple[Callable[[Any], bool], str, Callable[[str, Any], Predicate]]] = {
    "$eq": (_is_scalar, "a string, number or boolean", _equal),
    "$ne": (_is_scalar, "a string, number or boolean", _negated(_equal)),
    "$gt": (_is_number, "a number", _comparison(lambda value, operand: value > operand)),
    "$gte": (_is_number, "a number", _comparison(lambda value, operand: value >= operand)),
    "$lt": (_is_number, "a number", _comparison(lambda value, operand: value < operand)),
    "$lte": (_is_number, "a number", _comparison(lambda value, operand: value <= operand)),
    "$in": (_is_list, "a non-empty array of strings, numbers or booleans", _in),
    "$nin": (_is_list, "a non-empty array of strings, numbers or booleans", _negated(_in)),
    "$exists": (lambda operand: isinstance(operand, bool), "true or false", _exists),
    "$startsWith": (lambda operand: isinstance(operand, str) and bool(operand), "a non-empty string", _starts_with),
}
