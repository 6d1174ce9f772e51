"""What of a plan is judged only when it is deployed: the unknown properties that rules ask for."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, Final

from isolation.loading import Loaded
from isolation.reading.properties import is_unknown
from isolation.rule import Resource, ResourceRule, Rule
from isolation.stack import Stack

_Note = Callable[[str, object], None]


def to_check(loaded: Loaded, rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """The properties that a rule read and nobody knows yet, with the rules that read them.

    A property of which the plan presumes a document is among them, with `presumed` true: the document was judged, the
    identifiers in it are made up. `refers_to` names the resources of the plan whose outputs an unknown is made of.
    """
    noted = _noted(loaded, rules)
    for place in loaded.presumed:
        noted.setdefault(place, set())
    by_urn = loaded.stack.by_urn
    rows: list[dict[str, Any]] = [
        {
            "resource": urn,
            "name": by_urn[urn].name,
            "property": path,
            "rules": sorted(readers),
            "presumed": (urn, path) in loaded.presumed,
            "refers_to": _targets(by_urn, by_urn[urn], path),
        }
        for (urn, path), readers in sorted(noted.items())
        if urn in by_urn
    ]
    return sorted(rows, key=_certainty)


def _certainty(row: Mapping[str, Any]) -> int:
    """First what nothing is known of, then what was judged with made-up identifiers, then identifiers of the plan's own."""
    return 0 if not row["refers_to"] and not row["presumed"] else 1 if row["presumed"] else 2


def _targets(by_urn: Mapping[str, Resource], resource: Resource, path: str) -> list[str]:
    key = path.partition(".")[0].partition("[")[0]
    return sorted({by_urn[urn].name for urn in resource.references.get(key, ()) if urn in by_urn})


def _noted(loaded: Loaded, rules: Iterable[Rule]) -> dict[tuple[str, str], set[str]]:
    """URN and path of each unknown or presumed value that is read → the ids of the rules that read it."""
    found: dict[tuple[str, str], set[str]] = {}
    reader = _Reader()
    watched = _Stack([_watched(resource, loaded.presumed, found, reader) for resource in loaded.stack.resources])
    watched.reader = reader
    for rule in rules:
        reader.rule = rule.id
        if isinstance(rule, ResourceRule):
            for resource in watched.resources:
                list(rule.findings(resource))
        elif not rule.reads_everything:
            list(rule.findings(watched))
    return found


def _watched(
    resource: Resource,
    presumed: AbstractSet[tuple[str, str]],
    found: dict[tuple[str, str], set[str]],
    reader: "_Reader",
) -> Resource:
    def note(path: str, value: object) -> None:
        unknown = is_unknown(value) and not reader.paused
        if unknown or (resource.urn, path) in presumed:
            found.setdefault((resource.urn, path), set()).add(reader.rule)

    return replace(resource, properties=_Object(resource.properties, "", note))


class _Reader:
    """Who reads at the moment."""

    rule = ""
    paused = False


class _Stack(Stack):
    """Whose unknown ids are not noted as long as Pulumi knows what they refer to."""

    reader = _Reader()

    def referenced(self, resource: Resource, key: str, *paths: str) -> list[Resource]:
        self.reader.paused = True
        try:
            found = super().referenced(resource, key, *paths)
        finally:
            self.reader.paused = False
        return found or super().referenced(resource, key, *paths)


class _Object(Mapping[str, object]):
    """An object that notes which of its unknown values are read."""

    def __init__(self, held: Mapping[str, object], path: str, note: _Note) -> None:
        self._held, self._path, self._note = held, path, note

    def __getitem__(self, key: str) -> object:
        return _within(self._held[key], f"{self._path}.{key}" if self._path else key, self._note)

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


class _List(Sequence[object]):
    """The same of a list."""

    def __init__(self, held: Sequence[object], path: str, note: _Note) -> None:
        self._held, self._path, self._note = held, path, note

    def __getitem__(self, index: Any) -> Any:
        return _within(self._held[index], f"{self._path}[{index}]", self._note)

    def __len__(self) -> int:
        return len(self._held)


_PLAIN: Final = (str, bytes)


def _within(value: object, path: str, note: _Note) -> object:
    note(path, value)
    if isinstance(value, Mapping):
        return _Object(value, path, note)
    if isinstance(value, Sequence) and not isinstance(value, _PLAIN):
        return _List(value, path, note)
    return value
