"""S3 Vectors: buckets and indexes, kept between runs."""

import re
from typing import Any

from botocore.exceptions import ClientError

from vectordb.local.engine import Execution, Made
from vectordb.plan.recording import Registration


def vector_bucket(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """An S3 Vectors bucket; one of an earlier run is taken over with its vectors."""
    del resource
    name = inputs["vectorBucketName"]
    _unless_there(execution.clients("s3vectors").create_vector_bucket, vectorBucketName=name, **_encryption(inputs))
    arn = execution.arn("s3vectors", f"bucket/{name}")
    return arn, {"vectorBucketArn": arn}


def vector_index(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """An S3 Vectors index; one of an earlier run is taken over unless its fixed settings changed: AWS replaces it then."""
    del resource
    bucket, name = inputs["vectorBucketName"], inputs["indexName"]
    client = execution.clients("s3vectors")
    keys = (inputs.get("metadataConfiguration") or {}).get("nonFilterableMetadataKeys") or []
    wanted: dict[str, Any] = {
        "dataType": inputs["dataType"],
        "dimension": int(inputs["dimension"]),
        "distanceMetric": inputs["distanceMetric"],
        **({"metadataConfiguration": {"nonFilterableMetadataKeys": keys}} if keys else {}),
    }
    whole = wanted | _encryption(inputs)
    if not _unless_there(client.create_index, vectorBucketName=bucket, indexName=name, **whole):
        found = client.get_index(vectorBucketName=bucket, indexName=name)["index"]
        found_keys = (found.get("metadataConfiguration") or {}).get("nonFilterableMetadataKeys") or []
        same = all(found.get(key) == wanted[key] for key in ("dataType", "dimension", "distanceMetric"))
        if not same or sorted(found_keys) != sorted(keys):
            client.delete_index(vectorBucketName=bucket, indexName=name)
            client.create_index(vectorBucketName=bucket, indexName=name, **whole)
    arn = execution.arn("s3vectors", f"bucket/{bucket}/index/{name}")
    return arn, {"indexArn": arn}


def _encryption(inputs: dict[str, Any]) -> dict[str, Any]:
    """What it is kept under, as the service's API has it."""
    declared = (inputs.get("encryptionConfigurations") or [{}])[0]
    given = {key: declared[key] for key in ("sseType", "kmsKeyArn") if declared.get(key)}
    return {"encryptionConfiguration": given} if given else {}


def _unless_there(create: Any, **arguments: Any) -> bool:
    """Call `create`; False when the thing existed already."""
    try:
        create(**arguments)
    except ClientError as error:
        if re.search("Conflict|AlreadyExists", error.response["Error"]["Code"]):
            return False
        raise
    return True
