"""Tickets into the queue: of a bell, and for work that outlasts a call."""

import json

import pytest

from embedder import handler, relay, signing, transport
from embedder.database import UnavailableError
from embedder.errors import SettingsError
from embedder.events import Ticket
from embedder.transport import Reply

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/tickets"


@pytest.fixture
def sent(monkeypatch):
    """What SQS is sent; it takes all unless the list `refused` says otherwise."""
    monkeypatch.setenv("VECTORDB_EMBED_QUEUE_URL", URL)
    for name, value in (("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "none")):
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"):
        monkeypatch.delenv(name, raising=False)
    taken = []
    replies = []

    def exchange(origin, target, body, headers, seconds):
        taken.append((origin, target, json.loads(body), {k.lower(): v for k, v in headers.items()}))
        return replies.pop() if replies else Reply(200, {}, b'{"Successful": []}')

    monkeypatch.setattr(transport, "exchange", exchange)
    return type("Sent", (), {"taken": taken, "replies": replies})


def test_a_bell_becomes_so_many_tickets_ten_a_call(sent):
    assert handler.handle({"relay": [{"vectorizer": 3, "tickets": 11}, {"vectorizer": 4}]}, None) == {"sent": 12}
    assert [len(body["Entries"]) for _, _, body, _ in sent.taken] == [10, 2]
    origin, target, body, headers = sent.taken[-1]
    assert (origin, target, body["QueueUrl"]) == ("https://sqs.us-east-1.amazonaws.com", "/", URL)
    assert headers["x-amz-target"] == "AmazonSQS.SendMessageBatch"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert "/us-east-1/sqs/aws4_request" in headers["authorization"]
    assert [(e["Id"], json.loads(e["MessageBody"]), e["DelaySeconds"]) for e in body["Entries"]] == [
        ("0", {"vectorizer": 3}, 1),
        ("1", {"vectorizer": 4}, 1),
    ]


def test_a_bell_has_a_hundred_tickets_at_most():
    assert len(relay.tickets({"relay": [{"vectorizer": 1, "tickets": 99}, {"vectorizer": 2, "tickets": 10**9}]})) == 100


@pytest.mark.parametrize(
    "asked", [None, {}, [3], [{}], [{"vectorizer": "3"}], [{"vectorizer": True}], [{"vectorizer": 1, "tickets": 0}]]
)
def test_what_is_no_bell_is_refused(asked):
    with pytest.raises(SettingsError, match="relay must be a list"):
        relay.tickets({"relay": asked})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(400, {}, b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist"}'), "SQS answered 400 QueueDoesNotExist"),
        (Reply(503, {}, b"busy"), "SQS answered 503"),
        (Reply(200, {}, b'{"Failed": [{"Code": "InternalError"}]}'), r"SQS refused 1 tickets \(InternalError\)"),
    ],
)
def test_what_sqs_refuses_is_another_try_s(sent, reply, said):
    sent.replies.append(reply)
    with pytest.raises(UnavailableError, match=said):
        relay.send([Ticket(1)])


def test_without_a_queue_there_are_no_tickets(monkeypatch):
    monkeypatch.delenv("VECTORDB_EMBED_QUEUE_URL", raising=False)
    with pytest.raises(SettingsError, match="VECTORDB_EMBED_QUEUE_URL"):
        relay.send([Ticket(1)])
    assert not handler._passed_on([Ticket(1, "m")])


def test_work_that_is_left_is_passed_on_but_a_sweep_s_is_not(sent):
    assert handler._passed_on([Ticket(7, "a"), Ticket(None, "b")])
    [(_, _, body, _)] = sent.taken
    assert [(json.loads(e["MessageBody"]), e["DelaySeconds"]) for e in body["Entries"]] == [({"vectorizer": 7}, 5)]
    assert handler._passed_on([Ticket(None, "b")])
    assert len(sent.taken) == 1
    sent.replies.append(Reply(503, {}, b""))
    assert not handler._passed_on([Ticket(7, "a")])


def test_without_credentials_nothing_is_sent(sent, monkeypatch):
    def unsigned(*_):
        raise signing.UnsignedError

    monkeypatch.setattr(signing, "request", unsigned)
    with pytest.raises(UnavailableError, match="NoCredentials"):
        relay.send([Ticket(1)])
