"""Calls with InvocationType Event: repeated, too old, recorded at destinations, buried in dead-letter queues."""

import json
from datetime import datetime

import pytest
from botocore.exceptions import ClientError

from tests.local.emulator.delivering import OPERATOR, Delivering, allow, arn, attributes
from tests.local.emulator.packages import deploy
from tests.local.emulator.running import eventually


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Repetitions wait 100 seconds and 200 of the emulator's clock."""
    started = Delivering(
        tmp_path_factory.mktemp("asynchronous") / "state",
        *("--operator", OPERATOR, "--concurrency", "4", "--retry-delay", "100"),
    )
    yield started
    started.end()
    assert "Traceback" not in started.errors.read_text(), started.errors.read_text()


@pytest.fixture
def client(running):
    return running.client("lambda")


def call(client, name, event=None):
    client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))


def on_failure(queue):
    return {"OnFailure": {"Destination": queue}}


def test_two_repetitions_and_then_the_record_of_it(running, client, name, tmp_path):
    url, queue = running.queue(name)
    notes = running.function(name, tmp_path, running.role(allow("sqs:SendMessage", queue))[0])
    notes.answer("fail")
    shown = client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=on_failure(queue))
    function = arn("lambda", f"function:{name}:$LATEST")
    assert (shown["FunctionArn"], shown["MaximumRetryAttempts"], shown["MaximumEventAgeInSeconds"]) == (
        function,
        2,
        21600,
    )
    call(client, name, {"n": 1})
    running.said(f":function:{name} failed (1); it is repeated in 100 s")
    running.advance(99)
    assert len(notes.all()) == 1
    running.advance(2)
    running.said(f":function:{name} failed (2); it is repeated in 200 s")
    running.advance(199)
    assert len(notes.all()) == 2
    running.advance(2)
    record = json.loads(running.take(url))
    assert len(notes.all()) == 3
    assert datetime.fromisoformat(record.pop("timestamp"))
    assert len(record["requestContext"].pop("requestId")) == 36
    response = record.pop("responsePayload")
    assert (response["errorType"], response["errorMessage"]) == ("ValueError", "as asked")
    assert record == {
        "version": "1.0",
        "requestContext": {"functionArn": function, "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": {"n": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    }
    [judged] = running.calls(madeBy="lambda.amazonaws.com", resources=[queue])[-1:]
    assert (judged["actions"], judged["decision"]) == (["sqs:SendMessage"], "allowed")


def test_success_has_a_destination_too_and_it_may_be_a_function(running, client, name, tmp_path):
    target = arn("lambda", f"function:{name}-after")
    role, _ = running.role(allow("lambda:InvokeFunction", target))
    after = running.function(f"{name}-after", tmp_path, running.role()[0])
    notes = running.function(name, tmp_path, role)
    notes.answer({"done": True})
    destination = {"OnSuccess": {"Destination": target}}
    client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=destination)
    call(client, name, 5)
    [record] = after.wait(1)
    assert (record["requestContext"]["condition"], record["requestPayload"], record["responsePayload"]) == (
        "Success",
        5,
        {"done": True},
    )
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}


def test_too_old_an_event_is_not_repeated(running, client, name, tmp_path):
    url, queue = running.queue(name)
    notes = running.function(name, tmp_path, running.role(allow("sqs:SendMessage", queue))[0])
    notes.answer("fail")
    client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig=on_failure(queue), MaximumEventAgeInSeconds=60
    )
    call(client, name)
    context = json.loads(running.take(url))["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 1)
    assert len(notes.all()) == 1


def test_a_throttled_call_waits_and_is_too_old_at_last(running, client, name, tmp_path):
    """The only room is taken by a call that waits for a file."""
    url, queue = running.queue(name)
    code = "import os, time\ndef handle(event, context):\n    while not os.path.exists(os.environ['GATE']): time.sleep(0.01)"
    variables = {"Variables": {"GATE": str(tmp_path / "gate")}}
    role, _ = running.role(allow("sqs:SendMessage", queue))
    deploy(running, name, {"m.py": code}, "m.handle", Role=role, Environment=variables, Timeout=60)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig=on_failure(queue), MaximumEventAgeInSeconds=250
    )
    call(client, name, "first")
    call(client, name, "second")
    running.said(f":function:{name} is throttled (1); it is repeated in 100 s")
    running.advance(101)
    running.said(f":function:{name} is throttled (2); it is repeated in 200 s")
    running.advance(201)
    record = json.loads(running.take(url))
    (tmp_path / "gate").touch()
    assert record["requestPayload"] in ("first", "second")
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert "responseContext" not in record


