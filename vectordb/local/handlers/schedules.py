"""EventBridge Scheduler: groups and schedules, which run in the emulator."""

from datetime import datetime
from typing import Any

from vectordb.local.engine import Execution, Made
from vectordb.plan.recording import Registration

_NAME_LENGTH = 64


def schedule_group(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A schedule group: what a role's trust names."""
    name = _name(execution, resource, inputs)
    made = execution.clients("scheduler").create_schedule_group(Name=name)
    return name, {"name": name, "arn": made["ScheduleGroupArn"], "state": "ACTIVE"}


def schedule(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> Made:
    """A schedule; it runs from now on."""
    name, group = _name(execution, resource, inputs), inputs.get("groupName") or "default"
    window = inputs.get("flexibleTimeWindow") or {"mode": "OFF"}
    optional = {
        "ActionAfterCompletion": inputs.get("actionAfterCompletion"),
        "Description": inputs.get("description"),
        "EndDate": _date(inputs.get("endDate")),
        "ScheduleExpressionTimezone": inputs.get("scheduleExpressionTimezone"),
        "StartDate": _date(inputs.get("startDate")),
        "State": inputs.get("state"),
    }
    made = execution.clients("scheduler").create_schedule(
        Name=name,
        GroupName=group,
        ScheduleExpression=inputs["scheduleExpression"],
        FlexibleTimeWindow={"Mode": window["mode"]},
        Target=_target(inputs["target"]),
        **{key: value for key, value in optional.items() if value is not None},
    )
    return f"{group}/{name}", {"name": name, "groupName": group, "arn": made["ScheduleArn"]}


def _target(given: dict[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = {"Arn": given["arn"], "RoleArn": given["roleArn"]}
    if given.get("input") is not None:
        target["Input"] = given["input"]
    if (dead_letters := given.get("deadLetterConfig")) is not None:
        target["DeadLetterConfig"] = {"Arn": dead_letters["arn"]}
    if (policy := given.get("retryPolicy")) is not None:
        names = {"maximumEventAgeInSeconds": "MaximumEventAgeInSeconds", "maximumRetryAttempts": "MaximumRetryAttempts"}
        target["RetryPolicy"] = {name: int(policy[key]) for key, name in names.items() if policy.get(key) is not None}
    # Passed on for the emulator to refuse, in its own words.
    if (parameters := given.get("sqsParameters")) is not None:
        target["SqsParameters"] = {"MessageGroupId": parameters["messageGroupId"]}
    return target


def _name(execution: Execution, resource: Registration, inputs: dict[str, Any]) -> str:
    prefix = inputs.get("namePrefix") or f"{resource.name}-"
    return str(inputs.get("name") or f"{prefix}{execution.unique(resource, 7)}"[-_NAME_LENGTH:])


def _date(text: str | None) -> datetime | None:
    """The provider takes RFC 3339."""
    return None if text is None else datetime.fromisoformat(text)
