"""Models behind HTTPS inside the VPC: only those that the deployment names, under their own roots, with a token that may change."""

import json

import pytest

from embedder import bearer, endpoints, providers, settings, transport
from embedder.errors import CallError, Kind, SettingsError
from embedder.providers.provider import Purpose
from tests.answering import Answering
from vectordb.local import certificates

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:model-token-AbCdEf"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in {"ACCESS_KEY_ID": "AKIATEST", "SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr(bearer, "_tokens", {})


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificates.issue(tmp_path_factory.mktemp("tls"), ["localhost"])


class Stage:
    """A model that wants the token `wanted`, and a Secrets Manager that holds `secret`."""

    def __init__(self, tls):
        self.wanted, self.secret, self.code = "first", "first", None
        self.model = Answering(self._model, tls)
        self.secrets = Answering(self._secret)
        self.ca = tls.ca.read_text()

    def _model(self, headers, document):
        if headers.get("Authorization") != f"Bearer {self.wanted}":
            return 401, {"error": "SECRET of the server"}
        return 200, {"data": [{"index": n, "embedding": [1, n, 0]} for n in range(len(document["input"]))]}

    def _secret(self, _headers, document):
        assert document == {"SecretId": ARN}
        return (400, {"__type": self.code, "message": "no"}) if self.code else (200, {"SecretString": self.secret})

    def admits(self, monkeypatch, **further):
        admitted = [{"origin": self.model.origin, "secret": ARN, "ca": self.ca, **further}]
        monkeypatch.setenv(endpoints.VARIABLE, json.dumps(admitted))

    def ask(self, texts=("one", "two")):
        config = {
            "embedding": {
                "provider": "http",
                "url": f"{self.model.origin}/v1/embeddings",
                "model": "e5",
                "dimension": 3,
            }
        }
        answer = transport.asking("us-east-1", 5)(settings.provider(config), list(texts), Purpose.DOCUMENT)
        return [list(vector) for vector in answer.vectors]


@pytest.fixture
def stage(tls, monkeypatch):
    made = Stage(tls)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", made.secrets.origin)
    made.admits(monkeypatch)
    yield made
    made.model.close()
    made.secrets.close()


def test_it_is_asked_with_the_token_that_is_read_once(stage):
    for _ in range(3):
        assert stage.ask() == [[1, 0, 0], [1, 1, 0]]
    assert [path for path, _, _ in stage.model.asked] == ["/v1/embeddings"] * 3
    [(_, headers, _)] = stage.secrets.asked
    assert headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
    assert "/eu-central-1/secretsmanager/aws4_request" in headers["Authorization"]


@pytest.mark.parametrize("secret", ["second", '{"token": "second"}', " second\n"])
def test_a_token_that_was_changed_is_read_again(stage, secret):
    stage.ask()
    stage.wanted, stage.secret = "second", secret
    assert stage.ask(["one"]) == [[1, 0, 0]]
    assert (len(stage.model.asked), len(stage.secrets.asked)) == (3, 2)


def test_a_token_is_read_again_after_a_while(stage, monkeypatch):
    stage.ask()
    monkeypatch.setattr(bearer, "KEPT_SECONDS", 0)
    stage.ask()
    assert len(stage.secrets.asked) == 2


def test_a_token_that_nobody_takes_is_a_matter_of_configuration(stage):
    stage.wanted = "another"
    with pytest.raises(CallError) as raised:
        stage.ask()
    assert (raised.value.kind, raised.value.code) == (Kind.CONFIGURATION, "Http401")
    assert (len(stage.model.asked), len(stage.secrets.asked)) == (1, 2)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", "configuration"),
        ("ResourceNotFoundException", "configuration"),
        ("ThrottlingException", "transient"),
    ],
)
def test_a_secret_that_cannot_be_read(stage, code, kind):
    stage.code = code
    with pytest.raises(CallError, match=f"{code}: the secret of the endpoint's token cannot be read: {ARN}") as raised:
        stage.ask()
    assert (raised.value.kind, stage.model.asked) == (kind, [])


@pytest.mark.parametrize("secret", ["", "two words", '{"password": "hidden"}', "[1]", "line\nbreak", "über"])
def test_a_secret_that_is_no_token(stage, secret):
    stage.secret = secret
    with pytest.raises(CallError, match="NoToken") as raised:
        stage.ask()
    assert raised.value.kind is Kind.CONFIGURATION
    assert "hidden" not in str(raised.value)


def test_roots_that_did_not_sign_its_certificate_are_not_enough(stage, monkeypatch, tmp_path):
    """No token reaches who cannot prove to be the endpoint."""
    for ca in ("", certificates.issue(tmp_path / "others", ["localhost"]).ca.read_text()):
        stage.admits(monkeypatch, ca=ca)
        with pytest.raises(CallError, match="no answer came from the model") as raised:
            stage.ask()
        assert raised.value.kind is Kind.TRANSIENT
    assert stage.model.asked == []


def test_what_the_deployment_does_not_name_is_never_asked(stage, monkeypatch):
    monkeypatch.delenv(endpoints.VARIABLE)
    with pytest.raises(SettingsError, match="origin is not one that the worker may ask: name it under endpoints"):
        stage.ask()
    assert stage.model.asked == []


def test_without_a_secret_no_token_is_sent(tls, monkeypatch):
    model = Answering(lambda headers, _: (200, {"data": [{"embedding": [1, 0, 0]}]}))
    monkeypatch.setenv(endpoints.VARIABLE, json.dumps([{"origin": model.origin}]))
    provider = providers.found("e5", 3, {"provider": "http", "url": f"{model.origin}/e"}, [model.origin])
    transport.asking("us-east-1", 5)(provider, ["one"], Purpose.QUERY)
    [(_, headers, document)] = model.asked
    assert ("Authorization" in headers, document) == (False, {"model": "e5", "input": ["one"]})
    model.close()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("https://models.internal", "must be a JSON list"),
        ('{"origin": "https://models.internal"}', "must be a JSON list"),
        ('["https://models.internal"]', "must be an object"),
        (
            '[{"origin": "https://models.internal", "port": "1"}]',
            "must be an object of texts, with the keys ca, origin, secret",
        ),
        ('[{"secret": "s"}]', "an origin is scheme, host and port"),
        ('[{"origin": "https://models.internal/v1"}]', "an origin is scheme, host and port"),
        ('[{"origin": "https://a@models.internal"}]', "an origin is scheme, host and port"),
        ('[{"origin": "ftp://models.internal"}]', "an origin is scheme, host and port"),
        ('[{"origin": "http://models.internal", "secret": "s"}]', "would be sent its token in clear text"),
    ],
)
def test_endpoints_that_are_none(monkeypatch, given, problem):
    monkeypatch.setenv(endpoints.VARIABLE, given)
    with pytest.raises(SettingsError, match=problem):
        endpoints.admitted()
