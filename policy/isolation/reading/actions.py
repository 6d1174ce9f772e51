"""Facts about the Action and Resource elements of a policy statement."""

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache
from typing import Final

from isolation.reading.conditions import comparisons
from isolation.reading.properties import Property
from isolation.reading.unscoped_actions import UNSCOPED_ACTIONS

TAKING_RIGHTS: Final = (
    "iam:addusertogroup",
    "iam:attachgrouppolicy",
    "iam:attachrolepolicy",
    "iam:attachuserpolicy",
    "iam:createaccesskey",
    "iam:createloginprofile",
    "iam:createpolicyversion",
    "iam:createservicespecificcredential",
    "iam:deleterolepermissionsboundary",
    "iam:deleteuserpermissionsboundary",
    "iam:putgrouppolicy",
    "iam:putrolepolicy",
    "iam:putuserpolicy",
    "iam:setdefaultpolicyversion",
    "iam:updateassumerolepolicy",
    "iam:updateloginprofile",
    "iam:updatesamlprovider",
    "kms:putkeypolicy",
    "lambda:addpermission",
    "lambda:updatefunctioncode",
    "lambda:updatefunctionconfiguration",
    "s3:putbucketpolicy",
    "secretsmanager:putresourcepolicy",
)
"""Actions with which an identity gives itself, or somebody, rights that it was not given; in lower case, as IAM compares them (Rhino
Security Labs, "AWS IAM Privilege Escalation: Methods and Mitigation"; the same list is behind Checkov's CKV_AWS_286)."""

_ARN_PARTS: Final = 6
_WILD: Final = "*?"

# Reading and listing whole families of which nearly nothing can be narrowed (Service Authorization Reference).
_UNSCOPED_FAMILIES: Final = frozenset(
    {
        "autoscaling:describe*",
        "ce:get*",
        "cloudwatch:list*",
        "ec2:describe*",
        "pricing:*",
        "ssmmessages:*",
        "ec2messages:*",
    }
)

# Kinds of short-lived things whose ids AWS makes up, so that their owner's account and region are all that can be named.
_NAMED_BY_AWS: Final = frozenset({("bedrock", "model-invocation-job")})

# Keys that tie a statement to resources, or to a way, of the owner's (Service Authorization Reference, condition keys).
_NARROWING: Final = re.compile(
    r"aws:resource(tag/.+|orgid|orgpaths)|[a-z0-9-]+:resourcetag/.+|ec2:vpc|ec2:subnet|aws:sourcevpce?|kms:viaservice"
    r"|kms:encryptioncontext:.+|kms:resourcealiases|cloudwatch:namespace|iam:passedtoservice|lambda:functionarn"
    r"|rds:.*tag/.+|aws:calledvia(first|last)?|ecs:cluster|events:source|logs:loggrouparn"
)
_POSITIVE: Final = ("stringequals", "stringlike", "stringequalsignorecase", "arnequals", "arnlike")


def matches(pattern: str, actions: Iterable[str]) -> bool:
    """Whether an action pattern, with its `*` and `?`, is or contains one of `actions`, given in lower case."""
    compiled = _compiled(pattern.casefold())
    return any(compiled.match(action) for action in actions)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    # IAM knows `*` and `?`; fnmatch's brackets stand for themselves.
    return re.compile(translate(pattern.replace("[", "[[]")))


def is_whole_service(action: str) -> bool:
    """Whether an action pattern admits everything, or everything of a service: `*`, `s3:*`, `s3:**`, `*:Get*`."""
    service, colon, name = action.partition(":")
    return not colon or any(wild in service for wild in _WILD) or not name.strip(_WILD)


def is_unscoped(action: str) -> bool:
    """Whether AWS authorises an action on no resource, so that `*` is all that a policy can name."""
    folded = action.casefold()
    return folded in UNSCOPED_ACTIONS or folded in _UNSCOPED_FAMILIES


def is_wide(resource: str) -> bool:
    """Whether a Resource names everything, everything of a service, everything of a kind, or things of any account:
    `arn:aws:sqs:*:*:*`, `arn:aws:lambda:eu-west-1:123456789012:function:*`, `arn:aws:iam::*:role/one`.
    """
    parts = resource.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS:
        return any(wild in resource for wild in _WILD)
    if any(wild in parts[2] + parts[4] for wild in _WILD):
        return True
    if parts[2].startswith("s3") and not parts[4]:
        return parts[5].startswith(tuple(_WILD))
    # dbuser:<database>/<user>: any user is the master too, and any database may be somebody else's.
    if parts[2] == "rds-db" and not all(part.strip(_WILD) for part in parts[5].removeprefix("dbuser:").split("/")):
        return True
    kind, separator, name = _kind(parts[5])
    if (parts[2], kind) in _NAMED_BY_AWS and not any(wild in parts[3] for wild in _WILD):
        return False
    return not (name if separator else kind).strip(_WILD + ":/")


def _kind(resource: str) -> tuple[str, str, str]:
    """What an ARN's last part says of the kind, and what it says of the name: `function`, `:`, `bridge`."""
    found = re.search(r"[:/]", resource)
    return (resource[: found.start()], found.group(), resource[found.end() :]) if found else (resource, "", "")


def narrowed(statement: Property) -> bool:
    """Whether a condition that must hold ties the statement to some resources or to one way; an unknown value may."""
    return any(
        _NARROWING.fullmatch(each.key)
        and each.operator in _POSITIVE
        and not each.optional
        and all(value.unknown or (value.text or "").strip(_WILD) for value in each.values.elements())
        for each in comparisons(statement)
    )
