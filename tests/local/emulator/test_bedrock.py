"""InvokeModel: vectors that mean something, in every dimension, and each model's requests, answers and refusals."""

import json

import numpy as np
import pytest
from botocore.exceptions import ClientError

from vectordb.local.emulator.bedrock.embedder import Embedder, carry

V2 = "amazon.titan-embed-text-v2:0"
V1 = "amazon.titan-embed-text-v1"
COHERE = "cohere.embed-english-v3"
COHERE_4 = "cohere.embed-v4:0"
TEXTS = [
    "Compress the given bytes with gzip.",
    "Make a file smaller by zipping it.",
    "The cat sat on the mat in the sun.",
    "日本語のテキスト 😀",
    "x",
]


@pytest.fixture
def invoke(emulator):
    client = emulator.client("bedrock-runtime")

    def call(model=V2, **body):
        return json.loads(client.invoke_model(modelId=model, body=json.dumps(body))["body"].read())

    return call


@pytest.fixture
def refused(emulator):
    client = emulator.client("bedrock-runtime")

    def call(model, body):
        with pytest.raises(ClientError) as caught:
            client.invoke_model(modelId=model, body=body if isinstance(body, bytes) else json.dumps(body))
        response = caught.value.response
        assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (
            "ValidationException",
            400,
        )
        return response["Error"]["Message"]

    return call


def cosines(vectors):
    rows = np.array(vectors)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


def test_the_model_is_wordllama():
    """The package's own inference, which is slow to import, gives the same vectors."""
    import importlib.util
    from pathlib import Path

    from tokenizers import Tokenizer
    from wordllama.inference import WordLlamaInference

    from vectordb.local.emulator.bedrock.embedder import read_tensor

    folder = Path(importlib.util.find_spec("wordllama").submodule_search_locations[0])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers/l2_supercat_tokenizer_config.json"))
    theirs = WordLlamaInference(
        read_tensor(folder / "weights/l2_supercat_256.safetensors", "embedding.weight"), tokenizer
    )
    ours = Embedder()
    for text in [*TEXTS, "word " * 3000]:
        expected = theirs.embed([text], norm=True)[0]
        assert np.abs(ours.embed(ours.tokens(text)) - expected).max() < 1e-6


def test_like_is_nearer_than_unlike(invoke):
    question = "how do I compress a file"
    vectors = [invoke(inputText=text, dimensions=256)["embedding"] for text in (question, *TEXTS[:3])]
    near, nearer, far = cosines(vectors)[0, 1:]
    assert min(near, nearer) > far + 0.2


@pytest.mark.parametrize(
    "model_and_dimension", [(V2, 256), (V2, 512), (V2, 1024), (V1, 1536), (COHERE, 1024), (COHERE_4, 512)]
)
def test_cosines_are_kept_in_every_dimension(invoke, model_and_dimension):
    model, dimension = model_and_dimension
    reference = cosines([invoke(inputText=text, dimensions=256)["embedding"] for text in TEXTS])
    if model == V2:
        vectors = [invoke(inputText=text, dimensions=dimension)["embedding"] for text in TEXTS]
    elif model == V1:
        vectors = [invoke(V1, inputText=text)["embedding"] for text in TEXTS]
    else:
        optional = {"output_dimension": dimension} if model == COHERE_4 else {}
        vectors = invoke(model, texts=TEXTS, input_type="search_document", **optional)["embeddings"]
    assert {len(vector) for vector in vectors} == {dimension}
    assert np.abs(cosines(vectors) - reference).max() < 1e-5
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5


def test_the_maps_are_orthonormal_and_fixed():
    identity = np.eye(256, dtype=np.float32)
    for dimension in (256, 512, 1024, 1536):
        mapped = np.array([carry(row, dimension) for row in identity])
        assert np.abs(mapped @ mapped.T - identity).max() < 1e-6
    mixed = carry(np.arange(256, dtype=np.float32), 512) * np.sqrt(2)
    assert [round(float(number)) for number in mixed[[0, 255, 256, 257, 258, 511]]] == [0, 255, 101, -140, 179, -62]


def test_titan_2_answers(invoke):
    whole = invoke(inputText=TEXTS[0])
    assert list(whole) == ["embedding", "embeddingsByType", "inputTextTokenCount"]
    assert len(whole["embedding"]) == 1024
    assert whole["embeddingsByType"] == {"float": whole["embedding"]}
    assert whole["inputTextTokenCount"] == len(Embedder().tokens(TEXTS[0]))
    both = invoke(inputText=TEXTS[0], dimensions=256, embeddingTypes=["binary", "float"])
    assert both["embeddingsByType"]["binary"] == [int(number > 0) for number in both["embedding"]]
    binary = invoke(inputText=TEXTS[0], dimensions=256, embeddingTypes=["binary"])
    assert set(binary) == {"embeddingsByType", "inputTextTokenCount"}
    assert set(binary["embeddingsByType"]) == {"binary"}


def test_normalisation_can_be_left_out(invoke):
    plain = np.array(invoke(inputText=TEXTS[0], dimensions=512, normalize=False)["embedding"])
    unit = np.array(invoke(inputText=TEXTS[0], dimensions=512, normalize=True)["embedding"])
    assert abs(np.linalg.norm(plain) - 1) > 0.01
    assert np.abs(plain / np.linalg.norm(plain) - unit).max() < 1e-6


