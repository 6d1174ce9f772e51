"""What a schedule calls, with which input and as whom."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vectordb.local.emulator import ACCOUNT
from vectordb.local.emulator.authorization.acting import Acting
from vectordb.local.emulator.authorization.asked import Asked
from vectordb.local.emulator.authorization.principals import Session
from vectordb.local.emulator.functions.names import parse_target
from vectordb.local.emulator.queues import keys, moto_queues

SERVICE = "scheduler.amazonaws.com"
_ACTIONS = {"lambda": "lambda:InvokeFunction", "sqs": "sqs:SendMessage"}


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a schedule."""

    arn: str
    """The schedule's."""
    target: dict[str, Any]
    """As CreateSchedule has it."""
    scheduled: float
    """Seconds since 1970."""

    @property
    def region(self) -> str:
        """Of the schedule, and so of its target here."""
        return self.arn.split(":")[3]

    def payload(self, attempt: int) -> str:
        """The input of one try, with the context attributes filled in (user guide, adding context attributes)."""
        text = self.target.get("Input")
        if text is None:
            return json.dumps(self._event())
        known = {
            "schedule-arn": self.arn,
            "scheduled-time": moment(self.scheduled),
            "execution-id": uuid.uuid4().hex[:16],
            "attempt-number": str(attempt),
        }
        for name, value in known.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return str(text)

    def _event(self) -> dict[str, Any]:
        """What a target without an input gets."""
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": ACCOUNT,
            "time": moment(self.scheduled),
            "region": self.region,
            "resources": [self.arn],
            "detail": "{}",
        }


class Targets:
    """Thread-safe.

    Args:
        acting: judges the schedule's role.
        submit: takes an asynchronous call of the function with an ARN.
    """

    def __init__(self, acting: Acting, submit: Callable[[str, bytes], object]) -> None:
        self._acting = acting
        self._submit = submit

    def call(self, execution: Execution, payload: str) -> None:
        """Call the target.

        Raises:
            RefusedError: the role may not.
            UnsupportedPolicyError: nobody can tell.
            ServiceError: the target refuses.
        """
        arn = str(execution.target["Arn"])
        self._judge(execution, arn)
        if arn.split(":")[2] == "lambda":
            self._submit(arn, payload.encode())
        else:
            moto_queues.send(arn, payload)

    def bury(self, execution: Execution, payload: str, attributes: dict[str, str | int]) -> None:
        """Put what could not be delivered into the dead-letter queue, if there is one.

        Raises:
            RefusedError, UnsupportedPolicyError, ServiceError: as `call`.
        """
        arn = (execution.target.get("DeadLetterConfig") or {}).get("Arn")
        if arn:
            self._judge(execution, arn)
            moto_queues.send(arn, payload, attributes)

    def _judge(self, execution: Execution, arn: str) -> None:
        service = arn.split(":")[2]
        action = _ACTIONS[service]
        resource = parse_target(arn, None, execution.region).arn if service == "lambda" else arn
        through = keys.taken(action, moto_queues.find(arn)) if service == "sqs" else ()
        session = Session(str(execution.target["RoleArn"]), uuid.uuid4().hex)
        self._acting.check(SERVICE, session, Asked((action,), (resource,), through), execution.region)


def moment(seconds: float) -> str:
    """A time as Scheduler writes it: 2022-03-22T18:59:43Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
