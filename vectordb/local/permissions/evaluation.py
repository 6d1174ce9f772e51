"""One request against the policies of one account (IAM User Guide, policy evaluation logic, within a single account).

An explicit Deny wins; else one Allow is enough, in an identity policy or in the resource's own policy; else no.
"""

import enum
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from vectordb.local.permissions.conditions import Context
from vectordb.local.permissions.documents import Policy, Statement


class Decision(enum.Enum):
    """The verdict; the value is the end of AWS's sentence about a refusal (IAM User Guide, troubleshoot access denied)."""

    ALLOWED = ""
    NOT_ALLOWED = "because no identity-based policy allows the {action} action"
    DENIED_BY_IDENTITY = "with an explicit deny in an identity-based policy"
    DENIED_BY_RESOURCE = "with an explicit deny in a resource-based policy"


@dataclass(frozen=True, slots=True)
class Access:
    """What a request asks for: one action on one resource.

    Attributes:
        action: `service:Name`.
        resource: an ARN; `*` for an action that knows no resources.
        context: the request's condition keys.
    """

    action: str
    resource: str
    context: Context


def decide(
    access: Access, identity: Iterable[Policy], resource: Policy | None = None, names: Collection[str] = ()
) -> Decision:
    """Whether `access` is allowed.

    Args:
        access: what is asked for.
        identity: the policies of the principal.
        resource: the resource's own policy.
        names: what a resource policy may call the principal: its ARN, its session's ARN, its account and the account's ARN.

    Raises:
        UnsupportedPolicyError: a policy that speaks of the action depends on something that is not implemented here.
    """
    by_identity = _effects((statement for policy in identity for statement in policy.statements), access)
    if "Deny" in by_identity:
        return Decision.DENIED_BY_IDENTITY
    by_resource = set()
    if resource is not None:
        by_resource = _effects((s for s in resource.statements if _names(s, names)), access)
    if "Deny" in by_resource:
        return Decision.DENIED_BY_RESOURCE
    return Decision.ALLOWED if "Allow" in by_identity | by_resource else Decision.NOT_ALLOWED


def trusts(policy: Policy, service: str, context: Context) -> bool:
    """Whether a role's trust policy lets a service assume the role in a request with this context.

    Raises:
        UnsupportedPolicyError: it depends on something that is not implemented here.
    """
    effects = {
        statement.effect
        for statement in policy.statements
        if ("Service", service) in statement.principals and statement.lets("sts:AssumeRole", context)
    }
    return effects == {"Allow"}


def refusal(principal: str, access: Access, decision: Decision) -> str:
    """AWS's sentence about a refusal, for the session or user with the ARN `principal`."""
    reason = decision.value.format(action=access.action)
    return f"User: {principal} is not authorized to perform: {access.action} on resource: {access.resource} {reason}"


def _effects(statements: Iterable[Statement], access: Access) -> set[str]:
    return {
        statement.effect
        for statement in statements
        if statement.applies(access.action, access.resource, access.context)
    }


def _names(statement: Statement, names: Collection[str]) -> bool:
    return any(kind == "AWS" and (name == "*" or name in names) for kind, name in statement.principals)
