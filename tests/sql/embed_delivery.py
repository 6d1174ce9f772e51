"""What the tests of delivery share: the worker's own handler behind `aws_lambda.invoke`, and Bedrock behind `aws_bedrock`."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from embedder import events, handler
from embedder.postgres import Postgres
from embedder.stopping import Stopping
from tests.embed.model import Model, RefusedError, Server, vector
from tests.sql.doubles import Answer, Context

if TYPE_CHECKING:
    from tests.sql.embed_cases import Bench

ARN = "arn:aws:lambda:us-east-1:123456789012:function:vectordb-dev-embedder:live"
TITAN = "embed.bedrock('amazon.titan-embed-text-v2:0', dimensions => 256)"
DIMENSION = 256


@dataclass
class Stage:
    """A bench whose worker is the real one: called synchronously by what the database sends, for bells when the test says so."""

    bench: Bench
    model: Model
    bells: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Synchronous calls."""
    models_asked: int = 0
    """Of aws_bedrock."""
    refusal: Answer | None = None
    """What every call is answered with while it is set."""
    at_once: bool = False
    """Whether a bell calls the worker in a thread, as Lambda does, while the transaction that rang is still committing."""
    threads: list[threading.Thread] = field(default_factory=list)
    lock_timeout: str = "5s"
    """Of the worker; 5 s is its login's."""

    def behave(self, event: bytes) -> Answer | None:
        document = json.loads(event)
        if "inputText" in document:
            return self._bedrock(document)
        if self.refusal is not None:
            return self.refusal
        if "embed" in document:
            self.asked.append(document)
            return Answer(json.dumps(handler.handle(document, Context())).encode())
        self.bells.append(document)
        if self.at_once:
            self.threads.append(threading.Thread(target=self.work, args=[document]))
            self.threads[-1].start()
        return Answer(b"", 202)

    def _bedrock(self, document: dict[str, Any]) -> Answer:
        self.models_asked += 1
        try:
            (row,) = self.model.embed([document["inputText"]], document["dimensions"])
        except RefusedError as error:
            return Answer(json.dumps({"message": error.message}).encode(), error.status)
        return Answer(json.dumps({"embedding": row}).encode())

    def work(self, event: dict[str, Any]) -> dict[str, Any]:
        """The worker's answer to a bell, with a worker's privileges."""

        def connect() -> Any:
            connection = self.bench.database.server.superuser_connection("vectordb")
            connection.execute("SET ROLE vectordb_worker")
            connection.execute(f"SET lock_timeout = '{self.lock_timeout}'")
            return connection

        database = Postgres(connect)
        try:
            return handler.worked(database, events.tickets(event), Stopping(), batch=False)
        finally:
            database.close()

    def answer_bells(self) -> int:
        """Call the worker once for each bell; how many rows were done."""
        done = sum(self.work(bell)["rows"] for bell in self.bells)
        self.bells.clear()
        return done

    def docs(self, delivery: str, destination: str = "embed.to_table()", rows: int = 0, **parts: str) -> int:
        """A table with a column for vectors, and a vectorizer `docs`."""
        self.bench.docs(rows)
        self.bench.run(f"ALTER TABLE app.docs ADD COLUMN embedding public.vector({DIMENSION})")
        given = {"embedding": TITAN, "delivery": delivery, "destination": destination, "backfill": "'none'"} | parts
        return self.bench.vectorizer(**given)

    def deliver(self, delivery: str) -> None:
        self.bench.run(f"SELECT embed.alter_vectorizer('docs', delivery => {delivery})")

    def vectors(self) -> dict[int, str]:
        """What is stored, by id: "right", "wrong" (of another text) or "none"."""
        in_column = self.bench.value("SELECT destination ->> 'kind' FROM embed.generation") == "column"
        rows = self.bench.run(
            "SELECT id, body, embedding::text FROM app.docs ORDER BY id"
            if in_column
            else "SELECT d.id, d.body, e.embedding::text FROM app.docs AS d LEFT JOIN embeddings.docs AS e USING (id) ORDER BY id"
        )
        return {number: self._said(body, text) for number, body, text in rows}

    @staticmethod
    def _said(body: str | None, text: str | None) -> str:
        if text is None:
            return "none"
        right = vector(body or "", DIMENSION)
        return "right" if json.loads(text) == pytest.approx(right, abs=1e-5) else "wrong"

    def settled(self) -> bool:
        """Nothing queued, nothing missing, stale or orphaned."""
        return self.bench.work() == [] and self.bench.reconciled() == (0, 0, 0, 0)

    def forget_bell(self, *, rung: bool = True) -> None:
        """Let the next one ring however short ago somebody last thought of it; with `rung`, the last one as well."""
        for kind in ("bell", "rung") if rung else ("bell",):
            for (name,) in self.bench.run("SELECT 'embed.' || %s || '_' || id FROM embed.vectorizer", kind):
                self.bench.run(f"SELECT setval('{name}', 1)")
        self.bench.run("SELECT set_config('embed.silent_' || id, '', false) FROM embed.vectorizer")


@contextlib.contextmanager
def staged(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The stage; the function is configured."""
    model = Model()
    monkeypatch.setattr(handler, "SECOND_LOOK_SECONDS", 0.0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with Server(model) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        stage = Stage(bench, model)
        bench.run("SELECT embed.configure(%s)", ARN)
        with bench.database.lambda_.behaving(stage.behave):
            yield stage
            for thread in stage.threads:
                thread.join(30)
            bench.clear()
        bench.run("SELECT embed.configure(NULL)")
