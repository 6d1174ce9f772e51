"""What each provider asks, what it makes of the answers, and what of the refusals."""

import gzip
import json
import math
from pathlib import Path

import botocore
import pytest

from embedder import providers
from embedder.chunking import measures
from embedder.errors import CallError, Kind, SettingsError
from embedder.providers import bedrock
from embedder.providers.provider import Purpose

NOVA = "amazon.nova-2-multimodal-embeddings-v1:0"


def unit(length):
    return [1 / math.sqrt(length)] * length


def asked(provider, texts, purpose=Purpose.DOCUMENT):
    request = provider.request(texts, purpose)
    return request.path, json.loads(request.body)


def answered(provider, document, texts=1):
    return provider.answer(json.dumps(document).encode(), texts)


def test_titan_text_v1():
    provider = providers.found("amazon.titan-embed-text-v1", None)
    assert asked(provider, ["a ü"]) == ("/model/amazon.titan-embed-text-v1/invoke", {"inputText": "a ü"})
    answer = answered(provider, {"embedding": [0.5] * 1536, "inputTextTokenCount": 3})
    assert (list(answer.vectors[0]), answer.tokens) == ([0.5] * 1536, 3)


def test_titan_text_v2():
    provider = providers.found("amazon.titan-embed-text-v2:0", 256)
    assert asked(provider, ["a"]) == (
        "/model/amazon.titan-embed-text-v2%3A0/invoke",
        {"inputText": "a", "dimensions": 256, "normalize": True},
    )
    answer = answered(provider, {"embedding": unit(256), "inputTextTokenCount": 3})
    assert (list(answer.vectors[0]), answer.tokens) == ([0.0625] * 256, 3)


def test_titan_multimodal():
    provider = providers.found("amazon.titan-embed-image-v1", 384)
    assert asked(provider, ["a"]) == (
        "/model/amazon.titan-embed-image-v1/invoke",
        {"inputText": "a", "embeddingConfig": {"outputEmbeddingLength": 384}},
    )
    answer = answered(provider, {"embedding": [2.0] * 384, "inputTextTokenCount": 2, "message": None})
    assert (list(answer.vectors[0]), answer.tokens) == ([2.0] * 384, 2)
    with pytest.raises(CallError) as raised:
        answered(provider, {"embedding": None, "message": "cannot embed SECRET"})
    assert (raised.value.kind, str(raised.value)) == (
        Kind.POISON,
        "GenerationError: the model could not embed the text",
    )


@pytest.mark.parametrize(("purpose", "kind"), [(Purpose.DOCUMENT, "search_document"), (Purpose.QUERY, "search_query")])
def test_cohere_v3(purpose, kind):
    provider = providers.found("cohere.embed-multilingual-v3", None)
    document = {"texts": ["a", "b"], "input_type": kind, "truncate": "NONE", "embedding_types": ["float"]}
    assert asked(provider, ["a", "b"], purpose) == ("/model/cohere.embed-multilingual-v3/invoke", document)
    rows = [[1.0] * 1024, [2.0] * 1024]
    for embeddings in (rows, {"float": rows}):
        answer = answered(provider, {"embeddings": embeddings}, 2)
        assert [list(vector) for vector in answer.vectors] == rows


@pytest.mark.parametrize(("purpose", "kind"), [(Purpose.DOCUMENT, "search_document"), (Purpose.QUERY, "search_query")])
def test_cohere_v4(purpose, kind):
    provider = providers.found("us.cohere.embed-v4:0", 512)
    assert asked(provider, ["a"], purpose) == (
        "/model/us.cohere.embed-v4%3A0/invoke",
        {
            "texts": ["a"],
            "input_type": kind,
            "truncate": "NONE",
            "embedding_types": ["float"],
            "output_dimension": 512,
        },
    )
    assert list(answered(provider, {"embeddings": {"float": [[0.5] * 512]}}).vectors[0]) == [0.5] * 512


@pytest.mark.parametrize(("purpose", "named"), [(Purpose.DOCUMENT, "GENERIC_INDEX"), (Purpose.QUERY, "TEXT_RETRIEVAL")])
def test_nova_multimodal(purpose, named):
    provider = providers.found(NOVA, 3072)
    assert asked(provider, ["a"], purpose) == (
        "/model/amazon.nova-2-multimodal-embeddings-v1%3A0/invoke",
        {
            "schemaVersion": "nova-multimodal-embed-v1",
            "taskType": "SINGLE_EMBEDDING",
            "singleEmbeddingParams": {
                "embeddingPurpose": named,
                "embeddingDimension": 3072,
                "text": {"truncationMode": "NONE", "value": "a"},
            },
        },
    )
    answer = answered(provider, {"embeddings": [{"embeddingType": "TEXT", "embedding": [0.5] * 3072}]})
    assert list(answer.vectors[0]) == [0.5] * 3072


