"""What proves that a data store is encrypted, and what does not."""

import json
import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from isolation.encryption.proof import AWS_KEY, NO_KEY, PROVEN, UNKNOWN, UNPROVEN
from isolation.encryption.stores import KINDS, UNREAD, stores
from isolation.facts.encrypted import facts
from isolation.reachability.declared import FOLDER
from isolation.reachability.holders import HOLDERS
from isolation.rule import Resource, aws
from isolation.stack import Stack
from tests.policy.reachability.plans import both, make
from tests.policy.support import UNKNOWN as UNKNOWN_VALUE
from tests.policy.support import secret, stack_rule

KEY = make("kms/key", "own")
REFERENCED = {
    path
    for folder in ("reachability", "encryption")
    for file in (FOLDER / "isolation" / folder).glob("*.py")
    for path in re.findall(r'"([a-z0-9]+/[a-z][A-Za-z0-9]+)"', file.read_text())
}
"""Every type that a module of the two packages names."""
OWN = "key-own"
FORCED = [{"name": "rds.force_ssl", "value": "1", "applyMethod": "pending-reboot"}]


def refusing(service: str, arn: str = "arn:aws:x:::y", **changes: Any) -> str:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": f"{service}:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | changes]})


def groups(kind: str, parameters: Any = FORCED) -> Resource:
    return make(f"rds/{kind}", "parameters", parameters=parameters)


