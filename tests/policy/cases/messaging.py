"""Queues and topics, keys, secrets, parameters."""

from tests.policy.cases.case import ABSENT_FALSE, TRUE, Case, policy, refusal
from tests.policy.support import UNKNOWN

_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
_AWS_KEY = "names a key that AWS manages"

_MESSAGE_RULE, _MASTER = "messages-customer-key", "kmsMasterKeyId"
_MESSAGES = [
    Case(_MESSAGE_RULE, "sqs/queue", {}, ((_MASTER, "is absent"),)),
    Case(_MESSAGE_RULE, "sqs/queue", {_MASTER: "alias/aws/sqs"}, ((_MASTER, _AWS_KEY),)),
    Case(_MESSAGE_RULE, "sns/topic", {_MASTER: "alias/aws/sns"}, ((_MASTER, _AWS_KEY),)),
    Case(_MESSAGE_RULE, "sns/topic", {_MASTER: 7}, ((_MASTER, "is a number"),)),
    Case(_MESSAGE_RULE, "sqs/queue", {_MASTER: _KEY}),
    Case(_MESSAGE_RULE, "sns/topic", {_MASTER: UNKNOWN}),
    Case("topic-subscription-encrypted", "sns/topicSubscription", {"protocol": "http"}, (("protocol", "is http, which is clear text"),)),
    Case("topic-subscription-encrypted", "sns/topicSubscription", {"protocol": "https"}),
    Case("topic-subscription-encrypted", "sns/topicSubscription", {"protocol": UNKNOWN}),
]  # fmt: skip

_CLEAR = (("policy", "does not refuse requests over clear text"),)
_ONE = "arn:aws:sns:eu-west-1:123456789012:one"
_TOPICS = [
    Case("policy-refuses-clear-text", "sns/topicPolicy", {"policy": policy()}, _CLEAR),
    Case("policy-refuses-clear-text", "sns/topic", {"policy": policy(refusal("sns", Action="sns:Subscribe"))}, _CLEAR),
    Case("policy-refuses-clear-text", "sns/topicPolicy", {"policy": policy(refusal("sns", Action="sns:Publish", Resource=_ONE))}),
    Case("policy-refuses-clear-text", "sns/topic", {}),
]  # fmt: skip

_ROTATION_RULE, _ROTATE = "key-rotated", "enableKeyRotation"
_KEYS = [
    Case(_ROTATION_RULE, "kms/key", {}, ((_ROTATE, ABSENT_FALSE),)),
    Case(_ROTATION_RULE, "kms/key", {_ROTATE: False, "customerMasterKeySpec": "SYMMETRIC_DEFAULT"}, ((_ROTATE, "is false, not true"),)),
    Case(_ROTATION_RULE, "kms/key", {_ROTATE: True, "rotationPeriodInDays": 730}, (("rotationPeriodInDays", "is above 365 days"),)),
    Case(_ROTATION_RULE, "kms/key", {_ROTATE: True}),
    Case(_ROTATION_RULE, "kms/key", {_ROTATE: UNKNOWN}),
    Case(_ROTATION_RULE, "kms/key", {_ROTATE: True, "rotationPeriodInDays": 730}, settings={"days": 730}),
    Case(_ROTATION_RULE, "kms/key", {"customerMasterKeySpec": "RSA_2048", "keyUsage": "SIGN_VERIFY"}),
    *(Case("key-deletion-window", path, {"deletionWindowInDays": 7}, (("deletionWindowInDays", "is below 30 days"),)) for path in ("kms/key", "kms/externalKey", "kms/replicaKey", "kms/replicaExternalKey")),
    Case("key-deletion-window", "kms/key", {"deletionWindowInDays": "week"}, (("deletionWindowInDays", "is a string"),)),
    Case("key-deletion-window", "kms/key", {"deletionWindowInDays": 7}, settings={"days": 7}),
    Case("key-deletion-window", "kms/key", {}),
    *(Case("key-single-region", path, {"multiRegion": True}, (("multiRegion", TRUE),)) for path in ("kms/key", "kms/externalKey")),
    *(Case("key-single-region", path, {}, (("", "is a copy of a key in another region"),)) for path in ("kms/replicaKey", "kms/replicaExternalKey")),
    Case("key-single-region", "kms/key", {"multiRegion": False}),
    Case("key-single-region", "kms/replicaKey", {}, settings={"allowed": True}),
    Case("key-single-region", "kms/key", {"multiRegion": True}, settings={"allowed": True}),
    *(Case("key-policy-keeps-a-holder", path, {"bypassPolicyLockoutSafetyCheck": True}, (("bypassPolicyLockoutSafetyCheck", TRUE),)) for path in ("kms/key", "kms/keyPolicy", "kms/externalKey", "kms/replicaKey", "kms/replicaExternalKey")),
    Case("key-policy-keeps-a-holder", "kms/key", {}),
]  # fmt: skip