ENDPOINT = {"provider": "http", "url": "https://models.internal:8443/v1/embeddings?a=b"}
ORIGINS = ["https://models.internal:8443"]


def test_http_endpoint():
    settings = ENDPOINT | {"prefixes": {"query": "query: "}, "texts": 4, "characters": 1000, "tokens": 300}
    provider = providers.found("e5", 3, settings, ORIGINS)
    assert asked(provider, ["a", "b"]) == (ENDPOINT["url"], {"model": "e5", "input": ["a", "b"]})
    assert asked(provider, ["a"], Purpose.QUERY)[1] == {"model": "e5", "input": ["query: a"]}
    assert provider.limits[:3] == (4, 993, 293)
    document = {
        "data": [{"index": 1, "embedding": [2, 0, 0]}, {"index": 0, "embedding": [1, 0, 0]}],
        "usage": {"prompt_tokens": 9},
    }
    answer = answered(provider, document, 2)
    assert ([list(vector) for vector in answer.vectors], answer.tokens) == ([[1, 0, 0], [2, 0, 0]], 9)
    kinds = {
        status: provider.refusal(status, {}, b"SECRET").kind
        for status in (400, 413, 422, 429, 503, 500, 502, 401, 404, 418)
    }
    assert kinds == {
        400: "poison",
        413: "poison",
        422: "poison",
        429: "throttle",
        503: "throttle",
        500: "transient",
        502: "transient",
        401: "configuration",
        404: "configuration",
        418: "transient",
    }
    assert provider.refusal(429, {"retry-after": "7"}, b"").delay == 7


@pytest.mark.parametrize(
    "url",
    [
        "http://models.internal:8443/",
        "https://models.internal/",
        "https://models.internal:8443@evil.example/",
        "https://evil.example/?https://models.internal:8443",
        "https://169.254.169.254/",
        "file:///etc/passwd",
        None,
        7,
    ],
)
def test_endpoints_that_are_not_allowed(url):
    with pytest.raises(SettingsError, match="the endpoint's origin is not one that the worker may ask"):
        providers.found("e5", 3, ENDPOINT | {"url": url}, ORIGINS)


def all_providers():
    for model in providers.known():
        yield providers.found(model, None)
    yield providers.found("e5", 8, ENDPOINT, ORIGINS)


def document_of(provider, rows):
    """An answer as the provider's model would give it."""
    if provider.service == "http":
        return {"data": [{"index": index, "embedding": row} for index, row in enumerate(rows)]}
    if provider.model.startswith("cohere"):
        return {"embeddings": {"float": rows}}
    if "nova" in provider.model:
        return {"embeddings": [{"embedding": row} for row in rows]}
    return {"embedding": rows[0] if rows else None}


@pytest.mark.parametrize("provider", list(all_providers()), ids=lambda provider: provider.model)
def test_answers_that_are_not_as_documented_are_errors(provider):
    length = provider.dimension
    good = unit(length)
    assert len(answered(provider, document_of(provider, [good])).vectors) == 1
    wrong = [
        [],
        [[]],
        [[0.0] * length],
        [[*good[:-1], 1e39]],
        [[*good[:-1], "0.1"]],
        [[*good[:-1], None]],
        [[*good[:-1], True]],
        [[*good[:-1], 10**400]],
    ]
    for rows in wrong:
        with pytest.raises(CallError) as raised:
            answered(provider, document_of(provider, rows))
        assert (raised.value.kind, raised.value.code) == (Kind.TRANSIENT, "UnusableAnswer")
    for rows in ([good[:-1]], [[*good, 0.1]]):
        with pytest.raises(CallError, match=f"dimensions, and is declared to make them of {length}$") as raised:
            answered(provider, document_of(provider, rows))
        assert (raised.value.kind, raised.value.code) == (Kind.CONFIGURATION, "WrongDimension")
    for body in (b"", b"null", b"[1]", b'{"embedding": [NaN]}', b"{}", b'{"embeddings": 7, "data": 7, "embedding": 7}'):
        with pytest.raises(CallError) as raised:
            provider.answer(body, 1)
        assert raised.value.kind is Kind.TRANSIENT


def test_a_normalised_vector_has_length_one():
    provider = providers.found("amazon.titan-embed-text-v2:0", 256)
    with pytest.raises(CallError, match="whose length is not 1"):
        answered(provider, {"embedding": [0.1] * 256})


def test_fewer_vectors_than_texts_are_an_error():
    provider = providers.found("cohere.embed-english-v3", None)
    with pytest.raises(CallError, match="without a vector for each of 2 texts"):
        answered(provider, {"embeddings": {"float": [[1.0] * 1024]}}, 2)


