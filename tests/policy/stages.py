"""Stacks for stack rules, each as a preview knows it and as an update made it."""

from collections.abc import Iterator
from typing import Any

import pytest

from isolation.reading.properties import Property
from isolation.rule import Resource
from isolation.stack import Stack
from tests.policy.support import UNKNOWN, resource, secret, stack_rule


class Stage:
    """`preview`: ids are unknown, and Pulumi says what they depend on. `update`: ids are known, and nothing else."""

    def __init__(self, name: str) -> None:
        self.is_update = name == "update"

    def make(
        self, path: str, name: str, properties: dict[str, Any] | None = None, **made_of: Resource | list[Resource]
    ) -> Resource:
        """A resource; `made_of` are the properties that hold ids of others, one or a list of them."""
        values = dict(properties or {})
        references: dict[str, tuple[str, ...]] = {}
        for key, others in made_of.items():
            many = others if isinstance(others, list) else [others]
            ids = [f"id-of-{other.name}" if self.is_update else UNKNOWN for other in many]
            values[key] = ids if isinstance(others, list) else ids[0]
            references[key] = () if self.is_update else tuple(other.urn for other in many)
        if self.is_update:
            values["id"] = f"id-of-{name}"
        found = resource(path, values, name)
        return Resource(found.type, found.name, found.urn, found.properties, references=references)


@pytest.fixture(params=["preview", "update"])
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage(request.param)


def judged(rule_id: str, resources: list[Resource], **settings: Any) -> list[tuple[str, str, str]]:
    """(resource, property, problem) of each finding of a stack rule; `settings` beside its defaults."""
    rule = stack_rule(rule_id)
    stack = Stack(resources, rule.defaults | settings)
    return [(found.name if found else "", finding.path, finding.problem) for found, finding in rule.findings(stack)]


def hidden(resources: list[Resource]) -> list[Resource]:
    """The same stack, each value of it a secret."""
    return [
        Resource(each.type, each.name, each.urn, _secret(each.root), references=each.references, ignored=each.ignored)
        for each in resources
    ]


def _secret(root: Property) -> dict[str, Any]:
    return {str(key): secret(_plain(root.at(str(key)))) for key in _names(root)}


def _names(value: Property) -> Iterator[object]:
    return iter(value.value) if hasattr(value.value, "keys") else iter(())


def _plain(value: Property) -> Any:
    if value.unknown:
        return UNKNOWN
    if hasattr(value.value, "keys"):
        return {str(key): _plain(value.at(str(key))) for key in _names(value)}
    if isinstance(value.value, str | int | float | bool) or value.value is None:
        return value.value
    return [_plain(each) for each in value.elements()]
