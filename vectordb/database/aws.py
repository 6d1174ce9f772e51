"""AWS clients with time limits, and AWS's failures put into words with a remedy."""

import functools
import os
from typing import Any

import botocore.session  # boto3's own layer below; boto3 itself would add a tenth of a second to every run
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    UnauthorizedSSOTokenError,
)

from vectordb import __version__
from vectordb.errors import VectordbError

FAILURES = (BotoCoreError, ClientError)

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN_CALLER = {
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


# botocore carries no types.
_get_session: Any = botocore.session.get_session
_config: Any = Config


@functools.cache
def session() -> Any:
    """One botocore session a process: credentials that cost a prompt or a call are fetched once."""
    return _get_session()


def client(service: str, region: str, *, read_timeout: float = 30, attempts: int = 5) -> Any:
    """A client for one service. Credentials, profile and AWS_ENDPOINT_URL come from the environment, as in every AWS tool.

    Args:
        service: as botocore names it.
        region: the AWS region.
        read_timeout: seconds that an answer may take.
        attempts: how often a call is made in all when it fails in a way that passes.
    """
    config = _config(
        connect_timeout=5,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        user_agent_extra=f"vectordb/{__version__}",
    )
    return session().create_client(service, region_name=region, config=config)


def environment(region: str) -> dict[str, str]:
    """This process's environment with the credentials that it uses spelled out, for a program that looks for its own.

    Raises:
        VectordbError: there are no credentials.
    """
    try:
        found = session().get_credentials()
        if found is None:
            raise NoCredentialsError
        credentials = found.get_frozen_credentials()
    except FAILURES as error:
        raise explained(error, "get AWS credentials") from error
    kept = {name: value for name, value in os.environ.items() if name not in {"AWS_PROFILE", "AWS_SESSION_TOKEN"}}
    kept |= {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_REGION": region,
    }
    if credentials.token:
        kept["AWS_SESSION_TOKEN"] = credentials.token
    return kept


def code(error: Exception) -> str:
    """AWS's error code; empty when AWS was not reached."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def explained(error: Exception, doing: str) -> VectordbError:
    """The failure of an AWS call as an error for a person.

    Args:
        error: one of `FAILURES`.
        doing: what was tried, as in "read the secret …".
    """
    return VectordbError(f"could not {doing}: {error}", remedy=_remedy(error))


def _remedy(error: Exception) -> str:
    if isinstance(error, (SSOError, UnauthorizedSSOTokenError)) or code(error) in _EXPIRED:
        return "The AWS credentials have expired: renew them, with single sign-on by `aws sso login`."
    if isinstance(error, (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)):
        return "Give AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    if code(error) in _UNKNOWN_CALLER:
        return "AWS does not know these credentials: check AWS_PROFILE or AWS_ACCESS_KEY_ID, and this machine's clock."
    if code(error) in _DENIED:
        return "The message names the action that the caller's policy has to allow."
    return "Check the region and the network to AWS, then run it again."
