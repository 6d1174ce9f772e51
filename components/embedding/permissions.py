"""What the embedding worker and its schedule may do: plain statements, the same for roles and for the endpoints in between."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components import bridge_permissions as shared
from components import iam
from components.embedding import batch

QUEUES = "sqs"
"""The endpoint of queues, by the last part of its service's name."""
SECRETS = "secretsmanager"
"""The endpoint of secrets, in which the tokens of servers of models are."""
LOGIN = "vectordb_embedder"
"""The worker's login in the database; sql/repeatable/96_embedding.sql makes it."""

# S3 API, "Permissions" of each operation. The worker writes, deletes and lists by key, and reads no vector: what is visible stands in
# the database's manifest.
_ON_INDEXES = ["s3vectors:DeleteVectors", "s3vectors:ListVectors", "s3vectors:PutVectors"]


def login_statement(
    resource_id: pulumi.Input[str],
    *,
    account: pulumi.Input[str],
    region: pulumi.Input[str],
    partition: pulumi.Input[str],
) -> dict[str, Any]:
    """The database, as the worker's own login and no other (IAM User Guide, rds-db:connect: by the resource id)."""
    return iam.allow(
        "rds-db:connect",
        pulumi.Output.format("arn:{0}:rds-db:{1}:{2}:dbuser:{3}/{4}", partition, region, account, resource_id, LOGIN),
    )


def taking_statement(queue_arn: pulumi.Input[str]) -> dict[str, Any]:
    """What Lambda's poller does in the function's name (managed policy AWSLambdaSQSQueueExecutionRole)."""
    return iam.allow(["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], queue_arn)


def sending_statement(queue_arns: Sequence[pulumi.Input[str]], **who: Any) -> dict[str, Any]:
    """Messages into these queues."""
    return iam.allow("sqs:SendMessage", list(queue_arns), **who)


def queue_key_statement(key_arn: pulumi.Input[str], region: pulumi.Input[str]) -> dict[str, Any]:
    """The key, as far as SQS uses it in the caller's name (SQS Developer Guide, key management)."""
    return iam.allow(
        ["kms:Decrypt", "kms:GenerateDataKey"],
        key_arn,
        condition={"StringLike": {"kms:ViaService": pulumi.Output.format("sqs.{0}.amazonaws.*", region)}},
    )


def token_statement(secret_arns: Sequence[pulumi.Input[str]], **who: Any) -> dict[str, Any]:
    """The tokens of servers of models."""
    return iam.allow("secretsmanager:GetSecretValue", list(secret_arns), **who)


def token_key_statement(key_arns: Sequence[pulumi.Input[str]], region: pulumi.Input[str]) -> dict[str, Any]:
    """Keys of those secrets that are not under AWS's own (Secrets Manager User Guide, encryption: as the caller, by the service)."""
    return iam.allow(
        "kms:Decrypt",
        list(key_arns),
        condition={"StringLike": {"kms:ViaService": pulumi.Output.format("secretsmanager.{0}.amazonaws.*", region)}},
    )


def vector_statement(index_arns: pulumi.Input[Sequence[str]], **who: Any) -> dict[str, Any]:
    """Vectors of the indexes that are destinations."""
    return iam.allow(_ON_INDEXES, index_arns, **who)


def endpoint_statements(
    role_arn: pulumi.Input[str],
    *,
    model_arns: Sequence[pulumi.Input[str]],
    queue_arn: pulumi.Input[str] | None,
    index_arns: Mapping[str, pulumi.Input[str]],
    secret_arns: Sequence[pulumi.Input[str]] = (),
    jobs: pulumi.Input[str] | None = None,
    files_bucket_arn: pulumi.Input[str] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Service → what its endpoint has to let through for the worker."""
    mine = {"principal": "*", "condition": {"ArnEquals": {"aws:PrincipalArn": role_arn}}}
    needed = {}
    if model_arns:
        needed[shared.EMBEDDINGS] = [shared.model_statement(model_arns, **mine)]
    if secret_arns:
        needed[SECRETS] = [token_statement(secret_arns, **mine)]
    if jobs is not None:
        needed[batch.CONTROL] = batch.control_statements(jobs, model_arns, **mine)
    if files_bucket_arn is not None:
        needed[batch.FILES] = batch.file_statements(files_bucket_arn, **mine)
    if queue_arn is not None:
        needed[QUEUES] = [sending_statement([queue_arn], **mine)]
    if index_arns:
        needed[shared.VECTORS] = [vector_statement(in_order(index_arns), **mine)]
    return needed


def in_order(arns: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[Sequence[str]]:
    """ARNs by the order of their names."""
    return pulumi.Output.all(*(arn for _, arn in sorted(arns.items()))).apply(list)


def tls_only(queue_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """A queue's policy: nothing in clear text. Who may use it is said by roles (SQS Developer Guide, HTTPS only)."""
    return iam.document(
        iam.allow(
            "sqs:*",
            queue_arn,
            sid="OnlyTls",
            effect="Deny",
            principal="*",
            condition={"Bool": {"aws:SecureTransport": "false"}},
        )
    )
