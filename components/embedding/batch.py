"""Where batch inference of Amazon Bedrock has its files, and the role in which it reads and writes them.

Creates: aws:s3/bucket:Bucket with aws:s3/bucketPolicy:BucketPolicy, aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock,
aws:s3/bucketOwnershipControls:BucketOwnershipControls,
aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration and
aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration; aws:iam/role:Role with its policy.

The files hold content of the table. The worker deletes them when a job is done with; what it leaves behind, for it was taken away
with the stack's configuration, say, goes by the bucket's rule.
"""

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import iam
from components.component import Component

CONTROL = "bedrock"
"""The endpoint of Bedrock's control plane, by the last part of its service's name."""
FILES = "s3"
"""The gateway endpoint of the bucket."""
HOURS = 24
"""A job's timeout: CreateModelInvocationJob takes 24 to 168. Its rows go the ordinary way a day after it (embed.batch_open)."""
EXPIRE_DAYS = 4
"""Longer than any job of HOURS is waited for."""
INPUT, OUTPUT = "jobs/*/in/*", "jobs/*/out/*"


class EmbeddingBatchArgs(TypedDict):
    key_arn: pulumi.Input[str]
    """The customer key of the files."""
    account: pulumi.Input[str]
    """The account."""
    region: pulumi.Input[str]
    """The region of bucket, models and jobs."""
    partition: pulumi.Input[str]
    """aws, aws-cn or aws-us-gov."""
    tags: NotRequired[dict[str, str]]
    """Tags of every resource."""


class EmbeddingBatch(Component):
    """A private bucket for files that live for hours, and Bedrock's role on it."""

    bucket_arn: pulumi.Output[str]
    """The bucket."""
    bucket_name: pulumi.Output[str]
    """Its name."""
    role_arn: pulumi.Output[str]
    """The role that Bedrock assumes for a job."""

    def __init__(self, name: str, args: EmbeddingBatchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("EmbeddingBatch", name, args, opts)
        bucket = aws.s3.Bucket(f"{name}-files", force_destroy=True, opts=self._child)
        self._close(bucket, args["key_arn"])
        role = aws.iam.Role(
            f"{name}-role",
            description="Bedrock reads texts and writes vectors of batch inference jobs",
            assume_role_policy=iam.trust(
                "bedrock.amazonaws.com",
                account=args["account"],
                source_arn=job_arns(args["partition"], args["region"], args["account"]),
            ),
            opts=self._child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-files-of-jobs",
            role=role.name,
            policy=iam.document(*service_statements(bucket.arn, args["key_arn"], args["region"])),
            opts=self._child,
        )
        self.bucket_arn, self.bucket_name = bucket.arn, bucket.bucket
        # Whoever makes a job with the role finds its policy there.
        self.role_arn = pulumi.Output.all(role.arn, policy.id).apply(lambda known: known[0])
        self.register_outputs(
            {"bucket_arn": self.bucket_arn, "bucket_name": self.bucket_name, "role_arn": self.role_arn}
        )

    def _close(self, bucket: aws.s3.Bucket, key_arn: pulumi.Input[str]) -> None:
        name = self._name
        closed = aws.s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-owner",
            bucket=bucket.id,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.id,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="aws:kms", kms_master_key_id=key_arn
                        )
                    ),
                    bucket_key_enabled=True,
                )
            ],
            opts=self._child,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-expiry",
            bucket=bucket.id,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="what-was-left-behind",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=EXPIRE_DAYS),
                    abort_incomplete_multipart_upload=(
                        aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                            days_after_initiation=1
                        )
                    ),
                )
            ],
            opts=self._child,
        )
        aws.s3.BucketPolicy(
            f"{name}-tls",
            bucket=bucket.id,
            policy=iam.document(
                iam.allow(
                    "s3:*",
                    [bucket.arn, pulumi.Output.format("{0}/*", bucket.arn)],
                    sid="OnlyTls",
                    effect="Deny",
                    principal="*",
                    condition={"Bool": {"aws:SecureTransport": "false"}},
                )
            ),
            # S3 takes one change of a bucket's access at a time.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),
        )


def job_arns(partition: pulumi.Input[str], region: pulumi.Input[str], account: pulumi.Input[str]) -> pulumi.Output[str]:
    """All jobs of the account in the region."""
    return pulumi.Output.format("arn:{0}:bedrock:{1}:{2}:model-invocation-job/*", partition, region, account)


def service_statements(
    bucket_arn: pulumi.Input[str], key_arn: pulumi.Input[str], region: pulumi.Input[str]
) -> list[dict[str, Any]]:
    """Bedrock's role (Bedrock User Guide, "Create a custom service role for batch inference")."""
    return [
        iam.allow("s3:ListBucket", bucket_arn),
        iam.allow("s3:GetObject", pulumi.Output.format("{0}/{1}", bucket_arn, INPUT)),
        iam.allow("s3:PutObject", pulumi.Output.format("{0}/{1}", bucket_arn, OUTPUT)),
        key_statement(key_arn, region),
    ]


def worker_statements(
    bucket_arn: pulumi.Input[str],
    service_role_arn: pulumi.Input[str],
    key_arn: pulumi.Input[str],
    region: pulumi.Input[str],
    *,
    jobs: pulumi.Input[str],
    model_arns: Sequence[pulumi.Input[str]],
) -> list[dict[str, Any]]:
    """The worker: its files, its jobs, and the handing over of the role."""
    return [
        *control_statements(jobs, model_arns),
        iam.allow(
            "iam:PassRole",
            service_role_arn,
            condition={"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
        ),
        *file_statements(bucket_arn),
        key_statement(key_arn, region),
    ]


def file_statements(bucket_arn: pulumi.Input[str], **who: Any) -> list[dict[str, Any]]:
    """The files, as the worker lists, writes, reads and deletes them."""
    return [iam.allow(actions, resource, **who) for actions, resource in file_uses(bucket_arn)]


def file_uses(bucket_arn: pulumi.Input[str]) -> list[tuple[list[str], pulumi.Input[str]]]:
    """Actions and what they act on."""
    return [
        (["s3:ListBucket"], bucket_arn),
        (["s3:DeleteObject", "s3:PutObject"], pulumi.Output.format("{0}/{1}", bucket_arn, INPUT)),
        (["s3:DeleteObject", "s3:GetObject"], pulumi.Output.format("{0}/{1}", bucket_arn, OUTPUT)),
    ]


def control_statements(
    jobs: pulumi.Input[str], model_arns: Sequence[pulumi.Input[str]], **who: Any
) -> list[dict[str, Any]]:
    """Jobs, over these models (Bedrock User Guide, "Required permissions for batch inference")."""
    return [
        iam.allow("bedrock:CreateModelInvocationJob", [*model_arns, jobs], **who),
        iam.allow(["bedrock:GetModelInvocationJob", "bedrock:StopModelInvocationJob"], jobs, **who),
        # Service Authorization Reference, Amazon Bedrock: it knows no resources.
        iam.allow("bedrock:ListModelInvocationJobs", "*", **who),
    ]


def key_statement(key_arn: pulumi.Input[str], region: pulumi.Input[str]) -> dict[str, Any]:
    """The key, as far as S3 uses it in the caller's name (S3 User Guide, SSE-KMS, permissions)."""
    return iam.allow(
        ["kms:Decrypt", "kms:GenerateDataKey"],
        key_arn,
        condition={"StringLike": {"kms:ViaService": pulumi.Output.format("s3.{0}.amazonaws.*", region)}},
    )
