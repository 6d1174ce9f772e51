"""The access matrix: who may do what, from every policy of a plan."""

import json

import pytest

from isolation.access import places
from isolation.access.grants import GRANTS, grants
from isolation.access.matrix import access
from isolation.loading import load
from isolation.rule import aws
from tests.policy.support import UNKNOWN, plain_resource

ACCOUNT = "123456789012"
OTHER = "210987654321"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
BUCKET = "arn:aws:s3:::data/*"


def planned(path, inputs, name="thing", references=None):
    token = aws(path)
    urn = f"urn:pulumi:dev::vectordb::{token}::{name}"
    return {"urn": urn, "type": token, "inputs": inputs, "propertyDependencies": references or {}}


def urn(path, name="thing"):
    return planned(path, {}, name)["urn"]


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions="s3:GetObject", resources=BUCKET, **elements):
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **elements}


def matrix(*resources, presumed=None):
    return access(load(json.dumps({"resources": list(resources), "presumed": presumed or {"account": ACCOUNT}})))


def only(*resources, presumed=None):
    [row] = matrix(*resources, presumed=presumed)
    return row


def of_bucket(**elements):
    return only(planned("s3/bucketPolicy", {"policy": document(allow(**elements))}))


def test_a_row_has_everything():
    role = planned("iam/role", {"name": "r", "permissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/most"}, "reader")
    condition = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}, "Bool": {"aws:SecureTransport": True}}
    policy = planned(
        "iam/rolePolicy",
        {"role": UNKNOWN, "policy": document(allow(Condition=condition))},
        "reads",
        {"role": [role["urn"]]},
    )
    assert only(role, policy) == {
        "principal": "reader",
        "kind": "role",
        "name": "reads",
        "effect": "Allow",
        "actions": ["s3:GetObject"],
        "resources": [BUCKET],
        "conditions": [
            "StringEquals aws:RequestedRegion = us-east-1",
            "Bool aws:SecureTransport = true",
            f"within the permissions boundary arn:aws:iam::{ACCOUNT}:policy/most",
        ],
        "source": policy["urn"],
        "flags": [],
        "expansions": [],
    }


@pytest.mark.parametrize(
    ("principal", "name", "kind", "flags"),
    [
        ("*", "everyone", "everyone", ["public"]),
        ({"AWS": ["*"]}, "everyone", "everyone", ["public"]),
        ({"AWS": "arn:aws:iam::*:root"}, "everyone", "everyone", ["public"]),
        ({"AWS": ROLE}, ROLE, "role", []),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/a"}, f"arn:aws:iam::{ACCOUNT}:user/a", "user", []),
        ({"AWS": OTHER}, OTHER, "account", ["cross-account"]),
        ({"AWS": f"arn:aws:iam::{OTHER}:root"}, f"arn:aws:iam::{OTHER}:root", "account", ["cross-account"]),
        ({"Service": "sns.amazonaws.com"}, "sns.amazonaws.com", "service", ["no-source-condition"]),
        ({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/x"}, f"arn:aws:iam::{ACCOUNT}:saml-provider/x", "federated", []),
        ({"AWS": UNKNOWN}, "(known at up)", "unknown", ["unknown"]),
        (UNKNOWN, "(known at up)", "unknown", ["unknown"]),
        ({}, "nobody", "unknown", ["no-principal"]),
    ],
)  # fmt: skip
def test_principals_of_a_resource(principal, name, kind, flags):
    row = of_bucket(Principal=principal)
    assert (row["principal"], row["kind"], row["flags"]) == (name, kind, flags)


@pytest.mark.parametrize(
    ("condition", "name", "kind", "flags"),
    [
        ({"ArnEquals": {"aws:PrincipalArn": ROLE}}, ROLE, "role", []),
        (
            {"StringEquals": {"aws:SourceVpc": "vpc-0123456789abcdef0"}},
            "whoever the conditions admit",
            "conditions",
            [],
        ),
        ({"StringNotEquals": {"aws:PrincipalArn": ROLE}}, "everyone", "everyone", ["public"]),
        (
            {"ArnNotEquals": {"aws:PrincipalArn": ROLE}, "StringEquals": {"aws:SourceAccount": ACCOUNT}},
            "whoever the conditions admit",
            "conditions",
            [],
        ),
    ],
)
def test_everyone_under_a_condition(condition, name, kind, flags):
    row = of_bucket(Principal="*", Condition=condition)
    assert (row["principal"], row["kind"], row["flags"]) == (name, kind, flags)


def test_a_denial_has_no_flags():
    row = only(planned("s3/bucketPolicy", {"policy": document({**allow("s3:*", Principal="*"), "Effect": "Deny"})}))
    assert (row["principal"], row["effect"], row["flags"]) == ("everyone", "Deny", [])
    assert row["expansions"] == ["every action of s3"]


def test_a_source_for_a_service():
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert of_bucket(Principal={"Service": "sns.amazonaws.com"}, Condition=condition)["flags"] == []
    role = planned("iam/role", {"assumeRolePolicy": document({
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]},
    })})  # fmt: skip
    assert [(row["principal"], row["resources"], row["flags"]) for row in matrix(role)] == [
        ("ec2.amazonaws.com", ["${thing.arn}"], []),
        ("lambda.amazonaws.com", ["${thing.arn}"], ["no-source-condition"]),
    ]


