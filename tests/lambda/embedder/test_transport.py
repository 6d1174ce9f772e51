"""Signed and plain calls, kept connections, logins, and the container's loop."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import botocore.auth
import botocore.session
import pytest
from botocore.config import Config

from embedder import connections, login, providers, signing, transport
from embedder.errors import CallError, Kind, SettingsError
from embedder.providers.provider import Purpose
from tests.embed.model import Model, RefusedError, Server, vector

ROOT = Path(__file__).resolve().parents[3]
TITAN = "amazon.titan-embed-text-v2:0"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def model(monkeypatch):
    model = Model()
    with Server(model) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        model.url = server.url
        yield model


def sent_by_the_sdk(monkeypatch, model_id, body, region):
    """The request that botocore's own client would send."""
    client = botocore.session.Session().create_client(
        "bedrock-runtime", region_name=region, config=Config(retries={"total_max_attempts": 1})
    )
    caught = []

    class StopError(Exception):
        pass

    def catch(request, **_):
        caught.append(request)
        raise StopError

    client.meta.events.register("before-send", catch)
    with pytest.raises(StopError):
        client.invoke_model(modelId=model_id, body=body, contentType="application/json")
    return caught[0]


@pytest.mark.parametrize(
    "model_id", [TITAN, "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.cohere.embed-v4:0"]
)
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_address_and_signature_are_the_sdks(monkeypatch, model_id, region):
    """Address, body and scope; the rest of the signature is botocore's own business."""
    provider = providers.found(model_id, None)
    made = provider.request(["a ü"], Purpose.DOCUMENT)
    theirs = sent_by_the_sdk(monkeypatch, model_id, made.body, region)
    ours = signing.request("bedrock", region, transport.bedrock_url(region) + made.path, made.body)
    assert ours.url == theirs.url
    assert ours.body == theirs.body
    scope = f"/{region}/bedrock/aws4_request"
    for request in (ours, theirs):
        authorization = request.headers["Authorization"]
        assert scope in (authorization if isinstance(authorization, str) else authorization.decode())


def test_a_call_over_a_kept_connection(model):
    ask = transport.asking("us-east-1", 5)
    provider = providers.found(TITAN, 256)
    for text in ("one", "two", "three"):
        answer = ask(provider, [text], Purpose.DOCUMENT)
        assert list(answer.vectors[0]) == pytest.approx(vector(text, 256), abs=1e-7)
    assert len(connections.pool(model.url)._idle) == 1


def test_a_kept_connection_that_was_closed_is_replaced_once(model):
    ask = transport.asking("us-east-1", 5)
    provider = providers.found(TITAN, 256)
    ask(provider, ["one"], Purpose.DOCUMENT)
    connections.pool(model.url)._idle[0][0].sock.shutdown(socket.SHUT_RDWR)
    ask(provider, ["two"], Purpose.DOCUMENT)
    assert model.texts == ["one", "two"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 424, 429, 500])
@pytest.mark.parametrize("text", ["no word of this may be in a log", "short"])
def test_a_reason_that_quotes_the_text_is_not_repeated(model, status, text):
    model.failing = RefusedError(status, "AccessDeniedException", f"You are not allowed to say: {text} here")
    with pytest.raises(CallError) as refused:
        transport.asking("us-east-1", 5)(providers.found(TITAN, 256), [text], Purpose.DOCUMENT)
    assert text not in str(refused.value)


def test_nothing_is_tried_twice(model):
    model.failing = RefusedError(503, "ServiceUnavailableException")
    with pytest.raises(CallError) as raised:
        transport.asking("us-east-1", 5)(providers.found(TITAN, 256), ["one"], Purpose.DOCUMENT)
    assert raised.value.kind is Kind.THROTTLE
    assert model.refused == {"ServiceUnavailableException": 1}


def test_no_answer_in_time_is_transient(model):
    model.latency = 5
    began = time.monotonic()
    with pytest.raises(CallError) as raised:
        transport.asking("us-east-1", 0.3)(providers.found(TITAN, 256), ["one"], Purpose.DOCUMENT)
    assert (raised.value.kind, raised.value.code) == (Kind.TRANSIENT, "Unreachable")
    assert time.monotonic() - began < 2


