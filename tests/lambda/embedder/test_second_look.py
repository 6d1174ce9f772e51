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
    """The first pauses of the worker are when transactions commit."""

    def __init__(self, queue, commits):
        super().__init__()
        self.queue = queue
        self.commits = commits
        self.pauses = []

    def sleep(self, seconds):
        self.pauses.append(seconds)
        if len(self.pauses) <= self.commits:
            self.queue.write(f"[{len(self.pauses)}]", "text")


@pytest.mark.parametrize("commits", [0, 1, 3])
@pytest.mark.parametrize(
    ("event", "answers"),
    [
        ({"vectorizer": 1}, True),
        ({"sweep": True}, False),
        ({"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": '{"vectorizer": 1}'}]}, True),
    ],
    ids=["bell", "sweep", "ticket"],
)
def test_a_bell_is_answered_until_a_look_finds_nothing(event, answers, commits, monkeypatch):
    """While a worker holds rows nobody rings: whoever commits in the moment of its last look has to be found by one more."""
    rows = commits if answers else 0
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    model = Model()
    with Server(model) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        queue = Queue(CONFIG)
        committing = Committing(queue, commits)
        answer = handler.worked(queue, events.tickets(event), committing, batch=events.is_batch(event))
    assert committing.pauses == ([0.5] * (commits + 1) if answers else [])
    assert len(model.texts) == rows
    if events.is_batch(event):
        assert answer == {"batchItemFailures": []}
    else:
        assert answer == {"complete": True, "rows": rows, "dead": 0}
