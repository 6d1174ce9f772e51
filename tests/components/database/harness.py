"""Builds components in this process, without a program: under the recorder, with outputs unknown or known."""

import dataclasses
import json
import logging

from pulumi.runtime import config, mocks
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.settings import configure, set_root_resource
from pulumi.runtime.stack import run_in_stack
from pulumi.runtime.sync_await import _sync_await

from vectordb.plan.recorder import Recorder
from vectordb.plan.recording import Registration

ACCOUNT = "123456789012"
PLACE = {
    "vpc_id": "vpc-1",
    "subnet_ids": ["subnet-1", "subnet-2"],
    "key_arn": "arn:key",
    "account": ACCOUNT,
    "partition": "aws",
    "region": "eu-central-1",
    "version": "18",
}
"""What every database needs."""
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def role_arn(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


class Preview:
    """Every output that is no input is unknown."""

    preview = True

    def create(self, resource, inputs):
        return None, inputs


class Known:
    """Every output has a value, recognisable by the resource's name."""

    preview = False

    def create(self, resource, inputs):
        outputs = {"arn": f"arn:{resource.name}", "name": resource.name, **inputs}
        match resource.type.rpartition(":")[2]:
            case "Cluster":
                outputs |= {
                    "arn": f"arn:aws:rds:eu-central-1:{ACCOUNT}:cluster:{inputs['clusterIdentifier']}",
                    "endpoint": "writer.example",
                    "readerEndpoint": "reader.example",
                    "port": 5432,
                    "clusterResourceId": "cluster-ABC",
                    "masterUserSecrets": [{"secretArn": "arn:secret"}],
                }
            case "Instance":
                outputs |= {
                    "arn": f"arn:aws:rds:eu-central-1:{ACCOUNT}:db:{inputs['identifier']}",
                    "address": "instance.example",
                    "endpoint": "instance.example:5432",
                    "port": 5432,
                    "resourceId": "db-ABC",
                    "masterUserSecrets": [{"secretArn": "arn:secret"}],
                }
            case "Role":
                outputs["arn"] = role_arn(resource.name)
            case "Proxy":
                outputs |= {
                    "arn": f"arn:aws:rds:eu-central-1:{ACCOUNT}:db-proxy:prx-0123",
                    "endpoint": "proxy.example",
                }
        return f"id-{resource.name}", outputs


class _Recorder(Recorder):
    """Keeps one option more than the plan does."""

    def __init__(self, backend):
        super().__init__(backend)
        self.replaced_on = {}

    def RegisterResource(self, request):  # noqa: N802 - the protocol's name
        self.replaced_on[request.name] = list(request.replaceOnChanges)
        return super().RegisterResource(request)


class _Engine(mocks.MockEngine):
    def __init__(self):
        super().__init__(logging.getLogger("tests.components.database"))
        self.warnings = []

    def Log(self, request):  # noqa: N802 - the protocol's name
        if request.severity == engine_pb2.WARNING:
            self.warnings.append(request.message)
        return super().Log(request)


@dataclasses.dataclass(frozen=True)
class Built:
    """What a function registered, returned and said."""

    registrations: tuple[Registration, ...]
    outputs: dict
    warnings: list[str]
    replaced_on: dict

    def only(self, kind, name=None):
        """The one registration of that type (the part after the last colon) and, if given, name."""
        found = [r for r in self.registrations if r.type.rpartition(":")[2] == kind and name in (None, r.name)]
        assert len(found) == 1, f"{kind} {name}: {[r.name for r in found]}"
        return found[0]

    def names(self, kind):
        return sorted(r.name for r in self.registrations if r.type.rpartition(":")[2] == kind)

    def statements(self, kind, name, key="policy"):
        return json.loads(self.only(kind, name).inputs[key])["Statement"]

    def waits_for(self, registration, kind, name):
        """Whether a registration depends on that resource."""
        return self.only(kind, name).urn in registration.dependencies


def build(make, *, known=False, project="vectordb", stack="dev", backend=None):
    """Run `make`, which builds components and may return a mapping of outputs; `backend` in place of the two here."""
    backend = backend or (Known() if known else Preview())
    recorder, engine = _Recorder(backend), _Engine()
    configure(
        mocks.MockSettings(
            monitor=recorder,
            monitor_features=set(recorder.GetDeploymentInfo(None).supportedFeatures),
            engine=engine,
            project=project,
            stack=stack,
            dry_run=backend.preview,
            organization="organization",
            callbacks=None,
        )
    )
    set_root_resource(None)
    config.set_all_config({}, [])

    def program():
        import pulumi

        for name, value in (make() or {}).items():
            pulumi.export(name, value)

    _sync_await(run_in_stack(program))
    return Built(tuple(recorder.registrations), recorder.outputs, engine.warnings, recorder.replaced_on)
