"""Other services that could hold the same data: encryption, keys, public access, TLS."""

import json

from tests.policy.cases.case import ABSENT_FALSE, TRUE, Case
from tests.policy.support import UNKNOWN

_FALSE = "is false, not true"
_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"

_STORAGE_RULE = "storage-encrypted"
_FLAGS = {
    "rds/globalCluster": "storageEncrypted",
    "docdb/cluster": "storageEncrypted",
    "docdb/globalCluster": "storageEncrypted",
    "neptune/cluster": "storageEncrypted",
    "neptune/globalCluster": "storageEncrypted",
    "elasticache/replicationGroup": "atRestEncryptionEnabled",
    "efs/fileSystem": "encrypted",
    "ebs/snapshotCopy": "encrypted",
    "ec2/amiCopy": "encrypted",
}
_NESTED = {
    "dax/cluster": "serverSideEncryption",
    "opensearch/domain": "encryptAtRest",
    "elasticsearch/domain": "encryptAtRest",
}
_STORAGE = [
    *(Case(_STORAGE_RULE, path, {}, ((flag, ABSENT_FALSE),)) for path, flag in _FLAGS.items()),
    *(Case(_STORAGE_RULE, path, {flag: False}, ((flag, _FALSE),)) for path, flag in _FLAGS.items()),
    *(Case(_STORAGE_RULE, path, {flag: True}) for path, flag in _FLAGS.items()),
    *(Case(_STORAGE_RULE, path, {}, ((f"{block}.enabled", ABSENT_FALSE),)) for path, block in _NESTED.items()),
    *(Case(_STORAGE_RULE, path, {block: {"enabled": True}}) for path, block in _NESTED.items()),
    Case(_STORAGE_RULE, "redshift/cluster", {"encrypted": "false"}, (("encrypted", "is a string, not true"),)),
    Case(_STORAGE_RULE, "kinesis/stream", {}, (("encryptionType", "is absent, and NONE by default"),)),
    Case(_STORAGE_RULE, "kinesis/stream", {"encryptionType": "NONE"}, (("encryptionType", "is a string, not KMS"),)),
    Case(_STORAGE_RULE, "ebs/encryptionByDefault", {"enabled": False}, (("enabled", _FALSE),)),
    Case(_STORAGE_RULE, "redshift/cluster", {}),
    Case(_STORAGE_RULE, "kinesis/stream", {"encryptionType": "KMS"}),
    Case(_STORAGE_RULE, "ebs/encryptionByDefault", {}),
]  # fmt: skip

_KEY_RULE, _AWS_KEY = "storage-customer-key", "names a key that AWS manages"
_KEYED = {
    "rds/clusterSnapshotCopy": "kmsKeyId",
    "rds/snapshotCopy": "kmsKeyId",
    "rds/instanceAutomatedBackupsReplication": "kmsKeyId",
    "rds/exportTask": "kmsKeyId",
    "docdb/cluster": "kmsKeyId",
    "docdb/elasticCluster": "kmsKeyId",
    "neptune/cluster": "kmsKeyArn",
    "redshift/cluster": "kmsKeyId",
    "redshiftserverless/namespace": "kmsKeyId",
    "dsql/cluster": "kmsEncryptionKey",
    "efs/fileSystem": "kmsKeyId",
    "kinesis/stream": "kmsKeyId",
    "ebs/snapshotCopy": "kmsKeyId",
    "backup/vault": "kmsKeyArn",
    "memorydb/cluster": "kmsKeyArn",
    "elasticache/replicationGroup": "kmsKeyId",
    "elasticache/serverlessCache": "kmsKeyId",
    "dms/replicationInstance": "kmsKeyArn",
}
_KEYS = [
    *(Case(_KEY_RULE, path, {}, ((key, "is absent"),)) for path, key in _KEYED.items()),
    *(Case(_KEY_RULE, path, {key: "alias/aws/one"}, ((key, _AWS_KEY),)) for path, key in _KEYED.items()),
    *(Case(_KEY_RULE, path, {key: _KEY}) for path, key in _KEYED.items()),
    Case(_KEY_RULE, "dsql/cluster", {"kmsEncryptionKey": "AWS_OWNED_KMS_KEY"}, (("kmsEncryptionKey", _AWS_KEY),)),
    Case(_KEY_RULE, "dynamodb/table", {}, (("serverSideEncryption.kmsKeyArn", "is absent"),)),
    Case(_KEY_RULE, "dynamodb/table", {"serverSideEncryption": {"enabled": True, "kmsKeyArn": _KEY}}),
    Case(_KEY_RULE, "neptune/cluster", {"replicationSourceIdentifier": "other"}),
]  # fmt: skip

