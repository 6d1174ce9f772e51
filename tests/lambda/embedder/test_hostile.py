"""Answers and events that nobody would make: no crash, no hang, no wrong vector, and nothing of a text in what is said about them."""

import contextlib
import copy
import json
import math
import random
import socket
import threading
import time

import pytest

from embedder import connections, handler, providers, relay, synchronous
from embedder.errors import CallError, Kind
from embedder.providers.provider import Answer, Purpose
from embedder.transport import LARGEST_ANSWER, asking
from tests.embed.queue_double import Queue

COUNT = 10_000
ROW = "a vector"
CANARY = "CANARY-7d1f"
ODD = [
    None,
    True,
    False,
    0,
    -1,
    2**70,
    1e400,
    float("nan"),
    "",
    CANARY,
    "ThrottlingException",
    [],
    {},
    [[]],
    [None],
    {"a": CANARY},
    "\ud800",
]
MODELS = {
    "amazon.titan-embed-text-v1": lambda rows: {"embedding": rows[0], "inputTextTokenCount": 3},
    "amazon.titan-embed-text-v2:0": lambda rows: {"embedding": rows[0], "inputTextTokenCount": 3},
    "amazon.titan-embed-image-v1": lambda rows: {"embedding": rows[0], "inputTextTokenCount": 3, "message": None},
    "cohere.embed-english-v3": lambda rows: {
        "embeddings": {"float": rows},
        "id": "x",
        "response_type": "embeddings_by_type",
    },
    "us.cohere.embed-v4:0": lambda rows: {"embeddings": {"float": rows}, "texts": [CANARY] * len(rows)},
    "amazon.nova-2-multimodal-embeddings-v1:0": lambda rows: {
        "embeddings": [{"embeddingType": "TEXT", "embedding": rows[0]}]
    },
    "http": lambda rows: {
        "data": [{"index": n, "embedding": row} for n, row in enumerate(rows)],
        "usage": {"prompt_tokens": 3},
    },
}
"""Model → what a good answer is."""


def provider_of(model):
    if model == "http":
        return providers.found("local", 256, {"provider": "http", "url": "http://model.test/v1"}, ["http://model.test"])
    smallest = {"amazon.titan-embed-text-v1": 1536, "cohere.embed-english-v3": 1024}
    return providers.found(model, smallest.get(model, 256))


def mutated(document, random_):
    """The same with something else at one place, or without it, or twice."""
    document = copy.deepcopy(document)
    node = document
    while True:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        if not keys:
            return document
        key = random_.choice(list(keys))
        if isinstance(node[key], dict | list) and node[key] and random_.random() < 0.75:
            node = node[key]
            continue
        kind = random_.random()
        if kind < 0.2:
            del node[key]
        elif kind < 0.3 and isinstance(node, list):
            node.insert(key, node[key])
        else:
            node[key] = random_.choice(ODD)
        return document


def damaged(body, random_):
    """The bytes cut off, or with another somewhere, or something in their place."""
    kind = random_.random()
    if kind < 0.4:
        return body[: random_.randrange(len(body))]
    if kind < 0.8:
        place = random_.randrange(len(body))
        return body[:place] + random_.randbytes(1) + body[place + 1 :]
    return random_.choice(
        [
            b"",
            b"null",
            b"[" * 100_000,
            b'"' + CANARY.encode(),
            b"<html>",
            b"\xff\xfe",
            b"1" * 5000,
            b'{"embedding": NaN}',
        ]
    )


def tried(call, expected):
    """What a call gives, or the error of the expected class."""
    try:
        return call()
    except expected as error:
        return error


def test_hostile_answers():
    random_ = random.Random(7)  # noqa: S311 - no secret
    vector = b"[1.0,0.5]"
    odd = [
        b"[0,0.5,0]",
        b"[0.5]",
        b"[0.0,0]",
        b"[NaN,0.5]",
        b"[1e39,0.5]",
        b"[1e-60,0.0]",
        b'["1",0.5]',
        b"[true,0.5]",
        b"[" + b"9" * 400 + b",0.5]",
    ]
    good = 0
    made = {model: provider_of(model) for model in MODELS}
    for number in range(COUNT):
        model = random_.choice(list(MODELS))
        provider = made[model]
        texts = min(2, provider.limits.texts)
        document = MODELS[model]([ROW] * texts)
        for _ in range(random_.randint(1, 3)):
            document = mutated(document, random_)
        body = json.dumps(document).encode()
        for _ in range(texts):
            row = vector if random_.random() < 0.7 else random_.choice(odd)
            body = body.replace(f'"{ROW}"'.encode(), row.replace(b"0.5", b"0.0" + b",0" * (provider.dimension - 2)), 1)
        if number % 3 == 0:
            body = damaged(body, random_)
        outcome = tried(lambda provider=provider, body=body, texts=texts: provider.answer(body, texts), CallError)
        if isinstance(outcome, CallError):
            assert CANARY not in str(outcome)
            assert outcome.kind is not Kind.THROTTLE
            assert outcome.kind is not Kind.CONFIGURATION or outcome.code == "WrongDimension"
        else:
            good += 1
            assert len(outcome.vectors) == texts
            assert all(len(row) == provider.dimension and 0 < math.hypot(*row) < math.inf for row in outcome.vectors)
            assert outcome.tokens is None or outcome.tokens >= 0
        headers = {
            "x-amzn-errortype": str(random_.choice([*ODD, "ValidationException:http://x/"])),
            "retry-after": str(random_.choice(ODD)),
        }
        refusal = provider.refusal(random_.choice([400, 403, 404, 408, 413, 424, 429, 500, 503, 599]), headers, body)
        assert refusal.delay is None or 0 <= refusal.delay <= 300
        assert refusal.kind is Kind.CONFIGURATION or CANARY not in str(refusal).replace(f"{CANARY}:", "")
    assert 100 < good < COUNT / 2


