"""The report's tables, whatever they are written as: Markdown and HTML say the same in the same order."""

from collections.abc import Iterator, Mapping, Sequence

from vectordb.plan.changes import Kind
from vectordb.plan.report import reach
from vectordb.plan.report.difference import Difference, Line, counts
from vectordb.plan.report.facts import PROVEN, UNKNOWN, Facts, Flow, Grant, Store
from vectordb.plan.report.grade import Grade, counted
from vectordb.plan.report.model import Report, name_of
from vectordb.plan.report.tables import CODE, MARK, NAME, NUMBER, Cell, Row, Section, Text


def reaching(report: Report) -> Section:
    """The answer to "what can reach the database?"."""
    facts = report.facts
    header = ("Who", "Reaches", "Port", "Encrypted by", "May log in by IAM")
    title = "What reaches the database"
    if facts is None:
        return Section("reach", title, header, (), f"It is not known. {report.problem}".rstrip())
    ways = reach.ways(report)
    rows = tuple(_open(label) for label in reach.open_databases(facts)) + tuple(map(_way, ways))
    if not reach.databases(facts):
        empty = "There is no database in this plan."
    else:
        empty = "Nothing reaches it over the network."
    found = reach.logins(facts)
    shown = {login for way in ways for login in way.logins}
    others = [str(login) for login in found if str(login) not in shown]
    notes = [f"May log in by IAM from elsewhere: {'; '.join(others)}."] if others else []
    notes += reach.chains(report)
    notes += [f"Not settled: {sentence}" for sentence in facts.unproven]
    return Section("reach", title, header, rows, empty, notes=tuple(notes))


def _open(database: str) -> Row:
    who = (Text("Anybody on the internet", NAME), Text("way in", grade=Grade.BAD))
    return Row((who, (Text(database),), (), (Text("the ways in from outside, below, say how"),), ()))


def _way(way: reach.Way) -> Row:
    logins = (Text("; ".join(way.logins), CODE),) if way.logins else (Text("nobody by its own role"),)
    who = Text(way.who, NAME)
    undeclared = () if way.flow.declared else (Text("undeclared", grade=Grade.BAD),)
    return Row(((who, *undeclared), (Text(way.database),), _code(way.flow.port), _encryption(way.flow), logins))


def doors(report: Report) -> Section:
    """Every way in from outside."""
    found = report.facts.doors if report.facts else ()
    rows = tuple(
        Row(((Text(door.name or name_of(door.resource), CODE, Grade.BAD),), (Text(door.sentence),))) for door in found
    )
    return Section("doors", "Ways in from outside", ("Resource", "How"), rows, "None.")


def changes(difference: Difference) -> list[Section]:
    """What changes, by what it concerns; only what changes."""
    found = [
        Section(f"changes-{title.lower()}", title, ("", "What", "How"), tuple(map(_change, lines)), "Nothing changes.")
        for title, lines in difference.sections()
        if lines
    ]
    if difference.consequences:
        rows = tuple(
            Row(
                (
                    (Text(name_of(one.urn), CODE, Grade.BAD if one.refused else Grade.LOOK),),
                    (Text(one.sentence),),
                    (Text(one.remedy),),
                )
            )
            for one in difference.consequences
        )
        found.append(
            Section("changes-consequences", "What the changes cost", ("Resource", "What happens", "Instead"), rows, "")
        )
    return found


def _change(line: Line) -> Row:
    words = {"+": "new", "-": "gone", "~": "changed"}
    return Row(((Text(words[line.mark], MARK, line.grade),), _name(line.subject), (Text(line.detail),)))


def policies(report: Report) -> Section:
    """What the policies found, what somebody answers for, and what was mended."""
    rows = tuple(
        Row(
            (
                (Text("mandatory" if f.mandatory else "advisory", grade=Grade.BAD if f.mandatory else Grade.LOOK),),
                (Text(f.policy, CODE, link=report.page(f.policy)),),
                (Text(f.severity),),
                _code(f.resource),
                (Text(f.message),),
            )
        )
        for f in report.findings
    )
    notes = [
        f"Not in force by the configuration of the policies: {rule.id} ({rule.enforcement}). {rule.title}"
        for rule in report.weakened
    ]
    notes += [f"Waiver: {waiver}" for waiver in report.waivers]
    notes += [f"Mended by the pack: {repair}" for repair in report.repairs]
    notes += list(report.permissions)
    if configured := [f"{rule.id} ({rule.configured})" for rule in report.rules if rule.configured]:
        notes.append(f"Configured otherwise than by default: {', '.join(configured)}.")
    header = ("", "Policy", "Severity", "Resource", "What, and what to do")
    empty = f"No violation of {report.policies}." if report.policies else "No violation."
    return Section("policies", "Policies", header, rows, empty, notes=tuple(notes))


