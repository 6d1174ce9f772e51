"""Every shape that can be asked for: legal for RDS's own model, for the policies, and stable under changes that are none."""

import json
import re
from dataclasses import replace
from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pulumi.provider.experimental.component import ComponentProvider

from components.database.aurora import AuroraDatabase
from components.database.proxy import DatabaseProxy
from components.database.rds import RdsDatabase
from isolation.registry import RULES
from isolation.rule import ResourceRule
from tests.components.database.harness import PLACE, build
from tests.policy.support import messages, resource

# Where the provider's name is not RDS's with its words joined.
RENAMED = {
    "Cluster": {
        "clusterIdentifier": "DBClusterIdentifier",
        "dbClusterParameterGroupName": "DBClusterParameterGroupName",
        "dbSubnetGroupName": "DBSubnetGroupName",
        "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
        "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
        "performanceInsightsEnabled": "EnablePerformanceInsights",
        "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
        "serverlessv2ScalingConfiguration": "ServerlessV2ScalingConfiguration",
    },
    "Instance": {
        "identifier": "DBInstanceIdentifier",
        "instanceClass": "DBInstanceClass",
        "parameterGroupName": "DBParameterGroupName",
        "dbSubnetGroupName": "DBSubnetGroupName",
        "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
        "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
        "performanceInsightsEnabled": "EnablePerformanceInsights",
        "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
        "caCertIdentifier": "CACertificateIdentifier",
        "backupWindow": "PreferredBackupWindow",
        "maintenanceWindow": "PreferredMaintenanceWindow",
        "username": "MasterUsername",
        "dbName": "DBName",
        "multiAz": "MultiAZ",
    },
    "ClusterInstance": {
        "identifier": "DBInstanceIdentifier",
        "clusterIdentifier": "DBClusterIdentifier",
        "instanceClass": "DBInstanceClass",
        "caCertIdentifier": "CACertificateIdentifier",
    },
    "Proxy": {"name": "DBProxyName", "requireTls": "RequireTLS"},
}
# What is asked of other operations (Modify, Delete), or in another form.
ELSEWHERE = {
    "applyImmediately",
    "allowMajorVersionUpgrade",
    "skipFinalSnapshot",
    "finalSnapshotIdentifier",
    "deleteAutomatedBackups",
    "tags",
}
OPERATIONS = {
    "Cluster": "CreateDBCluster",
    "Instance": "CreateDBInstance",
    "ClusterInstance": "CreateDBInstance",
    "Proxy": "CreateDBProxy",
}
RDS = botocore.session.get_session().get_service_model("rds")


def as_rds_has_it(kind, inputs):
    named = {}
    for key, value in inputs.items():
        if key not in ELSEWHERE:
            named[RENAMED[kind].get(key, key[0].upper() + key[1:])] = value
    if scaling := named.get("ServerlessV2ScalingConfiguration"):
        named["ServerlessV2ScalingConfiguration"] = {key[0].upper() + key[1:]: value for key, value in scaling.items()}
    return named


def problems(registration):
    """What RDS's model says against the arguments: unknown names, wrong types, values that are not offered."""
    kind = registration.type.rpartition(":")[2]
    shape = RDS.operation_model(OPERATIONS[kind]).input_shape
    given_ = as_rds_has_it(kind, registration.inputs)
    found = [error for error in [ParamValidator().validate(given_, shape).generate_report()] if error]
    for name, value in given_.items():
        allowed = getattr(shape.members.get(name), "enum", None)
        if allowed and value not in allowed:
            found.append(f"{name} is {value!r}, not one of {allowed}")
    return found


