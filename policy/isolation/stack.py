"""All the resources of a stack, and what refers to what."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from isolation.rule import Resource, aws

# What the value of a reference may be equal to, once it is known.
_IDENTITIES = ("id", "arn", "name")


class Stack:
    """What a stack rule judges: the plan of a preview, or the state that an update made.

    Args:
        resources: in the order of their registration.
        settings: of the rule that asks, defaults filled in.
    """

    def __init__(self, resources: Sequence[Resource], settings: Mapping[str, object] | None = None) -> None:
        self.resources = tuple(resources)
        self.settings: Mapping[str, object] = {} if settings is None else settings

    def of(self, *paths: str) -> Iterator[Resource]:
        """The resources of these types, each written as `ec2/securityGroup`, in the order of registration."""
        wanted = {aws(path) for path in paths}
        return (resource for resource in self.resources if resource.type in wanted)

    @cached_property
    def by_urn(self) -> Mapping[str, Resource]:
        return {resource.urn: resource for resource in self.resources}

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

    def _identified(self, values: set[str]) -> list[Resource]:
        found = {other.urn: other for value in values for other in self._identities.get(value, ())}
        return list(found.values())

    @cached_property
    def _identities(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            for identity in {resource.at(key).text for key in _IDENTITIES} - {None}:
                found.setdefault(str(identity), []).append(resource)
        return found