CLUSTER = {
    "engine": "aurora-postgresql",
    "storageEncrypted": True,
    "kmsKeyId": OWN,
    "dbClusterParameterGroupName": "clusterParameterGroup-parameters",
}
INSTANCE = {
    "engine": "postgres",
    "storageEncrypted": True,
    "kmsKeyId": OWN,
    "parameterGroupName": "parameterGroup-parameters",
}
VECTORS = {"vectorBucketName": "vectors", "encryptionConfigurations": [{"sseType": "aws:kms", "kmsKeyArn": OWN}]}
BUCKET_POLICY = make("s3/bucketPolicy", "p", bucket="bucket-s", policy=refusing("s3"))
VECTOR_POLICY = make(
    "s3/vectorsVectorBucketPolicy", "p", vectorBucketArn="vectorsVectorBucket-s", policy=refusing("s3vectors")
)
AT_REST = make(
    "s3/bucketServerSideEncryptionConfiguration",
    "e",
    bucket="bucket-s",
    rules=[{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": OWN}}],
)
SEARCH = {
    "encryptAtRest": {"enabled": True, "kmsKeyId": OWN},
    "nodeToNodeEncryption": {"enabled": True},
    "domainEndpointOptions": {"enforceHttps": True},
}

# type, properties, what is beside it, at rest, key, in transit
ROWS: list[tuple[str, dict[str, Any], list[Resource], str, str, str]] = [
    ("rds/cluster", CLUSTER, [groups("clusterParameterGroup")], PROVEN, "own", PROVEN),
    ("rds/cluster", CLUSTER, [groups("clusterParameterGroup", [])], PROVEN, "own", UNPROVEN),
    ("rds/cluster", CLUSTER, [groups("clusterParameterGroup", [UNKNOWN_VALUE])], PROVEN, "own", UNKNOWN),
    ("rds/cluster", CLUSTER | {"dbClusterParameterGroupName": None}, [], PROVEN, "own", UNPROVEN),
    (
        "rds/cluster",
        CLUSTER | {"dbClusterParameterGroupName": "default.aurora-postgresql17"},
        [],
        PROVEN,
        "own",
        UNPROVEN,
    ),
    ("rds/cluster", CLUSTER | {"engine": "aurora-mysql"}, [groups("clusterParameterGroup")], PROVEN, "own", UNPROVEN),
    ("rds/cluster", CLUSTER | {"storageEncrypted": None}, [groups("clusterParameterGroup")], UNPROVEN, NO_KEY, PROVEN),
    (
        "rds/cluster",
        CLUSTER | {"storageEncrypted": UNKNOWN_VALUE},
        [groups("clusterParameterGroup")],
        UNKNOWN,
        "",
        PROVEN,
    ),
    ("rds/cluster", CLUSTER | {"kmsKeyId": None}, [groups("clusterParameterGroup")], PROVEN, AWS_KEY, PROVEN),
    ("rds/instance", INSTANCE, [groups("parameterGroup")], PROVEN, "own", PROVEN),
    ("rds/instance", INSTANCE, [groups("parameterGroup", [FORCED[0] | {"value": "0"}])], PROVEN, "own", UNPROVEN),
    ("rds/instance", INSTANCE | {"parameterGroupName": UNKNOWN_VALUE}, [], PROVEN, "own", UNKNOWN),
    ("s3/bucket", {}, [BUCKET_POLICY, AT_REST], PROVEN, "own", PROVEN),
    ("s3/bucket", {}, [], PROVEN, AWS_KEY, UNPROVEN),
    ("s3/bucket", {"policy": refusing("s3")}, [], PROVEN, AWS_KEY, PROVEN),
    ("s3/bucket", {"policy": refusing("s3", Effect="Allow")}, [], PROVEN, AWS_KEY, UNPROVEN),
    ("s3/bucket", {"policy": refusing("s3", Action="s3:GetObject")}, [], PROVEN, AWS_KEY, UNPROVEN),
    ("s3/bucket", {"policy": refusing("s3", Principal={"AWS": "123456789012"})}, [], PROVEN, AWS_KEY, UNPROVEN),
    ("s3/bucket", {"policy": "nonsense"}, [], PROVEN, AWS_KEY, UNPROVEN),
    ("s3/bucket", {"policy": UNKNOWN_VALUE}, [], PROVEN, AWS_KEY, UNKNOWN),
    ("s3/bucketV2", {"policy": refusing("s3")}, [], PROVEN, AWS_KEY, PROVEN),
    ("s3/vectorsVectorBucket", VECTORS, [VECTOR_POLICY], PROVEN, "own", PROVEN),
    ("s3/vectorsVectorBucket", {}, [], PROVEN, AWS_KEY, UNPROVEN),
    ("s3/vectorsVectorBucket", {"encryptionConfigurations": UNKNOWN_VALUE}, [VECTOR_POLICY], UNKNOWN, "", PROVEN),
    ("s3/vectorsIndex", VECTORS, [], PROVEN, "own", UNPROVEN),
    ("sqs/queue", {"kmsMasterKeyId": OWN, "policy": refusing("sqs")}, [], PROVEN, "own", PROVEN),
    (
        "sqs/queue",
        {},
        [make("sqs/queuePolicy", "p", queueUrl="queue-s", policy=refusing("sqs"))],
        PROVEN,
        AWS_KEY,
        PROVEN,
    ),
    ("sqs/queue", {"sqsManagedSseEnabled": False}, [], UNPROVEN, NO_KEY, UNPROVEN),
    ("sqs/queue", {"sqsManagedSseEnabled": UNKNOWN_VALUE, "policy": UNKNOWN_VALUE}, [], UNKNOWN, NO_KEY, UNKNOWN),
    ("sns/topic", {"kmsMasterKeyId": OWN, "policy": refusing("sns")}, [], PROVEN, "own", PROVEN),
    (
        "sns/topic",
        {"kmsMasterKeyId": "alias/aws/sns"},
        [make("sns/topicPolicy", "p", arn="topic-s", policy=refusing("sns", Action="sns:Publish"))],
        PROVEN,
        AWS_KEY,
        PROVEN,
    ),
    ("sns/topic", {}, [], UNPROVEN, NO_KEY, UNPROVEN),
    ("secretsmanager/secret", {}, [], PROVEN, AWS_KEY, PROVEN),
    (
        "secretsmanager/secret",
        {"kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1"},
        [],
        PROVEN,
        "a key of another stack",
        PROVEN,
    ),
    ("ssm/parameter", {"type": "SecureString", "keyId": OWN}, [], PROVEN, "own", PROVEN),
    ("ssm/parameter", {"type": "String"}, [], UNPROVEN, NO_KEY, PROVEN),
    ("ssm/parameter", {"type": UNKNOWN_VALUE}, [], UNKNOWN, "", PROVEN),
    ("cloudwatch/logGroup", {"kmsKeyId": OWN}, [], PROVEN, "own", PROVEN),
    ("cloudwatch/logGroup", {}, [], PROVEN, AWS_KEY, PROVEN),
    ("lambda/function", {"kmsKeyArn": OWN}, [], PROVEN, "own", PROVEN),
    ("ebs/volume", {"encrypted": True, "kmsKeyId": OWN}, [], PROVEN, "own", PROVEN),
    ("ebs/volume", {}, [], UNPROVEN, NO_KEY, UNPROVEN),
    (
        "efs/fileSystem",
        {"encrypted": True},
        [make("efs/fileSystemPolicy", "p", fileSystemId="fileSystem-s", policy=refusing("elasticfilesystem"))],
        PROVEN,
        AWS_KEY,
        PROVEN,
    ),
    ("efs/fileSystem", {}, [], UNPROVEN, NO_KEY, UNPROVEN),
    ("opensearch/domain", SEARCH, [], PROVEN, "own", PROVEN),
    ("opensearch/domain", SEARCH | {"domainEndpointOptions": {}}, [], PROVEN, "own", UNPROVEN),
    ("opensearch/domain", {"encryptAtRest": UNKNOWN_VALUE}, [], UNKNOWN, "", UNPROVEN),
    (
        "elasticache/replicationGroup",
        {"atRestEncryptionEnabled": True, "transitEncryptionEnabled": True, "kmsKeyId": OWN},
        [],
        PROVEN,
        "own",
        PROVEN,
    ),
    ("elasticache/replicationGroup", {"transitEncryptionEnabled": UNKNOWN_VALUE}, [], UNPROVEN, NO_KEY, UNKNOWN),
    ("dynamodb/table", {}, [], PROVEN, AWS_KEY, UNPROVEN),
    ("kinesis/stream", {"encryptionType": "KMS", "kmsKeyId": OWN}, [], PROVEN, "own", PROVEN),
    ("kinesis/stream", {}, [], UNPROVEN, NO_KEY, PROVEN),
    ("kinesis/stream", {"encryptionType": UNKNOWN_VALUE}, [], UNKNOWN, "", PROVEN),
    ("backup/vault", {"kmsKeyArn": OWN}, [], PROVEN, "own", PROVEN),
    (
        "ecr/repository",
        {"encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": OWN}]},
        [],
        PROVEN,
        "own",
        PROVEN,
    ),
    (
        "bedrockmodel/invocationLoggingConfiguration",
        {"loggingConfig": {"cloudwatchConfig": {"logGroupName": "logGroup-l"}}},
        [make("cloudwatch/logGroup", "l")],
        PROVEN,
        "",
        PROVEN,
    ),
    ("bedrockmodel/invocationLoggingConfiguration", {"loggingConfig": {}}, [], UNPROVEN, "", PROVEN),
    ("redshift/cluster", {"encrypted": True}, [], UNPROVEN, "", UNPROVEN),
]


