"""Policy documents in every spelling, and what a condition is worth."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation.reading.conditions import is_fixed_arn, names_source, narrows
from isolation.reading.documents import NoDocumentError, is_public, principals, statements
from isolation.reading.properties import Property
from tests.policy.support import UNKNOWN

ACCOUNT = "123456789012"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:news"


def statement(principal="*", effect="Allow", **elements):
    return Property("policy.Statement[0]", {"Effect": effect, "Principal": principal, "Action": "x:Y", **elements})


def under(**condition):
    """A statement for everyone under a condition: operator=(key, value)."""
    return statement(
        Condition={operator.replace("__", ":"): dict([compared]) for operator, compared in condition.items()}
    )


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        ["*"],
        {"AWS": "*"},
        {"AWS": ["*"]},
        {"aws": "*"},
        {"AWS": [f"arn:aws:iam::{ACCOUNT}:root", "*"]},
        {"AWS": [UNKNOWN, "*"]},
        {"AWS": "arn:aws:iam::*:root"},
        {"AWS": "arn:aws:iam::*:role/admin"},
        {"AWS": "arn:aws:iam::12345678901?:root"},
        {"Service": "lambda.amazonaws.com", "AWS": "*"},
        {"CanonicalUser": "*"},
        {"Federated": "*"},
        {"Service": "*"},
        {"*": "*"},
    ],
)
def test_everyone_in_every_spelling(principal):
    assert is_public(statement(principal))
    assert not is_public(statement(principal, effect="Deny"))


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": ACCOUNT},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        {"AWS": [f"arn:aws:iam::{ACCOUNT}:role/a", f"arn:aws:sts::{ACCOUNT}:assumed-role/a/*"]},
        {"Service": "lambda.amazonaws.com"},
        {"Federated": "cognito-identity.amazonaws.com"},
        {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
        {"AWS": UNKNOWN},
        UNKNOWN,
        {},
        [],
        None,
        7,
        {"AWS": {"AWS": "*"}},
    ],
)
def test_somebody_is_not_everyone(principal):
    assert not is_public(statement(principal))


def test_all_but_a_few_are_everyone():
    assert is_public(Property("s", {"Effect": "Allow", "NotPrincipal": {"AWS": ACCOUNT}, "Action": "x:Y"}))
    assert not is_public(Property("s", {"Effect": "Deny", "NotPrincipal": {"AWS": ACCOUNT}, "Action": "x:Y"}))


def test_names_of_elements_in_any_case():
    assert is_public(Property("s", {"effect": "allow", "principal": {"aws": "*"}, "ACTION": "x:Y"}))


@pytest.mark.parametrize(
    ("narrow", "judged"),
    [
        (True, under(StringEquals=("aws:SourceAccount", ACCOUNT))),
        (True, under(StringEquals=("AWS:SOURCEACCOUNT", [ACCOUNT]))),
        (True, under(stringequals=("aws:SourceAccount", int(ACCOUNT)))),
        (True, under(ArnLike=("aws:SourceArn", TOPIC))),
        (True, under(ArnLike=("aws:SourceArn", f"arn:aws:cloudwatch:*:{ACCOUNT}:alarm:*"))),
        (True, under(ArnEquals=("aws:SourceArn", "arn:aws:s3:::bucket"))),
        (True, under(StringLike=("aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/*"))),
        (True, under(StringEquals=("aws:PrincipalOrgID", "o-a1b2c3d4e5"))),
        (True, under(ForAnyValue__StringLike=("aws:PrincipalOrgPaths", "o-a1b2c3d4e5/*"))),
        (True, under(ForAllValues__StringEquals=("aws:PrincipalOrgID", "o-a1"), Null=("aws:PrincipalOrgID", "false"))),
        (True, under(StringEqualsIfExists=("aws:SourceVpce", "vpce-1"), Null=("AWS:SourceVPCE", False))),
        (True, under(StringEquals=("aws:PrincipalAccount", "${aws:ResourceAccount}"))),
        (True, under(IpAddress=("aws:SourceIp", ["10.0.0.0/8", "192.168.1.7", "fc00::/7"]))),
        (True, under(Bool=("elasticfilesystem:AccessedViaMountTarget", "true"))),
        (True, under(StringLike=("aws:userId", "AROAEXAMPLE:*"))),
        (True, under(StringEquals=("aws:SourceVpc", UNKNOWN), StringLike=("aws:PrincipalAccount", ACCOUNT))),
        (None, under(StringEquals=("aws:SourceVpc", UNKNOWN))),
        (None, under(StringEquals=("aws:SourceVpc", ["vpc-1", UNKNOWN]))),
        (None, statement(Condition=UNKNOWN)),
        (None, statement(Condition={"StringEquals": UNKNOWN})),
        (False, statement()),
        (False, statement(Condition={})),
        (False, statement(Condition=[])),
        (False, statement(Condition={"StringEquals": "aws:SourceVpc"})),
        (False, under(StringEquals=("aws:SourceVpc", []))),
        (False, under(StringEquals=("aws:SourceVpc", ""))),
        (False, under(StringEquals=("aws:SourceVpc", {"vpc": "vpc-1"}))),
        (False, under(StringEquals=("aws:SourceVpc", [UNKNOWN, "*"]))),
        (False, under(StringNotEquals=("aws:SourceAccount", ACCOUNT))),
        (False, under(StringNotLike=("aws:SourceVpc", "vpc-1"))),
        (False, under(ArnNotEquals=("aws:SourceArn", TOPIC))),
        (False, under(NotIpAddress=("aws:SourceIp", "10.0.0.0/8"))),
        (False, under(StringEqualsIfExists=("aws:SourceAccount", ACCOUNT))),
        (False, under(ForAllValues__StringEquals=("aws:PrincipalOrgID", "o-a1"))),
        (False, under(ForAllValues__StringEquals=("aws:PrincipalOrgID", "o-a1"), Null=("aws:PrincipalOrgID", "true"))),
        (False, under(Null=("aws:PrincipalOrgID", "false"))),
        (False, under(StringLike=("aws:PrincipalArn", "*"))),
        (False, under(StringLike=("aws:PrincipalArn", ["arn:aws:iam::*:role/a"]))),
        (False, under(ArnLike=("aws:SourceArn", [TOPIC, "arn:aws:sns:*:*:news"]))),
        (False, under(ArnLike=("aws:SourceArn", "arn:aws:s3:::*"))),
        (False, under(ArnLike=("aws:SourceArn", "arn:aws:s3:::bucket*"))),
        (False, under(StringLike=("aws:SourceAccount", "12345678901?"))),
        (False, under(StringLike=("aws:PrincipalOrgPaths", "*/r-ab12/*"))),
        (False, under(StringLike=("aws:userId", "*:session"))),
        (False, under(StringEquals=("aws:PrincipalAccount", "${aws:PrincipalAccount}"))),
        (False, under(IpAddress=("aws:SourceIp", "0.0.0.0/0"))),
        (False, under(IpAddress=("aws:SourceIp", ["10.0.0.0/8", "203.0.113.7/32"]))),
        (False, under(IpAddress=("aws:SourceIp", "here"))),
        (False, under(IpAddress=("aws:VpcSourceIp", "10.0.0.0/8"))),
        (False, under(Bool=("elasticfilesystem:AccessedViaMountTarget", "false"))),
        (False, under(Bool=("aws:SecureTransport", "true"))),
        (False, under(StringEquals=("aws:PrincipalTag/team", "data"))),
        (False, under(StringEquals=("aws:Referer", "https://example.com"))),
        (False, under(StringEquals=("sts:ExternalId", "x"))),
        (False, under(StringEquals=("aws:PrincipalServiceName", "s3.amazonaws.com"))),
        (False, under(StringEquals=("kms:ViaService", "s3.us-east-1.amazonaws.com"))),
        (False, under(NumericLessThan=("aws:SourceAccount", ACCOUNT))),
    ],
)
def test_a_condition_narrows_only_to_known_callers(narrow, judged):
    assert narrows(judged) is narrow
    assert is_public(judged) is (narrow is False)


@pytest.mark.parametrize(
    ("named", "key", "value"),
    [
        (True, "aws:SourceAccount", ACCOUNT),
        (True, "kms:EncryptionContext:aws:logs:arn", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:*"),
        (False, "kms:EncryptionContext:aws:logs:arn", "*"),
        (False, "kms:EncryptionContext:purpose", "logs"),
        (False, "aws:PrincipalOrgID", "o-a1b2c3d4e5"),
        (None, "aws:SourceArn", UNKNOWN),
    ],
)
def test_a_source_is_an_account_or_a_resource(named, key, value):
    assert names_source(under(StringLike=(key, value))) is named


@pytest.mark.parametrize(
    ("fixed", "arn"),
    [
        (True, "arn:aws:s3:::bucket/*"),
        (True, f"arn:*:sns:*:{ACCOUNT}:*"),
        (False, "arn:aws:s3:::"),
        (False, "arn:aws:s3:us-east-1"),
        (False, f"arn:aws:*:us-east-1:{ACCOUNT}:x"),
        (False, "*"),
    ],
)
def test_an_arn_of_one_owner(fixed, arn):
    assert is_fixed_arn(arn) is fixed


def test_what_a_statement_names():
    named = principals(
        statement(
            {
                "AWS": [ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/a", "AIDAEXAMPLE", int(ACCOUNT), None],
                "Service": "x.amazonaws.com",
            }
        )
    )
    assert [
        (each.kind, each.account, each.place.path.removeprefix("policy.Statement[0].Principal")) for each in named
    ] == [
        ("account", ACCOUNT, ".AWS[0]"),
        ("identity", ACCOUNT, ".AWS[1]"),
        ("identity", "", ".AWS[2]"),
        ("account", ACCOUNT, ".AWS[3]"),
        ("unknown", "", ".AWS[4]"),
        ("service", "", ".Service"),
    ]


@pytest.mark.parametrize(
    "body", [{"Statement": {"Effect": "Allow"}}, {"statement": [{"Effect": "Allow"}, UNKNOWN, None]}]
)
@pytest.mark.parametrize("encoded", [True, False])
def test_statements_of_text_and_of_objects(body, encoded):
    [one] = statements(Property("policy", json.dumps(body) if encoded else body))
    assert one.value == {"Effect": "Allow"}


@pytest.mark.parametrize("value", ["", "{", "[]", "7", "null", [], 7, "[" * 5000])
def test_no_document(value):
    with pytest.raises(NoDocumentError):
        list(statements(Property("policy", value)))


names = st.sampled_from([ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "AIDAEXAMPLE", UNKNOWN, None, 7])
VALUES = {
    "aws:SourceAccount": ACCOUNT,
    "aws:SourceArn": TOPIC,
    "aws:SourceVpc": "vpc-0123456789abcdef0",
    "aws:PrincipalOrgID": "o-a1b2c3d4e5",
    "aws:PrincipalOrgPaths": "o-a1b2c3d4e5/r-ab12/*",
    "aws:userId": "AROAEXAMPLE:*",
}


@given(st.lists(names, max_size=4), st.lists(names, max_size=4))
def test_nobody_beside_everyone_hides_them(before, after):
    assert is_public(statement({"AWS": [*before, "*", *after]}))


@given(st.sampled_from(sorted(VALUES)), st.lists(st.just(UNKNOWN), max_size=3), st.sampled_from(["*", "?*", "arn:*"]))
def test_one_open_value_opens_a_condition(key, unknown, wild):
    assert narrows(under(StringLike=(key, [VALUES[key]]))) is True
    assert narrows(under(StringLike=(key, [VALUES[key], *unknown, wild]))) is False


@given(st.sampled_from(sorted(VALUES)), st.sampled_from(["aws:SecureTransport", "aws:RequestedRegion"]), names)
def test_a_second_condition_widens_nothing(key, other, value):
    assert narrows(statement(Condition={"StringLike": {key: VALUES[key], other: value}})) is True
