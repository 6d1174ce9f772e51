"""What holds data, and the keys under which it lies, cannot be destroyed by one command."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.checks import none_true, on
from isolation.declared import required
from isolation.rule import Finding, Resource, ResourceRule

NOT_FORCED = ResourceRule(
    id="store-not-force-destroyed",
    title="Stores that are not empty cannot be deleted.",
    severity=Severity.HIGH,
    remedy="Leave the flag out: empty the store by hand when it is to go.",
    why=(
        "forceDestroy deletes every vector, image or backup in a store together with it, when the stack is destroyed and when "
        "a change replaces the store; there is no recycle bin (pulumi-aws, s3.VectorsVectorBucket, forceDestroy; dsql.Cluster, "
        "where it also overrules deletion protection). Plain buckets are not asked: here they hold files on their way only."
    ),
    checks=on(
        {
            **dict.fromkeys(
                (
                    "backup/vault",
                    "dsql/cluster",
                    "rds/globalCluster",
                    "s3/vectorsVectorBucket",
                    "s3tables/tableBucket",
                ),
                none_true("forceDestroy"),
            ),
            "ecr/repository": none_true("forceDelete"),
        }
    ),
)


def _protected(resource: Resource) -> Iterator[Finding]:
    if resource.settings["required"] and not resource.protect:
        yield Finding("", "is not protected: Pulumi would delete or replace it")


PROTECTED = ResourceRule(
    id="data-protected",
    title="Pulumi refuses to delete databases, vectors and their keys.",
    severity=Severity.MEDIUM,
    remedy="Set the resource option protect.",
    why=(
        "S3 Vectors has no deletion protection: an index whose dimension is changed, or that somebody takes out of the "
        "program, is gone with every vector in it. A key that is destroyed takes all that lies under it, the last snapshot "
        "and the kept backups too. Pulumi's option protect refuses both before AWS is asked (Pulumi, resource options: "
        "protect). A stack that is made to be thrown away may relax the rule by its setting."
    ),
    settings=(required("Whether it is demanded: not of stacks whose content can be made again."),),
    checks=on(
        dict.fromkeys(
            (
                "docdb/cluster",
                "dynamodb/table",
                "efs/fileSystem",
                "kms/key",
                "rds/cluster",
                "rds/instance",
                "s3/vectorsIndex",
                "s3/vectorsVectorBucket",
            ),
            _protected,
        )
    ),
)
