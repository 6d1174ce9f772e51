"""What the bridge's function may do: plain statements, the same for its role and for the endpoints that it goes through."""

from collections.abc import Sequence
from typing import Any

import pulumi

from components import iam

EMBEDDINGS = "bedrock-runtime"
"""The endpoint of models, by the last part of its service's name."""
VECTORS = "s3vectors"
"""The endpoint of indexes."""

# S3 API, "Permissions" of each operation. A query with a filter, metadata or texts needs GetVectors as well, and so does a
# listing with data or metadata.
_ON_INDEXES = [
    "s3vectors:DeleteVectors",
    "s3vectors:GetIndex",
    "s3vectors:GetVectors",
    "s3vectors:ListVectors",
    "s3vectors:PutVectors",
    "s3vectors:QueryVectors",
]
_INTERFACES = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


def vector_statements(index_arns: pulumi.Input[Sequence[str]], **who: Any) -> list[dict[str, Any]]:
    """Vectors of these indexes, what the indexes are, and which ones their buckets have.

    `ListIndexes` is authorised on the bucket, all others on the index (Service Authorization Reference, Amazon S3 Vectors).

    Args:
        index_arns: the indexes.
        who: `principal` and `condition` of an endpoint's policy.
    """
    known = pulumi.Output.from_input(index_arns)
    return [
        iam.allow(_ON_INDEXES, known, **who),
        iam.allow("s3vectors:ListIndexes", known.apply(buckets_of), **who),
    ]


def buckets_of(index_arns: Sequence[str]) -> list[str]:
    """The ARNs of the indexes' buckets, each once, sorted."""
    return sorted({arn.partition("/index/")[0] for arn in index_arns})


def key_statement(key_arn: pulumi.Input[str], region: pulumi.Input[str]) -> dict[str, Any]:
    """The key, as far as S3 Vectors uses it in the caller's name (S3 User Guide, vector bucket encryption: the statement
    for applications). What follows the region in a service's name is the partition's.

    The function's environment is under the key too: for that Lambda has a grant of its own (Lambda Developer Guide).
    """
    return iam.allow(
        ["kms:Decrypt", "kms:GenerateDataKey"],
        key_arn,
        condition={"StringLike": {"kms:ViaService": pulumi.Output.format("s3vectors.{0}.amazonaws.*", region)}},
    )


def model_statement(model_arns: Sequence[pulumi.Input[str]], **who: Any) -> dict[str, Any]:
    """The models that make vectors of text."""
    return iam.allow("bedrock:InvokeModel", model_arns, **who)


def model_arns(
    models: Sequence[str], partition: pulumi.Input[str], region: pulumi.Input[str]
) -> list[pulumi.Output[str]]:
    """The ARNs of foundation models."""
    return [pulumi.Output.format("arn:{0}:bedrock:{1}::foundation-model/{2}", partition, region, m) for m in models]


def tracing_statement() -> dict[str, Any]:
    """What Lambda needs to send traces; the actions know no resources (Lambda Developer Guide, AWS X-Ray)."""
    return iam.allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*")


def interface_statements(function_arn: pulumi.Input[str]) -> list[dict[str, Any]]:
    """What Lambda needs to put the function into a VPC, and that the function itself may nothing of it.

    The guide has no narrower form: its policy names every resource, and the denial is its way to keep these permissions
    from the code (Lambda Developer Guide, giving functions access to resources in an Amazon VPC; managed policy
    AWSLambdaVPCAccessExecutionRole). `lambda:SourceFunctionArn` is in the calls that come from the code, without a version.
    """
    return [
        iam.allow(_INTERFACES, "*"),
        iam.allow(
            [*_INTERFACES, "ec2:DetachNetworkInterface"],
            "*",
            sid="NotFromTheCode",
            effect="Deny",
            condition={"ArnEquals": {"lambda:SourceFunctionArn": function_arn}},
        ),
    ]
