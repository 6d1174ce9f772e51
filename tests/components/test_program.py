"""The program as a whole: exact resources and inputs of what it registers. Any configuration: tests/components/family."""

import json

import pytest

from tests.components.recorded import all_of, only, record
from vectordb.plan.recording import UNKNOWN


@pytest.fixture(scope="module")
def dev():
    return record()


def policy(resource, key="policy"):
    """A policy document that was known at plan time."""
    return json.loads(resource.inputs[key])["Statement"]


def test_every_resource_of_the_dev_stack(dev):
    assert sorted((r.type.rpartition(":")[2], r.name) for r in dev.resources if r.custom) == [
        ("Alias", "bridge-live"),
        ("Alias", "encryption-alias"),
        ("Cluster", "database-cluster"),
        ("ClusterInstance", "database-writer"),
        ("ClusterParameterGroup", "database-parameters"),
        ("ClusterRoleAssociation", "database-invoke"),
        ("Command", "sql-apply"),
        ("Command", "text-search-apply"),
        ("Dashboard", "observability-dashboard"),
        ("DefaultNetworkAcl", "network-default"),
        ("DefaultRouteTable", "network-default"),
        ("DefaultSecurityGroup", "network-default"),
        ("Document", "bastion-forward"),
        ("EventSubscription", "observability-database-events"),
        ("EventSubscription", "observability-database-instances-events"),
        ("FlowLog", "network-flows"),
        ("Function", "bridge-function"),
        ("Instance", "bastion-instance"),
        ("InstanceProfile", "bastion-profile"),
        ("Key", "encryption-key"),
        ("LogGroup", "bridge-logs"),
        ("LogGroup", "database-log-iam-db-auth-error"),
        ("LogGroup", "database-log-instance"),
        ("LogGroup", "database-log-postgresql"),
        ("LogGroup", "network-flows"),
        ("MetricAlarm", "observability-bastion-status"),
        ("MetricAlarm", "observability-bridge-duration"),
        ("MetricAlarm", "observability-bridge-errors"),
        ("MetricAlarm", "observability-bridge-throttles"),
        ("MetricAlarm", "observability-database-capacity"),
        ("MetricAlarm", "observability-database-connections"),
        ("MetricAlarm", "observability-database-memory"),
        ("MetricAlarm", "observability-database-transactions"),
        ("NetworkAcl", "network-isolated"),
        ("Policy", "bastion-connect"),
        ("Policy", "users-vectordb_app"),
        ("Role", "bastion-role"),
        ("Role", "bridge-role"),
        ("Role", "database-invoke"),
        ("Role", "network-flows"),
        ("RolePolicy", "bastion-agent"),
        ("RolePolicy", "bridge-read"),
        ("RolePolicy", "database-invoke"),
        ("RolePolicy", "network-flows"),
        ("RouteTable", "network-isolated"),
        ("RouteTableAssociation", "network-isolated-1"),
        ("RouteTableAssociation", "network-isolated-2"),
        ("SecurityGroup", "bastion-group"),
        ("SecurityGroup", "database-group"),
        ("SecurityGroup", "network-lambda"),
        ("SecurityGroup", "network-ssm"),
        ("SecurityGroup", "network-ssmmessages"),
        ("SecurityGroupEgressRule", "bastion-to-database-egress"),
        ("SecurityGroupEgressRule", "bastion-to-s3"),
        ("SecurityGroupEgressRule", "bastion-to-ssm-egress"),
        ("SecurityGroupEgressRule", "bastion-to-ssmmessages-egress"),
        ("SecurityGroupEgressRule", "database-to-endpoints-egress"),
        ("SecurityGroupIngressRule", "bastion-to-database-ingress"),
        ("SecurityGroupIngressRule", "bastion-to-ssm-ingress"),
        ("SecurityGroupIngressRule", "bastion-to-ssmmessages-ingress"),
        ("SecurityGroupIngressRule", "database-to-endpoints-ingress"),
        ("Subnet", "network-isolated-1"),
        ("Subnet", "network-isolated-2"),
        ("SubnetGroup", "database-subnets"),
        ("Topic", "observability-topic"),
        ("TopicPolicy", "observability-topic"),
        ("VectorsIndex", "vectors-stdlib"),
        ("VectorsVectorBucket", "vectors-bucket"),
        ("VectorsVectorBucketPolicy", "vectors-policy"),
        ("Vpc", "network-vpc"),
        ("VpcEndpoint", "network-lambda"),
        ("VpcEndpoint", "network-s3"),
        ("VpcEndpoint", "network-ssm"),
        ("VpcEndpoint", "network-ssmmessages"),
        ("VpcEndpointPolicy", "bastion-s3"),
        ("VpcEndpointPolicy", "bastion-ssm"),
        ("VpcEndpointPolicy", "bastion-ssmmessages"),
        ("VpcEndpointPolicy", "network-lambda"),
    ]


