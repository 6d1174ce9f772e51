"""What proves who the worker is: Signature Version 4 of botocore, over requests and over database logins."""

import functools
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import botocore
from botocore.auth import S3SigV4Auth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest

USER_AGENT = f"vectordb-embedder/1 Botocore/{botocore.__version__}"
LOGIN_SECONDS = 900
"""How long RDS takes a token for opening connections (RDS User Guide, IAM database authentication)."""


class UnsignedError(Exception):
    """There are no credentials to sign with."""


class _Credentials(NamedTuple):
    access_key: str
    secret_key: str
    token: str | None


def request(
    service: str, region: str, url: str, body: bytes, headers: Mapping[str, str] | None = None, method: str = "POST"
) -> Any:
    """botocore's AWSPreparedRequest, of a POST of JSON if nothing else is said; `headers` go over the usual ones. Raises UnsignedError."""
    told = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **(headers or {})}
    made = AWSRequest(method=method, url=url, headers=told, data=body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(_credentials(), service, region).add_auth(made)
    return made.prepare()


def login(*, host: str, port: int, user: str, region: str) -> str:
    """A token in place of a password, for the database's own host and port. Signing is local. Raises UnsignedError."""
    made = AWSRequest(
        method="GET", url=f"https://{host}:{port}/", params={"Action": "connect", "DBUser": user}, headers={}
    )
    SigV4QueryAuth(_credentials(), "rds-db", region, expires=LOGIN_SECONDS).add_auth(made)
    return str(made.prepare().url).removeprefix("https://")


def _credentials() -> Any:
    """Lambda's variables; elsewhere whatever botocore finds, kept and renewed by it."""
    environment = os.environ
    if environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY"):
        return _Credentials(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN") or None,
        )
    found = _resolved()
    if found is None:
        raise UnsignedError
    return found.get_frozen_credentials()


@functools.cache
def _resolved() -> Any:
    """A container's role; botocore.session takes long to import, and Lambda does not need it."""
    import botocore.session

    return botocore.session.Session().get_credentials()
