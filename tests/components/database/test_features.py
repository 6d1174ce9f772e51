"""What SQL may call: one role and one association for a feature, one policy for a function, one flow to the endpoint."""

import pytest

from components.database.aurora import AuroraDatabase
from tests.components.database.harness import ACCOUNT, PLACE, build, role_arn

REACHES = {**PLACE, "endpoint_security_group_id": "sg-e"}


def allowed(then, **options):
    def make():
        return then(AuroraDatabase("database", {**REACHES, **options}))

    return build(make, known=True)


def twice(database):
    database.allow_invoke("arn:f:live")
    database.allow_invoke("arn:g:live", "other")


def test_two_functions_share_the_role_the_association_and_the_flow():
    built = allowed(twice)
    assert built.names("Role") == ["database-invoke"]
    assert built.names("ClusterRoleAssociation") == ["database-invoke"]
    assert built.names("SecurityGroupEgressRule") == ["database-to-endpoints-egress"]
    assert built.names("SecurityGroupIngressRule") == ["database-to-endpoints-ingress"]
    for name, arn in (("invoke", "arn:f:live"), ("other", "arn:g:live")):
        assert built.only("RolePolicy", f"database-{name}").inputs["role"] == "database-invoke"
        assert built.statements("RolePolicy", f"database-{name}") == [
            {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn}
        ]


def test_the_association_waits_for_every_instance_and_for_its_policy():
    built = allowed(lambda d: d.allow_invoke("arn:f:live") and None, readers=1)
    association = built.only("ClusterRoleAssociation")
    assert association.inputs == {
        "dbClusterIdentifier": "id-database-cluster",
        "featureName": "Lambda",
        "roleArn": role_arn("database-invoke"),
    }
    for member in ("database-writer", "database-reader-1"):
        assert built.waits_for(association, "ClusterInstance", member)
    assert built.waits_for(association, "RolePolicy", "database-invoke")


def test_the_role_is_assumed_for_this_cluster_only():
    built = allowed(lambda d: d.allow_invoke("arn:f:live") and None)
    (trust,) = built.statements("Role", "database-invoke", "assumeRolePolicy")
    assert (trust["Principal"], trust["Condition"]) == (
        {"Service": "rds.amazonaws.com"},
        {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:rds:eu-central-1:{ACCOUNT}:cluster:vectordb-dev-database-1"},
        },
    )


def test_bedrock_and_lambda_are_associated_one_after_the_other():
    def both(database):
        database.allow_invoke("arn:f:live")
        database.allow_bedrock(["arn:model"])
        return {"invoker": database.invoker_role_arn, "bedrock": database.bedrock_role_arn}

    built = allowed(both)
    bedrock = built.only("ClusterRoleAssociation", "database-bedrock")
    assert bedrock.inputs["featureName"] == "Bedrock"
    assert built.waits_for(bedrock, "ClusterRoleAssociation", "database-invoke")
    assert not built.waits_for(
        built.only("ClusterRoleAssociation", "database-invoke"), "ClusterRoleAssociation", "database-bedrock"
    )
    assert built.statements("RolePolicy", "database-bedrock") == [
        {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": ["arn:model"]}
    ]
    assert built.outputs == {"invoker": role_arn("database-invoke"), "bedrock": role_arn("database-bedrock")}
    # One endpoint group: one flow.
    assert len(built.names("SecurityGroupEgressRule")) == 1


def test_the_models_endpoint_may_have_a_group_of_its_own():
    built = allowed(twice, bedrock_models=["arn:model"], bedrock_security_group_id="sg-b")
    assert (
        built.only("SecurityGroupEgressRule", "database-to-bedrock-egress").inputs["referencedSecurityGroupId"]
        == "sg-b"
    )
    assert (
        built.only("SecurityGroupEgressRule", "database-to-endpoints-egress").inputs["referencedSecurityGroupId"]
        == "sg-e"
    )


def test_functions_in_the_arguments_are_the_same_as_calls():
    def shape(built):
        return sorted((r.urn, str(sorted(r.inputs.items()))) for r in built.registrations if r.custom)

    given = allowed(lambda d: None, functions={"invoke": "arn:f:live", "other": "arn:g:live"})
    assert shape(given) == shape(allowed(twice))


def test_what_is_needed_is_returned_and_remembered():
    found = {}

    def remember(database):
        found["needed"] = [r._name for r in database.allow_invoke("arn:f:live")]
        found["ready"] = [r._name for r in database.ready]

    allowed(remember)
    assert found["needed"] == [
        "database-invoke",
        "database-invoke",
        "database-to-endpoints-egress",
        "database-to-endpoints-ingress",
    ]
    assert found["ready"] == ["database-writer", *found["needed"]]


def test_the_database_attaches_no_policy_to_an_endpoint_that_others_share():
    assert allowed(twice).names("VpcEndpointPolicy") == []


def test_what_cannot_be_allowed():
    def again(database):
        database.allow_invoke("arn:f:live")
        database.allow_invoke("arn:g:live")

    with pytest.raises(ValueError, match="database permits 'invoke' already"):
        allowed(again)
    with pytest.raises(ValueError, match="allow_invoke needs endpoint_security_group_id"):
        build(lambda: AuroraDatabase("database", {**PLACE}).allow_invoke("arn:f:live") and None)
    with pytest.raises(ValueError, match="allow_bedrock needs bedrock_security_group_id or endpoint_security_group_id"):
        build(lambda: AuroraDatabase("database", {**PLACE, "bedrock_models": ["arn:model"]}) and None)
