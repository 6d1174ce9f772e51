"""The report's content, whatever it is written as: read from the JSON of `vectordb plan --json` alone."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from vectordb.plan.enforcement import weaker
from vectordb.plan.recording import STACK_TYPE
from vectordb.plan.report import facts
from vectordb.plan.report.facts import Facts

WAIVERS = "waivers"
"""The pack's policy whose findings are the waivers (policy/isolation/serving/waivers.py)."""


@dataclass(frozen=True)
class Finding:
    """One finding of a policy about one resource, or about the stack (an empty URN)."""

    policy: str
    urn: str
    message: str
    mandatory: bool
    severity: str

    @property
    def resource(self) -> str:
        """The resource's name."""
        return name_of(self.urn) or "the stack"


@dataclass(frozen=True)
class Rule:
    """What the pack says of one of its policies."""

    id: str
    title: str
    severity: str
    remedy: str
    page: str
    enforcement: str = "mandatory"
    default: str = "mandatory"
    configured: str = ""
    """Its settings that are not at their default: `days = 1`."""

    @property
    def weakened(self) -> bool:
        """Whether the configuration lets pass what the policy by itself would not."""
        return weaker(self.enforcement, self.default)


@dataclass(frozen=True)
class CostLine:
    """One line of the bill; `usd` is None for a rate whose use nobody assumes."""

    part: str
    item: str
    group: str
    quantity: str
    usd: Decimal | None


@dataclass(frozen=True)
class Cost:
    """A month's bill in US dollars."""

    total: Decimal = Decimal(0)
    fixed: Decimal = Decimal(0)
    use: Decimal = Decimal(0)
    lines: tuple[CostLine, ...] = ()
    unpriced: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    prices: str = ""


@dataclass(frozen=True)
class Resource:
    """One resource of a provider."""

    urn: str
    type: str
    name: str
    component: str


@dataclass(frozen=True)
class Report:
    """Everything that a report says of one plan.

    Attributes:
        facts: None when the pack proved nothing; `problem` says why.
        findings: without the waivers, mandatory ones first.
        waivers: a sentence each.
        policies: how many were asked, and of which pack.
        pages: the address under which the checkout's files can be read, ending with `/`; empty when there is none.
        roles: URN of a resource → names of the IAM roles that it acts with.
        addresses: name → URNs of the resources that are called so in AWS or in the program.
    """

    project: str
    stack: str
    facts: Facts | None
    problem: str
    findings: tuple[Finding, ...]
    waivers: tuple[str, ...]
    rules: tuple[Rule, ...]
    policies: str
    cost: Cost
    resources: tuple[Resource, ...]
    permissions: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pages: str = ""

    @property
    def mandatory(self) -> tuple[Finding, ...]:
        """The findings that `pulumi up` would not pass."""
        return tuple(finding for finding in self.findings if finding.mandatory)

    def page(self, policy: str) -> str:
        """The address of a policy's page; empty when it has none, or when it is not known where the pages can be read."""
        page = next((rule.page for rule in self.rules if rule.id == policy), "")
        return quote(f"{self.pages}{page}", safe=":/#") if self.pages and page else ""

    @property
    def weakened(self) -> tuple[Rule, ...]:
        """The policies that the configuration has disabled or made advisory."""
        return tuple(rule for rule in self.rules if rule.weakened)


def read(plan: Mapping[str, Any], policies: str = "", pages: str = "") -> Report:
    """The report of a plan.

    Args:
        plan: as `vectordb plan --json` writes it; keys that are absent, as in the plan of an older version, are empty here.
        policies: how many policies of which pack judged it, in words.
        pages: as in `Report`.
    """
    found = [_finding(item) for item in plan.get("policies") or ()]
    given = plan.get("permissions") or {}
    sentences = [f"A role lacks a permission: {one}" for one in given.get("missing") or ()]
    sentences += [f"A role may more than it is known to need: {one}" for one in given.get("unneeded") or ()]
    return Report(
        project=str(plan.get("project", "")),
        stack=str(plan.get("stack", "")),
        facts=facts.read(plan["facts"]) if plan.get("facts") is not None else None,
        problem=str(plan.get("factsProblem", "")),
        findings=tuple(sorted((f for f in found if f.policy != WAIVERS), key=_order)),
        waivers=tuple(f"{f.resource}: {f.message}" if f.urn else f.message for f in found if f.policy == WAIVERS),
        rules=tuple(_rule(rule) for rule in plan.get("rules") or ()),
        policies=policies,
        cost=_cost(plan.get("cost") or {}),
        resources=_resources(plan),
        permissions=tuple(sentences),
        repairs=tuple(
            f"{name_of(str(one.get('urn', '')))}: {one.get('path', '')} ({one.get('policy', '')})"
            for one in plan.get("remediations") or ()
        ),
        roles=_roles(plan),
        addresses=_addresses(plan),
        pages=pages,
    )


def name_of(urn: str) -> str:
    """A resource's name, the last part of its URN; anything else as it is."""
    return urn.rpartition("::")[2] if urn.startswith("urn:") else urn


