"""Names and ARNs of vector buckets and indexes, and which of them a request means."""

import re
from collections.abc import Mapping
from typing import Any

from vectordb.local.emulator import ACCOUNT, partition_of
from vectordb.local.emulator.s3vectors.parameters import invalid, text

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# The model's patterns VectorBucketArn and IndexArn.
_BUCKET_ARN = re.compile(r"arn:aws[-a-z0-9]*:s3vectors:[a-z0-9-]+:[0-9]{12}:bucket/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])")
_INDEX_ARN = re.compile(_BUCKET_ARN.pattern + r"/index/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])")


def bucket_arn(region: str, bucket: str) -> str:
    """The ARN of a vector bucket."""
    return f"arn:{partition_of(region)}:s3vectors:{region}:{ACCOUNT}:bucket/{bucket}"


def index_arn(region: str, bucket: str, index: str) -> str:
    """The ARN of an index."""
    return f"{bucket_arn(region, bucket)}/index/{index}"


def new_bucket_name(parameters: Mapping[str, Any]) -> str:
    """The name of a bucket to create: 3 to 63 lower-case letters, digits and hyphens."""
    name = text(parameters, "vectorBucketName", 3, 63)
    if not _BUCKET_NAME.fullmatch(name):
        raise invalid("vectorBucketName", "Invalid vector bucket name")
    return name


def new_index_name(parameters: Mapping[str, Any]) -> str:
    """The name of an index to create: as a bucket's, and dots."""
    name = text(parameters, "indexName", 3, 63)
    if not _INDEX_NAME.fullmatch(name):
        raise invalid("indexName", "Invalid index name")
    return name


def bucket_of(parameters: Mapping[str, Any], region: str) -> str:
    """The ARN of the bucket that a request names by name or by ARN."""
    name, arn = parameters.get("vectorBucketName"), parameters.get("vectorBucketArn")
    if (name is None) == (arn is None):
        raise invalid("vectorBucketName", "Must specify either vectorBucketName or vectorBucketArn but not both")
    if name is not None:
        return bucket_arn(region, text(parameters, "vectorBucketName", 3, 63))
    if not isinstance(arn, str) or not _BUCKET_ARN.fullmatch(arn):
        raise invalid("vectorBucketArn", f"Value at '/vectorBucketArn' is not the ARN of a vector bucket: {arn}")
    return arn


def index_of(parameters: Mapping[str, Any], region: str) -> str:
    """The ARN of the index that a request names by ARN, or by bucket and index name."""
    bucket, name, arn = (parameters.get(key) for key in ("vectorBucketName", "indexName", "indexArn"))
    if arn is not None and bucket is None and name is None:
        if not isinstance(arn, str) or not _INDEX_ARN.fullmatch(arn):
            raise invalid("indexArn", f"Value at '/indexArn' is not the ARN of an index: {arn}")
        return arn
    if arn is None and bucket is not None and name is not None:
        return index_arn(region, text(parameters, "vectorBucketName", 3, 63), text(parameters, "indexName", 3, 63))
    raise invalid("indexArn", "Must specify either indexArn or both vectorBucketName and indexName")


def region_of(arn: str) -> str:
    """The region that an ARN names."""
    return arn.split(":")[3]
