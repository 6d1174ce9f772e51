"""Everything that a stack names is of its own account."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain

from pulumi_policy import Severity

from isolation.access.grants import GRANTS, grants
from isolation.access.places import Side, known_statements, places
from isolation.declared import identifiers, strings
from isolation.reading.conditions import comparisons, element
from isolation.reading.documents import Principal, allows, principals
from isolation.reading.properties import Property
from isolation.reading.texts import texts_within
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
# Other rules look at them: images have organisations and units to declare too.
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


_ADMITTING: tuple[Side, ...] = ("resource", "trust")


def _admitted(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    """Resource, path and account of every account and identity that a policy or a key's grant of the stack admits.

    Other grants name nobody who is not declared: SHARED_WITH_DECLARED and the rules of _ELSEWHERE see to it.
    """
    for resource in stack.resources:
        granted = grants(resource) if resource.type == _KEY_GRANT else ()
        for statement in filter(allows, chain(known_statements(resource, *_ADMITTING, "endpoint"), granted)):
            for principal in principals(statement):
                # A grant's statement is made up; its path is the property that it is made of.
                path = statement.path if resource.type == _KEY_GRANT else principal.place.path
                if _is_account(principal) or (principal.kind == "federated" and _ARN.match(principal.name)):
                    yield resource, path, principal.account


# What says something about a resource and makes nothing of it.
_WORDS = ("tags", "tagsAll", "description", "alarmDescription", "dashboardBody")
_ARNS = re.compile(r"\barn:[a-z*-]+:[a-z0-9*-]*:[a-z0-9*-]*:([0-9]{12}):")
_IMAGES = re.compile(r"\b([0-9]{12})\.dkr[.-]ecr")
_OF_ACCOUNTS = re.compile(r"account[a-z]*(\[[0-9]+\])?$", re.IGNORECASE)


def _named(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    """Resource, path and account of every known ARN, image and account number: of data, code, keys and roles.

    Whoever reads statements reads the policies, and whoever looks at grants whom they admit.
    """
    for resource in stack.resources:
        if resource.type.startswith(("aws:", "pulumi:providers:aws")):
            read = tuple(place.document.path for place in places(resource))
            admitting = {grant.path for grant in grants(resource)}
            for text in texts_within(resource.root):
                head = text.path.partition(".")[0].partition("[")[0]
                if head not in _WORDS and text.path not in admitting and not text.path.startswith(read):
                    yield from ((resource, text.path, account) for account in _accounts(text))


def _accounts(text: Property) -> set[str]:
    value = text.text or ""
    if _ACCOUNT.fullmatch(value):
        return {value} if _OF_ACCOUNTS.search(text.path) else set()
    return {*_ARNS.findall(value), *_IMAGES.findall(value)}


# By these keys a statement says whose callers, sources and resources it means.
_CONDITIONS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:resourceaccount",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceowner",
        "kms:calleraccount",
        "lambda:sourcefunctionarn",
        "s3:resourceaccount",
    }
)
_POSITIVE = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike")


def _let_through(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    """Resource, path and account of everybody whom a condition of a statement that allows something lets through."""
    for resource in stack.resources:
        for statement in filter(allows, known_statements(resource, *_ADMITTING, "endpoint", "identity")):
            for each in comparisons(statement):
                if each.key in _CONDITIONS and each.operator in _POSITIVE:
                    for value in each.values.each():
                        accounts = _ARNS.findall(value.text or "") or _ACCOUNT.findall(value.text or "")
                        yield from ((resource, value.path, account) for account in accounts)


def _acted_on(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    """Resource, path and account of every known ARN on which an identity may act, or anybody through a VPC endpoint."""
    for resource in stack.resources:
        for statement in filter(allows, known_statements(resource, "identity", "endpoint")):
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
        for statement in known_statements(resource, *_ADMITTING)
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
    others = chain(_named(stack), _acted_on(stack), _let_through(stack)) if own else ()
    found = {
        (resource.urn, path): resource
        for resource, path, account in chain(_admitted(stack), others)
        if account not in known
    }
    for (_, path), resource in found.items():
        yield resource, Finding(path, "names another account")


OTHER_ACCOUNTS = StackRule(
    id="policy-names-known-accounts",
    title="A stack names no other account than its own and those that are declared.",
    severity=Severity.HIGH,
    remedy="Remove the account, or declare it in the rule's setting `accounts`.",
    why=(
        "What another account's identities may do here is decided there. A principal of a foreign account, a subscription, a "
        "copy of a backup or a log that is delivered there is a way for data to leave that no route and no security group "
        "shows, and a layer, an image, a snapshot or a role of theirs one for code to come in; each has to be declared. The stack's own account is that of its resources' ARNs, or, before there are any, "
        "the one that its policies name most."
    ),
    frameworks=Frameworks(fsbp=("S3.6",)),
    settings=(identifiers("accounts", "Other accounts, by their twelve digits, that the stack may name."),),
    check=_other_accounts,
    reads_everything=True,
)
