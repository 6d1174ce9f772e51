"""Ten thousand events that no SQL function would send: never an exception, never a leak, never a call that was not asked."""

import contextlib
import io
import json
import math
import random
from collections import Counter

import pytest

import describe
import handler
import transport
from tests.bridge_support import ARN, arguments, packed

COUNT = 10_000
CALLER = "caller5ecret"
"""Stands in the values that callers pass: keys, metadata, filters, texts, tokens."""
STORED = "stored5ecret"
"""Stands in what the service answers with."""
FOREIGN = "arn:aws:s3vectors:us-east-1:999999999999:bucket/other-bucket/index/other"
NUMBER = 0.618033989
CODES = {
    "InvalidRequest",
    "UnsupportedProtocol",
    "IndexNotAllowed",
    "ModelNotAllowed",
    "TenantMismatch",
    "DeadlineExceeded",
    "ServiceContradiction",
    "ResponseTooLarge",
    "ValidationException",
}
ENVELOPE = {"v", "operation", "nonce", "request_id", "ok"}


class Hostile:
    """Makes events: valid ones in which some parts are replaced by anything at all."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same events at every run

    def event(self):
        if self.random.random() < 0.05:
            return self.junk(3)
        operation = self.random.choice([*handler.OPERATIONS])
        event = {
            "v": 2,
            "operation": operation,
            "nonce": "n",
            "timeout_ms": 20_000,
            "arguments": self.arguments(operation),
        }
        if self.random.random() < 0.15:
            self.spoil(event, ("v", "operation", "nonce", "timeout_ms", "arguments"))
            for name in ("operation", "nonce"):
                # What is short and printable of these is repeated: it is for that.
                if CALLER in str(event.get(name)):
                    event[name] = 5
        return event

    def arguments(self, operation):
        given = arguments(operation, **self.own(operation))
        if "scope" in given and self.random.random() < 0.5:
            given["scope"] = {"key": "tenant", "values": self.random.choice([["acme"], ["acme", 1], [True]])}
        if "metadata_filter" in given and self.random.random() < 0.5:
            given["metadata_filter"] = self.filter(2)
        for _ in range(self.random.choice((0, 1, 1, 2))):
            self.spoil(given, [*given, "endpoint_url"])
        return given

    def own(self, operation):
        vector = self.random.choice(
            [packed([NUMBER, -1.0]), packed([0.0, 0.0]), packed([NUMBER]), packed([math.nan, 1.0])]
        )
        key = self.random.choice([CALLER, "k", "é" * 512, "\x00", '"},{"key":"x'])
        return {
            "query_vectors": {
                "query_vector": vector,
                "query_texts": self.random.choice([None, [{"key": "body", "text": CALLER}]]),
            },
            "query_vectors_batch": {"query_vectors": [vector] * self.random.choice((1, 3))},
            "search_text": {"text": CALLER, "model": self.random.choice(["m", CALLER])},
            "get_vectors": {"keys": [key, "other"], "return_data": self.random.random() < 0.5},
            "list_segments": {"segment_count": 2, "segments": [{"index": 0, "next_token": None}]},
            "put_vectors": {"vectors": [{"key": key, "data": vector, "metadata": self.metadata()}]},
            "delete_vectors": {"keys": [key]},
        }.get(operation, {})

    def metadata(self):
        return self.random.choice(
            [
                None,
                {"t": CALLER},
                {"tenant": "acme"},
                {"tenant": CALLER},
                {"t": [CALLER, 1]},
                {"t": CALLER * 300},
                self.junk(2),
            ]
        )

    def filter(self, depth):
        if depth == 0 or self.random.random() < 0.6:
            operator = self.random.choice(
                ["$eq", "$ne", "$gt", "$lte", "$in", "$nin", "$exists", "$startsWith", "$regex", "x"]
            )
            operand = self.random.choice([CALLER, 1, NUMBER, True, [CALLER], [], None, {"$eq": CALLER}])
            return {"field": {operator: operand}}
        return {
            self.random.choice(["$and", "$or", "$not", ""]): [self.filter(depth - 1)] * self.random.choice((0, 1, 2))
        }

    def spoil(self, given, names):
        name = self.random.choice(list(names))
        if self.random.random() < 0.2:
            given.pop(name, None)
        else:
            given[name] = self.junk(2)

    def junk(self, depth):
        choice = self.random.randrange(24)
        if depth and choice < 4:
            return [self.junk(depth - 1) for _ in range(choice)]
        if depth and choice < 8:
            return {
                self.random.choice(["", "key", "index_arn", "a\ud800", "$or", "v"]): self.junk(depth - 1)
                for _ in range(choice - 4)
            }
        return self.random.choice(
            [None, True, False, 0, 1, -1, 2**63, 10**400, 0.5, NUMBER, math.nan, math.inf, -1e308, "", CALLER, "\ud800", "\x00", FOREIGN, ARN,
             "0:", "99999:" + CALLER, packed([NUMBER]), "A" * 5000, b"bytes", "'; DROP TABLE x; --", "../../etc/passwd", {"$gt": ""}, [[]], ()]
        )  # fmt: skip


class Service:
    """Answers within its rules or without, and checks that only what is valid reaches it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same events at every run
        self.asked: Counter[str] = Counter()

    def exchange(self, service, region, path, body, **_):
        self.asked[path] += 1
        request = json.loads(body)
        assert (service, region) == ("s3vectors", "us-east-1")
        assert request.get("indexArn", ARN) == ARN
        json.dumps(request, allow_nan=False).encode()
        answer = getattr(self, path[1:])(request)
        if self.random.random() < 0.1:
            answer = self.random.choice(
                [
                    {},
                    [],
                    {"vectors": [{}]},
                    {"vectors": [{"key": STORED, "distance": STORED}]},
                    {**answer, "nextToken": 5},
                ]
            )
        if self.random.random() < 0.05:
            headers = {"x-amzn-errortype": "ValidationException", "x-amzn-requestid": "r"}
            return transport.Reply(400, headers, b'{"message":"the service refuses"}')
        return transport.Reply(200, {"x-amzn-requestid": "r"}, json.dumps(answer).encode())

    def QueryVectors(self, request):  # noqa: N802 - the operation's own name
        assert 1 <= request["topK"] <= 10_000
        assert all(math.isfinite(number) for number in request.get("queryVector", {}).get("float32", []))
        metadata = {"tenant": "acme", "t": STORED}
        found = {"key": "k", "distance": 0.5, "metadata": metadata, "scores": {"fused": 0.5}}
        return {"vectors": [found][: request["topK"]], "distanceMetric": "cosine"}

    def GetVectors(self, request):  # noqa: N802 - the operation's own name
        assert 1 <= len(request["keys"]) <= 100
        metadata = {"tenant": self.random.choice(["acme", "globex"]), "t": STORED}
        return {"vectors": [{"key": request["keys"][0], "data": {"float32": [NUMBER]}, "metadata": metadata}]}

    def ListVectors(self, request):  # noqa: N802 - the operation's own name
        assert 1 <= request["maxResults"] <= 1000
        return {"vectors": [{"key": "k", "data": {"float32": [NUMBER]}, "metadata": {"tenant": "globex", "t": STORED}}]}

    def GetIndex(self, _):  # noqa: N802 - the operation's own name
        return {
            "index": {
                "indexArn": ARN, "indexName": "stdlib", "vectorBucketName": "vectordb-dev", "dimension": 2,
                "distanceMetric": "cosine", "dataType": "float32", "creationTime": 1.5,
            }
        }  # fmt: skip

    def ListIndexes(self, _):  # noqa: N802 - the operation's own name
        return {"indexes": []}

    def PutVectors(self, request):  # noqa: N802 - the operation's own name
        for vector in request["vectors"]:
            assert 1 <= len(vector["key"]) <= 1024
            assert len(vector["data"]["float32"]) == 2
            assert len(json.dumps(vector.get("metadata", {}))) < 41_000
        return {}

    def DeleteVectors(self, request):  # noqa: N802 - the operation's own name
        assert all(request["keys"])
        return {}


