"""Waivers: a finding that somebody answers for until a day that is written down."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, Final

from isolation.rule import Finding, Resource

SCHEMA: Final[Mapping[str, Any]] = {
    "type": "array",
    "description": "Findings that somebody answers for: they are reported and block nothing until the day they expire.",
    "default": [],
    "items": {
        "type": "object",
        "properties": {
            "resource": {"type": "string", "description": "The resource's name or URN; * stands for any characters."},
            "property": {"type": "string", "description": "The property, as the finding names it; [] is any element."},
            "owner": {"type": "string", "description": "Who answers for it."},
            "reason": {"type": "string", "description": "Why it is right for now."},
            "expires": {"type": "string", "description": "The last day on which it counts, as YYYY-MM-DD."},
        },
    },
}
"""Of the key `waivers` of every rule. What a waiver lacks is no error of the schema: it waives nothing, and is told so."""

_REQUIRED = ("resource", "owner", "reason", "expires")
_KEYS = frozenset({*_REQUIRED, "property"})
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INDEX = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True, slots=True)
class Waiver:
    """A waiver that says all that it must."""

    rule: str
    resource: str
    owner: str
    reason: str
    expires: date
    property: str = ""
    """Empty: whatever the rule finds about the resource."""

    def covers(self, resource: Resource, finding: Finding) -> bool:
        """Whether the finding is the waived one, whatever the day."""
        named = fnmatchcase(resource.name, self.resource) or fnmatchcase(resource.urn, self.resource)
        return named and (not self.property or self.property in (finding.path, _INDEX.sub("[]", finding.path)))

    def days_left(self, today: date) -> int:
        """0 on its last day, negative after it."""
        return (self.expires - today).days

    def __str__(self) -> str:
        property_ = f", property {self.property}" if self.property else ""
        return f"The waiver of {self.rule} for {self.resource}{property_} by {self.owner}"


def read(rule: str, given: object) -> tuple[tuple[Waiver, ...], tuple[str, ...]]:
    """The waivers of a rule's configuration, and a sentence about each entry that is none."""
    if given is None:
        return (), ()
    if not isinstance(given, Sequence) or isinstance(given, str):
        return (), (f"waivers of {rule} is no list: it waives nothing.",)
    waivers, problems = [], []
    for number, entry in enumerate(given):
        if wrong := _problem(entry):
            problems.append(f"waivers[{number}] of {rule} {wrong}: it waives nothing.")
        else:
            waivers.append(_waiver(rule, entry))
    return tuple(waivers), tuple(problems)


def _problem(entry: object) -> str | None:
    if not isinstance(entry, Mapping):
        return "is no object"
    if unknown := sorted(map(str, entry.keys() - _KEYS)):
        return f"has a key that waivers do not have ({unknown[0]})"
    if lacking := [key for key in _REQUIRED if not isinstance(entry.get(key), str) or not entry[key].strip()]:
        return f"lacks {' and '.join(lacking)}"
    if not isinstance(entry.get("property", ""), str):
        return "has a property that is no string"
    if not entry["resource"].strip("*?"):
        return "names every resource (disable the rule instead, where everybody sees it)"
    return None if _day(entry["expires"]) else "has an expires that is no day written YYYY-MM-DD"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _waiver(rule: str, entry: Mapping[str, str]) -> Waiver:
    expires = _day(entry["expires"])
    assert expires is not None
    return Waiver(rule, entry["resource"], entry["owner"], entry["reason"], expires, entry.get("property", ""))
