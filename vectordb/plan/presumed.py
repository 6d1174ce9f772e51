"""Documents of which a preview knows all but an identifier.

A policy with one unknown ARN is one unknown string to a preview: the program makes the text once AWS has made the ARN. So
the program runs a second time, with identifiers that are made up, and the documents of that run stand in for the unknown
ones: what they allow, to whom and under which conditions is the program's own; only the identifiers are not AWS's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vectordb.plan import program
from vectordb.plan.invented import Invented
from vectordb.plan.lookups import ACCOUNT
from vectordb.plan.recording import UNKNOWN, Recording, Registration, is_secret, masked
from vectordb.plan.stack_configuration import StackConfiguration


@dataclass(frozen=True)
class Presumed:
    """What a second run of the program adds to a preview.

    Attributes:
        recording: of the second run.
        properties: URN → property → its value, with the documents that the preview did not know.
        identifiers: what was made up in them → `name.output` of the resource that it stands for.
    """

    recording: Recording
    properties: Mapping[str, Mapping[str, Any]]
    identifiers: Mapping[str, str] = field(default_factory=dict)

    def completed(self, recording: Recording) -> Recording:
        """The recording of a preview with these documents in it."""
        resources = (
            replace(resource, inputs={**resource.inputs, **self.properties.get(resource.urn, {})})
            for resource in recording.resources
        )
        return replace(recording, resources=tuple(resources))

    def as_json(self) -> dict[str, Any]:
        """Plain data; what is unknown beside a document is Pulumi's sentinel, secrets are masked."""
        return {
            "properties": {urn: masked(dict(added)) for urn, added in sorted(self.properties.items())},
            "identifiers": dict(sorted(self.identifiers.items())),
            "account": ACCOUNT,
        }


def presume(configuration: StackConfiguration, recording: Recording) -> Presumed:
    """Run the program of `configuration` with identifiers that are made up.

    Args:
        configuration: of the stack.
        recording: of its preview.

    Raises:
        VectordbError: as `program.run`.
    """
    backend = Invented(configuration.region)
    second = program.run(configuration, backend)
    made = {resource.urn: resource for resource in second.resources}
    properties = {
        resource.urn: added
        for resource in recording.resources
        if resource.custom and resource.urn in made and (added := _added(resource, made[resource.urn]))
    }
    text = json.dumps(properties, ensure_ascii=False)
    return Presumed(second, properties, {value: name for value, name in backend.identifiers.items() if value in text})


def _added(resource: Registration, made: Registration) -> dict[str, Any]:
    found = {key: _documents(value, made.inputs.get(key)) for key, value in resource.inputs.items()}
    return {key: value for key, value in found.items() if value != resource.inputs[key]}


def _documents(known: Any, made: Any) -> Any:
    """`known`, with a document of `made` wherever it is unknown and `made` has one there."""
    if known == UNKNOWN:
        return made if _is_document(made) else known
    if is_secret(known):
        return known
    if isinstance(known, dict) and isinstance(made, dict):
        return {key: _documents(value, made.get(key)) for key, value in known.items()}
    if isinstance(known, list) and isinstance(made, list) and len(known) == len(made):
        return [_documents(value, other) for value, other in zip(known, made, strict=True)]
    return known


def _is_document(value: Any) -> bool:
    if not isinstance(value, str) or not value.startswith("{"):
        return False
    try:
        return isinstance(json.loads(value), dict)
    except ValueError:
        return False
