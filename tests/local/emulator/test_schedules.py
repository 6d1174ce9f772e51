"""Schedules: when they run, as whom, with what, and what becomes of what cannot be delivered."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.local.emulator.delivering import OPERATOR, Delivering, allow, arn, attributes

SERVICE = "scheduler.amazonaws.com"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    started = Delivering(
        tmp_path_factory.mktemp("schedules") / "state",
        *("--operator", OPERATOR, "--concurrency", "4", "--retry-delay", "5"),
    )
    yield started
    started.end()
    assert "Traceback" not in started.errors.read_text(), started.errors.read_text()


@pytest.fixture
def scheduler(running):
    return running.client("scheduler")


@pytest.fixture
def make(running, scheduler, name):
    """Make a schedule in a group of the test's own; gives its ARN."""
    scheduler.create_schedule_group(Name=name)

    def schedule(expression, target, role, retry=None, dead_letters=None, **settings):
        optional = {"RetryPolicy": retry} if retry else {}
        if dead_letters:
            optional["DeadLetterConfig"] = {"Arn": dead_letters}
        given = {"Input": settings.pop("Input")} if "Input" in settings else {}
        return scheduler.create_schedule(
            Name=name,
            GroupName=name,
            ScheduleExpression=expression,
            FlexibleTimeWindow=settings.pop("window", {"Mode": "OFF"}),
            Target={"Arn": target, "RoleArn": role, **given, **optional},
            **settings,
        )["ScheduleArn"]

    yield schedule
    scheduler.delete_schedule_group(Name=name)


@pytest.fixture
def sender(running, name):
    """A role that the test's group may use to send to any queue and call any function."""
    group = arn("scheduler", f"schedule-group/{name}")
    condition = {"aws:SourceArn": group, "aws:SourceAccount": "123456789012"}
    allowed = allow(["sqs:SendMessage", "lambda:InvokeFunction"])
    return running.role(allowed, service=SERVICE, StringEquals=condition)[0]


def fire(running, name, **more):
    return running.request("POST", "/_vectordb/schedules", {"name": name, "group": name, **more})


def test_a_rate_runs_at_once_and_then_at_its_rate(running, make, sender, name):
    url, queue = running.queue(name)
    made = make("rate(5 minutes)", queue, sender, Input='{"sweep": true}')
    assert made == arn("scheduler", f"schedule/{name}/{name}")
    assert running.take(url) == '{"sweep": true}'
    running.advance(290)
    assert running.take(url, 1) is None
    running.advance(11)
    assert running.take(url) == '{"sweep": true}'
    [call] = running.calls(madeBy=SERVICE, resources=[queue])[-1:]
    assert (call["actions"], call["role"], call["decision"]) == (["sqs:SendMessage"], sender, "allowed")


def test_a_function_gets_the_input_with_its_context(running, make, sender, name, tmp_path):
    role, _ = running.role()
    notes = running.function(name, tmp_path, role)
    function = arn("lambda", f"function:{name}")
    keys = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")
    given = json.dumps({key: f"<aws.scheduler.{key}>" for key in keys})
    made = make("cron(0 0 1 1 ? 2199)", function, sender, Input=given, State="DISABLED")
    assert fire(running, name)[2] == {"delivered": True, "error": None}
    [event] = notes.wait(1)
    assert datetime.fromisoformat(event.pop("scheduled-time"))
    assert len(event.pop("execution-id")) == 16
    assert event == {"schedule-arn": made, "attempt-number": "1"}


def test_without_an_input_there_is_an_event(running, make, sender, name):
    url, queue = running.queue(name)
    made = make("rate(1 day)", queue, sender)
    event = json.loads(running.receive(url, 5)["Body"])
    assert (event["detail-type"], event["source"], event["resources"]) == ("Scheduled Event", "aws.scheduler", [made])


def test_once_at_a_time_in_its_zone_and_then_it_may_be_deleted(running, scheduler, make, sender, name):
    url, queue = running.queue(name)
    _, _, clock = running.request("POST", "/_vectordb/clock", {"advance": 0.001})
    ahead = datetime.fromtimestamp(clock["now"], UTC) + timedelta(minutes=10)
    expression = (ahead + timedelta(hours=9)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    make(
        expression, queue, sender, Input="once", ScheduleExpressionTimezone="Asia/Tokyo", ActionAfterCompletion="DELETE"
    )
    running.advance(590)
    assert scheduler.get_schedule(Name=name, GroupName=name)["State"] == "ENABLED"
    assert running.counts(url) == (0, 0)
    running.advance(11)
    assert running.receive(url, 5)["Body"] == "once"
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=name, GroupName=name)