common = {
    "version": st.sampled_from(["16", "17", "18", "17.11", "18.6"]),
    "protect": st.booleans(),
    "generation": st.integers(1, 9999),
    "cron": st.booleans(),
    "preload_libraries": st.lists(st.sampled_from(["pgaudit", "auto_explain"]), max_size=2),
    "parameters": st.dictionaries(st.sampled_from(["work_mem", "max_connections"]), st.just("100"), max_size=2),
    "insights": st.sampled_from(["standard", "advanced", "off"]),
    "monitoring_seconds": st.sampled_from([0, 1, 60]),
    "backup_days": st.integers(1, 35),
    "backup_window": st.just("03:00-04:00"),
    "maintenance_window": st.just("sun:04:30-sun:05:30"),
    "ipv6": st.booleans(),
    "endpoint_security_group_id": st.just("sg-e"),
    "functions": st.just({"invoke": "arn:f:live"}),
    "clients": st.just({"application": "sg-app"}),
    "partition": st.sampled_from(["aws", "aws-cn", "aws-us-gov"]),
}
reaching = ("endpoint_security_group_id", "functions")
aurora = {
    "instance_class": st.sampled_from(["db.serverless", "db.r8g.large", "db.t4g.medium"]),
    "min_capacity": st.sampled_from([0, 0.5, 8]),
    "max_capacity": st.sampled_from([8, 256]),
    "readers": st.integers(0, 3),
    "reader_scaling_max": st.integers(3, 15),
    "data_api": st.booleans(),
    "storage_type": st.sampled_from(["aurora", "aurora-iopt1"]),
}
rds = {
    "instance_class": st.sampled_from(["db.t4g.small", "db.r8g.2xlarge"]),
    "allocated_storage": st.integers(100, 65536),
    "storage_type": st.sampled_from(["gp3", "io1", "io2"]),
    "multi_az": st.booleans(),
}


def shapes(own):
    options = common | own
    needed = {key: options[key] for key in reaching}
    optional = {key: value for key, value in options.items() if key not in reaching}
    return st.one_of(st.fixed_dictionaries({}, optional=optional), st.fixed_dictionaries(needed, optional=optional))


def make(aurora_options, rds_options):
    database = AuroraDatabase("database", {**PLACE, **aurora_options})
    RdsDatabase("rds", {**PLACE, **rds_options})
    place = {key: PLACE[key] for key in ("vpc_id", "subnet_ids", "key_arn", "account", "partition", "region")}
    target = {
        "kind": "aurora",
        "identifier": database.identifier,
        "resource_id": database.resource_id,
        "security_group_id": database.security_group_id,
    }
    DatabaseProxy("proxy", {**place, **target, "users": ["vectordb_app"]})


ROOT = Path(__file__).parents[3]
judged = [rule for rule in RULES if isinstance(rule, ResourceRule)]
RELAXED = json.loads((ROOT / "policy" / "config.dev.json").read_text()) | {"ipv6-only-when-asked": {"allowed": True}}
"""What a stack that is thrown away may do without, and what some shapes ask for."""


# Each example builds three components: shrinking a failure would take minutes.
@settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(shapes(aurora), shapes(rds), st.booleans())
def test_every_shape_is_legal_and_passes_the_policies(aurora_options, rds_options, known):
    built = build(lambda: make(aurora_options, rds_options), known=known)
    urns = [r.urn for r in built.registrations]
    assert len(urns) == len(set(urns))
    for registration in built.registrations:
        kind = registration.type.rpartition(":")[2]
        if kind in OPERATIONS:
            assert problems(registration) == []
        if not registration.custom:
            continue
        path = registration.type.removeprefix("aws:").rpartition(":")[0]
        asked = resource(path, registration.inputs, registration.name)
        for rule in (rule for rule in judged if registration.type in rule.checks):
            assert messages(rule, replace(asked, settings=rule.defaults | RELAXED.get(rule.id, {}))) == []
        if kind == "Role" and known:
            (trust,) = json.loads(registration.inputs["assumeRolePolicy"])["Statement"]
            assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": PLACE["account"]}
            assert "aws:SourceArn" in trust["Condition"]["ArnLike"]


