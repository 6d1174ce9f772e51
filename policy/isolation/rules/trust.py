"""Who may become a role: one service for this account, one identity, one repository."""

import re
from collections.abc import Callable, Iterator

from pulumi_policy import Severity

from isolation.access.places import known_statements
from isolation.declared import identifiers, strings
from isolation.reading.conditions import Comparison, comparisons, names_source, narrows
from isolation.reading.documents import Principal, allows, principals
from isolation.reading.properties import Property
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, aws

_ROLE = aws("iam/role")
_Judge = Callable[[Property, Principal, Resource], Iterator[Finding]]


def _each_trusted(judge: _Judge) -> Check:
    """A check that asks `judge` about each principal of each statement that lets somebody become the role."""

    def check(resource: Resource) -> Iterator[Finding]:
        for statement in filter(allows, known_statements(resource, "trust")):
            for principal in principals(statement):
                yield from judge(statement, principal, resource)

    return check


def _wide(statement: Property, principal: Principal, resource: Resource) -> Iterator[Finding]:
    if principal.kind == "everyone" and narrows(statement) is False:
        yield Finding(principal.place.path, "lets everybody become the role")
    elif (
        principal.kind == "account"
        and principal.account not in strings(resource.settings, "accounts")
        and narrows(statement) is False
        and not _asks_for_an_external_id(statement)
    ):
        yield Finding(principal.place.path, "lets a whole account become the role")


def _asks_for_an_external_id(statement: Property) -> bool:
    return any(
        each.key == "sts:externalid" and each.operator == "stringequals" and not each.optional
        for each in comparisons(statement)
    )


