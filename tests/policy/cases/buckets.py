"""Buckets of Amazon S3, logs, alarms and sessions."""

import json
from typing import Any

from tests.policy.cases.case import ABSENT_FALSE, Case
from tests.policy.support import UNKNOWN

_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
_AWS_KEY = "names a key that AWS manages"
_EVERYBODY = "admits everybody"

_BLOCK_RULE = "bucket-public-access-blocked"
_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_ALL = dict.fromkeys(_BLOCKS, True)
_BLOCKED = [
    Case(_BLOCK_RULE, "s3/bucketPublicAccessBlock", {}, tuple((key, ABSENT_FALSE) for key in _BLOCKS)),
    *(Case(_BLOCK_RULE, "s3/bucketPublicAccessBlock", _ALL | {key: False}, ((key, "is false, not true"),)) for key in _BLOCKS),
    Case(_BLOCK_RULE, "s3/accountPublicAccessBlock", _ALL | {"blockPublicAcls": "yes"}, (("blockPublicAcls", "is a string, not true"),)),
    Case(_BLOCK_RULE, "s3/accessPoint", {"publicAccessBlockConfiguration": {"blockPublicPolicy": False}}, (("publicAccessBlockConfiguration.blockPublicPolicy", "is false, not true"),)),
    Case(_BLOCK_RULE, "s3control/multiRegionAccessPoint", {"details": {"publicAccessBlock": {"ignorePublicAcls": False}}}, (("details.publicAccessBlock.ignorePublicAcls", "is false, not true"),)),
    Case(_BLOCK_RULE, "s3/bucketPublicAccessBlock", _ALL),
    Case(_BLOCK_RULE, "s3/bucketPublicAccessBlock", _ALL | {"blockPublicAcls": UNKNOWN}),
    Case(_BLOCK_RULE, "s3/accessPoint", {}),
]  # fmt: skip

_ACL_RULE = "bucket-acl-private"
_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
_GRANT = {"grantee": {"type": "Group", "uri": _USERS}, "permission": "READ"}
_ACLS = [
    *(Case(_ACL_RULE, path, {"acl": "public-read"}, (("acl", _EVERYBODY),)) for path in ("s3/bucket", "s3/bucketV2", "s3/bucketAcl", "s3/bucketAclV2", "s3/bucketObject", "s3/bucketObjectv2", "s3/objectCopy")),
    *(Case(_ACL_RULE, "s3/bucketAcl", {"acl": acl}, (("acl", _EVERYBODY),)) for acl in ("public-read-write", "authenticated-read")),
    Case(_ACL_RULE, "s3/bucket", {"grants": [{"type": "CanonicalUser", "permissions": ["READ"]}, {"type": "Group", "uri": _USERS, "permissions": ["READ"]}]}, (("grants[1].uri", _EVERYBODY),)),
    Case(_ACL_RULE, "s3/bucketAcl", {"accessControlPolicy": {"grants": [_GRANT]}}, (("accessControlPolicy.grants[0].grantee.uri", _EVERYBODY),)),
    Case(_ACL_RULE, "s3/bucketAcl", {"acl": "private"}),
    Case(_ACL_RULE, "s3/bucketAcl", {"acl": UNKNOWN}),
    Case(_ACL_RULE, "s3/bucket", {"grants": [{"type": "Group", "uri": "http://acs.amazonaws.com/groups/s3/LogDelivery", "permissions": ["WRITE"]}]}),
    Case("bucket-acls-disabled", "s3/bucketOwnershipControls", {"rule": {"objectOwnership": "ObjectWriter"}}, (("rule.objectOwnership", "is a string, not BucketOwnerEnforced"),)),
    Case("bucket-acls-disabled", "s3/bucketOwnershipControls", {"rule": {"objectOwnership": "BucketOwnerEnforced"}}),
]  # fmt: skip

