"""What CreateEventSourceMapping and UpdateEventSourceMapping refuse, which moto does not."""

from collections.abc import Mapping
from typing import Any

from vectordb.local.emulator.functions.errors import invalid_parameter

_FIELDS = {
    "BatchSize",
    "Enabled",
    "EventSourceArn",
    "FunctionName",
    "FunctionResponseTypes",
    "LoggingConfig",
    "MaximumBatchingWindowInSeconds",
    "MetricsConfig",
    "ScalingConfig",
    "Tags",
    "UUID",
}
"""What a mapping of a queue may have."""
_LARGEST_WITHOUT_WINDOW = 10
_BOUNDS = {"BatchSize": (1, 10_000), "MaximumBatchingWindowInSeconds": (0, 300)}
_CONCURRENCY = (2, 1000)


def check(given: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse a request.

    Args:
        given: its members.
        now: BatchSize and MaximumBatchingWindowInSeconds as they are, for an update.

    Raises:
        ServiceError: InvalidParameterValueException.
    """
    if given.get("FilterCriteria", {}).get("Filters"):
        raise invalid_parameter("The local stack does not filter events: leave FilterCriteria out.")
    if given.get("ProvisionedPollerConfig"):
        raise invalid_parameter("The local stack has no provisioned pollers: use ScalingConfig.")
    if other := sorted(name for name in set(given) - _FIELDS if given[name]):
        raise invalid_parameter(f"Unsupported for a mapping of an SQS queue: {', '.join(other)}")
    for name, (least, most) in _BOUNDS.items():
        if given.get(name) is not None:
            _bounded(name, given[name], least, most)
    if (most_at_once := (given.get("ScalingConfig") or {}).get("MaximumConcurrency")) is not None:
        _bounded("ScalingConfig.MaximumConcurrency", most_at_once, *_CONCURRENCY)
    if unknown := set(given.get("FunctionResponseTypes") or []) - {"ReportBatchItemFailures"}:
        raise invalid_parameter(f"Unknown function response types: {', '.join(sorted(unknown))}")
    size = given.get("BatchSize") or now.get("BatchSize") or 10
    window = given.get("MaximumBatchingWindowInSeconds", now.get("MaximumBatchingWindowInSeconds")) or 0
    if size > _LARGEST_WITHOUT_WINDOW and window == 0:
        # Lambda API reference, CreateEventSourceMapping, BatchSize.
        raise invalid_parameter(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )


def check_queue(arn: str, visibility: int, timeout: float) -> None:
    """Refuse a queue whose messages come back before the function is done.

    Raises:
        ServiceError: InvalidParameterValueException, in the words that AWS has for it.
    """
    if arn.endswith(".fifo"):
        raise invalid_parameter("The local stack polls standard queues only.")
    if visibility < timeout:
        raise invalid_parameter(
            f"Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout:.0f} seconds"
        )


def _bounded(name: str, value: Any, least: int, most: int) -> None:
    if not isinstance(value, int) or not least <= value <= most:
        raise invalid_parameter(f"{name} is {value}; it is an integer from {least} to {most}")
