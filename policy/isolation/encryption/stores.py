"""The data stores of a plan: at rest under which key, in transit by what. What is not known to be safe is not proven."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from isolation.encryption import databases, volumes
from isolation.encryption.proof import AWS_KEY, NO_KEY, PROVEN, UNKNOWN, UNPROVEN, Plan, Proof, plan
from isolation.encryption.refusals import refusal
from isolation.reachability.names import type_path
from isolation.rule import Resource
from isolation.stack import Stack

Prove = Callable[[Plan, Resource, str], Proof]


@dataclass(frozen=True, slots=True)
class Store:
    """One data store with its proofs."""

    resource: Resource
    name: str
    kind: str
    at_rest: Proof
    in_transit: Proof


@dataclass(frozen=True, slots=True)
class Kind:
    """How a type of store is proven."""

    label: str
    at_rest: Prove
    in_transit: Prove


def stores(stack: Stack) -> tuple[Store, ...]:
    """Every data store of a plan, in the order of registration."""
    return stack.once(_stores)


def _stores(stack: Stack) -> tuple[Store, ...]:
    known = plan(stack)
    return tuple(store for resource in stack.resources for store in _of(known, resource))


def _of(known: Plan, resource: Resource) -> Iterator[Store]:
    path = type_path(resource)
    if kind := KINDS.get(path):
        at_rest, in_transit = kind.at_rest(known, resource, path), kind.in_transit(known, resource, path)
        yield Store(resource, resource.name, kind.label, at_rest, in_transit)
    elif path in UNREAD:
        nothing = Proof(UNPROVEN, "this pack does not read stores of this type; add it to encryption/stores.py", "")
        yield Store(resource, resource.name, path, nothing, nothing)
    yield from _within(known, resource, path)


def _within(known: Plan, resource: Resource, path: str) -> Iterator[Store]:
    """Stores that another resource brings along."""
    if path in ("rds/cluster", "rds/instance") and resource.at("manageMasterUserPassword").truth is True:
        own = Proof(PROVEN, "Secrets Manager encrypts each secret", AWS_KEY)
        at_rest = known.key(resource, resource.at("masterUserSecretKmsKeyId"), default=own)
        yield Store(resource, f"{resource.name}: master password", "secret", at_rest, HTTPS_ONLY)
    if path in ("ec2/instance", "ec2/spotInstanceRequest", "ec2/launchTemplate"):
        for name, at_rest in volumes.of(known, resource, path):
            yield Store(resource, f"{resource.name}: {name}", "EBS volume", at_rest, volumes.in_transit(at_rest))


# ---- ways to prove it

HTTPS_ONLY: Final = Proof(PROVEN, "the service's API takes HTTPS only")
"""AWS's words for it: "Clients must support Transport Layer Security (TLS). We require TLS 1.2" (infrastructure security in
the guides of CloudWatch Logs, Secrets Manager, Systems Manager, Lambda, AWS Backup, Kinesis, ECR)."""


def _https(known: Plan, resource: Resource, path: str) -> Proof:
    del known, resource, path
    return HTTPS_ONLY


def _always(key: str, what: str) -> Prove:
    """Of a service that always encrypts, with a key of AWS's own unless the property at `key` names another."""

    def prove(known: Plan, resource: Resource, path: str) -> Proof:
        del path
        own = Proof(PROVEN, what, AWS_KEY)
        named = next(resource.select(key), None)
        return own if named is None else known.key(resource, named, default=own)

    return prove


def _flagged(flag: str, key: str) -> Prove:
    """Of a service that a flag makes encrypt."""

    def prove(known: Plan, resource: Resource, path: str) -> Proof:
        del path
        return known.flagged(resource, resource.at(*flag.split(".")), resource.at(*key.split(".")))

    return prove


def _flag_in_transit(*flags: str) -> Prove:
    def prove(known: Plan, resource: Resource, path: str) -> Proof:
        del known, path
        for flag in flags:
            value = resource.at(*flag.split("."))
            if value.unknown:
                return Proof(UNKNOWN, f"{flag} is only known after the deployment")
            if value.truth is not True:
                return Proof(UNPROVEN, f"{flag} is not true; set it")
        return Proof(PROVEN, f"{' and '.join(flags)} of {resource.name}")

    return prove


def _unproven(why: str) -> Prove:
    def prove(known: Plan, resource: Resource, path: str) -> Proof:
        del known, resource, path
        return Proof(UNPROVEN, why)

    return prove