def type_of(urn: str) -> str:
    """A resource's own type, without its parents'."""
    parts = urn.split("::")
    return parts[2].rpartition("$")[2] if urn.startswith("urn:") and len(parts) > 2 else ""  # noqa: PLR2004 - the type is a URN's third part


_SEVERITIES = ("critical", "high", "medium", "low")


def _order(finding: Finding) -> tuple[bool, int, str, str, str]:
    rank = _SEVERITIES.index(finding.severity) if finding.severity in _SEVERITIES else len(_SEVERITIES)
    return (not finding.mandatory, rank, finding.policy, finding.urn, finding.message)


def _finding(data: Mapping[str, Any]) -> Finding:
    return Finding(
        policy=str(data.get("policy", "")),
        urn=str(data.get("urn", "")),
        message=str(data.get("message", "")),
        mandatory=data.get("enforcement") == "mandatory",
        severity=str(data.get("severity", "")),
    )


def _rule(data: Mapping[str, Any]) -> Rule:
    return Rule(
        id=str(data.get("id", "")),
        title=str(data.get("title", "")),
        severity=str(data.get("severity", "")),
        remedy=str(data.get("remedy", "")),
        page=str(data.get("page", "")),
        enforcement=str(data.get("enforcement", "mandatory")),
        default=str(data.get("default", "mandatory")),
        configured=", ".join(f"{key} = {json.dumps(value)}" for key, value in (data.get("configured") or {}).items()),
    )


def _cost(data: Mapping[str, Any]) -> Cost:
    prices = data.get("prices") or {}
    return Cost(
        total=_usd(data.get("total")) or Decimal(0),
        fixed=_usd(data.get("fixed")) or Decimal(0),
        use=_usd(data.get("use")) or Decimal(0),
        lines=tuple(
            CostLine(
                part=str(line.get("part", "")),
                item=str(line.get("item", "")),
                group=str(line.get("group", "")),
                quantity=_quantity(line),
                usd=_usd(line.get("usd")),
            )
            for line in data.get("lines") or ()
        ),
        unpriced=tuple(
            f"{name_of(str(one.get('urn', '')))} ({one.get('type', '')}): {one.get('reason', '')}"
            for one in data.get("notPriced") or ()
        ),
        notes=tuple(map(str, data.get("notes") or ())),
        prices=f"List prices of {prices['region']}, {prices.get('date', '')}" if "region" in prices else "",
    )


def _usd(value: Any) -> Decimal | None:
    return Decimal(str(value)) if isinstance(value, int | float) else None


def _quantity(line: Mapping[str, Any]) -> str:
    price, quantity, unit = line.get("price"), line.get("quantity"), line.get("unit", "")
    if not isinstance(price, int | float):
        return ""
    rate = f"{price:.10f}".rstrip("0").rstrip(".")
    return f"{quantity:,g} {unit} × {rate}" if isinstance(quantity, int | float) else f"{rate} a {unit}"


def _resources(plan: Mapping[str, Any]) -> tuple[Resource, ...]:
    listed = plan.get("resources") or []
    components = {
        item["urn"]: f"{name_of(item['urn'])} ({item['type'].rpartition(':')[2]})"
        for item in listed
        if not item.get("custom") and item["type"] != STACK_TYPE
    }
    found = [
        Resource(item["urn"], item["type"], name_of(item["urn"]), components.get(item.get("parent", ""), ""))
        for item in listed
        if item.get("custom")
    ]
    return tuple(sorted(found, key=lambda one: (one.component, one.type, one.name)))


def _addresses(plan: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for item in plan.get("resources") or ():
        given = item.get("inputs") or {}
        names = {name_of(item["urn"]), *(given.get(key) for key in ("name", "bucket", "indexName"))}
        for name in sorted(name for name in names if isinstance(name, str)):
            found[name] = (*found.get(name, ()), item["urn"])
    return found


def _roles(plan: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """URN → the roles that a resource acts with: its own, or those of its instance profile."""
    sources = {
        item["urn"]: {key: tuple(urns or ()) for key, urns in (item.get("propertyDependencies") or {}).items()}
        for item in plan.get("resources") or ()
    }
    found: dict[str, frozenset[str]] = {}
    for of in sources.values():  # a database's role is given by an association
        for urn in (*of.get("dbClusterIdentifier", ()), *of.get("dbInstanceIdentifier", ())):
            found[urn] = found.get(urn, frozenset()) | _names_of_roles(of.get("roleArn", ()))
    for urn, of in sources.items():
        profiles = of.get("iamInstanceProfile", ())
        roles = [*of.get("role", ()), *(role for p in profiles for role in sources.get(p, {}).get("role", ()))]
        if names := _names_of_roles(roles):
            found[urn] = names
    return found


def _names_of_roles(urns: Iterable[str]) -> frozenset[str]:
    return frozenset(name_of(urn) for urn in urns if type_of(urn).endswith(":Role"))
