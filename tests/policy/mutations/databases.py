"""Databases whose guards are taken away one by one."""

from typing import Any

from tests.policy.mutations.changing import GONE, Mutation, changed, edited

_AWS_KEY = "arn:aws:kms:eu-central-1:123456789012:alias/aws/rds"


def _parameter(value: str | None) -> Any:
    """Set `rds.force_ssl` in a parameter group, or take it out."""

    def edit(properties: dict[str, Any]) -> bool | None:
        if not any(each["name"] == "rds.force_ssl" for each in properties["parameters"]):
            return False
        rest = [each for each in properties["parameters"] if each["name"] != "rds.force_ssl"]
        properties["parameters"] = rest if value is None else [*rest, {"name": "rds.force_ssl", "value": value}]
        return None

    return edit


_TLS = [
    mutation
    for path in ("rds/clusterParameterGroup", "rds/parameterGroup")
    for mutation in (
        *(
            Mutation("database-requires-tls", f"{path} {value}", edited(path, _parameter(value)))
            for value in ("0", "", "off")
        ),
        Mutation("database-requires-tls", f"{path} says nothing", edited(path, _parameter(None))),
        Mutation("database-requires-tls", f"{path} is empty", changed(path, parameters=GONE)),
    )
]
_FLAGS = [
    Mutation(rule, f"{path} {'+'.join(values)} {next(iter(values.values()))!r}"[:80], changed(path, **values))
    for path in ("rds/cluster", "rds/instance")
    for rule, values in (
        ("storage-encrypted", {"storageEncrypted": False}),
        ("storage-encrypted", {"storageEncrypted": GONE}),
        ("storage-encrypted", {"storageEncrypted": "no"}),
        ("storage-customer-key", {"kmsKeyId": GONE}),
        ("storage-customer-key", {"kmsKeyId": "alias/aws/rds"}),
        ("storage-customer-key", {"kmsKeyId": _AWS_KEY}),
        ("database-iam-authentication", {"iamDatabaseAuthenticationEnabled": False}),
        ("database-iam-authentication", {"iamDatabaseAuthenticationEnabled": GONE}),
        ("database-managed-master-password", {"manageMasterUserPassword": False}),
        ("database-managed-master-password", {"manageMasterUserPassword": GONE}),
        ("database-managed-master-password", {"masterPassword" if path == "rds/cluster" else "password": "hunter2"}),
        ("database-requires-tls", {"dbClusterParameterGroupName" if path == "rds/cluster" else "parameterGroupName": GONE}),
        ("database-requires-tls", {"dbClusterParameterGroupName" if path == "rds/cluster" else "parameterGroupName": "default.postgres17"}),
    )
]  # fmt: skip
_OTHERS = [
    Mutation("database-requires-tls", "the proxy takes clear text", changed("rds/proxy", requireTls=False)),
    Mutation("database-requires-tls", "the proxy says nothing", changed("rds/proxy", requireTls=GONE)),
    Mutation("database-iam-authentication", "the proxy's scheme is gone", changed("rds/proxy", defaultAuthScheme=GONE)),
    Mutation("database-iam-authentication", "the proxy takes passwords", changed("rds/proxy", auths=[{"secretArn": "s"}])),
    Mutation("database-enhanced-monitoring", "the instance's", changed("rds/instance", monitoringInterval=GONE)),
    Mutation("database-enhanced-monitoring", "the cluster's", changed("rds/cluster", monitoringInterval=GONE)),
    Mutation("database-enhanced-monitoring", "the cluster's, 0", changed("rds/cluster", monitoringInterval=0)),
    Mutation("database-insights-enabled", "the instance's", changed("rds/instance", databaseInsightsMode=GONE, performanceInsightsEnabled=False)),
    Mutation("database-insights-enabled", "the cluster's", changed("rds/cluster", databaseInsightsMode=GONE, performanceInsightsEnabled=False)),
    Mutation("storage-encrypted", "the bastion's disk", changed("ec2/instance", rootBlockDevice__encrypted=False)),
    Mutation("storage-encrypted", "the bastion's disk says nothing", changed("ec2/instance", rootBlockDevice__encrypted=GONE)),
    Mutation("storage-encrypted", "one more disk", changed("ec2/instance", ebsBlockDevices=[{"deviceName": "b"}])),
    Mutation("storage-customer-key", "the vectors under S3's key", changed("s3/vectorsVectorBucket", encryptionConfigurations=GONE)),
    Mutation("storage-customer-key", "the vectors under AES256", changed("s3/vectorsVectorBucket", encryptionConfigurations=[{"sseType": "AES256"}])),
    Mutation("storage-customer-key", "an index under AES256", changed("s3/vectorsIndex", encryptionConfigurations=[{"sseType": "AES256"}])),
]  # fmt: skip

MUTATIONS = [*_TLS, *_FLAGS, *_OTHERS]
