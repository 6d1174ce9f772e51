"""Addresses, headers and signatures: those of AWS's SDK."""

import datetime as dt

import boto3
import botocore.auth
import botocore.session
import pytest
from botocore.endpoint_provider import EndpointProvider

import endpoints
import transport
from tests.bridge_support import ARN

NOW = dt.datetime(2026, 11, 21, 17, 14, 35, tzinfo=dt.UTC)
KEYS = {
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG",
    "aws_session_token": "to/ken=",
}


class SentError(Exception):
    pass


def sent(client, operation, **parameters):
    """The request that a client of the SDK would send."""
    seen = []

    def stop(request, **_):
        seen.append(request)
        raise SentError

    client.meta.events.register("before-send.*.*", stop)
    with pytest.raises(SentError):
        getattr(client, operation)(**parameters)
    return seen[0]


@pytest.fixture
def credentials(monkeypatch):
    """The same keys and the same time for both sides."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOW)


CALLS = [
    (
        "s3vectors",
        "query_vectors",
        {"indexArn": ARN, "topK": 3, "queryVector": {"float32": [0.5, -0.25]}, "filter": {"a": "ü\u2028😀"}},
    ),
    ("s3vectors", "get_vectors", {"indexArn": ARN, "keys": ["k"], "returnData": True}),
    ("bedrock-runtime", "invoke_model", {"modelId": "amazon.titan-embed-text-v2:0", "body": b'{"inputText": "x y"}'}),
    ("bedrock-runtime", "invoke_model", {"modelId": "cohere.embed-english-v3", "body": "ü".encode()}),
]


@pytest.mark.parametrize(("service", "operation", "parameters"), CALLS)
@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"])
def test_address_body_headers_and_signature_are_the_sdks(
    service, operation, parameters, region, credentials, monkeypatch
):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=x y;Sampled=1")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "bridge")  # without it the SDK leaves the trace out
    if service == "bedrock-runtime":
        parameters = parameters | {"contentType": "application/json"}
    theirs = sent(boto3.client(service, region_name=region, **KEYS), operation, **parameters)
    path = "/" + theirs.url.split("/", 3)[3]
    ours = transport.signed(service, region, endpoints.url(service, region) + path, theirs.body)
    assert (ours.method, ours.url, ours.body) == (theirs.method, theirs.url, theirs.body)
    theirs_only = {"user-agent", "amz-sdk-invocation-id", "amz-sdk-request"}
    assert headers(ours) | {"user-agent": ""} == {
        name: "" if name == "user-agent" else value
        for name, value in headers(theirs).items()
        if name == "user-agent" or name not in theirs_only
    }
    assert headers(ours)["user-agent"] == f"vectordb-bridge/2 Botocore/{botocore.__version__}"
    assert "content-type;host;x-amz-date;x-amz-security-token" in headers(ours)["authorization"]


def headers(request):
    return {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
    }


REGIONS = [
    "us-east-1", "eu-central-2", "cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1", "eusc-de-east-1",
    "us-iso-east-1", "us-isob-east-1", "mx-central-1", "eu-south-9", "us-gov-new-7", "mars-north-1",
]  # fmt: skip


@pytest.mark.parametrize("fips", [False, True])
def test_addresses_are_those_of_botocores_rules(fips, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    partitions = loader.load_data("partitions")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", str(fips).lower())
    for service in endpoints.SERVICES:
        provider = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for region in REGIONS:
            theirs = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=False)
            assert endpoints.url(service, region) == theirs.url


def test_signing_names_and_variables_are_those_of_botocores_descriptions():
    loader = botocore.session.Session().get_component("data_loader")
    for service, ours in endpoints.SERVICES.items():
        metadata = loader.load_service_model(service, "service-2")["metadata"]
        assert ours.signing_name == metadata["signingName"]
        assert ours.variable == "AWS_ENDPOINT_URL_" + metadata["serviceId"].replace(" ", "_").upper()
        assert metadata["protocol"] == "rest-json"


def test_variables_take_the_place_of_the_address(monkeypatch):
    assert endpoints.url("s3vectors", "us-east-1") == "http://127.0.0.1:9"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3VECTORS", "https://vectors.example/")
    assert endpoints.url("s3vectors", "us-east-1") == "https://vectors.example"
    assert endpoints.url("bedrock-runtime", "us-east-1") == "http://127.0.0.1:9"
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "https://models.example")
    assert endpoints.url("bedrock-runtime", "us-east-1") == "https://models.example"
