"""Each component, made as the engine makes it for another language: over gRPC, its numbers as floats, from elsewhere."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from pulumi.runtime.proto import provider_pb2

from tests.components.plugin.engine import Monitor, RefusedError, output, serving, started
from tests.components.plugin.test_schema import SCHEMA
from tests.components.recorded import ROOT
from vectordb.plan.recording import UNKNOWN

PLACE = {"account": "123456789012", "region": "us-east-1", "partition": "aws"}
KEY = {"keyArn": output("arn:aws:kms:us-east-1:123456789012:key/k")}
INSIDE = {"vpcId": output("vpc-1"), "subnetIds": [output("subnet-1"), output("subnet-2")]}


def made(monitor, kind):
    """Name → inputs of every resource of that type (the part after the last colon)."""
    return {r.name: r.inputs for r in monitor.registrations if r.type.rpartition(":")[2] == kind}


def statement(inputs):
    (only,) = json.loads(inputs["policy"])["Statement"]
    return only


def test_it_starts_anywhere_and_says_what_it_has(host):
    answer = host.provider.GetSchema(provider_pb2.GetSchemaRequest(version=0), timeout=30)
    assert json.loads(answer.schema) == SCHEMA
    assert host.provider.GetPluginInfo(provider_pb2.google_dot_protobuf_dot_empty__pb2.Empty()).version == "0.1.0"


def test_encryption(host, monitor):
    urn, outputs = host.construct("Encryption", "keys", {**PLACE, "dnsSuffix": "amazonaws.com", "protect": True})
    assert urn == "urn:pulumi:dev::elsewhere::vectordb:index:Encryption::keys"
    assert outputs == {"keyArn": UNKNOWN}
    assert made(monitor, "Key")["keys-key"]["enableKeyRotation"] is True
    assert [r.protect for r in monitor.registrations if r.name == "keys-key"] == [True]


def test_a_network_of_whole_numbers(host, monitor):
    host.construct(
        "Network",
        "net",
        {
            **PLACE, **KEY, "cidr": "10.0.0.0/16", "zones": ["us-east-1a", "us-east-1b", "us-east-1c"],
            "services": ["lambda", "s3"], "endpointZones": 2.0, "logRetentionDays": 90.0, "tags": {"Team": "search"},
        },
    )  # fmt: skip
    assert sorted(made(monitor, "Subnet")) == ["net-isolated-1", "net-isolated-2", "net-isolated-3"]
    assert len(made(monitor, "VpcEndpoint")["net-lambda"]["subnetIds"]) == 2
    assert made(monitor, "LogGroup")["net-flows"]["retentionInDays"] == 90
    # The caller's project and stack, not the plugin's.
    assert made(monitor, "Vpc")["net-vpc"]["tags"] == {
        "Name": "net-vpc", "Project": "elsewhere", "Stack": "dev", "Team": "search",
    }  # fmt: skip


def test_an_existing_vpc(host, monitor):
    host.construct(
        "Network",
        "net",
        {
            **PLACE, **KEY, "services": ["lambda", "s3"], "vpcId": "vpc-0123456789abcdef0",
            "subnetIds": ["subnet-0a", "subnet-0b"], "existingEndpoints": {"lambda": "vpce-0a"}, "flowLogs": False,
        },
    )  # fmt: skip
    assert set(made(monitor, "VpcEndpoint")) == {"net-s3"}
    assert made(monitor, "Vpc") == {}


def test_aurora(host, monitor):
    _, outputs = host.construct(
        "AuroraDatabase",
        "db",
        {
            **PLACE, **KEY, **INSIDE, "version": "18", "generation": 3.0, "minCapacity": 0.0, "maxCapacity": 8.0,
            "autoPauseSeconds": 600.0, "readers": 2.0, "readerScalingMax": 4.0, "monitoringSeconds": 60.0,
            "endpointSecurityGroupId": output(), "functions": {"bridge": output(), "embed": output()},
            "clients": {"app": output("sg-app")}, "bedrockModels": ["arn:model"], "dataApi": True,
        },
    )  # fmt: skip
    cluster = made(monitor, "Cluster")["db-cluster"]
    assert cluster["clusterIdentifier"] == "elsewhere-dev-db-3"
    assert cluster["serverlessv2ScalingConfiguration"] == {
        "minCapacity": 0, "maxCapacity": 8, "secondsUntilAutoPause": 600,
    }  # fmt: skip
    assert sorted(made(monitor, "ClusterInstance")) == ["db-reader-1", "db-reader-2", "db-writer"]
    assert sorted(made(monitor, "RolePolicy")) == ["db-bedrock", "db-bridge", "db-embed", "db-monitoring"]
    assert sorted(made(monitor, "SecurityGroupIngressRule")) == ["app-to-db-ingress", "db-to-endpoints-ingress"]
    assert set(outputs) == set(SCHEMA["resources"]["vectordb:index:AuroraDatabase"]["properties"])
    assert cluster["storageEncrypted"] is True
    assert cluster["iamDatabaseAuthenticationEnabled"] is True


def test_rds(host, monitor):
    host.construct(
        "RdsDatabase",
        "db",
        {
            **PLACE, **KEY, **INSIDE, "version": "17.6", "allocatedStorage": 200.0, "maxAllocatedStorage": 400.0,
            "storageType": "io2", "iops": 3000.0, "backupDays": 14.0, "parameters": {"work_mem": "65536"},
        },
    )  # fmt: skip
    instance = made(monitor, "Instance")["db-instance"]
    assert instance["identifier"] == "elsewhere-dev-db-1"
    assert (instance["allocatedStorage"], instance["iops"], instance["backupRetentionPeriod"]) == (200, 3000, 14)
    assert instance["publiclyAccessible"] is False
    parameters = {p["name"]: p["value"] for p in made(monitor, "ParameterGroup")["db-parameters"]["parameters"]}
    assert (parameters["work_mem"], parameters["rds.force_ssl"]) == ("65536", "1")


def test_a_proxy(host, monitor):
    host.construct(
        "DatabaseProxy",
        "proxy",
        {
            **PLACE, **KEY, **INSIDE, "kind": "rds", "identifier": output(), "resourceId": output("db-ABC"),
            "securityGroupId": output(), "users": ["app"], "idleClientSeconds": 60.0, "generation": 2.0,
        },
    )  # fmt: skip
    proxy = made(monitor, "Proxy")["proxy-proxy"]
    assert (proxy["name"], proxy["idleClientTimeout"], proxy["requireTls"]) == ("elsewhere-dev-proxy-2", 60, True)


def test_a_bastion(host, monitor):
    _, outputs = host.construct(
        "Bastion",
        "bastion",
        {
            **PLACE, **KEY, "vpcId": output(), "subnetId": output(), "imageId": "ami-1", "s3PrefixListId": output(),
            "endpointIds": output(), "endpointSecurityGroupIds": output(), "sharedEndpoints": ["s3"],
            "hosts": {"database": output("db.example"), "rds": output()},
        },
    )  # fmt: skip
    assert json.loads(made(monitor, "Document")["bastion-forward"]["content"])["properties"]["host"] == "db.example"
    assert made(monitor, "Document")["bastion-forward-rds"]["content"] == UNKNOWN
    assert sorted(made(monitor, "VpcEndpointPolicy")) == ["bastion-ssm", "bastion-ssmmessages"]
    assert made(monitor, "SecurityGroupIngressRule").keys() == {
        "bastion-to-ssm-ingress",
        "bastion-to-ssmmessages-ingress",
    }
    assert made(monitor, "Instance")["bastion-instance"]["associatePublicIpAddress"] is False
    assert set(outputs) == {"instanceId", "documentNames", "securityGroupId", "connectPolicyArn"}


def test_a_flow(host, monitor):
    host.construct("Flow", "app-to-db", {"source": output("sg-a"), "target": output("sg-b"), "port": 5432.0})
    rule = {"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "description": "app to db"}
    (egress,) = made(monitor, "SecurityGroupEgressRule").values()
    assert {k: v for k, v in egress.items() if k != "tags"} == {
        **rule, "securityGroupId": "sg-a", "referencedSecurityGroupId": "sg-b",
    }  # fmt: skip


def test_what_an_endpoint_lets_through(host, monitor):
    host.construct(
        "EndpointPolicy",
        "invoke",
        {
            "endpointId": output("vpce-1"), "actions": ["lambda:InvokeFunction"],
            "resources": [output("arn:function:live")], "principals": [output("arn:role"), "arn:other"],
        },
    )  # fmt: skip
    (policy,) = made(monitor, "VpcEndpointPolicy").values()
    assert policy["vpcEndpointId"] == "vpce-1"
    assert statement(policy) == {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["lambda:InvokeFunction"],
        "Resource": ["arn:function:live"],
        "Condition": {"ArnEquals": {"aws:PrincipalArn": ["arn:role", "arn:other"]}},
    }


def test_a_vector_store(host, monitor):
    indexes = [{"name": "docs", "dimension": 1024.0, "metric": "cosine", "nonFilterableKeys": ["text"]}]
    _, outputs = host.construct("S3VectorStore", "v", {**KEY, "bucketName": output("b"), "indexes": indexes})
    index = made(monitor, "VectorsIndex")["v-docs"]
    assert (index["dimension"], index["metadataConfiguration"]) == (1024, {"nonFilterableMetadataKeys": ["text"]})
    assert outputs == {"bucketArn": UNKNOWN, "indexArns": UNKNOWN, "creationTimes": UNKNOWN}


def test_the_step_of_full_text_keys(host, monitor):
    keys = [{"key": "body", "language": "en"}, {"key": "title"}]
    inputs = {
        "region": output("us-east-1"),
        "indexes": [{"arn": output("arn:docs"), "keys": keys}],
        "directory": "../..",
    }
    _, outputs = host.construct("TextSearch", "words", inputs)
    assert set(outputs) == {"applied"}
    step = made(monitor, "Command")["words-apply"]
    assert step["create"] == 'exec "${VECTORDB_PYTHON:-.venv/bin/python}" -m vectordb indexes apply'
    assert (step["dir"], step["environment"]["VECTORDB_REGION"]) == ("../..", "us-east-1")
    assert json.loads(step["environment"]["VECTORDB_TEXT_SEARCH"]) == [{"arn": "arn:docs", "keys": keys}]


def test_a_bridge_in_a_vpc(host, monitor):
    groups = output({"s3vectors": "sg-v", "bedrock-runtime": "sg-b"})
    inside = {"vpcId": output("vpc-1"), "subnetIds": output(["subnet-1"]), "endpointSecurityGroupIds": groups}
    inputs = {**PLACE, **KEY, **inside, "indexArns": output({"docs": "arn:docs"}), "models": ["cohere.embed-v4:0"]}
    host.construct("LambdaBridge", "b", {**inputs, "memoryMb": 2048.0, "cacheSeconds": 30.0})
    function = made(monitor, "Function")["b-function"]
    assert (function["memorySize"], function["vpcConfig"]["subnetIds"]) == (2048, ["subnet-1"])
    assert function["environment"]["variables"]["VECTORDB_CACHE_SECONDS"] == "30"
    rules = made(monitor, "SecurityGroupEgressRule")
    assert {name: rule["referencedSecurityGroupId"] for name, rule in rules.items() if name.startswith("b-")} == {
        "b-to-s3vectors-egress": "sg-v",
        "b-to-bedrock-runtime-egress": "sg-b",
    }


def test_observability(host, monitor):
    database = {"name": "db", "kind": "aurora", "identifier": output("c-1"), "readers": 1.0, "maxCapacity": 8.0}
    bridge = {"name": "bridge", "functionName": output("f"), "timeoutSeconds": 20.0}
    inputs = {**PLACE, **KEY, "databases": [database], "functions": [bridge], "budget": 50.0, "email": "a@example.org"}
    _, outputs = host.construct("Observability", "watch", inputs)
    assert set(outputs) == {"topicArn", "dashboardName"}
    assert made(monitor, "EventSubscription")["watch-db-events"]["sourceIds"] == ["c-1"]
    assert "watch-bridge-errors" in made(monitor, "MetricAlarm")


def test_files_are_found_from_the_programs_folder(elsewhere):
    """The function's sources are the plugin's; the SQL is where the caller says; the package goes to the caller."""
    monitor = Monitor()
    with serving(monitor) as address, started(address, elsewhere) as host:
        host.construct("LambdaBridge", "bridge", {**PLACE, **KEY, "indexArns": {"docs": output("arn:docs")}})
        host.construct("SqlSchema", "sql", {**SQL, "directory": "../.."})
        with pytest.raises(RefusedError, match=re.escape(f"there is no folder sql in {elsewhere}. Give `directory`")):
            host.construct("SqlSchema", "lost", SQL)
    (package,) = elsewhere.glob("build/lambda/bridge-*.zip")
    code = made(monitor, "Function")["bridge-function"]["code"]
    assert code["path"] == package.relative_to(elsewhere).as_posix()
    assert made(monitor, "Function")["bridge-function"]["environment"]["variables"] == {
        "VECTORDB_INDEX_ARNS": '["arn:docs"]',
        "VECTORDB_MODELS": "[]",
        "VECTORDB_BATCH_CONCURRENCY": "32",
        "VECTORDB_CACHE_SECONDS": "0",
        "VECTORDB_CACHE_MEGABYTES": "16",
    }
    step = made(monitor, "Command")["sql-apply"]
    assert step["dir"] == "../.."
    assert step["create"] == 'exec "${VECTORDB_PYTHON:-.venv/bin/python}" -m vectordb migrate apply'
    assert step["environment"]["VECTORDB_PORT"] == "5432"
    assert json.loads(step["environment"]["VECTORDB_INDEXES"]) == [
        {"name": "docs", "arn": "arn:docs", "dimension": 256, "metric": "cosine"}
    ]
    assert not (ROOT / "components" / "build").exists()


SQL = {
    "host": output("db.example"), "port": output(5432), "databaseName": "vectordb", "region": "us-east-1",
    "secretArn": output("arn:secret"), "resourceId": output("db-ABC"), "transport": "direct", "functionArn": output("arn:f"),
    "indexArns": output({"docs": "arn:docs"}), "users": [{"name": "app", "access": "writer"}],
    "indexes": [{"name": "docs", "dimension": 256.0, "metric": "cosine"}],
}  # fmt: skip


def test_components_that_are_asked_for_at_once_do_not_mix(host, monitor):
    """The engine asks for as many as nothing keeps apart."""
    keys = [f"keys-{number}" for number in range(6)]
    with ThreadPoolExecutor(6) as threads:
        made_urns = threads.map(
            lambda name: host.construct("Encryption", name, {**PLACE, "dnsSuffix": name, "tags": {"Of": name}})[0], keys
        )
    assert sorted(urn.rpartition("::")[2] for urn in made_urns) == keys
    for name in keys:
        (key,) = [r for r in monitor.registrations if r.name == f"{name}-key"]
        assert key.parent.rpartition("::")[2] == name
        assert key.inputs["tags"]["Of"] == name
        assert f"logs.us-east-1.{name}" in key.inputs["policy"]


@pytest.mark.parametrize(
    ("kind", "inputs", "message"),
    [
        ("Encryption", {}, "account: Missing required input 'account' on 'Encryption'"),
        ("Flow", {"source": "a", "target": "b", "port": 1.5}, "port: is 1.5; it has to be a whole number"),
        (
            "Flow",
            {"source": "a", "target": "b", "port": output()},
            "port: is an output; it has to be a value that is known when the program runs",
        ),
        (
            "S3VectorStore",
            {"bucketName": "b", "keyArn": "k", "indexes": [{"name": "docs", "dimension": "256", "metric": "cosine"}]},
            "indexes[0].dimension: is '256'; it has to be a whole number",
        ),
        (
            "S3VectorStore",
            {"bucketName": "b", "keyArn": "k", "indexes": [{"name": "docs", "metric": "cosine"}]},
            "indexes[0].dimension: Missing required input 'indexes[0].dimension' on 'S3VectorStore'",
        ),
    ],
)
def test_what_is_wrong_with_an_input_is_said_with_its_place(host, kind, inputs, message):
    with pytest.raises(RefusedError) as refused:
        host.construct(kind, "x", inputs)
    assert str(refused.value) == message
