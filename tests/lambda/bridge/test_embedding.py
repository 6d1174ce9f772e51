"""Text to a vector: what each model is asked, what is made of its answer, and which models are refused."""

import json
from array import array
from io import BytesIO

import pytest

import embedding
import models
import service
import transport
from protocol import BridgeError
from vectordb.local.emulator.bedrock.service import Bedrock
from vectordb.local.emulator.wire import Request, ServiceError

TITAN_2 = "amazon.titan-embed-text-v2:0"
PATH = "/model/amazon.titan-embed-text-v2%3A0/invoke"


@pytest.fixture(autouse=True)
def every_model(monkeypatch):
    monkeypatch.setenv(models.VARIABLE, json.dumps([*embedding.MODELS, "amazon.nova-pro-v1:0"]))


@pytest.fixture
def session():
    return service.Session(20)


def refused(session, model=TITAN_2, dimension=None):
    with pytest.raises(BridgeError) as caught:
        embedding.vector(session, "us-east-1", model, "secret words", dimension)
    assert "secret" not in str(caught.value)
    return caught.value


ASKED = [
    (TITAN_2, None, 1024, {"inputText": "wörds", "dimensions": 1024, "normalize": True}),
    (TITAN_2, 256, 256, {"inputText": "wörds", "dimensions": 256, "normalize": True}),
    ("amazon.titan-embed-text-v1", 1536, 1536, {"inputText": "wörds"}),
    ("amazon.titan-embed-g1-text-02", None, 1536, {"inputText": "wörds"}),
    (
        "cohere.embed-multilingual-v3",
        1024,
        1024,
        {"texts": ["wörds"], "input_type": "search_query", "embedding_types": ["float"]},
    ),
    (
        "cohere.embed-v4:0",
        512,
        512,
        {"texts": ["wörds"], "input_type": "search_query", "embedding_types": ["float"], "output_dimension": 512},
    ),
    (
        "cohere.embed-v4:0",
        None,
        1536,
        {"texts": ["wörds"], "input_type": "search_query", "embedding_types": ["float"], "output_dimension": 1536},
    ),
]


@pytest.mark.parametrize(("model", "dimension", "length", "body"), ASKED)
def test_each_model_is_asked_in_its_own_way(session, wire, model, dimension, length, body):
    numbers = [0.5] * (length - 1) + [-0.1]
    answer = {"embedding": numbers} if model.startswith("amazon") else {"embeddings": {"float": [numbers]}}
    wire.reply(f"/model/{model.replace(':', '%3A')}/invoke", answer)
    found = embedding.vector(session, "eu-west-1", model, "wörds", dimension)
    assert found == array("f", numbers)
    assert found.typecode == "f"
    assert [(at, region, asked) for at, region, _, asked in wire.requests] == [("bedrock-runtime", "eu-west-1", body)]


@pytest.mark.parametrize(("model", "dimension", "length", "_body"), ASKED)
def test_the_local_models_understand_every_request(session, monkeypatch, model, dimension, length, _body):
    bedrock = Bedrock()

    def exchange(_service, _region, path, body, **_):
        environ = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
        environ["PATH_INFO"] = path.replace("%3A", ":")
        try:
            reply = bedrock.handle("InvokeModel", Request(environ))
        except ServiceError as error:
            reply = error.response()
        return transport.Reply(reply.status, dict(reply.headers), reply.body)

    monkeypatch.setattr(transport, "exchange", exchange)
    found = embedding.vector(session, "us-east-1", model, "compress a file", dimension)
    assert len(found) == length
    assert sum(value * value for value in found) == pytest.approx(1, abs=1e-5)


def test_a_model_that_is_not_allowed_is_not_asked(session, wire, monkeypatch):
    monkeypatch.setenv(models.VARIABLE, '["cohere.embed-v4:0"]')
    assert refused(session).code == "ModelNotAllowed"
    monkeypatch.delenv(models.VARIABLE)
    error = refused(session)
    assert (error.code, error.message) == (
        "ModelNotAllowed",
        "the function may not use this model: it is not in VECTORDB_MODELS",
    )
    assert wire.requests == []


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "[1]", '"x"'])
def test_an_unusable_list_of_models_is_told(session, wire, monkeypatch, text):
    monkeypatch.setenv(models.VARIABLE, text)
    error = refused(session)
    assert (error.code, error.message) == (
        "BridgeMisconfigured",
        "the function's variable VECTORDB_MODELS is not a JSON list of model ids",
    )


def test_a_model_of_another_kind_is_refused_by_name_of_the_known(session, wire):
    error = refused(session, "amazon.nova-pro-v1:0")
    assert error.code == "InvalidRequest"
    assert error.message == f"the function cannot ask this model; it knows {', '.join(embedding.MODELS)}"


@pytest.mark.parametrize(
    ("model", "dimension", "has"),
    [(TITAN_2, 1536, "256 or 512 or 1024"), ("cohere.embed-english-v3", 1536, "1024"), ("cohere.embed-v4:0", 5, "256 or 512 or 1024 or 1536")],
)  # fmt: skip
def test_a_dimension_that_the_model_does_not_have_is_refused(session, wire, model, dimension, has):
    error = refused(session, model, dimension)
    assert (error.code, error.message) == (
        "InvalidRequest",
        f"the model makes vectors of {has} dimensions; the index has {dimension}",
    )
    assert wire.requests == []


@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [
        ("ValidationException", 400, False),
        ("AccessDeniedException", 403, False),
        ("ResourceNotFoundException", 404, False),
        ("ServiceQuotaExceededException", 400, False),
        ("ModelErrorException", 424, False),
        ("ThrottlingException", 429, True),
        ("ModelNotReadyException", 429, True),
        ("ModelTimeoutException", 408, True),
        ("InternalServerException", 500, True),
        ("ServiceUnavailableException", 503, True),
    ],
)
def test_refusals_of_bedrock_keep_their_codes(session, wire, code, status, retryable):
    for _ in range(3 if retryable else 1):
        wire.reply(PATH, {"message": "the reason"}, status=status, headers={"x-amzn-errortype": f"{code}:http://x/"})
    error = refused(session)
    assert (error.code, error.message, error.retryable, error.request_id) == (
        code,
        "Amazon Bedrock: the reason",
        retryable,
        "service-1",
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"<html>", "answered with something that is no JSON object"),
        ({}, "answered without a vector"),
        ({"embedding": None}, "answered without a vector"),
        ({"embedding": ["0.5"] * 1024}, "answered without a vector"),
        ({"embedding": [[0.5]] * 1024}, "answered without a vector"),
        ({"embedding": [10**400] * 1024}, "answered without a vector"),
        ({"embedding": [0.5]}, "answered with a vector of 1 numbers; 1024 finite ones were asked for"),
        ({"embedding": []}, "answered with a vector of 0 numbers; 1024 finite ones were asked for"),
        ({"embedding": [1e39] * 1024}, "answered with a vector of 1024 numbers; 1024 finite ones were asked for"),
        (b'{"embedding": [' + b"NaN," * 1023 + b"NaN]}", "answered with something that is no JSON object"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_vector_is_a_contradiction(session, wire, answer, message):
    wire.reply(PATH, answer)
    error = refused(session)
    assert (error.code, error.message, error.retryable) == ("ServiceContradiction", f"Amazon Bedrock {message}", True)
    if isinstance(answer, dict):
        wire.reply("/model/cohere.embed-english-v3/invoke", answer)
        assert refused(session, "cohere.embed-english-v3").code == "ServiceContradiction"