def judged(path: str, properties: dict[str, Any], beside: list[Resource]) -> list[tuple[str, str, str]]:
    store = make(path, "s", **properties)
    return [
        (one.at_rest.state, one.at_rest.key, one.in_transit.state)
        for stack in both([KEY, store, *beside])
        for one in stores(stack)
        if one.resource.name == "s"
    ]


@pytest.mark.parametrize(
    ("path", "properties", "beside", "at_rest", "key", "in_transit"), ROWS, ids=lambda v: str(v)[:30]
)
def test_a_store_is_proven_by_what_is_declared(
    path: str, properties: dict[str, Any], beside: list[Resource], at_rest: str, key: str, in_transit: str
) -> None:
    assert judged(path, properties, beside) == [(at_rest, key, in_transit)] * 2


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_not_proven_is_a_violation_and_what_is_not_known_is_none(row: Any) -> None:
    path, properties, beside, at_rest, _, in_transit = row
    [found, _] = [
        [
            finding.problem
            for each, finding in stack_rule("stores-encrypted").findings(stack)
            if each and each.name == "s"
        ]
        for stack in both([KEY, make(path, "s", **properties), *beside])
    ]
    said = " and ".join(problem.partition("to be encrypted ")[2].partition(":")[0] for problem in found)
    unproven = [side for side, state in (("at rest", at_rest), ("in transit", in_transit)) if state == UNPROVEN]
    assert said == " and ".join(unproven)
    assert all("not proven to be encrypted" in problem for problem in found)


def test_every_kind_has_a_row() -> None:
    assert {row[0] for row in ROWS} >= set(KINDS)
    assert not UNREAD & set(KINDS)


def test_every_type_is_one_of_the_provider_s() -> None:
    """The provider lists its types in one file; to import them all would take seconds."""
    spec = find_spec("pulumi_aws")
    assert spec is not None
    assert spec.origin is not None
    listed = Path(spec.origin).read_text()
    types = {*KINDS, *UNREAD, *HOLDERS, *REFERENCED}
    assert [path for path in sorted(types) if f'"{aws(path)}"' not in listed] == []


def test_an_index_is_as_its_bucket() -> None:
    bucket = make("s3/vectorsVectorBucket", "b", **VECTORS)
    policy = replace(VECTOR_POLICY, properties={**VECTOR_POLICY.properties, "vectorBucketArn": "vectorsVectorBucket-b"})
    index = make("s3/vectorsIndex", "s", vectorBucketName="vectors")
    for stack in both([KEY, bucket, policy, index]):
        [one] = [each for each in stores(stack) if each.resource.name == "s"]
        assert (one.at_rest.state, one.at_rest.key, one.in_transit.state) == (PROVEN, "own", PROVEN)


