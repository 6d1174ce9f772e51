"""Databases can be brought back, write down what happens, and stay current."""

from typing import Any

from tests.policy.cases.case import ABSENT_FALSE, TRUE, Case
from tests.policy.support import UNKNOWN

_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
_FALSE = "is false, not true"
_OFF: dict[str, Any] = {"required": False}

_PROTECTED_RULE = "database-deletion-protected"
_FLAGS = {
    "rds/cluster": "deletionProtection",
    "rds/instance": "deletionProtection",
    "rds/globalCluster": "deletionProtection",
    "docdb/cluster": "deletionProtection",
    "neptune/cluster": "deletionProtection",
    "dsql/cluster": "deletionProtectionEnabled",
    "dynamodb/table": "deletionProtectionEnabled",
}
_PROTECTION = [
    *(Case(_PROTECTED_RULE, path, {}, ((flag, ABSENT_FALSE),)) for path, flag in _FLAGS.items()),
    *(Case(_PROTECTED_RULE, path, {flag: False}, ((flag, _FALSE),)) for path, flag in _FLAGS.items()),
    *(Case(_PROTECTED_RULE, path, {flag: True}) for path, flag in _FLAGS.items()),
    Case(_PROTECTED_RULE, "rds/cluster", {"deletionProtection": "no"}, (("deletionProtection", "is a string, not true"),)),
    Case(_PROTECTED_RULE, "rds/cluster", {"deletionProtection": UNKNOWN}),
    Case(_PROTECTED_RULE, "rds/cluster", {"deletionProtection": False}, settings=_OFF),
]  # fmt: skip

_BACKUP_RULE = "database-backed-up"
_KEPT, _AUTOMATED, _LIMIT = "backupRetentionPeriod", "automatedSnapshotRetentionPeriod", "snapshotRetentionLimit"
_BACKUPS = [
    Case(_BACKUP_RULE, "rds/cluster", {}, ((_KEPT, "is absent, and 1 by default"),)),
    Case(_BACKUP_RULE, "rds/cluster", {_KEPT: 6}, ((_KEPT, "is below 7 days"),)),
    Case(_BACKUP_RULE, "rds/cluster", {_KEPT: "week"}, ((_KEPT, "is a string"),)),
    Case(_BACKUP_RULE, "rds/cluster", {_KEPT: 7}, ((_KEPT, "is below 14 days"),), settings={"days": 14}),
    Case(_BACKUP_RULE, "rds/instance", {}, ((_KEPT, "is absent, and 0 by default"),)),
    Case(_BACKUP_RULE, "rds/instance", {_KEPT: 0.0}, ((_KEPT, "is below 7 days"),)),
    Case(_BACKUP_RULE, "docdb/cluster", {_KEPT: 1}, ((_KEPT, "is below 7 days"),)),
    Case(_BACKUP_RULE, "neptune/cluster", {}, ((_KEPT, "is absent, and 1 by default"),)),
    Case(_BACKUP_RULE, "redshift/cluster", {_AUTOMATED: 0}, ((_AUTOMATED, "is below 7 days"),)),
    Case(_BACKUP_RULE, "memorydb/cluster", {}, ((_LIMIT, "is absent, and 0 by default"),)),
    Case(_BACKUP_RULE, "dynamodb/table", {}, (("pointInTimeRecovery.enabled", ABSENT_FALSE),)),
    Case(_BACKUP_RULE, "dynamodb/table", {"pointInTimeRecovery": {"enabled": False}}, (("pointInTimeRecovery.enabled", _FALSE),)),
    Case(_BACKUP_RULE, "rds/cluster", {_KEPT: 7}),
    Case(_BACKUP_RULE, "rds/cluster", {_KEPT: "35"}),
    Case(_BACKUP_RULE, "rds/cluster", {_KEPT: UNKNOWN}),
    Case(_BACKUP_RULE, "rds/instance", {"replicateSourceDb": UNKNOWN}),
    Case(_BACKUP_RULE, "redshift/cluster", {_AUTOMATED: 35}),
    Case(_BACKUP_RULE, "dynamodb/table", {"pointInTimeRecovery": {"enabled": True}}),
]  # fmt: skip

