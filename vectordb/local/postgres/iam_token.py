"""Check an IAM database authentication token as RDS does: it is a presigned request for `rds-db:connect`, and its signature is recomputed.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
Left out: whether a policy allows `rds-db:connect` on the user, and whether temporary credentials have ended.
"""

import datetime as dt
import hmac
import urllib.parse
from collections.abc import Mapping
from typing import Any

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

# botocore has no types.
_signer: Any = SigV4QueryAuth
_request: Any = AWSRequest
_credentials: Any = Credentials

SERVICE = "rds-db"
LIFETIME = dt.timedelta(minutes=15)
CLOCK_SKEW = dt.timedelta(minutes=5)  # what AWS allows a signer's clock to be ahead
_TIME = "%Y%m%dT%H%M%SZ"
_REQUIRED = frozenset(
    {
        "Action",
        "DBUser",
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    }
)
_OPTIONAL = frozenset({"X-Amz-Security-Token"})


class TokenError(Exception):
    """The token is no good; the message says why and holds nothing secret."""


def verify(
    token: str,
    *,
    user: str,
    endpoints: frozenset[str],
    region: str,
    access_keys: Mapping[str, str],
    now: dt.datetime | None = None,
) -> None:
    """Return when the token lets `user` in.

    Args:
        token: what came as the password: `host:port/?Action=connect&DBUser=…&X-Amz-…`.
        user: the role that logs in.
        endpoints: what the token may be signed for, as `name:port`, in lower case.
        region: the database's.
        access_keys: the secret access key of each access key id.
        now: the time to check against; the clock's when None.

    Raises:
        TokenError: it does not.
    """
    host, parameters = _parse(token)
    if host.lower() not in endpoints:
        raise TokenError(f"it is signed for {host}, not for {' or '.join(sorted(endpoints))}")
    if parameters["Action"] != "connect" or parameters["DBUser"] != user:
        raise TokenError(f"it is for {parameters['Action']} as {parameters['DBUser']!r}")
    if parameters["X-Amz-Algorithm"] != "AWS4-HMAC-SHA256" or parameters["X-Amz-SignedHeaders"] != "host":
        raise TokenError("it is not signed as AWS signs it")
    _check_time(parameters, now or dt.datetime.now(dt.UTC))
    key, *scope = parameters["X-Amz-Credential"].split("/")
    if scope != [parameters["X-Amz-Date"][:8], region, SERVICE, "aws4_request"]:
        raise TokenError(f"it is signed for {'/'.join(scope)}")
    if key not in access_keys:
        raise TokenError(f"access key {key} is not known here")
    expected = _signature(token, parameters["X-Amz-Date"], _credentials(key, access_keys[key]), region)
    if not hmac.compare_digest(expected, parameters["X-Amz-Signature"]):
        raise TokenError("its signature is wrong")


def signer(token: str) -> tuple[str, str]:
    """Who signed it: access key id, and the session's token, empty without one. Nothing is verified yet.

    Raises:
        TokenError: it is no token.
    """
    _, parameters = _parse(token)
    return parameters["X-Amz-Credential"].partition("/")[0], parameters.get("X-Amz-Security-Token", "")


def _parse(token: str) -> tuple[str, dict[str, str]]:
    host, slash, query = token.partition("/?")
    if not slash or not token.isascii() or not token.isprintable() or any(character in host for character in "/@?#"):
        raise TokenError("it has not the form of a token")
    try:
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise TokenError("it has not the form of a token") from error
    parameters = dict(pairs)
    if len(parameters) != len(pairs) or not _REQUIRED <= set(parameters) <= _REQUIRED | _OPTIONAL:
        raise TokenError("it has not the parameters of a token")
    return host, parameters


def _check_time(parameters: Mapping[str, str], now: dt.datetime) -> None:
    try:
        signed = dt.datetime.strptime(parameters["X-Amz-Date"], _TIME).replace(tzinfo=dt.UTC)
        lifetime = min(dt.timedelta(seconds=int(parameters["X-Amz-Expires"])), LIFETIME)
    except (ValueError, OverflowError) as error:
        raise TokenError("its date or its lifetime cannot be read") from error
    if now >= signed + lifetime:
        raise TokenError(f"it expired at {signed + lifetime:%Y-%m-%d %H:%M:%S} UTC")
    if signed > now + CLOCK_SKEW:
        raise TokenError(f"it is signed in the future, at {signed:%Y-%m-%d %H:%M:%S} UTC")


def _signature(token: str, timestamp: str, credentials: Any, region: str) -> str:
    """The signature that the holder of the credentials would have put under everything else in the token."""
    host, _, query = token.partition("/?")
    unsigned = "&".join(part for part in query.split("&") if not part.startswith("X-Amz-Signature="))
    request = _request(method="GET", url=f"https://{host}/?{unsigned}")
    request.context["timestamp"] = timestamp
    signer = _signer(credentials, SERVICE, region)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(to_sign, request))
