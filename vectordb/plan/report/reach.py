"""What can reach the database: each flow to it, what can reach that flow's source in turn, and who may log in."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from vectordb.plan.report.facts import Facts, Flow, Grant, Node
from vectordb.plan.report.model import Report

DATABASES = frozenset({"database", "proxy"})
CONNECT = "rds-db:connect"
_NAMED = 6
_USER = re.compile(r":dbuser:[^/]*/(?P<user>.+)$")


@dataclass(frozen=True)
class Way:
    """One flow to a database.

    Attributes:
        database: label of the node that is reached.
        who: label of the node that reaches it.
        flow: the flow itself.
        before: labels of the nodes that can reach `who`, directly or not.
        logins: who may log in by IAM from there: what the source's own role may, and for a bastion who may come through it.
    """

    database: str
    who: str
    flow: Flow
    before: tuple[str, ...]
    logins: tuple[str, ...]


@dataclass(frozen=True)
class Login:
    """Who may log in by IAM, and as which database users."""

    principal: str
    users: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.principal} as {', '.join(self.users)}"


def ways(report: Report) -> list[Way]:
    """Every flow to a database, undeclared ones first, then in the order of the facts."""
    facts = report.facts
    if facts is None:
        return []
    people = logins(facts)
    found = [
        Way(
            database=facts.label(flow.target),
            who=facts.label(flow.source),
            flow=flow,
            before=tuple(facts.label(node) for node in _sources(facts, flow.source, {flow.target})),
            logins=tuple(map(str, _logins_from(report, people, facts.nodes.get(flow.source)))),
        )
        for flow in facts.flows
        if (target := facts.nodes.get(flow.target)) and target.kind in DATABASES
    ]
    return sorted(found, key=lambda way: way.flow.declared)


def open_databases(facts: Facts) -> list[str]:
    """The labels of the databases that can be reached from outside without anything in between."""
    doors = {door.resource for door in facts.doors}
    return [n.label for n in facts.nodes.values() if n.kind in DATABASES and doors & {*n.resources, n.id}]


def databases(facts: Facts) -> list[str]:
    """The labels of the databases."""
    return [node.label for node in facts.nodes.values() if node.kind in DATABASES]


def logins(facts: Facts) -> list[Login]:
    """Everybody who may log in by IAM."""
    users: dict[str, dict[str, None]] = {}
    for grant in facts.access:
        if grant.allows and _connects(grant):
            users.setdefault(principal(grant), {}).update(dict.fromkeys(_users(grant)))
    return [Login(name, tuple(found)) for name, found in users.items()]


def chains(report: Report) -> list[str]:
    """How the sources of the flows to a database can be reached in turn, in sentences."""
    facts = report.facts
    if facts is None:
        return []
    targets = {node.id for node in facts.nodes.values() if node.kind in DATABASES}
    known = tuple(f"{way.who} reaches {way.database}" for way in ways(report))  # a line of the table says it
    told = [p.sentence for p in facts.paths if p.target in targets and not p.sentence.startswith(known)]
    if not told:
        found = [(way.who, way.before) for way in ways(report) if way.before]
        told = [f"{who} can in turn be reached from {', '.join(before[:_NAMED])}." for who, before in found]
    return list(dict.fromkeys(told))


def principal(grant: Grant) -> str:
    """How people call a principal."""
    return grant.principal or grant.name or grant.kind or "unknown"


def _logins_from(report: Report, people: Iterable[Login], node: Node | None) -> Iterator[Login]:
    """By the source's own role; whoever is no role of the plan comes through a bastion."""
    if node is None:
        return
    roles = {role for urn in node.resources for role in report.roles.get(urn, ())}
    others = {role for found in report.roles.values() for role in found}
    entered = _entered(report, node)
    for login in people:
        own = any(role in login.principal for role in roles)
        if own or (entered and not any(role in login.principal for role in others)):
            yield login


def _entered(report: Report, node: Node) -> bool:
    """Whether people come through it: it is a bastion, or the facts tell of a way of people that leads over it."""
    told = report.facts.paths if report.facts else ()
    return node.kind == "bastion" or any(
        path.sentence.startswith("People ") and node.label in path.sentence for path in told
    )


def _connects(grant: Grant) -> bool:
    return any(fnmatchcase(CONNECT, action.lower()) for action in grant.actions)


def _users(grant: Grant) -> Iterator[str]:
    for resource in grant.resources:
        found = _USER.search(resource)
        if found is not None:
            yield found["user"] if found["user"] != "*" else "any user"
        elif "*" in resource or not resource.startswith("arn:"):
            yield "any user" if resource == "*" else resource


def _sources(facts: Facts, node: str, seen: Iterable[str]) -> list[str]:
    """The ids of all nodes from which `node` can be reached, nearest first."""
    known, queue, found = {node, *seen}, [node], []
    while queue:
        target = queue.pop(0)
        for flow in facts.flows:
            if flow.target == target and flow.source not in known:
                known.add(flow.source)
                queue.append(flow.source)
                found.append(flow.source)
    return found
