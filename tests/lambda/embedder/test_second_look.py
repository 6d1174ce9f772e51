"""A bell rings just before its transaction commits: the worker looks a second time."""

import pytest

from embedder import events, handler
from embedder.stopping import Stopping
from tests.embed.model import Model, Server
from tests.embed.queue_double import Queue

CONFIG = {
    "name": "docs",
    "chunking": {"method": "none"},
    "template": None,
    "embedding": {"provider": "bedrock", "model": "cohere.embed-v4:0", "dimension": 256},
    "limits": {"batch_rows": 96, "lease_seconds": 30},
    "limiter": "cohere",
}


class Committing(Stopping):
    """The pause of the worker is when the transaction commits."""

    def __init__(self, queue):
        super().__init__()
        self.queue = queue
        self.pauses = []

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.queue.write("[1]", "text")


@pytest.mark.parametrize(
    ("event", "rows"),
    [
        ({"vectorizer": 1}, 1),
        ({"sweep": True}, 0),
        ({"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": '{"vectorizer": 1}'}]}, 1),
    ],
    ids=["bell", "sweep", "ticket"],
)
def test_a_bell_is_answered_by_two_looks(event, rows, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    model = Model()
    with Server(model) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        queue = Queue(CONFIG)
        committing = Committing(queue)
        answer = handler.worked(queue, events.tickets(event), committing, batch=events.is_batch(event))
    assert committing.pauses == ([0.5] if rows else [])
    assert len(model.texts) == rows
    if events.is_batch(event):
        assert answer == {"batchItemFailures": []}
    else:
        assert answer == {"complete": True, "rows": rows, "dead": 0}
