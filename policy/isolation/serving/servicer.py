"""The SDK's own analyzer, which decodes a request once instead of once for each policy.

The SDK's loop over the policies, its enforcement levels, its messages and what it makes of exceptions stay in force: this
module only chooses what the loop runs over. A resource is judged by the policies that know its type, and a stack is
decoded before the loop, for stack policies that `crossguard` made.
"""

import gc
import threading
from typing import Any, ClassVar, Final

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    PolicyResource,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy import policy as sdk_module

from isolation.serving.crossguard import WAIVERS, ResourcePolicy, policies, read_once
from isolation.serving.pack import Pack

sdk: Final[Any] = sdk_module  # it has no types for what follows, and some of it is not public: the tests hold us to it
_Base: Final[Any] = sdk._PolicyAnalyzerServicer  # noqa: SLF001 - as above


class _OncePerThread(_Base):  # type: ignore[misc]  # the SDK has no types here
    """Reads the environment once for each thread: it does not change while the pack runs."""

    _configured = threading.local()

    def _configure_runtime_settings(self) -> None:
        if not getattr(self._configured, "done", False):
            super()._configure_runtime_settings()
            self._configured.done = True


class _Decoder(_OncePerThread):
    """The SDK's way of making a stack's resources, without a policy that looks at them."""

    def __init__(self) -> None:
        self._found = threading.local()
        policy = StackValidationPolicy("decoder", "Keeps what was decoded.", self._keep)
        super().__init__("decoder", "0.0.1", [policy], sdk.EnforcementLevel.MANDATORY)

    def _keep(self, args: StackValidationArgs, _: Any) -> None:
        self._found.resources = args.resources

    def resources(self, request: Any, context: Any) -> list[PolicyResource]:
        super().AnalyzeStack(request, context)
        found: list[PolicyResource] = self._found.resources
        del self._found.resources
        return found


class Servicer(_OncePerThread):
    """Serves a pack's policies; the arguments are the SDK's own."""

    pack: ClassVar[Pack]
    """Is told the configuration."""

    def __init__(self, name: str, version: str, policies: list[Policy], *rest: Any) -> None:
        super().__init__(name, version, policies, *rest)
        self._policies = policies
        self._identity, self._rest = (name, version), rest
        self._requests: dict[str, Any] = {}
        self._by_type: dict[str, Any] = {}
        self._decoder = _Decoder()

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        self.pack.configure(
            {name: sdk.json_format.MessageToDict(each.properties) for name, each in request.policyConfig.items()}
        )
        configured = sdk.proto.ConfigureAnalyzerRequest()
        configured.CopyFrom(request)
        # `all` means this policy too, and a waived finding must not block because its waiver is reported.
        if configured.policyConfig[WAIVERS].enforcementLevel != sdk.proto.DISABLED:
            configured.policyConfig[WAIVERS].enforcementLevel = sdk.proto.ADVISORY
        self._requests["Configure"], self._by_type = configured, {}
        return super().Configure(configured, context)

    def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        self._requests["ConfigureStack"], self._by_type = request, {}
        return super().ConfigureStack(request, context)

    def Analyze(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        servicer = self._by_type.get(request.type)
        if servicer is None:
            servicer = self._by_type[request.type] = self._for_type(request.type, context)
        return servicer.Analyze(request, context) if servicer else sdk.proto.AnalyzeResponse()

    def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        with read_once(self._decoder.resources(request, context)):
            return super().AnalyzeStack(sdk.proto.AnalyzeStackRequest(), context)

    def _for_type(self, type_: str, context: Any) -> Any:
        """The SDK's servicer over the policies that may find something about a type; false when there are none."""
        chosen = [
            policy
            for policy in self._policies
            if not isinstance(policy, StackValidationPolicy | ResourcePolicy)
            or (isinstance(policy, ResourcePolicy) and type_ in policy.types)
        ]
        if not chosen:
            return False
        servicer = _OncePerThread(*self._identity, chosen, *self._rest)
        for method, request in self._requests.items():
            getattr(servicer, method)(request, context)
        return servicer


def servicer_of(pack: Pack) -> type[Servicer]:
    """The servicer of one pack: the SDK makes it from its own arguments alone."""
    return type("Servicer", (Servicer,), {"pack": pack})


def serve(pack: Pack, name: str) -> None:
    """Serve the pack until the process is ended, as `PolicyPack` does with its own servicer."""
    # What is imported stays: the garbage collector need not walk through it again with every stack that is decoded.
    gc.freeze()
    sdk._PolicyAnalyzerServicer = servicer_of(pack)  # noqa: SLF001 - the class that the constructor below makes
    PolicyPack(name, policies(pack), EnforcementLevel.MANDATORY)
