"""Runs a policy pack over a recording, over the same gRPC interface and in the same way as the Pulumi CLI."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from vectordb.errors import VectordbError
from vectordb.plan.enforcement import weaker
from vectordb.plan.policy_configuration import PolicyConfiguration
from vectordb.plan.recording import Recording, Registration, masked, opened, whole_numbers
from vectordb.plan.remediation import Remediation, changed
from vectordb.plan.stack_configuration import StackConfiguration
from vectordb.plan.violation import Violation

_LARGEST_MESSAGE = 400 << 20  # what the Pulumi CLI allows (sdk/go/common/util/rpcutil)
_SECONDS = 60


@dataclass(frozen=True)
class Policy:
    """What a policy says about itself, and how it is enforced here."""

    id: str
    title: str
    severity: str
    enforcement: str
    default: str
    """How it is enforced where no configuration says otherwise."""
    configured: dict[str, Any]
    """Its settings that are not at their default, without waivers, which are reported one by one."""
    remedy: str
    controls: tuple[str, ...]
    """Of public catalogues, each with the catalogue's name: `FSBP RDS.2`."""
    page: str
    """Where it is described, a path in the repository."""

    @property
    def weakened(self) -> bool:
        """Whether the configuration lets pass what the policy by itself would not."""
        return weaker(self.enforcement, self.default)


@dataclass(frozen=True)
class Pack:
    """A policy pack that answers: its name, version and policies, and the way to ask it."""

    name: str
    version: str
    described: tuple[Policy, ...]
    """In the pack's order."""
    stub: Any

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies' ids, sorted."""
        return tuple(sorted(policy.id for policy in self.described))


def nearest(program: Path) -> Path:
    """The policy pack for a program: the folder `policy` beside it, or else the nearest one above.

    Raises:
        VectordbError: there is none.
    """
    for folder in (program, *program.parents):
        if (folder / "policy" / "PulumiPolicy.yaml").exists():
            return folder / "policy"
    raise VectordbError(
        f"There is no policy pack for {program}: neither it nor a folder above it has a policy/PulumiPolicy.yaml.",
        remedy="Put the pack beside the program, as policy/; a symbolic link to another checkout's will do.",
    )


