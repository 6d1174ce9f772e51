"""Runs a policy pack over a recording, over the same gRPC interface and in the same way as the Pulumi CLI."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from vectordb.errors import VectordbError
from vectordb.plan.recording import Recording, Registration, opened
from vectordb.plan.stack_configuration import StackConfiguration
from vectordb.plan.violation import Violation

_LARGEST_MESSAGE = 400 << 20  # what the Pulumi CLI allows (sdk/go/common/util/rpcutil)
_SECONDS = 60


@dataclass(frozen=True)
class Pack:
    """A policy pack that answers: its name, version and policies, and the way to ask it."""

    name: str
    version: str
    policies: tuple[str, ...]
    stub: Any


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


def connect(process: subprocess.Popen[str]) -> Pack:
    """Wait until the pack serves, and ask what it is.

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
    return Pack(info.name, info.version, tuple(sorted(policy.name for policy in info.policies)), stub)


def analyze(pack: Pack, recording: Recording) -> list[Violation]:
    """Every violation: each resource by itself, then the stack as a whole, as in a preview.

    Raises:
        VectordbError: a policy failed on a resource; the CLI would end the preview there.
    """
    found: list[Violation] = []
    current = "the stack"
    try:
        for resource in recording.resources:
            current = resource.urn
            request = analyzer_pb2.AnalyzeRequest(
                type=resource.type,
                properties=_struct(resource),
                urn=resource.urn,
                name=resource.name,
                options=_options(resource),
            )
            found += _violations(pack.stub.Analyze(request, timeout=_SECONDS), resource.urn)
        current = "the stack"
        whole = analyzer_pb2.AnalyzeStackRequest(resources=[_resource(resource) for resource in recording.resources])
        found += _violations(pack.stub.AnalyzeStack(whole, timeout=_SECONDS), "")
    except grpc.RpcError as error:
        raise VectordbError(f"The policy pack {pack.name} failed on {current}: {error.details()}") from None
    return found


def _violations(response: Any, urn: str) -> Iterator[Violation]:
    for diagnostic in response.diagnostics:
        level = analyzer_pb2.EnforcementLevel.Name(diagnostic.enforcementLevel)
        if level == "DISABLED":
            continue
        severity = analyzer_pb2.PolicySeverity.Name(diagnostic.severity).removeprefix("POLICY_SEVERITY_").lower()
        yield Violation(
            urn=diagnostic.urn or urn,
            policy=diagnostic.policyName,
            message=diagnostic.message,
            mandatory=level in ("MANDATORY", "REMEDIATE"),
            severity=severity,
            pack=diagnostic.policyPackName,
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


def _resource(resource: Registration) -> Any:
    return analyzer_pb2.AnalyzerResource(
        type=resource.type,
        properties=_struct(resource),
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
