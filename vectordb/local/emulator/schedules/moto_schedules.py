"""moto keeps schedules and groups; here it learns what AWS refuses, and the runner hears of each change."""

import re
from collections.abc import Callable
from typing import Any

from vectordb.local.emulator import ACCOUNT
from vectordb.local.emulator.authorization.acting import Acting
from vectordb.local.emulator.schedules import expressions
from vectordb.local.emulator.schedules.runner import Runner
from vectordb.local.emulator.schedules.targets import SERVICE
from vectordb.local.emulator.wire import ServiceError
from vectordb.local.permissions import UnsupportedPolicyError

_TARGET = re.compile(r"arn:[^:]+:(lambda:[^:]+:\d{12}:function:.+|sqs:[^:]+:\d{12}:[^:]+)")
_PARAMETERS = re.compile(r".+Parameters")


def extend_moto(runner: Runner, acting: Acting) -> None:
    """Teach moto's scheduler; once in a process."""
    from moto.scheduler.exceptions import ScheduleGroupNotFound, ValidationException
    from moto.scheduler.models import EventBridgeSchedulerBackend

    backend_class: Any = EventBridgeSchedulerBackend
    create, change, delete = (
        backend_class.create_schedule,
        backend_class.update_schedule,
        backend_class.delete_schedule,
    )

    def accept(backend: Any, given: dict[str, Any]) -> None:
        group = given.get("group_name") or "default"
        if group not in backend.schedule_groups:
            raise ScheduleGroupNotFound(group)
        try:
            _check(given, backend.schedule_groups[group].arn, backend.region_name, acting)
        except ServiceError as error:
            raise ValidationException(error.message) from error

    def plan(backend: Any, schedule: Any) -> Any:
        def completed() -> None:
            delete(backend, schedule.group_name, schedule.name)

        runner.plan(schedule, completed)
        return schedule

    def create_schedule(self: Any, **given: Any) -> Any:
        accept(self, given)
        return plan(self, create(self, **given))

    def update_schedule(self: Any, **given: Any) -> Any:
        accept(self, given)
        # AWS: what an update does not name falls back to its default.
        return plan(self, change(self, **{**given, "state": given.get("state") or "ENABLED"}))

    def delete_schedule(self: Any, group_name: str | None, name: str) -> None:
        runner.forget(self.get_schedule(group_name, name).arn)
        delete(self, group_name, name)

    backend_class.create_schedule = create_schedule
    backend_class.update_schedule = update_schedule
    backend_class.delete_schedule = delete_schedule
    _extend_groups(backend_class, runner)


def _extend_groups(backend_class: Any, runner: Runner) -> None:
    make_group, delete_group = backend_class.create_schedule_group, backend_class.delete_schedule_group

    def create_schedule_group(self: Any, name: str, tags: Any) -> Any:
        if name in self.schedule_groups:
            from moto.core.exceptions import JsonRESTError

            conflict = JsonRESTError("ConflictException", f"Schedule group {name} already exists.")
            conflict.code = 409
            raise conflict
        return make_group(self, name, tags or [])

    def delete_schedule_group(self: Any, name: str | None) -> None:
        for schedule in list(self.get_schedule_group(name).schedules.values()):
            runner.forget(schedule.arn)
        delete_group(self, name)

    backend_class.create_schedule_group = create_schedule_group
    backend_class.delete_schedule_group = delete_schedule_group


def fire(runner: Runner, document: dict[str, Any], region: str) -> dict[str, Any]:
    """Do what POST /_vectordb/schedules says.

    Raises:
        ServiceError: there is no such schedule.
    """
    from moto.scheduler.models import scheduler_backends

    group, name = str(document.get("group") or "default"), str(document.get("name"))
    found = scheduler_backends[ACCOUNT][region].schedule_groups.get(group)
    schedule = found.schedules.get(name) if found is not None else None
    if schedule is None or set(document) - {"name", "group", "region"}:
        raise ServiceError("ResourceNotFoundException", f"There is no schedule {name!r} in the group {group!r}", 404)
    error = runner.fire(schedule)
    return {"delivered": error is None, "error": error}


def _check(given: dict[str, Any], group_arn: str, region: str, acting: Acting) -> None:
    """Raise a ServiceError for what Scheduler refuses, and for what only AWS has."""
    expression, zone = given["schedule_expression"], given.get("schedule_expression_timezone") or "UTC"
    _parsed(lambda: expressions.parse(expression, zone, 0.0), expression, zone)
    if (given.get("flexible_time_window") or {}).get("Mode") != "OFF":
        raise _invalid("The local stack has no flexible time windows: use the mode OFF.")
    target = given["target"]
    arn = str(target.get("Arn", ""))
    if not _TARGET.fullmatch(arn) or arn.endswith(".fifo") or any(map(_PARAMETERS.fullmatch, target)):
        raise _invalid(f"The local stack calls functions and standard SQS queues only, without parameters: not {arn}.")
    role = str(target.get("RoleArn", ""))
    try:
        trusted = acting.trusted(SERVICE, role, region, group_arn)
    except UnsupportedPolicyError as error:
        raise _invalid(str(error)) from error
    if not trusted:
        raise _invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")


def _parsed(parse: Callable[[], object], expression: str, zone: str) -> None:
    try:
        parse()
    except KeyError as error:
        raise _invalid(f"Invalid Schedule Expression Timezone: {zone}.") from error
    except ValueError as error:
        raise _invalid(f"Invalid Schedule Expression {expression}. ({error})") from error


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
