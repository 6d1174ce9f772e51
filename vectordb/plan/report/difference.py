"""What changes between two plans: exposure, access, encryption, cost and policies first; the resources come from `vectordb.plan.changes`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from vectordb.plan.changes import Change, Kind
from vectordb.plan.consequences import Consequence
from vectordb.plan.enforcement import weaker
from vectordb.plan.report.facts import PROVEN, UNKNOWN, UNPROVEN, Facts, Flow, Grant, Store
from vectordb.plan.report.grade import Grade, counted
from vectordb.plan.report.model import Cost, Report, name_of
from vectordb.plan.report.reach import DATABASES, principal

_URGENCY = {Grade.BAD: 0, Grade.LOOK: 1, Grade.GOOD: 2, Grade.PLAIN: 3}
_NOT_PROVEN = {UNPROVEN: "is no longer proven to be encrypted", UNKNOWN: "can be checked at up only"}
_GRAVE = frozenset({"public", "not-action", "wildcard-action"})
_UNREAD = "unknown-document"
_NAMED = 6
"""Actions or resources that one line names."""


@dataclass(frozen=True)
class Line:
    """One change.

    Attributes:
        mark: `+`, `-` or `~`.
        subject: what changes, a name.
        detail: how.
        grade: bad when more is open or less is proven; `look` when somebody may more.
    """

    mark: str
    subject: str
    detail: str
    grade: Grade = Grade.PLAIN


@dataclass(frozen=True)
class Difference:
    """Changes by what they concern, each in the order of report.

    Attributes:
        base: what was compared with, in words.
        problem: why exposure, access and encryption could not be compared; empty when they were.
        cost: US dollars a month, after minus before; None when the base has no cost.
    """

    base: str
    problem: str
    exposure: tuple[Line, ...]
    access: tuple[Line, ...]
    encryption: tuple[Line, ...]
    costs: tuple[Line, ...]
    policies: tuple[Line, ...]
    resources: tuple[Change, ...]
    consequences: tuple[Consequence, ...]
    cost: Decimal | None

    def sections(self) -> list[tuple[str, tuple[Line, ...]]]:
        """What a reviewer wants to know before anything else, in this order; in each the worst first."""
        kinds = {
            "Exposure": self.exposure,
            "Access": self.access,
            "Encryption": self.encryption,
            "Cost": self.costs,
            "Policies": self.policies,
        }
        return [(title, tuple(sorted(lines, key=lambda line: _URGENCY[line.grade]))) for title, lines in kinds.items()]


def compare(
    base: Report, plan: Report, name: str, changes: Sequence[Change] = (), found: Sequence[Consequence] = ()
) -> Difference:
    """What changes from `base` to `plan`.

    Args:
        base: the report of the earlier plan or of the stack's state.
        plan: the report of this plan.
        name: of the base, in words.
        changes: of the resources.
        found: what those cost.
    """
    before, after = base.facts, plan.facts
    both = before is not None and after is not None
    problem = "" if both else base.problem or plan.problem or "The base has no facts."
    priced = bool(base.cost.lines)
    return Difference(
        base=name,
        problem=problem,
        exposure=tuple(_exposure(before, after)) if before and after else (),
        access=tuple(_access(before.access, after.access)) if before and after else (),
        encryption=tuple(_encryption(before, after)) if before and after else (),
        costs=tuple(_costs(base.cost, plan.cost)) if priced else (),
        policies=tuple(_policies(base, plan)),
        resources=tuple(changes),
        consequences=tuple(found),
        cost=plan.cost.total - base.cost.total if priced else None,
    )


def counts(changes: Iterable[Change]) -> str:
    """`1 replaced, 2 added`."""
    order = (Kind.REPLACED, Kind.REMOVED, Kind.ADDED, Kind.CHANGED, Kind.MOVED)
    counted = Counter(change.kind for change in changes)
    return ", ".join(f"{counted[kind]:,} {kind}" for kind in order if counted[kind]) or "no resource changes"


def _exposure(before: Facts, after: Facts) -> Iterator[Line]:
    yield from _doors(before, after)
    for sentence in after.unproven:
        if sentence not in before.unproven:
            yield Line("+", "not settled", sentence, Grade.LOOK)
    yield from _flows(before, after)


def _doors(before: Facts, after: Facts) -> Iterator[Line]:
    old = {(door.resource, door.sentence) for door in before.doors}
    new = {(door.resource, door.sentence) for door in after.doors}
    for door in after.doors:
        if (door.resource, door.sentence) not in old:
            yield Line("+", door.name or name_of(door.resource), f"a new way in: {door.sentence}", Grade.BAD)
    for door in before.doors:
        if (door.resource, door.sentence) not in new:
            yield Line("-", door.name or name_of(door.resource), f"no way in any more: {door.sentence}", Grade.GOOD)


def _flows(before: Facts, after: Facts) -> Iterator[Line]:
    flows = {flow.key: flow for flow in before.flows}
    now = {flow.key: flow for flow in after.flows}
    for key, flow in sorted(now.items(), key=lambda item: not _to_a_database(after, item[1])):
        if key not in flows:
            declared = "" if flow.declared else "; nobody declared it"
            yield Line(
                "+",
                _named(after, flow),
                f"a new flow on {flow.port}{declared}",
                Grade.LOOK if flow.declared else Grade.BAD,
            )
        elif flows[key].declared and not flow.declared:
            yield Line("~", _named(after, flow), f"{flow.port} is no longer declared", Grade.BAD)
    for key, flow in flows.items():
        if key not in now:
            yield Line("-", _named(before, flow), f"no flow on {flow.port} any more")


def _to_a_database(facts: Facts, flow: Flow) -> bool:
    node = facts.nodes.get(flow.target)
    return node is not None and node.kind in DATABASES


def _named(facts: Facts, flow: Flow) -> str:
    return f"{facts.label(flow.source)} → {facts.label(flow.target)}"


def _access(before: Sequence[Grant], after: Sequence[Grant]) -> Iterator[Line]:
    """A line for each principal and statement that it gained or lost."""
    unread = {grant.source for grant in (*before, *after) if _UNREAD in grant.flags}
    if unread:
        said = f"{counted(len(unread), 'policy document')} that one of the two does not know yet"
        yield Line("~", "not compared", said, Grade.LOOK)
        before, after = ([grant for grant in grants if grant.source not in unread] for grants in (before, after))
    old, new = _rights(before), _rights(after)
    for who in sorted({*old, *new}):
        gained, lost = new.get(who, {}), old.get(who, {})
        for right, flags in gained.items():
            if right not in lost:
                effect, detail = right
                marked = f" ({', '.join(flags)})" if flags else ""
                if effect:
                    yield Line("+", who, f"may {detail}{marked}", Grade.BAD if _GRAVE & set(flags) else Grade.LOOK)
                else:
                    yield Line("+", who, f"is denied {detail}")
        for right in lost:
            if right not in gained:
                effect, detail = right
                grade = Grade.PLAIN if effect else Grade.LOOK
                yield Line("-", who, f"may no longer {detail}" if effect else f"is no longer denied {detail}", grade)


def _rights(grants: Sequence[Grant]) -> Mapping[str, dict[tuple[bool, str], tuple[str, ...]]]:
    found: dict[str, dict[tuple[bool, str], tuple[str, ...]]] = {}
    for grant in grants:
        found.setdefault(principal(grant), {})[grant.allows, right(grant)] = grant.flags
    return found


def right(grant: Grant) -> str:
    """A statement without its principal and effect: `s3:GetObject on docs when …`."""
    actions = shortened(sorted(grant.actions)) or "nothing"
    where = shortened([name_of(resource) for resource in sorted(grant.resources)])
    when = " and ".join(sorted(grant.conditions))
    return f"{actions}{f' on {where}' if where else ''}{f' when {when}' if when else ''}"


def shortened(items: Sequence[str]) -> str:
    """The first few, and how many more."""
    rest = len(items) - _NAMED
    return ", ".join(items[:_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")


def _encryption(before: Facts, after: Facts) -> Iterator[Line]:
    stores = {store.resource: store for store in before.stores}
    now = {store.resource for store in after.stores}
    for store in after.stores:
        old = stores.get(store.resource)
        if old is None:
            yield Line("+", store.name, f"a new store: {_how(store)}", Grade.PLAIN if store.proven else Grade.BAD)
            continue
        yield from _changed(old, store)
    for urn, store in stores.items():
        if urn not in now:
            yield Line("-", store.name, "the store goes")
    flows = {flow.key: flow for flow in before.flows}
    for flow in after.flows:
        earlier = flows.get(flow.key)
        if earlier is not None and earlier.encryption != flow.encryption:
            said = "is encrypted now" if flow.proven else _NOT_PROVEN[flow.encryption]
            yield Line(
                "~", _named(after, flow), f"{flow.port} {said}: {flow.by}", Grade.GOOD if flow.proven else Grade.BAD
            )


def _changed(old: Store, new: Store) -> Iterator[Line]:
    if old.key != new.key:
        yield Line("~", new.name, f"its key: {_key(old)} → {_key(new)}", Grade.LOOK if new.key else Grade.BAD)
    sides = (
        ("at rest", old.at_rest, new.at_rest, new.at_rest_by),
        ("in transit", old.in_transit, new.in_transit, new.in_transit_by),
    )
    for side, was, now, by in sides:
        if was != now:
            said = "is encrypted now" if now == PROVEN else _NOT_PROVEN[now]
            yield Line("~", new.name, f"{side} it {said}: {by}", Grade.GOOD if now == PROVEN else Grade.BAD)


def _key(store: Store) -> str:
    return name_of(store.key) or "none"


def _how(store: Store) -> str:
    if store.proven:
        return "encrypted at rest and in transit"
    return f"encryption at rest is {store.at_rest}, in transit {store.in_transit}"


def _costs(before: Cost, after: Cost) -> Iterator[Line]:
    old, new = _sums(before), _sums(after)
    changed = [(key, old.get(key, Decimal(0)), new.get(key, Decimal(0))) for key in {**old, **new}]
    for (part, item), was, now in sorted(changed, key=lambda one: (-abs(one[2] - one[1]), one[0])):
        if was != now:
            mark = "+" if (part, item) not in old else "-" if (part, item) not in new else "~"
            yield Line(mark, f"{part}: {item}", f"{was:,.2f} → {now:,.2f} USD a month ({now - was:+,.2f})")


def _sums(cost: Cost) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for line in cost.lines:
        if line.usd is not None:
            found[line.part, line.item] = found.get((line.part, line.item), Decimal(0)) + line.usd
    return found


def _policies(base: Report, plan: Report) -> Iterator[Line]:
    yield from _rules(base, plan)
    old = {(finding.policy, finding.urn, finding.message) for finding in base.findings}
    new = {(finding.policy, finding.urn, finding.message) for finding in plan.findings}
    for finding in plan.findings:
        if (finding.policy, finding.urn, finding.message) not in old:
            level = "mandatory" if finding.mandatory else "advisory"
            yield Line(
                "+",
                finding.resource,
                f"{finding.policy} ({level}): {finding.message}",
                Grade.BAD if finding.mandatory else Grade.LOOK,
            )
    for finding in base.findings:
        if (finding.policy, finding.urn, finding.message) not in new:
            yield Line("-", finding.resource, f"{finding.policy} no longer finds: {finding.message}")
    for waiver in plan.waivers:
        if waiver not in base.waivers:
            yield Line("+", "waiver", waiver, Grade.LOOK)


def _rules(base: Report, plan: Report) -> Iterator[Line]:
    """What judges less, or otherwise, than before; a plan without policies, or a state, says nothing of it."""
    now = {rule.id: rule for rule in plan.rules}
    for old in base.rules if now else ():
        new = now.get(old.id)
        if new is None:
            yield Line("-", old.id, f"is no policy any more: {old.title}", Grade.BAD)
            continue
        if new.enforcement != old.enforcement:
            grade = Grade.BAD if weaker(new.enforcement, old.enforcement) else Grade.GOOD
            yield Line("~", old.id, f"{old.enforcement} → {new.enforcement}: {old.title}", grade)
        if new.configured != old.configured:
            said = f"configured: {old.configured or 'as by default'} → {new.configured or 'as by default'}"
            yield Line("~", old.id, said, Grade.LOOK)
