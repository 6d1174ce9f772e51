"""What the tests of the bridge function's operations share: their arguments, vectors as the database sends them, and the local
S3 Vectors in the place of the network."""

import base64
import json
import random
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

import describe
import transport
from vectordb.local.emulator.s3vectors.service import S3Vectors
from vectordb.local.emulator.wire import Request, ServiceError

ARN = "arn:aws:s3vectors:us-east-1:123456789012:bucket/vectordb-dev/index/stdlib"
BUCKET, _, INDEX = ARN.rpartition(":bucket/")[2].partition("/index/")

_QUERY = {
    "index_arn": ARN,
    "top_k": 10,
    "return_metadata": True,
    "metadata_filter": None,
    "query_mode": None,
    "scope": None,
    "epoch": None,
}
_STORED = {"index_arn": ARN, "return_data": False, "return_metadata": True, "scope": None}
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "query_vectors": {**_QUERY, "query_texts": None, "limit": 10_000, "received": 0, "next_token": None},
    "query_vectors_batch": _QUERY,
    "search_text": {**_QUERY, "limit": 10_000, "text": "words", "dimension": None, "full_text_keys": None},
    "get_vectors": _STORED,
    "list_vectors": {**_STORED, "max_results": 100, "next_token": None},
    "list_segments": _STORED,
    "describe_index": {"index_arn": ARN},
    "list_indexes": {"index_arn": ARN, "next_token": None},
    "put_vectors": {"index_arn": ARN, "scope": None},
    "delete_vectors": {"index_arn": ARN, "scope": None},
    "availability_check": {},
}


def arguments(operation: str, **changes: Any) -> dict[str, Any]:
    """Valid arguments of an operation but for the changes; ... leaves one out."""
    made = {**_ARGUMENTS[operation], **changes}
    if operation == "query_vectors":
        made.setdefault("query_vector", packed([0.5, -0.25]))
    return {key: value for key, value in made.items() if value is not ...}


def packed(numbers: Sequence[float]) -> str:
    """A vector as the database sends it."""
    return base64.b64encode(struct.pack(f">{len(numbers)}f", *numbers)).decode()


def unpacked(text: str) -> list[float]:
    data = base64.b64decode(text)
    return list(struct.unpack(f">{len(data) // 4}f", data))


def record(key: str, numbers: Sequence[float], metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    """A vector of put_vectors."""
    return {"key": key, "data": packed(numbers), "metadata": metadata}


def vectors(count: int, dimension: int, seed: int = 1) -> list[list[float]]:
    """Vectors of 32-bit floats, the same at every run."""
    generator = random.Random(seed)  # noqa: S311 - numbers for tests
    data = [generator.uniform(-1, 1) for _ in range(count * dimension)]
    exact = struct.unpack(f"{len(data)}f", struct.pack(f"{len(data)}f", *data))
    return [list(exact[start : start + dimension]) for start in range(0, len(exact), dimension)]


class Emulated:
    """The local S3 Vectors in the place of `transport.exchange`."""

    def __init__(self, folder: Path) -> None:
        self.service = S3Vectors(folder, backfill_seconds=0)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """(operation, request) of each call of the bridge."""
        self.instead: dict[str, Any] = {}
        """Operation → function of its request that answers (a Reply, or None for the service's own answer)."""
        self._lock = Lock()
        self.api("CreateVectorBucket", {"vectorBucketName": BUCKET})

    def index(
        self,
        dimension: int = 2,
        metric: str = "cosine",
        *,
        name: str = INDEX,
        non_filterable: Sequence[str] = (),
        texts: Sequence[str] = (),
    ) -> None:
        """Make an index, instead of the one that is there."""
        with suppress(ServiceError):
            self.api("DeleteIndex", {"vectorBucketName": BUCKET, "indexName": name})
        metadata = {"nonFilterableMetadataKeys": list(non_filterable)} | (
            {"textSearchConfigurations": [{"metadataKey": key, "language": "en"} for key in texts]} if texts else {}
        )
        self.api(
            "CreateIndex",
            {
                "vectorBucketName": BUCKET,
                "indexName": name,
                "dataType": "float32",
                "dimension": dimension,
                "distanceMetric": metric,
                "metadataConfiguration": metadata,
            },
        )

    def put(self, rows: dict[str, tuple[Sequence[float], dict[str, Any]]]) -> None:
        """Store vectors past the bridge: key → (numbers, metadata)."""
        listed = [
            {"key": key, "data": {"float32": list(numbers)}, "metadata": metadata}
            for key, (numbers, metadata) in rows.items()
        ]
        for start in range(0, len(listed), 500):
            self.api("PutVectors", {"indexArn": ARN, "vectors": listed[start : start + 500]})

    def contents(self) -> dict[str, dict[str, Any]]:
        """key → metadata of all there is."""
        found: dict[str, dict[str, Any]] = {}
        token: dict[str, str] = {}
        while True:
            page = self.api("ListVectors", {"indexArn": ARN, "maxResults": 1000, "returnMetadata": True, **token})
            found |= {vector["key"]: vector["metadata"] for vector in page["vectors"]}
            if "nextToken" not in page:
                return found
            token = {"nextToken": page["nextToken"]}

    def data(self, key: str) -> list[float]:
        """A vector's numbers."""
        page = self.api("GetVectors", {"indexArn": ARN, "keys": [key], "returnData": True})
        numbers: list[float] = page["vectors"][0]["data"]["float32"]
        return numbers

    def called(self, operation: str) -> list[dict[str, Any]]:
        """The requests of an operation."""
        return [request for name, request in self.calls if name == operation]

    def api(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One call past the bridge. Raises ServiceError."""
        answer: dict[str, Any] = json.loads(
            self.service.handle(operation, _request(operation, json.dumps(request).encode())).body
        )
        return answer

    def exchange(
        self, service: str, region: str, path: str, body: bytes, *, connect_timeout: float, read_timeout: float
    ) -> transport.Reply:
        operation, request = path[1:], json.loads(body)
        with self._lock:
            self.calls.append((operation, request))
        if operation in self.instead and (reply := self.instead[operation](request)) is not None:
            return reply
        try:
            reply = self.service.handle(operation, _request(operation, body))
        except ServiceError as error:
            reply = error.response()
        headers = {name.lower(): value for name, value in reply.headers}
        return transport.Reply(reply.status, {**headers, "x-amzn-requestid": "service-1"}, reply.body)


def answered(document: Any) -> transport.Reply:
    """What the service answers with."""
    return transport.Reply(200, {"x-amzn-requestid": "service-1"}, json.dumps(document).encode())


def refused(code: str, message: str = "the reason", status: int = 400) -> transport.Reply:
    """What the service refuses with."""
    headers = {"x-amzn-requestid": "service-1", "x-amzn-errortype": code}
    return transport.Reply(status, headers, json.dumps({"message": message}).encode())


def _request(operation: str, body: bytes) -> Request:
    return Request(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": f"/{operation}",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            "HTTP_AUTHORIZATION": "Credential=KEY/20260101/us-east-1/s3vectors/aws4_request",
        }
    )


@pytest.fixture
def emulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulated]:
    """The local S3 Vectors behind the bridge, with an index of two dimensions, cosine."""
    made = Emulated(tmp_path / "s3vectors")
    made.index()
    monkeypatch.setattr(transport, "exchange", made.exchange)
    monkeypatch.setattr(describe, "_kept", {})
    yield made
    made.service.close()