def test_disabled_changed_and_deleted(running, scheduler, make, sender, name):
    url, queue = running.queue(name)
    make("rate(1 minute)", queue, sender, Input="a", State="DISABLED")
    running.advance(61)
    assert running.take(url, 1) is None
    target = {"Arn": queue, "RoleArn": sender, "Input": "b"}
    names = {"Name": name, "GroupName": name}
    scheduler.update_schedule(
        **names, ScheduleExpression="rate(1 minute)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    assert running.take(url) == "b"
    scheduler.delete_schedule(**names)
    running.advance(61)
    assert running.take(url, 1) is None
    assert fire(running, name)[0] == 404


def test_what_may_not_be_delivered_goes_to_the_dead_letters_at_once(running, make, name):
    url, dead = running.queue(f"{name}-dead")
    _, queue = running.queue(name)
    role, _ = running.role(allow("sqs:SendMessage", dead), service=SERVICE)
    made = make("rate(1 day)", queue, role, Input="x", dead_letters=dead)
    message = running.receive(url, 5)
    found = attributes(message)
    assert datetime.fromisoformat(found.pop("SCHEDULED_TIME"))
    assert "is not authorized to perform: sqs:SendMessage" in found.pop("ERROR_MESSAGE")
    assert message["Body"] == "x"
    assert found == {
        "ERROR_CODE": "AccessDeniedException",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "0",
        "SCHEDULE_ARN": made,
        "TARGET_ARN": queue,
    }
    assert fire(running, name)[2]["delivered"] is False


def test_an_encrypted_queue_takes_the_key(running, make, name):
    key = running.client("kms").create_key()["KeyMetadata"]["Arn"]
    url, queue = running.queue(name, KmsMasterKeyId=key)
    role, put = running.role(allow("sqs:SendMessage", queue), service=SERVICE)
    make("cron(0 0 1 1 ? 2199)", queue, role, Input="x")
    assert "kms:GenerateDataKey" in fire(running, name)[2]["error"]
    put(allow("sqs:SendMessage", queue), allow(["kms:GenerateDataKey", "kms:Decrypt"], key))
    assert fire(running, name)[2]["error"] is None
    assert running.receive(url)["Body"] == "x"


NOT_TRUSTED = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."


@pytest.mark.parametrize(
    ("service", "condition", "accepted"),
    [
        (SERVICE, {}, True),
        (SERVICE, {"StringEquals": {"aws:SourceArn": arn("scheduler", "schedule-group/{name}")}}, True),
        (SERVICE, {"ArnLike": {"aws:SourceArn": arn("scheduler", "schedule-group/*")}}, True),
        (SERVICE, {"StringEquals": {"aws:SourceArn": arn("scheduler", "schedule/{name}/{name}")}}, False),
        (SERVICE, {"StringEquals": {"aws:SourceArn": arn("scheduler", "schedule-group/default")}}, False),
        (SERVICE, {"StringEquals": {"aws:SourceAccount": "210987654321"}}, False),
        ("events.amazonaws.com", {}, False),
    ],
)
def test_the_trust_names_the_schedule_group(running, make, name, service, condition, accepted):
    condition = json.loads(json.dumps(condition).replace("{name}", name))
    role, _ = running.role(allow("sqs:SendMessage"), service=service, **condition)
    _, queue = running.queue(name)
    if accepted:
        make("rate(1 day)", queue, role)
        return
    with pytest.raises(ClientError) as caught:
        make("rate(1 day)", queue, role)
    assert caught.value.response["Error"] == {"Code": "ValidationException", "Message": NOT_TRUSTED}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"expression": "rate(0 minutes)"}, "Invalid Schedule Expression rate(0 minutes). (a rate is positive)"),
        ({"expression": "cron(* * * * *)"}, "Invalid Schedule Expression cron(* * * * *). (a cron expression has six fields, not 5)"),
        ({"expression": "cron(0 0 * * * *)"}, "Invalid Schedule Expression cron(0 0 * * * *). (exactly one of day of month and day of week is ?)"),
        ({"ScheduleExpressionTimezone": "Mars/Base"}, "Invalid Schedule Expression Timezone: Mars/Base."),
        ({"window": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}}, "The local stack has no flexible time windows: use the mode OFF."),
        ({"target": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"}, "The local stack calls functions and standard SQS queues only, without parameters: not arn:aws:scheduler:::aws-sdk:sqs:sendMessage."),
    ],
)  # fmt: skip
def test_what_a_schedule_may_not_be(make, sender, settings, said):
    given = {"expression": "rate(1 day)", "target": arn("sqs", "q"), "role": sender, **settings}
    with pytest.raises(ClientError) as caught:
        make(**given)
    assert caught.value.response["Error"] == {"Code": "ValidationException", "Message": said}


def test_groups_that_are_not_there_or_there_twice(scheduler, make, sender, name):
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.create_schedule(
            Name=name,
            GroupName="another",
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": arn("sqs", "q"), "RoleArn": sender},
        )
    with pytest.raises(scheduler.exceptions.ConflictException):
        scheduler.create_schedule_group(Name=name)


@pytest.mark.parametrize("document", [{}, {"advance": 0}, {"advance": "1"}, {"advance": 1, "more": 1}])
def test_the_clock_goes_forward_only(running, document):
    status, _, body = running.request("POST", "/_vectordb/clock", document)
    assert (status, body["message"]) == (400, "The clock takes advance, a positive number of seconds")
