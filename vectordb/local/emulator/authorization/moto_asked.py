"""What a request to a service that moto answers takes.

The action's name comes from the protocol; the resources are known for what functions and databases do. A role that asks
for anything else is told that nobody here knows what it is about: add it to the table.
"""

import functools
import json
import re
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

from vectordb.local.emulator import ACCOUNT, partition_of
from vectordb.local.emulator.authorization.asked import Asked
from vectordb.local.emulator.wire import Request

Parameters = Mapping[str, Any]

# The service of a signature → IAM's prefix, where they differ.
_PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}
_RPC = re.compile(r"/service/[^/]+/operation/([^/]+)")
_QUEUE = re.compile(r".*/([0-9]{12})/([^/]+)")
_LARGEST_READ = 2 << 20
"""Bytes of a body that is read to see what it says; objects are larger and say it in their path."""


def operation_of(request: Request) -> tuple[str, Parameters]:
    """The API's name of the operation, empty when it cannot be told, and the parameters as far as they are in the body."""
    target = request.header("X-Amz-Target")
    if target:
        return target.rpartition(".")[2], _json(request)
    if (rpc := _RPC.fullmatch(request.path)) is not None:
        return rpc[1], {}
    if request.environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        fields = {key: values[-1] for key, values in parse_qs(_text(request), keep_blank_values=True).items()}
        return fields.get("Action", ""), fields
    if "Action=" in request.environ.get("QUERY_STRING", ""):
        return next(iter(request.query("Action")), ""), {}
    if request.service == "s3":
        return _s3_operation(request), {}
    return _rest_operation(request.service, request.method, request.path), {}


def asked(request: Request, operation: str, parameters: Parameters) -> Asked:
    """The action, and the resources where they are known."""
    service = _PREFIXES.get(request.service, request.service)
    action = _ACTIONS.get((service, operation), f"{service}:{operation}")
    if service == "s3":
        return Asked((action,), (_s3_arn(request),))
    find = _RESOURCES.get(action)
    resources = tuple(find(parameters, request.region)) if find else ()
    through: tuple[tuple[str, str], ...] = ()
    if service == "sqs" and resources:
        from vectordb.local.emulator.queues import keys, moto_queues

        through = keys.taken(action, moto_queues.find(resources[0]))
    return Asked((action,), resources, through)


def _arn(service: str, region: str, resource: str) -> str:
    return f"arn:{partition_of(region)}:{service}:{region}:{ACCOUNT}:{resource}"


def _named(service: str, key: str, prefix: str, *, kept: str = "arn:") -> Callable[[Parameters, str], list[str]]:
    """The resource that a parameter names, by its name or its ARN."""

    def find(parameters: Parameters, region: str) -> list[str]:
        name = str(parameters.get(key, ""))
        return [name if name.startswith(kept) else _arn(service, region, prefix + name)]

    return find


def _secret(parameters: Parameters, region: str) -> list[str]:
    """A secret's whole ARN ends with six characters that its name does not have."""
    from moto.secretsmanager.models import secretsmanager_backends

    wanted = str(parameters.get("SecretId", ""))
    secrets = secretsmanager_backends[ACCOUNT][region].secrets.values()
    found = [secret.arn for secret in secrets if wanted in (secret.arn, secret.name)]
    return found or [wanted if wanted.startswith("arn:") else _arn("secretsmanager", region, f"secret:{wanted}")]


def _queue(parameters: Parameters, region: str) -> list[str]:
    match = _QUEUE.fullmatch(str(parameters.get("QueueUrl", "")))
    return [_arn("sqs", region, match[2] if match else str(parameters.get("QueueName", "")))]


def _ssm(parameters: Parameters, region: str) -> list[str]:
    names = parameters.get("Names") or [parameters.get("Name") or parameters.get("Path") or ""]
    return [_arn("ssm", region, f"parameter/{str(name).lstrip('/')}") for name in names]


def _stream(parameters: Parameters, region: str) -> list[str]:
    group, stream = parameters.get("logGroupName", ""), parameters.get("logStreamName", "")
    return [_arn("logs", region, f"log-group:{group}:log-stream:{stream}")]


def _everything(_: Parameters, __: str) -> list[str]:
    return ["*"]


_ACTIONS = {
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "HeadObject"): "s3:GetObject",
    # Service Authorization Reference, Amazon SQS: batches have no actions of their own.
    ("sqs", "SendMessageBatch"): "sqs:SendMessage",
    ("sqs", "DeleteMessageBatch"): "sqs:DeleteMessage",
    ("sqs", "ChangeMessageVisibilityBatch"): "sqs:ChangeMessageVisibility",
}
# Service Authorization Reference: the resource types of each action.
_RESOURCES: dict[str, Callable[[Parameters, str], list[str]]] = {
    **dict.fromkeys(
        ("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"), _secret
    ),
    **{
        f"sqs:{name}": _queue
        for name in (
            "SendMessage",
            "ReceiveMessage",
            "DeleteMessage",
            "ChangeMessageVisibility",
            "GetQueueAttributes",
            "GetQueueUrl",
        )
    },
    **{f"ssm:{name}": _ssm for name in ("GetParameter", "GetParameters", "GetParametersByPath", "PutParameter")},
    **{
        f"kms:{name}": _named("kms", "KeyId", "key/")
        for name in ("Encrypt", "Decrypt", "GenerateDataKey", "DescribeKey")
    },
    "logs:CreateLogGroup": _named("logs", "logGroupName", "log-group:"),
    "logs:CreateLogStream": _named("logs", "logGroupName", "log-group:"),
    "logs:PutLogEvents": _stream,
    "sns:Publish": _named("sns", "TopicArn", ""),
    "events:PutEvents": _everything,
    "cloudwatch:PutMetricData": _everything,
}

NEED_NO_PERMISSION = frozenset({"sts:GetCallerIdentity"})
"""AWS STS API reference, GetCallerIdentity: "No permissions are required"."""


def _text(request: Request) -> str:
    """The body, which moto can still read afterwards."""
    if request.length() > _LARGEST_READ:
        return ""
    body = request.body()
    request.environ["wsgi.input"] = BytesIO(body)
    return body.decode(errors="replace")


def _json(request: Request) -> Parameters:
    try:
        document = json.loads(_text(request) or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _s3_operation(request: Request) -> str:
    key = request.path.strip("/").partition("/")[2]
    objects = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
    buckets = {"GET": "ListObjectsV2", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
    if request.path == "/":
        return "ListAllMyBuckets"
    return (objects if key else buckets).get(request.method, "PutObject")


def _s3_arn(request: Request) -> str:
    return f"arn:{partition_of(request.region)}:s3:::{request.path.strip('/')}" if request.path != "/" else "*"


def _rest_operation(service: str, method: str, path: str) -> str:
    return next((name for verb, uri, name in _rest_operations(service) if verb == method and uri.fullmatch(path)), "")


@functools.cache
def _rest_operations(service: str) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Verb, path and name of a REST service's operations, the longest path first; none for a service nobody knows."""
    import botocore.session
    from botocore.exceptions import UnknownServiceError

    try:
        model = botocore.session.get_session().get_service_model(service)
    except UnknownServiceError:
        return ()
    operations = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        uri = http.get("requestUri", "/").partition("?")[0]
        pattern = re.sub(r"\\\{([^}]*?)(\\\+)?\\\}", lambda m: ".+" if m[2] else "[^/]+", re.escape(uri.rstrip("/")))
        operations.append((http.get("method", "POST"), re.compile(pattern + "/?"), name))
    return tuple(sorted(operations, key=lambda entry: -len(entry[1].pattern)))
