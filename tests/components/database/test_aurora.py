"""The Aurora cluster: exact resources and inputs, and what each option changes."""

import pulumi
import pytest

from components.database.aurora import AuroraDatabase
from tests.components.database.harness import ACCOUNT, PLACE, UNKNOWN, build, role_arn

CLUSTER_ARN = f"arn:aws:rds:eu-central-1:{ACCOUNT}:cluster:vectordb-dev-database-1"


def aurora(known=False, then=lambda database: None, **options):
    def make():
        database = AuroraDatabase("database", {**PLACE, **options})
        return then(database)

    return build(make, known=known)


def cluster(**options):
    return aurora(known=True, **options).only("Cluster").inputs


PLAIN = {
    "allowMajorVersionUpgrade": False,
    "applyImmediately": True,
    "autoMinorVersionUpgrade": True,
    "backupRetentionPeriod": 7,
    "clusterIdentifier": "vectordb-dev-database-1",
    "copyTagsToSnapshot": True,
    "databaseInsightsMode": "standard",
    "databaseName": "vectordb",
    "dbClusterParameterGroupName": "database-parameters",
    "dbSubnetGroupName": "database-subnets",
    "deleteAutomatedBackups": True,
    "deletionProtection": False,
    "enableHttpEndpoint": False,
    "enabledCloudwatchLogsExports": ["postgresql", "iam-db-auth-error", "instance"],
    "engine": "aurora-postgresql",
    "engineLifecycleSupport": "open-source-rds-extended-support-disabled",
    "engineVersion": "18",
    "iamDatabaseAuthenticationEnabled": True,
    "kmsKeyId": "arn:key",
    "manageMasterUserPassword": True,
    "masterUserSecretKmsKeyId": "arn:key",
    "masterUsername": "vectordb_admin",
    "monitoringInterval": 0,
    "networkType": "IPV4",
    "performanceInsightsEnabled": True,
    "performanceInsightsKmsKeyId": "arn:key",
    "performanceInsightsRetentionPeriod": 7,
    "serverlessv2ScalingConfiguration": {"minCapacity": 0, "maxCapacity": 4, "secondsUntilAutoPause": 300},
    "skipFinalSnapshot": True,
    "storageEncrypted": True,
    "tags": {"Name": "database-cluster", "Project": "vectordb", "Stack": "dev"},
    "vpcSecurityGroupIds": ["id-database-group"],
}


def test_a_plain_cluster_is_closed_encrypted_and_pauses():
    assert cluster() == PLAIN


def test_the_resources_of_a_plain_cluster():
    built = aurora()
    made = sorted((r.type.rpartition(":")[2], r.name) for r in built.registrations if r.custom)
    assert made == [
        ("Cluster", "database-cluster"),
        ("ClusterInstance", "database-writer"),
        ("ClusterParameterGroup", "database-parameters"),
        ("LogGroup", "database-log-iam-db-auth-error"),
        ("LogGroup", "database-log-instance"),
        ("LogGroup", "database-log-postgresql"),
        ("SecurityGroup", "database-group"),
        ("SubnetGroup", "database-subnets"),
    ]
    assert {r.parent for r in built.registrations if r.custom} == {built.only("AuroraDatabase").urn}
    assert not built.warnings


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"max_capacity": 8, "min_capacity": 0.5}, {"minCapacity": 0.5, "maxCapacity": 8}),
        ({"auto_pause_seconds": 3600}, {"minCapacity": 0, "maxCapacity": 4, "secondsUntilAutoPause": 3600}),
    ],
)
def test_capacity(options, changed):
    made = cluster(**options)
    assert made["serverlessv2ScalingConfiguration"] == changed
    assert ("instance" in made["enabledCloudwatchLogsExports"]) == ("min_capacity" not in options)


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"data_api": True}, {"enableHttpEndpoint": True}),
        ({"ipv6": True}, {"networkType": "DUAL"}),
        ({"storage_type": "aurora-iopt1"}, {"storageType": "aurora-iopt1"}),
        (
            {"backup_days": 35, "backup_window": "03:00-04:00"},
            {"backupRetentionPeriod": 35, "preferredBackupWindow": "03:00-04:00"},
        ),
        ({"apply_immediately": False}, {"applyImmediately": False}),
        ({"insights": "advanced"}, {"databaseInsightsMode": "advanced", "performanceInsightsRetentionPeriod": 465}),
        ({"version": "18.6"}, {"engineVersion": "18.6", "autoMinorVersionUpgrade": False}),
        ({"allow_major_upgrade": True}, {"allowMajorVersionUpgrade": True}),
        ({"tags": {"team": "search"}}, {"tags": PLAIN["tags"] | {"team": "search"}}),
        (
            {"protect": True},
            {
                "deletionProtection": True,
                "skipFinalSnapshot": False,
                "deleteAutomatedBackups": False,
                "finalSnapshotIdentifier": "vectordb-dev-database-1-final",
            },
        ),
    ],
)
def test_each_option_changes_what_it_says_and_nothing_else(options, changed):
    assert cluster(**options) == PLAIN | changed


