"""What is stored is encrypted, and the data stores under a customer key."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import all_true, customer_key, every, is_not_false, is_one_of, is_true
from isolation.rule import Check, Finding, Frameworks, Resource, ResourceRule, aws

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
    why=(
        "What is stored unencrypted is read by whoever gets at the disk, the snapshot or the backup, and it cannot be "
        "encrypted later in place: it has to be copied into a new store (Amazon RDS User Guide, encrypting Amazon RDS "
        "resources; EBS User Guide, EBS encryption)."
    ),
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
        aws("rds/globalCluster"): _DATABASE,
        aws("docdb/cluster"): _DATABASE,
        aws("docdb/globalCluster"): _DATABASE,
        aws("neptune/cluster"): _DATABASE,
        aws("neptune/globalCluster"): _DATABASE,
        aws("redshift/cluster"): every(is_not_false, "encrypted"),
        aws("elasticache/replicationGroup"): all_true("atRestEncryptionEnabled"),
        aws("dax/cluster"): all_true("serverSideEncryption.enabled"),
        aws("opensearch/domain"): all_true("encryptAtRest.enabled"),
        aws("elasticsearch/domain"): all_true("encryptAtRest.enabled"),
        aws("efs/fileSystem"): all_true("encrypted"),
        aws("kinesis/stream"): every(is_one_of("KMS", default="NONE"), "encryptionType"),
        aws("ebs/snapshotCopy"): all_true("encrypted"),
        aws("ec2/amiCopy"): all_true("encrypted"),
        aws("ebs/encryptionByDefault"): every(is_not_false, "enabled"),
    },
)


def _database(resource: Resource) -> Iterator[Finding]:
    # A replica in its source's region has the source's key and may not name one (Amazon RDS API,
    # CreateDBInstanceReadReplica, KmsKeyId).
    if resource.at("replicateSourceDb").absent or not resource.at("kmsKeyId").absent:
        yield from customer_key(resource.at("kmsKeyId"))


_KMS = every(customer_key, "kmsKeyId")


def _replica(key: str) -> Check:
    """A check of the key, unless the cluster is a replica and has its source's."""

    def check(resource: Resource) -> Iterator[Finding]:
        if resource.at("replicationSourceIdentifier").absent or not resource.at(key).absent:
            yield from customer_key(resource.at(key))

    return check


def _vector_encryption(resource: Resource) -> Iterator[Finding]:
    for configuration in resource.at("encryptionConfigurations").each():
        kind = configuration.at("sseType")
        if kind.unknown:
            continue
        if kind.text != "aws:kms":
            yield Finding(kind.path, f"is {'AES256' if kind.text == 'AES256' else kind.described}, not aws:kms")
        else:
            yield from customer_key(configuration.at("kmsKeyArn"))


def _vector_bucket(resource: Resource) -> Iterator[Finding]:
    configurations = resource.at("encryptionConfigurations")
    # Without one, S3 Vectors encrypts with a key of S3's own; an index without one follows its bucket.
    if not configurations.unknown and not list(configurations.elements()):
        yield Finding(configurations.path, f"is {'absent' if configurations.absent else 'empty'}")
    yield from _vector_encryption(resource)


CUSTOMER_KEYS = ResourceRule(
    id="storage-customer-key",
    title="Databases, vectors and their copies are encrypted under a customer key.",
    severity=Severity.MEDIUM,
    remedy="Name a customer managed KMS key: its policy says who can read the data, and it can be withdrawn.",
    why=(
        "Under a key of AWS's own every identity that may read the store may read its content, in this account and in those "
        "that a snapshot is given to; nobody can withdraw that key. A customer key's policy is a second lock and a switch "
        "(AWS KMS Developer Guide, customer managed keys). Copies and exports need it as much as the store itself."
    ),
    frameworks=Frameworks(checkov=("CKV_AWS_119", "CKV_AWS_184", "CKV_AWS_327")),
    checks={
        aws("rds/cluster"): _database,
        aws("rds/instance"): _database,
        aws("s3/vectorsVectorBucket"): _vector_bucket,
        aws("s3/vectorsIndex"): _vector_encryption,
        aws("rds/clusterSnapshotCopy"): _KMS,
        aws("rds/snapshotCopy"): _KMS,
        aws("rds/instanceAutomatedBackupsReplication"): _KMS,
        aws("rds/exportTask"): _KMS,
        aws("docdb/cluster"): _KMS,
        aws("docdb/elasticCluster"): _KMS,
        aws("neptune/cluster"): _replica("kmsKeyArn"),
        aws("redshift/cluster"): _KMS,
        aws("redshiftserverless/namespace"): _KMS,
        aws("dsql/cluster"): every(customer_key, "kmsEncryptionKey"),
        aws("dynamodb/table"): every(customer_key, "serverSideEncryption.kmsKeyArn"),
        aws("efs/fileSystem"): _KMS,
        aws("kinesis/stream"): _KMS,
        aws("ebs/snapshotCopy"): _KMS,
        aws("backup/vault"): every(customer_key, "kmsKeyArn"),
        aws("memorydb/cluster"): every(customer_key, "kmsKeyArn"),
        aws("elasticache/replicationGroup"): _KMS,
        aws("elasticache/serverlessCache"): _KMS,
        aws("dms/replicationInstance"): every(customer_key, "kmsKeyArn"),
    },
)