_SNAPSHOT_RULE, _OUTLIVE_RULE, _TAG_RULE = (
    "database-final-snapshot",
    "database-backups-outlive-it",
    "database-snapshots-tagged",
)
_SKIP, _DELETE = "skipFinalSnapshot", "deleteAutomatedBackups"
_SNAPSHOTS = [
    *(Case(_SNAPSHOT_RULE, path, {_SKIP: True}, ((_SKIP, TRUE),)) for path in ("rds/cluster", "rds/instance", "docdb/cluster", "neptune/cluster", "redshift/cluster")),
    Case(_SNAPSHOT_RULE, "rds/cluster", {_SKIP: 1}, ((_SKIP, "is a number, not false"),)),
    Case(_SNAPSHOT_RULE, "rds/cluster", {"finalSnapshotIdentifier": "last"}),
    Case(_SNAPSHOT_RULE, "rds/cluster", {_SKIP: UNKNOWN}),
    Case(_SNAPSHOT_RULE, "rds/cluster", {_SKIP: True}, settings=_OFF),
    Case(_SNAPSHOT_RULE, "rds/instance", {_SKIP: True, "replicateSourceDb": "other"}),
    Case(_OUTLIVE_RULE, "rds/cluster", {}, ((_DELETE, "is absent, and true by default"),)),
    Case(_OUTLIVE_RULE, "rds/instance", {_DELETE: True}, ((_DELETE, TRUE),)),
    Case(_OUTLIVE_RULE, "rds/cluster", {_DELETE: False}),
    Case(_OUTLIVE_RULE, "rds/instance", {_DELETE: UNKNOWN}),
    Case(_OUTLIVE_RULE, "rds/instance", {}, settings=_OFF),
    Case(_TAG_RULE, "rds/cluster", {}, (("copyTagsToSnapshot", ABSENT_FALSE),)),
    Case(_TAG_RULE, "rds/instance", {"copyTagsToSnapshot": False}, (("copyTagsToSnapshot", _FALSE),)),
    Case(_TAG_RULE, "neptune/cluster", {}, (("copyTagsToSnapshot", ABSENT_FALSE),)),
    Case(_TAG_RULE, "rds/cluster", {"copyTagsToSnapshot": True}),
    Case(_TAG_RULE, "rds/cluster", {"copyTagsToSnapshot": UNKNOWN}),
]  # fmt: skip

_LOG_RULE, _EXPORTS = "database-logs-exported", "enabledCloudwatchLogsExports"
_LOGS = [
    Case(_LOG_RULE, "rds/cluster", {"engine": "aurora-postgresql"}, ((_EXPORTS, "is absent"),)),
    Case(_LOG_RULE, "rds/cluster", {"engine": "aurora-postgresql", _EXPORTS: ["instance"]}, ((_EXPORTS, "lacks postgresql"),), about_absence=True),
    Case(_LOG_RULE, "rds/instance", {"engine": "mysql", _EXPORTS: []}, ((_EXPORTS, "is empty"),), about_absence=True),
    Case(_LOG_RULE, "rds/instance", {"engine": "postgres", _EXPORTS: ["upgrade"]}, ((_EXPORTS, "lacks postgresql"),), about_absence=True),
    Case(_LOG_RULE, "docdb/cluster", {}, ((_EXPORTS, "is absent"),)),
    Case(_LOG_RULE, "neptune/cluster", {}, (("enableCloudwatchLogsExports", "is absent"),)),
    Case(_LOG_RULE, "rds/cluster", {"engine": "aurora-postgresql", _EXPORTS: ["postgresql"]}),
    Case(_LOG_RULE, "rds/cluster", {"engine": "aurora-postgresql", _EXPORTS: UNKNOWN}),
    Case(_LOG_RULE, "rds/instance", {"engine": "mysql", _EXPORTS: ["audit"]}),
    Case(_LOG_RULE, "neptune/cluster", {"enableCloudwatchLogsExports": ["audit"]}),
]  # fmt: skip

_INSIGHTS_RULE, _INSIGHTS_KEY = "database-insights-customer-key", "performanceInsightsKmsKeyId"
_ON = {"performanceInsightsEnabled": True}
_INSIGHTS = [
    *(Case(_INSIGHTS_RULE, path, _ON, ((_INSIGHTS_KEY, "is absent"),)) for path in ("rds/cluster", "rds/instance", "rds/clusterInstance")),
    Case(_INSIGHTS_RULE, "rds/cluster", _ON | {_INSIGHTS_KEY: "alias/aws/rds"}, ((_INSIGHTS_KEY, "names a key that AWS manages"),)),
    Case(_INSIGHTS_RULE, "rds/cluster", _ON | {_INSIGHTS_KEY: 7}, ((_INSIGHTS_KEY, "is a number"),)),
    Case(_INSIGHTS_RULE, "rds/cluster", _ON | {_INSIGHTS_KEY: _KEY}),
    Case(_INSIGHTS_RULE, "rds/instance", _ON | {_INSIGHTS_KEY: UNKNOWN}),
    Case(_INSIGHTS_RULE, "rds/clusterInstance", {}),
]  # fmt: skip

