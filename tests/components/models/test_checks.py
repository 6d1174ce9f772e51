"""The checks themselves: what they must not let through."""

import copy
import dataclasses
import json

import pytest

from tests.components.models import checks, limits, policies, provider, shapes
from tests.components.models.shapes import Tally
from tests.components.models.stacks import deployed
from vectordb.plan.recording import UNKNOWN

REGION = "us-east-1"


def changed(name, kind, change):
    """The dev stack with one resource's inputs changed."""
    recording = deployed("dev")
    resources = []
    for resource in recording.resources:
        if (resource.name, resource.type.rpartition(":")[2]) == (name, kind):
            inputs = copy.deepcopy(resource.inputs)
            change(inputs)
            resources.append(dataclasses.replace(resource, inputs=inputs))
        else:
            resources.append(resource)
    return dataclasses.replace(recording, resources=tuple(resources))


def put(**values):
    return lambda inputs: inputs.update(values)


def nested(*path, **values):
    def change(inputs):
        for step in path:
            inputs = inputs[step]
        inputs.update(values)

    return change


@pytest.mark.parametrize(
    ("name", "kind", "change", "problem"),
    [
        ("network-vpc", "Vpc", put(cidrBlok="10.0.0.0/16"), "network-vpc: Vpc: there is no property 'cidrBlok'"),
        (
            "network-isolated",
            "NetworkAcl",
            nested("ingress", 0, cidrBloc="10.0.0.0/16"),
            "network-isolated: NetworkAcl.ingress[0]: there is no property 'cidrBloc'",
        ),
        (
            "bastion-instance",
            "Instance",
            nested("metadataOptions", httpToken="required"),
            "bastion-instance: Instance.metadataOptions: there is no property 'httpToken'",
        ),
        ("network-vpc", "Vpc", put(enableDnsSupport="yes"), "'yes' is no <class 'bool'>"),
        ("database-group", "SecurityGroup", put(tags=["a"]), "is a list, where"),
        ("network-s3", "VpcEndpoint", put(routeTableIds={"a": "b"}), "is an object, where"),
        ("database-writer", "ClusterInstance", put(engine="aurora-postgres"), "<enum 'EngineType'>"),
    ],
)
def test_a_property_or_a_type_that_the_provider_does_not_know(name, kind, change, problem):
    (found,) = checks.names_and_types(changed(name, kind, change))
    assert problem in found


@pytest.mark.parametrize(
    ("name", "kind", "change", "problem"),
    [
        # a property that no request has, and one that is missing
        ("network-vpc", "Vpc", put(cidrBlok="10.0.0.0/16"), "knows no member for the property 'cidrBlok'"),
        ("vectors-stdlib", "VectorsIndex", lambda i: i.pop("dimension"), "s3vectors.CreateIndex: dimension is required"),
        # enumerations, patterns, lengths, ranges, types: of botocore's models
        ("vectors-stdlib", "VectorsIndex", put(distanceMetric="dot"), "'dot' is none of euclidean, cosine"),
        ("vectors-stdlib", "VectorsIndex", put(dimension=4097), "dimension: 4097 is outside of 1 to 4096"),
        ("vectors-stdlib", "VectorsIndex", put(dimension="8"), "dimension: '8' is no integer"),
        ("bridge-function", "Function", put(name="a.b"), "FunctionName: 'a.b' does not match"),
        ("bridge-function", "Function", put(name="a" * 65), "is outside of [A-Za-z0-9_-]{1,64}"),
        ("bridge-function", "Function", put(runtime="python2.0"), "Runtime: 'python2.0' is none of"),
        ("bridge-function", "Function", put(architectures=["arm64", "x86_64"]), "Architectures: 2 items is outside of 1 to 1"),
        ("bridge-logs", "LogGroup", put(name="a b"), "logGroupName: 'a b' does not match"),
        ("bridge-role", "Role", put(description="é\u2028"), "Description: 'é\\u2028' does not match"),
        ("encryption-alias", "Alias", put(name="alias/a.b"), "AliasName: 'alias/a.b' does not match"),
        ("bastion-instance", "Instance", nested("metadataOptions", httpTokens="yes"), "HttpTokens: 'yes' is none of"),
        ("network-lambda", "VpcEndpoint", put(vpcEndpointType="interface"), "'interface' is none of Interface"),
        ("observability-bridge-errors", "MetricAlarm", put(comparisonOperator=">"), "'>' is none of"),
        ("bastion-connect", "Policy", put(namePrefix="a" * 103), "PolicyName: 129 characters is outside of 1 to 128"),
        # what the models leave open
        ("database-cluster", "Cluster", put(clusterIdentifier="a--b"), "clusterIdentifier: 'a--b' is outside"),
        ("database-cluster", "Cluster", put(preferredBackupWindow="3:00-4:00"), "'3:00-4:00' is outside"),
        ("database-cluster", "Cluster", put(backupRetentionPeriod=36), "backupRetentionPeriod: 36 is outside"),
        ("database-cluster", "Cluster", nested("serverlessv2ScalingConfiguration", minCapacity=0.3), "0.3 is outside"),
        ("database-cluster", "Cluster", put(databaseInsightsMode="advanced"), "advanced insights keep 465 days"),
        ("database-cluster", "Cluster", put(monitoringInterval=60), "an interval of monitoring needs a role"),
        ("database-cluster", "Cluster", put(skipFinalSnapshot=False), "a final snapshot has a name"),
        ("database-cluster", "Cluster", put(snapshotIdentifier="s"), "what is restored has no name"),
        ("network-isolated", "NetworkAcl", nested("egress", 0, ruleNo=40000), "ruleNo: 40000 is outside"),
        ("network-isolated", "NetworkAcl", lambda i: i.update(egress=i["egress"] * 8), "20 entries a direction"),
        ("database-group", "SecurityGroup", put(description="ü"), "description: 'ü' is outside"),
        ("database-group", "SecurityGroup", nested("tags", **{"aws:x": "y"}), "'aws:x': 'y' is no tag of AWS"),
        ("database-group", "SecurityGroup", nested("tags", x="y" * 257), "is no tag of AWS"),
        ("observability-bridge-errors", "MetricAlarm", put(datapointsToAlarm=100), "more data points than periods"),
    ],
)  # fmt: skip
def test_an_argument_that_aws_refuses(name, kind, change, problem):
    before = set(checks.arguments(deployed("dev"), Tally()))
    found = set(checks.arguments(changed(name, kind, change), Tally())) - before
    assert [line for line in found if problem in line], found
    assert all(line.startswith(f"{name}: ") for line in found)


