"""Sessions with the bastion lead to the database and nowhere else."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from pulumi_policy import Severity

from isolation.access.places import IDENTITY_POLICIES, known_statements
from isolation.checks import on
from isolation.reading.actions import is_wide, matches
from isolation.reading.conditions import comparisons, element
from isolation.reading.documents import allows, texts
from isolation.reading.properties import Property
from isolation.rule import Finding, Resource, ResourceRule


def _document(content: Property) -> Property:
    """A document's content, which is JSON text as a rule; nothing, if it is no object."""
    found = content.value
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            found = None
    return Property(content.path, found if isinstance(found, Mapping) else None)


def _target(resource: Resource) -> Iterator[Finding]:
    content = resource.at("content")
    document = _document(content) if content.given else content
    if document.at("sessionType").text != "Port":
        return
    for key in ("host", "portNumber"):
        value = document.at("properties", key)
        if "{{" in (value.text or ""):
            yield Finding(value.path, "is whatever a session asks for")


FIXED_TARGETS = ResourceRule(
    id="session-forwards-to-one-place",
    title="A document that forwards a port names the host and the port.",
    severity=Severity.HIGH,
    remedy="Write the host and the port into the document; only the local port may be a parameter.",
    why=(
        "With a parameter in their place whoever may start the session reaches every host and port that the bastion "
        "reaches, as AWS-StartPortForwardingSessionToRemoteHost does (Systems Manager User Guide, session document schema)."
    ),
    checks=on({"ssm/document": _target}),
)

_START: Final = ("ssm:startsession",)
_CHECKED: Final = "ssm:sessiondocumentaccesscheck"


def _started(resource: Resource) -> Iterator[Finding]:
    for statement in filter(allows, known_statements(resource, "identity")):
        if any(matches(text, _START) for text in texts(element(statement, "Action"))):
            yield from _named_documents(statement)


def _named_documents(statement: Property) -> Iterator[Finding]:
    resources = element(statement, "Resource")
    for each in resources.each():
        if "::document/" in (each.text or ""):
            yield Finding(each.path, "names a document of AWS's, which leads anywhere")
    condition = element(statement, "Condition")
    checked = any(
        each.key == _CHECKED and each.operator == "bool" and any(v.unknown or v.truth for v in each.values.elements())
        for each in comparisons(statement)
    )
    targets = any(":instance/" in text or ":managed-instance/" in text for text in texts(resources))
    # Sessions with everything are identity-no-escalation's.
    if targets and not any(map(is_wide, texts(resources))) and not checked and not condition.unknown:
        yield Finding(statement.path, "starts sessions with any document, a shell's among them")


NAMED_DOCUMENTS = ResourceRule(
    id="session-names-document",
    title="Who may start a session may start it with the stack's own documents only.",
    severity=Severity.HIGH,
    remedy="Name the documents in Resource, and demand ssm:SessionDocumentAccessCheck to be true.",
    why=(
        "A session that names no document opens a shell, and IAM asks for no permission to that document unless the "
        "statement has the condition ssm:SessionDocumentAccessCheck; AWS's own documents forward to any host (Systems "
        "Manager User Guide, enforce a session document permission check)."
    ),
    checks=dict.fromkeys(sorted(IDENTITY_POLICIES), _started),
)
