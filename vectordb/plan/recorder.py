"""A Pulumi resource monitor in process: it records each registration and lets a backend say what the resource becomes.

`pulumi preview` and `pulumi up` talk to the engine's monitor over gRPC; the SDK accepts this one instead
(pulumi.runtime.mocks). The recorder leaves out what the engine and the providers add: provider checks and defaults,
default tags, automatic names, state, and replacement.
"""

import threading
from typing import Any, Protocol

from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_project, get_stack

from vectordb.plan.recording import STACK_TYPE, Registration, whole_numbers


class Backend(Protocol):
    """Decides what a registered resource becomes."""

    preview: bool
    """True: outputs that the backend does not return are unknown to the program, as in `pulumi preview`."""

    def create(self, resource: Registration, inputs: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """The id and outputs of a custom resource; `inputs` are plain values, assets and archives as the SDK's objects."""
        ...

    def look_up(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The result of a provider function such as `aws:index/getRegion:getRegion`."""
        ...


class Recorder(mocks.MockMonitor):
    """Records registrations in their order. Registrations arrive from several threads at once."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(_Hooks(self))
        self.backend = backend
        self.registrations: list[Registration] = []
        self.outputs: dict[str, Any] = {}
        self.lookups: list[str] = []
        self._lock = threading.Lock()
        self._pending = threading.local()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine does: the stack's own type is not part of its children's type chain."""
        chain = parent.split("::")[2] if parent else ""
        qualified = type_ if chain in ("", STACK_TYPE) else f"{chain}${type_}"
        return f"urn:pulumi:{get_stack()}::{get_project()}::{qualified}::{name}"

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> Any:  # noqa: N802 - the protocol's name
        registration = Registration(
            urn=self.make_urn(request.parent, request.type, request.name),
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            inputs=whole_numbers(json_format.MessageToDict(request.object)),
            dependencies=tuple(request.dependencies),
            property_dependencies={key: tuple(value.urns) for key, value in request.propertyDependencies.items()},
            protect=request.protect,
            ignore_changes=tuple(request.ignoreChanges),
            retain_on_delete=request.retainOnDelete,
            delete_before_replace=request.deleteBeforeReplace,
            aliases=tuple(alias.urn or self._alias(request, alias.spec) for alias in request.aliases),
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
        )
        with self._lock:
            self.registrations.append(registration)
        self._pending.registration = registration
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK has no types here

    def _alias(self, request: resource_pb2.RegisterResourceRequest, spec: Any) -> str:
        """The URN that an alias stands for: what it does not say is as the resource has it."""
        parent = "" if spec.noParent else spec.parentUrn or request.parent
        urn = self.make_urn(parent, spec.type or request.type, spec.name or request.name)
        _, _, chain, name = urn.split("::")
        return f"urn:pulumi:{spec.stack or get_stack()}::{spec.project or get_project()}::{chain}::{name}"

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> Any:  # noqa: N802
        if request.urn.split("::")[2] == STACK_TYPE:
            self.outputs = whole_numbers(json_format.MessageToDict(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # as above

    def created(self, inputs: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """What the registration that this thread is making becomes."""
        registration: Registration = self._pending.registration
        if not registration.custom:
            return "", inputs
        return self.backend.create(registration, inputs)

    def looked_up(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The answer of a provider function."""
        with self._lock:
            self.lookups.append(token)
        return self.backend.look_up(token, arguments)


class _Hooks(mocks.Mocks):
    """The SDK calls these with less than the whole request; the recorder kept the rest."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return self._recorder.looked_up(args.token, args.args), []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return self._recorder.created(args.inputs)
