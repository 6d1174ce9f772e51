"""Reading a program's roles: their services, uses and policies."""

import json

import pytest

from vectordb.local.permissions import UnsupportedPolicyError
from vectordb.local.permissions.roles import roles_of
from vectordb.plan.recording import UNKNOWN, Recording, Registration

URN = "urn:pulumi:dev::p::{type}::{name}"


def registered(kind, name, inputs, **depends):
    urns = {key: (URN.format(type=t, name=n),) for key, (t, n) in depends.items()}
    return Registration(
        URN.format(type=kind, name=name), kind, name, custom=True, parent="", inputs=inputs, property_dependencies=urns
    )


ROLE = "aws:iam/role:Role"
FUNCTION = "aws:lambda/function:Function"


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def trusted(service, called="r", **inputs):
    trust = document(Action="sts:AssumeRole", Principal={"Service": service})
    return registered(ROLE, called, {"assumeRolePolicy": trust, **inputs})


def read(*resources, **more):
    return roles_of(Recording("p", "dev", resources, {}), **more)


LAMBDA = trusted("lambda.amazonaws.com")
QUERY = document(Action="s3vectors:QueryVectors", Resource="*")
OF_R = {"role": (ROLE, "r")}


def test_inline_attached_and_own_policies():
    aws_managed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "c:C", "Resource": "*"}]}
    [role] = read(
        trusted(
            "lambda.amazonaws.com",
            inlinePolicies=[{"name": "i", "policy": document(Action="a:A", Resource="*")}],
            managedPolicyArns=["arn:aws:iam::aws:policy/C"],
        ),
        registered("aws:iam/rolePolicy:RolePolicy", "p", {"policy": QUERY}, **OF_R),
        registered("aws:iam/policy:Policy", "m", {"policy": document(Action="d:D", Resource="*")}),
        registered(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "t", {"policyArn": "arn:…"},
            policyArn=("aws:iam/policy:Policy", "m"), **OF_R,
        ),
        managed={"arn:aws:iam::aws:policy/C": aws_managed},
    )  # fmt: skip
    actions = [s.actions for policy in role.policies for s in policy.statements]
    assert actions == [("a:A",), ("c:C",), ("s3vectors:QueryVectors",), ("d:D",)]
    assert role.services == {"lambda.amazonaws.com"}


def test_a_service_has_the_same_name_in_china():
    [role] = read(trusted("ec2.amazonaws.com.cn"))
    assert role.services == {"ec2.amazonaws.com"}


def test_what_functions_make_of_their_role():
    function = registered(
        FUNCTION, "f",
        {"code": {"path": "build/lambda/bridge-0123456789abcdef.zip"}, "vpcConfig": {"subnetIds": ["s"]}, "tracingConfig": {"mode": "Active"}},
        **OF_R,
    )  # fmt: skip
    mapping = registered("aws:lambda/eventSourceMapping:EventSourceMapping", "e", {}, functionName=(FUNCTION, "f"))
    [role] = read(LAMBDA, function, mapping)
    assert role.uses == {"function:bridge", "function-in-vpc", "function-traced", "function-of-queue"}
    assert role.main_uses == ("function:bridge",)


@pytest.mark.parametrize(("models", "uses"), [('["m"]', {"function:f", "function-embeds"}), ("[]", {"function:f"})])
def test_a_function_that_is_told_models_embeds(models, uses):
    environment = {"variables": {"VECTORDB_MODELS": models}}
    [role] = read(LAMBDA, registered(FUNCTION, "f", {"environment": environment}, **OF_R))
    assert role.uses == uses
    assert role.main_uses == ("function:f",)


@pytest.mark.parametrize(
    ("kind", "key", "inputs", "use"),
    [
        ("aws:rds/clusterRoleAssociation:ClusterRoleAssociation", "roleArn", {"featureName": "Lambda"}, "database:Lambda"),
        ("aws:rds/roleAssociation:RoleAssociation", "roleArn", {"featureName": "Bedrock"}, "database:Bedrock"),
        ("aws:ec2/flowLog:FlowLog", "iamRoleArn", {}, "flow-logs"),
        ("aws:iam/instanceProfile:InstanceProfile", "role", {}, "instance"),
        ("aws:rds/clusterInstance:ClusterInstance", "monitoringRoleArn", {}, "enhanced-monitoring"),
        ("aws:rds/proxy:Proxy", "roleArn", {}, "rds-proxy"),
    ],
)  # fmt: skip
def test_what_other_resources_make_of_it(kind, key, inputs, use):
    [role] = read(trusted("rds.amazonaws.com"), registered(kind, "x", inputs, **{key: (ROLE, "r")}))
    assert role.uses == {use}


@pytest.mark.parametrize(
    ("sse", "action", "uses"),
    [
        ("aws:kms", "s3vectors:QueryVectors", {"reads-encrypted-vectors"}),
        ("aws:kms", "s3vectors:PutVectors", {"reads-encrypted-vectors", "writes-encrypted-vectors"}),
        ("aws:kms", "s3vectors:DeleteVectors", {"reads-encrypted-vectors"}),
        ("AES256", "s3vectors:QueryVectors", set()),
        ("aws:kms", "sqs:SendMessage", set()),
    ],
)
def test_indexes_under_a_customer_key(sse, action, uses):
    index = registered("aws:s3/vectorsIndex:VectorsIndex", "i", {"encryptionConfigurations": [{"sseType": sse}]})
    policy = document(Action=action, Resource="*")
    [role] = read(LAMBDA, index, registered("aws:iam/rolePolicy:RolePolicy", "p", {"policy": policy}, **OF_R))
    assert role.uses == uses


def test_a_role_may_be_named_instead_of_referred_to():
    policy = registered("aws:iam/rolePolicy:RolePolicy", "p", {"policy": QUERY, "role": "fixed"})
    other, role = read(LAMBDA, trusted("ec2.amazonaws.com", "s", name="fixed"), policy)
    assert other.policies == ()
    assert len(role.policies) == 1


@pytest.mark.parametrize(
    "resource",
    [
        registered("aws:iam/policyAttachment:PolicyAttachment", "a", {}),
        registered("aws:iam/rolePolicy:RolePolicy", "a", {"policy": QUERY, "role": "another"}),
        registered("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", {"policyArn": "arn:aws:iam::aws:policy/X"}, **OF_R),
        trusted("lambda.amazonaws.com", "a", permissionsBoundary="arn:aws:iam::aws:policy/X"),
    ],
)  # fmt: skip
def test_what_would_make_a_role_look_poorer_than_it_is_is_refused(resource):
    with pytest.raises(UnsupportedPolicyError):
        read(LAMBDA, resource)


def test_a_preview_has_roles_without_the_policies_that_it_does_not_know():
    unknown = registered("aws:iam/rolePolicy:RolePolicy", "p", {"policy": UNKNOWN}, **OF_R)
    [role] = read(registered(ROLE, "r", {"assumeRolePolicy": UNKNOWN}), unknown)
    assert (role.services, role.policies) == (frozenset(), ())