def test_every_child_is_named_after_its_component_or_the_flow_it_is_part_of(dev):
    owners = {r.urn: r.name for r in dev.components()}
    for resource in dev.resources:
        if resource.custom:
            assert resource.name.startswith((owners[resource.parent], "bastion-to-database")), resource.urn


def test_the_database_is_private_encrypted_and_without_a_password(dev):
    cluster = dict(only(dev, "Cluster").inputs)
    assert cluster.pop("tags") == {"Name": "database-cluster", "Project": "vectordb", "Stack": "dev"}
    assert cluster == {
        "clusterIdentifier": "vectordb-dev-database-1",
        "engine": "aurora-postgresql",
        "engineVersion": "18",
        "autoMinorVersionUpgrade": True,
        "allowMajorVersionUpgrade": False,
        "databaseName": "vectordb",
        "masterUsername": "vectordb_admin",
        "manageMasterUserPassword": True,
        "masterUserSecretKmsKeyId": UNKNOWN,
        "storageEncrypted": True,
        "kmsKeyId": UNKNOWN,
        "iamDatabaseAuthenticationEnabled": True,
        "enableHttpEndpoint": False,
        "dbSubnetGroupName": UNKNOWN,
        "vpcSecurityGroupIds": [UNKNOWN],
        "networkType": "IPV4",
        "dbClusterParameterGroupName": UNKNOWN,
        "serverlessv2ScalingConfiguration": {"minCapacity": 0, "maxCapacity": 4, "secondsUntilAutoPause": 300},
        "enabledCloudwatchLogsExports": ["postgresql", "iam-db-auth-error", "instance"],
        "databaseInsightsMode": "standard",
        "performanceInsightsEnabled": True,
        "performanceInsightsKmsKeyId": UNKNOWN,
        "performanceInsightsRetentionPeriod": 7,
        "monitoringInterval": 0,
        "backupRetentionPeriod": 7,
        "copyTagsToSnapshot": True,
        "deleteAutomatedBackups": True,
        "deletionProtection": False,
        "skipFinalSnapshot": True,
        "engineLifecycleSupport": "open-source-rds-extended-support-disabled",
        "applyImmediately": True,
    }
    assert sorted(only(dev, "Cluster").ignore_changes) == [
        "databaseName",
        "engineVersion",
        "masterUsername",
        "restoreToPointInTime",
        "snapshotIdentifier",
    ]
    writer = only(dev, "ClusterInstance").inputs
    assert (writer["instanceClass"], writer["publiclyAccessible"], writer["caCertIdentifier"]) == (
        "db.serverless",
        False,
        "rds-ca-rsa2048-g1",
    )


@pytest.mark.parametrize("version", ["16", "17", "18"])
def test_parameters_force_tls_and_leave_time_for_the_function(version):
    recording = record(database={"version": version})
    group = only(recording, "ClusterParameterGroup").inputs
    values = {item["name"]: item["value"] for item in group["parameters"]}
    assert group["family"] == f"aurora-postgresql{version}"
    assert values["rds.force_ssl"] == "1"
    function_ms = only(recording, "Function").inputs["timeout"] * 1000
    assert int(values["aws_lambda.request_timeout_ms"]) > function_ms > int(values["aws_lambda.connect_timeout_ms"])
    # A static one cannot be immediate, nor one whose value is AWS's default (see components/database/parameters.py).
    assert [item["name"] for item in group["parameters"] if item["applyMethod"] == "pending-reboot"] == [
        "rds.force_ssl",
        "shared_preload_libraries",
        "track_io_timing",
    ]


def test_auto_pause_is_asked_for_only_where_it_exists():
    scaling = only(record(database={"minCapacity": 0.5}), "Cluster").inputs["serverlessv2ScalingConfiguration"]
    assert scaling == {"minCapacity": 0.5, "maxCapacity": 4}


