"""Tokens that AWS's own signer made, and what is wrong with others."""

import datetime as dt
import functools
from typing import Any
from unittest import mock

import boto3
import pytest

from vectordb.local.postgres import iam_token
from vectordb.local.postgres.iam_token import TokenError

HOST = "vectordb.cluster-abc.us-east-1.rds.amazonaws.com"
KEYS = {"AKIDEXAMPLE": "the/secret+key"}
NOW = dt.datetime(2026, 11, 21, 12, 0, 0, tzinfo=dt.UTC)


@functools.cache
def signer(region: str, key: str, secret: str, session: str | None) -> Any:
    return boto3.client(
        "rds", region_name=region, aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=session
    )


def token(
    *,
    host: str = HOST,
    port: int = 5432,
    user: str = "vectordb_app",
    region: str = "us-east-1",
    key: str = "AKIDEXAMPLE",
    secret: str = KEYS["AKIDEXAMPLE"],
    session: str | None = None,
    at: dt.datetime = NOW,
) -> str:
    client = signer(region, key, secret, session)
    with mock.patch("botocore.auth.get_current_datetime", return_value=at.replace(tzinfo=None)):
        made = client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user, Region=region)
    assert at.strftime("%Y%m%dT%H%M%SZ") in made
    return str(made)


def verify(made: str, *, user: str = "vectordb_app", now: dt.datetime = NOW, region: str = "us-east-1") -> None:
    iam_token.verify(made, user=user, endpoints=frozenset({f"{HOST}:5432"}), region=region, access_keys=KEYS, now=now)


@pytest.mark.parametrize(
    "made",
    [
        {},
        {"session": "A/session+token=="},
        {"host": HOST.upper()},
        {"at": NOW - dt.timedelta(minutes=14, seconds=59)},
        {"at": NOW + dt.timedelta(minutes=5)},
    ],
    ids=["plain", "temporary credentials", "another case", "nearly expired", "a clock that is ahead"],
)
def test_good(made: dict[str, Any]) -> None:
    verify(token(**made))


def test_a_user_whose_name_needs_quoting() -> None:
    verify(token(user="o'brien & söhne"), user="o'brien & söhne")


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"at": NOW - dt.timedelta(minutes=15)}, "it expired at 2026-11-21 12:00:00 UTC"),
        ({"at": NOW + dt.timedelta(minutes=5, seconds=1)}, "it is signed in the future, at 2026-11-21 12:05:01 UTC"),
        ({"host": "localhost"}, f"it is signed for localhost:5432, not for {HOST}:5432"),
        ({"port": 15432}, f"it is signed for {HOST}:15432, not for {HOST}:5432"),
        ({"user": "other"}, "it is for connect as 'other'"),
        ({"region": "eu-west-1"}, "it is signed for 20261121/eu-west-1/rds-db/aws4_request"),
        ({"key": "AKIDOTHER"}, "access key AKIDOTHER is not known here"),
        ({"secret": "guessed"}, "its signature is wrong"),
    ],
)
def test_refused(made: dict[str, Any], reason: str) -> None:
    with pytest.raises(TokenError) as raised:
        verify(token(**made))
    assert str(raised.value) == reason


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("X-Amz-Expires=900", "X-Amz-Expires=901", "its signature is wrong"),
        ("DBUser=vectordb_app", "DBUser=vectordb_app&DBUser=vectordb_app", "it has not the parameters of a token"),
        ("Action=connect", "Action=connect&Extra=1", "it has not the parameters of a token"),
        ("Action=connect", "Action=dump", "it is for dump as 'vectordb_app'"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=", "it is not signed as AWS signs it"),
        ("X-Amz-Expires=900", "X-Amz-Expires=soon", "its date or its lifetime cannot be read"),
        ("rds-db", "rds", "it is signed for 20261121/us-east-1/rds/aws4_request"),
        ("/?", "/x?", "it has not the form of a token"),
        (HOST, f"evil@{HOST}", "it has not the form of a token"),
        ("connect", "connect\u00e9", "it has not the form of a token"),
    ],
)
def test_forged(old: str, new: str, reason: str) -> None:
    made = token()
    assert old in made
    with pytest.raises(TokenError) as raised:
        verify(made.replace(old, new, 1))
    assert str(raised.value) == reason


def test_a_longer_life_that_was_signed_is_not_granted() -> None:
    with mock.patch(
        "botocore.signers.RequestSigner.generate_presigned_url", autospec=True, side_effect=_a_day(), return_value=None
    ):
        made = token(at=NOW - dt.timedelta(hours=1))
    assert "X-Amz-Expires=86400" in made
    with pytest.raises(TokenError) as raised:
        verify(made)
    assert str(raised.value) == "it expired at 2026-11-21 11:15:00 UTC"


def _a_day() -> Any:
    from botocore.signers import RequestSigner

    original = RequestSigner.generate_presigned_url

    def sign(*positional: Any, **named: Any) -> Any:
        return original(*positional, **{**named, "expires_in": 86400})

    return sign


@pytest.mark.parametrize("text", ["", "password", "/?", "a/?b", "=" * 5000, "x/?" + "a=1&" * 1000])
def test_not_a_token_at_all(text: str) -> None:
    with pytest.raises(TokenError):
        verify(text)
