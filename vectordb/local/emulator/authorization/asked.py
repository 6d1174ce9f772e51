"""What a request takes: IAM actions on resources, for the services that are answered here (`moto_asked` has the others)."""

from dataclasses import dataclass
from urllib.parse import unquote

from vectordb.local.emulator import ACCOUNT, partition_of
from vectordb.local.emulator.functions.names import parse_target
from vectordb.local.emulator.wire import Request, ServiceError

# API reference of each operation, "Permissions"; Service Authorization Reference, Amazon S3 Vectors, for the resources.
_ON_BUCKETS = frozenset(
    {
        "CreateVectorBucket",
        "DeleteVectorBucket",
        "DeleteVectorBucketPolicy",
        "GetVectorBucket",
        "GetVectorBucketPolicy",
        "ListIndexes",
        "PutVectorBucketDefaultIndexMode",
        "PutVectorBucketPolicy",
    }
)
_TAGGED = "/tags/"


@dataclass(frozen=True, slots=True)
class Asked:
    """Each action on each resource. Without resources it is not known what the request is about."""

    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    through: tuple[tuple[str, str], ...] = ()
    """(action, resource) pairs that the service takes in the caller's name, such as the key of a queue."""


def asked(service: str, operation: str, request: Request) -> Asked:
    """What a request to one of our services takes.

    Raises:
        ServiceError: it does not say what it is about, in the service's own words.
    """
    if service == "lambda":
        return _invoke(request) if operation == "Invoke" else _event_configuration(operation, request)
    if service == "bedrock" and operation != "InvokeModel":
        return _batch(operation, request)
    if service == "bedrock":
        model = unquote(request.path.removeprefix("/model/").removesuffix("/invoke"))
        arn = f"arn:{partition_of(request.region)}:bedrock:{request.region}::foundation-model/{model}"
        return Asked((f"bedrock:{operation}",), (arn,))
    if service == "rds-data":
        return Asked((f"rds-data:{operation}",), (str(request.parameters().get("resourceArn") or "*"),))
    return _s3vectors(operation, request)


def _batch(operation: str, request: Request) -> Asked:
    """Service Authorization Reference, Amazon Bedrock; Bedrock User Guide, "Required permissions for batch inference"."""
    partition = partition_of(request.region)
    jobs = f"arn:{partition}:bedrock:{request.region}:{ACCOUNT}:model-invocation-job/"
    action = (f"bedrock:{operation}",)
    if operation == "ListModelInvocationJobs":
        return Asked(action, ("*",))
    if operation == "CreateModelInvocationJob":
        model = str(request.parameters().get("modelId") or "*")
        arn = (
            model if model.startswith("arn:") else f"arn:{partition}:bedrock:{request.region}::foundation-model/{model}"
        )
        return Asked(action, (arn, f"{jobs}*"))
    named = unquote(request.path).removeprefix("/model-invocation-job/").removesuffix("/stop")
    return Asked(action, (named if named.startswith("arn:") else f"{jobs}{named}",))


def _invoke(request: Request) -> Asked:
    name = unquote(request.path.partition("/functions/")[2].rstrip("/").removesuffix("/invocations"))
    qualifier = next(iter(request.query("Qualifier")), None)
    return Asked(("lambda:InvokeFunction",), (parse_target(name, qualifier or None, request.region).arn,))


def _event_configuration(operation: str, request: Request) -> Asked:
    name = unquote(request.path.partition("/functions/")[2].partition("/event-invoke-config")[0])
    return Asked((f"lambda:{operation}",), (parse_target(name, None, request.region).arn,))


def _s3vectors(operation: str, request: Request) -> Asked:
    from vectordb.local.emulator.s3vectors import names
    from vectordb.local.emulator.s3vectors.service import LARGEST_REQUEST

    action = f"s3vectors:{operation}"
    if request.path.startswith(_TAGGED):
        return Asked((action,), (request.path.removeprefix(_TAGGED),))
    if operation == "ListVectorBuckets":
        return Asked((action,), ("*",))
    if request.length() > LARGEST_REQUEST:
        raise ServiceError("ValidationException", f"The request is larger than {LARGEST_REQUEST} bytes")
    parameters = request.parameters()
    actions = [action]
    # With any of these options GetVectors is needed as well, or the request fails.
    options = {
        "QueryVectors": ("filter", "queryTexts", "returnMetadata"),
        "ListVectors": ("returnData", "returnMetadata"),
    }
    if any(parameters.get(option) for option in options.get(operation, ())):
        actions.append("s3vectors:GetVectors")
    if operation.startswith("Create") and parameters.get("tags"):
        actions.append("s3vectors:TagResource")
    if operation in _ON_BUCKETS:
        arn = names.bucket_of(parameters, request.region)
    elif operation == "CreateIndex":
        arn = f"{names.bucket_of(parameters, request.region)}/index/{names.new_index_name(parameters)}"
    else:
        arn = names.index_of(parameters, request.region)
    return Asked(tuple(actions), (arn,))
