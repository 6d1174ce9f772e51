"""Which request of AWS's API each property of a resource becomes: a table, and the translation that it drives.

A property is translated to the member of the same name, whatever its case; the table has the others. A property that no
request has must be listed with the reason, so that a new one cannot pass unseen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.components.models import shapes

SUFFIX = "-0a1b2c3"
"""What the engine appends to a resource's name where a program gives no physical one: a hyphen and seven hex digits."""
UNIQUE = "20260131120000000000000001"
"""What the provider appends to a `namePrefix`: 26 digits (terraform-plugin-sdk, helper/id)."""


@dataclass(frozen=True)
class Request:
    """One operation, and how a resource's properties get into it.

    Attributes:
        service: botocore's name of the service.
        operation: the operation.
        members: `property` or `property.nested` → member; `A.B` is nested, `A[]` the only item of a list, and an
            empty one is sent by another operation.
        named: the member that gets the automatic name when the resource has no `name`.
        added: members that the provider fills by itself.
        each: a property that is a list, each of whose items is a request of its own.
    """

    service: str
    operation: str
    members: Mapping[str, str] = field(default_factory=dict)
    named: str = ""
    added: Mapping[str, Any] = field(default_factory=dict)
    each: str = ""


@dataclass(frozen=True)
class Entry:
    """The requests of a resource type, and its properties that none of them has: property → reason."""

    requests: tuple[Request, ...]
    without: Mapping[str, str] = field(default_factory=dict)


def check(entry: Entry, name: str, inputs: Mapping[str, Any], tally: shapes.Tally) -> Iterator[str]:
    """What AWS would refuse in a resource's inputs, and properties that no request has."""
    placed: set[str] = set(entry.without)
    extra: set[str] = set()
    for request in entry.requests:
        shape = shapes.operation(request.service, request.operation)
        items = inputs.get(request.each, []) if request.each else [{}]
        if shapes.is_unknown(items):
            tally.unknown += 1
            placed.add(request.each)
            continue
        for item in items:
            translation = _Translation(request, shape)
            built = translation.request(name, {**inputs, **item} if request.each else inputs)
            placed |= translation.placed | {request.each}
            where = f"{request.service}.{request.operation}"
            yield from (f"{name}: {where}: {problem}" for problem in translation.problems)
            for problem in shapes.problems(built, shape, where, tally):
                yield f"{name}: {problem}"
            extra |= item.keys()
    for key in inputs.keys() | extra:
        if key not in placed:
            yield f"{name}: the table of requests knows no member for the property {key!r}"


class _Translation:
    """One request, built from one resource's inputs."""

    def __init__(self, request: Request, shape: Any) -> None:
        self._request, self._shape = request, shape
        self.placed: set[str] = set()
        self.problems: list[str] = []

    def request(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key, value in inputs.items():
            target = self._request.members.get(key) or _like(key, self._shape)
            if target or key in self._request.members:
                self.placed.add(key)
            if target:
                self._put(built, self._shape, target, value, key)
        if self._request.named and "name" not in inputs:
            prefix = inputs.get("namePrefix")
            self.placed.add("namePrefix")
            automatic = f"{prefix}{UNIQUE}" if prefix else f"{name}{SUFFIX}"
            self._put(built, self._shape, self._request.named, automatic, "name")
        for target, value in self._request.added.items():
            self._put(built, self._shape, target, value, target)
        return built

    def _put(self, built: dict[str, Any], shape: Any, target: str, value: Any, path: str) -> None:
        """Set `target` of `built`, making what is between them."""
        first, _, rest = target.partition(".")
        if shape.type_name == "map":
            # Attributes are strings in these APIs, numbers too.
            built[first] = str(value) if type(value) in (int, float) else value
            return
        member, listed = first.removesuffix("[]"), first.endswith("[]")
        inner = shape.members[member]
        if not rest:
            adapted = self._adapted(value, inner.member if listed else inner, path)
            built[member] = [adapted] if listed else adapted
        elif listed:
            items = built.setdefault(member, [{}])
            self._put(items[0], inner.member, rest, value, path)
        else:
            self._put(built.setdefault(member, {}), inner, rest, value, path)

    def _adapted(self, value: Any, shape: Any, path: str) -> Any:
        """`value` in the form of `shape`: the provider's single blocks, sets and maps of tags differ from the API's."""
        if shapes.is_unknown(value):
            return value
        if shape.type_name == "structure":
            block = value[0] if isinstance(value, list) and len(value) == 1 else value
            return self._structure(block, shape, path) if isinstance(block, dict) else block
        if shape.type_name == "list":
            return self._list(value, shape, path)
        return value

    def _list(self, value: Any, shape: Any, path: str) -> Any:
        if isinstance(value, dict) and shape.member.type_name == "structure":
            keys = {member.lower().removeprefix("tag"): member for member in shape.member.members}
            first = keys.get("key") or keys.get("name")
            if first and len(keys) == len(("key", "value")):
                return [{first: key, keys["value"]: text} for key, text in value.items()]
        items = value if isinstance(value, list) else [value]
        return [self._adapted(item, shape.member, path) for item in items]

    def _structure(self, value: dict[str, Any], shape: Any, path: str) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key, item in value.items():
            place = f"{path}.{key}"
            target = self._request.members.get(place) or _like(key, shape)
            if target:
                self._put(built, shape, target, item, place)
            elif place not in self._request.members:
                self.problems.append(f"there is no member for {place}")
        return built


def _like(key: str, shape: Any) -> str:
    """The member of the same name, whatever its case."""
    return next((member for member in shape.members if member.lower() == key.lower()), "")
