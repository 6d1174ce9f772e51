"""Identity, clock, the account's public access: AWS's answers and refusals, each under its own name."""

import datetime as dt

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from tests.vectordb.doctor.subjects import DATE, NOW
from vectordb.doctor.checks import account
from vectordb.doctor.findings import DeniedError, SkippedError
from vectordb.errors import VectordbError

ANN = "arn:aws:sts::123456789012:assumed-role/developer/ann"


def identity(amazon, account_id="123456789012", date=DATE):
    answer = {"UserId": "A", "Account": account_id, "Arn": ANN}
    amazon.answers("sts", "get_caller_identity", answer | {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}, {})


def test_the_credentials_are_those_of_the_stack_s_account(amazon, make_context):
    identity(amazon)
    found = account.region_and_identity(make_context())
    assert (found.state.value, found.detail) == ("ok", f"{ANN} in us-east-1")


def test_another_account_is_named(amazon, make_context):
    identity(amazon, "210987654321")
    found = account.region_and_identity(make_context())
    assert (found.state.value, found.detail) == (
        "failed",
        "the credentials are of the account 210987654321, the stack is in 123456789012",
    )


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("ExpiredToken", "The AWS credentials have expired: renew them"),
        ("InvalidClientTokenId", "AWS does not know these credentials"),
    ],
)
def test_refused_credentials_say_what_to_do(amazon, make_context, code, remedy):
    amazon.refuses("sts", "get_caller_identity", code, response_meta={"HTTPHeaders": {"date": DATE}})
    context = make_context()
    with pytest.raises(VectordbError) as error:
        account.region_and_identity(context)
    assert error.value.remedy.startswith(remedy)
    # One question for both.
    assert account.clock_skew(context).state.value == "ok"


def test_without_credentials_or_a_network_the_clock_is_not_known(make_context, monkeypatch):
    for error in (NoCredentialsError(), EndpointConnectionError(endpoint_url="https://sts")):
        context = make_context()

        class Sts:
            def get_caller_identity(self, error=error):
                raise error

        monkeypatch.setattr(context, "client", lambda _, sts=Sts: sts())
        with pytest.raises(VectordbError):
            account.region_and_identity(context)
        with pytest.raises(SkippedError, match="region-and-identity"):
            account.clock_skew(context)


@pytest.mark.parametrize(
    ("ahead", "state", "detail"),
    [
        (0, "ok", "within 1 s of AWS's"),
        (-45, "ok", "within 46 s of AWS's"),
        (62, "warning", "the clock is 62 s ahead; beyond 300 s AWS refuses signatures"),
        (-299, "warning", "the clock is 300 s behind; beyond 300 s AWS refuses signatures"),
        (302, "failed", "the clock is 302 s ahead: AWS refuses signatures beyond 300 s"),
        (-3600, "failed", "the clock is 3600 s behind: AWS refuses signatures beyond 300 s"),
    ],
)
def test_the_clock_is_held_against_aws_s(amazon, make_context, ahead, state, detail):
    identity(amazon)
    found = account.clock_skew(make_context(now=lambda: NOW + dt.timedelta(seconds=ahead)))
    assert (found.state.value, found.detail) == (state, detail)


def test_a_signature_that_is_refused_for_the_clock_is_the_clock_s_failure(amazon, make_context):
    amazon.refuses("sts", "get_caller_identity", "SignatureDoesNotMatch", response_meta={"HTTPHeaders": {"date": DATE}})
    context = make_context(now=lambda: NOW + dt.timedelta(hours=1))
    assert account.clock_skew(context).state.value == "failed"
    with pytest.raises(SkippedError, match="clock-skew"):
        account.region_and_identity(context)


@pytest.mark.parametrize(
    ("mode", "configured", "state", "detail"),
    [
        ("off", "unmanaged", "ok", "off in this account; the stack's own VPC has no internet gateway"),
        ("block-ingress", "unmanaged", "ok", "block-ingress"),
        ("block-bidirectional", "bidirectional", "ok", "block-bidirectional"),
        (
            "off",
            "bidirectional",
            "warning",
            "it is off in us-east-1, the stack's configuration says block-bidirectional",
        ),
    ],
)
def test_block_public_access_is_reported(amazon, make_context, mode, configured, state, detail):
    amazon.answers(
        "ec2",
        "describe_vpc_block_public_access_options",
        {"VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": mode}},
        {},
    )
    found = account.vpc_block_public_access(make_context(outputs={"vpcBlockPublicAccess": configured}))
    assert (found.state.value, found.detail) == (state, detail)


def test_who_may_not_look_is_told_so(amazon, make_context):
    amazon.refuses("ec2", "describe_vpc_block_public_access_options", "UnauthorizedOperation", "not authorized")
    with pytest.raises(DeniedError) as error:
        account.vpc_block_public_access(make_context())
    assert "not authorized" in error.value.message
    assert error.value.remedy == "The message names the action that the caller's policy has to allow."
