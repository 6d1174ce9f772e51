"""Policies of resources, and what is shared without one."""

import json
from typing import Any

from isolation.access.grants import GRANTS
from isolation.access.places import RESOURCE_POLICIES, places
from isolation.rule import Resource
from tests.policy.cases.case import Case, policy
from tests.policy.support import UNKNOWN

_OWN = "123456789012"
_SOURCE = {"StringEquals": {"aws:SourceAccount": _OWN}}


def _allow(principal: Any, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    found = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": "*"}
    return found | ({"Condition": condition} if condition else {})


class _Everything(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return UNKNOWN


def _property(token: str) -> str:
    [place] = places(Resource(token, "", "", _Everything()), "resource")
    return place.document.path


# Every type that can hold such a policy, and its property.
_TYPES = {token.split(":")[1]: _property(token) for token in sorted(RESOURCE_POLICIES)}


def _holding(key: str, text: object) -> dict[str, Any]:
    """Properties of which the one at a path such as `details.policy` is `text`."""
    first, dot, rest = key.partition(".")
    return {first: _holding(rest, text) if dot else text}


_PUBLIC_RULE, _OPEN = "policy-not-public", "admits everybody"
_QUEUE = "sqs/queuePolicy"


def _public(*statements: dict[str, Any], places_: tuple[str, ...] = ()) -> Case:
    return Case(_PUBLIC_RULE, _QUEUE, {"policy": policy(*statements)}, tuple((place, _OPEN) for place in places_))


_FIRST = ("policy.Statement[0]",)
_PUBLIC = [
    *(
        Case(_PUBLIC_RULE, path, _holding(key, policy(_allow("*"))), ((f"{key}.Statement[0]", _OPEN),))
        for path, key in _TYPES.items()
    ),
    _public(_allow({"AWS": "*"}), places_=_FIRST),
    _public(_allow({"AWS": [f"arn:aws:iam::{_OWN}:root", "*"]}), places_=_FIRST),
    _public({"Effect": "Allow", "NotPrincipal": {"AWS": _OWN}, "Action": "*", "Resource": "*"}, places_=_FIRST),
    _public({"effect": "allow", "principal": "*", "action": "*", "resource": "*"}, places_=_FIRST),
    _public(_allow("*", {"StringLike": {"aws:PrincipalOrgID": "*"}}), places_=_FIRST),
    _public(_allow("*", {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}), places_=_FIRST),
    _public(_allow("*", {"StringNotEquals": {"aws:PrincipalAccount": _OWN}}), places_=_FIRST),
    _public(_allow("*", {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), places_=_FIRST),
    _public(_allow("*", {"StringEquals": {"aws:UserAgent": "ours"}}), places_=_FIRST),
    _public(_allow({"AWS": _OWN}), _allow("*"), places_=("policy.Statement[1]",)),
    Case(_PUBLIC_RULE, _QUEUE, {"policy": json.dumps({"Statement": _allow("*")})}, (("policy.Statement", _OPEN),)),
    _public(_allow({"AWS": f"arn:aws:iam::{_OWN}:root"})),
    _public(_allow("*", {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})),
    _public(_allow("*", {"StringEquals": {"aws:SourceVpce": "vpce-1"}})),
    _public(_allow("*") | {"Effect": "Deny"}),
    Case(_PUBLIC_RULE, _QUEUE, {"policy": UNKNOWN}),
    Case(_PUBLIC_RULE, _QUEUE, {"policy": "{"}),
    Case(_PUBLIC_RULE, "sqs/queue", {}),
]

_SHARED_RULE = "shared-with-nobody-unknown"
_SHARED = [
    Case(_SHARED_RULE, "lambda/permission", {"action": "lambda:InvokeFunction", "principal": "*"}, (("principal", _OPEN),)),
    Case(_SHARED_RULE, "lambda/permission", {"action": "lambda:InvokeFunctionUrl", "principal": "*", "functionUrlAuthType": "NONE"}, (("principal", _OPEN),)),
    Case(_SHARED_RULE, "lambda/layerVersionPermission", {"action": "lambda:GetLayerVersion", "principal": "*"}, (("principal", _OPEN),)),
    Case(_SHARED_RULE, "cloudwatch/eventPermission", {"principal": "*"}, (("principal", _OPEN),)),
    Case(_SHARED_RULE, "kms/grant", {"granteePrincipal": "*", "operations": ["Decrypt"]}, (("granteePrincipal", _OPEN),)),
    Case(_SHARED_RULE, "ssm/document", {"permissions": {"type": "Share", "accountIds": "All"}}, (("permissions.accountIds", _OPEN),)),
    Case(_SHARED_RULE, "ec2/snapshotCreateVolumePermission", {"accountId": "all", "snapshotId": "snap-1"}, (("accountId", _OPEN),)),
    Case(_SHARED_RULE, "ec2/amiLaunchPermission", {"imageId": "ami-1", "group": "all"}, (("group", _OPEN),)),
    Case(_SHARED_RULE, "rds/snapshot", {"sharedAccounts": [_OWN, "all"]}, (("sharedAccounts[1]", _OPEN),)),
    Case(_SHARED_RULE, "rds/snapshotCopy", {"sharedAccounts": ["ALL"]}, (("sharedAccounts[0]", _OPEN),)),
    Case(_SHARED_RULE, "rds/clusterSnapshot", {"sharedAccounts": ["all"]}, (("sharedAccounts[0]", _OPEN),)),
    Case(_SHARED_RULE, "rds/clusterSnapshotCopy", {"sharedAccounts": ["all"]}, (("sharedAccounts[0]", _OPEN),)),
    Case(_SHARED_RULE, "ram/principalAssociation", {"principal": "*"}, (("principal", _OPEN),)),
    Case(_SHARED_RULE, "acmpca/permission", {"principal": "*"}, (("principal", _OPEN),)),
    Case(_SHARED_RULE, "lambda/permission", {"action": "lambda:InvokeFunction", "principal": "*", "principalOrgId": "o-a1b2c3d4e5"}),
    Case(_SHARED_RULE, "lambda/permission", {"action": "lambda:InvokeFunction", "principal": UNKNOWN}),
    Case(_SHARED_RULE, "rds/clusterSnapshot", {"sharedAccounts": [_OWN]}),
    Case(_SHARED_RULE, "ssm/document", {"permissions": {"type": "Share", "accountIds": _OWN}}),
    Case(_SHARED_RULE, "rds/snapshot", {}),
]  # fmt: skip
_SHARED.append(Case(_SHARED_RULE, "ecrpublic/repository", {}, (("", "is a repository for everybody"),)))
assert (
    len(GRANTS) == len({case.type for case in _SHARED}) - 1 + 2
)  # one has no grant; two of endpoint services, elsewhere

_DECLARED_RULE, _UNDECLARED = "shared-with-declared-accounts", "names an account that is not declared"
_OTHER = "210987654321"
_INVOKE = {"action": "lambda:InvokeFunction"}
_DECLARED = [
    Case(_DECLARED_RULE, "lambda/permission", _INVOKE | {"principal": _OTHER}, (("principal", _UNDECLARED),)),
    Case(_DECLARED_RULE, "lambda/permission", _INVOKE | {"principal": f"arn:aws:iam::{_OTHER}:role/one"}, (("principal", _UNDECLARED),)),
    Case(_DECLARED_RULE, "lambda/layerVersionPermission", {"principal": _OTHER}, (("principal", _UNDECLARED),)),
    Case(_DECLARED_RULE, "cloudwatch/eventPermission", {"principal": _OTHER}, (("principal", _UNDECLARED),)),
    Case(_DECLARED_RULE, "ssm/document", {"permissions": {"type": "Share", "accountIds": f"{_OWN},{_OTHER}"}}, (("permissions.accountIds", _UNDECLARED),), settings={"accounts": [_OWN]}),
    Case(_DECLARED_RULE, "ec2/snapshotCreateVolumePermission", {"accountId": _OTHER}, (("accountId", _UNDECLARED),)),
    Case(_DECLARED_RULE, "rds/snapshot", {"sharedAccounts": [UNKNOWN, _OTHER]}, (("sharedAccounts[1]", _UNDECLARED),)),
    Case(_DECLARED_RULE, "rds/snapshotCopy", {"sharedAccounts": [_OTHER]}, (("sharedAccounts[0]", _UNDECLARED),)),
    Case(_DECLARED_RULE, "rds/clusterSnapshot", {"sharedAccounts": [_OTHER]}, (("sharedAccounts[0]", _UNDECLARED),)),
    Case(_DECLARED_RULE, "rds/clusterSnapshotCopy", {"sharedAccounts": [_OTHER]}, (("sharedAccounts[0]", _UNDECLARED),)),
    Case(_DECLARED_RULE, "ram/principalAssociation", {"principal": _OTHER}, (("principal", _UNDECLARED),)),
    Case(_DECLARED_RULE, "kms/grant", {"granteePrincipal": f"arn:aws:iam::{_OTHER}:root", "operations": ["Decrypt"]}, (("granteePrincipal", _UNDECLARED),)),
    Case(_DECLARED_RULE, "kms/grant", {"granteePrincipal": f"arn:aws:iam::{_OTHER}:role/one", "operations": ["Decrypt"]}),
    Case(_DECLARED_RULE, "acmpca/permission", {"principal": _OTHER}, (("principal", _UNDECLARED),)),
    Case(_DECLARED_RULE, "ssm/document", {"permissions": {"type": "Share", "accountIds": _OTHER}}, (("permissions.accountIds", _UNDECLARED),)),
    Case(_DECLARED_RULE, "rds/snapshot", {"sharedAccounts": [_OTHER]}, settings={"accounts": [_OTHER]}),
    Case(_DECLARED_RULE, "lambda/permission", _INVOKE | {"principal": "s3.amazonaws.com"}),
    Case(_DECLARED_RULE, "rds/snapshot", {}),
]  # fmt: skip

_SOURCE_RULE, _UNSOURCED = "policy-names-source", "names a service without saying on whose behalf"
_SOURCES = [
    *(
        Case(
            _SOURCE_RULE,
            path,
            _holding(key, policy(_allow({"Service": "sns.amazonaws.com"}))),
            ((f"{key}.Statement[0].Principal.Service", _UNSOURCED),),
        )
        for path, key in _TYPES.items()
    ),
    Case(_SOURCE_RULE, _QUEUE, {"policy": policy(_allow({"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]}))}, (("policy.Statement[0].Principal.Service[0]", _UNSOURCED), ("policy.Statement[0].Principal.Service[1]", _UNSOURCED))),
    Case(_SOURCE_RULE, _QUEUE, {"policy": policy(_allow({"Service": "sns.amazonaws.com"}, {"ArnLike": {"aws:SourceArn": "*"}}))}, (("policy.Statement[0].Principal.Service", _UNSOURCED),)),
    Case(_SOURCE_RULE, _QUEUE, {"policy": policy(_allow({"Service": "sns.amazonaws.com"}, {"StringEqualsIfExists": {"aws:SourceAccount": _OWN}}))}, (("policy.Statement[0].Principal.Service", _UNSOURCED),)),
    Case(_SOURCE_RULE, _QUEUE, {"policy": policy(_allow({"Service": "events.amazonaws.com"}))}, (("policy.Statement[0].Principal.Service", _UNSOURCED),)),
    Case(_SOURCE_RULE, "lambda/permission", {"action": "lambda:InvokeFunction", "principal": "s3.amazonaws.com"}, (("principal", _UNSOURCED),)),
    Case(_SOURCE_RULE, "lambda/permission", {"action": "lambda:InvokeFunction", "principal": "s3.amazonaws.com", "sourceArn": UNKNOWN}),
    Case(_SOURCE_RULE, "lambda/permission", {"action": "lambda:InvokeFunction", "principal": "s3.amazonaws.com", "sourceAccount": _OWN}),
    Case(_SOURCE_RULE, "lambda/permission", {"action": "lambda:InvokeFunction", "principal": f"arn:aws:iam::{_OWN}:role/one"}),
    Case(_SOURCE_RULE, _QUEUE, {"policy": policy(_allow({"Service": "sns.amazonaws.com"}, _SOURCE))}),
    Case(_SOURCE_RULE, _QUEUE, {"policy": policy(_allow({"Service": "sns.amazonaws.com"}) | {"Effect": "Deny"})}),
    Case(_SOURCE_RULE, "kms/key", {"policy": policy(_allow({"Service": "events.amazonaws.com"}))}),
]  # fmt: skip

_READABLE_RULE = "policy-is-readable"
_OTHERS = {
    "iam/policy": "policy",
    "iam/role": "assumeRolePolicy",
    "iam/rolePolicy": "policy",
    "iam/userPolicy": "policy",
    "iam/groupPolicy": "policy",
    "ec2/vpcEndpoint": "policy",
    "ec2/vpcEndpointPolicy": "policy",
}
_READABLE = [
    *(
        Case(_READABLE_RULE, path, _holding(key, "{"), ((key, "is a string that is no policy document"),))
        for path, key in (_TYPES | _OTHERS).items()
    ),
    Case(_READABLE_RULE, "iam/role", {"inlinePolicies": [{"policy": "no"}]}, (("inlinePolicies[0].policy", "is a string that is no policy document"),)),
    Case(_READABLE_RULE, _QUEUE, {"policy": 7}, (("policy", "is a number that is no policy document"),)),
    Case(_READABLE_RULE, _QUEUE, {"policy": policy(_allow("*"))}),
    Case(_READABLE_RULE, _QUEUE, {"policy": UNKNOWN}),
]  # fmt: skip

CASES = [*_PUBLIC, *_SHARED, *_DECLARED, *_SOURCES, *_READABLE]
