"""Which service and operation a request is for. Paths decide, so an unsigned or hand-signed request arrives too."""

import re

# Every operation of the model of 2025-07-15 that is a POST to its own name.
S3VECTORS_OPERATIONS = frozenset(
    {
        "CreateIndex",
        "CreateVectorBucket",
        "DeleteIndex",
        "DeleteVectorBucket",
        "DeleteVectorBucketPolicy",
        "DeleteVectors",
        "GetIndex",
        "GetVectorBucket",
        "GetVectorBucketPolicy",
        "GetVectors",
        "ListIndexes",
        "ListVectorBuckets",
        "ListVectors",
        "PutVectorBucketDefaultIndexMode",
        "PutVectorBucketPolicy",
        "PutVectors",
        "QueryVectors",
        "UpdateIndexMode",
        "UpdateMetadataConfiguration",
    }
)
# rds-data, model of 2018-08-01.
_RDS_DATA = {
    "/Execute": "ExecuteStatement",
    "/BatchExecute": "BatchExecuteStatement",
    "/BeginTransaction": "BeginTransaction",
    "/CommitTransaction": "CommitTransaction",
    "/RollbackTransaction": "RollbackTransaction",
}
_EVENT_CONFIG = {
    "PUT": "PutFunctionEventInvokeConfig",
    "POST": "UpdateFunctionEventInvokeConfig",
    "GET": "GetFunctionEventInvokeConfig",
    "DELETE": "DeleteFunctionEventInvokeConfig",
}
_TAGGING = {"GET": "ListTagsForResource", "POST": "TagResource", "DELETE": "UntagResource"}
_TAGGED = re.compile(r"/tags/arn:[^:]+:s3vectors:")


def route(method: str, path: str) -> tuple[str, str] | None:
    """(service, operation) of a request that is answered here, None for one that moto answers."""
    for part, of in ((path.startswith("/model-invocation-job"), _batch), ("/functions/" in path, _function)):
        if part:
            return of(method, path.rstrip("/"))
    if method == "POST":
        if path.startswith("/model/") and path.endswith("/invoke"):
            return "bedrock", "InvokeModel"
        if path[1:] in S3VECTORS_OPERATIONS:
            return "s3vectors", path[1:]
        if path in _RDS_DATA:
            return "rds-data", _RDS_DATA[path]
    if method in _TAGGING and _TAGGED.match(path):
        return "s3vectors", _TAGGING[method]
    return None


def _batch(method: str, path: str) -> tuple[str, str] | None:
    if path == "/model-invocation-jobs":
        return ("bedrock", "ListModelInvocationJobs") if method == "GET" else None
    if path == "/model-invocation-job":
        return ("bedrock", "CreateModelInvocationJob") if method == "POST" else None
    if method == "POST" and path.endswith("/stop"):
        return "bedrock", "StopModelInvocationJob"
    return ("bedrock", "GetModelInvocationJob") if method == "GET" else None


def _function(method: str, path: str) -> tuple[str, str] | None:
    last = path.rpartition("/functions/")[2].partition("/")[2]
    if last.startswith("event-invoke-config"):
        name = "ListFunctionEventInvokeConfigs" if last.endswith("/list") else _EVENT_CONFIG.get(method)
        return ("lambda", name) if name else None
    return ("lambda", "Invoke") if (method, last) == ("POST", "invocations") else None