def errors_of_invoke_model():
    """Name → HTTP status, by botocore's description of the service."""
    path = Path(botocore.__file__).parent / "data/bedrock-runtime/2023-09-30/service-2.json.gz"
    description = json.loads(gzip.decompress(path.read_bytes()))
    shapes = description["shapes"]
    named = [error["shape"] for error in description["operations"]["InvokeModel"]["errors"]]
    return {name: shapes[name]["error"]["httpStatusCode"] for name in named}


KINDS = {
    "AccessDeniedException": "configuration",
    "ResourceNotFoundException": "configuration",
    "ThrottlingException": "throttle",
    "ServiceQuotaExceededException": "throttle",
    "ServiceUnavailableException": "throttle",
    "ModelTimeoutException": "transient",
    "InternalServerException": "transient",
    "ModelNotReadyException": "transient",
    "ModelErrorException": "transient",
    "ValidationException": "poison",
}


def test_every_error_of_invoke_model_has_its_class():
    errors = errors_of_invoke_model()
    found = {
        name: bedrock.refusal(status, {"x-amzn-errortype": f"{name}:http://internal.amazon.com/"}, b"{}").kind.value
        for name, status in errors.items()
    }
    assert found == KINDS


def test_an_error_without_a_name_is_judged_by_its_status():
    kinds = {
        status: bedrock.refusal(status, {}, b"<html>").kind.value for status in (400, 403, 404, 408, 413, 429, 500, 503)
    }
    assert kinds == {
        400: "transient",
        403: "configuration",
        404: "configuration",
        408: "transient",
        413: "transient",
        429: "throttle",
        500: "transient",
        503: "throttle",
    }
    assert bedrock.refusal(429, {"retry-after": "3"}, b"").delay == 3


def test_a_refusal_never_repeats_what_may_be_content():
    body = json.dumps({"message": "Malformed input: SECRET is not allowed"}).encode()
    error = bedrock.refusal(400, {"x-amzn-errortype": "ValidationException"}, body)
    assert str(error) == "ValidationException: Bedrock answered with HTTP status 400"
    body = json.dumps({"__type": "x#AccessDeniedException", "message": "User: arn:aws:... is not authorized"}).encode()
    assert str(bedrock.refusal(403, {}, body)) == "AccessDeniedException: User: arn:aws:... is not authorized"


@pytest.mark.parametrize(
    "message",
    [
        "The provided model identifier is invalid.",
        "Invocation of model ID cohere.embed-v4:0 with on-demand throughput is not supported.",
    ],
)
def test_a_validation_of_the_model_is_no_poison(message):
    body = json.dumps({"message": message}).encode()
    assert bedrock.refusal(400, {"x-amzn-errortype": "ValidationException"}, body).kind is Kind.CONFIGURATION


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("cohere.embed-v4:0", "CohereV4"),
        ("eu.cohere.embed-v4:0", "CohereV4"),
        ("global.cohere.embed-v4:0", "CohereV4"),
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.cohere.embed-v4:0", "CohereV4"),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0", "TitanTextV2"),
        (NOVA, "NovaMultimodal"),
    ],
)
def test_a_models_provider(model, family):
    provider = providers.found(model, None)
    assert (type(provider).__name__, provider.model) == (family, model)


@pytest.mark.parametrize(
    ("model", "dimension", "said"),
    [
        ("amazon.titan-embed-text-v2:0", 1536, "makes vectors of 1024, 512, 256 dimensions, not 1536"),
        ("meta.llama", None, "the model 'meta.llama' is not known"),
        ("xcohere.embed-v4:0", None, "is not known"),
    ],
)
def test_models_that_cannot_be(model, dimension, said):
    with pytest.raises(SettingsError, match=said):
        providers.found(model, dimension)


@pytest.mark.parametrize("provider", list(all_providers()), ids=lambda provider: provider.model)
def test_limits_are_consistent(provider):
    limits = provider.limits
    assert limits.texts >= 1
    assert limits.tokens <= limits.call_tokens <= limits.texts * limits.tokens
    assert limits.bytes <= 4 * limits.characters <= limits.call_bytes
    assert measures.estimated_tokens("probe") <= limits.tokens


def test_limits_of_the_database_count_when_they_are_less():
    provider = providers.found("cohere.embed-v4:0", None, {"texts": 10, "characters": 999_999, "tokens": None})
    assert provider.limits[:3] == (10, 128_000, 128_000)


def test_an_application_profile_needs_its_family_named():
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    with pytest.raises(SettingsError):
        providers.found(arn, None)
    assert type(providers.found(arn, None, {"family": "cohere-v4"})).__name__ == "CohereV4"


def test_a_region_of_its_own():
    assert providers.found(NOVA, None, {"region": "us-gov-west-1"}).region == "us-gov-west-1"
    for region in ("evil.example/", "us-east-1.evil", 7, ""):
        with pytest.raises(SettingsError, match=r"embedding\.region must be a region's name"):
            providers.found(NOVA, None, {"region": region})
