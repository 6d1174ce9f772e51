"""Flows and stores whose encryption nothing proves."""

from collections.abc import Callable
from typing import Any

from tests.policy.mutations.changing import GONE, Mutation, added, changed, edited, put, without
from tests.policy.mutations.reachability import with_flows


def _set(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    def edit(properties: dict[str, Any]) -> None:
        put(properties, [key], value)

    return edit


_FLOWS, _STORES = "flows-encrypted", "stores-encrypted"

MUTATIONS = [
    *(
        Mutation(_FLOWS, f"{path} {what}", with_flows(changed(path, parameters=parameters)))
        for path in ("rds/clusterParameterGroup", "rds/parameterGroup")
        for what, parameters in (
            ("has no parameters", []),
            ("does not force TLS", [{"name": "rds.force_ssl", "value": "0"}]),
            ("names it wrong", [{"name": "force_ssl", "value": "1"}]),
        )
    ),
    Mutation(
        _FLOWS,
        "AWS's own parameters",
        with_flows(changed("rds/cluster", dbClusterParameterGroupName="default.aurora-postgresql18")),
    ),
    Mutation(_FLOWS, "no parameter group", with_flows(changed("rds/cluster", dbClusterParameterGroupName=GONE))),
    *(
        Mutation(_STORES, f"{path} not encrypted", edited(path, _set(key, value)))
        for path, key in (("rds/cluster", "storageEncrypted"), ("rds/instance", "storageEncrypted"))
        for value in (False, GONE)
    ),
    Mutation(_STORES, "a topic without a key", changed("sns/topic", kmsMasterKeyId=GONE)),
    Mutation(_STORES, "a topic without a policy", without("sns/topicPolicy")),
    Mutation(_STORES, "vectors without a policy", without("s3/vectorsVectorBucketPolicy")),
    Mutation(_STORES, "an instance's volume", changed("ec2/instance", rootBlockDevice__encrypted=False)),
    *(
        Mutation(_STORES, f"a new {path} {properties}", added(path, properties))
        for path, properties in (
            ("s3/bucket", {"bucket": "other"}),
            ("s3/vectorsVectorBucket", {"vectorBucketName": "other"}),
            ("s3/vectorsIndex", {"vectorBucketName": "other", "indexName": "other"}),
            ("sqs/queue", {}),
            ("sns/topic", {}),
            ("ssm/parameter", {"type": "String"}),
            ("ebs/volume", {}),
            ("efs/fileSystem", {"encrypted": True}),
            ("dynamodb/table", {}),
            ("opensearch/domain", {"encryptAtRest": {"enabled": True}}),
            ("elasticache/replicationGroup", {"atRestEncryptionEnabled": True}),
            ("kinesis/stream", {"encryptionType": "NONE"}),
            ("redshift/cluster", {"encrypted": True}),
            ("msk/cluster", {}),
            ("docdb/cluster", {"storageEncrypted": True}),
            ("bedrockmodel/invocationLoggingConfiguration", {"loggingConfig": {}}),
        )
    ),
]
