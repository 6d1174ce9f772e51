"""How a generation's texts are cut: its `chunking` object, checked.

    {"method": "none"}
    {"method": "recursive", "size": 800, "overlap": 100, "unit": "characters"}

method: none, fixed, recursive, sentence, markdown. unit: characters (of Unicode) or tokens (estimated, measures.py).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from embedder.errors import SettingsError

METHODS = ("none", "fixed", "recursive", "sentence", "markdown")
UNITS = ("characters", "tokens")
SIZE = {"characters": 800, "tokens": 256}
SMALLEST = {"characters": 20, "tokens": 16}
"""A chunk of fewer says nothing; and any one character fits."""
LARGEST = 100_000
_KEYS = frozenset({"method", "size", "overlap", "unit", "too_long"})


class PlanError(SettingsError):
    """A chunking that cannot be followed; the message says why and holds no content."""


class Plan(NamedTuple):
    """A checked `chunking`."""

    method: str = "none"
    size: int = 0
    """Of a chunk at most, overlap included; 0 for the model's own limits."""
    overlap: int = 0
    """Of the text before that each chunk repeats, at most."""
    unit: str = "characters"
    truncate: bool = False
    """Of a text that method `none` cannot send whole: its beginning is embedded, instead of a failure."""

    @classmethod
    def read(cls, given: Mapping[str, Any] | None) -> "Plan":
        """Raises PlanError."""
        given = given or {"method": "none"}
        if unknown := given.keys() - _KEYS:
            raise PlanError(
                f"chunking has unknown keys ({', '.join(sorted(unknown))}); known are {', '.join(sorted(_KEYS))}"
            )
        method = given.get("method", "none")
        if method not in METHODS:
            raise PlanError(f"chunking.method must be one of {', '.join(METHODS)}")
        unit = given.get("unit", "characters")
        if unit not in UNITS:
            raise PlanError(f"chunking.unit must be one of {', '.join(UNITS)}")
        too_long = given.get("too_long", "fail")
        if too_long not in {"fail", "truncate"}:
            raise PlanError("chunking.too_long must be fail or truncate")
        if method == "none":
            return cls(truncate=too_long == "truncate")
        size = _number(given, "size", SIZE[unit], SMALLEST[unit], LARGEST)
        return cls(method, size, _number(given, "overlap", 0, 0, size // 2), unit)


def _number(given: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    value = given.get(name, default)
    if type(value) is not int or not low <= value <= high:
        raise PlanError(f"chunking.{name} must be an integer from {low} to {high}")
    return value
