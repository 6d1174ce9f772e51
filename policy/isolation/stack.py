"""All the resources of a stack, and what refers to what."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from operator import itemgetter
from typing import TypeVar, cast

from isolation.rule import Resource, aws

# What the value of a reference may be equal to, once it is known.
_IDENTITIES = ("id", "arn", "name")

_Made = TypeVar("_Made")


class Stack:
    """What a stack rule judges: the plan of a preview, or the state that an update made.

    Args:
        resources: in the order of their registration.
        settings: of the rule that asks, defaults filled in.
    """

    def __init__(self, resources: Sequence[Resource], settings: Mapping[str, object] | None = None) -> None:
        self.settings: Mapping[str, object] = {} if settings is None else settings
        self._index = _Index(tuple(resources))

    def configured(self, settings: Mapping[str, object]) -> "Stack":
        """The same resources for a rule with other settings; what was looked up once stays known."""
        stack = copy(self)
        stack.settings = settings
        return stack

    @property
    def resources(self) -> tuple[Resource, ...]:
        return self._index.resources

    def of(self, *paths: str) -> Iterator[Resource]:
        """The resources of these types, each written as `ec2/securityGroup`, in the order of registration."""
        found = [each for path in set(paths) for each in self._index.by_type.get(aws(path), ())]
        return (resource for _, resource in sorted(found, key=itemgetter(0)))

    @property
    def by_urn(self) -> Mapping[str, Resource]:
        return self._index.by_urn

    def referenced(self, resource: Resource, key: str, *paths: str) -> list[Resource]:
        """The resources of the types `paths` that the property `key` of `resource` is made of.

        During a preview an id is unknown, but Pulumi tells which resources a property depends on. Where the values are
        known, only the resources that have them as id, ARN or name are taken; that finds them too when somebody wrote
        the id out.
        """
        wanted = {aws(path) for path in paths}
        property_ = resource.at(key)
        known = {each.text for each in property_.each() if each.text is not None}
        if known and property_.whole:
            return [other for other in self._identified(known) if not wanted or other.type in wanted]
        named = (self.by_urn[urn] for urn in resource.references.get(key, ()) if urn in self.by_urn)
        return [other for other in named if not wanted or other.type in wanted]

    def once(self, make: "Callable[[Stack], _Made]") -> _Made:
        """What `make` makes of the resources, whatever the settings: made for the first rule that asks, kept for the others."""
        made = self._index.made
        if make not in made:
            made[make] = make(self)
        return cast("_Made", made[make])

    def _identified(self, values: set[str]) -> list[Resource]:
        found = {other.urn: other for value in values for other in self._index.identities.get(value, ())}
        return list(found.values())


class _Index:
    """What is looked up again and again."""

    def __init__(self, resources: tuple[Resource, ...]) -> None:
        self.resources = resources
        self.made: dict[object, object] = {}

    @cached_property
    def by_type(self) -> Mapping[str, list[tuple[int, Resource]]]:
        """With the place of each in the order of registration."""
        found: dict[str, list[tuple[int, Resource]]] = {}
        for place, resource in enumerate(self.resources):
            found.setdefault(resource.type, []).append((place, resource))
        return found

    @cached_property
    def by_urn(self) -> Mapping[str, Resource]:
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def identities(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            for identity in {resource.at(key).text for key in _IDENTITIES} - {None}:
                found.setdefault(str(identity), []).append(resource)
        return found
