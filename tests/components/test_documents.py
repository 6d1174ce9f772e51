"""Policies, trusts and documents with every value known: who may do what to which resource, exactly."""

import dataclasses
import json

import pytest

from tests.components.recorded import ROOT, only
from vectordb.plan import lookups, program, stack_configuration

ACCOUNT = "123456789012"
ALIAS_ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:vectordb-dev-bridge:live"
INDEX_ARN = f"arn:aws:s3vectors:us-east-1:{ACCOUNT}:bucket/b/index/stdlib"
CLUSTER_ARN = f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster:c"
INSTANCE_ARN = f"arn:aws:rds:us-east-1:{ACCOUNT}:db:i"


class Known:
    """A backend in which every output has a value, recognisable by the resource's name."""

    preview = False

    def create(self, resource, inputs):
        special = {
            "bridge-live": {"arn": ALIAS_ARN},
            "vectors-stdlib": {"indexArn": INDEX_ARN, "creationTime": "2026-11-21T12:00:00Z"},
            "vectors-bucket": {"vectorBucketArn": "arn:bucket"},
            "database-cluster": {
                "arn": CLUSTER_ARN,
                "endpoint": "db.example",
                "readerEndpoint": "reader.example",
                "port": 5432,
                "clusterResourceId": "cluster-ABC",
                "masterUserSecrets": [{"secretArn": "arn:secret"}],
            },
            "bridge-function": {"version": "1"},
            "network-s3": {"prefixListId": "pl-1"},
            "sql-apply": {"stdout": "{}"},
            "sql-rds-apply": {"stdout": "{}"},
            "rds-instance": {
                "arn": INSTANCE_ARN,
                "address": "rds.example",
                "port": 5432,
                "resourceId": "db-ABC",
                "masterUserSecrets": [{"secretArn": "arn:rds-secret"}],
            },
        }
        outputs = {**inputs, "arn": f"arn:{resource.name}", "name": inputs.get("name", resource.name)}
        return f"id-{resource.name}", outputs | special.get(resource.name, {})

    def look_up(self, token, arguments):
        return lookups.Lookups("us-east-1").answer(token, arguments)


@pytest.fixture(scope="module")
def made():
    return program.run(stack_configuration.read(ROOT, "dev"), Known())


def statements(made, kind, name, key="policy"):
    return json.loads(only(made, kind, name).inputs[key])["Statement"]


def test_the_database_may_invoke_the_alias_and_no_other_version(made):
    assert statements(made, "RolePolicy", "database-invoke") == [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ALIAS_ARN}
    ]
    association = only(made, "ClusterRoleAssociation").inputs
    assert association == {
        "dbClusterIdentifier": "id-database-cluster",
        "featureName": "Lambda",
        "roleArn": "arn:database-invoke",
    }
    assert statements(made, "VpcEndpointPolicy", "network-lambda") == [
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": ALIAS_ARN,
            "Principal": "*",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": ["arn:database-invoke"]}},
        }
    ]


