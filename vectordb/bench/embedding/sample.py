"""The shape of AWS's sample (aws-samples/sample-embeddings-automation-strategies-postgresql, strategy 4), written anew.

A row trigger calls a function for each row (asynchronously), which sends a message for each row; a queue calls another function with
up to ten of them, which asks the model once for each and writes each vector by a call of its own. No limiter, the SDK's own retries,
a failed batch comes again after the visibility timeout, and after three receives goes to the dead letters.

Not repeated are the sample's mistakes: its triggers cannot be created as they are written, and would fail the statement if they could.
And where its shape is slower than what is measured here it has the benefit: sending a message and the Data API take no time, a batch
waits a fifth of a second to fill in place of 30 seconds, all records of a batch that fails are worked on to their end, and at most five
batches are under way at a time however long the queue is (Lambda begins with five and adds more, which would only be refused more often).
"Lambda gradually backs off, reducing the amount of concurrency" when the function fails (Lambda Developer Guide,
services-sqs-errorhandling); how far is not published. Here it is one batch less for each that failed, down to one, and one more for each
that went well.
"""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from vectordb.bench import database, plain
from vectordb.bench.embedding.queue import Queue
from vectordb.bench.plain.consumer import Consumer
from vectordb.local.emulator import ACCOUNT
from vectordb.local.emulator.functions.worker import Reply
from vectordb.local.postgres import PostgresServer

BATCHES = 5
"""At a time: what Lambda begins with (Lambda Developer Guide, scaling of SQS event source mappings)."""
BATCH = 10
VISIBILITY_SECONDS = 10.0
"""The sample's 300, shortened so that three receives end within a run. It decides when a message comes again, not how often."""
_LOOK_SECONDS = 0.2
_SCHEMA = Path(plain.__file__).with_name("embedding.sql")
_SAVE = "SELECT plain_embedding.update_document_embedding(%s, %s)"


class Sample:
    """The functions and the queue; what `aws_lambda.invoke` calls is `call`.

    Args:
        server: where the tables are made, and vectors are written.
        endpoint: the model.
        region: of both.
    """

    def __init__(self, server: PostgresServer, endpoint: str, region: str) -> None:
        self.arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:producer"
        self.queue = Queue(VISIBILITY_SECONDS)
        self._concurrency = BATCHES
        self._server = server
        self._idle: queue.LifoQueue[psycopg.Connection[tuple[object, ...]]] = queue.LifoQueue()
        self._consumers = [Consumer(endpoint, region, self._save) for _ in range(BATCHES)]
        self._make()

    def call(self, event: bytes) -> Reply:
        """The producer: one message for one row."""
        self.queue.send(event.decode())
        return Reply("result", b"", b"", 0)

    def close(self) -> None:
        """Let go of the connections."""
        while not self._idle.empty():
            self._idle.get().close()

    @contextmanager
    def consuming(self, model: str, visibility_seconds: float = VISIBILITY_SECONDS) -> Iterator[Queue]:
        """A new queue, and the batches that are taken from it as long as this lasts."""
        self.queue = Queue(visibility_seconds)
        self._concurrency = BATCHES
        over = threading.Event()
        threads = []
        for place, consumer in enumerate(
            self._consumers
        ):  # environments of the function, each with a client of its own
            consumer.model = model
            threads.append(threading.Thread(target=self._poll, args=[place, consumer, over]))
            threads[-1].start()
        try:
            yield self.queue
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def clear(self) -> None:
        """No rows, no vectors."""
        self.execute("TRUNCATE plain_embedding.documents CASCADE")

    def execute(self, statement: str) -> None:
        """One statement."""
        with self._server.superuser_connection(database.DATABASE) as superuser:
            superuser.execute(statement.encode())

    def _poll(self, place: int, consumer: Consumer, over: threading.Event) -> None:
        messages = self.queue
        while not over.is_set():
            if place >= self._concurrency:
                over.wait(_LOOK_SECONDS)
                continue
            batch = messages.receive(BATCH, _LOOK_SECONDS)
            if not batch:
                continue
            try:
                consumer.handle({"Records": [{"body": message.body} for message in batch]})
            except Exception:  # noqa: BLE001 - as Lambda: whatever it was, the messages come again
                self._concurrency = max(1, self._concurrency - 1)
                continue
            self._concurrency = min(BATCHES, self._concurrency + 1)
            messages.delete(batch)

    def _save(self, document: int, vector: str) -> None:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._server.superuser_connection(database.DATABASE)
        connection.execute(_SAVE, (document, vector))
        self._idle.put(connection)

    def _make(self) -> None:
        self.execute(_SCHEMA.read_text(encoding="utf-8"))
        for name, event, when in (
            ("inserted", "INSERT", ""),
            ("updated", "UPDATE OF content", "WHEN (OLD.content IS DISTINCT FROM NEW.content) "),
        ):
            self.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON plain_embedding.documents FOR EACH ROW {when}"
                f"EXECUTE FUNCTION plain_embedding.call_producer('{self.arn}')"
            )
