"""The master's secret: read at use, read again after a rotation, never shown."""

import json

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from botocore.stub import Stubber

from vectordb.database import aws, secret
from vectordb.database.secret import MasterLogin, MasterSecret
from vectordb.errors import VectordbError

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-1"


@pytest.fixture
def stubbed():
    client = aws.client("secretsmanager", "us-east-1")
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def holds(stubber, content):
    text = content if isinstance(content, str) else json.dumps(content)
    stubber.add_response("get_secret_value", {"SecretString": text}, {"SecretId": ARN})


def test_the_secret_is_what_rds_writes(stubbed):
    client, stubber = stubbed
    holds(stubber, {"username": "vectordb_admin", "password": "pw"})
    found = secret.read(ARN, "us-east-1", client=client)
    assert found == MasterSecret("vectordb_admin", "pw")
    assert "pw" not in repr(found)


@pytest.mark.parametrize(
    "content",
    [
        "hunter2",
        '["hunter2"]',
        {"username": "hunter2"},
        {"username": "a", "password": 5},
        {"username": "a", "password": ""},
    ],
)
def test_what_is_no_master_secret_is_told_without_its_content(stubbed, content):
    client, stubber = stubbed
    holds(stubber, content)
    with pytest.raises(VectordbError, match='is not JSON with "username" and "password"') as caught:
        secret.read(ARN, "us-east-1", client=client)
    assert "hunter2" not in f"{caught.value.message} {caught.value.remedy}"
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        ("ResourceNotFoundException", f"there is no secret {ARN} in us-east-1", "pulumi refresh"),
        ("AccessDeniedException", f"could not read the master's secret {ARN}: ", "caller's policy"),
        ("ExpiredTokenException", "could not read", "aws sso login"),
        ("UnrecognizedClientException", "could not read", "AWS does not know these credentials"),
        ("InternalServiceError", "could not read", "run it again"),
    ],
)
def test_what_aws_refuses_has_a_remedy(stubbed, code, message, remedy):
    client, stubber = stubbed
    stubber.add_client_error("get_secret_value", code, "because")
    with pytest.raises(VectordbError) as caught:
        secret.read(ARN, "us-east-1", client=client)
    assert caught.value.message.startswith(message)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (NoCredentialsError(), "set AWS_PROFILE"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), "network to AWS"),
    ],
)
def test_what_never_reached_aws_has_one_too(error, remedy):
    assert remedy in aws.explained(error, "read it").remedy


def test_a_rotation_is_noticed_at_once(stubbed):
    client, stubber = stubbed
    holds(stubber, {"username": "m", "password": "old"})
    holds(stubber, {"username": "m", "password": "new"})
    slept = []
    login = MasterLogin(ARN, "us-east-1", client=client, sleep=slept.append)
    assert login.credentials() == ("m", "old")
    assert login.credentials() == ("m", "old")  # read once
    assert login.renewed() is True
    assert login.credentials() == ("m", "new")
    assert slept == [0.0]


def test_a_rotation_in_flight_is_given_a_moment_and_no_more(stubbed):
    client, stubber = stubbed
    for _ in range(3):
        holds(stubber, {"username": "m", "password": "old"})
    slept = []
    login = MasterLogin(ARN, "us-east-1", client=client, sleep=slept.append)
    login.credentials()
    assert login.renewed() is False
    assert slept == [0.0, 3.0]
    assert login.renewed() is False  # nothing is asked again


def test_credentials_for_another_program_are_spelled_out(monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    found = aws.environment("us-east-1")
    assert (found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"]) == ("AKIDEXAMPLE", "fake-secret-key")
    assert (found["AWS_SESSION_TOKEN"], found["AWS_REGION"]) == ("session-token", "us-east-1")


def test_a_profile_and_an_old_session_token_are_not_passed_on(monkeypatch):
    aws.session().get_credentials()
    monkeypatch.setenv("AWS_PROFILE", "other")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "stale")
    found = aws.environment("us-east-1")
    assert "AWS_PROFILE" not in found
    assert "AWS_SESSION_TOKEN" not in found


def test_no_credentials_at_all(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    aws.session.cache_clear()
    with pytest.raises(VectordbError, match="could not get AWS credentials") as caught:
        aws.environment("us-east-1")
    assert "AWS_PROFILE" in caught.value.remedy
