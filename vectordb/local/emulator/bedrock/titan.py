"""Amazon Titan Text Embeddings V1 and V2 (Bedrock User Guide, model parameters of Titan embeddings)."""

import json
from collections.abc import Mapping
from typing import Any

from vectordb.local.emulator.bedrock.embedder import Embedder
from vectordb.local.emulator.bedrock.refusals import check_choice, check_keys, check_kinds, check_text, refused
from vectordb.local.emulator.numbers import vector_json
from vectordb.local.emulator.wire import Response

MOST_CHARACTERS = 50_000
MOST_TOKENS = 8192
V1_DIMENSION = 1536
V2_DIMENSIONS = (1024, 512, 256)


def version_1(embedder: Embedder, body: Mapping[str, Any]) -> Response:
    """inputText → embedding of 1536."""
    check_keys(body, ["inputText"], {"inputText"})
    tokens = _tokens(embedder, body)
    numbers = vector_json(embedder.embed(tokens, V1_DIMENSION))
    return _response(f'{{"embedding":{numbers},"inputTextTokenCount":{len(tokens)}}}', len(tokens))


def version_2(embedder: Embedder, body: Mapping[str, Any]) -> Response:
    """inputText, dimensions (1024), normalize (true), embeddingTypes (float, binary) → embedding, embeddingsByType."""
    check_keys(body, ["inputText"], {"inputText", "dimensions", "normalize", "embeddingTypes"})
    dimension = check_choice(body, "dimensions", V2_DIMENSIONS, V2_DIMENSIONS[0])
    normalize = check_choice(body, "normalize", (True, False), default=True)
    kinds = check_kinds(body, "embeddingTypes", ("float", "binary"))
    tokens = _tokens(embedder, body)
    vector = embedder.embed(tokens, dimension, normalize=normalize)
    members = []
    by_type = []
    if "float" in kinds:
        # Written once and put in twice: writing the numbers is what takes the time.
        numbers = vector_json(vector)
        members.append(f'"embedding":{numbers}')
        by_type.append(f'"float":{numbers}')
    if "binary" in kinds:
        by_type.append(f'"binary":{json.dumps((vector > 0).astype(int).tolist())}')
    members += [f'"embeddingsByType":{{{",".join(by_type)}}}', f'"inputTextTokenCount":{len(tokens)}']
    return _response(f"{{{','.join(members)}}}", len(tokens))


def _tokens(embedder: Embedder, body: Mapping[str, Any]) -> list[int]:
    tokens = embedder.tokens(check_text(body["inputText"], "#/inputText", MOST_CHARACTERS))
    if len(tokens) > MOST_TOKENS:
        raise refused(
            f"400 Bad Request: Too many input tokens. Max input tokens: {MOST_TOKENS}, request input token count: {len(tokens)} "
        )
    return tokens


def _response(text: str, tokens: int) -> Response:
    return Response(text.encode(), headers=[("X-Amzn-Bedrock-Input-Token-Count", str(tokens))])
