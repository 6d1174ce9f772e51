"""moto keeps the mappings; here it learns what AWS refuses, and each mapping gets its poller."""

import re
import threading
from collections.abc import Mapping
from typing import Any, NoReturn

from vectordb.local.emulator.authorization.acting import Acting
from vectordb.local.emulator.authorization.gate import RefusedError
from vectordb.local.emulator.clock import Clock
from vectordb.local.emulator.event_sources import requests
from vectordb.local.emulator.event_sources.poller import ATTRIBUTES, DELETE, RECEIVE, Poller, Runs, check
from vectordb.local.emulator.functions.deployed import Deployed
from vectordb.local.emulator.functions.names import Target, parse_target
from vectordb.local.emulator.queues import moto_queues
from vectordb.local.emulator.wire import ServiceError
from vectordb.local.permissions import UnsupportedPolicyError

_QUEUE = re.compile(r"arn:[^:]+:sqs:[^:]+:\d{12}:[^:]+")


class Mappings:
    """The pollers, by the mapping's UUID. Thread-safe.

    Args:
        functions: finds and runs them.
        acting: judges what pollers do.
        clock: for windows and timeouts.
        concurrency: of a mapping without a maximum of its own.
    """

    def __init__(self, functions: Runs, acting: Acting, clock: Clock, *, concurrency: int) -> None:
        self._functions = functions
        self._acting = acting
        self._clock = clock
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._pollers: dict[str, Poller] = {}

    def extend_moto(self) -> None:
        """Teach moto's Lambda; once in a process."""
        from moto.awslambda.models import EventSourceMapping, LambdaBackend

        mapping_class: Any = EventSourceMapping
        backend_class: Any = LambdaBackend
        create, change = backend_class.create_event_source_mapping, backend_class.update_event_source_mapping
        delete, show = backend_class.delete_event_source_mapping, mapping_class.get_configuration
        mappings = self

        def create_event_source_mapping(self: Any, spec: dict[str, Any]) -> Any:
            target = _modelled(mappings._check_new, self, spec)
            mapping = create(self, spec)
            queue = moto_queues.find(mapping.event_source_arn)
            # moto would deliver inside SendMessage.
            queue.lambda_event_source_mappings.clear()
            mapping.function_arn = target.arn
            mappings._start(mapping)
            return mapping

        def update_event_source_mapping(self: Any, uuid: str, spec: dict[str, Any]) -> Any:
            mapping = self.get_event_source_mapping(uuid)
            if mapping is None:
                return None
            target = _modelled(mappings._check_changed, mapping, spec)
            change(self, uuid, spec)
            mapping.function_arn = target.arn
            mapping.function_name = target.arn
            mappings._stop(uuid)
            mappings._start(mapping)
            return mapping

        def delete_event_source_mapping(self: Any, uuid: str) -> Any:
            mappings._stop(uuid)
            return delete(self, uuid)

        def get_configuration(self: Any) -> dict[str, Any]:
            return {**show(self), "LastProcessingResult": self.last_processing_result}

        mapping_class.last_processing_result = "No records processed"
        mapping_class.get_configuration = get_configuration
        backend_class.create_event_source_mapping = create_event_source_mapping
        backend_class.update_event_source_mapping = update_event_source_mapping
        backend_class.delete_event_source_mapping = delete_event_source_mapping

    def close(self) -> None:
        """Stop every poller."""
        for uuid in list(self._pollers):
            self._stop(uuid)

    def _start(self, mapping: Any) -> None:
        if not mapping.enabled:
            return
        most = (mapping.scaling_config or {}).get("MaximumConcurrency") or self._concurrency
        target = parse_target(mapping.function_arn, None, mapping.region)
        poller = Poller(mapping, target, self._functions, self._acting, self._clock, concurrency=most)
        with self._lock:
            self._pollers[mapping.uuid] = poller

    def _stop(self, uuid: str) -> None:
        with self._lock:
            poller = self._pollers.pop(uuid, None)
        if poller is not None:
            poller.stop()

    def _check_new(self, backend: Any, spec: Mapping[str, Any]) -> Target:
        arn = str(spec.get("EventSourceArn") or "")
        if not _QUEUE.fullmatch(arn):
            raise ServiceError(
                "InvalidParameterValueException", f"The local stack has mappings of SQS queues only, not of {arn!r}"
            )
        given = {name: value for name, value in spec.items() if name not in {"RegionName", "AccountId"}}
        requests.check(given, {})
        target = self._check_target(str(spec.get("FunctionName") or ""), backend.region_name, arn)
        for mapping in backend.list_event_source_mappings(arn, None):
            if parse_target(mapping.function_arn, None, mapping.region) == target:
                raise ServiceError(
                    "ResourceConflictException",
                    f'An event source mapping with SQS arn (" {arn} ") and function (" {target.name} ") already exists. '
                    f"Please update or delete the existing mapping with UUID {mapping.uuid}",
                    409,
                )
        return target

    def _check_changed(self, mapping: Any, spec: Mapping[str, Any]) -> Target:
        now = {"BatchSize": mapping.batch_size, "MaximumBatchingWindowInSeconds": mapping.max_batch_window}
        requests.check(spec, now)
        name = str(spec.get("FunctionName") or mapping.function_arn)
        return self._check_target(name, mapping.region, mapping.event_source_arn)

    def _check_target(self, name: str, region: str, queue_arn: str) -> Target:
        target = parse_target(name, None, region)
        deployed = self._functions.find(target)
        queue = moto_queues.find(queue_arn)
        if queue is None:
            raise ServiceError(
                "InvalidParameterValueException",
                f"Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
                f"SQS Error Message: The specified queue does not exist: {queue_arn}",
            )
        requests.check_queue(queue_arn, queue.visibility_timeout, deployed.timeout)
        self._check_role(deployed, queue_arn)
        return target

    def _check_role(self, deployed: Deployed, queue_arn: str) -> None:
        for action in (RECEIVE, DELETE, ATTRIBUTES):
            try:
                check(self._acting, deployed, action, queue_arn, each=True)
            except (RefusedError, UnsupportedPolicyError) as error:
                raise ServiceError(
                    "InvalidParameterValueException",
                    f"The provided execution role does not have permissions to call {action.partition(':')[2]} on SQS",
                ) from error


def _modelled(do: Any, *arguments: Any) -> Target:
    """Run a check; its error in the form that moto answers with."""
    try:
        found: Target = do(*arguments)
    except ServiceError as error:
        _raise(error)
    return found


def _raise(error: ServiceError) -> NoReturn:
    from moto.awslambda.exceptions import LambdaClientError

    failure = LambdaClientError(error.code, error.message)
    failure.code = error.status
    raise failure from error