def test_what_is_named_by_another_identity_than_its_id_is_found() -> None:
    """In a state a bucket of vectors is known by its ARN, a key by its id, a queue by its URL."""
    plan = [
        make("kms/key", "own", keyId="0000-1111"),
        make(
            "s3/vectorsVectorBucket",
            "b",
            vectorBucketArn="arn:of:b",
            encryptionConfigurations=[{"kmsKeyArn": "0000-1111"}],
        ),
        make("s3/vectorsVectorBucketPolicy", "p", vectorBucketArn="arn:of:b", policy=refusing("s3vectors")),
        make("sqs/queue", "q", url="https://sqs/q", kmsMasterKeyId="0000-1111"),
        make("sqs/queuePolicy", "q", queueUrl="https://sqs/q", policy=refusing("sqs")),
    ]
    found = [(one.name, one.at_rest.key, one.in_transit.state) for one in stores(Stack(plan))]
    assert found == [("b", "own", PROVEN), ("q", "own", PROVEN)]


def test_the_master_password_is_a_store_and_each_volume_is() -> None:
    cluster = make("rds/cluster", "db", **CLUSTER, manageMasterUserPassword=True, masterUserSecretKmsKeyId=OWN)
    host = make(
        "ec2/instance",
        "web",
        rootBlockDevice={"encrypted": True, "kmsKeyId": OWN},
        ebsBlockDevices=[{"deviceName": "/dev/sdf"}],
    )
    template = make("ec2/launchTemplate", "t", blockDeviceMappings=[{"ebs": {"encrypted": True}}, {"noDevice": ""}])
    for stack in both([KEY, cluster, groups("clusterParameterGroup"), host, template]):
        assert [(one.name, one.at_rest.state, one.at_rest.key) for one in stores(stack)] == [
            ("db", PROVEN, "own"),
            ("db: master password", PROVEN, "own"),
            ("web: root volume", PROVEN, "own"),
            ("web: volume 0", UNPROVEN, NO_KEY),
            ("t: volume 0", PROVEN, AWS_KEY),
        ]
    assert [one.at_rest.state for one in stores(Stack([make("ec2/instance", "bare")]))] == [UNPROVEN]


def test_a_secret_is_read_as_what_it_holds_and_not_repeated() -> None:
    hidden = {"type": secret("String"), "value": secret("hunter2"), "keyId": secret("correct horse")}
    stack = Stack([make("ssm/parameter", "s", **hidden)])
    [(_, finding)] = stack_rule("stores-encrypted").findings(stack)
    assert finding.problem.startswith(
        "is a data store, parameter, not proven to be encrypted at rest: type is not Secure"
    )
    odd = Stack([make("rds/cluster", "s", **(CLUSTER | {"engine": "hunter2 hunter2", "kmsKeyId": "correct horse"}))])
    said = (
        str([found for _, found in stack_rule("stores-encrypted").findings(odd)]) + str(facts(odd)) + str(facts(stack))
    )
    assert "hunter2" not in said
    assert "correct horse" not in said


def test_one_unknown_hides_no_store_and_many_are_told_apart() -> None:
    plan = [make("sqs/queue", "a", kmsMasterKeyId=UNKNOWN_VALUE, policy=UNKNOWN_VALUE), make("sns/topic", "b")]
    crowd = [make("sns/topic", f"t{number}", kmsMasterKeyId=OWN, policy=refusing("sns")) for number in range(40)]
    found = [each.name for each, _ in stack_rule("stores-encrypted").findings(Stack([KEY, *plan, *crowd])) if each]
    assert found == ["b", "b"]


@pytest.mark.parametrize("value", [7, True, [], ["x"], {}, {"x": 1}, "text", UNKNOWN_VALUE, None])
@pytest.mark.parametrize("path", sorted(KINDS))
def test_nothing_that_is_malformed_is_a_crash(path: str, value: Any) -> None:
    keys = (
        "engine",
        "policy",
        "kmsKeyId",
        "encryptionConfigurations",
        "rootBlockDevice",
        "loggingConfig",
        "encryptAtRest",
    )
    store = make(path, "s", **dict.fromkeys(keys, value))
    assert all(
        "could not be judged" not in f.problem for _, f in stack_rule("stores-encrypted").findings(Stack([store]))
    )


def test_the_facts_are_the_contract() -> None:
    [row] = facts(Stack([KEY, make("cloudwatch/logGroup", "s", kmsKeyId=OWN)]))["stores"]
    assert row == {
        "resource": "urn:logGroup-s",
        "name": "s",
        "kind": "log group",
        "at_rest": {"state": PROVEN, "key": "own", "by": "kmsKeyId is the customer key own"},
        "in_transit": {"state": PROVEN, "by": "the service's API takes HTTPS only"},
    }
