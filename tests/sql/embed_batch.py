"""Amazon S3 and Bedrock's batch inference in memory, and a worker on a database that can be killed between any two of its calls."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import random
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from embedder import transport
from embedder.batch import calls, s3, service
from embedder.batch.batches import Batches
from embedder.postgres import Postgres
from embedder.providers.provider import Answer
from embedder.stopping import Stopping
from embedder.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from tests.sql.embed_cases import Bench

MODEL = "embed.bedrock('amazon.titan-embed-text-v2:0', 256)"
BUCKET = "batch-bucket"
SETTINGS = {
    "bucket": BUCKET,
    "roleArn": "arn:aws:iam::123456789012:role/batch",
    "keyArn": "arn:aws:kms:us-east-1:123456789012:key/1",
    "account": "123456789012",
}


class Killed(BaseException):
    """The worker's process is gone."""


def numbers(text: str) -> list[float]:
    """What the model says of a text: of length 1, and another for every text."""
    raw = [byte + 1 for byte in hashlib.shake_256(text.encode()).digest(256)]
    length = math.hypot(*raw)
    return [round(number / length, 7) for number in raw]


def ask(_provider: Any, texts: Any, _purpose: Any) -> Answer:
    """The model, asked the ordinary way."""
    return Answer([array("f", numbers(text)) for text in texts], 1)


