"""One `aws_bedrock.invoke_model` of the spool transport; the C transport's is transport/invoke_model.c."""

import re
import urllib.parse
from dataclasses import dataclass

from vectordb.local.postgres.service_call import (
    ANONYMOUS,
    NOTHING,
    NULL_NOT_ALLOWED,
    SERVICE_REFUSED,
    Client,
    InvocationError,
    authorization,
    refuse,
)

LARGEST_BODY = 25_000_000
CLIENT = Client("Bedrock", connect_timeout_ms=1000, request_timeout_ms=60_000, largest_response=LARGEST_BODY)
_LONGEST_MODEL_ID = 2048
_ALLOWED = {
    "model_id": re.compile(r"[a-zA-Z0-9:/._-]+"),
    "content_type": re.compile(r"[a-zA-Z0-9!#$&^_.+/;= -]+"),
    "accept_type": re.compile(r"[a-zA-Z0-9!#$&^_.+/;=,* -]+"),
}


@dataclass(frozen=True)
class ModelInvocation:
    """The arguments of `aws_bedrock.invoke_model`."""

    model_id: str | None
    content_type: str | None
    accept_type: str | None
    model_input: str | None


def _given(name: str, value: str | None) -> str:
    if value is None:
        raise InvocationError(NULL_NOT_ALLOWED, f"{name} must not be null")
    return value


def request(invocation: ModelInvocation, region: str, access_key: str = ANONYMOUS) -> tuple[str, bytes, dict[str, str]]:
    """The path, body and headers of the InvokeModel request; the region is always the database's own.

    Raises:
        InvocationError: an argument is not allowed.
    """
    model_id = _given("model_id", invocation.model_id)
    content_type = _given("content_type", invocation.content_type)
    accept_type = _given("accept_type", invocation.accept_type)
    body = _given("model_input", invocation.model_input).encode()
    for name, value in (("model_id", model_id), ("content_type", content_type), ("accept_type", accept_type)):
        if not _ALLOWED[name].fullmatch(value):
            refuse(name, value)
    if len(model_id) > _LONGEST_MODEL_ID:
        refuse("model_id", model_id)
    if len(body) > LARGEST_BODY:
        said = f"Input is longer than {LARGEST_BODY} bytes"
        raise InvocationError(SERVICE_REFUSED, "invoke API failed", CLIENT.detail(said))
    headers = {
        "Host": f"bedrock-runtime.{region}.amazonaws.com",
        "Content-Type": content_type,
        "Accept": accept_type,
        "Authorization": authorization(access_key, region, "bedrock"),
        "Content-Length": str(len(body)),
    }
    return f"/model/{urllib.parse.quote(model_id, safe='')}/invoke", body, headers


def invoke_model(
    invocation: ModelInvocation, address: tuple[str, int], region: str, access_key: str = ANONYMOUS
) -> bytes:
    """The model's reply.

    Raises:
        InvocationError: whatever keeps it from a whole, successful one.
    """
    content = CLIENT.post(address, *request(invocation, region, access_key)).content
    return content or CLIENT.fail(NOTHING)
