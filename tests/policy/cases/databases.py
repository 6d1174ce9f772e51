"""A database's wire and its logins."""

from tests.policy.cases.case import ABSENT_FALSE, Case
from tests.policy.support import UNKNOWN

_TLS_RULE = "database-requires-tls"
_FORCED = {"name": "rds.force_ssl", "value": "1"}
_OTHER = {"name": "log_connections", "value": "1"}
_DEFAULT = (("parameters", "leaves rds.force_ssl to its default, which depends on the version"),)
_SECURE = {"name": "require_secure_transport", "value": "ON"}
_SECURE_DEFAULT = (("parameters", "leaves require_secure_transport to its default, which depends on the version"),)
_TLS = [
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18"}, _DEFAULT),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18", "parameters": [_OTHER]}, _DEFAULT, about_absence=True),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": UNKNOWN, "parameters": [_OTHER | {"value": UNKNOWN}]}, _DEFAULT, about_absence=True),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "postgres16", "parameters": [_OTHER, _FORCED | {"value": "0"}]}, (("parameters[1].value", "of rds.force_ssl is not 1"),)),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "postgres16", "parameters": [{"name": "RDS.force_ssl"}]}, (("parameters[0].value", "of rds.force_ssl is absent"),)),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "postgres16", "parameters": [_FORCED, _FORCED | {"value": 0.0}]}, (("parameters[1].value", "of rds.force_ssl is not 1"),)),
    Case(_TLS_RULE, "rds/cluster", {"engine": "aurora-postgresql"}, (("dbClusterParameterGroupName", "is absent, so AWS's default parameters apply"),)),
    Case(_TLS_RULE, "rds/cluster", {"engine": UNKNOWN, "dbClusterParameterGroupName": "default.aurora-postgresql18"}, (("dbClusterParameterGroupName", "names AWS's default group, which cannot be changed"),)),
    Case(_TLS_RULE, "rds/instance", {}, (("parameterGroupName", "is absent, so AWS's default parameters apply"),)),
    Case(_TLS_RULE, "rds/proxy", {}, (("requireTls", ABSENT_FALSE),)),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18", "parameters": [_OTHER, _FORCED]}),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18", "parameters": [_FORCED | {"value": 1.0}]}),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18", "parameters": [_OTHER, {"name": UNKNOWN, "value": "0"}]}),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-mysql8.0"}, _SECURE_DEFAULT),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "mysql8.4", "parameters": [_SECURE | {"value": "OFF"}]}, (("parameters[0].value", "of require_secure_transport is not 1"),)),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "mariadb11.4"}, _SECURE_DEFAULT),
    Case(_TLS_RULE, "rds/instance", {"engine": "mysql"}, (("parameterGroupName", "is absent, so AWS's default parameters apply"),)),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-mysql8.0", "parameters": [_SECURE]}),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "mysql8.4", "parameters": [_SECURE | {"value": "1"}]}),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "oracle-ee-19"}),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18", "parameters": UNKNOWN}),
    Case(_TLS_RULE, "rds/clusterParameterGroup", {"family": "aurora-postgresql18", "parameters": [_FORCED | {"value": UNKNOWN}]}),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "aurora-postgresql18"}),
    Case(_TLS_RULE, "rds/parameterGroup", {"family": "postgres18", "parameters": [_FORCED]}),
    Case(_TLS_RULE, "rds/cluster", {"engine": "aurora-postgresql", "dbClusterParameterGroupName": "own"}),
    Case(_TLS_RULE, "rds/instance", {"engine": "oracle-ee"}),
    Case(_TLS_RULE, "rds/proxy", {"requireTls": True}),
]  # fmt: skip