def test_roles_are_assumed_on_behalf_of_this_stack_only(made):
    def trust(name):
        (statement,) = statements(made, "Role", name, "assumeRolePolicy")
        return statement["Principal"], statement.get("Condition")

    assert trust("database-invoke") == (
        {"Service": "rds.amazonaws.com"},
        {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": CLUSTER_ARN}},
    )
    assert trust("bridge-role") == (
        {"Service": "lambda.amazonaws.com"},
        {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {
                "aws:SourceArn": [
                    f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:vectordb-dev-bridge",
                    f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:vectordb-dev-bridge:*",
                ]
            },
        },
    )
    assert trust("bastion-role") == ({"Service": "ec2.amazonaws.com"}, None)


def test_the_agents_endpoints_admit_the_bastions_role(made):
    for service in ("ssm", "ssmmessages"):
        (statement,) = statements(made, "VpcEndpointPolicy", f"bastion-{service}")
        assert statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": "arn:bastion-role"}}
        assert {action.partition(":")[0] for action in statement["Action"]} == {service}


def test_the_session_document_forwards_to_the_database_and_nowhere_else(made):
    document = only(made, "Document").inputs
    content = json.loads(document["content"])
    assert document["documentType"] == "Session"
    assert content["sessionType"] == "Port"
    assert content["properties"] == {
        "type": "LocalPortForwarding",
        "host": "db.example",
        "portNumber": "5432",
        "localPortNumber": "{{ localPortNumber }}",
    }
    assert list(content["parameters"]) == ["localPortNumber"]


def test_nobody_reads_the_vectors_over_clear_text(made):
    assert statements(made, "VectorsVectorBucketPolicy", "vectors-policy") == [
        {
            "Sid": "RefuseClearText",
            "Effect": "Deny",
            "Action": "s3vectors:*",
            "Resource": ["arn:bucket", "arn:bucket/index/*"],
            "Principal": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]


STDLIB = {
    "name": "stdlib",
    "arn": INDEX_ARN,
    "dimension": 256,
    "metric": "cosine",
    "model": "amazon.titan-embed-text-v2:0",
    "fullTextKeys": [{"key": "summary", "language": "en"}],
}


def test_the_step_is_told_everything_but_a_secret(made):
    environment = only(made, "Command", "sql-apply").inputs["environment"]
    assert [len(environment.pop(f"VECTORDB_{digest}_SHA256")) for digest in ("SQL", "INDEXES")] == [64, 64]
    assert environment == {
        "VECTORDB_HOST": "db.example",
        "VECTORDB_PORT": "5432",
        "VECTORDB_DATABASE": "vectordb",
        "VECTORDB_REGION": "us-east-1",
        "VECTORDB_SECRET_ARN": "arn:secret",
        "VECTORDB_CLUSTER_RESOURCE_ID": "cluster-ABC",
        "VECTORDB_TRANSPORT": "ssm",
        "VECTORDB_BASTION_ID": "id-bastion-instance",
        "VECTORDB_SESSION_DOCUMENT": "bastion-forward",
        "VECTORDB_FUNCTION_ARN": ALIAS_ARN,
        "VECTORDB_INDEXES": json.dumps([STDLIB]),
        "VECTORDB_USERS": json.dumps([{"name": "vectordb_app", "access": "writer"}]),
    }


def test_the_step_of_full_text_keys_is_told_the_indexes_that_have_some(made):
    step = only(made, "Command", "text-search-apply").inputs
    assert step["create"] == 'exec "${VECTORDB_PYTHON:-.venv/bin/python}" -m vectordb indexes apply'
    assert (step["dir"], step["addPreviousOutputInEnv"]) == (".", True)
    assert not {"triggers", "delete", "update", "stdin"} & step.keys()
    assert len(step["environment"].pop("VECTORDB_TEXT_SEARCH_SHA256")) == 64
    assert step["environment"] == {
        "VECTORDB_REGION": "us-east-1",
        "VECTORDB_TEXT_SEARCH": json.dumps(
            [{"arn": INDEX_ARN, "keys": [{"key": "summary", "language": "en"}], "created": "2026-11-21T12:00:00Z"}]
        ),
    }


def test_sql_and_the_output_tell_the_same_of_an_index():
    configuration = stack_configuration.read(ROOT, "dev")
    index = {
        "name": "stdlib", "dimension": 3, "nonFilterableKeys": ["body"], "fullTextKeys": ["body", "title"], "tenantKey": "customer",
    }  # fmt: skip
    values = {**configuration.values, "vectordb:indexes": json.dumps([index])}
    recording = program.run(dataclasses.replace(configuration, values=values), Known())
    told = json.loads(only(recording, "Command", "sql-apply").inputs["environment"]["VECTORDB_INDEXES"])
    assert told == recording.outputs["indexes"]
    assert told == [
        {
            "name": "stdlib",
            "arn": INDEX_ARN,
            "dimension": 3,
            "metric": "cosine",
            "nonFilterableKeys": ["body"],
            "fullTextKeys": [{"key": "body"}, {"key": "title"}],
            "tenantKey": "customer",
        }
    ]


DATABASE = {
    "endpoint": "db.example",
    "readerEndpoint": "reader.example",
    "proxyEndpoint": None,
    "port": 5432,
    "resourceId": "cluster-ABC",
    "arn": CLUSTER_ARN,
    "secretArn": "arn:secret",
    "sessionDocument": "bastion-forward",
    "securityGroupId": "id-database-group",
    "sqlApplied": "{}",
}


def test_outputs_name_what_people_need(made):
    known = {
        "region": "us-east-1",
        "endpoint": "db.example",
        "port": 5432,
        "database": "vectordb",
        "clusterResourceId": "cluster-ABC",
        "clusterArn": CLUSTER_ARN,
        "secretArn": "arn:secret",
        "transport": "ssm",
        "users": [{"name": "vectordb_app", "access": "writer"}],
        "bastionId": "id-bastion-instance",
        "sessionDocument": "bastion-forward",
        "connectPolicyArn": "arn:bastion-connect",
        "functionArn": ALIAS_ARN,
        "vectorBucketArn": "arn:bucket",
        "indexArns": {"stdlib": INDEX_ARN},
        "sqlApplied": "{}",
        "vpcBlockPublicAccess": "unmanaged",
        "databases": {"database": DATABASE},
    }
    assert {key: made.outputs[key] for key in known} == known


def test_people_connect_through_the_bastion_to_this_database(made):
    start, own, see = statements(made, "Policy", "bastion-connect")
    assert start["Resource"] == ["arn:bastion-instance", "arn:bastion-forward"]
    assert own["Resource"] == f"arn:aws:ssm:us-east-1:{ACCOUNT}:session/${{aws:userid}}-*"
    assert see["Action"] == ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"]


@pytest.fixture(scope="module")
def both():
    configuration = stack_configuration.read(ROOT, "dev")
    values = {**configuration.values, "vectordb:database": json.dumps({"engine": "both"})}
    return program.run(dataclasses.replace(configuration, values=values), Known())


def test_each_of_two_databases_has_roles_of_its_own_and_both_pass_the_endpoint(both):
    (statement,) = statements(both, "VpcEndpointPolicy", "network-lambda")
    assert statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": ["arn:database-invoke", "arn:rds-invoke"]}}
    assert statements(both, "RolePolicy", "rds-invoke") == statements(both, "RolePolicy", "database-invoke")
    (trust,) = statements(both, "Role", "rds-invoke", "assumeRolePolicy")
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": INSTANCE_ARN}
    assert only(both, "RoleAssociation").inputs == {
        "dbInstanceIdentifier": "vectordb-dev-rds-1",
        "featureName": "Lambda",
        "roleArn": "arn:rds-invoke",
    }


def test_each_of_two_databases_gets_its_sql_over_a_tunnel_of_its_own(both):
    first, second = (only(both, "Command", name).inputs["environment"] for name in ("sql-apply", "sql-rds-apply"))
    different = {key: second[key] for key in second if second[key] != first[key]}
    assert different == {
        "VECTORDB_HOST": "rds.example",
        "VECTORDB_SECRET_ARN": "arn:rds-secret",
        "VECTORDB_CLUSTER_RESOURCE_ID": "db-ABC",
        "VECTORDB_SESSION_DOCUMENT": "bastion-forward-rds",
    }
    assert both.outputs["endpoint"] == "db.example"
    assert both.outputs["databases"] == {
        "database": DATABASE,
        "rds": {
            "endpoint": "rds.example",
            "readerEndpoint": "",
            "proxyEndpoint": None,
            "port": 5432,
            "resourceId": "db-ABC",
            "arn": INSTANCE_ARN,
            "secretArn": "arn:rds-secret",
            "sessionDocument": "bastion-forward-rds",
            "securityGroupId": "id-rds-group",
            "sqlApplied": "{}",
        },
    }