def flows(report: Report) -> Section:
    """Every flow."""
    facts = report.facts or Facts()
    rows = [_flow(facts, flow) for flow in sorted(facts.flows, key=lambda f: (f.declared, f.proven))]
    rows += [
        Row(
            (
                (Text("missing", grade=Grade.LOOK),),
                _name(facts.label(f.source)),
                _name(facts.label(f.target)),
                _code(f.port),
                (Text("declared, but nothing lets it pass"),),
                (Text(f.why),),
            )
        )
        for f in facts.missing
    ]
    header = ("", "From", "To", "Port", "Encrypted by", "Why")
    return Section("flows", "Flows", header, tuple(rows), "No flow." if report.facts else report.problem)


def _flow(facts: Facts, flow: Flow) -> Row:
    status = Text("declared", grade=Grade.GOOD) if flow.declared else Text("undeclared", grade=Grade.BAD)
    return Row(
        (
            (status,),
            _name(facts.label(flow.source)),
            _name(facts.label(flow.target)),
            _code(flow.port),
            _encryption(flow),
            (Text(flow.why),),
        )
    )


def _encryption(flow: Flow) -> Cell:
    return _proof(flow.encryption, flow.by)


def _proof(state: str, by: str) -> Cell:
    if state == PROVEN:
        return (Text(by or "proven"),)
    mark = Text("checked at up", grade=Grade.LOOK) if state == UNKNOWN else Text("unproven", grade=Grade.BAD)
    return (mark, Text(by))


def access(report: Report) -> Section:
    """Who may do what, a group for each principal."""
    grants = report.facts.access if report.facts else ()
    order = {name: place for place, name in enumerate(dict.fromkeys(_worst_first(grants)))}
    rows = tuple(_grant(grant) for grant in sorted(grants, key=lambda g: (order[reach.principal(g)], not g.allows)))
    header = ("", "Actions", "Resources", "Only when", "Noticed")
    empty = "No policy grants anything." if report.facts else report.problem
    seen = {flag for grant in grants if grant.allows for flag in grant.flags}
    notes = tuple(f"{flag.replace('-', ' ')}: {meaning}" for flag, (_, meaning) in _FLAGS.items() if flag in seen)
    return Section("access", "Access", header, rows, empty, notes=notes, group="Principal")


_FLAGS: Mapping[str, tuple[Grade, str]] = {
    "public": (Grade.BAD, "anybody, whoever they are."),
    "not-action": (Grade.BAD, "NotAction: whatever is not named is allowed, and so is what AWS will add."),
    "not-principal": (Grade.BAD, "NotPrincipal: whoever is not named is allowed."),
    "not-resource": (Grade.LOOK, "NotResource: whatever is not named is included."),
    "no-source-condition": (Grade.LOOK, "the service may act for any account (a confused deputy)."),
    "cross-account": (Grade.LOOK, "another account."),
    "wildcard-action": (Grade.LOOK, "a `*` among the actions."),
    "wildcard-resource": (Grade.LOOK, "every resource, although the actions could name one."),
    "unscoped": (Grade.PLAIN, "every resource, because AWS knows none to name for these actions."),
    "any-principal": (Grade.PLAIN, "the policy of a VPC endpoint, which is reached from inside only."),
}
"""Flag → how to take it, and what it means."""


def _flag(flag: str) -> Grade:
    return _FLAGS[flag][0] if flag in _FLAGS else Grade.LOOK


def _worst_first(grants: Sequence[Grant]) -> Iterator[str]:
    worst = {Grade.BAD: 0, Grade.LOOK: 1}

    def rank(grant: Grant) -> int:
        graded = [worst.get(_flag(flag), 2) for flag in grant.flags if grant.allows]
        return min(graded, default=2)

    for grant in sorted(grants, key=rank):
        yield reach.principal(grant)


def _grant(grant: Grant) -> Row:
    effect = Text("may", MARK) if grant.allows else Text("may not", grade=Grade.GOOD)
    noticed = tuple(Text(flag.replace("-", " "), MARK, _flag(flag)) for flag in grant.flags)
    who = reach.principal(grant)
    kind = f" ({grant.kind})" if grant.kind not in ("", who) else ""
    return Row(
        (
            (effect,),
            tuple(Text(action, CODE) for action in grant.actions),
            tuple(Text(name_of(resource), CODE) for resource in grant.resources),
            (Text("; ".join(grant.conditions)),),
            noticed if grant.allows else (),
        ),
        group=f"{who}{kind}",
    )