def _database(known: Plan, resource: Resource, path: str) -> Proof:
    return databases.database(known, resource, path)


def _bucket(known: Plan, resource: Resource, path: str) -> Proof:
    """S3 encrypts every object (User Guide, "Default encryption", since 2023-01-05); a rule may name the key."""
    del path
    own = Proof(PROVEN, "S3 encrypts each object", AWS_KEY)
    rules = resource.at("serverSideEncryptionConfiguration", "rule", "applyServerSideEncryptionByDefault")
    if not rules.absent:
        return known.key(resource, rules.at("kmsMasterKeyId"), default=own)
    for path_ in ("s3/bucketServerSideEncryptionConfiguration", "s3/bucketServerSideEncryptionConfigurationV2"):
        for configuration in known.about(path_, "bucket", resource, "s3/bucket", "s3/bucketV2"):
            for rule in configuration.at("rules").each():
                return known.key(
                    configuration, rule.at("applyServerSideEncryptionByDefault", "kmsMasterKeyId"), default=own
                )
    return own


def _vectors(known: Plan, resource: Resource, path: str) -> Proof:
    configurations = resource.at("encryptionConfigurations")
    if configurations.unknown:
        return Proof(UNKNOWN, "encryptionConfigurations is only known after the deployment")
    for configuration in configurations.elements():
        return known.key(
            resource,
            configuration.at("kmsKeyArn"),
            default=Proof(PROVEN, "S3 Vectors encrypts with a key of its own", AWS_KEY),
        )
    bucket = _vector_bucket(known, resource) if path == "s3/vectorsIndex" else None
    if bucket is not None:
        return _vectors(known, bucket, "s3/vectorsVectorBucket")
    return Proof(PROVEN, "S3 Vectors encrypts with a key of its own", AWS_KEY)


def _index_in_transit(known: Plan, resource: Resource, path: str) -> Proof:
    del path
    bucket = _vector_bucket(known, resource)
    if bucket is None:
        return Proof(UNPROVEN, "its vector bucket is not of this stack, so its policy cannot be read")
    return refusal(known, bucket, "s3/vectorsVectorBucket")


def _vector_bucket(known: Plan, index: Resource) -> Resource | None:
    named = known.names.one(index, "vectorBucketName", "s3/vectorsVectorBucket").names
    return next((bucket for urn in sorted(named) if (bucket := known.resource(urn)) is not None), None)


def _queue(known: Plan, resource: Resource, path: str) -> Proof:
    del path
    managed = resource.at("sqsManagedSseEnabled")
    own = Proof(PROVEN, "SQS encrypts with a key of its own", AWS_KEY)
    if not managed.absent and managed.truth is not True:
        # It may be switched off only by saying so (SQS Developer Guide, "Encryption at rest").
        own = Proof(UNKNOWN if managed.unknown else UNPROVEN, "sqsManagedSseEnabled is not true; leave it out", NO_KEY)
    return known.key(resource, resource.at("kmsMasterKeyId"), default=own)


def _topic(known: Plan, resource: Resource, path: str) -> Proof:
    del path
    none = Proof(UNPROVEN, "kmsMasterKeyId is absent, and SNS does not encrypt without it; name a key", NO_KEY)
    return known.key(resource, resource.at("kmsMasterKeyId"), default=none)


def _parameter(known: Plan, resource: Resource, path: str) -> Proof:
    del path
    kind = resource.at("type")
    if kind.unknown:
        return Proof(UNKNOWN, "type is only known after the deployment")
    if kind.text != "SecureString":
        return Proof(UNPROVEN, "type is not SecureString, and Systems Manager promises no encryption of others", NO_KEY)
    own = Proof(PROVEN, "Systems Manager encrypts it with a key of AWS's own", AWS_KEY)
    return known.key(resource, resource.at("keyId"), default=own)


def _stream(known: Plan, resource: Resource, path: str) -> Proof:
    del path
    kind = resource.at("encryptionType")
    if kind.unknown:
        return Proof(UNKNOWN, "encryptionType is only known after the deployment")
    if kind.text != "KMS":
        return Proof(UNPROVEN, "encryptionType is not KMS; set it", NO_KEY)
    return known.key(
        resource, resource.at("kmsKeyId"), default=Proof(UNPROVEN, "kmsKeyId is absent; name a key", NO_KEY)
    )


