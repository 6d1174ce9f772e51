"""Amazon S3 Vectors: one encrypted vector bucket and its indexes.

Creates: aws:s3/vectorsVectorBucket:VectorsVectorBucket, aws:s3/vectorsVectorBucketPolicy:VectorsVectorBucketPolicy,
aws:s3/vectorsIndex:VectorsIndex for each index.
"""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import iam
from components.component import Component
from components.outputs import mapping


class VectorIndexArgs(TypedDict):
    """One index of the bucket."""

    name: str
    """3 to 63 lower-case letters, digits, hyphens and dots: the index's name in S3 Vectors."""
    dimension: int
    """1 to 4096; fixed once the index exists, as are the metric and the keys."""
    metric: str
    """cosine or euclidean."""
    non_filterable_keys: NotRequired[list[str]]
    """Metadata that is returned but never filtered on: up to 10 keys; it does not count against the 2 KB."""


class S3VectorStoreArgs(TypedDict):
    bucket_name: pulumi.Input[str]
    """The vector bucket's name, unique in the account and region."""
    key_arn: pulumi.Input[str]
    """The customer key; fixed once the bucket exists."""
    indexes: list[VectorIndexArgs]
    """The indexes."""
    protect: NotRequired[bool]
    """Refuse to delete or replace the bucket and its indexes: either drops every vector. Default false."""
    tags: NotRequired[dict[str, str]]
    """Tags of every resource."""


class S3VectorStore(Component):
    """A vector bucket under the stack's key, with the declared indexes."""

    bucket_arn: pulumi.Output[str]
    """The vector bucket's ARN."""
    index_arns: pulumi.Output[dict[str, str]]
    """Index name → ARN."""
    creation_times: pulumi.Output[dict[str, str]]
    """Index name → when it was made: an index that is made anew keeps its name and ARN, and has nothing of the old one."""

    def __init__(self, name: str, args: S3VectorStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("S3VectorStore", name, args, opts)
        guarded = pulumi.ResourceOptions(parent=self, protect=args.get("protect", False))
        bucket = aws.s3.VectorsVectorBucket(
            f"{name}-bucket",
            vector_bucket_name=args["bucket_name"],
            encryption_configurations=[
                aws.s3.VectorsVectorBucketEncryptionConfigurationArgs(sse_type="aws:kms", kms_key_arn=args["key_arn"])
            ],
            force_destroy=False,
            opts=guarded,
        )
        self.bucket_arn = bucket.vector_bucket_arn
        aws.s3.VectorsVectorBucketPolicy(
            f"{name}-policy",
            vector_bucket_arn=bucket.vector_bucket_arn,
            policy=iam.document(*bucket_statements(bucket.vector_bucket_arn)),
            opts=self._child,
        )
        indexes = {
            index["name"]: aws.s3.VectorsIndex(
                f"{name}-{index['name']}",
                vector_bucket_name=bucket.vector_bucket_name,
                index_name=index["name"],
                data_type="float32",
                dimension=int(index["dimension"]),
                distance_metric=index["metric"],
                encryption_configurations=[
                    aws.s3.VectorsIndexEncryptionConfigurationArgs(sse_type="aws:kms", kms_key_arn=args["key_arn"])
                ],
                metadata_configuration=(
                    {"non_filterable_metadata_keys": keys} if (keys := index.get("non_filterable_keys")) else None
                ),
                # Its name is fixed, so a new one can be made only when the old one is gone.
                opts=pulumi.ResourceOptions.merge(guarded, pulumi.ResourceOptions(delete_before_replace=True)),
            )
            for index in args["indexes"]
        }
        self.index_arns = mapping({key: index.index_arn for key, index in indexes.items()})
        self.creation_times = mapping({key: index.creation_time for key, index in indexes.items()})
        self.register_outputs(
            {"bucket_arn": self.bucket_arn, "index_arns": self.index_arns, "creation_times": self.creation_times}
        )


def bucket_statements(bucket_arn: pulumi.Input[str]) -> list[dict[str, Any]]:
    """Nobody over clear text. Who may read or write is said by the identities' own policies."""
    return [
        iam.allow(
            "s3vectors:*",
            [bucket_arn, pulumi.Output.format("{0}/index/*", bucket_arn)],
            sid="RefuseClearText",
            principal="*",
            condition={"Bool": {"aws:SecureTransport": "false"}},
            effect="Deny",
        )
    ]