WIDE_TRUST = ResourceRule(
    id="trust-names-identities",
    title="Roles trust services and single identities, not everybody and not whole accounts.",
    severity=Severity.CRITICAL,
    remedy="Name the role that may become this one, or add a condition such as sts:ExternalId or aws:PrincipalArn.",
    why=(
        "A role that trusts * belongs to whoever finds its name, in any account. One that trusts an account belongs to every "
        "identity there that may call sts:AssumeRole; another account adds such identities as it likes (IAM User Guide, AWS "
        "JSON policy elements: Principal). A stack may declare an account in the setting `accounts`."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_60", "CKV_AWS_61")),
    settings=(identifiers("accounts", "Accounts, by their twelve digits, that roles may trust as a whole."),),
    checks={_ROLE: _each_trusted(_wide)},
)

# Services whose guides show a trust policy with aws:SourceAccount or aws:SourceArn ("Cross-service confused deputy
# prevention" of each). EC2, its fleets, ECS's agent, Cognito, Budgets' actions and others assume roles without them.
_SOURCED = frozenset(
    {
        "appstream.amazonaws.com",
        "bedrock.amazonaws.com",
        "cloudformation.amazonaws.com",
        "codebuild.amazonaws.com",
        "codepipeline.amazonaws.com",
        "config.amazonaws.com",
        "datasync.amazonaws.com",
        "dms.amazonaws.com",
        "ecs-tasks.amazonaws.com",
        "events.amazonaws.com",
        "export.rds.amazonaws.com",
        "firehose.amazonaws.com",
        "glue.amazonaws.com",
        "imagebuilder.amazonaws.com",
        "iot.amazonaws.com",
        "kinesisanalytics.amazonaws.com",
        "lambda.amazonaws.com",
        "logs.amazonaws.com",
        "monitoring.rds.amazonaws.com",
        "personalize.amazonaws.com",
        "pipes.amazonaws.com",
        "rds.amazonaws.com",
        "sagemaker.amazonaws.com",
        "scheduler.amazonaws.com",
        "ssm.amazonaws.com",
        "states.amazonaws.com",
        "transfer.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
    }
)
_REGIONAL = re.compile(r"\.[a-z]{2}(-[a-z]+)+-[0-9](?=\.amazonaws\.com)")


def _service(name: str) -> str:
    """A service's principal without region and without a partition's ending: `logs.eu-west-1.amazonaws.com` is `logs`'."""
    return _REGIONAL.sub("", name.casefold().removesuffix(".cn"))


def _unsourced(statement: Property, principal: Principal, _: Resource) -> Iterator[Finding]:
    if principal.kind == "service" and _service(principal.name) in _SOURCED and names_source(statement) is False:
        yield Finding(principal.place.path, "names a service without saying on whose behalf")


CONFUSED_DEPUTIES = ResourceRule(
    id="trust-names-source",
    title="Services become a role on behalf of this account only.",
    severity=Severity.MEDIUM,
    remedy="Add StringEquals aws:SourceAccount, or ArnLike aws:SourceArn with the ARN of what the service acts for.",
    why=(
        "A service acts for every customer. If the role does not say for whom, another customer who makes the service use "
        "the role's ARN gets its rights: the confused deputy (IAM User Guide, the confused deputy problem). Only services "
        "whose guide documents the condition in a trust policy are asked for it."
    ),
    checks={_ROLE: _each_trusted(_unsourced)},
)

_GITHUB = "token.actions.githubusercontent.com"
# repo:owner/name:… with owner and name written out, or by their immutable ids (GitHub, OpenID Connect reference).
_REPOSITORY = re.compile(r"repo:[^/*?:]+/[^/*?:]+:.*[^*?].*|repo:[^/*?:]+/[^/*?:]+:\*")
_EQUALS = ("stringequals", "stringequalsignorecase", "stringlike")


def _must_hold(statement: Property) -> Iterator[Comparison]:
    return (each for each in comparisons(statement) if not each.optional and each.operator in _EQUALS)


def _narrowed_by(statement: Property, key: str, fixed: Callable[[str], bool]) -> bool:
    """Whether a comparison with `key` must hold and all its values are `fixed`, or unknown."""
    return any(
        each.key == key and all(value.unknown or fixed(value.text or "") for value in each.values.elements())
        for each in _must_hold(statement)
    )


def _plain(text: str) -> bool:
    return bool(text.strip("*?"))


def _federated(statement: Property, principal: Principal, _: Resource) -> Iterator[Finding]:
    if principal.kind != "federated" or statement.at("Condition").unknown:
        return
    provider = re.sub(r"^arn:[^:]*:iam::[^:]*:oidc-provider/", "", principal.name).casefold()
    if ":saml-provider/" in provider:
        if not _narrowed_by(statement, "saml:aud", _plain):
            yield Finding(principal.place.path, "trusts a SAML provider without saml:aud")
    elif provider == _GITHUB:
        if not _narrowed_by(statement, f"{_GITHUB}:sub", lambda text: bool(_REPOSITORY.fullmatch(text))):
            yield Finding(principal.place.path, "trusts GitHub without a sub that names one repository")
    elif provider == "cognito-identity.amazonaws.com":
        if not _narrowed_by(statement, "cognito-identity.amazonaws.com:aud", _plain):
            yield Finding(principal.place.path, "trusts Cognito without the aud of one identity pool")
    elif not _narrowed_by(statement, f"{provider}:sub", _plain):
        yield Finding(principal.place.path, "trusts an OIDC provider without a sub")


FEDERATED_TRUST = ResourceRule(
    id="trust-narrows-federation",
    title="Roles trust single subjects of an identity provider.",
    severity=Severity.CRITICAL,
    remedy="Add StringEquals with the provider's sub (for GitHub repo:owner/name:…, for SAML saml:aud).",
    why=(
        "An OIDC provider such as GitHub's or GitLab's signs tokens for everybody who has an account there: without a "
        "condition on sub, or with a pattern that leaves owner or repository open, anybody's workflow becomes the role "
        "(GitHub Docs, configuring OpenID Connect in Amazon Web Services; IAM User Guide, creating a role for OIDC). "
        "ForAllValues and IfExists hold for tokens that lack the claim, so that they narrow nothing."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_358",)),
    checks={_ROLE: _each_trusted(_federated)},
)
