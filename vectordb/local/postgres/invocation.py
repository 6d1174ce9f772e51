"""One `aws_lambda.invoke` of the spool transport: check what SQL asked for, send it to the Lambda service, judge the reply.

The same rules and words as the C transport's (transport/*.c), where their sources stand; one test suite holds both to them.
"""

import base64
import re
import urllib.parse
from dataclasses import dataclass

from vectordb.local.postgres.service_call import (
    ANONYMOUS,
    FUNCTION_FAILED,
    INVALID_PARAMETER,
    NOTHING,
    NULL_NOT_ALLOWED,
    SERVICE_REFUSED,
    Client,
    InvocationError,
    authorization,
    refuse,
)

LARGEST_REQUEST = 6_291_456
LARGEST_EVENT = 1_048_576
LARGEST_RESPONSE = 6_291_556
_LONGEST_CLIENT_CONTEXT = 3583

_NAME = re.compile(
    r"(?:(?:arn:[a-zA-Z0-9-]+:lambda:(?P<arn_region>[a-zA-Z0-9-]+):|(?P<region>[a-zA-Z0-9-]+):)?[a-zA-Z0-9_$.-]+:function:)?"
    r"[a-zA-Z0-9_$.-]+(?::(?P<qualifier>[a-zA-Z0-9_$.-]+))?"
)
_LONGEST_NAME = 170


@dataclass(frozen=True)
class Invocation:
    """The arguments of `aws_lambda._invoke` and the timeouts in force, in milliseconds."""

    function_name: str | None
    payload: str | None
    region: str | None
    invocation_type: str | None
    log_type: str | None
    context: str | None
    qualifier: str | None
    connect_timeout_ms: int
    request_timeout_ms: int

    @property
    def kind(self) -> str:
        """The invocation type, the default when none was given."""
        return "RequestResponse" if self.invocation_type is None else self.invocation_type

    @property
    def client(self) -> Client:
        """With the timeouts in force."""
        return Client("Lambda", self.connect_timeout_ms, self.request_timeout_ms, LARGEST_RESPONSE)


@dataclass(frozen=True)
class Reply:
    """A success: the payload is None for an Event and a DryRun."""

    status: int
    payload: bytes | None
    executed_version: str | None
    log_result: str | None


def _agree(what: str, given: str | None, of_name: str | None, name: str) -> str | None:
    if given is not None and of_name is not None and given != of_name:
        raise InvocationError(INVALID_PARAMETER, f'{what} "{given}" conflicts with "{name}"')
    return given if given is not None else of_name


def _signing_region(invocation: Invocation, name: str, default_region: str) -> str:
    """Check the name, the region and the qualifier against each other; the region to sign for."""
    region, qualifier = invocation.region, invocation.qualifier
    if region is not None and not re.fullmatch(r"[a-zA-Z0-9-]+", region):
        refuse("region", region)
    if qualifier is not None and not re.fullmatch(r"[a-zA-Z0-9_$-]{1,128}", qualifier):
        refuse("qualifier", qualifier)
    parsed = _NAME.fullmatch(name)
    if parsed is None or len(name) > _LONGEST_NAME:
        refuse("function name", name)
    signed = _agree("region", region, parsed["arn_region"] or parsed["region"], name)
    _agree("qualifier", qualifier, parsed["qualifier"], name)
    return default_region if signed is None else signed


def _check_size(body: bytes, kind: str) -> None:
    largest = LARGEST_EVENT if kind == "Event" else LARGEST_REQUEST
    if len(body) > largest:
        said = f"Request must be smaller than {largest} bytes for the InvokeFunction operation"
        raise InvocationError(SERVICE_REFUSED, "invoke API failed", f"AWS Lambda client returned '{said}'.")


def request(
    invocation: Invocation, default_region: str, access_key: str = ANONYMOUS
) -> tuple[str, bytes, dict[str, str]]:
    """The path, body and headers of the Invoke request.

    `access_key` is the access key id that tells the service which database calls; nothing is signed.

    Raises:
        InvocationError: an argument is not allowed.
    """
    name = invocation.function_name
    if name is None:
        raise InvocationError(NULL_NOT_ALLOWED, "function_name must not be null")
    kind = invocation.kind
    log_type = "None" if invocation.log_type is None else invocation.log_type
    if kind not in {"RequestResponse", "Event", "DryRun"}:
        refuse("invocation_type", kind)
    if log_type not in {"None", "Tail"}:
        refuse("log_type", log_type)
    region = _signing_region(invocation, name, default_region)
    body = ("null" if invocation.payload is None else invocation.payload).encode()
    _check_size(body, kind)
    path = f"/2015-03-31/functions/{urllib.parse.quote(name, safe='')}/invocations"
    if invocation.qualifier is not None:
        path += f"?Qualifier={urllib.parse.quote(invocation.qualifier, safe='')}"
    headers = {
        "Host": f"lambda.{region}.amazonaws.com",
        "Content-Type": "application/json",
        "Authorization": authorization(access_key, region, "lambda"),
        "X-Amz-Invocation-Type": kind,
        "X-Amz-Log-Type": log_type,
        "Content-Length": str(len(body)),
    }
    if invocation.context is not None:
        headers["X-Amz-Client-Context"] = _client_context(invocation.context)
    return path, body, headers


def _client_context(context: str) -> str:
    encoded = base64.b64encode(context.encode()).decode()
    if len(encoded) > _LONGEST_CLIENT_CONTEXT:
        said = f"context is too long: {len(encoded)} bytes in base64, at most {_LONGEST_CLIENT_CONTEXT}"
        raise InvocationError(INVALID_PARAMETER, said)
    return encoded


def invoke(invocation: Invocation, address: tuple[str, int], default_region: str, access_key: str = ANONYMOUS) -> Reply:
    """Send one invocation over a connection of its own.

    Raises:
        InvocationError: whatever keeps it from a whole, successful reply.
    """
    answer = invocation.client.post(address, *request(invocation, default_region, access_key))
    if (error := answer.headers.get("x-amz-function-error")) is not None:
        detail = f'"{invocation.function_name}" returned error "{error}", details: "{answer.content.decode()}".'
        raise InvocationError(FUNCTION_FAILED, "lambda invocation failed", detail)
    if not answer.content and invocation.kind == "RequestResponse":
        invocation.client.fail(NOTHING)
    return Reply(
        status=answer.status,
        payload=answer.content or None,
        executed_version=answer.headers.get("x-amz-executed-version") or None,
        log_result=answer.headers.get("x-amz-log-result") or None,
    )