def policy(**changes):
    def change(inputs):
        document = json.loads(inputs["policy"])
        document["Statement"][0].update(changes)
        inputs["policy"] = json.dumps(document)

    return change


@pytest.mark.parametrize(
    ("name", "kind", "change", "problem"),
    [
        ("bridge-read", "RolePolicy", policy(Action="s3vectors:QueryVector"), "s3vectors:QueryVector is not in the table"),
        ("bridge-read", "RolePolicy", policy(Resource="*"), "s3vectors:GetVectors cannot be limited to *"),
        ("bridge-read", "RolePolicy", policy(Sid="a-b"), "are not different letters and digits"),
        ("bridge-read", "RolePolicy", policy(Principal="*"), "has other elements than"),
        ("bridge-read", "RolePolicy", policy(Effekt="Allow"), "a statement has no ['Effekt']"),
        ("bridge-read", "RolePolicy", policy(Condition={"StringEquals": {"aws:sourceaccount": "1"}}), "aws:sourceaccount"),
        ("bridge-read", "RolePolicy", policy(Action=["kms:Decrypt"] * 1000), "10240 are allowed"),
        ("encryption-key", "Key", policy(Principal={"Service": "rds.example.com"}), "['rds.example.com'] is no service's"),
        ("encryption-key", "Key", policy(Principal={"AWS": "arn:aws:iam::210987654321:root"}), "Principal is"),
        ("bastion-agent", "RolePolicy", policy(Resource="arn:aws:ssm:us-east-1:123456789012:a"), "cannot be limited to"),
    ],
)  # fmt: skip
def test_a_policy_that_says_what_it_does_not_mean(name, kind, change, problem):
    before = set(checks.documents(deployed("dev"), REGION, Tally()))
    found = set(checks.documents(changed(name, kind, change), REGION, Tally())) - before
    assert [line for line in found if problem in line], found
    assert all(line.startswith(f"{name}: ") for line in found)


def test_an_arn_of_somewhere_else_wherever_it_is():
    for arn in ("arn:aws-cn:iam::123456789012:role/a", "arn:aws:rds:eu-west-1:123456789012:db:a", "arn:aws:sns:::a"):
        recording = changed("bridge-function", "Function", nested("environment", variables={"A": f"x {arn}"}))
        found = [line for line in checks.documents(recording, REGION, Tally()) if line.startswith("bridge-function")]
        assert found == (
            [] if arn == "arn:aws:sns:::a" else [f"bridge-function: {arn} is not of aws, us-east-1, 123456789012"]
        )


def test_a_missing_tag():
    recording = changed("database-cluster", "Cluster", lambda i: i["tags"].pop("Stack"))
    (found,) = checks.tags(recording, {})
    assert found.startswith("database-cluster: tags are {")


def test_unknown_values_are_counted_and_not_checked():
    tally = Tally()
    shape = shapes.operation("s3vectors", "CreateIndex")
    assert list(shapes.problems({"indexName": UNKNOWN, "dataType": "float32", "dimension": 1, "distanceMetric": UNKNOWN},
                                shape, "x", tally)) == []  # fmt: skip
    assert (tally.known, tally.unknown, tally.seen) == (2, 2, {"x.dataType", "x.dimension"})


def test_every_row_of_the_tables_is_of_a_property_that_exists():
    for kind, rows in limits.LIMITS.items():
        types = provider.input_types(kind)
        assert {path.partition(".")[0].removesuffix("[]") for path in rows} <= types.keys(), kind
    assert {kind for kind, _ in policies.SIZES} <= set(checks.TABLE)


def test_patterns_of_java():
    assert shapes.pattern(r"\p{Print}+").match("a b")
    assert not shapes.pattern(r"\p{Print}+").match("a\n")
    assert shapes.pattern(r"[\p{L}\p{N}_]*").match("é9_")
    assert not shapes.pattern(r"[\p{L}\p{N}_]*").match("a-b")
    assert not shapes.pattern("[a-z]+").match("abC")
    assert shapes.pattern(r"(?!x|(?i)b).+").match("a")
    assert not shapes.pattern(r"(?!x|(?i)b).+").match("B")
