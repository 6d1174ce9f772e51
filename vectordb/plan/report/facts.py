"""The facts that the policy pack proves of a plan, as records. What is absent or malformed in the JSON is empty here, never an error.

The JSON is what `python -m isolation` writes; a base plan's comes from a file that somebody else may have written.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_IDENTIFIER = re.compile(r"\$\{([\w-]+)\.\w+\}")
PROVEN, UNPROVEN, UNKNOWN = "proven", "unproven", "unknown"


@dataclass(frozen=True)
class Door:
    """A way in from outside: the resource that opens it, and a sentence that says how."""

    resource: str
    name: str
    sentence: str


@dataclass(frozen=True)
class Node:
    """What takes part in flows: a database, a bastion, a function, an endpoint, or something outside.

    Attributes:
        id: stable between plans.
        resources, subnets: URNs.
        vpc: a URN; empty for what is outside of every VPC.
    """

    id: str
    label: str
    kind: str
    resources: tuple[str, ...] = ()
    vpc: str = ""
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subnet:
    """One subnet."""

    urn: str
    name: str
    zone: str
    cidr: str


@dataclass(frozen=True)
class Vpc:
    """One VPC with its subnets."""

    urn: str
    name: str
    cidr: str
    subnets: tuple[Subnet, ...]


@dataclass(frozen=True)
class Flow:
    """One flow that the plan lets pass.

    Attributes:
        source, target: ids of nodes.
        declared: it is in the table of declared flows.
        why: that table's reason.
        encryption: of its traffic: `proven`, `unproven`, or `unknown` when only `pulumi up` will know.
        by: what encrypts it, or what is missing.
        via: URNs of the rules that let it pass.
    """

    source: str
    target: str
    protocol: str
    ports: str
    declared: bool
    why: str
    encryption: str
    by: str
    via: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same flow in another plan."""
        return (self.source, self.target, self.protocol, self.ports)

    @property
    def proven(self) -> bool:
        """That its traffic is encrypted."""
        return self.encryption == PROVEN

    @property
    def port(self) -> str:
        """`tcp 5432`."""
        return f"{self.protocol} {self.ports}".strip() or "any"


@dataclass(frozen=True)
class Store:
    """Where data lies, and how it is encrypted there and on the way; the states are those of `Flow.encryption`."""

    resource: str
    name: str
    kind: str
    at_rest: str
    key: str
    at_rest_by: str
    in_transit: str
    in_transit_by: str

    @property
    def proven(self) -> bool:
        """That it is encrypted both at rest and in transit."""
        return self.at_rest == self.in_transit == PROVEN


@dataclass(frozen=True)
class Grant:
    """One statement of one policy."""

    principal: str
    kind: str
    name: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[str, ...]
    source: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Open:
    """A property whose value only the deployment will know, and the rules that will read it then."""

    resource: str
    name: str
    path: str
    rules: tuple[str, ...]
    presumed: bool = False
    """It was judged already, with identifiers that are made up."""
    refers_to: tuple[str, ...] = ()
    """Names of the plan's own resources whose identifier it is; empty when nothing is known of it."""

    @property
    def blank(self) -> bool:
        """Nothing is known of it, and nothing was presumed."""
        return not self.presumed and not self.refers_to


@dataclass(frozen=True)
class Path:
    """A chain of flows that ends at a node, in words."""

    target: str
    name: str
    sentence: str


@dataclass(frozen=True)
class Facts:
    """All of it."""

    doors: tuple[Door, ...] = ()
    interfaces: int = 0
    unproven: tuple[str, ...] = ()
    nodes: Mapping[str, Node] = field(default_factory=dict)
    vpcs: tuple[Vpc, ...] = ()
    flows: tuple[Flow, ...] = ()
    missing: tuple[Flow, ...] = ()
    paths: tuple[Path, ...] = ()
    stores: tuple[Store, ...] = ()
    access: tuple[Grant, ...] = ()
    to_check: tuple[Open, ...] = ()

    def label(self, node: str) -> str:
        """How people call a node."""
        found = self.nodes.get(node)
        return found.label if found and found.label else node


