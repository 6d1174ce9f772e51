"""The TypeScript example: held against the schema word by word; with Node.js's packages at hand, compiled and run.

For the second: `npm install typescript@5 @types/node @pulumi/pulumi@3 @pulumi/aws@7` in a folder, and its node_modules in
the environment variable NODE_PATH.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import engine_pb2, resource_pb2

from tests.components.plugin import engine, nodejs, typescript
from tests.components.plugin.checking import mismatches
from tests.components.plugin.test_schema import SCHEMA
from tests.components.recorded import ROOT

FOLDER = ROOT / "examples" / "typescript"
SOURCE = (FOLDER / "index.ts").read_text(encoding="utf-8")
COMPONENTS = list(typescript.components(SOURCE))
MODULES = Path(os.environ.get("NODE_PATH") or "/nowhere")
HAS_MODULES = all((MODULES / name).is_dir() for name in ("typescript", "@pulumi/pulumi", "@pulumi/aws"))
MADE = {
    "encryption": "Encryption",
    "network": "Network",
    "vectors": "S3VectorStore",
    "bridge": "LambdaBridge",
    "database": "AuroraDatabase",
    "invoke": "EndpointPolicy",
    "sql": "SqlSchema",
}


def test_what_it_makes():
    assert {name: kind for _, kind, name, _ in COMPONENTS} == MADE
    assert SOURCE.count("new vectordb.") == len(MADE)


@pytest.mark.parametrize(("kind", "inputs"), [(kind, inputs) for _, kind, _, inputs in COMPONENTS], ids=MADE)
def test_every_component_is_what_the_schema_has(kind, inputs):
    resource = SCHEMA["resources"][f"vectordb:index:{kind}"]
    assert list(mismatches(inputs, resource["inputProperties"], resource["requiredInputs"], SCHEMA)) == []


def test_every_reference_leads_to_an_output():
    kinds = {variable: kind for variable, kind, _, _ in COMPONENTS if variable}
    used = typescript.references(SOURCE, kinds)
    assert len(used) > 10
    wrong = {(v, key) for v, key in used if key not in SCHEMA["resources"][f"vectordb:index:{kinds[v]}"]["properties"]}
    assert wrong == set()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("vpcId: network.vpcId,", "", "vpcId: is missing"),
        ("dataApi: true", "dataAPI: true", "dataAPI: there is no such input"),
        ("maxCapacity: 4", 'maxCapacity: "4"', "maxCapacity: is '4', not of the type number"),
        ("dataApi: true", "dataApi: 1", "dataApi: is 1, not of the type boolean"),
        ('version: "18"', "version: network.vpcId", "version: has to be known, and network.vpcId is an output"),
        ("functions: { bridge: bridge.functionArn }", "functions: [bridge.functionArn]", "functions: is no mapping"),
    ],
)
def test_a_mistake_would_be_seen(before, after, message):
    assert SOURCE.count(before) == 1
    made = {name: inputs for _, _, name, inputs in typescript.components(SOURCE.replace(before, after))}
    resource = SCHEMA["resources"]["vectordb:index:AuroraDatabase"]
    assert list(mismatches(made["database"], resource["inputProperties"], resource["requiredInputs"], SCHEMA)) == [
        message
    ]


def test_the_project_is_whole():
    package = json.loads((FOLDER / "package.json").read_text())
    assert package["dependencies"]["@pulumi/vectordb"] == "file:sdks/vectordb"
    assert (FOLDER / package["main"]).exists()
    assert json.loads((FOLDER / "tsconfig.json").read_text())["compilerOptions"]["strict"] is True


class Engine(engine.Monitor):
    """An engine that asks the plugin for the components that a program in another process registers."""

    host = None

    def GetDeploymentInfo(self, request, context):  # noqa: N802 - the protocol's names, here and below
        info = super().GetDeploymentInfo(request, context)
        info.supportedFeatures.append(resource_pb2.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES)
        return info

    def SupportsFeature(self, request, context):  # noqa: N802
        supported = request.id in ("secrets", "resourceReferences", "outputValues", "aliasSpecs")
        return resource_pb2.SupportsFeatureResponse(hasSupport=supported)

    def SetRootResource(self, request, context):  # noqa: N802
        return engine_pb2.SetRootResourceResponse()

    def RegisterResource(self, request, context):  # noqa: N802
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=engine.STACK_URN)
        if not request.remote:
            return super().RegisterResource(request, context)
        kind, inputs = request.type.rpartition(":")[2], json_format.MessageToDict(request.object)
        urn, outputs = self.host.construct(kind, request.name, inputs, dependencies=request.dependencies)
        state = struct_pb2.Struct()
        state.update(outputs)
        return resource_pb2.RegisterResourceResponse(urn=urn, object=state)


@pytest.mark.skipif(not HAS_MODULES, reason="NODE_PATH names no folder with typescript, @pulumi/pulumi and @pulumi/aws")
def test_the_compiler_accepts_it_and_it_makes_the_system_without_a_violation(elsewhere, violations):
    for module in (*MODULES.iterdir(), *(MODULES / "@pulumi").iterdir()):
        place = elsewhere / "node_modules" / module.relative_to(MODULES)
        place.parent.mkdir(parents=True, exist_ok=True)
        if module.name != "@pulumi":
            place.symlink_to(module)
    # As npm does with `file:sdks/vectordb`.
    (sdk := elsewhere / "sdks" / "vectordb").mkdir(parents=True)
    (elsewhere / "node_modules" / "@pulumi" / "vectordb").symlink_to(sdk)
    (sdk / "index.ts").write_text(nodejs.module(SCHEMA))
    for name in ("index.ts", "package.json"):
        (elsewhere / name).write_text((FOLDER / name).read_text())
    options = json.loads((FOLDER / "tsconfig.json").read_text())
    options["files"].append("sdks/vectordb/index.ts")
    (elsewhere / "tsconfig.json").write_text(json.dumps(options))
    compiler = ["node", str(MODULES / "typescript" / "bin" / "tsc"), "-p", ".", "--noEmit", "false"]
    done = subprocess.run(compiler, cwd=elsewhere, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    monitor = Engine()
    with engine.serving(monitor) as address, engine.started(address, elsewhere) as monitor.host:
        program = [
            "node", "node_modules/@pulumi/pulumi/cmd/run/index.js", f"--monitor={address}", f"--engine={address}",
            f"--project={engine.PROJECT}", f"--stack={engine.STACK}", "--organization=o", "--dry-run", "--parallel=8",
            f"--root-directory={elsewhere}", f"--pwd={elsewhere}", "index.js",
        ]  # fmt: skip
        done = subprocess.run(program, cwd=elsewhere, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr + str(monitor.said)
    recording = monitor.recording()
    assert {r.name: r.type.rpartition(":")[2] for r in recording.components()} == MADE
    assert violations(recording) == []