_SITE_RULE = "bucket-no-website"
_SITES = [
    Case(_SITE_RULE, "s3/bucket", {"website": {"indexDocument": "index.html"}}, (("website", "makes it a website"),)),
    Case(_SITE_RULE, "s3/bucketV2", {"websites": [{"indexDocument": "index.html"}]}, (("websites", "makes it a website"),)),
    Case(_SITE_RULE, "s3/bucketWebsiteConfiguration", {}, (("", "makes a bucket a website"),)),
    Case(_SITE_RULE, "s3/bucketWebsiteConfigurationV2", {}, (("", "makes a bucket a website"),)),
    Case(_SITE_RULE, "s3/bucket", {}),
]  # fmt: skip

_KEY_RULE, _DEFAULT = "bucket-customer-key", "applyServerSideEncryptionByDefault"


def _rules(**encryption: Any) -> dict[str, Any]:
    return {"rules": [{_DEFAULT: encryption}]}


_AT = f"rules[0].{_DEFAULT}"
_SEPARATE = "s3/bucketServerSideEncryptionConfiguration"
_ENCRYPTION = [
    Case(_KEY_RULE, _SEPARATE, _rules(sseAlgorithm="AES256"), ((f"{_AT}.sseAlgorithm", "is AES256, not aws:kms"),)),
    Case(_KEY_RULE, _SEPARATE, _rules(sseAlgorithm="aws:kms"), ((f"{_AT}.kmsMasterKeyId", "is absent"),)),
    Case(_KEY_RULE, f"{_SEPARATE}V2", _rules(sseAlgorithm="aws:kms", kmsMasterKeyId="alias/aws/s3"), ((f"{_AT}.kmsMasterKeyId", _AWS_KEY),)),
    Case(_KEY_RULE, "s3/bucket", {"serverSideEncryptionConfiguration": {"rule": {_DEFAULT: {"sseAlgorithm": "AES256"}}}}, ((f"serverSideEncryptionConfiguration.rule.{_DEFAULT}.sseAlgorithm", "is AES256, not aws:kms"),)),
    Case(_KEY_RULE, "s3/bucketV2", {"serverSideEncryptionConfigurations": [{"rules": [{f"{_DEFAULT}s": [{"sseAlgorithm": "AES256"}]}]}]}, ((f"serverSideEncryptionConfigurations[0].rules[0].{_DEFAULT}s[0].sseAlgorithm", "is AES256, not aws:kms"),)),
    Case(_KEY_RULE, _SEPARATE, {"rules": [{"bucketKeyEnabled": True}]}, ((f"{_AT}.sseAlgorithm", "is absent, not aws:kms"),)),
    Case(_KEY_RULE, _SEPARATE, _rules(sseAlgorithm="aws:kms", kmsMasterKeyId=_KEY)),
    Case(_KEY_RULE, _SEPARATE, _rules(sseAlgorithm="aws:kms", kmsMasterKeyId=UNKNOWN)),
    Case(_KEY_RULE, "s3/bucket", {}),
]  # fmt: skip

_REPLICATION_RULE, _REPLICATION = "bucket-replicated-to-known", "s3/bucketReplicationConfig"
_ELSEWHERE = "arn:aws:s3:::elsewhere"


def _copied(**destination: Any) -> dict[str, Any]:
    return {"rules": [{"status": "Enabled", "destination": destination}]}


_REPLICATIONS = [
    Case(_REPLICATION_RULE, _REPLICATION, _copied(bucket=_ELSEWHERE), (("rules[0].destination.bucket", "names a bucket that is not declared"),)),
    Case(_REPLICATION_RULE, _REPLICATION, _copied(bucket=UNKNOWN, account="210987654321"), (("rules[0].destination.account", "names another account that is not declared"),)),
    Case(_REPLICATION_RULE, _REPLICATION, _copied(bucket=UNKNOWN)),
    Case(_REPLICATION_RULE, _REPLICATION, _copied(bucket=_ELSEWHERE), settings={"destinations": [_ELSEWHERE]}),
]  # fmt: skip

