"""Queues that call functions: batches, partial failures, timeouts, dead letters, and whose permission it takes."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.local.emulator.delivering import OPERATOR, POLL, Delivering, allow, arn
from tests.local.emulator.packages import deploy
from tests.local.emulator.running import eventually
from vectordb.local.emulator.event_sources.batches import failed


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    started = Delivering(tmp_path_factory.mktemp("events") / "state", "--operator", OPERATOR, "--concurrency", "6")
    yield started
    started.end()
    assert "Traceback" not in started.errors.read_text(), started.errors.read_text()


@pytest.fixture
def pipeline(running, name, tmp_path):
    """Make a queue, a function and a mapping: (queue's URL, notes, mapping's UUID)."""
    made = []

    def make(queue=None, role=None, timeout=5, **settings):
        url, queue_arn = running.queue(name, **{"VisibilityTimeout": 30, **(queue or {})})
        notes = running.function(name, tmp_path, role or running.role(allow(list(POLL), queue_arn))[0], Timeout=timeout)
        if settings.pop("fails", False):
            notes.answer("fail")
        mapping = running.client("lambda").create_event_source_mapping(
            EventSourceArn=queue_arn, FunctionName=name, **settings
        )
        made.append(mapping["UUID"])
        return url, notes, mapping["UUID"]

    yield make
    for uuid in made:
        running.client("lambda").delete_event_source_mapping(UUID=uuid)


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def test_a_message_reaches_the_function_and_is_deleted(running, pipeline, name):
    url, notes, _ = pipeline()
    sqs = running.client("sqs")
    given = {"kind": {"DataType": "String", "StringValue": "x"}}
    sent = sqs.send_message(QueueUrl=url, MessageBody="hello", MessageAttributes=given)
    [[record]] = [event["Records"] for event in notes.wait(1)]
    assert record.pop("receiptHandle")
    system = record.pop("attributes")
    assert system["ApproximateReceiveCount"] == "1"
    assert set(system) == {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }
    assert record == {
        "messageId": sent["MessageId"],
        "body": "hello",
        "messageAttributes": {
            "kind": {"stringValue": "x", "stringListValues": [], "binaryListValues": [], "dataType": "String"}
        },
        "md5OfBody": sent["MD5OfMessageBody"],
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn("sqs", name),
        "awsRegion": "us-east-1",
    }
    eventually(lambda: running.counts(url) == (0, 0))


def test_a_window_gathers_a_batch(running, pipeline):
    url, notes, _ = pipeline(BatchSize=25, MaximumBatchingWindowInSeconds=20)
    running.send(url, *(f"{n:02}" for n in range(24)))
    eventually(lambda: running.counts(url) == (0, 24))
    assert notes.all() == []
    running.send(url, "24")
    notes.wait(1)
    assert notes.bodies() == [[f"{n:02}" for n in range(25)]]
    eventually(lambda: running.counts(url) == (0, 0))
    running.send(url, "late")
    eventually(lambda: running.counts(url) == (0, 1))
    running.advance(20)
    notes.wait(2)
    assert notes.bodies()[1:] == [["late"]]


def test_a_function_that_fails_gets_its_batch_after_the_timeout_and_then_it_is_a_dead_letter(running, pipeline, name):
    dead, dead_arn = running.queue(f"{name}-dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    url, notes, uuid = pipeline(queue={"RedrivePolicy": redrive}, fails=True)
    [sent] = running.send(url, "poison")
    notes.wait(1)
    eventually(lambda: running.counts(url) == (0, 1))
    result = "PROBLEM: Function call failed"
    show = running.client("lambda").get_event_source_mapping
    eventually(lambda: show(UUID=uuid)["LastProcessingResult"] == result)
    running.advance(29)
    assert len(notes.all()) == 1
    running.advance(2)
    second = notes.wait(2)[1]["Records"][0]
    assert (second["messageId"], second["attributes"]["ApproximateReceiveCount"]) == (sent, "2")
    running.advance(31)
    assert running.receive(dead, 5)["MessageId"] == sent
    assert len(notes.all()) == 2
    assert running.counts(url) == (0, 0)


def test_only_what_failed_comes_back(running, pipeline):
    url, notes, uuid = pipeline(
        FunctionResponseTypes=["ReportBatchItemFailures"], Enabled=False, BatchSize=10, MaximumBatchingWindowInSeconds=1
    )
    _, bad, _ = running.send(url, "good", "bad", "fine")
    notes.answer({"batchItemFailures": [{"itemIdentifier": bad}]})
    running.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)
    eventually(lambda: running.counts(url) == (0, 3))
    running.advance(1)
    eventually(lambda: running.counts(url) == (0, 1))
    assert notes.bodies() == [["bad", "fine", "good"]]
    running.advance(31)
    notes.wait(2)
    assert notes.bodies()[1:] == [["bad"]]


IDS = ["a", "b", "c"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", set()),
        (b"null", set()),
        (b"{}", set()),
        (b'{"batchItemFailures": null}', set()),
        (b'{"batchItemFailures": []}', set()),
        (b'{"batchItemFailures": [{"itemIdentifier": "b"}]}', {"b"}),
        (b'{"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": ""}]}', set(IDS)),
        (b'{"batchItemFailures": [{"itemIdentifier": null}]}', set(IDS)),
        (b'{"batchItemFailures": [{"id": "b"}]}', set(IDS)),
        (b'{"batchItemFailures": [{"itemIdentifier": "z"}]}', set(IDS)),
        (b'{"batchItemFailures": ["b"]}', set(IDS)),
        (b'{"batchItemFailures": "b"}', set(IDS)),
        (b"[]", set(IDS)),
        (b"no json", set(IDS)),
    ],
)
def test_what_an_answer_says_of_a_batch(answer, expected):
    assert failed(answer, IDS) == expected


def test_disabled_and_deleted_mappings_take_nothing(running, pipeline):
    url, notes, uuid = pipeline(Enabled=False)
    client = running.client("lambda")
    assert client.get_event_source_mapping(UUID=uuid)["State"] == "Disabled"
    running.send(url, "one")
    assert client.update_event_source_mapping(UUID=uuid, Enabled=True)["State"] == "Enabled"
    notes.wait(1)
    eventually(lambda: running.counts(url) == (0, 0))
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    running.send(url, "two")
    client.update_event_source_mapping(UUID=uuid, Enabled=True)
    notes.wait(2)
    assert client.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
    eventually(lambda: running.counts(url) == (0, 0))
    running.send(url, "three")
    assert running.receive(url)["Body"] == "three"
    assert notes.bodies() == [["one"], ["two"]]


def test_as_many_batches_at_once_as_are_allowed(running, name, tmp_path):
    code = """