_IAM_RULE = "database-iam-authentication"
_LOGINS = [
    Case(_IAM_RULE, "rds/cluster", {}, (("iamDatabaseAuthenticationEnabled", ABSENT_FALSE),)),
    Case(_IAM_RULE, "rds/instance", {"iamDatabaseAuthenticationEnabled": False}, (("iamDatabaseAuthenticationEnabled", "is false, not true"),)),
    Case(_IAM_RULE, "rds/proxy", {}, (("defaultAuthScheme", "is absent, and NONE by default"),)),
    Case(_IAM_RULE, "rds/proxy", {"defaultAuthScheme": "NONE", "auths": []}, (("defaultAuthScheme", "is not IAM_AUTH"),), about_absence=True),
    Case(_IAM_RULE, "rds/proxy", {"auths": [{"iamAuth": "REQUIRED"}, {"iamAuth": "DISABLED"}, {}]}, (("auths[1].iamAuth", "is not REQUIRED"), ("auths[2].iamAuth", "is absent, and DISABLED by default"))),
    Case(_IAM_RULE, "neptune/cluster", {}, (("iamDatabaseAuthenticationEnabled", ABSENT_FALSE),)),
    Case(_IAM_RULE, "rds/cluster", {"iamDatabaseAuthenticationEnabled": True}),
    Case(_IAM_RULE, "rds/instance", {"iamDatabaseAuthenticationEnabled": True}),
    Case(_IAM_RULE, "rds/proxy", {"defaultAuthScheme": "IAM_AUTH"}),
    Case(_IAM_RULE, "rds/proxy", {"auths": [{"iamAuth": "REQUIRED"}]}),
    Case(_IAM_RULE, "rds/proxy", {"defaultAuthScheme": UNKNOWN}),
    Case(_IAM_RULE, "rds/proxy", {"auths": UNKNOWN}),
    Case(_IAM_RULE, "rds/proxy", {"auths": [{"iamAuth": UNKNOWN}]}),
]  # fmt: skip

_PASSWORD_RULE = "database-managed-master-password"
_HOLDS = "holds a master password"
_PASSWORDS = [
    Case(_PASSWORD_RULE, "rds/cluster", {}, (("manageMasterUserPassword", ABSENT_FALSE),)),
    Case(_PASSWORD_RULE, "rds/cluster", {"masterPassword": "correct horse"}, (("masterPassword", _HOLDS), ("manageMasterUserPassword", ABSENT_FALSE))),
    Case(_PASSWORD_RULE, "rds/cluster", {"manageMasterUserPassword": True, "masterPasswordWo": "correct horse"}, (("masterPasswordWo", _HOLDS),)),
    Case(_PASSWORD_RULE, "rds/cluster", {"masterPassword": UNKNOWN}, (("manageMasterUserPassword", ABSENT_FALSE),)),
    Case(_PASSWORD_RULE, "rds/instance", {"manageMasterUserPassword": False, "password": "correct horse"}, (("password", _HOLDS), ("manageMasterUserPassword", "is false, not true"))),
    Case(_PASSWORD_RULE, "rds/instance", {"replicateSourceDb": UNKNOWN, "passwordWo": "correct horse"}, (("passwordWo", _HOLDS),)),
    Case(_PASSWORD_RULE, "docdb/cluster", {"masterPassword": "correct horse"}, (("masterPassword", _HOLDS), ("manageMasterUserPassword", ABSENT_FALSE))),
    Case(_PASSWORD_RULE, "redshift/cluster", {"masterPasswordWo": "correct horse", "manageMasterPassword": True}, (("masterPasswordWo", _HOLDS),)),
    Case(_PASSWORD_RULE, "redshiftserverless/namespace", {}, (("manageAdminPassword", ABSENT_FALSE),)),
    Case(_PASSWORD_RULE, "rds/cluster", {"manageMasterUserPassword": True}),
    Case(_PASSWORD_RULE, "rds/cluster", {"replicationSourceIdentifier": UNKNOWN}),
    Case(_PASSWORD_RULE, "rds/instance", {"manageMasterUserPassword": True}),
    Case(_PASSWORD_RULE, "rds/instance", {"replicateSourceDb": "other"}),
]  # fmt: skip

CASES = [*_TLS, *_LOGINS, *_PASSWORDS]
