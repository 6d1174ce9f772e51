"""A schedule whose target fails for a while: repeated with growing delays, until attempts or age are used up."""

from types import SimpleNamespace

import pytest

from tests.local.emulator.running import eventually
from vectordb.local.emulator.clock import Clock
from vectordb.local.emulator.schedules.runner import Runner
from vectordb.local.emulator.wire import ServiceError


class FailingTargets:
    """Stands where the targets are; fails so many times."""

    def __init__(self, failures):
        self.failures = failures
        self.payloads = []
        self.buried = []

    def call(self, execution, payload):
        self.payloads.append(payload)
        if len(self.payloads) <= self.failures:
            raise ServiceError("InternalServerException", "try again", 500)

    def bury(self, execution, payload, attributes):
        self.buried.append((payload, attributes))


@pytest.fixture
def run():
    runners = []

    def begin(failures, **policy):
        clock, targets = Clock(), FailingTargets(failures)
        runner = Runner(clock, targets, delay=10)
        runners.append(runner)
        target = {"Arn": "arn:aws:sqs:us-east-1:123456789012:q", "Input": "<aws.scheduler.attempt-number>"}
        arn = "arn:aws:scheduler:us-east-1:123456789012:schedule/g/s"
        error = runner.fire(SimpleNamespace(arn=arn, target={**target, "RetryPolicy": policy}))
        assert error == ("InternalServerException: try again" if failures else None)
        return clock, targets

    yield begin
    for runner in runners:
        runner.close()


def test_repeated_until_it_is_delivered(run):
    clock, targets = run(2)
    clock.advance({"advance": 9})
    assert targets.payloads == ["1"]
    clock.advance({"advance": 2})
    eventually(lambda: targets.payloads == ["1", "2"])
    eventually(lambda: clock.advance({"advance": 21}) or targets.payloads == ["1", "2", "3"])
    assert targets.buried == []


@pytest.mark.parametrize(
    ("policy", "condition", "tries"),
    [
        ({"MaximumRetryAttempts": 1}, "MaximumRetryAttempts", 2),
        ({"MaximumRetryAttempts": 0}, "MaximumRetryAttempts", 1),
        ({"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 185}, "MaximumEventAgeInSeconds", None),
    ],
)
def test_buried_when_the_policy_is_used_up(run, policy, condition, tries):
    clock, targets = run(1000, **policy)
    eventually(lambda: targets.buried or clock.advance({"advance": 11}))
    [(payload, attributes)] = targets.buried
    assert payload == str(len(targets.payloads))
    assert tries in (None, len(targets.payloads))
    assert attributes["RETRY_ATTEMPTS"] == str(len(targets.payloads) - 1)
    assert (attributes["EXHAUSTED_RETRY_CONDITION"], attributes["ERROR_CODE"], attributes["ERROR_MESSAGE"]) == (
        condition,
        "InternalServerException",
        "try again",
    )
