"""The service's filter language, checked before the call, and the caller's tenants put in front.

Source: Amazon S3 User Guide, metadata filtering. Fields side by side, and operators side by side under one field, are
ANDed; a plain value stands for `$eq`. What is sent is written anew from what was checked. Refusals name the operator and the
path, never a value.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from arguments import invalid, shown
from protocol import BridgeError
from scope import Scope, is_scalar

MOST_CONSTRAINTS = 100
"""Of an ENHANCED index (User Guide, limitations): each value of a list counts."""
_DEEPEST = 32
_LONGEST_PATH = 200


def joined(arguments: Mapping[str, Any], scope: Scope | None, mode: str | None) -> str | None:
    """The filter to send as JSON: the scope's, the caller's, both or None.

    Raises:
        BridgeError: InvalidRequest when the caller's is not of the language, or both together are too many constraints.
    """
    document = arguments.get("metadata_filter")
    if document is None:
        counted, own = 0, None
    else:
        checker = _Checker(classic=mode == "CLASSIC")
        checker.document(document, "metadata_filter", 0)
        counted, own = checker.constraints, json.dumps(document, separators=(",", ":"))
    tenants = len(scope.values) if scope else 0
    if counted + tenants > MOST_CONSTRAINTS:
        raise invalid(
            f"metadata_filter has {counted} constraints (each value of a list counts)"
            f"{f' beside {tenants} of the tenants' if tenants else ''}; at most {MOST_CONSTRAINTS} are allowed together"
        )
    if scope is None:
        return own
    return scope.filter if own is None else f'{{"$and":[{scope.filter},{own}]}}'


class _Checker:
    """One walk over a document. `constraints` is how many values it compares with."""

    def __init__(self, *, classic: bool) -> None:
        self.classic = classic
        self.constraints = 0

    def document(self, document: Any, path: str, depth: int) -> None:
        if not isinstance(document, dict):
            raise _refused(path, "must be an object")
        if not document:
            raise _refused(path, "is empty; give at least one condition, or null for no filter")
        if depth > _DEEPEST:
            raise _refused(path, f"is nested more than {_DEEPEST} deep")
        for key, value in document.items():
            if not isinstance(key, str) or not is_scalar(key):
                raise _refused(path, "has a key that is not valid Unicode")
            here = f"{path}.{shown(key)}"
            if key in _LOGICAL:
                if not isinstance(value, list) or not value:
                    raise _refused(here, "needs a non-empty array of filters")
                for position, part in enumerate(value):
                    self.document(part, f"{here}[{position}]", depth + 1)
            elif key.startswith("$"):
                raise _refused(here, f"is no logical operator; {' and '.join(_LOGICAL)} are")
            else:
                self._field(value, here)

    def _field(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            # A plain value is short for $eq.
            self._condition("$eq", value, path)
            return
        if not value:
            raise _refused(path, "has no operator")
        for operator, operand in value.items():
            if operator not in _OPERANDS:
                known = ", ".join(_OPERANDS)
                shape = shown(operator) if isinstance(operator, str) else "it"
                raise _refused(path, f"{shape} is no operator; {known} are")
            if operator == "$startsWith" and self.classic:
                raise _refused(path, "$startsWith exists in query mode ENHANCED only, not in CLASSIC")
            self._condition(operator, operand, path)

    def _condition(self, operator: str, operand: Any, path: str) -> None:
        accepts, needed = _OPERANDS[operator]
        if not accepts(operand):
            hint = "; $in takes an array" if operator == "$eq" and isinstance(operand, list) else ""
            raise _refused(path, f"{operator} needs {needed}{hint}")
        self.constraints += len(operand) if isinstance(operand, list) else 1


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool | str) and is_scalar(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and is_scalar(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(is_scalar(item) for item in value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


_LOGICAL = ("$and", "$or")
_SCALAR = "a string, number or boolean"
_LIST = "a non-empty array of strings, numbers or booleans"
# operator → which operands it takes, and that in words
_OPERANDS: dict[Any, tuple[Callable[[Any], bool], str]] = {
    "$eq": (is_scalar, _SCALAR),
    "$ne": (is_scalar, _SCALAR),
    "$gt": (_is_number, "a number"),
    "$gte": (_is_number, "a number"),
    "$lt": (_is_number, "a number"),
    "$lte": (_is_number, "a number"),
    "$in": (_is_list, _LIST),
    "$nin": (_is_list, _LIST),
    "$exists": (_is_flag, "true or false"),
    "$startsWith": (_is_text, "a string"),
}


def _refused(path: str, problem: str) -> BridgeError:
    cut = path if len(path) <= _LONGEST_PATH else f"...{path[-_LONGEST_PATH:]}"
    return invalid(f"{cut} {problem}")
