"""The RDS instance: exact inputs, and what each option changes."""

import pytest

from components.database.rds import RdsDatabase
from tests.components.database.harness import ACCOUNT, PLACE, build, role_arn

INSTANCE_ARN = f"arn:aws:rds:eu-central-1:{ACCOUNT}:db:vectordb-dev-rds-1"


def rds(known=True, then=lambda database: None, **options):
    return build(lambda: then(RdsDatabase("rds", {**PLACE, **options})), known=known)


def instance(**options):
    return rds(**options).only("Instance").inputs


PLAIN = {
    "allocatedStorage": 20,
    "allowMajorVersionUpgrade": False,
    "applyImmediately": True,
    "autoMinorVersionUpgrade": True,
    "backupRetentionPeriod": 7,
    "caCertIdentifier": "rds-ca-rsa2048-g1",
    "copyTagsToSnapshot": True,
    "databaseInsightsMode": "standard",
    "dbName": "vectordb",
    "dbSubnetGroupName": "rds-subnets",
    "deleteAutomatedBackups": True,
    "deletionProtection": False,
    "enabledCloudwatchLogsExports": ["postgresql", "iam-db-auth-error"],
    "engine": "postgres",
    "engineLifecycleSupport": "open-source-rds-extended-support-disabled",
    "engineVersion": "18",
    "iamDatabaseAuthenticationEnabled": True,
    "identifier": "vectordb-dev-rds-1",
    "instanceClass": "db.t4g.small",
    "kmsKeyId": "arn:key",
    "manageMasterUserPassword": True,
    "masterUserSecretKmsKeyId": "arn:key",
    "monitoringInterval": 0,
    "multiAz": False,
    "networkType": "IPV4",
    "parameterGroupName": "rds-parameters",
    "performanceInsightsEnabled": True,
    "performanceInsightsKmsKeyId": "arn:key",
    "performanceInsightsRetentionPeriod": 7,
    "publiclyAccessible": False,
    "skipFinalSnapshot": True,
    "storageEncrypted": True,
    "storageType": "gp3",
    "tags": {"Name": "rds-instance", "Project": "vectordb", "Stack": "dev"},
    "username": "vectordb_admin",
    "vpcSecurityGroupIds": ["id-rds-group"],
}


def test_a_plain_instance_is_closed_and_encrypted():
    assert instance() == PLAIN


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"multi_az": True}, {"multiAz": True}),
        ({"instance_class": "db.r8g.large"}, {"instanceClass": "db.r8g.large"}),
        ({"allocated_storage": 50, "max_allocated_storage": 200}, {"allocatedStorage": 50, "maxAllocatedStorage": 200}),
        (
            {"storage_type": "io2", "allocated_storage": 100},
            {"storageType": "io2", "allocatedStorage": 100, "iops": 1000},
        ),
        ({"certificate_authority": "rds-ca-ecc384-g1"}, {"caCertIdentifier": "rds-ca-ecc384-g1"}),
        (
            {"backup_window": "03:00-04:00", "maintenance_window": "sun:04:30-sun:05:30"},
            {"backupWindow": "03:00-04:00", "maintenanceWindow": "sun:04:30-sun:05:30"},
        ),
        ({"version": "17.11"}, {"engineVersion": "17.11", "autoMinorVersionUpgrade": False}),
        (
            {"protect": True, "generation": 2},
            {
                "identifier": "vectordb-dev-rds-2",
                "deletionProtection": True,
                "skipFinalSnapshot": False,
                "deleteAutomatedBackups": False,
                "finalSnapshotIdentifier": "vectordb-dev-rds-2-final",
            },
        ),
    ],
)
def test_each_option_changes_what_it_says_and_nothing_else(options, changed):
    assert instance(**options) == PLAIN | changed


def test_logs_exist_before_the_instance():
    built = rds()
    for kind in ("postgresql", "iam-db-auth-error"):
        group = built.only("LogGroup", f"rds-log-{kind}")
        assert group.inputs["name"] == f"/aws/rds/instance/vectordb-dev-rds-1/{kind}"
        assert group.urn in built.only("Instance").dependencies


def test_only_an_instance_that_invokes_functions_resolves_private_names():
    def names(**options):
        return {p["name"] for p in rds(**options).only("ParameterGroup").inputs["parameters"]}

    assert names(endpoint_security_group_id=None) == names()
    assert names(endpoint_security_group_id="sg-e") - names() == {"rds.custom_dns_resolution"}
    assert rds(version="16").only("ParameterGroup").inputs["family"] == "postgres16"


def test_a_function_is_invoked_with_the_instances_role():
    built = rds(
        endpoint_security_group_id="sg-e",
        functions={"invoke": "arn:f:live"},
        then=lambda d: {"role": d.invoker_role_arn},
    )
    assert built.only("RoleAssociation").inputs == {
        "dbInstanceIdentifier": "vectordb-dev-rds-1",
        "featureName": "Lambda",
        "roleArn": role_arn("rds-invoke"),
    }
    assert built.waits_for(built.only("RoleAssociation"), "Instance", "rds-instance")
    (trust,) = built.statements("Role", "rds-invoke", "assumeRolePolicy")
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": INSTANCE_ARN}
    assert built.outputs == {"role": role_arn("rds-invoke")}


def test_outputs_are_the_clusters_shape():
    shape = ("endpoint", "reader_endpoint", "port", "database_name", "identifier", "resource_id", "arn", "secret_arn")
    built = rds(then=lambda d: {name: getattr(d, name) for name in (*shape, "security_group_id", "invoker_role_arn")})
    assert built.outputs == {
        "endpoint": "instance.example",
        "reader_endpoint": "",
        "port": 5432,
        "database_name": "vectordb",
        "identifier": "vectordb-dev-rds-1",
        "resource_id": "db-ABC",
        "arn": INSTANCE_ARN,
        "secret_arn": "arn:secret",
        "security_group_id": "id-rds-group",
        "invoker_role_arn": "",
    }


def test_a_restored_instance_keeps_its_sources_content_and_key():
    built = rds(restore_snapshot="s")
    made = built.only("Instance")
    assert made.inputs == {k: v for k, v in PLAIN.items() if k not in {"dbName", "username"}} | {
        "snapshotIdentifier": "s"
    }
    assert made.ignore_changes == rds().only("Instance").ignore_changes
    assert set(made.ignore_changes) == {
        "snapshotIdentifier",
        "restoreToPointInTime",
        "dbName",
        "username",
        "kmsKeyId",
        "engineVersion",
    }
    (warning,) = built.warnings
    assert "copy a snapshot under the stack's key first" in warning


def test_enhanced_monitoring_is_trusted_for_the_instance_alone():
    built = rds(monitoring_seconds=15, partition="aws-us-gov")
    (trust,) = built.statements("Role", "rds-monitoring", "assumeRolePolicy")
    assert trust["Condition"]["ArnLike"] == {
        "aws:SourceArn": [f"arn:aws-us-gov:rds:eu-central-1:{ACCOUNT}:db:vectordb-dev-rds-1"]
    }
    assert built.only("Instance").inputs["monitoringInterval"] == 15


def test_only_the_instance_is_protected():
    assert [r.name for r in rds(protect=True).registrations if r.protect] == ["rds-instance"]


def test_another_generation_makes_another_instance_and_does_not_rename_this_one():
    assert rds().replaced_on["rds-instance"] == ["identifier"]