_LOG_RULE, _DAYS = "log-retention", "retentionInDays"
_LOGS = [
    Case(_LOG_RULE, "cloudwatch/logGroup", {}, ((_DAYS, "is absent, so that nobody decides how long logs are kept"),)),
    Case(_LOG_RULE, "cloudwatch/logGroup", {_DAYS: 90}, ((_DAYS, "is below 365 days"),)),
    Case(_LOG_RULE, "cloudwatch/logGroup", {_DAYS: 365}),
    Case(_LOG_RULE, "cloudwatch/logGroup", {_DAYS: 0}),
    Case(_LOG_RULE, "cloudwatch/logGroup", {_DAYS: UNKNOWN}),
    Case(_LOG_RULE, "cloudwatch/logGroup", {_DAYS: 30}, settings={"days": 30}),
    Case("log-customer-key", "cloudwatch/logGroup", {}, (("kmsKeyId", "is absent"),)),
    Case("log-customer-key", "cloudtrail/trail", {"kmsKeyId": "alias/aws/cloudtrail"}, (("kmsKeyId", _AWS_KEY),)),
    Case("log-customer-key", "cloudwatch/logGroup", {"kmsKeyId": _KEY}),
    Case("log-customer-key", "cloudwatch/logGroup", {"kmsKeyId": UNKNOWN}),
    Case("alarm-has-action", "cloudwatch/metricAlarm", {}, (("alarmActions", "is absent"),)),
    Case("alarm-has-action", "cloudwatch/metricAlarm", {"alarmActions": []}, (("alarmActions", "is empty"),), about_absence=True),
    Case("alarm-has-action", "cloudwatch/compositeAlarm", {"alarmActions": ["topic"], "actionsEnabled": False}, (("actionsEnabled", "is false, not true"),)),
    Case("alarm-has-action", "cloudwatch/metricAlarm", {"alarmActions": [UNKNOWN]}),
    Case("alarm-has-action", "cloudwatch/metricAlarm", {"alarmActions": UNKNOWN}),
    Case("alarm-has-action", "cloudwatch/metricAlarm", {}, settings={"required": False}),
]  # fmt: skip

_SESSION_RULE = "session-recorded"


def _session(kind: str = "Standard_Stream", **inputs: Any) -> dict[str, Any]:
    content = {"schemaVersion": "1.0", "sessionType": kind, "inputs": inputs}
    return {"documentType": "Session", "content": json.dumps(content)}


_GROUP: dict[str, Any] = {"cloudWatchLogGroupName": "sessions", "cloudWatchEncryptionEnabled": True, "kmsKeyId": _KEY}
_SESSIONS = [
    Case(_SESSION_RULE, "ssm/document", _session(kmsKeyId=_KEY), (("content.inputs", "keeps no record of the session"),)),
    Case(_SESSION_RULE, "ssm/document", _session(**_GROUP | {"cloudWatchEncryptionEnabled": False}), (("content.inputs.cloudWatchEncryptionEnabled", "is false, not true"),)),
    Case(_SESSION_RULE, "ssm/document", _session(**_GROUP | {"s3BucketName": "sessions"}), (("content.inputs.s3EncryptionEnabled", ABSENT_FALSE),)),
    Case(_SESSION_RULE, "ssm/document", _session(**_GROUP | {"kmsKeyId": ""}), (("content.inputs.kmsKeyId", "is absent"),)),
    Case(_SESSION_RULE, "ssm/document", _session(**_GROUP)),
    Case(_SESSION_RULE, "ssm/document", _session("Port")),
    Case(_SESSION_RULE, "ssm/document", {"documentType": "Command", "content": "{"}),
    Case(_SESSION_RULE, "ssm/document", {"content": UNKNOWN}),
    Case("document-sharing-blocked", "ssm/serviceSetting", {"settingId": "/ssm/documents/console/public-sharing-permission", "settingValue": "Enable"}, (("settingValue", "lets documents be shared with everybody"),)),
    Case("document-sharing-blocked", "ssm/serviceSetting", {"settingId": "/ssm/documents/console/public-sharing-permission", "settingValue": "Disable"}),
    Case("document-sharing-blocked", "ssm/serviceSetting", {"settingId": "/ssm/parameter-store/high-throughput-enabled", "settingValue": "true"}),
]  # fmt: skip

CASES = [*_BLOCKED, *_ACLS, *_SITES, *_ENCRYPTION, *_REPLICATIONS, *_LOGS, *_SESSIONS]
