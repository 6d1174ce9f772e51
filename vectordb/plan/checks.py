"""What Pulumi's SDK lets through and the engine, or nobody, would notice: pure functions over a recording."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from vectordb.plan.recording import STACK_TYPE, UNKNOWN, Recording, is_secret
from vectordb.plan.violation import Violation

# Properties whose value is a credential, by the whole words of their names: `masterPassword`, `secretString`,
# `PGPASSWORD`; but not `secretArn`, `masterUserSecretKmsKeyId` or `manageMasterUserPassword`. What is a credential by its
# form (AKIA…, a private key, a URL with a password) the policy pack finds, wherever it stands: no-stray-credentials.
_CREDENTIAL = re.compile(
    r"(pass(word|phrase|wd)|secret[_-]?(string|binary|access[_-]?key|key|value)|private[_-]?key|api[_-]?key"
    r"|(access|auth|session|bearer)[_-]?token)(wo)?$",
    re.IGNORECASE,
)
_UNKNOWNS = {
    UNKNOWN,
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}


def check(recording: Recording, secrets: tuple[str, ...] = ()) -> list[Violation]:
    """All findings of this module.

    Args:
        recording: what the program registered.
        secrets: secret configuration values; none may appear in an input outside Pulumi's secret wrapper.
    """
    return [
        *duplicate_urns(recording),
        *outside_components(recording),
        *shared_features(recording),
        *plaintext_secrets(recording, secrets),
    ]


def duplicate_urns(recording: Recording) -> Iterator[Violation]:
    """The same URN twice: the engine refuses the second at `pulumi up`, the SDK does not."""
    for urn, times in Counter(resource.urn for resource in recording.resources).items():
        if times > 1:
            yield Violation(
                urn, "unique-urn", f"{times} resources have this URN. Give each its own name.", severity="critical"
            )


def outside_components(recording: Recording) -> Iterator[Violation]:
    """A resource of a provider directly under the stack: it belongs to no part of the system."""
    kinds = {resource.urn: resource.type for resource in recording.resources}
    for resource in recording.resources:
        if resource.custom and kinds.get(resource.parent, STACK_TYPE) == STACK_TYPE:
            yield Violation(
                resource.urn,
                "inside-a-component",
                f"{resource.type} {resource.name!r} belongs to no component. "
                "Make it in a component, with ResourceOptions(parent=self).",
                severity="medium",
            )


def shared_features(recording: Recording) -> Iterator[Violation]:
    """Two roles for one feature of a database: RDS refuses the second when it is made, half-way through `pulumi up`."""
    databases = {"ClusterRoleAssociation": "dbClusterIdentifier", "RoleAssociation": "dbInstanceIdentifier"}
    taken: dict[tuple[str, ...], str] = {}
    for resource in recording.resources:
        key = databases.get(resource.type.rpartition(":")[2])
        if key is None:
            continue
        # Before the database exists its identifier may be unknown; where it comes from is not.
        database = resource.property_dependencies.get(key) or (str(resource.inputs.get(key)),)
        first = taken.setdefault((*database, str(resource.inputs.get("featureName"))), resource.name)
        if first != resource.name:
            yield Violation(
                resource.urn,
                "one-role-per-feature",
                f"{resource.name!r} and {first!r} both give the database a role for the feature "
                f"{resource.inputs.get('featureName')}: it takes one. Add a policy to the first role (allow_invoke does).",
                severity="high",
            )


def plaintext_secrets(recording: Recording, secrets: tuple[str, ...] = ()) -> Iterator[Violation]:
    """A credential among the inputs that Pulumi would write to its state in clear."""
    for resource in recording.resources:
        for path, reason in _exposed("", resource.inputs, tuple(value for value in secrets if value)):
            yield Violation(
                resource.urn,
                "no-plaintext-secret",
                f"{resource.type} {resource.name!r}: {path} {reason}, and it is not marked secret: it would be in the "
                "state in clear. Let AWS keep it (a managed secret), or wrap it in pulumi.Output.secret.",
                severity="critical",
            )


def _exposed(path: str, value: Any, secrets: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if is_secret(value):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            place = f"{path}.{key}" if path else key
            if isinstance(item, str) and item and item not in _UNKNOWNS and _CREDENTIAL.search(key):
                yield place, "is named like a credential"
            else:
                yield from _exposed(place, item, secrets)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _exposed(f"{path}[{number}]", item, secrets)
    elif isinstance(value, str) and any(secret in value for secret in secrets):
        yield path, "holds a secret of the configuration"
