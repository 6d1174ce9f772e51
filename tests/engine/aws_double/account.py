"""What there is in the made-up account: resources by type and id."""

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.engine.aws_double.wire import with_files
from vectordb.local.engine import Engine
from vectordb.plan.recording import Registration

_NETWORK = ("aws:ec2/", "aws:vpc/")
_MADE_AT = "2026-01-01T00:00:00Z"
_MORE: dict[str, dict[str, Any]] = {
    "aws:s3/vectorsIndex:VectorsIndex": {"creationTime": _MADE_AT},
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket": {"creationTime": _MADE_AT},
}
"""Type → outputs that AWS gives and a local stack does without. One that is missing would be unknown in each preview."""


class RefusedError(Exception):
    """What AWS would answer instead."""


@dataclass
class There:
    """A resource that exists: what it was made from, and all that is known of it."""

    urn: str
    inputs: dict[str, Any]
    state: dict[str, Any]


class Account:
    """Resources are made by a local stack's engine and kept here. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._made: Counter[str] = Counter()
        self.there: dict[tuple[str, str], There] = {}
        self.refuses: dict[str, str] = {}
        """Name of a resource → what the account answers to its creation."""

    def create(self, urn: str, type_: str, name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The id and state of a new resource.

        Raises:
            RefusedError: a test wants it so.
        """
        with self._lock:
            if name in self.refuses:
                raise RefusedError(self.refuses[name])
            number = self._made[urn]
            self._made[urn] += 1
        # One that replaces another has the same URN, and another id.
        resource = Registration(f"{urn}#{number}" if number else urn, type_, name, True, "", inputs)
        physical_id, outputs = self._engine.create(resource, with_files(inputs))
        computed = {key: value for key, value in outputs.items() if key not in inputs}
        # As the provider has it, the id is one of the outputs: by it the pack finds what refers to what in a state.
        state = {**_MORE.get(type_, {}), **computed, **inputs, "id": physical_id}
        with self._lock:
            self.there[type_, physical_id] = There(urn, inputs, state)
        return physical_id, state

    def update(self, type_: str, physical_id: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """The state of a resource that has other inputs now."""
        with self._lock:
            there = self.there[type_, physical_id]
            there.state = {k: v for k, v in there.state.items() if k not in there.inputs} | inputs
            there.inputs = inputs
            return there.state

    def delete(self, type_: str, physical_id: str) -> None:
        """Forget a resource; one that is gone already is none to complain of.

        Raises:
            RefusedError: something in the network still names it.
        """
        with self._lock:
            if users := self._users(type_, physical_id):
                raise RefusedError(f"DependencyViolation: {physical_id} has dependencies: {', '.join(users)}")
            self.there.pop((type_, physical_id), None)

    def read(self, type_: str, physical_id: str) -> There | None:
        """What there is of this type under this id."""
        with self._lock:
            return self.there.get((type_, physical_id))

    def named(self, name: str) -> There:
        """The one resource of a name in the program, for tests."""
        (found,) = [there for there in self.there.values() if there.urn.rpartition("::")[2] == name]
        return found

    def _users(self, type_: str, physical_id: str) -> list[str]:
        """Ids of the network's resources that name this one."""
        if not type_.startswith(_NETWORK):
            return []
        return sorted(
            found_id
            for (found_type, found_id), there in self.there.items()
            if found_type.startswith(_NETWORK) and found_id != physical_id and _names(there.inputs, physical_id)
        )


def _names(value: Any, physical_id: str) -> bool:
    if isinstance(value, dict):
        return any(_names(item, physical_id) for item in value.values())
    if isinstance(value, list):
        return any(_names(item, physical_id) for item in value)
    return bool(value == physical_id)
