"""Everything that a stack's policies name, and all that it sends, is of the stack's own account."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain

from pulumi_policy import Severity

from isolation.access.grants import GRANTS, grants
from isolation.access.places import Side, places
from isolation.conditions import comparisons, element
from isolation.declared import identifiers, strings
from isolation.documents import NoDocumentError, Principal, allows, principals, statements
from isolation.reading import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, StackRule, aws
from isolation.stack import Stack

_ACCOUNT = re.compile("[0-9]{12}")
_ARN = re.compile("arn:[^:]*:[^:]*:[^:]*:([0-9]{12}):")


def _is_account(principal: Principal) -> bool:
    return principal.kind in ("account", "identity") and _ACCOUNT.fullmatch(principal.account) is not None


def _shared(resource: Resource) -> Iterator[Finding]:
    for statement in grants(resource):
        for principal in filter(_is_account, principals(statement)):
            # Keys are granted to roles of the own account as a matter of course.
            usual = resource.type == _KEY_GRANT and principal.kind == "identity"
            if not usual and principal.account not in strings(resource.settings, "accounts"):
                yield Finding(statement.path, "names an account that is not declared")


_KEY_GRANT = aws("kms/grant")
# Other rules look at them.
_ELSEWHERE = (
    "ec2/vpcEndpointService",
    "ec2/vpcEndpointServiceAllowedPrinciple",
    "ec2/amiLaunchPermission",
)

SHARED_WITH_DECLARED = ResourceRule(
    id="shared-with-declared-accounts",
    title="Functions, layers, snapshots, documents and shares are given to declared accounts only.",
    severity=Severity.HIGH,
    remedy="Remove the account, or declare it in the setting `accounts`.",
    why=(
        "An account with which a snapshot is shared copies it, and keeps the copy whatever happens here; one that may call a "
        "function does so as often as it likes. Identities of the own account need none of this: IAM policies are enough "
        "for them (Amazon RDS User Guide, sharing a DB snapshot; Lambda Developer Guide, granting function access to other "
        "accounts)."
    ),
    frameworks=Frameworks(fsbp=("RDS.1", "EC2.1")),
    settings=(identifiers("accounts", "Accounts, by their twelve digits, with which things may be shared."),),
    checks=dict.fromkeys(sorted(GRANTS - set(map(aws, _ELSEWHERE))), _shared),
)


# ---- the stack's own account, and what names another


def _statements(resource: Resource, *sides: Side) -> Iterator[Property]:
    """The statements of these sides, or who may use a resource or become a role; what is no document another rule finds."""
    for place in places(resource, *(sides or ("resource", "trust"))):
        if place.document.given:
            try:
                yield from list(statements(place.document))
            except NoDocumentError:
                continue


def _admitted(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    """Resource, path and account of every account and identity that a policy or a grant of the stack admits."""
    for resource in stack.resources:
        for statement in filter(allows, chain(_statements(resource), grants(resource))):
            for principal in filter(_is_account, principals(statement)):
                # A grant's statement is made up; its path is the property that it is made of.
                path = statement.path if resource.type in GRANTS else principal.place.path
                yield resource, path, principal.account


# Properties that say where data goes.
_SENDS = {
    aws(path): key
    for path, key in {
        "backup/plan": "rules[].copyActions",
        "cloudwatch/eventTarget": "arn",
        "cloudwatch/logSubscriptionFilter": "destinationArn",
        "cloudwatch/metricStream": "firehoseArn",
        "ec2/flowLog": "logDestination",
        "pipes/pipe": "target",
        "rds/eventSubscription": "snsTopic",
        "scheduler/schedule": "target.arn",
        "sns/topicSubscription": "endpoint",
    }.items()
}


def _sent(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    """Resource, path and account of every known ARN to which a resource of the stack sends what it has."""
    for resource in stack.resources:
        for found in resource.select(_SENDS[resource.type]) if resource.type in _SENDS else ():
            for each in found.each():
                target = each.at("destinationVaultArn") if each.text is None else each
                if (arn := _ARN.match(target.text or "")) is not None:
                    yield resource, target.path, arn[1]


def _acted_on(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    """Resource, path and account of every known ARN on which an identity of the stack may act, roles to assume among them."""
    for resource in stack.resources:
        for statement in filter(allows, _statements(resource, "identity")):
            for each in element(statement, "Resource").each():
                if (arn := _ARN.match(each.text or "")) is not None:
                    yield resource, each.path, arn[1]


def _own(stack: Stack) -> set[str]:
    """The stack's account: of the ARNs that its resources have, or else the one that its policies speak of most."""
    arns = Counter(
        found[1] for resource in stack.resources if (found := _ARN.match(resource.at("arn").text or "")) is not None
    )
    spoken = Counter(
        value.text
        for resource in stack.resources
        for statement in _statements(resource)
        for each in comparisons(statement)
        if each.key in ("aws:sourceaccount", "aws:principalaccount")
        for value in each.values.each()
        if value.text is not None
    )
    speaking = arns or spoken or Counter(account for *_, account in _admitted(stack))
    return {account for account, _ in speaking.most_common(1)}


def _other_accounts(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    own = _own(stack)
    known = own | set(strings(stack.settings, "accounts"))
    outward = chain(_sent(stack), _acted_on(stack)) if own else ()
    for resource, path, account in chain(_admitted(stack), outward):
        if account not in known:
            yield resource, Finding(path, "names another account")


OTHER_ACCOUNTS = StackRule(
    id="policy-names-known-accounts",
    title="Policies name, and data goes to, no other account than the stack's own and those that are declared.",
    severity=Severity.HIGH,
    remedy="Remove the account, or declare it in the rule's setting `accounts`.",
    why=(
        "What another account's identities may do here is decided there. A principal of a foreign account, a subscription, a "
        "copy of a backup or a log that is delivered there is a way for data to leave that no route and no security group "
        "shows; each has to be declared. The stack's own account is that of its resources' ARNs, or, before there are any, "
        "the one that its policies name most."
    ),
    frameworks=Frameworks(fsbp=("S3.6",)),
    settings=(identifiers("accounts", "Other accounts, by their twelve digits, that policies may name."),),
    check=_other_accounts,
)
