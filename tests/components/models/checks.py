"""All checks of a recording against AWS's and the provider's models."""

from collections.abc import Iterator

from tests.components.models import limits, policies, provider, requests
from tests.components.models.shapes import Tally
from tests.components.models.table import TABLE
from vectordb.plan.lookups import partition_of
from vectordb.plan.recording import Recording

BOOKKEEPING = {"Name", "Project", "Stack"}


def names_and_types(recording: Recording) -> Iterator[str]:
    """Properties, nested ones too, against the provider's classes."""
    for resource in recording.resources:
        if resource.custom:
            yield from (f"{resource.name}: {problem}" for problem in provider.problems(resource.type, resource.inputs))


def arguments(recording: Recording, tally: Tally) -> Iterator[str]:
    """Values against the models of AWS's services, and what those leave open."""
    for resource in recording.resources:
        if not resource.type.startswith("aws:"):
            continue
        if resource.type not in TABLE:
            yield f"{resource.name}: the table of requests has no {resource.type}"
            continue
        yield from requests.check(TABLE[resource.type], resource.name, resource.inputs, tally)
        yield from limits.problems(resource.type, resource.name, resource.inputs, tally)


def documents(recording: Recording, region: str, tally: Tally) -> Iterator[str]:
    """Policies, and every ARN in any argument."""
    place = policies.Place(region, partition_of(region))
    for resource in recording.resources:
        if resource.type.startswith("aws:"):
            yield from policies.problems(resource.type, resource.name, resource.inputs, place, tally)


def tags(recording: Recording, configured: dict[str, str]) -> Iterator[str]:
    """Everything that can carry tags has the program's and the stack's own."""
    for resource in recording.resources:
        if not resource.type.startswith("aws:") or "tags" not in provider.input_types(resource.type):
            continue
        wanted = {"Name": resource.name, "Project": recording.project, "Stack": recording.stack} | configured
        if resource.inputs.get("tags") != wanted:
            yield f"{resource.name}: tags are {resource.inputs.get('tags')}, not {wanted}"