def test_no_concurrency_at_all_buries_at_once(running, client, name, tmp_path):
    url, queue = running.queue(name)
    role, _ = running.role(allow("sqs:SendMessage", queue))
    notes = running.function(name, tmp_path, role, DeadLetterConfig={"TargetArn": queue})
    assert client.get_function_configuration(FunctionName=name)["DeadLetterConfig"] == {"TargetArn": queue}
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    call(client, name, {"n": 1})
    message = running.receive(url, 5)
    found = attributes(message)
    assert len(found.pop("RequestID")) == 36
    assert found == {"ErrorCode": "429", "ErrorMessage": "Rate Exceeded."}
    assert json.loads(message["Body"]) == {"n": 1}
    assert notes.all() == []


def test_a_dead_letter_says_what_the_function_said(running, client, name, tmp_path):
    url, queue = running.queue(name)
    role, _ = running.role(allow("sqs:SendMessage", queue))
    running.function(name, tmp_path, role, DeadLetterConfig={"TargetArn": queue}).answer("fail")
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    call(client, name, [1])
    message = running.receive(url, 5)
    assert message["Body"] == "[1]"
    assert message["MessageAttributes"]["ErrorCode"] == {"DataType": "Number", "StringValue": "200"}
    assert attributes(message)["ErrorMessage"] == "as asked"


def test_a_configuration_of_an_alias_is_the_alias_s_alone(running, client, name, tmp_path):
    notes = running.function(name, tmp_path, running.role()[0], Publish=True)
    notes.answer("fail")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    client.put_function_event_invoke_config(FunctionName=name, Qualifier="live", MaximumRetryAttempts=0)
    call(client, f"{name}:live", "alias")
    running.said(f":function:{name}:live is given up after 1 runs: RetriesExhausted")
    call(client, name, "latest")
    running.said(f":function:{name} failed (1); it is repeated in 100 s")
    running.advance(101)
    assert notes.wait(3) == ["alias", "latest", "latest"]


def test_the_configuration_is_put_changed_listed_and_deleted(running, client, name, tmp_path):
    _, queue = running.queue(name)
    role, put = running.role()
    running.function(name, tmp_path, role)
    with pytest.raises(ClientError) as caught:
        client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=on_failure(queue))
    assert caught.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": f"The function's execution role does not have permissions to call SendMessage on {queue}",
    }
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function_event_invoke_config(FunctionName=name)
    put(allow("sqs:SendMessage", queue))
    client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=on_failure(queue))
    changed = client.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    assert (changed["MaximumRetryAttempts"], changed["DestinationConfig"]) == (
        1,
        {"OnSuccess": {}, "OnFailure": {"Destination": queue}},
    )
    [listed] = client.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]
    assert listed["FunctionArn"] == changed["FunctionArn"]
    # A put begins anew.
    assert client.put_function_event_invoke_config(FunctionName=name)["DestinationConfig"] == {
        "OnSuccess": {},
        "OnFailure": {},
    }
    client.delete_function_event_invoke_config(FunctionName=name)
    assert client.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"] == []
    destination = on_failure("arn:aws:s3:::bucket")
    with pytest.raises(ClientError, match="delivers to standard queues and topics, and to functions"):
        client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=destination)
    client.put_function_event_invoke_config(FunctionName=name)
    client.delete_function(FunctionName=name)
    running.function(name, tmp_path, role)
    assert client.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"] == []


def test_a_record_that_may_not_be_sent_is_lost(running, client, name, tmp_path):
    url, queue = running.queue(name)
    role, put = running.role(allow("sqs:SendMessage", queue))
    running.function(name, tmp_path, role).answer("fail")
    client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig=on_failure(queue), MaximumRetryAttempts=0
    )
    put(allow("sqs:GetQueueUrl"))
    call(client, name)
    eventually(lambda: running.calls(madeBy="lambda.amazonaws.com", role=role, decision="denied"))
    assert running.counts(url) == (0, 0)