def read(data: Any) -> Facts:
    """The facts in `data`."""
    data = _mapping(data)
    exposure = _mapping(data.get("exposure"))
    return Facts(
        doors=tuple(
            Door(_text(d, "resource"), _text(d, "name"), _text(d, "sentence")) for d in _objects(exposure, "open")
        ),
        interfaces=exposure["interfaces"] if isinstance(exposure.get("interfaces"), int) else 0,
        unproven=_texts(exposure, "unproven") + _texts(data, "errors"),
        nodes={node.id: node for node in map(_node, _objects(data, "nodes"))},
        vpcs=tuple(map(_vpc, _objects(data, "vpcs"))),
        flows=tuple(map(_flow, _objects(data, "flows"))),
        missing=tuple(map(_flow, _objects(data, "missing_flows"))),
        paths=tuple(Path(_text(p, "target"), _text(p, "name"), _text(p, "sentence")) for p in _objects(data, "paths")),
        stores=tuple(map(_store, _objects(data, "stores"))),
        access=tuple(map(_grant, _objects(data, "access"))),
        to_check=tuple(
            Open(
                _text(o, "resource"),
                _text(o, "name"),
                _text(o, "property"),
                _texts(o, "rules"),
                o.get("presumed") is True,
                _texts(o, "refers_to"),
            )
            for o in _objects(data, "to_check")
        ),
    )


def _node(data: Mapping[str, Any]) -> Node:
    return Node(
        id=_text(data, "id"),
        label=_label(data),
        kind=_text(data, "kind"),
        resources=_texts(data, "resources"),
        vpc=_text(data, "vpc"),
        subnets=_texts(data, "subnets"),
    )


def _label(data: Mapping[str, Any]) -> str:
    label = _text(data, "label") or _text(data, "id")
    return label[:1].upper() + label[1:] if " " in label else label  # a lone word is an identifier


def _vpc(data: Mapping[str, Any]) -> Vpc:
    subnets = tuple(
        Subnet(_text(s, "urn"), _text(s, "name"), _text(s, "zone"), _text(s, "cidr")) for s in _objects(data, "subnets")
    )
    return Vpc(_text(data, "urn"), _text(data, "name"), _text(data, "cidr"), subnets)


def _flow(data: Mapping[str, Any]) -> Flow:
    encryption = _mapping(data.get("encryption"))
    return Flow(
        source=_text(data, "source"),
        target=_text(data, "target"),
        protocol=_text(data, "protocol"),
        ports=_text(data, "ports"),
        declared=data.get("status", "declared") == "declared",
        why=_text(data, "why"),
        encryption=_state(encryption),
        by=_text(encryption, "by"),
        via=_texts(data, "via"),
    )


def _store(data: Mapping[str, Any]) -> Store:
    rest, transit = _mapping(data.get("at_rest")), _mapping(data.get("in_transit"))
    return Store(
        resource=_text(data, "resource"),
        name=_text(data, "name"),
        kind=_text(data, "kind"),
        at_rest=_state(rest),
        key=_text(rest, "key"),
        at_rest_by=_text(rest, "by"),
        in_transit=_state(transit),
        in_transit_by=_text(transit, "by"),
    )


def _grant(data: Mapping[str, Any]) -> Grant:
    return Grant(
        principal=_named(_text(data, "principal")),
        kind=_text(data, "kind"),
        name=_text(data, "name"),
        allows=data.get("effect") != "Deny",
        actions=_texts(data, "actions"),
        resources=tuple(map(_named, _texts(data, "resources"))),
        conditions=tuple(map(_named, _texts(data, "conditions"))),
        source=_text(data, "source"),
        flags=_texts(data, "flags"),
    )


def _named(text: str) -> str:
    """`${network-vpc.id}`, an identifier that only the deployment will know, as the name of its resource."""
    return _IDENTIFIER.sub(r"\1", text)


def _state(data: Mapping[str, Any]) -> str:
    """What is not said to be proven is not."""
    state = _text(data, "state")
    return state if state in (PROVEN, UNKNOWN) else UNPROVEN


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = data.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return "" if value is None or isinstance(value, list | Mapping) else str(value)


def _texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