def test_insights_can_be_off():
    made = cluster(insights="off")
    assert made == {k: v for k, v in PLAIN.items() if not k.startswith("performanceInsights")} | {
        "performanceInsightsEnabled": False
    }


def test_provisioned_instances_have_no_capacity_and_all_have_the_class():
    built = aurora(known=True, instance_class="db.r8g.large", readers=2, maintenance_window="sun:04:30-sun:05:30")
    assert "serverlessv2ScalingConfiguration" not in built.only("Cluster").inputs
    assert built.only("Cluster").inputs["enabledCloudwatchLogsExports"] == ["postgresql", "iam-db-auth-error"]
    members = {
        name: built.only("ClusterInstance", name)
        for name in ("database-writer", "database-reader-1", "database-reader-2")
    }
    assert {name: r.inputs["promotionTier"] for name, r in members.items()} == {
        "database-writer": 0,
        "database-reader-1": 1,
        "database-reader-2": 2,
    }
    assert members["database-writer"].inputs == {
        "applyImmediately": True,
        "autoMinorVersionUpgrade": True,
        "caCertIdentifier": "rds-ca-rsa2048-g1",
        "clusterIdentifier": "id-database-cluster",
        "engine": "aurora-postgresql",
        "identifier": "vectordb-dev-database-1-writer",
        "instanceClass": "db.r8g.large",
        "preferredMaintenanceWindow": "sun:04:30-sun:05:30",
        "promotionTier": 0,
        "publiclyAccessible": False,
        "tags": {"Name": "database-writer", "Project": "vectordb", "Stack": "dev"},
    }
    for reader in ("database-reader-1", "database-reader-2"):
        assert built.waits_for(members[reader], "ClusterInstance", "database-writer")
        assert members[reader].inputs["instanceClass"] == "db.r8g.large"


def test_aws_keeps_a_major_current_and_an_exact_minor_stays():
    assert "engineVersion" in aurora(version="17").only("Cluster").ignore_changes
    assert "engineVersion" not in aurora(version="17.11").only("Cluster").ignore_changes
    assert "engineVersion" not in aurora(version="17", allow_major_upgrade=True).only("Cluster").ignore_changes
    assert aurora(version="17.11").only("ClusterInstance").inputs["autoMinorVersionUpgrade"] is False
    assert aurora(version="17").only("ClusterParameterGroup").inputs["family"] == "aurora-postgresql17"


def test_an_unknown_minor_is_warned_about_and_not_refused():
    built = aurora(version="18.99")
    assert built.only("Cluster").inputs["engineVersion"] == "18.99"
    assert [w.partition(";")[0] for w in built.warnings] == [
        "PostgreSQL 18.99 on aurora-postgresql was not offered on 2026-10-20"
    ]


def test_only_the_data_is_protected_and_the_rest_can_go():
    built = aurora(protect=True, readers=1)
    assert sorted(r.name for r in built.registrations if r.protect) == [
        "database-cluster",
        "database-reader-1",
        "database-writer",
    ]
    assert not [r.name for r in aurora().registrations if r.protect]


def test_logs_exist_before_the_cluster_with_retention_and_key():
    built = aurora(log_retention_days=90)
    for kind in ("postgresql", "iam-db-auth-error", "instance"):
        assert built.only("LogGroup", f"database-log-{kind}").inputs == {
            "name": f"/aws/rds/cluster/vectordb-dev-database-1/{kind}",
            "retentionInDays": 90,
            "kmsKeyId": "arn:key",
            "tags": {"Name": f"database-log-{kind}", "Project": "vectordb", "Stack": "dev"},
        }
        assert built.waits_for(built.only("Cluster"), "LogGroup", f"database-log-{kind}")


def test_enhanced_monitoring_has_a_role_for_these_instances_and_this_log():
    built = aurora(known=True, monitoring_seconds=60, reader_scaling_max=3)
    made = built.only("Cluster")
    assert (made.inputs["monitoringInterval"], made.inputs["monitoringRoleArn"]) == (
        60,
        role_arn("database-monitoring"),
    )
    assert built.waits_for(made, "RolePolicy", "database-monitoring")
    (trust,) = built.statements("Role", "database-monitoring", "assumeRolePolicy")
    assert trust["Principal"] == {"Service": "monitoring.rds.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {
            "aws:SourceArn": [
                CLUSTER_ARN,
                f"arn:aws:rds:eu-central-1:{ACCOUNT}:db:vectordb-dev-database-1-*",
                f"arn:aws:rds:eu-central-1:{ACCOUNT}:db:application-autoscaling-*",
            ]
        },
    }
    log = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:RDSOSMetrics"
    assert built.statements("RolePolicy", "database-monitoring") == [
        {"Effect": "Allow", "Action": ["logs:CreateLogGroup", "logs:PutRetentionPolicy"], "Resource": log},
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams", "logs:GetLogEvents"],
            "Resource": f"{log}:log-stream:*",
        },
    ]
    # An instance's own interval contradicts the cluster's, and the provider's default is one.
    assert "monitoringInterval" not in built.only("ClusterInstance").inputs
    assert built.only("ClusterInstance").ignore_changes == ("monitoringInterval", "monitoringRoleArn")