import os, time, uuid
def handle(event, context):
    mark = os.path.join(os.environ["FOLDER"], uuid.uuid4().hex)
    open(mark, "w").close()
    while not os.path.exists(os.environ["GATE"]):
        time.sleep(0.01)
"""
    url, queue_arn = running.queue(name)
    (tmp_path / "marks").mkdir()
    variables = {"Variables": {"FOLDER": str(tmp_path / "marks"), "GATE": str(tmp_path / "gate")}}
    deploy(running, name, {"m.py": code}, "m.handle", Role=running.role(allow(list(POLL)))[0], Environment=variables, Timeout=20)  # fmt: skip
    mapping = running.client("lambda").create_event_source_mapping(
        EventSourceArn=queue_arn, FunctionName=name, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2}
    )
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}
    running.send(url, *"abcd")
    eventually(lambda: len(list((tmp_path / "marks").iterdir())) == 2)
    assert running.counts(url) == (2, 2)
    (tmp_path / "gate").touch()
    eventually(lambda: running.counts(url) == (0, 0))
    assert len(list((tmp_path / "marks").iterdir())) == 4
    running.client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])


def test_a_throttled_batch_is_called_again_until_its_timeout(running, pipeline, name):
    url, notes, uuid = pipeline()
    client = running.client("lambda")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    running.send(url, "patient")
    throttled = "PROBLEM: Rate Exceeded."
    eventually(lambda: running.counts(url) == (0, 1))
    client.delete_function_concurrency(FunctionName=name)
    [event] = notes.wait(1)
    assert event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1"
    eventually(lambda: running.counts(url) == (0, 0))
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    running.send(url, "dropped")
    eventually(lambda: running.counts(url) == (0, 1))
    running.advance(31)
    eventually(lambda: client.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == throttled)
    client.delete_function_concurrency(FunctionName=name)
    running.advance(31)
    event = notes.wait(2)[1]
    assert int(event["Records"][0]["attributes"]["ApproximateReceiveCount"]) >= 2


def test_without_its_function_a_mapping_takes_nothing(running, pipeline, name):
    url, notes, uuid = pipeline()
    client = running.client("lambda")
    client.delete_function(FunctionName=name)
    result = f"PROBLEM: Function not found: {arn('lambda', f'function:{name}')}"
    eventually(lambda: client.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == result)
    running.send(url, "waits")
    assert running.receive(url)["Body"] == "waits"
    assert notes.all() == []


def test_an_alias_is_called_as_an_alias(running, name, tmp_path):
    url, queue_arn = running.queue(name)
    notes = running.function(name, tmp_path, running.role(allow(list(POLL)))[0], Publish=True)
    client = running.client("lambda")
    alias = client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")["AliasArn"]
    mapping = client.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName=alias)
    assert mapping["FunctionArn"] == alias == arn("lambda", f"function:{name}:live")
    running.send(url, "x")
    notes.wait(1)
    client.delete_event_source_mapping(UUID=mapping["UUID"])


@pytest.mark.parametrize("missing", POLL)
def test_a_mapping_needs_the_function_s_role_to_poll(running, pipeline, missing):
    role, _ = running.role(allow([action for action in POLL if action != missing]))
    with pytest.raises(ClientError) as caught:
        pipeline(role=role)
    assert caught.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": f"The provided execution role does not have permissions to call {missing.partition(':')[2]} on SQS",
    }


def test_a_role_that_loses_its_permission_stops_the_poller(running, pipeline, name):
    role, put = running.role(allow(list(POLL)))
    url, notes, uuid = pipeline(role=role)
    put(allow("sqs:GetQueueAttributes"))
    client = running.client("lambda")
    eventually(lambda: "sqs:ReceiveMessage" in client.get_event_source_mapping(UUID=uuid)["LastProcessingResult"])
    denied = running.calls(madeBy="lambda.amazonaws.com", decision="denied", operation="ReceiveMessage", role=role)
    assert [(call["actions"], call["resources"]) for call in denied] == [(["sqs:ReceiveMessage"], [arn("sqs", name)])]
    running.send(url, "waits")
    assert running.counts(url) == (1, 0)
    put(allow(list(POLL)))
    notes.wait(1)


def test_a_queue_s_own_policy_is_judged(running, pipeline, name):
    role, _ = running.role(allow(list(POLL)))
    deny = {**allow("sqs:ReceiveMessage", arn("sqs", name)), "Effect": "Deny", "Principal": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    with pytest.raises(ClientError, match="ReceiveMessage on SQS"):
        pipeline(queue={"Policy": policy}, role=role)


def test_an_encrypted_queue_takes_the_key(running, name, tmp_path):
    key = running.client("kms").create_key()["KeyMetadata"]["Arn"]
    url, queue_arn = running.queue(name, KmsMasterKeyId=key)
    role, put = running.role(allow(list(POLL)))
    notes = running.function(name, tmp_path, role)
    create = running.client("lambda").create_event_source_mapping
    mapping = {"EventSourceArn": queue_arn, "FunctionName": name}
    assert "ReceiveMessage" in refused(create, **mapping)[2]
    through = {"StringEquals": {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}}
    put(allow(list(POLL)), allow("kms:Decrypt", key, Condition=through))
    made = create(**mapping)
    running.send(url, "secret")
    notes.wait(1)
    running.client("lambda").delete_event_source_mapping(UUID=made["UUID"])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}, "The local stack does not filter events: leave FilterCriteria out."),
        ({"ProvisionedPollerConfig": {"MinimumPollers": 2}}, "The local stack has no provisioned pollers: use ScalingConfig."),
        ({"ScalingConfig": {"MaximumConcurrency": 1001}}, "ScalingConfig.MaximumConcurrency is 1001; it is an integer from 2 to 1000"),
        ({"BisectBatchOnFunctionError": True}, "Unsupported for a mapping of an SQS queue: BisectBatchOnFunctionError"),
    ],
)  # fmt: skip
def test_what_a_mapping_may_not_be(running, name, tmp_path, settings, said):
    _, queue_arn = running.queue(name)
    running.function(name, tmp_path, running.role(allow(list(POLL)))[0])
    create = running.client("lambda").create_event_source_mapping
    error = refused(create, EventSourceArn=queue_arn, FunctionName=name, **settings)
    assert error == ("InvalidParameterValueException", 400, said)


def test_a_queue_must_hide_messages_as_long_as_the_function_runs(pipeline):
    with pytest.raises(ClientError) as caught:
        pipeline(timeout=31)
    message = "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds"
    assert caught.value.response["Error"]["Message"] == message


def test_a_queue_has_one_mapping_to_a_function(running, pipeline, name):
    _, _, uuid = pipeline()
    create = running.client("lambda").create_event_source_mapping
    code, status, message = refused(create, EventSourceArn=arn("sqs", name), FunctionName=name)
    assert (code, status) == ("ResourceConflictException", 409)
    assert message.endswith(f"Please update or delete the existing mapping with UUID {uuid}")