@pytest.mark.parametrize(
    "model",
    [
        f"arn:aws:bedrock:us-east-1::foundation-model/{V2}",
        f"us.{V2}",
        f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{V2}",
    ],
)
def test_models_go_by_arn_and_profile_too(invoke, model):
    assert invoke(model, inputText="x", dimensions=256) == invoke(V2, inputText="x", dimensions=256)


def test_cohere_answers(invoke):
    plain = invoke(COHERE, texts=TEXTS[:2], input_type="search_query")
    assert (plain["response_type"], plain["texts"]) == ("embeddings_floats", TEXTS[:2])
    kinds = ["float", "int8", "uint8", "binary", "ubinary"]
    typed = invoke(COHERE, texts=TEXTS[:2], input_type="search_query", embedding_types=kinds)
    assert typed["response_type"] == "embeddings_by_type"
    assert typed["embeddings"]["float"] == plain["embeddings"]
    first = np.array(plain["embeddings"][0])
    assert typed["embeddings"]["int8"][0] == np.rint(first * 127).astype(int).tolist()
    assert typed["embeddings"]["uint8"][0] == (np.rint(first * 127).astype(int) + 128).tolist()
    assert typed["embeddings"]["ubinary"][0] == np.packbits(first > 0).tolist()
    assert typed["embeddings"]["binary"][0] == [byte - 128 for byte in typed["embeddings"]["ubinary"][0]]
    assert len(invoke(COHERE_4, texts=["x"], input_type="clustering")["embeddings"][0]) == 1536


def test_cohere_cuts_long_texts_as_told(invoke, refused):
    text = "a b " * 250 + "c d " * 250
    body = {"texts": [text], "input_type": "search_document"}
    assert "too many tokens: total number of tokens in the text cannot exceed 512" in refused(COHERE, body)
    embedder = Embedder()
    tokens = embedder.tokens(text)
    for truncate, kept in (("START", tokens[-512:]), ("END", tokens[:512])):
        [vector] = invoke(COHERE, **body, truncate=truncate)["embeddings"]
        assert np.abs(np.array(vector) - embedder.embed(kept, 1024)).max() < 1e-6


TITAN_REFUSALS = [
    ({}, "#: required key [inputText] not found"),
    ({"inputText": ""}, "#/inputText: expected minLength: 1, actual: 0"),
    ({"inputText": "x" * 50_001}, "#/inputText: expected maxLength: 50000, actual: 50001"),
    ({"inputText": ["x"]}, "#/inputText: expected type: String, found: JSONArray"),
    ({"inputText": "x", "dimensions": 300}, "#/dimensions: 300 is not a valid enum value"),
    ({"inputText": "x", "normalize": 1}, "#/normalize: 1 is not a valid enum value"),
    ({"inputText": "x", "embeddingTypes": ["int8"]}, "#/embeddingTypes/0: int8 is not a valid enum value"),
    ({"inputText": "x", "embeddingTypes": []}, "#/embeddingTypes: expected minimum item count: 1, found: 0"),
    ({"inputText": "x", "dimension": 256}, "#: extraneous key [dimension] is not permitted"),
]
COHERE_REFUSALS = [
    ({"texts": ["x"]}, "#: required key [input_type] not found"),
    ({"texts": ["x"], "input_type": "query"}, "#/input_type: query is not a valid enum value"),
    ({"texts": ["x"] * 97, "input_type": "search_query"}, "#/texts: expected maximum item count: 96, found: 97"),
    ({"texts": [], "input_type": "search_query"}, "#/texts: expected minimum item count: 1, found: 0"),
    ({"texts": ["x", ""], "input_type": "search_query"}, "#/texts/1: expected minLength: 1, actual: 0"),
    ({"texts": ["x" * 2049], "input_type": "search_query"}, "#/texts/0: expected maxLength: 2048, actual: 2049"),
    (
        {"texts": ["x"], "input_type": "search_query", "output_dimension": 256},
        "#: extraneous key [output_dimension] is not permitted",
    ),
    ({"texts": ["x"], "input_type": "search_query", "truncate": "LEFT"}, "#/truncate: LEFT is not a valid enum value"),
]


@pytest.mark.parametrize(
    ("model", "body", "reason"),
    [(V2, *case) for case in TITAN_REFUSALS]
    + [(COHERE, *case) for case in COHERE_REFUSALS]
    + [(V1, {"inputText": "x", "dimensions": 256}, "#: extraneous key [dimensions] is not permitted")],
)
def test_malformed_requests(refused, model, body, reason):
    assert refused(model, body) == f"Malformed input request: {reason}, please reformat your input and try again."


def test_other_refusals(refused):
    assert refused("anthropic.claude-v9", {}) == "The provided model identifier is invalid."
    assert refused(V2, b"{nonsense").startswith("Malformed input request, please")
    tokens = Embedder().tokens("word " * 9000)
    expected = f"Too many input tokens. Max input tokens: 8192, request input token count: {len(tokens)} "
    assert refused(V2, {"inputText": "word " * 9000}) == f"400 Bad Request: {expected}"
