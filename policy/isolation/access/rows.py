"""A statement of a policy as a row of the access matrix, and what is notable about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from isolation.access import shown
from isolation.access.places import Side
from isolation.reading.actions import is_unscoped, is_wide, matches
from isolation.reading.conditions import comparisons, element, names_source
from isolation.reading.documents import Principal, allows, is_public, principals
from isolation.reading.properties import Property

DATABASE_LOGIN: Final = "rds-db:connect"
_BUT: Final = "all but "
_KINDS: Final = {"identity": "role", "canonical": "account"}
_LIKE: Final = frozenset({"stringequals", "stringlike", "arnequals", "arnlike"})
_OPEN: Final = frozenset({"public", "any-principal"})
# Services that send no source, so that their trust can name none: EC2, for the roles of instances.
_WITHOUT_SOURCE: Final = frozenset({"ec2.amazonaws.com", "ec2.amazonaws.com.cn"})


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose permissions a policy of an identity are, or which resource has a policy of its own."""

    name: str
    kind: str
    boundary: str = ""
    """The permissions boundary that it has, as it is shown."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a statement stands."""

    urn: str
    name: str
    side: Side
    itself: bool = False
    """Whether the resource that it stands on is the one that the statement speaks of: `*` is that resource then."""
    account: str = ""
    """The stack's own account, when that is known."""
    identifiers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One principal, and what a statement allows or denies it."""

    principal: str
    kind: str
    name: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[str, ...]
    source: str
    flags: tuple[str, ...] = ()
    expansions: tuple[str, ...] = ()
    """What the wildcards of the actions stand for: `every action of kms`."""

    def as_json(self) -> dict[str, Any]:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in self._items()}

    def _items(self) -> Iterator[tuple[str, object]]:
        return ((key, getattr(self, key)) for key in self.__slots__)


def rows(statement: Property, origin: Origin, holders: tuple[Holder, ...]) -> Iterator[Row]:
    """The rows of one statement: for each holder of a policy of an identity, else for each principal that it names."""
    base = _base(statement, origin)
    if origin.side in ("identity", "boundary"):
        for holder in holders:
            within = (f"within the permissions boundary {holder.boundary}",) if holder.boundary else ()
            conditions = base.conditions + within
            yield from _logins(replace(base, principal=holder.name, kind=holder.kind, conditions=conditions))
        return
    named = list(principals(statement))
    if not named:
        yield replace(base, principal="nobody", kind="unknown", flags=(*base.flags, "no-principal"))
    for principal in named:
        yield _addressed(base, principal, statement, origin)


def undocumented(origin: Origin, holder: Holder, flag: str, actions: tuple[str, ...] = ()) -> Row:
    """The row of a policy whose statements nobody can read: unknown, malformed, or kept by AWS."""
    return Row(holder.name, holder.kind, origin.name, "Allow", actions, (), (), origin.urn, (flag,))


def _base(statement: Property, origin: Origin) -> Row:
    actions = element(statement, "Action")
    excepted = element(statement, "NotAction")
    targets = element(statement, "Resource")
    spared = element(statement, "NotResource")
    effect = element(statement, "Effect")
    written = tuple(shown.action(each) for each in _elements(actions))
    resources = tuple(shown.resource(each, origin.identifiers) for each in _elements(targets))
    if origin.itself and resources in ((), ("*",)):
        resources = (shown.reference(origin.name),)
    return Row(
        "",
        "",
        origin.name,
        effect.text.capitalize() if effect.text and effect.text.casefold() in ("allow", "deny") else shown.UNKNOWN,
        written or tuple(f"{_BUT}{shown.action(each)}" for each in _elements(excepted)),
        resources or tuple(f"{_BUT}{shown.resource(each, origin.identifiers)}" for each in _elements(spared)),
        tuple(shown.condition(each, origin.identifiers) for each in comparisons(statement)),
        origin.urn,
        tuple(_flags(statement, origin)),
        tuple(dict.fromkeys(_expansion(each) for each in written if _wild(each))),
    )


def _elements(value: Property) -> Iterator[Property]:
    return iter([value]) if value.unknown else value.elements()


def _flags(statement: Property, origin: Origin) -> Iterator[str]:
    """What is notable about a statement whoever is meant; of one that denies, only what is unknown."""
    parts = [element(statement, each) for each in ("Effect", "Action", "Resource", "Principal", "Condition")]
    if not all(part.whole for part in parts):
        yield "unknown"
    if not allows(statement):
        return
    if origin.side == "boundary":
        # It allows nothing by itself.
        yield "boundary"
    if any(_wild(each.text or "") for each in _elements(parts[1])):
        yield "wildcard-action"
    yield from _width(parts[1], parts[2], origin)
    if not element(statement, "NotAction").absent:
        yield "not-action"
    if not element(statement, "NotResource").absent:
        yield "not-resource"
    if not element(statement, "NotPrincipal").absent:
        yield "not-principal"
    if origin.side not in ("identity", "boundary") and is_public(statement):
        # Only what is in the VPC reaches an endpoint.
        yield "any-principal" if origin.side == "endpoint" else "public"


def _width(actions: Property, targets: Property, origin: Origin) -> Iterator[str]:
    """Of resources: `wildcard-resource`, or `unscoped` where AWS knows no resources for the actions.

    In a policy of a resource, `*` is that resource, and others cannot be meant.
    """
    if origin.side in ("identity", "boundary", "endpoint") and any(
        is_wide(each.text or "") for each in _elements(targets)
    ):
        known = [each.text for each in _elements(actions) if each.text]
        yield "unscoped" if known and all(is_unscoped(each) for each in known) else "wildcard-resource"


def _addressed(base: Row, principal: Principal, statement: Property, origin: Origin) -> Row:
    """The row for one principal of a policy of a resource."""
    flags = list(base.flags)
    if allows(statement):
        sourceless = principal.kind == "service" and principal.name not in _WITHOUT_SOURCE
        if sourceless and names_source(statement) is False:
            flags.append("no-source-condition")
        named = principal.kind in ("account", "identity") and principal.account and origin.account
        if named and principal.account != origin.account:
            flags.append("cross-account")
    name = shown.principal(principal.place, origin.identifiers)
    kind = _KINDS.get(principal.kind, principal.kind)
    if principal.kind == "identity" and ":user/" in principal.name:
        kind = "user"
    if principal.kind == "everyone":
        name, kind = _everyone(statement, origin, open_=not allows(statement) or bool(_OPEN & set(flags)))
    else:
        # What everyone may is no finding about the others that the statement names.
        flags = [flag for flag in flags if flag not in _OPEN]
    return replace(base, principal=name, kind=kind, flags=tuple(flags))


def _everyone(statement: Property, origin: Origin, *, open_: bool) -> tuple[str, str]:
    """Who everyone is: all there are, or those whom the conditions admit; their name and kind."""
    if open_:
        return ("everyone" if element(statement, "NotPrincipal").absent else "everyone but those named"), "everyone"
    admitted = next(
        (
            each.values
            for each in comparisons(statement)
            if each.key == "aws:principalarn" and each.operator in _LIKE and not each.optional
        ),
        None,
    )
    if admitted is None:
        return "whoever the conditions admit", "conditions"
    return ", ".join(shown.principal(each, origin.identifiers) for each in _elements(admitted)), "role"


def _logins(row: Row) -> Iterator[Row]:
    """The row, with what lets somebody log in to a database as a row of its own."""
    connects = tuple(each for each in row.actions if matches(each, (DATABASE_LOGIN,)) or each.startswith(_BUT))
    others = tuple(each for each in row.actions if each.casefold() != DATABASE_LOGIN)
    if row.effect == "Allow" and connects and any(_may_be_login(each) for each in row.resources):
        yield replace(row, kind="database", actions=(DATABASE_LOGIN,), expansions=())
        if others:
            yield replace(row, actions=others)
        return
    yield row


def _may_be_login(resource: str) -> bool:
    return ":dbuser:" in resource or resource in ("*", shown.UNKNOWN) or resource.startswith((_BUT, "arn:*"))


def _wild(text: str) -> bool:
    return "*" in text or "?" in text


def _expansion(action: str) -> str:
    service, _, name = action.partition(":")
    if not name or _wild(service):
        return "every action of every service" if action.strip("*") in ("", ":") else f"whatever {action} matches"
    if name == "*":
        return f"every action of {service}"
    head = name[:-1]
    starts = name.endswith("*") and not _wild(head)
    return f"the actions of {service} that {'start with ' + head if starts else 'match ' + name}"
