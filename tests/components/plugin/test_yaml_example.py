"""The YAML example: held against the schema word by word, then made through the plugin and judged by the policy pack."""

import json
from collections import Counter

import pytest

from tests.components.plugin import engine, pulumi_yaml
from tests.components.plugin.checking import mismatches
from tests.components.plugin.test_schema import SCHEMA
from tests.components.recorded import ROOT
from vectordb.plan.lookups import Lookups
from vectordb.plan.recording import UNKNOWN

FOLDER = ROOT / "examples" / "yaml"
PROGRAM = pulumi_yaml.Program((FOLDER / "Pulumi.yaml").read_text(encoding="utf-8"))


def known(registration):
    """Outputs as AWS would give them, recognisable by the resource's name."""
    name = registration.name
    arns = dict.fromkeys(("arn", "vectorBucketArn", "indexArn"), f"arn:{name}")
    database = {
        "address": "db.example",
        "port": 5432,
        "resourceId": "db-ABC",
        "masterUserSecrets": [{"secretArn": "arn:m"}],
    }
    others = {"prefixListId": "pl-1", "version": "1", "stdout": "{}", "keyId": "k"}
    return {
        "id": f"id-{name}",
        **{k: v for k, v in {"name": name, **arns, **database, **others}.items() if k not in registration.inputs},
    }


def make(folder, outputs_of=None):
    """The program's outputs and what it registered, from a folder two below a checkout as the example is."""
    (folder / "sql").symlink_to(ROOT / "sql")
    (program := folder / "examples" / "yaml").mkdir(parents=True)
    monitor = engine.Monitor(outputs_of=outputs_of)
    with engine.serving(monitor) as address, engine.started(address, program) as host:
        outputs = PROGRAM.run(host, Lookups(engine.REGION), dry_run=outputs_of is None)
    return outputs, monitor.recording()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """As `pulumi preview` has it: what AWS decides is unknown."""
    return make(tmp_path_factory.mktemp("preview"))


def test_it_uses_the_components_of_this_checkout():
    assert PROGRAM.packages == {"vectordb": "../../components"}
    assert (FOLDER / PROGRAM.packages["vectordb"] / "PulumiPlugin.yaml").resolve().exists()


@pytest.mark.parametrize("name", PROGRAM.resources)
def test_every_resource_is_what_the_schema_has(name):
    resource = SCHEMA["resources"][PROGRAM.types[name]]
    given = PROGRAM.resources[name]["properties"]
    assert list(mismatches(given, resource["inputProperties"], resource["requiredInputs"], SCHEMA)) == []


def test_every_reference_leads_to_an_output():
    known = set(PROGRAM.variables) | {"pulumi"}
    wrong = []
    for path in pulumi_yaml.references({**PROGRAM.resources, "outputs": PROGRAM.outputs}):
        if path[0] in known or (len(path) == 1 and path[0] in PROGRAM.resources):
            continue
        properties = SCHEMA["resources"][PROGRAM.types[path[0]]]["properties"]
        definition = properties.get(path[1], {})
        fits = {str: definition.get("additionalProperties"), int: definition.get("items")}
        if path[1] not in properties or any(not fits[type(step)] for step in path[2:]):
            wrong.append(path)
    assert wrong == []


def test_it_makes_the_system_without_a_violation(run, violations):
    _, recording = run
    assert violations(recording) == []


def test_what_it_makes(run):
    outputs, recording = run
    components = Counter(r.type.rpartition(":")[2] for r in recording.components())
    assert components == Counter(token.rpartition(":")[2] for token in PROGRAM.types.values())
    kinds = Counter(r.type for r in recording.resources)
    assert kinds["aws:rds/instance:Instance"] == 1
    assert kinds["aws:rds/roleAssociation:RoleAssociation"] == 1
    assert kinds["command:local:Command"] == 1
    # Each endpoint has a policy of its own: none keeps AWS's, which lets everything through.
    assert kinds["aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy"] == kinds["aws:ec2/vpcEndpoint:VpcEndpoint"] == 4
    assert set(outputs) == set(PROGRAM.outputs)
    assert outputs["endpoint"] == UNKNOWN
    assert UNKNOWN not in json.dumps([r.name for r in recording.resources])


def test_the_step_waits_for_the_way_to_the_database(run):
    _, recording = run
    # The step is a child of `sql`, which the engine asks for only once these are there.
    assert pulumi_yaml._named(PROGRAM.resources["sql"]) == ["bastion-to-database", "invoke"]
    (step,) = [r for r in recording.resources if r.type == "command:local:Command"]
    assert step.inputs["environment"]["VECTORDB_TRANSPORT"] == "ssm"
    assert step.inputs["environment"]["VECTORDB_SESSION_DOCUMENT"] == UNKNOWN


def test_what_comes_of_it_when_everything_is_known(tmp_path):
    """As `pulumi up` has it. What is computed from outputs is computed in the plugin: documents, environments, ARNs."""
    outputs, recording = make(tmp_path, known)
    made = {(r.type.rpartition(":")[2], r.name): r.inputs for r in recording.resources}
    (statement,) = json.loads(made["VpcEndpointPolicy", "invoke-policy"]["policy"])["Statement"]
    assert made["VpcEndpointPolicy", "invoke-policy"]["vpcEndpointId"] == "id-network-lambda"
    assert statement["Resource"] == ["arn:bridge-live"]
    assert statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": ["arn:database-invoke"]}}
    (allowed,) = json.loads(made["RolePolicy", "database-bridge"]["policy"])["Statement"]
    assert allowed["Resource"] == "arn:bridge-live"
    forward = json.loads(made["Document", "bastion-forward"]["content"])
    assert forward["properties"]["host"] == "db.example"
    rule = made["SecurityGroupIngressRule", "bastion-to-database-ingress"]
    assert (rule["securityGroupId"], rule["referencedSecurityGroupId"]) == ("id-database-group", "id-bastion-group")
    environment = made["Command", "sql-apply"]["environment"]
    assert environment["VECTORDB_PORT"] == "5432"
    assert environment["VECTORDB_SESSION_DOCUMENT"] == "bastion-forward"
    assert json.loads(environment["VECTORDB_INDEXES"]) == [
        {"name": "docs", "arn": "arn:vectors-docs", "dimension": 256, "metric": "cosine"}
    ]
    variables = made["Function", "bridge-function"]["environment"]["variables"]
    assert (variables["VECTORDB_INDEX_ARNS"], variables["VECTORDB_MODELS"]) == ('["arn:vectors-docs"]', "[]")
    assert made["VectorsVectorBucket", "vectors-bucket"]["vectorBucketName"] == "123456789012-elsewhere-dev"
    assert outputs == {
        "endpoint": "db.example",
        "bastionId": "id-bastion-instance",
        "sessionDocument": "bastion-forward",
        "connectPolicyArn": "arn:bastion-connect",
        "sqlApplied": "{}",
    }
