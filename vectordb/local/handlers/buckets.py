"""Amazon S3: buckets, empty after each start."""

from typing import Any

from vectordb.local.emulator import partition_of
from vectordb.local.engine import Execution, Made
from vectordb.plan.recording import Registration

_LONGEST_NAME = 63


def bucket(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A bucket. Who may use it is said by roles; what its other resources declare (encryption, expiry, its policy) is recorded."""
    region = execution.region
    name = inputs.get("bucket") or f"{resource.name}-{execution.unique(resource, 7)}"[-_LONGEST_NAME:]
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    execution.clients("s3").create_bucket(Bucket=name, **where)
    return name, {"bucket": name, "arn": f"arn:{partition_of(region)}:s3:::{name}"}
