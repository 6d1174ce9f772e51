"""Policies against needs, both ways."""

from dataclasses import replace

import pytest

from vectordb.local.permissions import documents, needs
from vectordb.local.permissions.needs import Need, generalised, shape
from vectordb.local.permissions.roles import Call, Role
from vectordb.local.permissions.truth import missing, unneeded

ARN = "arn:aws:iam::123456789012:role/bridge"
INDEX = "arn:aws:s3vectors:us-east-1:123456789012:bucket/b/index/i"
GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f"
LOGS = Need(
    "lambda.amazonaws.com",
    "",
    "logs:PutLogEvents",
    ("arn:{partition}:logs:{region}:{account}:log-group:{name}:*",),
    "Lambda writes the log",
    "a guide",
)
QUERY = Call(ARN, "s3vectors:QueryVectors", INDEX)


def role(*statements, **more):
    policy = documents.parse({"Version": "2012-10-17", "Statement": list(statements)}, "p")
    settings = {"arn": ARN, "services": frozenset({"lambda.amazonaws.com"}), "uses": frozenset({"function:bridge"})}
    return Role("bridge-role", policies=(policy,), **(settings | more))


def allow(action, resource, **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


EXACT = (allow("s3vectors:QueryVectors", INDEX), allow("logs:PutLogEvents", f"{GROUP}:*"))


def test_a_role_that_may_what_is_needed_and_no_more():
    assert missing([role(*EXACT)], [QUERY], [LOGS]) == []
    assert unneeded([role(*EXACT)], [QUERY], [LOGS]) == []


def test_what_was_called_and_is_not_allowed():
    [difference] = missing([role(EXACT[1])], [QUERY], [LOGS])
    assert str(difference) == f"bridge-role: s3vectors:QueryVectors on {INDEX}: recorded, but not_allowed"


def test_a_deny_counts_against_what_was_called():
    deny = {"Effect": "Deny", "Action": "s3vectors:*", "Resource": "*"}
    assert [d.reason for d in missing([role(*EXACT, deny)], [QUERY], [])] == ["recorded, but denied_by_identity"]
    assert unneeded([role(*EXACT, deny)], [QUERY], [LOGS]) == []


def test_a_condition_that_does_not_hold_allows_nothing():
    elsewhere = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    assert len(missing([role(allow("s3vectors:QueryVectors", INDEX, Condition=elsewhere))], [QUERY], [])) == 1


def test_what_the_table_asks_for_and_is_not_allowed():
    [difference] = missing([role(EXACT[0])], [QUERY], [LOGS])
    assert (difference.action, difference.reason) == ("logs:PutLogEvents", "not allowed; Lambda writes the log")
    # Of another service's role, or of another use, it asks nothing.
    assert missing([role(EXACT[0], services=frozenset({"ec2.amazonaws.com"}))], [QUERY], [LOGS]) == []
    assert missing([role(EXACT[0])], [QUERY], [replace(LOGS, use="function-in-vpc")]) == []


@pytest.mark.parametrize(
    ("more", "action", "reason"),
    [
        (allow("s3vectors:PutVectors", INDEX), "s3vectors:PutVectors", "no recorded call and no row of the table needs it"),
        (allow("s3vectors:QueryVectors", INDEX + "2"), "s3vectors:QueryVectors", "no recorded call and no row of the table needs it"),
        (allow("s3vectors:QueryVectors", "*"), "s3vectors:QueryVectors", "wider than what is needed"),
        (allow("s3vectors:*", INDEX), "s3vectors:*", "wider than what is needed"),
        (allow("dynamodb:*", "*"), "dynamodb:*", "no recorded call and no row of the table needs any of these actions"),
        (allow("logs:PutLogEvents", "*"), "logs:PutLogEvents", "wider than what is needed"),
        (allow("logs:PutLogEvents", "arn:aws:logs:*:123456789012:log-group:g:*"), "logs:PutLogEvents", "wider than what is needed"),
        (allow("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:*:*"), "logs:PutLogEvents", "wider than what is needed"),
    ],
)  # fmt: skip
def test_what_nobody_needs(more, action, reason):
    [difference] = unneeded([role(*EXACT, more)], [QUERY], [LOGS])
    assert (difference.action, difference.resource, difference.reason) == (action, more["Resource"], reason)


def test_a_call_of_one_role_is_no_reason_for_another():
    other = replace(role(*EXACT), name="other", arn=ARN + "2")
    assert [d.role for d in unneeded([role(*EXACT), other], [QUERY], [LOGS])] == ["other"]


def test_a_call_of_a_role_that_is_not_there_is_a_mistake():
    with pytest.raises(KeyError):
        missing([], [QUERY], [])


def test_a_row_may_be_met_in_several_ways():
    either = replace(
        LOGS, resources=("arn:aws:logs:{region}:{account}:log-group:A", "arn:aws:logs:{region}:{account}:log-group:B")
    )
    b = role(allow("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:B"))
    assert missing([b], [], [either]) == unneeded([b], [], [either]) == []


def test_recorded_calls_say_the_same_of_another_stack():
    rows = generalised([QUERY], {ARN: role(*EXACT)})
    assert rows == (
        Need(
            "lambda.amazonaws.com",
            "function:bridge",
            "s3vectors:QueryVectors",
            ("arn:{partition}:s3vectors:{region}:{account}:bucket/{name}/index/{name}",),
            "",
            "recorded in the local stack",
        ),
    )
    elsewhere = "arn:aws-cn:s3vectors:cn-north-1:999999999999:bucket/other/index/j"
    other = role(allow("s3vectors:QueryVectors", elsewhere), arn="")
    assert missing([other], [], rows) == unneeded([other], [], rows) == []
    assert len(missing([role(arn="")], [], rows)) == 1
    wide = role(allow("s3vectors:QueryVectors", "arn:aws:s3vectors:us-east-1:123456789012:bucket/b/index/*"), arn="")
    assert [d.reason for d in unneeded([wide], [], rows)] == ["wider than what is needed"]
    another = role(allow("s3vectors:QueryVectors", elsewhere), arn="", uses=frozenset({"function:worker"}))
    assert len(unneeded([another], [], rows)) == 1


def test_a_model_is_needed_by_functions_that_embed_and_by_no_other():
    model = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0"
    embedding = role(
        *EXACT, allow("bedrock:InvokeModel", model), uses=frozenset({"function:bridge", "function-embeds"})
    )
    rows = generalised([Call(ARN, "bedrock:InvokeModel", model)], {ARN: embedding})
    assert [(row.use, row.action) for row in rows] == [("function-embeds", "bedrock:InvokeModel")]
    assert missing([role(*EXACT, arn="")], [], rows) == []
    assert [d.action for d in missing([replace(role(*EXACT, arn=""), uses=embedding.uses)], [], rows)] == [
        "bedrock:InvokeModel"
    ]


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:lambda:us-east-1:123456789012:function:f:live", "arn:{partition}:lambda:{region}:{account}:function:{name}:{name}"),
        ("arn:aws:lambda:us-east-1:123456789012:function:f", "arn:{partition}:lambda:{region}:{account}:function:{name}"),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0", "arn:{partition}:bedrock:{region}::foundation-model/{name}"),
        ("arn:aws:ssm:us-east-1:123456789012:parameter/a/b", "arn:{partition}:ssm:{region}:{account}:parameter/{name}"),
        ("arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-1-Ab", "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}"),
        ("arn:aws:s3:::b/k/l", "arn:{partition}:s3:::{name}"),
        ("*", "*"),
    ],
)  # fmt: skip
def test_the_shape_of_an_arn(arn, expected):
    assert shape(arn) == expected


def test_an_arn_of_no_known_shape_is_refused():
    with pytest.raises(ValueError, match=r"needs\.py"):
        shape("arn:aws:dynamodb:us-east-1:123456789012:table/t")


def test_the_tables_can_be_read_and_name_their_sources():
    rows = needs.all_known()
    assert len(rows) >= 30
    assert all(row.source and row.service.endswith(".amazonaws.com") and ":" in row.action for row in rows)
    assert all("?" not in resource for row in rows for resource in row.resources)


def test_a_table_without_a_source_is_refused(tmp_path):
    file = tmp_path / "t.toml"
    file.write_text('[[need]]\nservice = "x.amazonaws.com"\nactions = ["a:B"]\nresources = ["*"]\n')
    with pytest.raises(ValueError, match="source"):
        needs.read(file)
