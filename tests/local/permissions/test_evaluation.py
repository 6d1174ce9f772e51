"""Documents, conditions, and one request against policies."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectordb.local.permissions import UnsupportedPolicyError, conditions, documents
from vectordb.local.permissions.conditions import request_context
from vectordb.local.permissions.evaluation import Access, Decision, decide, refusal, trusts

ROLE = "arn:aws:iam::123456789012:role/r"
CONTEXT = request_context(principal=ROLE, account="123456789012", region="us-east-1")
INDEX = "arn:aws:s3vectors:us-east-1:123456789012:bucket/b/index/i"
ACCESS = Access("s3vectors:QueryVectors", INDEX, CONTEXT)


def policy(*statements):
    return documents.parse({"Version": "2012-10-17", "Statement": list(statements)}, "test")


def statement(effect="Allow", action="s3vectors:QueryVectors", resource=INDEX, **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def test_nothing_is_allowed_unless_a_policy_says_so():
    assert decide(ACCESS, []) is Decision.NOT_ALLOWED
    assert decide(ACCESS, [policy(statement(action="s3vectors:GetVectors"))]) is Decision.NOT_ALLOWED
    assert decide(ACCESS, [policy(statement(resource=INDEX + "2"))]) is Decision.NOT_ALLOWED
    assert decide(ACCESS, [policy(statement())]) is Decision.ALLOWED


ACTIONS = ["s:A", "s:B", "s:*"]
RESOURCES = ["arn:aws:s:::x", "arn:aws:s:::y", "arn:aws:s:::*", "*"]
STATEMENTS = st.builds(
    statement, st.sampled_from(["Allow", "Deny"]), st.sampled_from(ACTIONS), st.sampled_from(RESOURCES)
)


def covers(pattern, value):
    return pattern.endswith("*") or pattern == value


@given(st.lists(STATEMENTS, max_size=5), st.sampled_from(["s:A", "s:B"]), st.sampled_from(RESOURCES[:2]))
def test_a_deny_wins_an_allow_is_enough_and_the_order_does_not_count(statements, action, resource):
    effects = {s["Effect"] for s in statements if covers(s["Action"], action) and covers(s["Resource"], resource)}
    expected = Decision.ALLOWED if effects == {"Allow"} else Decision.NOT_ALLOWED
    expected = Decision.DENIED_BY_IDENTITY if "Deny" in effects else expected
    access = Access(action, resource, CONTEXT)
    assert decide(access, [policy(*statements)]) is expected
    assert decide(access, [policy(*reversed(statements))]) is expected
    # Whether statements stand in one policy or in several makes no difference.
    assert decide(access, [policy(s) for s in statements]) is expected


@given(st.lists(STATEMENTS, max_size=4), STATEMENTS)
def test_an_allow_more_never_takes_and_a_deny_more_never_gives(statements, another):
    for action, resource in itertools.product(["s:A", "s:B"], RESOURCES[:2]):
        access = Access(action, resource, CONTEXT)
        before = decide(access, [policy(*statements)]) is Decision.ALLOWED
        after = decide(access, [policy(*statements, another)]) is Decision.ALLOWED
        assert (after or not before) if another["Effect"] == "Allow" else (before or not after)


@pytest.mark.parametrize(
    ("principal", "named"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ["123456789012"]}, True),
        ({"AWS": ROLE}, True),
        ({"AWS": ROLE + "2"}, False),
        ({"Service": "lambda.amazonaws.com"}, False),
    ],
)
def test_a_resource_policy_speaks_of_whom_it_names(principal, named):
    own = policy(statement(Principal=principal))
    deny = policy(statement(effect="Deny", Principal=principal))
    names = {ROLE, "123456789012"}
    assert decide(ACCESS, [], own, names) is (Decision.ALLOWED if named else Decision.NOT_ALLOWED)
    denied = Decision.DENIED_BY_RESOURCE if named else Decision.ALLOWED
    assert decide(ACCESS, [policy(statement())], deny, names) is denied


@pytest.mark.parametrize(
    ("operator", "key", "values", "holds"),
    [
        ("StringEquals", "aws:RequestedRegion", ["eu-west-1", "us-east-1"], True),
        ("StringEquals", "AWS:requestedregion", "us-east-1", True),
        ("StringEquals", "aws:RequestedRegion", "US-EAST-1", False),
        ("StringEqualsIgnoreCase", "aws:RequestedRegion", "US-EAST-1", True),
        ("StringNotEquals", "aws:RequestedRegion", ["eu-west-1", "us-east-1"], False),
        ("StringLike", "aws:RequestedRegion", "us-*", True),
        ("StringNotLike", "aws:RequestedRegion", "us-*", False),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::*:role/r", True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/other", False),
        ("ArnNotEquals", "aws:PrincipalArn", ROLE, False),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::123456789012:user/*", True),
        ("Bool", "aws:SecureTransport", "false", False),
        ("Bool", "aws:SecureTransport", True, True),
        # Absent from what a role calls itself.
        ("StringEquals", "aws:SourceAccount", "123456789012", False),
        ("StringNotEquals", "aws:SourceVpce", "vpce-1", True),
        ("StringEqualsIfExists", "aws:SourceVpce", "vpce-1", True),
        ("Null", "aws:SourceVpce", "true", True),
        ("Null", "aws:PrincipalArn", "true", False),
        ("Null", "aws:PrincipalArn", "false", True),
    ],
)
def test_conditions(operator, key, values, holds):
    judged = policy(statement(Condition={operator: {key: values}}))
    assert decide(ACCESS, [judged]) is (Decision.ALLOWED if holds else Decision.NOT_ALLOWED)


def test_all_conditions_of_a_statement_have_to_hold():
    both = {"StringEquals": {"aws:RequestedRegion": "us-east-1", "aws:PrincipalAccount": "999999999999"}}
    assert decide(ACCESS, [policy(statement(Condition=both))]) is Decision.NOT_ALLOWED


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, "NotAction"),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": "*"}, "NotResource"),
        (statement(NotPrincipal="*"), "NotPrincipal"),
        (statement(effect="Maybe"), "Maybe"),
        (statement(resource="arn:aws:s3:::home/${aws:username}"), "policy variable"),
        (statement(resource="everything"), "neither"),
        (statement(action=[1]), "no text"),
        (statement(Condition={"DateLessThan": {"aws:CurrentTime": "2030-01-01"}}), "DateLessThan"),
        (statement(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": "x"}}), "ForAllValues"),
        ("text", "no object"),
    ],
)
def test_what_is_not_implemented_is_refused_with_the_policy_s_name(wrong, said):
    with pytest.raises(UnsupportedPolicyError, match=f"'test' cannot be judged.*{said}"):
        policy(wrong)


@pytest.mark.parametrize("text", ["{", "[]", '{"Version": "2008-10-17", "Statement": []}'])
def test_what_is_no_current_document_is_refused(text):
    with pytest.raises(UnsupportedPolicyError):
        documents.parse(text, "test")


def test_a_condition_key_that_nobody_knows_is_refused_where_it_would_count():
    unknown = policy(statement(Condition={"StringEquals": {"s3vectors:sseType": "aws:kms"}}))
    with pytest.raises(UnsupportedPolicyError, match="s3vectors:sseType"):
        decide(ACCESS, [unknown])
    assert decide(Access("s3vectors:GetVectors", INDEX, CONTEXT), [unknown]) is Decision.NOT_ALLOWED


def test_a_document_is_text_or_an_object():
    document = {
        "Version": "2012-10-17",
        "Statement": statement(Sid="One", Condition={"Bool": {"aws:SecureTransport": "true"}}),
    }
    parsed = documents.parse(json.dumps(document), "test")
    assert parsed == documents.parse(document, "test")
    assert parsed.statements == (
        documents.Statement(
            "Allow", ("s3vectors:QueryVectors",), (INDEX,), (),
            (conditions.Condition("Bool", "aws:SecureTransport", ("true",)),), "One",
        ),
    )  # fmt: skip


def test_the_sentence_is_aws_s():
    session = "arn:aws:sts::123456789012:assumed-role/r/s"
    begin = f"User: {session} is not authorized to perform: s3vectors:QueryVectors on resource: {INDEX} "
    assert refusal(session, ACCESS, Decision.NOT_ALLOWED) == (
        begin + "because no identity-based policy allows the s3vectors:QueryVectors action"
    )
    assert refusal(session, ACCESS, Decision.DENIED_BY_RESOURCE) == (
        begin + "with an explicit deny in a resource-based policy"
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, True),
        ({"StringEquals": {"aws:SourceArn": "arn:aws:scheduler:us-east-1:123456789012:schedule-group/g"}}, True),
        ({"StringEquals": {"aws:SourceArn": "arn:aws:scheduler:us-east-1:123456789012:schedule/g/s"}}, False),
    ],
)
def test_a_service_is_trusted_for_a_resource(condition, expected):
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "scheduler.amazonaws.com"}}
    policy = documents.parse({"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}, "trust")
    context = {"aws:sourcearn": "arn:aws:scheduler:us-east-1:123456789012:schedule-group/g"}
    assert trusts(policy, "scheduler.amazonaws.com", context) is expected
    assert trusts(policy, "lambda.amazonaws.com", context) is False