def test_outputs_are_one_shape():
    shape = ("endpoint", "reader_endpoint", "port", "database_name", "identifier", "resource_id", "arn", "secret_arn")
    built = aurora(
        known=True,
        then=lambda d: {name: getattr(d, name) for name in (*shape, "security_group_id", "invoker_role_arn")},
    )
    assert built.outputs == {
        "endpoint": "writer.example",
        "reader_endpoint": "reader.example",
        "port": 5432,
        "database_name": "vectordb",
        "identifier": "vectordb-dev-database-1",
        "resource_id": "cluster-ABC",
        "arn": CLUSTER_ARN,
        "secret_arn": "arn:secret",
        "security_group_id": "id-database-group",
        "invoker_role_arn": "",
    }


def test_the_identifier_is_known_before_the_cluster_is():
    built = aurora(then=lambda d: {"identifier": d.identifier, "arn": d.arn})
    assert built.outputs == {"identifier": "vectordb-dev-database-1", "arn": UNKNOWN}


@pytest.mark.parametrize(
    ("options", "inputs"),
    [
        ({"restore_snapshot": "s"}, {"snapshotIdentifier": "s"}),
        (
            {"restore_source": "old", "restore_time": "2026-01-31T12:00:00Z"},
            {"restoreToPointInTime": {"sourceClusterIdentifier": "old", "restoreToTime": "2026-01-31T12:00:00Z"}},
        ),
    ],
)
def test_a_restored_cluster_has_its_sources_content_and_says_what_comes_later(options, inputs):
    built = aurora(known=True, data_api=True, **options)
    left_out = {"databaseName", "masterUsername", "enableHttpEndpoint"}
    assert built.only("Cluster").inputs == {k: v for k, v in PLAIN.items() if k not in left_out} | inputs
    (warning,) = built.warnings
    assert "RDS leaves IAM logins, insights, the Data API off in that step." in warning
    assert "remove restore from the configuration and run `pulumi up` once more" in warning


def test_removing_the_restoration_afterwards_changes_nothing_that_cannot_change():
    ignored = {"snapshotIdentifier", "restoreToPointInTime", "databaseName", "masterUsername"}
    assert ignored <= set(aurora().only("Cluster").ignore_changes)
    assert aurora().only("Cluster").ignore_changes == aurora(restore_snapshot="s").only("Cluster").ignore_changes


def test_readers_follow_the_load_between_those_that_are_always_there_and_the_maximum():
    built = aurora(readers=2, reader_scaling_max=5, reader_scaling_cpu=70)
    target, policy = built.only("Target"), built.only("Policy")
    assert target.inputs == {
        "serviceNamespace": "rds",
        "scalableDimension": "rds:cluster:ReadReplicaCount",
        "resourceId": "cluster:vectordb-dev-database-1",
        "minCapacity": 2,
        "maxCapacity": 5,
        "tags": {"Name": "database-readers", "Project": "vectordb", "Stack": "dev"},
    }
    assert policy.inputs["targetTrackingScalingPolicyConfiguration"] == {
        "predefinedMetricSpecification": {"predefinedMetricType": "RDSReaderAverageCPUUtilization"},
        "targetValue": 70,
        "scaleInCooldown": 300,
        "scaleOutCooldown": 300,
    }
    for member in ("database-writer", "database-reader-1", "database-reader-2"):
        assert built.waits_for(target, "ClusterInstance", member)


def test_one_reader_is_kept_for_the_load_to_be_measured():
    assert aurora(reader_scaling_max=1).only("Target").inputs["minCapacity"] == 1
    with pytest.raises(ValueError, match=r"reader_scaling_max is 2; it must be 3 \(readers\) to 15"):
        aurora(readers=3, reader_scaling_max=2)


def test_named_clients_may_connect():
    built = aurora(known=True, clients={"application": "sg-app"})
    assert built.only("SecurityGroupIngressRule", "application-to-database-ingress").inputs == {
        "securityGroupId": "id-database-group",
        "referencedSecurityGroupId": "sg-app",
        "ipProtocol": "tcp",
        "fromPort": 5432,
        "toPort": 5432,
        "description": "application to database",
        "tags": {"Name": "application-to-database-ingress", "Project": "vectordb", "Stack": "dev"},
    }
    assert built.only("SecurityGroupEgressRule").inputs["securityGroupId"] == "sg-app"


def test_options_of_the_caller_reach_the_children():
    def make():
        AuroraDatabase("database", {**PLACE}, pulumi.ResourceOptions(protect=True))

    assert build(make).only("SubnetGroup").protect


def test_an_option_that_is_none_is_one_that_is_left_out():
    none = dict.fromkeys(["endpoint_security_group_id", "bedrock_security_group_id", "reader_scaling_max", "clients"])
    assert cluster(**none) == PLAIN
    with pytest.raises(ValueError, match="allow_invoke needs endpoint_security_group_id"):
        aurora(**none, then=lambda database: database.allow_invoke("arn:f:live") and None)