_AUTHORITY_RULE, _OLD = "database-certificate-authority-current", "names no current certificate authority"
_AUTHORITIES = [
    Case(_AUTHORITY_RULE, "rds/cluster", {"caCertificateIdentifier": "rds-ca-2019"}, (("caCertificateIdentifier", _OLD),)),
    *(Case(_AUTHORITY_RULE, path, {"caCertIdentifier": "rds-ca-2019"}, (("caCertIdentifier", _OLD),)) for path in ("rds/instance", "rds/clusterInstance", "docdb/clusterInstance")),
    Case(_AUTHORITY_RULE, "rds/instance", {"caCertIdentifier": 2019}, (("caCertIdentifier", _OLD),)),
    Case(_AUTHORITY_RULE, "rds/instance", {"caCertIdentifier": "rds-ca-ecc384-g1"}, (("caCertIdentifier", _OLD),), settings={"allowed": ["rds-ca-rsa4096-g1"]}),
    Case(_AUTHORITY_RULE, "rds/instance", {"caCertIdentifier": "rds-ca-rsa2048-g1"}),
    Case(_AUTHORITY_RULE, "rds/instance", {"caCertIdentifier": UNKNOWN}),
    Case(_AUTHORITY_RULE, "rds/clusterInstance", {}),
]  # fmt: skip

_MINOR_RULE, _AUTO = "database-minor-upgrades", "autoMinorVersionUpgrade"
_NOBODY, _BESIDE = (
    "is false, and no exact minor version is named",
    "names an exact minor version beside automatic upgrades",
)
_MINORS = [
    Case(_MINOR_RULE, "rds/instance", {_AUTO: False, "engineVersion": "18"}, ((_AUTO, _NOBODY),)),
    Case(_MINOR_RULE, "rds/clusterInstance", {_AUTO: False, "engineVersion": "18"}, ((_AUTO, _NOBODY),)),
    Case(_MINOR_RULE, "rds/clusterInstance", {_AUTO: False}),
    Case(_MINOR_RULE, "rds/cluster", {_AUTO: True, "engineVersion": "18.1"}, (("engineVersion", _BESIDE),), alone=True),
    Case(_MINOR_RULE, "rds/cluster", {"engineVersion": "8.0.mysql_aurora.3.05.2"}, (("engineVersion", _BESIDE),), alone=True),
    Case(_MINOR_RULE, "rds/instance", {"engineVersion": "16.4"}, (("engineVersion", _BESIDE),), alone=True),
    Case(_MINOR_RULE, "rds/instance", {_AUTO: True, "engineVersion": "18"}),
    Case(_MINOR_RULE, "rds/instance", {_AUTO: False, "engineVersion": "18.1"}),
    Case(_MINOR_RULE, "rds/instance", {"engineVersion": "8.0"}),
    Case(_MINOR_RULE, "rds/instance", {_AUTO: UNKNOWN, "engineVersion": "18.1"}),
    Case(_MINOR_RULE, "rds/cluster", {}),
]  # fmt: skip

_NAME_RULE, _USUAL = "database-master-name", "is a usual name of administrators"
_NAMES = [
    Case(_NAME_RULE, "rds/cluster", {"masterUsername": "postgres"}, (("masterUsername", _USUAL),)),
    Case(_NAME_RULE, "rds/cluster", {}, (("masterUsername", "is absent"),), alone=True),
    Case(_NAME_RULE, "rds/instance", {"username": "Admin"}, (("username", _USUAL),)),
    Case(_NAME_RULE, "rds/instance", {}, (("username", "is absent"),), alone=True),
    Case(_NAME_RULE, "docdb/cluster", {"masterUsername": "docdb"}, (("masterUsername", _USUAL),)),
    Case(_NAME_RULE, "redshift/cluster", {"masterUsername": "awsuser"}, (("masterUsername", _USUAL),)),
    Case(_NAME_RULE, "rds/cluster", {"masterUsername": "vectordb_admin"}),
    Case(_NAME_RULE, "rds/cluster", {"masterUsername": UNKNOWN}),
    Case(_NAME_RULE, "rds/cluster", {"snapshotIdentifier": UNKNOWN}),
    Case(_NAME_RULE, "rds/instance", {"replicateSourceDb": "other"}),
]  # fmt: skip

CASES = [*_PROTECTION, *_BACKUPS, *_SNAPSHOTS, *_LOGS, *_INSIGHTS, *_AUTHORITIES, *_MINORS, *_NAMES]
