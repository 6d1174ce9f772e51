"""A bearer token out of AWS Secrets Manager: the secret's text, or the member `token` of its JSON."""

import json
import os

from embedder import connections, signing, transport
from embedder.errors import CallError, Kind

CALL_SECONDS = 5.0
_OK, _SERVER_ERROR, _THROTTLED = 200, 500, 429
_TRANSIENT = frozenset({"ThrottlingException", "InternalServiceError", "ExpiredTokenException"})
"""Of GetSecretValue, and of the service's entrance."""


def token(arn: str) -> str:
    """The token in a secret. Raises CallError, which says nothing of what the secret holds."""
    region = arn.split(":")[3]
    origin = next(filter(None, map(os.environ.get, ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"))), "")
    origin = (origin or f"https://secretsmanager.{region}.{transport.suffix(region)}").rstrip("/")
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue"}
    try:
        signed = signing.request(
            "secretsmanager", region, f"{origin}/", json.dumps({"SecretId": arn}).encode(), headers
        )
        reply = transport.exchange(origin, "/", signed.body, dict(signed.headers.items()), CALL_SECONDS)
    except connections.FAILURES as error:
        raise CallError(
            Kind.TRANSIENT, "Unreachable", f"Secrets Manager does not answer ({type(error).__name__})"
        ) from None
    except signing.UnsignedError:
        raise CallError(Kind.CONFIGURATION, "NoCredentials", "the worker has no credentials to sign with") from None
    try:
        document = json.loads(reply.body)
    except ValueError:
        document = {}
    if reply.status != _OK:
        code = str(document.get("__type", "")).rpartition("#")[2] or f"Http{reply.status}"
        transient = code in _TRANSIENT or reply.status >= _SERVER_ERROR or reply.status == _THROTTLED
        kind = Kind.TRANSIENT if transient else Kind.CONFIGURATION
        raise CallError(kind, code, f"the secret of the endpoint's token cannot be read: {arn}")
    found = _found(document.get("SecretString"))
    if not found or not found.isascii() or not found.isprintable() or " " in found:
        raise CallError(
            Kind.CONFIGURATION, "NoToken", f'the secret is no token, and has no member "token" that is one: {arn}'
        )
    return found


def _found(text: object) -> str:
    if not isinstance(text, str):
        return ""
    try:
        document = json.loads(text)
    except ValueError:
        document = text
    if isinstance(document, list):
        return ""
    found = document.get("token") if isinstance(document, dict) else text
    return found.strip() if isinstance(found, str) else ""