def test_protection_covers_everything_that_holds_data():
    recording = record(database={"protect": True})
    cluster = only(recording, "Cluster").inputs
    assert (cluster["deletionProtection"], cluster["skipFinalSnapshot"], cluster["deleteAutomatedBackups"]) == (
        True,
        False,
        False,
    )
    assert cluster["finalSnapshotIdentifier"] == "vectordb-dev-database-1-final"
    again = only(record(database={"protect": True, "generation": 2}), "Cluster").inputs
    assert again["finalSnapshotIdentifier"] == "vectordb-dev-database-2-final"
    assert sorted(r.name for r in recording.resources if r.protect) == [
        "database-cluster",
        "database-writer",
        "encryption-key",
        "vectors-bucket",
        "vectors-stdlib",
    ]
    assert only(recording, "Key").retain_on_delete
    assert not any(r.protect or r.retain_on_delete for r in record().resources)


def test_an_index_of_a_fixed_name_goes_before_its_successor_comes(dev):
    assert [r.name for r in dev.resources if r.delete_before_replace] == ["vectors-stdlib"]


def test_each_flow_is_a_pair_of_rules_between_groups_and_only_s3_is_a_prefix_list(dev):
    rules = all_of(dev, "SecurityGroupEgressRule") | all_of(dev, "SecurityGroupIngressRule")
    ports = {
        name: (rule.inputs["fromPort"], rule.inputs["toPort"], rule.inputs["ipProtocol"])
        for name, rule in rules.items()
    }
    assert ports == {
        "bastion-to-database-egress": (5432, 5432, "tcp"),
        "bastion-to-database-ingress": (5432, 5432, "tcp"),
        "bastion-to-s3": (443, 443, "tcp"),
        "bastion-to-ssm-egress": (443, 443, "tcp"),
        "bastion-to-ssm-ingress": (443, 443, "tcp"),
        "bastion-to-ssmmessages-egress": (443, 443, "tcp"),
        "bastion-to-ssmmessages-ingress": (443, 443, "tcp"),
        "database-to-endpoints-egress": (443, 443, "tcp"),
        "database-to-endpoints-ingress": (443, 443, "tcp"),
    }
    assert [name for name, rule in rules.items() if "prefixListId" in rule.inputs] == ["bastion-to-s3"]
    assert not [name for name, rule in rules.items() if {"cidrIpv4", "cidrIpv6"} & rule.inputs.keys()]
    assert all(rule.inputs["description"] for rule in rules.values())
    assert not any({"ingress", "egress"} & group.inputs.keys() for group in all_of(dev, "SecurityGroup").values())