def stores(report: Report) -> Section:
    """Where data lies, and how it is encrypted."""
    found = report.facts.stores if report.facts else ()
    header = ("Store", "Kind", "Key", "At rest", "In transit")
    rows = tuple(map(_store, sorted(found, key=lambda s: (s.proven, s.name))))
    return Section("stores", "Stores and keys", header, rows, "No store." if report.facts else report.problem)


def _store(store: Store) -> Row:
    return Row(
        (
            _code(store.name or name_of(store.resource)),
            (Text(store.kind),),
            _code(name_of(store.key)) if store.key else (Text("none named"),),
            _proof(store.at_rest, store.at_rest_by),
            _proof(store.in_transit, store.in_transit_by),
        )
    )


def to_check(report: Report) -> Section:
    """What only the deployment will know, what nothing is known of first."""
    found = report.facts.to_check if report.facts else ()
    rows = tuple(
        Row(
            (
                _code(o.name or name_of(o.resource)),
                _code(o.path),
                _code(", ".join(o.refers_to)),
                _code(", ".join(o.rules)),
            ),
            "Nothing is known of it"
            if o.blank
            else "Judged already, with made-up identifiers"
            if o.presumed
            else "Identifiers",
        )
        for o in sorted(found, key=lambda o: (not o.blank, not o.presumed))
    )
    intro = "Values that only the deployment will know. The same rules read them at `pulumi up`, before the resource is made."
    header = ("Resource", "Property", "Refers to", "Rules")
    return Section(
        "to-check", "To be checked at up", header, rows, "Nothing.", intro if rows else "", group="What is known"
    )


_MARKS = {Kind.REPLACED: Grade.BAD, Kind.REMOVED: Grade.BAD}


def resources(report: Report, difference: Difference | None) -> Section:
    """Every resource under its component, or with a base only those that change."""
    if difference is not None:
        rows = tuple(
            Row(
                (
                    (Text(change.kind.value, MARK, _MARKS.get(change.kind, Grade.PLAIN)),),
                    _code(change.name),
                    _code(change.type.rpartition(":")[2]),
                    _code(", ".join(change.properties) or (f"was {name_of(change.was)}" if change.was else "")),
                )
            )
            for change in difference.resources
        )
        intro = f"Since {difference.base}: {counts(difference.resources)}."
        return Section(
            "resources", "Resources that change", ("", "Name", "Type", "What"), rows, "Nothing changes.", intro
        )
    rows = tuple(Row((_code(r.name), _code(r.type)), r.component or "(no component)") for r in report.resources)
    components = len({r.component for r in report.resources if r.component})
    intro = f"{counted(len(rows), 'resource')} in {counted(components, 'component')}." if rows else ""
    return Section("resources", "Resources", ("Name", "Type"), rows, "No resource.", intro, group="Component")


def cost(report: Report) -> Section:
    """Every line of the bill."""
    groups = {"fixed": "Whatever the use", "use": "By assumed use", "rate": "By use, nothing assumed"}
    rows = tuple(
        Row(
            (
                _code(line.part),
                (Text(line.item),),
                (Text(line.quantity, NUMBER),),
                (Text("" if line.usd is None else f"{line.usd:,.2f}", NUMBER),),
            ),
            groups.get(line.group, line.group),
        )
        for line in report.cost.lines
    )
    bill = report.cost
    intro = (
        f"{bill.total:,.2f} USD a month: {bill.fixed:,.2f} whatever the use, {bill.use:,.2f} by assumed use."
        if rows
        else ""
    )
    notes = (
        [f"Not priced: {one}" for one in bill.unpriced]
        + list(bill.notes)
        + ([f"{bill.prices}."] if bill.prices else [])
    )
    header = ("Part", "Item", "Quantity", "USD a month")
    return Section("cost", "Cost", header, rows, "Nothing that costs.", intro, tuple(notes), group="Group")


def later(report: Report, difference: Difference | None) -> list[Section]:
    """What comes after the first screen, the most important first."""
    return [
        policies(report),
        flows(report),
        access(report),
        stores(report),
        to_check(report),
        resources(report, difference),
        cost(report),
    ]


def about(report: Report) -> tuple[str, ...]:
    """How the report was made, and what it does not show."""
    made = f"Made by `vectordb plan --stack {report.stack}` from the program alone."
    return (
        f"{made} Look-ups (account, zones, image) were answered with example values, and nothing was asked of AWS.",
        "What is relied on and cannot be shown without an account: docs/assumptions.md.",
    )


def _code(value: str) -> Cell:
    return (Text(value, CODE),) if value else ()


def _name(value: str) -> Cell:
    return (Text(value, NAME),) if value else ()
