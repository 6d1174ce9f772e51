"""Batch inference: the lines of its files, and its calls of S3 and Bedrock as they go over the wire."""

import hashlib
import json

import pytest

from embedder import providers, rows, transport
from embedder.batch import calls, records, s3, service, settings
from embedder.batch.batches import alternating
from embedder.database import UnavailableError
from embedder.errors import CallError, Kind, SettingsError
from embedder.providers.provider import Answer
from embedder.stopping import Stopping
from embedder.worker import Report

TITAN = providers.found("amazon.titan-embed-text-v2:0", 256)
COHERE = providers.found("cohere.embed-english-v3", 1024)
GIVEN = {
    "bucket": "files",
    "roleArn": "arn:aws:iam::123456789012:role/batch",
    "keyArn": "arn:aws:kms:us-east-1:123456789012:key/1",
    "account": "123456789012",
}


def piece(text, digest="d"):
    return rows.Piece(rows.Row("[1]", 1, "u", 1, 0), text, text, digest)


@pytest.fixture
def wire(monkeypatch):
    """What is sent, and what is answered to it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    for name in ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_USE_FIPS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    sent, answers = [], []

    def exchange(origin, target, body, headers, seconds, method="POST"):
        assert seconds <= 20
        sent.append((method, origin + target, body, headers))
        return answers.pop(0)

    monkeypatch.setattr(transport, "exchange", exchange)
    return sent, answers


def test_a_record_is_what_the_model_is_asked():
    line = records.line(TITAN, 17, [piece("Grüße\n")])
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "recordId": "R0000000017",
        "modelInput": {"inputText": "Grüße\n", "dimensions": 256, "normalize": True},
    }


def test_a_row_has_a_record_for_each_call_of_its_model():
    pieces = [piece(str(n)) for n in range(100)]
    assert list(map(len, records.calls(TITAN, pieces))) == [1] * 100
    assert list(map(len, records.calls(COHERE, pieces))) == [96, 4]
    assert records.digest([piece("a", "1"), piece("b", "2")]) == hashlib.sha256(b"12").hexdigest()


def test_the_whole_lines_of_a_part():
    good = b'{"recordId":"R0000000001","modelInput":{},"modelOutput":{"embedding":[1]}}'
    wrong = b'{"recordId":"R0000000002","modelInput":{},"error":{"errorCode":400}}'
    content = good + b"\n" + wrong + b"\nnull\n[]\n{}\n" + good[:30]
    found = list(records.results(content, 100, last=False))
    assert found == [
        records.Result(1, 100, b'{"embedding":[1]}'),
        records.Result(2, 101 + len(good), None),
    ]
    assert records.whole(content, last=False) == len(content) - 30
    assert records.whole(content, last=True) == len(content)
    assert [result.number for result in records.results(good, 0, last=True)] == [1]
    assert list(records.results(good, 0, last=False)) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (' { "modelOutput" : {"a": "}"} , "recordId":"R0000000003" } ', (3, b'{"a": "}"}')),
        ('{"recordId":"R0000000003","modelInput":{"inputText":"\\"modelOutput\\":{}"}}', (3, None)),
        ('{"recordId":"R0000000003","modelOutput":[1]}', (3, None)),
        ('{"recordId":"R0000000003","modelOutput":{}', None),
        ('{"recordId":"R0000000003" "modelOutput":{}}', None),
        ('{"recordId":17,"modelOutput":{}}', None),
        ('{"recordId":"CALL0000001","modelOutput":{}}', None),
        ("{}", None),
        ("\u00ff", None),
    ],
)
def test_members_are_found_however_they_are_written(line, found):
    results = [(each.number, each.output) for each in records.results(line.encode("latin-1"), 0, last=True)]
    assert results == ([] if found is None else [found])


def test_a_vector_that_is_none_is_no_answer():
    assert records.answer(TITAN, records.Result(1, 0, b'{"embedding": [1.0]}'), 1) is None
    whole = json.dumps({"embedding": [1.0] + [0.0] * 255, "inputTextTokenCount": 3}).encode()
    answer = records.answer(TITAN, records.Result(1, 0, whole), 1)
    assert isinstance(answer, Answer)
    assert answer.tokens == 3


def test_objects_are_asked_for_at_the_bucket_of_the_account(wire):
    sent, answers = wire
    bucket = s3.Bucket("files", "123456789012", "eu-central-1")
    listing = b"<R><Contents><Key>jobs/a&amp;b</Key><ETag>x</ETag><Size>7</Size></Contents></R>"
    answers += [
        transport.Reply(status, {}, body) for status, body in [(200, b""), (206, b"part"), (200, listing), (204, b"")]
    ]
    bucket.put("jobs/a/in/part.jsonl", b"text")
    assert bucket.read("jobs/a/out/x.jsonl.out", 10, 5) == b"part"
    assert bucket.listed("jobs/a/") == [("jobs/a&b", 7)]
    bucket.delete("jobs/a/in/part.jsonl")
    at = "https://files.s3.eu-central-1.amazonaws.com"
    assert [(method, url) for method, url, _, _ in sent] == [
        ("PUT", f"{at}/jobs/a/in/part.jsonl"),
        ("GET", f"{at}/jobs/a/out/x.jsonl.out"),
        ("GET", f"{at}/?list-type=2&prefix=jobs%2Fa%2F"),
        ("DELETE", f"{at}/jobs/a/in/part.jsonl"),
    ]
    for _, _, body, headers in sent:
        named = {name.lower(): value for name, value in headers.items()}
        assert named["x-amz-expected-bucket-owner"] == "123456789012"
        assert named["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
        assert "/eu-central-1/s3/aws4_request" in named["authorization"]
        assert "x-amz-expected-bucket-owner" in named["authorization"]
    assert sent[1][3]["Range"] == "bytes=10-14"


def test_behind_the_end_of_an_object_there_is_nothing(wire):
    _, answers = wire
    answers.append(transport.Reply(416, {}, b"<Error><Code>InvalidRange</Code></Error>"))
    assert s3.Bucket("files", "1", "us-east-1").read("a", 10, 5) == b""


def test_a_job_is_asked_for_by_a_name_that_makes_it_one(wire, monkeypatch):
    monkeypatch.setenv(settings.BATCH, json.dumps(GIVEN))
    sent, answers = wire
    arn = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl"
    answers += [
        transport.Reply(200, {}, json.dumps(document).encode())
        for document in (
            {"jobArn": arn},
            {"invocationJobSummaries": [{"jobName": "n-2", "jobArn": "no"}, {"jobName": "n", "jobArn": arn}]},
            {"status": "InProgress"},
            {},
        )
    ]
    control = service.Service("us-east-1")
    assert control.create("n", "amazon.titan-embed-text-v2:0", "s3://files/jobs/n", settings.read()) == arn
    assert control.find("n") == arn
    assert control.state(arn) == ("InProgress", None)
    control.stop(arn)
    at = "https://bedrock.us-east-1.amazonaws.com"
    assert [(method, url) for method, url, _, _ in sent] == [
        ("POST", f"{at}/model-invocation-job"),
        ("GET", f"{at}/model-invocation-jobs?nameContains=n"),
        ("GET", f"{at}/model-invocation-job/abcdefghijkl"),
        ("POST", f"{at}/model-invocation-job/abcdefghijkl/stop"),
    ]
    assert json.loads(sent[0][2]) == {
        "jobName": "n",
        "clientRequestToken": "n",
        "modelId": "amazon.titan-embed-text-v2:0",
        "roleArn": GIVEN["roleArn"],
        "inputDataConfig": {
            "s3InputDataConfig": {
                "s3BucketOwner": "123456789012",
                "s3Uri": "s3://files/jobs/n/in/",
                "s3InputFormat": "JSONL",
            }
        },
        "outputDataConfig": {
            "s3OutputDataConfig": {
                "s3BucketOwner": "123456789012",
                "s3Uri": "s3://files/jobs/n/out/",
                "s3EncryptionKeyId": GIVEN["keyArn"],
            }
        },
        "timeoutDurationInHours": 24,
    }


@pytest.mark.parametrize(
    ("name", "status", "body", "kind", "said"),
    [
        ("s3", 503, b"<Error><Code>SlowDown</Code></Error>", Kind.THROTTLE, "SlowDown: s3 answered with HTTP status 503"),
        ("s3", 403, b"<Error><Code>AccessDenied</Code><X>secret</X></Error>", Kind.CONFIGURATION, "AccessDenied: s3 answered with HTTP status 403"),
        ("s3", 500, b"", Kind.TRANSIENT, "Http500: s3 answered with HTTP status 500"),
        ("bedrock", 400, b'{"__type":"ServiceQuotaExceededException","message":"too many"}', Kind.THROTTLE, "ServiceQuotaExceededException: too many"),
        ("bedrock", 400, b'{"__type":"ValidationException","message":"no role"}', Kind.CONFIGURATION, "ValidationException: no role"),
    ],
)  # fmt: skip
def test_what_a_refusal_means(name, status, body, kind, said):
    error = calls.refusal(name, transport.Reply(status, {}, body))
    assert (error.kind, str(error)) == (kind, said)


def test_a_service_that_is_not_reached(wire, monkeypatch):
    def refuse(*_):
        raise ConnectionRefusedError

    monkeypatch.setattr(transport, "exchange", refuse)
    with pytest.raises(CallError, match="Unreachable: no answer came from s3"):
        s3.Bucket("files", "1", "us-east-1").listed("a")


def test_settings(monkeypatch):
    monkeypatch.delenv(settings.BATCH, raising=False)
    assert settings.read() is None
    monkeypatch.setenv(settings.BATCH, json.dumps(GIVEN | {"hours": 48}))
    found = settings.read()
    assert (found.least, found.most, found.hours, found.jobs) == (100, 50_000, 48, 2)
    monkeypatch.setenv(settings.BATCH, '{"bucket": "b"}')
    with pytest.raises(SettingsError, match=settings.BATCH):
        settings.read()


def test_between_two_steps_everything_else_is_done(capsys):
    done = []

    class Steps:
        left = 2

        def step(self):
            self.left -= 1
            done.append("step")
            if self.left < 0:
                raise UnavailableError("57014")
            return True

    report = alternating(Steps(), lambda: done.append("work") or Report(complete=True), Stopping())
    assert done == ["step", "work"] * 3
    assert report.complete
    # A statement of batch inference that takes too long is told, and does not keep the rest from being done.
    assert "57014" in capsys.readouterr().out
