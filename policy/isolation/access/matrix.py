"""All rows of a stack: every policy of an identity or a resource in it."""

from collections.abc import Iterator
from typing import Any, Final

from isolation.access import shown
from isolation.access.grants import grants
from isolation.access.places import Place, places
from isolation.access.rows import Holder, Origin, Row, rows, undocumented
from isolation.loading import Loaded
from isolation.reading.documents import NoDocumentError, statements
from isolation.rule import Resource, aws
from isolation.stack import Stack

# Type → (the property that names who gets the policy, the type of that, what it is).
_NAMED_HOLDER: Final = {
    aws("iam/rolePolicy"): ("role", "iam/role", "role"),
    aws("iam/userPolicy"): ("user", "iam/user", "user"),
    aws("iam/groupPolicy"): ("group", "iam/group", "group"),
    aws("ssoadmin/permissionSetInlinePolicy"): ("permissionSetArn", "ssoadmin/permissionSet", "permission-set"),
}
# Attachment → (the properties that name who gets it, the type of those, what they are).
_ATTACHMENTS: Final = {
    "iam/rolePolicyAttachment": (("role", "iam/role", "role"),),
    "iam/userPolicyAttachment": (("user", "iam/user", "user"),),
    "iam/groupPolicyAttachment": (("group", "iam/group", "group"),),
    "iam/policyAttachment": (
        ("roles", "iam/role", "role"),
        ("users", "iam/user", "user"),
        ("groups", "iam/group", "group"),
    ),
}
_OF_RESOURCES: Final = ("service", "account", "everyone", "conditions", "federated", "unknown")
_ADMINISTRATOR: Final = ":iam::aws:policy/AdministratorAccess"


def access(loaded: Loaded) -> list[dict[str, Any]]:
    """The rows of every policy, those of identities first, in the order of registration."""
    found = list(_Matrix(loaded).rows())
    found.sort(key=lambda row: row.kind in _OF_RESOURCES)
    return [row.as_json() for row in found]


class _Matrix:
    def __init__(self, loaded: Loaded) -> None:
        self._loaded, self._stack = loaded, loaded.stack
        self._attached = dict[str, list[Holder]]()
        self._by_aws = list[tuple[Resource, Holder, str]]()
        for resource, holder, attached, text in _attachments(self._stack):
            if attached:
                for policy in attached:
                    self._attached.setdefault(policy.urn, []).append(holder)
            else:
                self._by_aws.append((resource, holder, text))

    def rows(self) -> Iterator[Row]:
        for resource in self._stack.resources:
            for place in places(resource):
                yield from self._document(resource, place)
            origin = self._origin(resource, Place("resource", resource.root))
            for statement in grants(resource):
                yield from rows(statement, origin, ())
        for resource, holder, text in self._by_aws:
            yield self._managed(resource, holder, text)

    def _document(self, resource: Resource, place: Place) -> Iterator[Row]:
        origin = self._origin(resource, place)
        holders = self._holders(resource) if place.side in ("identity", "boundary") else ()
        if place.document.unknown:
            yield from self._unread(origin, holders, "unknown-document")
            return
        try:
            for statement in statements(place.document):
                yield from rows(statement, origin, holders)
        except NoDocumentError:
            yield from self._unread(origin, holders, "no-document")

    def _unread(self, origin: Origin, holders: tuple[Holder, ...], flag: str) -> Iterator[Row]:
        for holder in holders or (Holder(shown.UNKNOWN, "unknown"),):
            yield undocumented(origin, holder, flag)

    def _managed(self, resource: Resource, holder: Holder, text: str) -> Row:
        origin = self._origin(resource, Place("identity", resource.root))
        if text.endswith(_ADMINISTRATOR):
            return undocumented(origin, holder, "wildcard-action", ("*",))
        return undocumented(origin, holder, "managed-policy", (f"whatever {text} allows",))

    def _origin(self, resource: Resource, place: Place) -> Origin:
        # A type whose name ends with Policy or Permission is attached to another resource.
        itself = place.side == "trust" or not resource.type.endswith(
            ("Policy", "Policies", "Permission", "Permissions")
        )
        return Origin(
            resource.urn,
            resource.name,
            place.side,
            itself and place.side in ("trust", "resource"),
            self._loaded.account,
            self._loaded.identifiers,
        )

    def _holders(self, resource: Resource) -> tuple[Holder, ...]:
        if resource.type == aws("iam/role"):
            return (_holder(resource, "role"),)
        if resource.type in _NAMED_HOLDER:
            return tuple(_holders(self._stack, resource, *_NAMED_HOLDER[resource.type]))
        return tuple(self._attached.get(resource.urn, ())) or (Holder(resource.name, "policy"),)


def _holders(stack: Stack, resource: Resource, key: str, path: str, kind: str) -> Iterator[Holder]:
    """Who a property names: resources of the stack, else by the names that are written."""
    named = stack.referenced(resource, key, path)
    if named:
        yield from (_holder(other, kind) for other in named)
        return
    for each in resource.at(key).elements():
        yield Holder(shown.name(each), kind)
    if resource.at(key).unknown:
        yield Holder(shown.UNKNOWN, kind)


def _holder(resource: Resource, kind: str) -> Holder:
    boundary = resource.at("permissionsBoundary")
    return Holder(resource.name, kind, "" if boundary.absent else shown.principal(boundary, {}))


def _attachments(stack: Stack) -> Iterator[tuple[Resource, Holder, list[Resource], str]]:
    """Each attachment: it, who gets the policy, the policies of the stack that it attaches, else the ARN as written."""
    for path, holders in _ATTACHMENTS.items():
        for resource in stack.of(path):
            policies = stack.referenced(resource, "policyArn", "iam/policy")
            for holder in [each for named in holders for each in _holders(stack, resource, *named)]:
                yield resource, holder, policies, shown.principal(resource.at("policyArn"), {})
    for role in stack.of("iam/role"):
        holder = _holder(role, "role")
        policies = stack.referenced(role, "managedPolicyArns", "iam/policy")
        if policies:
            yield role, holder, policies, ""
        for each in role.at("managedPolicyArns").elements():
            if each.text is not None and ":iam::aws:policy/" in each.text:
                yield role, holder, [], shown.principal(each, {})