def test_nobody_there_is_transient(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", f"http://127.0.0.1:{port}")
    with pytest.raises(CallError, match="Unreachable: no answer came from the model"):
        transport.asking("us-east-1", 1)(providers.found(TITAN, 256), ["one"], Purpose.DOCUMENT)


def test_an_endpoint_in_the_vpc_is_asked_without_a_signature(model, monkeypatch):
    monkeypatch.setenv("VECTORDB_EMBED_ENDPOINTS", json.dumps([{"origin": model.url}]))
    provider = providers.found("m-4", 4, {"provider": "http", "url": f"{model.url}/v1/embeddings"}, [model.url])
    answer = transport.asking("us-east-1", 5)(provider, ["a", "b"], Purpose.DOCUMENT)
    assert [list(found) for found in answer.vectors] == [pytest.approx(vector(text, 4), abs=1e-7) for text in "ab"]


def test_without_credentials_the_configuration_is_at_fault(model, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setattr(signing, "_resolved", lambda: None)
    with pytest.raises(CallError) as raised:
        transport.asking("us-east-1", 5)(providers.found(TITAN, 256), ["one"], Purpose.DOCUMENT)
    assert (raised.value.kind, raised.value.code) == (Kind.CONFIGURATION, "NoCredentials")


def test_a_login_token_is_the_sdks(monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token+/=")
    client = botocore.session.Session().create_client("rds", region_name="eu-west-1")
    ask = {"DBHostname": "db.cluster-x.eu-west-1.rds.amazonaws.com", "Port": 5432, "DBUsername": "vectordb_embedder"}

    def tokens():
        ours = signing.login(host=ask["DBHostname"], port=5432, user="vectordb_embedder", region="eu-west-1")
        return ours, client.generate_db_auth_token(**ask, Region="eu-west-1")

    # Both are signed for the second that it is.
    ours, theirs = next(pair for pair in (tokens() for _ in range(5)) if _date(pair[0]) == _date(pair[1]))
    assert sorted(ours.split("&")) == sorted(theirs.split("&"))


def _date(token):
    return token.partition("X-Amz-Date=")[2][:16]


def test_the_login_is_verified_and_needs_a_host(monkeypatch):
    monkeypatch.delenv("VECTORDB_HOST", raising=False)
    with pytest.raises(SettingsError, match="set VECTORDB_HOST"):
        login.connecting()
    monkeypatch.setenv("VECTORDB_HOST", "db.example")
    monkeypatch.setenv("VECTORDB_REGION", "eu-west-1")
    given = {}
    monkeypatch.setattr("psycopg.connect", lambda **options: given.update(options))
    login.connecting()()
    assert given["password"].startswith("db.example:5432/?Action=connect&DBUser=vectordb_embedder&")
    wanted = {
        "host": "db.example",
        "user": "vectordb_embedder",
        "dbname": "vectordb",
        "sslmode": "verify-full",
        "require_auth": "password",
        "autocommit": True,
        "prepare_threshold": None,
    }
    assert {name: given[name] for name in wanted} == wanted


def container(**environment):
    return subprocess.Popen(
        [sys.executable, "-m", "embedder"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "lambda")} | environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_container_without_settings_says_what_is_missing():
    process = container()
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 2
    assert json.loads(output)["reason"] == "the database's host is not known; set VECTORDB_HOST"


def test_a_container_waits_for_its_database_and_ends_when_it_is_told_to():
    process = container(
        VECTORDB_HOST="127.0.0.1",
        VECTORDB_PORT="9",
        AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        VECTORDB_CA_BUNDLE=str(ROOT / "vectordb/database/rds-global-bundle.pem"),
    )
    killer = threading.Timer(20, process.kill)
    killer.start()
    first = json.loads(process.stdout.readline())
    assert first["message"] == "the database cannot be asked"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    killer.cancel()
    assert process.returncode == 0
    assert json.loads(output.splitlines()[-1])["message"] == "stopped"
