"""The caller's tenants: which vectors a request may see and touch.

The database says them with every request; nothing that a caller passes can widen them. A vector is visible when its
metadata has one of the values under the scope's key, or a list that holds one (as the filter `$eq` matches a list's
elements). It is owned when there is nothing but the scope's values: one that is shared with another tenant can be read,
not replaced and not deleted. A vector without the key belongs to no tenant.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from arguments import MAX_METADATA_KEY_LENGTH, encodable, invalid
from floats import LARGEST
from protocol import BridgeError

Scalar = str | int | float | bool


def is_scalar(value: Any) -> bool:
    """A value that metadata may hold and a filter compare: valid text, a finite number, a boolean."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and -LARGEST <= value <= LARGEST


def identity(value: Scalar) -> tuple[bool, Scalar]:
    """Equal exactly when the service finds the values equal: 1 is 1.0, true is not 1."""
    return isinstance(value, bool), value


class Scope(NamedTuple):
    """One metadata key, and the values that are the caller's."""

    key: str
    values: tuple[Scalar, ...]
    allowed: frozenset[tuple[bool, Scalar]]

    @property
    def filter(self) -> str:
        """The scope as a filter document. `$eq` of each value: that it matches a list's elements is documented."""
        conditions = [json.dumps({self.key: {"$eq": value}}, separators=(",", ":")) for value in self.values]
        return conditions[0] if len(conditions) == 1 else f'{{"$or":[{",".join(conditions)}]}}'

    def sees(self, metadata: Mapping[str, Any] | None) -> bool:
        """Whether a vector of this metadata is visible."""
        return any(self._mine(value) for value in self._values(metadata))

    def owns(self, metadata: Mapping[str, Any] | None) -> bool:
        """Whether a vector of this metadata is the caller's alone."""
        values = self._values(metadata)
        return bool(values) and all(self._mine(value) for value in values)

    def stamped(self, metadata: Mapping[str, Any], name: str) -> dict[str, Any]:
        """The metadata of a vector to be written, with the scope's value where there is none.

        Raises:
            BridgeError: TenantMismatch when it is another tenant's; InvalidRequest when it is unclear whose it is.
        """
        if self.key in metadata:
            if not self.owns(metadata):
                raise BridgeError("TenantMismatch", f"{name} belongs to a tenant that is not the caller's")
            return dict(metadata)
        if len(self.values) > 1:
            raise invalid(f"{name} does not say which of the caller's tenants it belongs to")
        return {**metadata, self.key: self.values[0]}

    def _values(self, metadata: Mapping[str, Any] | None) -> list[Any]:
        if not metadata or self.key not in metadata:
            return []
        value = metadata[self.key]
        return value if isinstance(value, list) else [value]

    def _mine(self, value: Any) -> bool:
        return isinstance(value, str | int | float) and identity(value) in self.allowed


def requested(arguments: Mapping[str, Any]) -> Scope | None:
    """The scope of a request, None when it sees the whole index. Raises BridgeError InvalidRequest."""
    value = arguments.get("scope")
    if value is None:
        return None
    if not isinstance(value, dict) or value.keys() != {"key", "values"}:
        raise invalid("scope must be an object of key and values")
    key, values = value["key"], value["values"]
    if (
        not isinstance(key, str)
        or not 1 <= len(key) <= MAX_METADATA_KEY_LENGTH
        or not encodable(key)
        or key.startswith("$")
    ):
        raise invalid("scope.key must be a metadata key")
    if not isinstance(values, list) or not values or not all(is_scalar(item) for item in values):
        raise invalid("scope.values must be an array of strings, numbers or booleans, at least one")
    distinct = {identity(item): item for item in values}
    return Scope(key, tuple(distinct.values()), frozenset(distinct))