def _logging_at_rest(known: Plan, resource: Resource, path: str) -> Proof:
    """Invocation logs of Bedrock lie in a log group and a bucket: these are stores of their own when the plan has them."""
    del path
    groups = known.names.of(
        resource, resource.at("loggingConfig", "cloudwatchConfig", "logGroupName"), "cloudwatch/logGroup"
    )
    buckets = known.names.of(
        resource, resource.at("loggingConfig", "s3Config", "bucketName"), "s3/bucket", "s3/bucketV2"
    )
    named = (groups | buckets).names
    if named and all(known.resource(name) is not None for name in named):
        return Proof(PROVEN, "it writes to stores of this plan, which have rows of their own", "")
    return Proof(UNPROVEN, "it writes to a log group or bucket that is not in the plan; declare it here")


_LOGS = _always("kmsKeyId", "CloudWatch Logs encrypts each log group")
_POLICY: Prove = refusal
_SEARCH = _flag_in_transit("domainEndpointOptions.enforceHttps", "nodeToNodeEncryption.enabled")
_RDS = _flagged("storageEncrypted", "kmsKeyId")

KINDS: Final[dict[str, Kind]] = {
    "rds/cluster": Kind("Aurora cluster", _RDS, _database),
    "rds/instance": Kind("RDS instance", _RDS, _database),
    "s3/bucket": Kind("bucket", _bucket, _POLICY),
    "s3/bucketV2": Kind("bucket", _bucket, _POLICY),
    "s3/vectorsVectorBucket": Kind("vector bucket", _vectors, _POLICY),
    "s3/vectorsIndex": Kind("vector index", _vectors, _index_in_transit),
    "sqs/queue": Kind("queue", _queue, _POLICY),
    "sns/topic": Kind("topic", _topic, _POLICY),
    "secretsmanager/secret": Kind("secret", _always("kmsKeyId", "Secrets Manager encrypts each secret"), _https),
    "ssm/parameter": Kind("parameter", _parameter, _https),
    "cloudwatch/logGroup": Kind("log group", _LOGS, _https),
    "lambda/function": Kind(
        "function's environment", _always("kmsKeyArn", "Lambda encrypts each function's variables"), _https
    ),
    "ebs/volume": Kind("EBS volume", _flagged("encrypted", "kmsKeyId"), volumes.of_resource),
    "efs/fileSystem": Kind("file system", _flagged("encrypted", "kmsKeyId"), _POLICY),
    "opensearch/domain": Kind("search domain", _flagged("encryptAtRest.enabled", "encryptAtRest.kmsKeyId"), _SEARCH),
    "elasticache/replicationGroup": Kind(
        "cache", _flagged("atRestEncryptionEnabled", "kmsKeyId"), _flag_in_transit("transitEncryptionEnabled")
    ),
    "dynamodb/table": Kind(
        "table",
        _always("serverSideEncryption.kmsKeyArn", "DynamoDB encrypts each table"),
        _unproven("DynamoDB also speaks HTTP; nothing in the plan refuses that"),
    ),
    "kinesis/stream": Kind("stream", _stream, _https),
    "backup/vault": Kind("backup vault", _always("kmsKeyArn", "AWS Backup encrypts each vault"), _https),
    "ecr/repository": Kind(
        "image repository", _always("encryptionConfigurations[].kmsKey", "ECR encrypts images"), _https
    ),
    "bedrockmodel/invocationLoggingConfiguration": Kind("invocation log of Bedrock", _logging_at_rest, _https),
}

UNREAD: Final = frozenset(
    {
        "docdb/cluster",
        "dax/cluster",
        "dms/replicationInstance",
        "dsql/cluster",
        "elasticache/cluster",
        "elasticache/serverlessCache",
        "elasticsearch/domain",
        "fsx/lustreFileSystem",
        "fsx/ontapFileSystem",
        "fsx/openZfsFileSystem",
        "fsx/windowsFileSystem",
        "keyspaces/table",
        "kinesis/firehoseDeliveryStream",
        "lightsail/bucket",
        "lightsail/database",
        "memorydb/cluster",
        "mq/broker",
        "msk/cluster",
        "msk/serverlessCluster",
        "neptune/cluster",
        "opensearch/serverlessCollection",
        "qldb/ledger",
        "rds/globalCluster",
        "redshift/cluster",
        "redshiftserverless/namespace",
        "s3/directoryBucket",
        "s3tables/table",
        "s3tables/tableBucket",
        "timestreaminfluxdb/dbInstance",
        "timestreamwrite/table",
    }
)
"""Stores whose encryption this pack cannot read: they are not proven."""
