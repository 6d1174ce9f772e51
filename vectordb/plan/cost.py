"""What a planned stack costs: the recording as `vectordb.cost` takes it."""

from typing import Any

from vectordb.cost import prices
from vectordb.cost.estimate import Estimate, estimate
from vectordb.cost.resource import Resource
from vectordb.cost.usage import Usage
from vectordb.plan.recording import UNKNOWN, Recording, opened


def of(recording: Recording, region: str, usage: Usage | None = None) -> Estimate:
    """A month's bill of what was recorded, in `region`, under `usage` or the assumptions of a development stack."""
    return estimate(resources(recording), usage or Usage(), prices.current(), region)


def resources(recording: Recording) -> list[Resource]:
    """The recording's resources in the order of their URNs: registrations arrive from several threads."""
    parts = _parts(recording)
    return [
        Resource(
            urn=resource.urn,
            type=resource.type,
            part=parts.get(resource.urn, resource.name),
            inputs=_known(opened(resource.inputs)),
            references=resource.property_dependencies,
        )
        for resource in sorted(recording.resources, key=lambda r: r.urn)
        if resource.custom
    ]


def _parts(recording: Recording) -> dict[str, str]:
    """URN → the name of the outermost component above it."""
    parents = {component.urn: component for component in recording.components()}
    found: dict[str, str] = {}
    for resource in recording.resources:
        above = parents.get(resource.parent)
        while above is not None:
            found[resource.urn] = above.name
            above = parents.get(above.parent)
    return found


def _known(value: Any) -> Any:
    """`value` with None for everything that only the deployment will know."""
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return None if value == UNKNOWN else value