@dataclass
class Cloud:
    """Both services. `jobs`: ARN → what was asked for and its status."""

    objects: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _call: None
    after: Callable[[str], None] = lambda _call: None

    def call(
        self, name: str, _region: str, method: str, url: str, body: bytes = b"", headers: Any = None
    ) -> transport.Reply:
        parts = urlsplit(url)
        said = f"{name} {method} {unquote(parts.path)}"
        self.calls.append(said)
        self.before(said)
        status, answer = (self._s3 if name == "s3" else self._bedrock)(method, parts, body, headers or {})
        self.after(said)
        reply = transport.Reply(status, {}, answer)
        if status >= 400:
            raise calls.refusal(name, reply)
        return reply

    def _s3(self, method: str, parts: Any, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        assert headers["x-amz-expected-bucket-owner"] == "123456789012"
        key = unquote(parts.path).lstrip("/").removeprefix(f"{BUCKET}/")
        if "list-type=2" in parts.query:
            (prefix,) = parse_qs(parts.query)["prefix"]
            found = sorted(each for each in self.objects if each.startswith(prefix))
            entries = "".join(
                f"<Contents><Key>{each}</Key><Size>{len(self.objects[each])}</Size></Contents>" for each in found
            )
            return 200, f"<ListBucketResult>{entries}</ListBucketResult>".encode()
        if method == "PUT":
            self.objects[key] = body
        elif method == "DELETE":
            self.objects.pop(key, None)
        elif key not in self.objects:
            return 404, b"<Error><Code>NoSuchKey</Code></Error>"
        else:
            first, last = map(int, headers["Range"].removeprefix("bytes=").split("-"))
            return 206, self.objects[key][first : last + 1]
        return 200, b""

    def _bedrock(self, method: str, parts: Any, body: bytes, _headers: Any) -> tuple[int, bytes]:
        if parts.path == "/model-invocation-jobs":
            (wanted,) = parse_qs(parts.query)["nameContains"]
            found = [job for job in self.jobs.values() if wanted in job["jobName"]]
            return 200, json.dumps({"invocationJobSummaries": found}).encode()
        if method == "POST" and parts.path == "/model-invocation-job":
            asked = json.loads(body)
            arn = f"arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/{len(self.jobs):012}"
            for job in self.jobs.values():
                if job["clientRequestToken"] == asked["clientRequestToken"]:
                    arn = job["jobArn"]
            self.jobs.setdefault(arn, asked | {"jobArn": arn, "status": "InProgress"})
            return 200, json.dumps({"jobArn": arn}).encode()
        found = next((job for arn, job in self.jobs.items() if f"/{arn.rpartition('/')[2]}" in parts.path), None)
        if found is None:
            return 404, b'{"__type":"ResourceNotFoundException","message":"no such job"}'
        if parts.path.endswith("/stop"):
            found["status"] = "Stopped" if found["status"] == "InProgress" else found["status"]
            return 200, b"{}"
        return 200, json.dumps(found).encode()

    def complete(
        self, status: str = "Completed", *, errors: Any = (), only: int | None = None, shuffle: bool = False
    ) -> int:
        """End the jobs that run; how many records they answered."""
        answered = 0
        for arn, job in self.jobs.items():
            if job["status"] != "InProgress":
                continue
            job["status"] = status
            folder = job["inputDataConfig"]["s3InputDataConfig"]["s3Uri"].removeprefix(f"s3://{BUCKET}/")
            out = job["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].removeprefix(f"s3://{BUCKET}/")
            for key in [key for key in self.objects if key.startswith(folder)]:
                lines = []
                for line in self.objects[key].splitlines():
                    record = json.loads(line)
                    if only is not None and answered == only:
                        break
                    text = record["modelInput"]["inputText"]
                    output = {"embedding": numbers(text), "inputTextTokenCount": 1}
                    said = {"error": {"errorCode": 500}} if answered in errors else {"modelOutput": output}
                    lines.append(json.dumps(record | said))
                    answered += 1
                if shuffle:
                    random.Random(1).shuffle(lines)  # noqa: S311 - the same each time
                name = key.rpartition("/")[2]
                self.objects[f"{out}{arn.rpartition('/')[2]}/{name}.out"] = "\n".join(lines).encode()
            self.objects[f"{out}{arn.rpartition('/')[2]}/manifest.json.out"] = b"{}"
        return answered


class Killable(Postgres):
    """A worker's database, whose every transaction is a call like those of the services."""

    def __init__(self, connect: Any, cloud: Cloud) -> None:
        super().__init__(connect)
        self._cloud = cloud

    def _rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        self._cloud.before(statement)
        found = super()._rows(statement, *parameters)
        self._cloud.after(statement)
        return found


@dataclass
class Site:
    """A bench with both services, and a worker of the deployed code."""

    bench: Bench
    cloud: Cloud
    database: Postgres

    def docs(self, count: int, **parts: str) -> int:
        self.bench.docs(count)
        return self.bench.vectorizer(embedding=MODEL, **({"backfill": "'batch'"} | parts))

    def batches(self) -> Batches:
        return Batches(self.database, self.database.rows, "us-east-1", Stopping())

    def step(self) -> bool:
        """One step, whatever waits for its time."""
        self.bench.run("UPDATE embed.batch_job SET look_at = now(), held_until = now() WHERE state <> 'done'")
        return self.batches().step()

    def until(self, *states: str) -> None:
        """Steps, until all jobs are in one of these states."""
        for _ in range(200):
            found = {state for (state,) in self.jobs("state")}
            if found and found <= set(states):
                return
            self.step()
        raise AssertionError(self.jobs("state, status, reason"))

    def jobs(self, columns: str) -> list[tuple[Any, ...]]:
        return self.bench.run(f"SELECT {columns} FROM embed.batch_status ORDER BY id")

    def work(self) -> None:
        """What is to be done the ordinary way."""
        worker = Worker(self.database, ask, Stopping())
        worker.work()
        worker.close()

    def settle(self) -> None:
        """Until nothing is left, whatever was killed before."""
        self.cloud.before = self.cloud.after = lambda _call: None
        for _ in range(300):
            self.cloud.complete()
            if not self.step() and not self.bench.value("SELECT count(*) FROM embed.batch_job WHERE state <> 'done'"):
                break
        self.work()

    def check(self) -> None:
        """Nothing is missing, stale or an orphan; each vector is that of its text; nothing is left in S3."""
        assert self.bench.work() == []
        assert self.bench.reconciled() == (0, 0, 0, 0)
        rows = self.bench.run("SELECT id, body FROM app.docs WHERE body ~ '[^[:space:]]' ORDER BY id")
        stored = self.bench.run(
            "SELECT id, string_agg(chunk, '|' ORDER BY chunk_number) FROM embeddings.docs GROUP BY id ORDER BY id"
        )
        assert stored == rows
        for chunk, vector in self.bench.run("SELECT chunk, embedding::text FROM embeddings.docs"):
            told = [array("f", [number])[0] for number in numbers(chunk)]
            assert array("f", json.loads(vector)).tolist() == told, chunk
        assert self.cloud.objects == {}
        assert self.bench.run("SELECT count(*) FROM embed.batch_row") == [(0,)]


@contextlib.contextmanager
def opened(bench: Bench, patch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site; jobs take ten records or more."""
    cloud = Cloud()
    patch.setattr(s3, "call", cloud.call)
    patch.setattr(service, "call", cloud.call)
    patch.setenv("AWS_REGION", "us-east-1")
    patch.setenv("VECTORDB_EMBED_BATCH", json.dumps(SETTINGS | {"leastRecords": 10}))
    bench.run("DELETE FROM embed.batch_job")
    with bench.database.login("operator") as operator:
        operator.execute("SET ROLE vectordb_owner")
        operator.execute("SELECT embed.deploy_batch(true)")

        def connect() -> Any:
            connection = bench.database.server.superuser_connection("vectordb")
            connection.autocommit = True
            connection.execute("SET ROLE vectordb_worker")
            return connection

        database = Killable(connect, cloud)
        yield Site(bench, cloud, database)
        database.close()
        operator.execute("SELECT embed.deploy_batch(false)")
        operator.execute("DELETE FROM embed.batch_job")
