"""Each check finds exactly what it is for, and nothing in a sound recording."""

import pytest

from vectordb.plan.checks import check
from vectordb.plan.recording import SECRET_KEY, SECRET_SIGNATURE, STACK_TYPE, UNKNOWN, Recording, Registration

STACK = Registration("urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev", STACK_TYPE, "p-dev", False, "", {})
COMPONENT = Registration("urn:pulumi:dev::p::x:index:C::c", "x:index:C", "c", False, STACK.urn, {})


def recorded(*resources):
    return Recording("p", "dev", (STACK, COMPONENT, *resources), {})


def resource(name="c-thing", parent=COMPONENT.urn, **inputs):
    return Registration(f"urn:pulumi:dev::p::x:index:C$aws:a/b:B::{name}", "aws:a/b:B", name, True, parent, inputs)


def found(recording, secrets=()):
    return [(violation.policy, violation.resource) for violation in check(recording, secrets)]


def secret(value):
    return {SECRET_KEY: SECRET_SIGNATURE, "value": value}


def test_a_sound_recording():
    assert found(recorded(resource(a=1, b=["x"], c={"d": None}))) == []


def test_the_same_urn_twice():
    assert found(recorded(resource(), resource())) == [("unique-urn", "c-thing")]


def test_a_resource_directly_under_the_stack():
    (violation,) = check(recorded(resource(parent=STACK.urn)))
    assert violation.policy == "inside-a-component"
    assert "ResourceOptions(parent=self)" in violation.message


@pytest.mark.parametrize(
    "inputs",
    [
        {"masterPassword": "hunter2hunter2"},
        {"password": "x"},
        {"passwordWo": "x"},
        {"secretString": "x"},
        {"environment": {"PGPASSWORD": "x"}},
        {"environment": {"variables": {"API_KEY": "x"}}},
        {"list": [{"authToken": "x"}]},
    ],
)
def test_a_credential_in_clear(inputs):
    (violation,) = check(recorded(resource(**inputs)))
    assert violation.policy == "no-plaintext-secret"
    assert "hunter2" not in violation.message


@pytest.mark.parametrize(
    "inputs",
    [
        {"masterPassword": secret("hunter2hunter2")},
        {"masterPassword": UNKNOWN},
        {"manageMasterUserPassword": True},
        {"masterUserSecretKmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/k"},
        {"environment": {"VECTORDB_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x"}},
        {"environment": secret({"PGPASSWORD": "x"})},
        {"password": ""},
        {"tokenType": "bearer"},
    ],
)
def test_what_only_looks_like_one(inputs):
    assert found(recorded(resource(**inputs))) == []


def test_a_secret_of_the_configuration_outside_its_wrapper():
    recording = recorded(resource(a="x-s3cr3t-y", b=secret("s3cr3t")))
    assert found(recording, ("s3cr3t",)) == [("no-plaintext-secret", "c-thing")]


def association(
    name, feature="Lambda", database="urn:database", kind="aws:rds/clusterRoleAssociation:ClusterRoleAssociation"
):
    key = "dbClusterIdentifier" if "cluster" in kind else "dbInstanceIdentifier"
    return Registration(
        f"urn:pulumi:dev::p::x:index:C${kind}::{name}",
        kind,
        name,
        True,
        COMPONENT.urn,
        {key: UNKNOWN, "featureName": feature, "roleArn": UNKNOWN},
        property_dependencies={key: (database,)},
    )


def test_two_roles_for_one_feature_of_a_database():
    two = recorded(association("c-invoke"), association("c-again"))
    assert found(two) == [("one-role-per-feature", "c-again")]
    instance = "aws:rds/roleAssociation:RoleAssociation"
    twice = recorded(association("c-invoke", kind=instance), association("c-again", kind=instance))
    assert found(twice) == [("one-role-per-feature", "c-again")]


def test_roles_for_other_features_or_databases_are_no_matter():
    apart = [
        association("c-invoke"),
        association("c-bedrock", feature="Bedrock"),
        association("d", database="urn:other"),
    ]
    assert found(recorded(*apart)) == []
