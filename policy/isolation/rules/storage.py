"""What is stored is encrypted, and the data stores under a customer key."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import all_true, is_true
from isolation.reading import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, aws

_DATABASE = all_true("storageEncrypted")
_INSTANCE = all_true("rootBlockDevice.encrypted", "ebsBlockDevices[].encrypted")


def _launch_template(resource: Resource) -> Iterator[Finding]:
    for mapping in resource.at("blockDeviceMappings").each():
        # A mapping without `ebs` takes a device away or names an instance store, which the hardware encrypts.
        if not mapping.at("ebs").absent:
            yield from is_true(mapping.at("ebs", "encrypted"))


def _queue(resource: Resource) -> Iterator[Finding]:
    # SQS encrypts by itself unless it is told not to (SQS Developer Guide, Encryption at rest).
    managed = resource.at("sqsManagedSseEnabled")
    if managed.given and managed.truth is not True and resource.at("kmsMasterKeyId").absent:
        yield Finding(
            managed.path,
            f"is {managed.described} and kmsMasterKeyId is absent",
            "Leave sqsManagedSseEnabled out, or set kmsMasterKeyId.",
        )


STORAGE_ENCRYPTED = ResourceRule(
    id="storage-encrypted",
    title="Storage is encrypted.",
    severity=Severity.HIGH,
    remedy="Set the flag that encrypts it to true.",
    frameworks=Frameworks(
        fsbp=("RDS.3", "RDS.27", "EC2.3", "SQS.1"),
        cis=("2.3.1",),
        cdk_nag=("AwsSolutions-RDS2", "AwsSolutions-EC26", "AwsSolutions-SQS2"),
        checkov=("CKV_AWS_3", "CKV_AWS_8", "CKV_AWS_16", "CKV_AWS_96"),
    ),
    checks={
        aws("rds/cluster"): _DATABASE,
        aws("rds/instance"): _DATABASE,
        aws("ebs/volume"): all_true("encrypted"),
        aws("ec2/instance"): _INSTANCE,
        aws("ec2/spotInstanceRequest"): _INSTANCE,
        aws("ec2/launchConfiguration"): _INSTANCE,
        aws("ec2/launchTemplate"): _launch_template,
        aws("sqs/queue"): _queue,
    },
)


def _customer_key(key: Property) -> Iterator[Finding]:
    """A finding unless the property names a key that is not AWS's own (`alias/aws/…`), or is unknown."""
    if key.unknown:
        return
    if key.text is None:
        yield Finding(key.path, f"is {key.described}")
    elif "alias/aws/" in key.text:
        yield Finding(key.path, "names a key that AWS manages")


def _database(resource: Resource) -> Iterator[Finding]:
    # A replica in its source's region has the source's key and may not name one (Amazon RDS API,
    # CreateDBInstanceReadReplica, KmsKeyId).
    if resource.at("replicateSourceDb").absent or not resource.at("kmsKeyId").absent:
        yield from _customer_key(resource.at("kmsKeyId"))


def _vector_encryption(resource: Resource) -> Iterator[Finding]:
    for configuration in resource.at("encryptionConfigurations").each():
        kind = configuration.at("sseType")
        if kind.unknown:
            continue
        if kind.text != "aws:kms":
            yield Finding(kind.path, f"is {'AES256' if kind.text == 'AES256' else kind.described}, not aws:kms")
        else:
            yield from _customer_key(configuration.at("kmsKeyArn"))


def _vector_bucket(resource: Resource) -> Iterator[Finding]:
    configurations = resource.at("encryptionConfigurations")
    # Without one, S3 Vectors encrypts with a key of S3's own; an index without one follows its bucket.
    if not configurations.unknown and not list(configurations.elements()):
        yield Finding(configurations.path, f"is {'absent' if configurations.absent else 'empty'}")
    yield from _vector_encryption(resource)


CUSTOMER_KEYS = ResourceRule(
    id="storage-customer-key",
    title="Databases and vectors are encrypted under a customer key.",
    severity=Severity.MEDIUM,
    remedy="Name a customer managed KMS key: its policy says who can read the data, and it can be withdrawn.",
    frameworks=Frameworks(checkov=("CKV_AWS_327",)),
    checks={
        aws("rds/cluster"): _database,
        aws("rds/instance"): _database,
        aws("s3/vectorsVectorBucket"): _vector_bucket,
        aws("s3/vectorsIndex"): _vector_encryption,
    },
)
