"""The bridge: what its role, its endpoints and its environment say, outside the VPC and inside it."""

import dataclasses
import json

import pytest

from tests.components.recorded import ROOT, only
from tests.components.test_documents import ACCOUNT, INDEX_ARN, Known, statements
from vectordb.plan import program, stack_configuration


@pytest.fixture(scope="module")
def made():
    return program.run(stack_configuration.read(ROOT, "dev"), Known())


BUCKET_ARN = f"arn:aws:s3vectors:us-east-1:{ACCOUNT}:bucket/b"
MODEL_ARN = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0"
ON_INDEXES = [
    "s3vectors:DeleteVectors",
    "s3vectors:GetIndex",
    "s3vectors:GetVectors",
    "s3vectors:ListVectors",
    "s3vectors:PutVectors",
    "s3vectors:QueryVectors",
]
BRIDGE = [
    {"Effect": "Allow", "Action": ON_INDEXES, "Resource": [INDEX_ARN]},
    {"Effect": "Allow", "Action": "s3vectors:ListIndexes", "Resource": [BUCKET_ARN]},
    {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "arn:encryption-key",
        "Condition": {"StringLike": {"kms:ViaService": "s3vectors.us-east-1.amazonaws.*"}},
    },
    {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "arn:bridge-logs:*"},
    {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": [MODEL_ARN]},
    {"Effect": "Allow", "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "Resource": "*"},
]


def test_the_function_uses_its_indexes_and_its_models_and_writes_its_log_and_nothing_else(made):
    assert statements(made, "RolePolicy", "bridge-read") == BRIDGE
    function = only(made, "Function").inputs
    assert function["environment"]["variables"] == {
        "VECTORDB_INDEX_ARNS": f'["{INDEX_ARN}"]',
        "VECTORDB_MODELS": '["amazon.titan-embed-text-v2:0"]',
        "VECTORDB_BATCH_CONCURRENCY": "32",
        "VECTORDB_CACHE_SECONDS": "0",
        "VECTORDB_CACHE_MEGABYTES": "16",
    }
    assert (function["memorySize"], function["timeout"]) == (1024, 20)
    assert function["tracingConfig"] == {"mode": "Active"}
    assert "vpcConfig" not in function


@pytest.fixture(scope="module")
def inside():
    bridge = {"vpc": True, "tracing": False, "memory": 1769, "cacheSeconds": 60, "cacheMegabytes": 64, "concurrency": 8}
    configuration = stack_configuration.read(ROOT, "dev")
    values = {**configuration.values, "vectordb:bridge": json.dumps(bridge)}
    database = {"bedrockModels": ["amazon.titan-embed-text-v1"]}
    values["vectordb:database"] = json.dumps({**json.loads(values["vectordb:database"]), **database})
    return program.run(dataclasses.replace(configuration, values=values), Known())


INTERFACES = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


def test_inside_the_vpc_lambda_may_make_interfaces_and_the_functions_code_may_not(inside):
    function_arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:vectordb-dev-bridge"
    assert statements(inside, "RolePolicy", "bridge-read") == [
        *BRIDGE[:-1],
        {"Effect": "Allow", "Action": INTERFACES, "Resource": "*"},
        {
            "Sid": "NotFromTheCode",
            "Effect": "Deny",
            "Action": [*INTERFACES, "ec2:DetachNetworkInterface"],
            "Resource": "*",
            "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": function_arn}},
        },
    ]
    function = only(inside, "Function").inputs
    assert function["vpcConfig"] == {
        "subnetIds": ["id-network-isolated-1", "id-network-isolated-2"],
        "securityGroupIds": ["id-bridge-group"],
    }
    assert function["tracingConfig"] == {"mode": "PassThrough"}
    assert function["memorySize"] == 1769
    variables = function["environment"]["variables"]
    assert {key: variables[key] for key in variables if key[9:14] in ("CACHE", "BATCH")} == {
        "VECTORDB_BATCH_CONCURRENCY": "8",
        "VECTORDB_CACHE_SECONDS": "60",
        "VECTORDB_CACHE_MEGABYTES": "64",
    }


def test_inside_the_vpc_it_reaches_two_endpoints_which_admit_it_for_what_its_role_may(inside):
    mine = {"Principal": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:bridge-role"}}}
    assert statements(inside, "VpcEndpointPolicy", "network-s3vectors") == [one | mine for one in BRIDGE[:2]]
    own = {"Principal": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:database-bedrock"}}}
    titan = {"Effect": "Allow", "Action": "bedrock:InvokeModel"}
    assert statements(inside, "VpcEndpointPolicy", "network-bedrock-runtime") == [
        titan | mine | {"Resource": [MODEL_ARN]},
        titan | own | {"Resource": ["arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v1"]},
    ]
    out = {
        rule.inputs["referencedSecurityGroupId"]: (rule.inputs["fromPort"], rule.inputs["toPort"])
        for rule in inside.resources
        if rule.type.endswith("SecurityGroupEgressRule") and rule.inputs["securityGroupId"] == "id-bridge-group"
    }
    assert out == {"id-network-s3vectors": (443, 443), "id-network-bedrock-runtime": (443, 443)}
    assert not [
        rule
        for rule in inside.resources
        if rule.type.endswith("SecurityGroupIngressRule") and rule.inputs["securityGroupId"] == "id-bridge-group"
    ]
    waits = {urn.rpartition("::")[2] for urn in only(inside, "Function").dependencies}
    assert {"bridge-to-s3vectors-egress", "bridge-to-s3vectors-ingress", "bridge-read"} <= waits