@pytest.mark.parametrize(
    ("statement", "flags", "expansions"),
    [
        (allow("s3:Get*"), ["wildcard-action"], ["the actions of s3 that start with Get"]),
        (allow(["kms:*", "kms:*"]), ["wildcard-action"], ["every action of kms"]),
        (allow("*"), ["wildcard-action"], ["every action of every service"]),
        (allow("s3:*Object"), ["wildcard-action"], ["the actions of s3 that match *Object"]),
        (allow("s?:GetObject"), ["wildcard-action"], ["whatever s?:GetObject matches"]),
        (allow(resources="*"), ["wildcard-resource"], []),
        (allow(resources=[BUCKET, "arn:aws:s3:::*"]), ["wildcard-resource"], []),
        (allow("ec2:DescribeInstances", "*"), ["unscoped"], []),
        (allow(["ec2:DescribeInstances", "ec2:RunInstances"], "*"), ["wildcard-resource"], []),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": BUCKET}, ["not-action"], []),
        ({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": BUCKET}, ["not-resource"], []),
        (allow(resources=[BUCKET, UNKNOWN]), ["unknown"], []),
    ],
)
def test_what_is_notable_about_a_statement(statement, flags, expansions):
    row = only(planned("iam/policy", {"policy": document(statement)}))
    assert (row["flags"], row["expansions"], row["kind"]) == (flags, expansions, "policy")


@pytest.mark.parametrize(
    ("actions", "resources", "kinds"),
    [
        ("rds-db:connect", "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-X/app", ["database"]),
        (["rds-db:*", "s3:GetObject"], "*", ["database", "policy"]),
        ("*", "*", ["database", "policy"]),
        ("*", "arn:aws:s3:::data", ["policy"]),
        ("s3:*", "*", ["policy"]),
    ],
)
def test_database_logins(actions, resources, kinds):
    rows = matrix(planned("iam/policy", {"policy": document(allow(actions, resources))}))
    assert [row["kind"] for row in rows] == kinds
    assert kinds[0] != "database" or rows[0]["actions"] == ["rds-db:connect"]


def test_attachments_say_whose_a_policy_is():
    inputs = {"policy": document(allow())}
    policy = planned("iam/policy", inputs, "reads")
    role, user = planned("iam/role", {}, "one"), planned("iam/user", {}, "two")
    by_role = planned(
        "iam/rolePolicyAttachment",
        {"role": UNKNOWN, "policyArn": UNKNOWN},
        "a",
        {"role": [role["urn"]], "policyArn": [policy["urn"]]},
    )
    by_list = planned(
        "iam/policyAttachment",
        {"users": [UNKNOWN], "groups": ["staff"], "policyArn": UNKNOWN},
        "b",
        {"users": [user["urn"]], "policyArn": [policy["urn"]]},
    )
    rows = matrix(policy, role, user, by_role, by_list)
    assert [(row["principal"], row["kind"]) for row in rows] == [("one", "role"), ("two", "user"), ("staff", "group")]
    listing = planned("iam/role", {"managedPolicyArns": [UNKNOWN]}, "three", {"managedPolicyArns": [policy["urn"]]})
    assert [row["principal"] for row in matrix(policy, listing)] == ["three"]


def test_policies_that_aws_keeps():
    attachment = planned(
        "iam/rolePolicyAttachment", {"role": "r", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    )
    row = only(attachment)
    assert (row["principal"], row["flags"]) == ("r", ["managed-policy"])
    assert row["actions"] == ["whatever arn:aws:iam::aws:policy/ReadOnlyAccess allows"]
    role = planned("iam/role", {"managedPolicyArns": ["arn:aws-cn:iam::aws:policy/AdministratorAccess"]})
    assert (only(role)["actions"], only(role)["flags"]) == (["*"], ["wildcard-action"])


def test_documents_that_nobody_can_read_have_a_row():
    role = planned("iam/role", {"inlinePolicies": [{"policy": UNKNOWN}], "assumeRolePolicy": "{"})
    assert [(row["principal"], row["flags"]) for row in matrix(role)] == [
        ("thing", ["unknown-document"]),
        ("(known at up)", ["no-document"]),
    ]


def test_what_is_made_up_is_named():
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0123abcd"
    presumed = {
        "account": ACCOUNT,
        "properties": {urn("iam/policy"): {"policy": document(allow("kms:Decrypt", [arn, f"{arn}/x"]))}},
        "identifiers": {arn: "key.arn", "0123abcd": "key.keyId"},
    }
    row = only(planned("iam/policy", {"policy": UNKNOWN}), presumed=presumed)
    assert (row["resources"], row["flags"]) == (["${key.arn}", "${key.arn}/x"], [])


@pytest.mark.parametrize("text", ["hunter2", "arn:hunter2", "hunter2 hunter2", "hunter2.com/x"])
def test_only_what_looks_like_an_identifier_is_shown(text):
    condition = {"StringEquals": {"x:y": [text], "sts:ExternalId": ROLE + text, "aws:Referer": ROLE + text}}
    statement = allow(f"s3:{text}!", text, Principal={"AWS": text}, Condition=condition)
    rows = matrix(planned("s3/bucketPolicy", {"policy": document(statement)}), planned("iam/policy", {"policy": text}))
    assert "hunter2" not in json.dumps(rows)


def test_resources_of_endpoints_and_any_principal():
    endpoint = planned("ec2/vpcEndpointPolicy", {"policy": document(allow(Principal="*"))})
    assert only(endpoint)["flags"] == ["any-principal"]


@pytest.mark.parametrize(
    ("path", "inputs", "name", "flags"),
    [
        ("lambda/permission", {"principal": "*", "action": "lambda:InvokeFunction", "function": "f"}, "everyone", ["public"]),
        (
            "lambda/permission",
            {"principal": "*", "action": "lambda:InvokeFunction", "function": "f", "principalOrgId": "o-a1b2c3d4e5"},
            "whoever the conditions admit",
            [],
        ),
        (
            "lambda/permission",
            {"principal": "s3.amazonaws.com", "action": "lambda:InvokeFunction", "sourceArn": "arn:aws:s3:::data"},
            "s3.amazonaws.com",
            [],
        ),
        ("lambda/permission", {"principal": "s3.amazonaws.com", "action": "lambda:InvokeFunction"}, "s3.amazonaws.com", ["no-source-condition"]),
        ("lambda/permission", {"principal": UNKNOWN, "action": "lambda:InvokeFunction"}, "(known at up)", ["unknown"]),
        ("lambda/layerVersionPermission", {"principal": "*", "action": "lambda:GetLayerVersion"}, "everyone", ["public"]),
        ("cloudwatch/eventPermission", {"principal": "*", "statementId": "s"}, "everyone", ["public"]),
        ("kms/grant", {"granteePrincipal": ROLE, "operations": ["Decrypt", UNKNOWN]}, ROLE, ["unknown"]),
        ("ssm/document", {"permissions": {"type": "Share", "accountIds": "All"}}, "everyone", ["public"]),
        ("ssm/document", {"permissions": {"type": "Share", "accountIds": OTHER}}, OTHER, ["cross-account"]),
        ("rds/snapshot", {"sharedAccounts": ["all"], "dbSnapshotIdentifier": "s"}, "everyone", ["public"]),
        ("rds/clusterSnapshotCopy", {"sharedAccounts": [OTHER]}, OTHER, ["cross-account"]),
        ("ec2/snapshotCreateVolumePermission", {"accountId": OTHER}, OTHER, ["cross-account"]),
        ("ec2/amiLaunchPermission", {"group": "all", "imageId": "ami-1"}, "everyone", ["public"]),
        ("ec2/vpcEndpointService", {"allowedPrincipals": ["*"]}, "everyone", ["public"]),
        ("ec2/vpcEndpointServiceAllowedPrinciple", {"principalArn": "*"}, "everyone", ["public"]),
        ("ram/principalAssociation", {"principal": OTHER}, OTHER, ["cross-account"]),
    ],
)  # fmt: skip
def test_permissions_without_a_document(path, inputs, name, flags):
    row = only(planned(path, inputs))
    assert (row["principal"], row["flags"], row["effect"]) == (name, flags, "Allow")


def test_grants_say_where_the_principal_stands():
    [statement] = grants(plain_resource("rds/snapshot", {"sharedAccounts": ["all"]}))
    assert statement.path == "sharedAccounts[0]"
    assert not list(grants(plain_resource("ssm/document", {})))
    assert GRANTS.isdisjoint(places.RESOURCE_POLICIES)


def test_sides():
    role = plain_resource("iam/role", {"inlinePolicies": [{"policy": "{}"}], "assumeRolePolicy": UNKNOWN})
    assert [(place.side, place.document.path) for place in places.places(role)] == [
        ("identity", "inlinePolicies[0].policy"),
        ("trust", "assumeRolePolicy"),
    ]
    assert [place.side for place in places.places(role, "trust")] == ["trust"]
    assert not list(places.places(plain_resource("sqs/queue", {})))