_PUBLIC_RULE, _OUTSIDE = "search-and-studio-not-public", "is absent, so that its endpoint is public"
_ACCESS, _MODE, _POLICY = "appNetworkAccessType", "webserverAccessMode", "opensearch/serverlessSecurityPolicy"


def _network(**rule: object) -> dict[str, str]:
    return {"type": "network", "policy": json.dumps([{"Rules": [], **rule}])}


_PUBLIC = [
    Case(_PUBLIC_RULE, "opensearch/domain", {}, (("vpcOptions", _OUTSIDE),)),
    Case(_PUBLIC_RULE, "elasticsearch/domain", {}, (("vpcOptions", _OUTSIDE),)),
    Case(_PUBLIC_RULE, _POLICY, _network(AllowFromPublic=True), (("policy[0].AllowFromPublic", "is not false"),)),
    Case(_PUBLIC_RULE, _POLICY, _network(), (("policy[0].AllowFromPublic", "is not false"),)),
    Case(_PUBLIC_RULE, _POLICY, {"type": "network", "policy": "["}, (("policy", "is a string that is no network policy"),)),
    *(Case(_PUBLIC_RULE, path, {"publiclyAccessible": True}, (("publiclyAccessible", TRUE),)) for path in ("rds/shardGroup", "timestreaminfluxdb/dbCluster", "timestreaminfluxdb/dbInstance")),
    Case(_PUBLIC_RULE, "neptunegraph/graph", {"publicConnectivity": True}, (("publicConnectivity", TRUE),)),
    Case(_PUBLIC_RULE, "sagemaker/domain", {}, ((_ACCESS, "is absent, and PublicInternetOnly by default"),)),
    Case(_PUBLIC_RULE, "sagemaker/domain", {_ACCESS: "PublicInternetOnly"}, ((_ACCESS, "is a string, not VpcOnly"),)),
    Case(_PUBLIC_RULE, "mwaa/environment", {_MODE: "PUBLIC_ONLY"}, ((_MODE, "is a string, not PRIVATE_ONLY"),)),
    Case(_PUBLIC_RULE, "opensearch/domain", {"vpcOptions": {"subnetIds": [UNKNOWN]}}),
    Case(_PUBLIC_RULE, _POLICY, _network(AllowFromPublic=False, SourceVPCEs=["vpce-1"])),
    Case(_PUBLIC_RULE, _POLICY, {"type": "encryption", "policy": "{}"}),
    Case(_PUBLIC_RULE, _POLICY, {"type": "network", "policy": UNKNOWN}),
    Case(_PUBLIC_RULE, "rds/shardGroup", {}),
    Case(_PUBLIC_RULE, "sagemaker/domain", {_ACCESS: "VpcOnly"}),
    Case(_PUBLIC_RULE, "mwaa/environment", {}),
]  # fmt: skip