@pytest.fixture
def service(monkeypatch):
    service = Service(6)
    monkeypatch.setattr(transport, "exchange", service.exchange)
    monkeypatch.setattr(describe, "_kept", {})
    monkeypatch.setenv("VECTORDB_MODELS", "[]")
    return service


def test_any_event_gets_an_answer_and_leaks_nothing(service):
    hostile = Hostile(20)
    codes: Counter[str] = Counter()
    for _ in range(COUNT):
        describe._kept.clear()
        event = hostile.event()
        log = io.StringIO()
        with contextlib.redirect_stdout(log):
            answer = handler.handle(event, None)
        text, line = json.dumps(answer, allow_nan=False), log.getvalue()
        assert answer.keys() == ENVELOPE | ({"result"} if answer["ok"] else {"error"})
        assert line.count("\n") == 1
        for secret in (CALLER, STORED, str(NUMBER), "999999999999"):
            assert secret not in line, event
            assert answer["ok"] or secret not in text, (event, text)
        codes["ok" if answer["ok"] else answer["error"]["code"]] += 1
        error = answer.get("error") or answer.get("result", {}).get("error")
        if error:
            assert error["code"] in CODES, (event, error)
            assert ARN not in error["message"]
            assert len(error["message"]) <= 500
    # The generator reaches what it is for: most events are refused, and all that can be asked is.
    assert codes["ok"] > COUNT / 10
    assert codes["InvalidRequest"] > COUNT / 4
    assert codes.keys() >= {
        "UnsupportedProtocol",
        "IndexNotAllowed",
        "ServiceContradiction",
        "ModelNotAllowed",
        "TenantMismatch",
    }
    assert service.asked.keys() == {
        f"/{name}"
        for name in (
            "QueryVectors",
            "GetVectors",
            "ListVectors",
            "GetIndex",
            "ListIndexes",
            "PutVectors",
            "DeleteVectors",
        )
    }
