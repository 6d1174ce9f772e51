"""Executes the program's registrations on this machine: a table maps resource types to handlers.

A type without a handler is recorded with invented outputs and reported. The outputs flow to the dependants as on AWS, so
the order of the work is the program's own.
"""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vectordb.local import invented
from vectordb.local.clients import Clients
from vectordb.local.events import Event, send
from vectordb.local.services import Services
from vectordb.plan import lookups
from vectordb.plan.recording import Registration
from vectordb.plan.stack_configuration import StackConfiguration

Made = tuple[str, dict[str, Any]]
"""The physical id and the outputs of a resource."""

Handler = Callable[["Execution", Registration, dict[str, Any]], Made]


@dataclass
class Execution:
    """What handlers work with, and what they leave for each other."""

    configuration: StackConfiguration
    services: Services
    clients: Clients
    parameter_groups: dict[str, dict[str, str]] = field(default_factory=dict)
    """What follows the account in the ARN of a parameter group (`pg:name`, `cluster-pg:name`) → its parameters."""
    feature_roles: dict[tuple[str, str], str] = field(default_factory=dict)
    """(A database's identifier, feature as `Lambda`) → ARN of the role that the database has for it."""
    notices: list[str] = field(default_factory=list)
    """What is different here from what was declared, for people, a sentence each."""

    @property
    def region(self) -> str:
        """The stack's region."""
        return self.configuration.region

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """An ARN of the stack's account and, unless the service is a global one, region."""
        region = self.region if regional else ""
        return f"arn:{lookups.partition_of(self.region)}:{service}:{region}:{lookups.ACCOUNT}:{resource}"

    def unique(self, resource: Registration, length: int = 17) -> str:
        """Hexadecimal digits that are the same for a resource at every run, as a physical id would be."""
        return hashlib.sha256(resource.urn.encode()).hexdigest()[:length]


class Engine:
    """A backend that makes what it can and records the rest."""

    preview = False

    def __init__(self, execution: Execution, handlers: dict[str, Handler]) -> None:
        self._execution, self._handlers = execution, handlers
        self._lookups = lookups.Lookups(execution.region)
        self._lookups = lookups.Lookups(execution.region)
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self.recorded: Counter[str] = Counter()

    def create(self, resource: Registration, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Make `resource` here, or invent what AWS would return for it."""
        handler = self._handlers.get(resource.type)
        if handler is None:
            with self._lock:
                self.recorded[resource.type] += 1
            return invented.make(self._execution, resource, inputs)
        physical_id, outputs = handler(self._execution, resource, inputs)
        send(Event("made", resource.name, resource.type, time.monotonic() - self._started))
        return physical_id, {**inputs, **outputs}

    def look_up(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The account of the stand-ins is the example account."""
        return self._lookups.answer(token, arguments)