_TLS_RULE = "data-service-requires-tls"
_HTTPS, _NODES = "domainEndpointOptions.enforceHttps", "nodeToNodeEncryption.enabled"
_GOOD_DOMAIN = {
    "domainEndpointOptions": {"enforceHttps": True, "tlsSecurityPolicy": "Policy-Min-TLS-1-2-2019-07"},
    "nodeToNodeEncryption": {"enabled": True},
}
_TRANSIT, _ENDPOINT = "transitEncryptionEnabled", "clusterEndpointEncryptionType"
_SSL = {"name": "require_ssl", "value": "true"}
_TLS = [
    *(Case(_TLS_RULE, path, {}, ((_HTTPS, ABSENT_FALSE), (_NODES, ABSENT_FALSE))) for path in ("opensearch/domain", "elasticsearch/domain")),
    Case(_TLS_RULE, "opensearch/domain", _GOOD_DOMAIN | {"domainEndpointOptions": {"enforceHttps": True, "tlsSecurityPolicy": "Policy-Min-TLS-1-0-2019-07"}}, (("domainEndpointOptions.tlsSecurityPolicy", "admits TLS 1.0"),)),
    Case(_TLS_RULE, "elasticache/cluster", {}, ((_TRANSIT, ABSENT_FALSE),)),
    Case(_TLS_RULE, "elasticache/replicationGroup", {_TRANSIT: False}, ((_TRANSIT, _FALSE),)),
    Case(_TLS_RULE, "elasticache/replicationGroup", {_TRANSIT: True, "transitEncryptionMode": "preferred"}, (("transitEncryptionMode", "also takes connections without TLS"),)),
    Case(_TLS_RULE, "memorydb/cluster", {"tlsEnabled": False}, (("tlsEnabled", _FALSE),)),
    Case(_TLS_RULE, "dms/endpoint", {"engineName": "postgres"}, (("sslMode", "is absent, and none by default"),)),
    Case(_TLS_RULE, "dms/endpoint", {"engineName": "aurora-postgresql", "sslMode": "none"}, (("sslMode", "is a string, not require or verify-ca or verify-full"),)),
    Case(_TLS_RULE, "dms/endpoint", {"engineName": "postgres", "sslMode": "verify-full"}),
    Case(_TLS_RULE, "dms/endpoint", {"engineName": "s3"}),
    Case(_TLS_RULE, "dax/cluster", {}, ((_ENDPOINT, "is absent, and NONE by default"),)),
    Case(_TLS_RULE, "msk/cluster", {"encryptionInfo": {"encryptionInTransit": {"clientBroker": "TLS_PLAINTEXT", "inCluster": False}}}, (("encryptionInfo.encryptionInTransit.clientBroker", "is a string, not TLS"), ("encryptionInfo.encryptionInTransit.inCluster", _FALSE))),
    Case(_TLS_RULE, "docdb/clusterParameterGroup", {"parameters": [{"name": "tls", "value": "disabled"}]}, (("parameters[0].value", "of tls does not demand TLS"),)),
    Case(_TLS_RULE, "neptune/clusterParameterGroup", {"parameters": [{"name": "neptune_enforce_ssl", "value": "0"}]}, (("parameters[0].value", "of neptune_enforce_ssl does not demand TLS"),)),
    Case(_TLS_RULE, "redshift/parameterGroup", {"parameters": [_SSL | {"value": "false"}]}, (("parameters[0].value", "of require_ssl does not demand TLS"),)),
    Case(_TLS_RULE, "redshift/parameterGroup", {"parameters": []}, (("parameters", "leaves require_ssl to its default, which depends on the version"),), about_absence=True),
    Case(_TLS_RULE, "opensearch/domain", _GOOD_DOMAIN),
    Case(_TLS_RULE, "elasticache/cluster", {"replicationGroupId": UNKNOWN}),
    Case(_TLS_RULE, "elasticache/replicationGroup", {_TRANSIT: True, "transitEncryptionMode": "required"}),
    Case(_TLS_RULE, "memorydb/cluster", {}),
    Case(_TLS_RULE, "dax/cluster", {_ENDPOINT: "TLS"}),
    Case(_TLS_RULE, "msk/cluster", {}),
    Case(_TLS_RULE, "docdb/clusterParameterGroup", {"parameters": [{"name": "tls", "value": "tls1.2+"}]}),
    Case(_TLS_RULE, "docdb/clusterParameterGroup", {}),
    Case(_TLS_RULE, "neptune/clusterParameterGroup", {"parameters": [{"name": "neptune_enforce_ssl", "value": 1.0}]}),
    Case(_TLS_RULE, "redshift/parameterGroup", {"parameters": [_SSL]}),
]  # fmt: skip

_SEARCH_RULE, _LOGS = "search-domain-controlled", "logPublishingOptions"
_FINE = {"advancedSecurityOptions": {"enabled": True}}
_AUDIT = {"logType": "AUDIT_LOGS", "cloudwatchLogGroupArn": UNKNOWN}
_NO_AUDIT = (_LOGS, "publishes no audit logs")
_SEARCH = [
    *(Case(_SEARCH_RULE, path, {}, (_NO_AUDIT, ("advancedSecurityOptions.enabled", ABSENT_FALSE))) for path in ("opensearch/domain", "elasticsearch/domain")),
    Case(_SEARCH_RULE, "opensearch/domain", _FINE | {_LOGS: [{"logType": "ES_APPLICATION_LOGS"}]}, (_NO_AUDIT,), about_absence=True),
    Case(_SEARCH_RULE, "opensearch/domain", {"advancedSecurityOptions": {"enabled": True, "anonymousAuthEnabled": True}, _LOGS: [_AUDIT]}, (("advancedSecurityOptions.anonymousAuthEnabled", "lets anonymous callers in"),)),
    Case(_SEARCH_RULE, "opensearch/domain", _FINE | {_LOGS: [_AUDIT]}),
]  # fmt: skip

CASES = [*_STORAGE, *_KEYS, *_PUBLIC, *_TLS, *_SEARCH]