def test_interface_endpoints_have_private_dns_and_a_policy_of_their_own(dev):
    endpoints = all_of(dev, "VpcEndpoint")
    interface = [e for e in endpoints.values() if e.inputs["vpcEndpointType"] == "Interface"]
    assert sorted(e.inputs["serviceName"] for e in interface) == [
        "com.amazonaws.us-east-1.lambda",
        "com.amazonaws.us-east-1.ssm",
        "com.amazonaws.us-east-1.ssmmessages",
    ]
    assert all(e.inputs["privateDnsEnabled"] and len(e.inputs["subnetIds"]) == 1 for e in interface)
    assert len(all_of(dev, "VpcEndpointPolicy")) == len(endpoints)
    assert policy(only(dev, "VpcEndpointPolicy", "bastion-s3")) == [
        {
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::al2023-repos-us-east-1-de612dc2/*",
            "Principal": "*",
        }
    ]


def test_the_bastion_has_no_key_no_door_and_no_second_hop(dev):
    instance = only(dev, "Instance").inputs
    assert instance["associatePublicIpAddress"] is False
    assert "keyName" not in instance
    assert instance["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    assert instance["rootBlockDevice"]["encrypted"] is True
    ingress = {name for name in all_of(dev, "SecurityGroupIngressRule") if name.endswith("to-bastion-ingress")}
    assert ingress == set()


def test_without_a_bastion_its_endpoints_are_gone_too():
    recording = record(bastion=False, transport="direct")
    # Amazon Linux's packages were the only use of S3's.
    assert sorted(all_of(recording, "VpcEndpoint")) == ["network-lambda"]
    assert not all_of(recording, "Instance")
    environment = only(recording, "Command", "sql-apply").inputs["environment"]
    assert environment["VECTORDB_TRANSPORT"] == "direct"
    assert "VECTORDB_BASTION_ID" not in environment


def test_the_function_is_small_and_outside_the_network(dev):
    function = only(dev, "Function").inputs
    assert (function["runtime"], function["architectures"], function["publish"]) == ("python3.13", ["arm64"], True)
    assert (function["timeout"], function["memorySize"], function["handler"]) == (20, 1024, "handler.handle")
    assert "vpcConfig" not in function
    assert function["loggingConfig"]["logFormat"] == "JSON"
    assert only(dev, "LogGroup", "bridge-logs").inputs["name"] == "/aws/lambda/vectordb-dev-bridge"


def test_the_step_has_no_triggers_no_delete_and_nothing_of_this_machine(dev):
    step = only(dev, "Command", "sql-apply").inputs
    assert step["create"] == 'exec "${VECTORDB_PYTHON:-.venv/bin/python}" -m vectordb migrate apply'
    assert (step["dir"], step["addPreviousOutputInEnv"]) == (".", False)
    assert not {"triggers", "delete", "update", "stdin"} & step.keys()
    assert "/" not in "".join(v for k, v in step["environment"].items() if k != "VECTORDB_USERS")
    assert json.loads(step["environment"]["VECTORDB_USERS"]) == [{"name": "vectordb_app", "access": "writer"}]


def test_the_step_waits_for_writer_rules_endpoints_and_association(dev):
    waits = {urn.rpartition("::")[2] for urn in only(dev, "SqlSchema").dependencies} | {
        urn.rpartition("::")[2] for urn in only(dev, "Command", "sql-apply").dependencies
    }
    assert {
        "database-writer",
        "database-invoke",
        "bastion-to-database-ingress",
        "bastion-to-database-egress",
        "database-to-endpoints-egress",
        "bastion-instance",
    } <= waits


def test_the_key_admits_the_account_and_the_services_that_use_it_in_their_own_name(dev):
    statements = policy(only(dev, "Key"))
    publishers = ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"]
    assert sorted((s["Sid"], s["Principal"]) for s in statements) == [
        ("AccountThroughIam", {"AWS": "arn:aws:iam::123456789012:root"}),
        ("Logs", {"Service": "logs.us-east-1.amazonaws.com"}),
        ("Publishers", {"Service": publishers}),
        ("VectorIndexing", {"Service": "indexing.s3vectors.amazonaws.com"}),
    ]
    assert [s["Sid"] for s in statements if "Condition" not in s] == ["AccountThroughIam"]


@pytest.mark.parametrize(
    ("keys", "services"),
    [
        ({"indexes": []}, ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"]),
        (
            {"indexes": [], "observability": {"budget": 50}},
            ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com", "budgets.amazonaws.com"],
        ),
        ({"indexes": [], "observability": {"enabled": False, "budget": 50}}, []),
    ],
)
def test_the_key_admits_no_service_that_is_switched_off(keys, services):
    # KMS refuses the whole policy for one principal that a partition does not have.
    statements = {s["Sid"]: s["Principal"] for s in policy(only(record(**keys), "Key"))}
    assert sorted(statements) == ["AccountThroughIam", "Logs", *(["Publishers"] if services else [])]
    assert statements.get("Publishers", {"Service": []}) == {"Service": services}


def test_other_partitions_have_their_own_arns():
    recording = record(aws__region="us-gov-west-1")
    (account,) = [s for s in policy(only(recording, "Key")) if s["Sid"] == "AccountThroughIam"]
    assert account["Principal"] == {"AWS": "arn:aws-us-gov:iam::123456789012:root"}
    assert "arn:aws:" not in json.dumps([r.inputs for r in recording.resources])


def test_a_final_snapshot_outlives_the_protection_that_a_destruction_lifts_first():
    made = record(database={"engine": "both", "protect": False, "finalSnapshot": True})
    for kind in ("Cluster", "Instance"):
        (database,) = [r for r in made.resources if r.type == f"aws:rds/{kind.lower()}:{kind}"]
        assert database.inputs["deletionProtection"] is False
        assert database.inputs["skipFinalSnapshot"] is False
        assert database.inputs["finalSnapshotIdentifier"].endswith("-1-final")
        assert database.inputs["deleteAutomatedBackups"] is False
        assert not database.protect
    key = only(made, "Key")
    assert (key.protect, key.retain_on_delete) == (False, True)


def test_without_it_nothing_stays():
    made = record(database={"engine": "both"})
    assert only(made, "Cluster").inputs["skipFinalSnapshot"] is True
    assert only(made, "Key").retain_on_delete is False