def test_the_check_of_the_model_notices_a_wrong_name_and_a_wrong_type():
    cluster = build(lambda: make({}, {})).only("Cluster")
    cluster.inputs["backupRetentionPeriod"] = "7"
    cluster.inputs["nonsense"] = 1
    (report,) = problems(cluster)
    assert "Unknown parameter in input" in report
    assert "Invalid type for parameter BackupRetentionPeriod" in report


# The provider's inputs that replace what has them (terraform-provider-aws, ForceNew in cluster.go, cluster_instance.go,
# instance.go, proxy.go), as far as these components set them.
REPLACING = {
    "Cluster": {"clusterIdentifier", "databaseName", "dbSubnetGroupName", "engine", "kmsKeyId", "masterUsername"}
    | {"storageEncrypted"},
    "ClusterInstance": {"identifier", "clusterIdentifier", "engine"},
    "Instance": {"identifier", "dbName", "engine", "kmsKeyId", "storageEncrypted", "username"},
    "Proxy": {"engineFamily", "vpcSubnetIds"},
}
HARMLESS = {
    "tags": {"team": "search"},
    "backup_days": 14,
    "insights": "advanced",
    "monitoring_seconds": 60,
    "parameters": {"work_mem": "65536"},
    "preload_libraries": ["pgaudit"],
    "version": "17",
    "protect": True,
    "log_retention_days": 90,
    "apply_immediately": False,
    "certificate_authority": "rds-ca-ecc384-g1",
    "restore_snapshot": "s",
    "endpoint_security_group_id": "sg-e",
}


@pytest.mark.parametrize("option", HARMLESS)
def test_no_change_but_a_generation_replaces_a_database(option):
    def fixed(options):
        built = build(lambda: make(options, options), known=True)
        return {
            r.urn: {k: r.inputs.get(k) for k in REPLACING[kind] if k not in r.ignore_changes}
            for r in built.registrations
            if (kind := r.type.rpartition(":")[2]) in REPLACING
        }

    assert fixed({}) == fixed({option: HARMLESS[option]})


def test_another_generation_makes_another_database():
    def identifiers(options):
        built = build(lambda: make(options, options))
        kinds = ("Cluster", "ClusterInstance", "Instance")
        found = [r.inputs for r in built.registrations if r.type.rpartition(":")[2] in kinds]
        return {inputs.get("identifier", inputs.get("clusterIdentifier")) for inputs in found}

    assert identifiers({"generation": 2}) == {
        "vectordb-dev-database-2",
        "vectordb-dev-database-2-writer",
        "vectordb-dev-rds-2",
    }
    assert not identifiers({}) & identifiers({"generation": 2})


def test_other_languages_can_use_the_components():
    schema = json.loads(
        ComponentProvider([AuroraDatabase, RdsDatabase, DatabaseProxy], "vectordb", None, "0.1.0").schema
    )
    resources = {name.rpartition(":")[2]: made for name, made in schema["resources"].items()}
    needed = {"vpcId", "subnetIds", "keyArn", "account", "partition", "region", "version"}
    assert set(resources["AuroraDatabase"]["requiredInputs"]) == needed
    assert set(resources["RdsDatabase"]["requiredInputs"]) == needed
    shape = set(resources["RdsDatabase"]["properties"])
    assert shape == {
        "arn",
        "databaseName",
        "endpoint",
        "identifier",
        "invokerRoleArn",
        "port",
        "readerEndpoint",
        "resourceId",
        "secretArn",
        "securityGroupId",
    }
    assert set(resources["AuroraDatabase"]["properties"]) == shape | {"bedrockRoleArn"}
    plain = {name for name, made in resources["AuroraDatabase"]["inputProperties"].items() if made.get("plain")}
    assert "version" in plain
    assert "keyArn" not in plain
    assert not [name for name in shape if re.search("cluster|instance|ready", name)]
