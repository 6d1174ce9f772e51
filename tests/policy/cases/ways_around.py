"""What opens a way by something other than an address: sessions, variables, protocols, identities, data that is sent."""

import json
from typing import Any

from tests.policy.cases.case import TRUE, Case, policy
from tests.policy.support import UNKNOWN

_OWN = "123456789012"
_NAMED = {"names": ["thing"]}

# ---- changes of guards

_GUARD_RULE, _CHANGES = "identity-changes-no-guard", "changes what guards the stack"
_ACTION = "policy.Statement[0].Action"
_ROLE = f"arn:aws:iam::{_OWN}:role/one"
_PLACES = {
    "iam/groupPolicy": "policy",
    "iam/policy": "policy",
    "iam/rolePolicy": "policy",
    "iam/userPolicy": "policy",
    "iot/policy": "policy",
    "ssoadmin/permissionSetInlinePolicy": "inlinePolicy",
}


def _allow(action: Any, resource: Any = _ROLE, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _everywhere(rule: str, statement: dict[str, Any], where: str, problem: str) -> list[Case]:
    """The violation in each type that can hold it."""
    text = policy(statement)
    inline = {"inlinePolicies": [{"name": "one", "policy": text}]}
    return [
        *(Case(rule, path, {key: text}, ((f"{key}.{where}", problem),)) for path, key in _PLACES.items()),
        Case(rule, "iam/role", inline, ((f"inlinePolicies[0].policy.{where}", problem),)),
    ]


def _guard(statement: dict[str, Any], *found: tuple[str, str], **more: Any) -> Case:
    return Case(_GUARD_RULE, "iam/rolePolicy", {"policy": policy(statement)}, found, **more)


_GUARDS = [
    *_everywhere(_GUARD_RULE, _allow("iam:PutRolePolicy"), "Statement[0].Action", _CHANGES),
    _guard(_allow(["s3:GetObject", "IAM:updateAssumeRolePolicy"]), (f"{_ACTION}[1]", _CHANGES)),
    _guard(_allow("iam:Put*"), (_ACTION, _CHANGES)),
    _guard(_allow(["lambda:UpdateFunctionCode", "kms:PutKeyPolicy"]), (f"{_ACTION}[0]", _CHANGES), (f"{_ACTION}[1]", _CHANGES)),
    _guard(_allow("iam:PutRolePolicy"), settings={"actions": ["iam:PutRolePolicy"]}),
    # What is allowed on everything, and whole services, are other rules'.
    _guard(_allow("iam:PutRolePolicy", "*")),
    _guard(_allow("iam:*")),
    _guard(_allow("iam:PutRolePolicy", Effect="Deny")),
    _guard(_allow(["iam:GetRole", "lambda:InvokeFunction", "kms:Decrypt"])),
    _guard(_allow(UNKNOWN)),
]  # fmt: skip

# ---- sessions

_ONE_PLACE, _ASKED = "session-forwards-to-one-place", "is whatever a session asks for"
_NAMES, _ANY = "session-names-document", "starts sessions with any document, a shell's among them"
_INSTANCE = f"arn:aws:ec2:eu-west-1:{_OWN}:instance/i-1"
_DOCUMENT = f"arn:aws:ssm:eu-west-1:{_OWN}:document/forward"
_CHECKED = {"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}}


def _forward(*found: tuple[str, str], **properties: str) -> Case:
    content = {
        "schemaVersion": "1.0",
        "sessionType": "Port",
        "properties": {"type": "LocalPortForwarding", **properties},
    }
    return Case(_ONE_PLACE, "ssm/document", {"documentType": "Session", "content": json.dumps(content)}, found)


def _start(condition: dict[str, Any], resources: Any, *found: tuple[str, str]) -> Case:
    more = {"Condition": condition} if condition else {}
    return Case(_NAMES, "iam/policy", {"policy": policy(_allow("ssm:StartSession", resources, **more))}, found)


_SESSIONS = [
    _forward(("content.properties.host", _ASKED), host="{{ host }}", portNumber="5432"),
    _forward(("content.properties.portNumber", _ASKED), host="one.example", portNumber="{{port}}"),
    _forward(host="one.example", portNumber="5432", localPortNumber="{{ localPortNumber }}"),
    Case(_ONE_PLACE, "ssm/document", {"content": '{"sessionType": "Standard_Stream"}'}),
    Case(_ONE_PLACE, "ssm/document", {"content": "no document"}),
    *_everywhere(_NAMES, _allow("ssm:StartSession", _INSTANCE), "Statement[0]", _ANY),
    _start({}, [_INSTANCE, _DOCUMENT], ("policy.Statement[0]", _ANY)),
    _start({"Bool": {"ssm:SessionDocumentAccessCheck": "false"}}, _INSTANCE, ("policy.Statement[0]", _ANY)),
    _start(
        _CHECKED,
        [_INSTANCE, "arn:aws:ssm:eu-west-1::document/AWS-StartPortForwardingSessionToRemoteHost"],
        ("policy.Statement[0].Resource[1]", "names a document of AWS's, which leads anywhere"),
    ),
    _start(_CHECKED, [_INSTANCE, _DOCUMENT]),
    _start({}, _DOCUMENT),
    _start({}, "*"),
]  # fmt: skip

# ---- protocols

_STRONG, _TLS = "database-strong-protocols", "function-environment-keeps-tls"
_GROUPS = ("rds/clusterParameterGroup", "rds/parameterGroup")


def _parameter(path: str, name: str, value: Any, weak: bool = True) -> Case:
    parameters = [{"name": "log_connections", "value": "1"}, {"name": name, "value": value}]
    found = ("parameters[1].value", f"of {name.casefold()} is one that can be broken")
    return Case(_STRONG, path, {"family": "postgres18", "parameters": parameters}, (found,) if weak else ())


def _variable(name: str, value: Any, problem: str = "") -> Case:
    found = ((f"environment.variables.{name}", problem),) if problem else ()
    return Case(_TLS, "lambda/function", {"environment": {"variables": {name: value, "OTHER": "x"}}}, found)


_OFF, _CLEAR = "switches off that clients know whom they talk to", "sends requests to AWS in clear text"
_PROTOCOLS = [
    *(_parameter(path, "ssl_min_protocol_version", "TLSv1.1") for path in _GROUPS),
    _parameter(_GROUPS[0], "SSL_MIN_PROTOCOL_VERSION", "TLSv1"),
    _parameter(_GROUPS[0], "password_encryption", "md5"),
    _parameter(_GROUPS[0], "ssl", "0"),
    _parameter(_GROUPS[0], "ssl", 0),
    _parameter(_GROUPS[0], "ssl", False),
    _parameter(_GROUPS[0], "ssl_ciphers", "HIGH:RC4"),
    _parameter(_GROUPS[0], "ssl_ciphers", "HIGH:!aNULL:!RC4", weak=False),
    _parameter(_GROUPS[0], "ssl_min_protocol_version", "TLSv1.3", weak=False),
    _parameter(_GROUPS[0], "ssl", "1", weak=False),
    _parameter(_GROUPS[0], "ssl_min_protocol_version", UNKNOWN, weak=False),
    Case("proxy-logs-no-statements", "rds/proxy", {"debugLogging": True}, (("debugLogging", TRUE),)),
    Case("proxy-logs-no-statements", "rds/proxy", {"debugLogging": False}),
    _variable("PGSSLMODE", "disable", _OFF),
    _variable("PGSSLMODE", "require", _OFF),
    _variable("PYTHONHTTPSVERIFY", "0", _OFF),
    _variable("NODE_TLS_REJECT_UNAUTHORIZED", 0, _OFF),
    _variable("AWS_ENDPOINT_URL_S3", "http://one.example", _CLEAR),
    _variable("PGSSLMODE", "verify-full"),
    _variable("AWS_ENDPOINT_URL", "https://one.example"),
    _variable("PGSSLMODE", UNKNOWN),
]

# ---- secrets, identities, ways out

_STATE = "keeps what is secret in the stack's state"
_HORSE = "correct horse"
_PRESENT: dict[str, dict[str, str]] = {
    "identities-of-elsewhere-declared": {
        "cognito/identityPool": "gives credentials of AWS to users of its own",
        "eks/podIdentityAssociation": "gives pods a role",
        "iam/openIdConnectProvider": "is an identity provider that roles may trust",
        "iam/samlProvider": "is an identity provider that roles may trust",
        "ssm/activation": "makes machines of elsewhere managed instances",
        "ssoadmin/accountAssignment": "gives people of a directory a permission set",
    },
    "ways-out-declared": {
        "cloudwatch/eventApiDestination": "sends events to an address in the internet",
        "route53/resolverRule": "has names answered elsewhere",
        "ssm/association": "runs commands on instances",
        "ssm/maintenanceWindowTask": "runs commands on instances",
    },
}
_FEATURES = "database-features-declared"
_UNDECLARED = ("featureName", "is a feature that nobody declared")
_WAYS = [
    Case("secret-value-not-in-state", "secretsmanager/secretVersion", {"secretString": _HORSE}, (("secretString", _STATE),)),
    Case("secret-value-not-in-state", "secretsmanager/secretVersion", {"secretBinary": _HORSE}, (("secretBinary", _STATE),)),
    Case("secret-value-not-in-state", "secretsmanager/secretVersion", {"secretStringWo": _HORSE, "secretStringWoVersion": 1}),
    Case("secret-value-not-in-state", "kms/ciphertext", {"plaintext": _HORSE}, (("plaintext", _STATE),)),
    *(
        case
        for rule, types in _PRESENT.items()
        for path, problem in types.items()
        for case in (Case(rule, path, {}, (("", problem),)), Case(rule, path, {}, settings=_NAMED))
    ),
    Case("shares-within-organisation", "ram/resourceShare", {"allowExternalPrincipals": True}, (("allowExternalPrincipals", TRUE),)),
    Case("shares-within-organisation", "ram/resourceShare", {"name": "one"}),
    *(
        case
        for path in ("rds/clusterRoleAssociation", "rds/roleAssociation")
        for case in (
            Case(_FEATURES, path, {"featureName": "s3Export"}, (_UNDECLARED,)),
            Case(_FEATURES, path, {"featureName": "s3Export"}, settings={"features": ["s3Export"]}),
            Case(_FEATURES, path, {"featureName": "Lambda"}),
        )
    ),
    Case("function-url-authenticated", "lambda/permission", {"principal": UNKNOWN, "functionUrlAuthType": "NONE"}, (("functionUrlAuthType", "lets a function URL be called without authentication"),)),
    Case("function-url-authenticated", "lambda/permission", {"principal": "*", "functionUrlAuthType": "AWS_IAM"}),
    Case("log-retention", "cloudwatch/logGroup", {"logGroupClass": "DELIVERY", "retentionInDays": 400}, (("logGroupClass", "is DELIVERY, which keeps logs for two days whatever retentionInDays says"),)),
    Case("account-guards-stay", "guardduty/detector", {"enable": False}, (("enable", "is false, not true"),)),
    Case("account-guards-stay", "guardduty/detector", {}),
    Case("flow-log-records-all", "ec2/flowLog", {"vpcId": "vpc-1", "trafficType": "ALL", "logFormat": "${version} ${action}"}, (("logFormat", "leaves out who talked to whom"),)),
    Case("flow-log-records-all", "ec2/flowLog", {"vpcId": "vpc-1", "trafficType": "ALL", "logFormat": "${srcaddr} ${dstaddr} ${dstport} ${protocol} ${action}"}),
    Case("identity-narrow-resource", "iam/policy", {"policy": policy(_allow("rds-db:Connect", f"arn:aws:rds-db:eu-west-1:{_OWN}:dbuser:cluster-1/app"))}),
]  # fmt: skip

CASES = [*_GUARDS, *_SESSIONS, *_PROTOCOLS, *_WAYS]
