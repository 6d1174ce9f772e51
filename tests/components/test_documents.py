"""Policies, trusts and documents with every value known: who may do what to which resource, exactly."""

import json

import pytest

from tests.components.recorded import ROOT, only
from vectordb.plan import lookups, program, stack_configuration

ACCOUNT = "123456789012"
ALIAS_ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:vectordb-dev-bridge:live"
INDEX_ARN = f"arn:aws:s3vectors:us-east-1:{ACCOUNT}:bucket/b/index/stdlib"
CLUSTER_ARN = f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster:c"


class Known:
    """A backend in which every output has a value, recognisable by the resource's name."""

    preview = False

    def create(self, resource, inputs):
        special = {
            "bridge-live": {"arn": ALIAS_ARN},
            "vectors-stdlib": {"indexArn": INDEX_ARN},
            "vectors-bucket": {"vectorBucketArn": "arn:bucket"},
            "database-cluster": {
                "arn": CLUSTER_ARN,
                "endpoint": "db.example",
                "port": 5432,
                "clusterResourceId": "cluster-ABC",
                "masterUserSecrets": [{"secretArn": "arn:secret"}],
            },
            "bridge-function": {"version": "1"},
            "network-s3": {"prefixListId": "pl-1"},
            "sql-apply": {"stdout": "{}"},
        }
        outputs = {**inputs, "arn": f"arn:{resource.name}", "name": inputs.get("name", resource.name)}
        return f"id-{resource.name}", outputs | special.get(resource.name, {})

    def look_up(self, token, arguments):
        return lookups.answer(token, arguments, "us-east-1")


@pytest.fixture(scope="module")
def made():
    return program.run(stack_configuration.read(ROOT, "dev"), Known())


def statements(made, kind, name, key="policy"):
    return json.loads(only(made, kind, name).inputs[key])["Statement"]


def test_the_function_reads_its_indexes_and_writes_its_log_and_nothing_else(made):
    assert statements(made, "RolePolicy", "bridge-read") == [
        {
            "Effect": "Allow",
            "Action": ["s3vectors:GetIndex", "s3vectors:GetVectors", "s3vectors:ListVectors", "s3vectors:QueryVectors"],
            "Resource": [INDEX_ARN],
        },
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:encryption-key"},
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "arn:bridge-logs:*"},
    ]
    variables = only(made, "Function").inputs["environment"]["variables"]
    assert variables == {"VECTORDB_INDEX_ARNS": f'["{INDEX_ARN}"]'}


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
    assert statements(made, "VpcEndpointPolicy", "database-invoke") == [
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": ALIAS_ARN,
            "Principal": "*",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:database-invoke"}},
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
            "ArnLike": {"aws:SourceArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:vectordb-dev-bridge"},
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


def test_the_step_is_told_everything_but_a_secret(made):
    environment = only(made, "Command").inputs["environment"]
    digest = environment.pop("VECTORDB_SQL_SHA256")
    assert len(digest) == 64
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
        "VECTORDB_INDEXES": json.dumps([{"name": "stdlib", "arn": INDEX_ARN, "dimension": 256, "metric": "cosine"}]),
        "VECTORDB_USERS": json.dumps([{"name": "vectordb_app", "access": "writer"}]),
    }


def test_outputs_name_what_people_need(made):
    assert made.outputs == {
        "region": "us-east-1",
        "endpoint": "db.example",
        "port": 5432,
        "database": "vectordb",
        "clusterResourceId": "cluster-ABC",
        "secretArn": "arn:secret",
        "bastionId": "id-bastion-instance",
        "sessionDocument": "bastion-forward",
        "functionArn": ALIAS_ARN,
        "vectorBucketArn": "arn:bucket",
        "indexArns": {"stdlib": INDEX_ARN},
        "sqlApplied": "{}",
    }
