"""What a function's asynchronous calls do on failure: PutFunctionEventInvokeConfig and its kin, by function and qualifier.

Here and not in moto, which knows one configuration a function, whatever the qualifier, and changes it as a whole.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from vectordb.local.emulator.functions.errors import invalid_parameter, not_found
from vectordb.local.emulator.functions.names import Target
from vectordb.local.emulator.wire import Request, Response, ServiceError, answer

LONGEST_AGE = 21600
"""Seconds: six hours, which is also the default (Lambda API reference, PutFunctionEventInvokeConfig)."""
_YOUNGEST = 60
_MOST_RETRIES = 2
_LATEST = "$LATEST"
_KINDS = ("sqs", "sns", "lambda")
"""Services of destinations that are delivered to here."""
_FIELDS = {"MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"}


@dataclass(frozen=True, slots=True)
class EventConfig:
    """One configuration; the defaults are those of a function without one."""

    retries: int = _MOST_RETRIES
    age: int = LONGEST_AGE
    """Seconds."""
    on_success: str = ""
    on_failure: str = ""
    modified: float = 0.0


class EventConfigs:
    """Thread-safe.

    Args:
        check_function: raises for a target that is not there.
        check_destination: raises for a destination that the function's role may not use.
    """

    def __init__(
        self, check_function: Callable[[Target], Any], check_destination: Callable[[Target, str], None]
    ) -> None:
        self._check_function = check_function
        self._check_destination = check_destination
        self._lock = threading.Lock()
        self._configs: dict[tuple[str, str, str], EventConfig] = {}

    def of(self, target: Target) -> EventConfig:
        """What holds for a call of this target: calls of an alias follow the alias's configuration only."""
        return self._configs.get(_key(target), EventConfig())

    def forget(self, region: str, name: str) -> None:
        """A function was deleted."""
        with self._lock:
            for key in [key for key in self._configs if key[:2] == (region, name)]:
                del self._configs[key]

    def handle(self, operation: str, target: Target, request: Request) -> Response:
        """One of the five operations.

        Raises:
            ServiceError: a modelled error.
        """
        self._check_function(target)
        if operation == "ListFunctionEventInvokeConfigs":
            listed = [
                _shown(Target(region, name, qualifier), config)
                for (region, name, qualifier), config in sorted(self._configs.items(), key=lambda item: item[0])
                if (region, name) == (target.region, target.name)
            ]
            return answer({"FunctionEventInvokeConfigs": listed})
        if operation == "PutFunctionEventInvokeConfig":
            return answer(_shown(target, self._change(target, EventConfig(), request.parameters())))
        found = self._configs.get(_key(target))
        if found is None:
            raise not_found(f"The function {_qualified(target).arn} doesn't have an EventInvokeConfig")
        if operation == "DeleteFunctionEventInvokeConfig":
            with self._lock:
                self._configs.pop(_key(target), None)
            return Response(b"", 204)
        if operation == "UpdateFunctionEventInvokeConfig":
            found = self._change(target, found, request.parameters())
        return answer(_shown(target, found))

    def _change(self, target: Target, config: EventConfig, given: dict[str, Any]) -> EventConfig:
        if unknown := sorted(set(given) - _FIELDS):
            raise invalid_parameter(f"Unknown members: {', '.join(unknown)}")
        config = replace(config, modified=time.time())
        if (retries := given.get("MaximumRetryAttempts")) is not None:
            config = replace(config, retries=_between("maximumRetryAttempts", retries, 0, _MOST_RETRIES))
        if (age := given.get("MaximumEventAgeInSeconds")) is not None:
            config = replace(config, age=_between("maximumEventAgeInSeconds", age, _YOUNGEST, LONGEST_AGE))
        if (destinations := given.get("DestinationConfig")) is not None:
            on = {
                kind: str((destinations.get(kind) or {}).get("Destination") or "")
                for kind in ("OnSuccess", "OnFailure")
            }
            for arn in filter(None, on.values()):
                self._check(target, arn)
            config = replace(config, on_success=on["OnSuccess"], on_failure=on["OnFailure"])
        with self._lock:
            self._configs[_key(target)] = config
        return config

    def _check(self, target: Target, arn: str) -> None:
        parts = arn.split(":")
        if len(parts) < 6 or parts[0] != "arn":  # noqa: PLR2004 - an ARN's parts
            raise invalid_parameter(f"The destination ARN {arn} is invalid.")
        if parts[2] not in _KINDS or arn.endswith(".fifo"):
            raise invalid_parameter(
                f"The destination ARN {arn} is invalid here: the local stack delivers to standard queues and topics, and "
                "to functions."
            )
        self._check_destination(target, arn)


def _between(name: str, value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        bound = (
            f"greater than or equal to {least}"
            if isinstance(value, int) and value < least
            else f"less than or equal to {most}"
        )
        raise ServiceError(
            "ValidationException",
            f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must have value {bound}",
        )
    return value


def _qualified(target: Target) -> Target:
    return Target(target.region, target.name, target.qualifier or _LATEST)


def _key(target: Target) -> tuple[str, str, str]:
    return target.region, target.name, target.qualifier or _LATEST


def _shown(target: Target, config: EventConfig) -> dict[str, Any]:
    destinations = {"OnSuccess": config.on_success, "OnFailure": config.on_failure}
    return {
        "FunctionArn": _qualified(target).arn,
        "LastModified": config.modified,
        "MaximumRetryAttempts": config.retries,
        "MaximumEventAgeInSeconds": config.age,
        "DestinationConfig": {kind: {"Destination": arn} if arn else {} for kind, arn in destinations.items()},
    }
