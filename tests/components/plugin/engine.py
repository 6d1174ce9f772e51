"""What Pulumi's engine is to a provider: it starts the process, keeps what is registered, and asks for components.

Only loopback is used. Outputs are unknown unless the caller says otherwise, as in a preview.
"""

import contextlib
import os
import subprocess
import sys
import threading
from concurrent import futures

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    errors_pb2,
    provider_pb2,
    provider_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
    status_pb2,
)

from tests.components.recorded import ROOT
from vectordb.plan.lookups import Lookups
from vectordb.plan.recording import SECRET_KEY, UNKNOWN, Recording, Registration, whole_numbers

PROJECT, STACK, REGION = "elsewhere", "dev", "us-east-1"
STACK_URN = f"urn:pulumi:{STACK}::{PROJECT}::pulumi:pulumi:Stack::{PROJECT}-{STACK}"
OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


def output(value=UNKNOWN, *urns):
    """An output as every SDK but Python's hands it to a component: known unless it is Pulumi's sentinel."""
    known = {} if value == UNKNOWN else {"value": value}
    return {SECRET_KEY: OUTPUT_SIGNATURE, "dependencies": list(urns), **known}


def plain(value):
    """`value` with outputs opened, unknown ones as the sentinel."""
    if isinstance(value, dict):
        if value.get(SECRET_KEY) == OUTPUT_SIGNATURE:
            return plain(value.get("value", UNKNOWN))
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


class Monitor(resource_pb2_grpc.ResourceMonitorServicer, engine_pb2_grpc.EngineServicer):
    """Keeps registrations, answers look-ups with the plan's example values, and collects what components say."""

    def __init__(self, region=REGION, outputs_of=None):
        self.registrations, self.lookups, self.said = [], [], []
        self._outputs_of = outputs_of or (lambda registration: {})
        self._answers = Lookups(region)
        self._lock = threading.Lock()

    def GetDeploymentInfo(self, request, context):  # noqa: N802 - the protocol's names, here and below
        names = ("SECRETS", "RESOURCE_REFERENCES", "ALIAS_SPECS", "DELETED_WITH", "TRANSFORMS", "INVOKE_TRANSFORMS")
        features = [resource_pb2.ResourceMonitorFeature.Value(f"RESOURCE_MONITOR_FEATURE_{name}") for name in names]
        return resource_pb2.DeploymentInfo(supportedFeatures=features)

    def RegisterResource(self, request, context):  # noqa: N802
        chain = request.parent.split("::")[2]
        kind = request.type if chain == "pulumi:pulumi:Stack" else f"{chain}${request.type}"
        registration = Registration(
            urn=f"urn:pulumi:{STACK}::{PROJECT}::{kind}::{request.name}",
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            inputs=whole_numbers(json_format.MessageToDict(request.object)),
            dependencies=tuple(request.dependencies),
            property_dependencies={key: tuple(value.urns) for key, value in request.propertyDependencies.items()},
            protect=request.protect,
            ignore_changes=tuple(request.ignoreChanges),
        )
        with self._lock:
            self.registrations.append(registration)
        known = self._outputs_of(registration) if request.custom else {}
        # No id: in a preview the SDK makes it, and every output that is not here, unknown.
        state = struct_pb2.Struct()
        state.CopyFrom(request.object)
        state.update({key: value for key, value in known.items() if key != "id"})
        return resource_pb2.RegisterResourceResponse(urn=registration.urn, id=known.get("id", ""), object=state)

    def RegisterResourceOutputs(self, request, context):  # noqa: N802
        return empty_pb2.Empty()

    def Invoke(self, request, context):  # noqa: N802
        with self._lock:
            self.lookups.append(request.tok)
        answer = struct_pb2.Struct()
        answer.update(self._answers.answer(request.tok, json_format.MessageToDict(request.args)))
        return resource_pb2.ResourceInvokeResponse(**{"return": answer})

    def Log(self, request, context):  # noqa: N802
        if request.severity >= engine_pb2.WARNING:
            self.said.append(request.message)
        return empty_pb2.Empty()

    def GetRootResource(self, request, context):  # noqa: N802
        return engine_pb2.GetRootResourceResponse(urn=STACK_URN)

    def recording(self):
        """What was registered, the stack first, as `vectordb plan` has it."""
        stack = Registration(STACK_URN, "pulumi:pulumi:Stack", f"{PROJECT}-{STACK}", custom=False, parent="", inputs={})
        return Recording(PROJECT, STACK, (stack, *self.registrations), {}, tuple(self.lookups))


class RefusedError(Exception):
    """A component could not be made: what the engine would print."""

    def __init__(self, error):
        wrong = errors_pb2.InputPropertiesError()
        for key, value in error.trailing_metadata():
            if key == "grpc-status-details-bin":
                status_pb2.Status.FromString(value).details[0].Unpack(wrong)
        super().__init__("; ".join(f"{e.property_path}: {e.reason}" for e in wrong.errors) or error.details())


class Host:
    """The plugin's process, and the engine that it talks to."""

    def __init__(self, process, port, address):
        self.process, self._address = process, address
        self.provider = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))

    def construct(self, kind, name, inputs, *, dry_run=True, dependencies=()):
        """Make a component; its outputs as the engine gets them, and what they depend on."""
        struct = struct_pb2.Struct()
        json_format.ParseDict(inputs, struct)
        request = provider_pb2.ConstructRequest(
            project=PROJECT,
            stack=STACK,
            dryRun=dry_run,
            monitorEndpoint=self._address,
            type=f"vectordb:index:{kind}",
            name=name,
            parent=STACK_URN,
            inputs=struct,
            dependencies=dependencies,
            accepts_output_values=True,
        )
        try:
            response = self.provider.Construct(request, timeout=60)
        except grpc.RpcError as error:
            raise RefusedError(error) from None
        return response.urn, plain(whole_numbers(json_format.MessageToDict(response.state)))


@contextlib.contextmanager
def serving(monitor):
    """An address at which `monitor` answers."""
    server = grpc.server(futures.ThreadPoolExecutor(8))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(monitor, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)


@contextlib.contextmanager
def started(address, folder="/"):
    """The plugin as the language host starts it, in the folder of whoever uses it."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "components"), address],
        cwd=folder,
        # Nothing of the test's own surroundings helps it to find the components.
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline().strip()
        assert line.isdigit(), line + process.communicate(timeout=30)[1]
        yield Host(process, line, address)
    finally:
        process.kill()
        process.communicate()
