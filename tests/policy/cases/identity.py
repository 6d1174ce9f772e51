"""What identities may do, and who may become them."""

import json
from typing import Any

from tests.policy.cases.case import Case, policy
from tests.policy.support import UNKNOWN

_OWN = "123456789012"
_TABLE = f"arn:aws:dynamodb:eu-west-1:{_OWN}:table/docs"


def _allow(action: Any, resource: Any = _TABLE, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    found = {"Effect": "Allow", "Action": action, "Resource": resource}
    return found | ({"Condition": condition} if condition else {})


# Each type that holds what an identity may do, with the shape of its property.
_PLACES: dict[str, Any] = {
    "iam/groupPolicy": "policy",
    "iam/policy": "policy",
    "iam/rolePolicy": "policy",
    "iam/userPolicy": "policy",
    "iot/policy": "policy",
    "ssoadmin/permissionSetInlinePolicy": "inlinePolicy",
}
_WILDCARD_RULE, _WIDE_RULE = "identity-no-wildcard-action", "identity-narrow-resource"
_INVERSION_RULE, _ESCALATION_RULE = "identity-no-inversion", "identity-no-escalation"
_SERVICE, _ALL = "allows every action of a service", "allows every action"
_NARROW = "is allowed on every resource, although it can be narrowed to some"
_BUT = "allows everything but what it names"
_ESCALATES = "lets its holder take other identities' rights, on every resource"
_ACTION = "policy.Statement[0].Action"


def _everywhere(rule: str, statement: dict[str, Any], element: str, problem: str) -> list[Case]:
    """The violation in each type that can hold it."""
    text = policy(statement)
    return [
        *(
            Case(rule, path, {key: text}, ((f"{key}.Statement[0].{element}", problem),))
            for path, key in _PLACES.items()
        ),
        Case(
            rule,
            "iam/role",
            {"inlinePolicies": [{"name": "one", "policy": text}]},
            ((f"inlinePolicies[0].policy.Statement[0].{element}", problem),),
        ),
    ]


def _case(rule: str, statement: dict[str, Any], *found: tuple[str, str], **more: Any) -> Case:
    return Case(rule, "iam/rolePolicy", {"policy": policy(statement)}, found, **more)


_POLICIES = [
    *_everywhere(_WILDCARD_RULE, _allow("dynamodb:*"), "Action", _SERVICE),
    _case(_WILDCARD_RULE, _allow("*"), (_ACTION, _ALL)),
    _case(_WILDCARD_RULE, _allow("*:*"), (_ACTION, _SERVICE)),
    _case(_WILDCARD_RULE, _allow("s3:**"), (_ACTION, _SERVICE)),
    _case(_WILDCARD_RULE, _allow("S3:?*"), (_ACTION, _SERVICE)),
    _case(_WILDCARD_RULE, _allow("*:GetObject"), (_ACTION, _SERVICE)),
    _case(_WILDCARD_RULE, _allow(["dynamodb:GetItem", "kms:*"]), (f"{_ACTION}[1]", _SERVICE)),
    Case(_WILDCARD_RULE, "iam/policy", {"policy": json.dumps({"Statement": _allow("*", "*")})}, (("policy.Statement.Action", _ALL),)),
    _case(_WILDCARD_RULE, {"effect": "allow", "action": "iam:*", "resource": "*"}, ("policy.Statement[0].action", _SERVICE)),
    _case(_WILDCARD_RULE, _allow("*") | {"Effect": "Deny"}),
    _case(_WILDCARD_RULE, _allow(["dynamodb:GetItem", "dynamodb:Query"])),
    _case(_WILDCARD_RULE, _allow("ssmmessages:*", "*")),
    Case(_WILDCARD_RULE, "iam/rolePolicy", {"policy": UNKNOWN}),
    Case(_WILDCARD_RULE, "iam/rolePolicy", {"policy": "{"}),
    *_everywhere(_WIDE_RULE, _allow("dynamodb:GetItem", "*"), "Action", _NARROW),
    _case(_WIDE_RULE, _allow("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:eu-west-1:{_OWN}:secret:*"), (_ACTION, _NARROW)),
    _case(_WIDE_RULE, _allow("s3:GetObject", "arn:aws:s3:::*"), (_ACTION, _NARROW)),
    _case(_WIDE_RULE, _allow("s3:GetObject", "arn:aws:s3:::*/*"), (_ACTION, _NARROW)),
    _case(_WIDE_RULE, _allow("kms:Decrypt", "arn:aws:kms:*:*:key/*"), (_ACTION, _NARROW)),
    _case(_WIDE_RULE, _allow("lambda:InvokeFunction", "arn:aws:*"), (_ACTION, _NARROW)),
    _case(_WIDE_RULE, _allow("sqs:SendMessage", f"arn:aws:sqs:*:{_OWN}:*"), (_ACTION, _NARROW)),
    _case(_WIDE_RULE, _allow("dynamodb:Query", [_TABLE, "*"]), (_ACTION, _NARROW)),
    # Of an administrator by one more call the other rule speaks.
    _case(_WIDE_RULE, _allow(["rds-db:connect", "iam:PassRole"], "*")),
    _case(_WIDE_RULE, _allow("ec2:Create*", "*"), (_ACTION, _NARROW)),
    _case(_WIDE_RULE, _allow(["ec2:DescribeSubnets", "ec2:RunInstances"], "*"), (f"{_ACTION}[1]", _NARROW)),
    _case(_WIDE_RULE, _allow("kms:Decrypt", "*", {"StringLike": {"kms:ViaService": "*"}}), (_ACTION, _NARROW)),
    _case(_WIDE_RULE, _allow("kms:Decrypt", "*", {"StringEqualsIfExists": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}), (_ACTION, _NARROW)),
    _case(_WIDE_RULE, _allow("kms:Decrypt", "*", {"Bool": {"aws:SecureTransport": "true"}}), (_ACTION, _NARROW)),
    _case(_WIDE_RULE, _allow("kms:Decrypt", "*", {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}})),
    _case(_WIDE_RULE, _allow("ssm:UpdateInstanceInformation", "*", {"StringEquals": {"aws:SourceVpc": "vpc-1"}})),
    _case(_WIDE_RULE, _allow(["xray:PutTraceSegments", "ec2:DescribeInstances", "ec2:Describe*", "sts:GetCallerIdentity"], "*")),
    _case(_WIDE_RULE, _allow(["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"], "*")),
    _case(_WIDE_RULE, _allow("s3:GetObject", "arn:aws:s3:::docs/*")),
    _case(_WIDE_RULE, _allow("bedrock:StopModelInvocationJob", f"arn:aws:bedrock:eu-west-1:{_OWN}:model-invocation-job/*")),
    _case(_WIDE_RULE, _allow("bedrock:StopModelInvocationJob", f"arn:aws:bedrock:*:{_OWN}:model-invocation-job/*"), (_ACTION, _NARROW)),
    _case(_WIDE_RULE, _allow("logs:PutLogEvents", f"arn:aws:logs:eu-west-1:{_OWN}:log-group:one:log-stream:*")),
    _case(_WIDE_RULE, _allow("iot:DescribeEndpoint", "*"), settings={"actions": ["iot:DescribeEndpoint"]}),
    _case(_WIDE_RULE, _allow("dynamodb:GetItem", "*") | {"Effect": "Deny"}),
    *_everywhere(_INVERSION_RULE, {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "NotAction", _BUT),
    _case(_INVERSION_RULE, {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": _TABLE}, ("policy.Statement[0].NotResource", _BUT)),
    _case(_INVERSION_RULE, {"Effect": "Allow", "notaction": "iam:*", "Resource": "*"}, ("policy.Statement[0].notaction", _BUT)),
    _case(_INVERSION_RULE, {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}),
    _case(_INVERSION_RULE, _allow("dynamodb:GetItem")),
    *_everywhere(_ESCALATION_RULE, _allow("iam:PassRole", "*"), "Action", _ESCALATES),
    _case(_ESCALATION_RULE, _allow("IAM:passrole", f"arn:aws:iam::{_OWN}:role/*"), (_ACTION, _ESCALATES)),
    _case(_ESCALATION_RULE, _allow("iam:Put*", "*"), (_ACTION, _ESCALATES)),
    _case(_ESCALATION_RULE, _allow("*", "*"), (_ACTION, _ESCALATES)),
    _case(_ESCALATION_RULE, _allow("iam:PassRole", "*", {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}), (_ACTION, _ESCALATES)),
    _case(_ESCALATION_RULE, _allow(["sqs:SendMessage", "sts:AssumeRole"], "*"), (f"{_ACTION}[1]", _ESCALATES)),
    _case(_ESCALATION_RULE, _allow("rds-db:connect", f"arn:aws:rds-db:eu-west-1:{_OWN}:dbuser:*"), (_ACTION, _ESCALATES)),
    _case(_ESCALATION_RULE, _allow("rds-db:connect", f"arn:aws:rds-db:eu-west-1:{_OWN}:dbuser:cluster-1/*"), (_ACTION, _ESCALATES)),
    _case(_ESCALATION_RULE, _allow("rds-db:connect", f"arn:aws:rds-db:eu-west-1:{_OWN}:dbuser:cluster-1/app")),
    _case(_WIDE_RULE, _allow("s3:PutObject", "arn:aws:s3:::*-docs/*"), (_ACTION, _NARROW)),
    _case(_WIDE_RULE, _allow("s3:PutObject", "arn:aws:s3:::docs-*/*")),
    _case(_ESCALATION_RULE, _allow("sts:AssumeRole", "arn:aws:iam::*:role/one"), (_ACTION, _ESCALATES)),
    _case(_ESCALATION_RULE, _allow("iam:PassRole", f"arn:aws:iam::{_OWN}:role/one")),
    _case(_ESCALATION_RULE, _allow("iam:GetRole", "*")),
    _case(_ESCALATION_RULE, _allow("iam:PassRole", "*") | {"Effect": "Deny"}),
]  # fmt: skip

_MANAGED_RULE, _BROAD = "identity-no-broad-managed-policy", "names a policy of AWS's that allows whole services"
_ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
_MANAGED = [
    Case(_MANAGED_RULE, "iam/role", {"managedPolicyArns": [f"arn:aws:iam::{_OWN}:policy/own", _ADMIN]}, (("managedPolicyArns[1]", _BROAD),)),
    Case(_MANAGED_RULE, "iam/rolePolicyAttachment", {"policyArn": "arn:aws:iam::aws:policy/PowerUserAccess"}, (("policyArn", _BROAD),)),
    Case(_MANAGED_RULE, "iam/rolePolicyAttachment", {"policyArn": "arn:aws-cn:iam::aws:policy/AmazonS3FullAccess"}, (("policyArn", _BROAD),)),
    Case(_MANAGED_RULE, "iam/rolePolicyAttachment", {"policyArn": "arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM"}, (("policyArn", _BROAD),)),
    Case(_MANAGED_RULE, "iam/rolePolicyAttachment", {"policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, (("policyArn", _BROAD),)),
    Case(_MANAGED_RULE, "iam/rolePolicyAttachmentsExclusive", {"policyArns": [_ADMIN]}, (("policyArns[0]", _BROAD),)),
    Case(_MANAGED_RULE, "iam/userPolicyAttachment", {"policyArn": _ADMIN}, (("policyArn", _BROAD),)),
    Case(_MANAGED_RULE, "iam/groupPolicyAttachment", {"policyArn": _ADMIN}, (("policyArn", _BROAD),)),
    Case(_MANAGED_RULE, "iam/policyAttachment", {"policyArn": _ADMIN}, (("policyArn", _BROAD),)),
    Case(_MANAGED_RULE, "ssoadmin/managedPolicyAttachment", {"managedPolicyArn": _ADMIN}, (("managedPolicyArn", _BROAD),)),
    Case(_MANAGED_RULE, "iam/rolePolicyAttachment", {"policyArn": f"arn:aws:iam::{_OWN}:policy/AdministratorAccess"}),
    Case(_MANAGED_RULE, "iam/rolePolicyAttachment", {"policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}),
    Case(_MANAGED_RULE, "iam/rolePolicyAttachment", {"policyArn": UNKNOWN}),
    Case(_MANAGED_RULE, "iam/rolePolicyAttachment", {"policyArn": _ADMIN}, settings={"policies": [_ADMIN]}),
    Case(_MANAGED_RULE, "iam/role", {}),
]  # fmt: skip

_LASTING_RULE = "identity-no-lasting-credentials"
_LASTING = [
    Case(_LASTING_RULE, "iam/user", {}, (("", "is a user of IAM's own"),)),
    Case(_LASTING_RULE, "iam/accessKey", {"user": UNKNOWN}, (("", "is an access key that lasts"),)),
    Case(_LASTING_RULE, "iam/userLoginProfile", {}, (("", "is a password for the console"),)),
    Case(_LASTING_RULE, "iam/sshKey", {}, (("", "is an SSH key of a user"),)),
    Case(_LASTING_RULE, "iam/serviceSpecificCredential", {}, (("", "is a password for one service"),)),
    Case(_LASTING_RULE, "iam/signingCertificate", {}, (("", "is a certificate of a user"),)),
]  # fmt: skip


def _trust(principal: Any, condition: dict[str, Any] | None = None, action: str = "sts:AssumeRole") -> dict[str, Any]:
    found = {"Effect": "Allow", "Principal": principal, "Action": action}
    return {"assumeRolePolicy": policy(found | ({"Condition": condition} if condition else {}))}


_TRUST_RULE, _DEPUTY_RULE, _FEDERATED_RULE = "trust-names-identities", "trust-names-source", "trust-narrows-federation"
_PRINCIPAL = "assumeRolePolicy.Statement[0].Principal"
_ACCOUNT_WIDE, _UNSOURCED = "lets a whole account become the role", "names a service without saying on whose behalf"
_GITHUB_URL = "token.actions.githubusercontent.com"
_GITHUB = {"Federated": f"arn:aws:iam::{_OWN}:oidc-provider/{_GITHUB_URL}"}
_SUB = "trusts GitHub without a sub that names one repository"
_AUD = {f"{_GITHUB_URL}:aud": "sts.amazonaws.com"}


def _github(operator: str, sub: Any, *found: tuple[str, str]) -> Case:
    return Case(_FEDERATED_RULE, "iam/role", _trust(_GITHUB, {operator: {f"{_GITHUB_URL}:sub": sub}}), found)


_OPEN_SUB = (f"{_PRINCIPAL}.Federated", _SUB)
_TRUST = [
    Case(_TRUST_RULE, "iam/role", _trust("*"), ((_PRINCIPAL, "lets everybody become the role"),)),
    Case(_TRUST_RULE, "iam/role", _trust({"AWS": "*"}), ((f"{_PRINCIPAL}.AWS", "lets everybody become the role"),)),
    Case(_TRUST_RULE, "iam/role", _trust({"AWS": f"arn:aws:iam::{_OWN}:root"}), ((f"{_PRINCIPAL}.AWS", _ACCOUNT_WIDE),)),
    Case(_TRUST_RULE, "iam/role", _trust({"AWS": [_OWN, f"arn:aws:iam::{_OWN}:role/one"]}), ((f"{_PRINCIPAL}.AWS[0]", _ACCOUNT_WIDE),)),
    Case(_TRUST_RULE, "iam/role", _trust({"AWS": _OWN}, {"StringEqualsIfExists": {"sts:ExternalId": "x"}}), ((f"{_PRINCIPAL}.AWS", _ACCOUNT_WIDE),)),
    Case(_TRUST_RULE, "iam/role", _trust({"AWS": _OWN}, {"StringEquals": {"sts:ExternalId": "x"}})),
    Case(_TRUST_RULE, "iam/role", _trust("*", {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})),
    Case(_TRUST_RULE, "iam/role", _trust({"AWS": f"arn:aws:iam::{_OWN}:role/one"})),
    Case(_TRUST_RULE, "iam/role", _trust({"AWS": _OWN}), settings={"accounts": [_OWN]}),
    Case(_TRUST_RULE, "iam/role", {"assumeRolePolicy": UNKNOWN}),
    Case(_TRUST_RULE, "iam/role", {"assumeRolePolicy": "{"}),
    Case(_DEPUTY_RULE, "iam/role", _trust({"Service": "lambda.amazonaws.com"}), ((f"{_PRINCIPAL}.Service", _UNSOURCED),)),
    Case(_DEPUTY_RULE, "iam/role", _trust({"Service": ["ec2.amazonaws.com", "logs.eu-west-1.amazonaws.com"]}), ((f"{_PRINCIPAL}.Service[1]", _UNSOURCED),)),
    Case(_DEPUTY_RULE, "iam/role", _trust({"Service": "states.cn-north-1.amazonaws.com.cn"}), ((f"{_PRINCIPAL}.Service", _UNSOURCED),)),
    Case(_DEPUTY_RULE, "iam/role", _trust({"Service": "scheduler.amazonaws.com"}, {"StringNotEquals": {"aws:SourceAccount": _OWN}}), ((f"{_PRINCIPAL}.Service", _UNSOURCED),)),
    Case(_DEPUTY_RULE, "iam/role", _trust({"Service": "lambda.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": _OWN}})),
    Case(_DEPUTY_RULE, "iam/role", _trust({"Service": "ec2.amazonaws.com"})),
    _github("StringLike", "*", _OPEN_SUB),
    _github("StringLike", "repo:*", _OPEN_SUB),
    _github("StringLike", "repo:octo-org/*", _OPEN_SUB),
    _github("StringLike", "repo:octo-*/octo-repo:*", _OPEN_SUB),
    _github("StringLike", ["repo:octo-org/octo-repo:*", "repo:*:environment:prod"], _OPEN_SUB),
    _github("StringEqualsIfExists", "repo:octo-org/octo-repo:environment:prod", _OPEN_SUB),
    _github("ForAllValues:StringLike", "repo:octo-org/octo-repo:*", _OPEN_SUB),
    _github("StringNotLike", "repo:octo-org/octo-repo:*", _OPEN_SUB),
    Case(_FEDERATED_RULE, "iam/role", _trust(_GITHUB, {"StringEquals": _AUD}), (_OPEN_SUB,)),
    Case(_FEDERATED_RULE, "iam/role", _trust(_GITHUB), (_OPEN_SUB,)),
    Case(_FEDERATED_RULE, "iam/role", _trust({"Federated": f"arn:aws:iam::{_OWN}:saml-provider/idp"}), ((f"{_PRINCIPAL}.Federated", "trusts a SAML provider without saml:aud"),)),
    Case(_FEDERATED_RULE, "iam/role", _trust({"Federated": "cognito-identity.amazonaws.com"}), ((f"{_PRINCIPAL}.Federated", "trusts Cognito without the aud of one identity pool"),)),
    Case(_FEDERATED_RULE, "iam/role", _trust({"Federated": f"arn:aws:iam::{_OWN}:oidc-provider/gitlab.com"}, {"StringEquals": {"gitlab.com:aud": "https://gitlab.com"}}), ((f"{_PRINCIPAL}.Federated", "trusts an OIDC provider without a sub"),)),
    _github("StringEquals", "repo:octo-org/octo-repo:environment:prod"),
    _github("StringLike", "repo:octo-org/octo-repo:*"),
    Case(_FEDERATED_RULE, "iam/role", _trust({"Federated": f"arn:aws:iam::{_OWN}:saml-provider/idp"}, {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}})),
    Case(_FEDERATED_RULE, "iam/role", _trust({"Federated": f"arn:aws:iam::{_OWN}:oidc-provider/gitlab.com"}, {"StringLike": {"gitlab.com:sub": "project_path:group/project:*"}})),
    Case(_FEDERATED_RULE, "iam/role", _trust({"Federated": "cognito-identity.amazonaws.com"}, {"StringEquals": {"cognito-identity.amazonaws.com:aud": "eu-west-1:pool"}})),
]  # fmt: skip

CASES = [*_POLICIES, *_MANAGED, *_LASTING, *_TRUST]
