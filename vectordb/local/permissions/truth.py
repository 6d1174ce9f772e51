"""Policies held against needs, both ways. Pure: roles, calls and rows in, differences out.

Deny statements allow nothing, so nothing of them can be unneeded; they count where a call is judged. Conditions of an
Allow count for recorded calls; for rows of the table only action and resource do.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vectordb.local.permissions import evaluation
from vectordb.local.permissions.conditions import request_context
from vectordb.local.permissions.evaluation import Access, Decision
from vectordb.local.permissions.needs import Need
from vectordb.local.permissions.patterns import action_matches, arn_matches, arns_overlap, is_exact
from vectordb.local.permissions.roles import Call, Role


@dataclass(frozen=True, order=True)
class Difference:
    """A permission too many or too few; `str` of it is a sentence."""

    role: str
    action: str
    resource: str
    reason: str

    def __str__(self) -> str:
        return f"{self.role}: {self.action} on {self.resource}: {self.reason}"


def missing(roles: Sequence[Role], calls: Iterable[Call], table: Iterable[Need]) -> list[Difference]:
    """What roles need and their policies do not allow: recorded calls, and the rows of the table that concern them.

    Args:
        roles: of a plan; calls are matched by `arn`.
        calls: that these roles made.
        table: rows; those for other roles do not matter.

    Raises:
        KeyError: a call was made by a role that is not among `roles`.
    """
    by_arn = {role.arn: role for role in roles if role.arn}
    found = {
        Difference(by_arn[call.role].name, call.action, call.resource, f"recorded, but {decision.name.lower()}")
        for call in calls
        if (decision := _decide(by_arn[call.role], call)) is not Decision.ALLOWED
    }
    table = tuple(table)
    for role in roles:
        found |= {
            Difference(role.name, need.action, need.resources[0], f"not allowed; {need.why or need.source}")
            for need in table
            if need.concerns(role) and not _allowed_somewhere(role, need)
        }
    return sorted(found)


def unneeded(roles: Sequence[Role], calls: Iterable[Call], table: Iterable[Need]) -> list[Difference]:
    """What policies allow and nobody needs, action by action and resource by resource.

    An action and a resource of a policy are needed when a call took exactly that action on exactly that resource, or when
    a row of the table that concerns the role is as wide. A wildcard is therefore never justified by calls alone.
    """
    calls, table = tuple(calls), tuple(table)
    found: set[Difference] = set()
    for role in roles:
        own = [call for call in calls if role.arn and call.role == role.arn]
        rows = [need for need in table if need.concerns(role)]
        for action, resource in _allowed(role):
            if any(need.justifies(action, resource) for need in rows):
                continue
            if any(call.action.lower() == action.lower() and call.resource == resource for call in own):
                continue
            found.add(Difference(role.name, action, resource, _why_not(action, resource, own, rows)))
    return sorted(found)


def _allowed(role: Role) -> Iterator[tuple[str, str]]:
    for policy in role.policies:
        for statement in policy.statements:
            if statement.effect == "Allow":
                yield from ((action, resource) for action in statement.actions for resource in statement.resources)


def _why_not(action: str, resource: str, calls: list[Call], rows: list[Need]) -> str:
    wider = any(action_matches(action, call.action) and arn_matches(resource, call.resource) for call in calls)
    wider = wider or any(
        action_matches(action, n.action) and any(arns_overlap(resource, p) for p in n.patterns) for n in rows
    )
    if wider:
        return "wider than what is needed"
    if not is_exact(action):
        return "no recorded call and no row of the table needs any of these actions"
    return "no recorded call and no row of the table needs it"


def _decide(role: Role, call: Call) -> Decision:
    _, _, _, region, account, *_ = (*call.resource.split(":", 5), "", "", "", "", "")
    account = account or role.arn.split(":")[4]
    context = request_context(principal=role.arn, account=account, region=region)
    return evaluation.decide(Access(call.action, call.resource, context), role.policies)


def _allowed_somewhere(role: Role, need: Need) -> bool:
    return any(
        action_matches(action, need.action) and any(arns_overlap(resource, pattern) for pattern in need.patterns)
        for action, resource in _allowed(role)
    )