_SECRET_RULE, _ID = "secret-customer-key", "kmsKeyId"
_MANAGED = {"manageMasterUserPassword": True}
_MASTER_KEY = "masterUserSecretKmsKeyId"
_SECRETS = [
    Case(_SECRET_RULE, "secretsmanager/secret", {}, ((_ID, "is absent"),)),
    Case(_SECRET_RULE, "secretsmanager/secret", {_ID: "alias/aws/secretsmanager"}, ((_ID, _AWS_KEY),)),
    Case(_SECRET_RULE, "secretsmanager/secret", {_ID: _KEY, "replicas": [{"region": "eu-west-2"}]}, (("replicas[0].kmsKeyId", "is absent"),)),
    Case(_SECRET_RULE, "rds/cluster", _MANAGED, ((_MASTER_KEY, "is absent"),)),
    Case(_SECRET_RULE, "rds/instance", _MANAGED | {_MASTER_KEY: "alias/aws/secretsmanager"}, ((_MASTER_KEY, _AWS_KEY),)),
    Case(_SECRET_RULE, "ssm/parameter", {"type": "SecureString"}, (("keyId", "is absent"),)),
    Case(_SECRET_RULE, "secretsmanager/secret", {_ID: _KEY}),
    Case(_SECRET_RULE, "secretsmanager/secret", {_ID: UNKNOWN}),
    Case(_SECRET_RULE, "rds/cluster", {}),
    Case(_SECRET_RULE, "rds/cluster", _MANAGED | {_MASTER_KEY: UNKNOWN}),
    Case(_SECRET_RULE, "ssm/parameter", {"type": "SecureString", "keyId": _KEY}),
    Case(_SECRET_RULE, "ssm/parameter", {"type": "String"}),
    Case("secret-recoverable", "secretsmanager/secret", {"recoveryWindowInDays": 0}, (("recoveryWindowInDays", "is 0: a deleted secret is gone at once"),)),
    Case("secret-recoverable", "secretsmanager/secret", {"recoveryWindowInDays": 7}),
    Case("secret-recoverable", "secretsmanager/secret", {}),
    Case("secret-policy-checked", "secretsmanager/secretPolicy", {}, (("blockPublicPolicy", ABSENT_FALSE),)),
    Case("secret-policy-checked", "secretsmanager/secretPolicy", {"blockPublicPolicy": True}),
]  # fmt: skip

_PARAMETER_RULE, _HOLDS = "parameter-secure", "holds a credential in clear text"
_PARAMETERS = [
    Case(_PARAMETER_RULE, "ssm/parameter", {"name": "/app/db_password", "type": "String", "value": "correct horse"}, (("value", _HOLDS),)),
    Case(_PARAMETER_RULE, "ssm/parameter", {"type": "StringList", "value": "a,AKIAIOSFODNN7EXAMPLE"}, (("value", _HOLDS),)),
    Case(_PARAMETER_RULE, "ssm/parameter", {"name": "/app/token", "type": "SecureString", "insecureValue": "correct horse"}, (("insecureValue", _HOLDS),)),
    Case(_PARAMETER_RULE, "ssm/parameter", {"name": "/app/db_password", "type": "SecureString", "value": "correct horse"}),
    Case(_PARAMETER_RULE, "ssm/parameter", {"name": "/app/host", "type": "String", "value": "db.internal"}),
    Case(_PARAMETER_RULE, "ssm/parameter", {"name": "/app/db_password", "type": "String", "value": UNKNOWN}),
    Case(_PARAMETER_RULE, "ssm/parameter", {"name": "/app/db_password", "type": UNKNOWN, "value": "correct horse"}),
]  # fmt: skip

CASES = [*_MESSAGES, *_TOPICS, *_KEYS, *_SECRETS, *_PARAMETERS]
