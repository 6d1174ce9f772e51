"""Policy documents that are widened, inverted, opened to everybody, or lose a condition."""

from collections.abc import Callable
from typing import Any

from tests.policy.mutations.changing import Mutation, stated, statement

_IDENTITY = ("iam/policy", "iam/rolePolicy")
_RESOURCE = ("kms/key", "sns/topicPolicy", "s3/vectorsVectorBucketPolicy")
_EVERYONE: tuple[Any, ...] = ("*", {"AWS": "*"}, {"AWS": ["*"]}, {"AWS": ["arn:aws:iam::123456789012:root", "*"]})
_OPEN = {"Sid": "Open", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}

Edit = Callable[[dict[str, Any]], bool | None]


def _allowing(**values: Any) -> Edit:
    """Change a statement that allows; `None` takes an element away."""

    def edit(each: dict[str, Any]) -> bool:
        before = dict(each)
        for key, value in values.items():
            if value is None:
                each.pop(key, None)
            else:
                each[key] = value
        return before["Effect"] == "Allow" and before != each

    return edit


def _inverted(element: str) -> Edit:
    def edit(each: dict[str, Any]) -> bool:
        if each["Effect"] != "Allow":
            return False
        each[f"Not{element}"] = each.pop(element)
        return True

    return edit


def _without_condition(principal: str) -> Edit:
    """Take the condition from a statement that allows a principal of this kind."""

    def edit(each: dict[str, Any]) -> bool:
        kinds = each.get("Principal")
        return (
            each["Effect"] == "Allow"
            and isinstance(kinds, dict)
            and principal in kinds
            and bool(each.pop("Condition", None))
        )

    return edit


def _refusing(**values: Any) -> Edit:
    """Change the statement that refuses clear text."""

    def edit(each: dict[str, Any]) -> bool:
        if "aws:SecureTransport" not in str(each.get("Condition")):
            return False
        each.update(values)
        return True

    return edit


_IDENTITIES = [
    mutation
    for path in _IDENTITY
    for mutation in (
        *(
            Mutation("identity-no-wildcard-action", f"{path} allows {action}", statement(path, "policy", _allowing(Action=action)))
            for action in ("*", ["*"], ["s3:GetObject", "*"], "s3:*", "iam:*")
        ),
        Mutation("identity-no-wildcard-action", f"{path} allows everything too", stated(path, "policy", _OPEN | {"Action": "*", "Resource": "*"})),
        Mutation("identity-narrow-resource", f"{path} reads every object", stated(path, "policy", _OPEN | {"Resource": "*"})),
        Mutation("identity-narrow-resource", f"{path} reads every secret", stated(path, "policy", _OPEN | {"Action": "secretsmanager:GetSecretValue", "Resource": ["*"]})),
        Mutation("identity-no-inversion", f"{path} NotAction", statement(path, "policy", _inverted("Action"))),
        Mutation("identity-no-inversion", f"{path} NotResource", statement(path, "policy", _inverted("Resource"))),
        Mutation("identity-no-escalation", f"{path} may pass any role", stated(path, "policy", _OPEN | {"Action": "iam:PassRole", "Resource": "*"})),
        Mutation("identity-no-escalation", f"{path} may write policies", stated(path, "policy", _OPEN | {"Action": "iam:PutRolePolicy", "Resource": "*"})),
    )
]  # fmt: skip
_TRUST = [
    *(
        Mutation("trust-names-identities", f"a role for {principal!r}", statement("iam/role", "assumeRolePolicy", _allowing(Principal=principal, Condition=None)))
        for principal in _EVERYONE
    ),
    Mutation("trust-names-source", "a role without its condition", statement("iam/role", "assumeRolePolicy", _without_condition("Service"))),
]  # fmt: skip
_RESOURCES = [
    *(
        Mutation("policy-not-public", f"{path} for {principal!r}", stated(path, "policy", _OPEN | {"Principal": principal}))
        for path in _RESOURCE
        for principal in _EVERYONE
    ),
    Mutation("policy-not-public", "a condition that narrows nothing", stated("kms/key", "policy", _OPEN | {"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalArn": "*"}}})),
    *(
        Mutation("policy-names-source", f"{path} without its condition", statement(path, "policy", _without_condition("Service")))
        for path in ("kms/key", "sns/topicPolicy")
    ),
]  # fmt: skip
_VECTORS = "s3/vectorsVectorBucketPolicy"
_REFUSALS = [
    Mutation("policy-refuses-clear-text", what, statement(_VECTORS, "policy", _refusing(**values)))
    for what, values in {
        "it allows": {"Effect": "Allow"},
        "one account only": {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        "one action only": {"Action": "s3vectors:GetVectors"},
        "another resource": {"Resource": "arn:aws:s3vectors:eu-central-1:123456789012:bucket/other/*"},
        "the other way round": {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        "narrowed": {
            "Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:SourceVpc": "vpc-1"}}
        },
        "compared as a string": {"Condition": {"StringEquals": {"aws:SecureTransport": "false"}}},
    }.items()
]
_ENDPOINTS = [
    Mutation("endpoint-policy-narrow", "everything passes", stated("ec2/vpcEndpointPolicy", "policy", {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})),
    Mutation("endpoint-policy-narrow", "every action passes", statement("ec2/vpcEndpointPolicy", "policy", _allowing(Action="*"))),
]  # fmt: skip

MUTATIONS = [*_IDENTITIES, *_TRUST, *_RESOURCES, *_REFUSALS, *_ENDPOINTS]
