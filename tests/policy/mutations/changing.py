"""Ways to change a plan: each is a function from a plan to its variations, one for each resource that it can be done to."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Final

from isolation.rule import Resource, aws
from tests.policy.mutations.plans import Plan

GONE: Final = object()
"""As a value: the property is taken away."""


@dataclass(frozen=True)
class Variation:
    """A changed plan."""

    label: str
    resources: tuple[Resource, ...]
    touched: tuple[Resource, ...] = ()
    """The resources that are new or changed."""


Change = Callable[[Plan], Iterator[Variation]]


@dataclass(frozen=True)
class Mutation:
    """A way to break a plan."""

    rule: str
    """The rule that has to notice."""
    what: str
    change: Change

    def __str__(self) -> str:
        return f"{self.rule}-{self.what}"


def edited(path: str, edit: Callable[[dict[str, Any]], bool | None], where: str = "") -> Change:
    """Each resource of a type, its properties changed in place by `edit`; not the ones for which that says False.

    `where` is a part of the name of the resources that are meant.
    """

    def change(plan: Plan) -> Iterator[Variation]:
        for resource in plan.resources:
            if resource.type == aws(path) and where in resource.name:
                properties = deepcopy(dict(resource.properties))
                if edit(properties) is not False:
                    yield _with(plan, resource, replace(resource, properties=properties))

    return change


def changed(path: str, where: str = "", **values: Any) -> Change:
    """Each resource of a type with these properties; `a__b` is `b` within `a`, `GONE` takes a property away."""

    def edit(properties: dict[str, Any]) -> bool:
        before = deepcopy(properties)
        for key, value in values.items():
            put(properties, key.split("__"), value)
        return properties != before

    return edited(path, edit, where)


def put(properties: dict[str, Any], keys: list[str], value: Any) -> None:
    """Set or take away a property below `properties`; what is not there, or unknown, is made."""
    *above, last = keys
    for key in above:
        if not isinstance(properties.get(key), dict):
            properties[key] = {}
        properties = properties[key]
    if value is GONE:
        properties.pop(last, None)
    else:
        properties[last] = value


def listed(path: str, key: str, element: Any, where: str = "") -> Change:
    """Each resource of a type with one element more in a list."""

    def edit(properties: dict[str, Any]) -> None:
        properties[key] = [*(properties[key] if isinstance(properties.get(key), list) else []), element]

    return edited(path, edit, where)


def statement(path: str, key: str, edit: Callable[[dict[str, Any]], bool | None], where: str = "") -> Change:
    """Each known policy document of a type with one statement changed; one variation for each statement."""

    def change(plan: Plan) -> Iterator[Variation]:
        for resource in plan.resources:
            text = resource.properties.get(key)
            if resource.type != aws(path) or where not in resource.name or not _is_document(text):
                continue
            for number in range(len(json.loads(str(text))["Statement"])):
                document = json.loads(str(text))
                if edit(document["Statement"][number]) is not False:
                    properties = {**resource.properties, key: json.dumps(document)}
                    varied = _with(plan, resource, replace(resource, properties=properties))
                    yield replace(varied, label=f"{varied.label}, statement {number}")

    return change


def stated(path: str, key: str, added: Mapping[str, Any], where: str = "") -> Change:
    """Each known policy document of a type with one statement more."""

    def edit(properties: dict[str, Any]) -> bool:
        if not _is_document(properties.get(key)):
            return False
        document = json.loads(properties[key])
        document["Statement"].append(dict(added))
        properties[key] = json.dumps(document)
        return True

    return edited(path, edit, where)


def _is_document(text: object) -> bool:
    return isinstance(text, str) and text.startswith("{") and isinstance(json.loads(text).get("Statement"), list)


def added(path: str, properties: Mapping[str, Any] | None = None, **references: str) -> Change:
    """The plan with one resource more, made of other resources, of each the first of a type, and of a name if one is given.

    `added("ec2/route", {...}, routeTableId="ec2/routeTable isolated")`: a plan without such a table is left alone.
    """

    def change(plan: Plan) -> Iterator[Variation]:
        found = {key: _first(plan, *other.split(" ")) for key, other in references.items()}
        if all(found.values()):
            yield with_new(plan, path, properties or {}, {key: r.urn for key, r in found.items() if r})

    return change


def _first(plan: Plan, path: str, name: str = "") -> Resource | None:
    return next((each for each in plan.resources if each.type == aws(path) and name in each.name), None)


def ignored(path: str, *properties: str) -> Change:
    """Each resource of a type with changes of these properties ignored."""

    def change(plan: Plan) -> Iterator[Variation]:
        for resource in plan.resources:
            if resource.type == aws(path):
                yield _with(plan, resource, replace(resource, ignored=(*resource.ignored, *properties)))

    return change


def with_new(plan: Plan, path: str, properties: Mapping[str, Any], references: Mapping[str, str]) -> Variation:
    token = path if ":" in path else aws(path)
    made = Resource(
        token,
        "intruder",
        f"urn:pulumi:{plan.name}::vectordb::{token}::intruder-{len(plan.resources)}",
        {**dict.fromkeys(references, "04da6b54-80e4-46f7-96ec-b56ff0331ba9"), **properties},
        references={key: (urn,) for key, urn in references.items()},
    )
    return Variation(f"{plan.name}: a new {path}", (*plan.resources, made), (made,))


def without(path: str, where: str = "") -> Change:
    """The plan without one resource of a type."""

    def change(plan: Plan) -> Iterator[Variation]:
        for resource in plan.resources:
            if resource.type == aws(path) and where in resource.name:
                rest = tuple(each for each in plan.resources if each is not resource)
                yield Variation(f"{plan.name}: no {resource.name}", rest)

    return change


def where_there_is(path: str, change: Change) -> Change:
    """The change, in the plans that have a resource of that type."""
    return lambda plan: change(plan) if _first(plan, path) else iter(())


def together(*changes: Change) -> Change:
    """All the changes, each done in the first way that it can be done; a plan that one of them leaves alone is left alone."""

    def change(plan: Plan) -> Iterator[Variation]:
        label, touched = plan.name, ()
        for each in changes:
            varied = next(each(plan), None)
            if varied is None:
                return
            plan, label, touched = plan._replace(resources=varied.resources), varied.label, (*touched, *varied.touched)
        yield Variation(label, plan.resources, touched)

    return change


def _with(plan: Plan, before: Resource, after: Resource) -> Variation:
    resources = tuple(after if each is before else each for each in plan.resources)
    return Variation(f"{plan.name}: {before.name}", resources, (after,))