@contextmanager
def started(folder: Path, configuration: StackConfiguration) -> Iterator[subprocess.Popen[str]]:
    """Start the pack in `folder` as the CLI's language host does; it is ready once `connect` returns.

    The host runs it with the pack's folder as working directory (sdk/python/cmd/pulumi-language-python, RunPlugin).
    """
    environment = {
        **os.environ,
        "PULUMI_ORGANIZATION": "organization",
        "PULUMI_PROJECT": configuration.project,
        "PULUMI_STACK": configuration.stack,
        "PULUMI_DRY_RUN": "true",
        "PULUMI_CONFIG": json.dumps({k: v for k, v in configuration.values.items() if k not in configuration.secrets}),
    }
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:0", "."],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def connect(process: subprocess.Popen[str], configuration: PolicyConfiguration | None = None) -> Pack:
    """Wait until the pack serves, ask what it is, and configure it: with its defaults unless told otherwise.

    Raises:
        VectordbError: the pack ended instead; the message ends with what it printed.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline().strip()
    if not line.isdigit():
        rest, errors = process.communicate(timeout=_SECONDS)
        raise VectordbError(f"The policy pack did not start:\n{line}{rest}{errors}".rstrip())
    limits = [("grpc.max_receive_message_length", _LARGEST_MESSAGE), ("grpc.max_send_message_length", _LARGEST_MESSAGE)]
    stub = analyzer_pb2_grpc.AnalyzerStub(grpc.insecure_channel(f"127.0.0.1:{line}", options=limits))
    info = stub.GetAnalyzerInfo(empty_pb2.Empty(), timeout=_SECONDS, wait_for_ready=True)
    request = (configuration or PolicyConfiguration()).request(info)
    stub.Configure(request, timeout=_SECONDS)
    described = tuple(_policy(each, request.policyConfig[each.name]) for each in info.policies)
    return Pack(info.name, info.version, described, stub)


def _policy(info: Any, given: Any) -> Policy:
    schema = json_format.MessageToDict(info.configSchema.properties)
    settings = whole_numbers(json_format.MessageToDict(given.properties))
    return Policy(
        id=info.name,
        title=info.description,
        severity=_severity(info.severity),
        enforcement=_level(given.enforcementLevel),
        default=_level(info.enforcementLevel),
        configured={
            key: value
            for key, value in sorted(settings.items())
            if key != "waivers" and value != (schema.get(key) or {}).get("default")
        },
        remedy=info.remediation_steps,
        controls=tuple(info.tags),
        page=info.url,
    )


def _level(number: analyzer_pb2.EnforcementLevel.ValueType) -> str:
    return analyzer_pb2.EnforcementLevel.Name(number).lower()


def _severity(number: Any) -> str:
    return analyzer_pb2.PolicySeverity.Name(number).removeprefix("POLICY_SEVERITY_").lower()


def remediate(pack: Pack, recording: Recording) -> tuple[Recording, list[Remediation]]:
    """The recording as the pack corrects it, and what was corrected; the CLI does this before it lets the pack judge.

    Raises:
        VectordbError: a policy failed on a resource; the CLI would end the preview there.
    """
    if not any(policy.enforcement == "remediate" for policy in pack.described):
        return recording, []
    resources, made = [], []
    for resource in recording.resources:
        # Secrets stay wrapped here: what comes back is registered in place of what was sent.
        struct = json_format.ParseDict(resource.inputs, struct_pb2.Struct())
        with _failing(pack, resource.urn):
            answer = pack.stub.Remediate(_request(resource, struct), timeout=_SECONDS)
        inputs = resource.inputs
        for each in answer.remediations:
            if not each.diagnostic:
                after = whole_numbers(json_format.MessageToDict(each.properties))
                made += [
                    Remediation(resource.urn, each.policyName, path, masked(value))
                    for path, value in changed(inputs, after)
                ]
                inputs = after
        resources.append(replace(resource, inputs=inputs))
    return replace(recording, resources=tuple(resources)), made


def analyze(pack: Pack, recording: Recording) -> list[Violation]:
    """Every violation: each resource by itself, then the stack as a whole, as in a preview.

    Raises:
        VectordbError: a policy failed on a resource; the CLI would end the preview there.
    """
    structs = [_struct(resource) for resource in recording.resources]
    # The pack works on one resource while the next one is being written; the answers are read in order.
    asked = [
        (resource.urn, pack.stub.Analyze.future(_request(resource, struct), timeout=_SECONDS))
        for resource, struct in zip(recording.resources, structs, strict=True)
    ]
    found: list[Violation] = []
    for urn, answer in asked:
        with _failing(pack, urn):
            found += _violations(answer.result(), urn)
    whole = analyzer_pb2.AnalyzeStackRequest(
        resources=[_resource(resource, struct) for resource, struct in zip(recording.resources, structs, strict=True)]
    )
    with _failing(pack, "the stack"):
        found += _violations(pack.stub.AnalyzeStack(whole, timeout=_SECONDS), "")
    return found


@contextmanager
def _failing(pack: Pack, subject: str) -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        raise VectordbError(f"The policy pack {pack.name} failed on {subject}: {error.details()}") from None


def _violations(response: Any, urn: str) -> Iterator[Violation]:
    for diagnostic in response.diagnostics:
        level = analyzer_pb2.EnforcementLevel.Name(diagnostic.enforcementLevel)
        if level == "DISABLED":
            continue
        yield Violation(
            urn=diagnostic.urn or urn,
            policy=diagnostic.policyName,
            message=diagnostic.message,
            mandatory=level in ("MANDATORY", "REMEDIATE"),
            severity=_severity(diagnostic.severity),
            pack=diagnostic.policyPackName,
        )


def _request(resource: Registration, struct: struct_pb2.Struct) -> Any:
    return analyzer_pb2.AnalyzeRequest(
        type=resource.type, properties=struct, urn=resource.urn, name=resource.name, options=_options(resource)
    )


def _struct(resource: Registration) -> struct_pb2.Struct:
    # Packs get secrets opened (pkg/resource/plugin/analyzer_plugin.go), and unknown values as their sentinel.
    struct = struct_pb2.Struct()
    json_format.ParseDict(opened(resource.inputs), struct)
    return struct


def _options(resource: Registration) -> Any:
    return analyzer_pb2.AnalyzerResourceOptions(
        protect=resource.protect,
        ignoreChanges=resource.ignore_changes,
        additionalSecretOutputs=resource.additional_secret_outputs,
    )


def _resource(resource: Registration, struct: struct_pb2.Struct) -> Any:
    return analyzer_pb2.AnalyzerResource(
        type=resource.type,
        properties=struct,
        urn=resource.urn,
        name=resource.name,
        options=_options(resource),
        parent=resource.parent,
        dependencies=resource.dependencies,
        propertyDependencies={
            key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
            for key, urns in resource.property_dependencies.items()
        },
    )