def test_hostile_events(monkeypatch, capsys):
    random_ = random.Random(8)  # noqa: S311 - no secret
    sent = []
    monkeypatch.setattr(handler, "_kept", Queue({}))
    monkeypatch.setattr(handler, "SECOND_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(relay, "send", lambda tickets, _: sent.append(len(tickets)) or len(tickets))
    monkeypatch.setattr(handler, "asking", lambda *_: answered)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    config = {
        "chunking": {"method": "recursive", "size": 100, "overlap": 10, "unit": "characters"},
        "template": "$title: $chunk",
        "embedding": {"provider": "bedrock", "model": "cohere.embed-v4:0", "dimension": 256, "normalize": True},
        "destination": {"kind": "table"},
        "limits": {"batch_rows": 96, "lease_seconds": 30},
        "model_limits": {"texts_per_request": 96},
    }
    events = [
        {"vectorizer": 3},
        {"sweep": True},
        {"relay": [{"vectorizer": 3, "tickets": 4}, {"vectorizer": 4}]},
        {"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": '{"vectorizer": 3}'}] * 2},
        {
            "embed": [{"key": "[1]", "content": f"text {CANARY}", "fields": {"title": CANARY}}] * 2,
            "purpose": "document",
            "config": config,
        },
    ]
    kinds = set()
    for _ in range(COUNT):
        event = random_.choice(events)
        for _ in range(random_.randint(1, 3)):
            event = mutated(event, random_)
        outcome = tried(lambda event=event: handler.handle(event, None), handler.FailedError)
        if isinstance(outcome, handler.FailedError):
            assert CANARY not in str(outcome)
            kinds.add(str(outcome).partition(":")[0])
        else:
            json.dumps(outcome, ensure_ascii=False).encode()
            assert outcome.get("ok", True) or CANARY not in json.dumps(outcome)
            kinds.add("ok" if outcome.get("ok", True) else outcome["error"]["code"])
    assert kinds == {"ok", "SettingsError", "InvalidRequest"}
    assert max(sent) <= relay.MOST_TICKETS
    output = capsys.readouterr()
    assert CANARY not in output.out + output.err


def answered(provider, texts, purpose):
    """A model that answers at once."""
    provider.request(texts, purpose)
    return Answer([[1.0] * provider.dimension for _ in texts], None)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def _send(connection, *parts, pause=0.0):
    for part in parts:
        connection.sendall(part)
        time.sleep(pause)


BEHAVIOURS = {
    "nothing": lambda c: None,
    "no http": lambda c: _send(c, CANARY.encode() + b"\r\n\r\n"),
    "headers that drip": lambda c: _send(c, HEAD, *([b"X: " + CANARY.encode() + b"\r\n"] * 40), pause=0.05),
    "a body that drips": lambda c: _send(c, HEAD + b"Content-Length: 1000\r\n\r\n", *([b" "] * 40), pause=0.05),
    "chunks that are cut off": lambda c: _send(c, HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"emb\r\n'),
    "chunks of no length": lambda c: _send(c, HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + CANARY.encode()),
    "a shorter body than said": lambda c: _send(c, HEAD + b"Content-Length: 1000\r\n\r\n" + CANARY.encode()),
    "a body that is no gzip": lambda c: _send(
        c, HEAD + b"Content-Encoding: gzip\r\nContent-Length: 11\r\n\r\n" + CANARY.encode()
    ),
    "an error under 200": lambda c: _send(
        c, HEAD + b"Content-Length: 28\r\n\r\n" + b'{"message": "' + CANARY.encode() + b' no"}'
    ),
    "a huge body": lambda c: _send(
        c, HEAD + b"Connection: close\r\n\r\n", *([b" " * (1 << 20)] * (LARGEST_ANSWER // (1 << 20) + 8))
    ),
}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_hostile_servers(name, monkeypatch):
    listening = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", origin)

    def serve():
        connection, _ = listening.accept()
        with connection:
            connection.recv(100_000)
            with contextlib.suppress(OSError):  # hung up on
                BEHAVIOURS[name](connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    seconds = 20 if name == "a huge body" else 0.6
    began = time.monotonic()
    with pytest.raises(CallError) as refused:
        asking("us-east-1", seconds)(provider_of("cohere.embed-english-v3"), ["text " + CANARY], Purpose.DOCUMENT)
    assert time.monotonic() - began < seconds + 0.4
    assert refused.value.kind is Kind.TRANSIENT
    assert CANARY not in str(refused.value)
    connections.pool(origin).clear()
    listening.close()
    thread.join(10)


def test_a_fault_of_ours_is_told_by_its_place(monkeypatch, capsys):
    """And not by its text: Lambda would write that into the log."""

    def broken(*_):
        raise KeyError(CANARY)

    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setattr(synchronous, "answer", broken)
    with pytest.raises(handler.FailedError, match=r"^KeyError$") as failed:
        handler.handle({"embed": []}, None)
    assert failed.value.__suppress_context__
    output = capsys.readouterr().out
    assert CANARY not in output
    assert '"place":"test_hostile.py:' in output
