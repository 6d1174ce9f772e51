"""Ways past the network: credentials in a plan, services that nobody reads, logs without a group, things of strangers."""

from typing import Any

import pytest

from isolation.registry import RULES
from isolation.rule import ResourceRule
from isolation.rules.services import HARMLESS, READ
from tests.policy.stages import hidden, judged
from tests.policy.support import UNKNOWN, resource
from tests.policy.test_unread import typed

# Put together so that nobody takes it for a key.
ACCESS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"

# ---- credentials

STRAY, HOLDS = "no-stray-credentials", "holds a credential"


@pytest.mark.parametrize(
    ("token", "properties", "path"),
    [
        ("aws:rds/cluster:Cluster", {"tags": {"Name": "one", "password": "correct-horse"}}, "tags.password"),
        ("aws:kms/key:Key", {"description": f"for {ACCESS_KEY}"}, "description"),
        ("aws:lambda/invocation:Invocation", {"input": '{"url":"https://me:horse@one.example"}'}, "input"),
        ("aws:rds/cluster:Cluster", {"description": "psql postgresql://me:horse@one.example/docs"}, "description"),
        ("aws:rds/cluster:Cluster", {"description": "host=one password=horse"}, "description"),
        ("aws:rds/cluster:Cluster", {"description": "-----BEGIN " + "PRIVATE KEY-----"}, "description"),
        ("command:local:Command", {"environment": {"PGPASSWORD": "correct-horse"}}, "environment.PGPASSWORD"),
        ("pulumi:providers:aws", {"region": "eu-west-1", "secretKey": "correct-horse"}, "secretKey"),
        ("aws:sns/topic:Topic", {"a": [UNKNOWN, {"b": [f"x {ACCESS_KEY}"]}]}, "a[1].b[0]"),
    ],
)
def test_a_credential_is_found_wherever_it_stands(token: str, properties: dict[str, Any], path: str) -> None:
    stack = [typed("aws:ec2/vpc:Vpc", {"tags": {"Name": "one"}}), typed(token, properties)]
    assert judged(STRAY, stack) == [("thing", path, HOLDS)]
    assert judged(STRAY, hidden(stack)) == [("thing", path, HOLDS)]


def test_names_arns_and_what_is_unknown_are_no_credentials() -> None:
    harmless = {
        "tags": {"token": UNKNOWN, "password": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:one"},
        "environment": {
            "VECTORDB_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:one",
            "PORT": 5432,
        },
        "description": "The password is in Secrets Manager",
    }
    assert judged(STRAY, [typed("command:local:Command", harmless)] * 50) == []
    assert judged(STRAY, []) == []


def test_what_rules_of_their_own_look_at_is_theirs() -> None:
    function = typed("aws:lambda/function:Function", {"environment": {"variables": {"KEY": ACCESS_KEY}}})
    assert judged(STRAY, [function]) == []


# ---- services

SERVICES, UNREAD = "services-are-read", "is of a service that no rule here reads"


@pytest.mark.parametrize("service", ["appflow", "quicksight", "rolesanywhere", "quantum"])
def test_a_resource_of_a_service_that_nobody_reads_is_found(service: str) -> None:
    stack = [typed("aws:ec2/vpc:Vpc"), typed(f"aws:{service}/thing:Thing", {"any": UNKNOWN})]
    assert judged(SERVICES, stack) == [("thing", "", UNREAD)]
    assert judged(SERVICES, hidden(stack)) == [("thing", "", UNREAD)]
    assert judged(SERVICES, stack, services=[service]) == []


def test_services_that_rules_read_others_that_do_no_harm_and_other_packages_pass() -> None:
    tokens = ("aws:budgets/budget:Budget", "aws:rds/cluster:Cluster", "aws:index:Thing", "vectordb:index:Network")
    assert judged(SERVICES, [typed(token) for token in tokens if token != "aws:index:Thing"]) == []


def test_every_type_that_a_rule_knows_is_of_a_service_that_is_read() -> None:
    checked = {token for rule in RULES if isinstance(rule, ResourceRule) for token in rule.checks}
    # Of these, rules know one type, and not what else the services have.
    partly = {"imagebuilder", "quicksight", "rolesanywhere", "workspaces"}
    assert {token.split(":")[1].partition("/")[0] for token in checked} - READ - HARMLESS - partly == set()


# ---- log groups

GROUPS, NOBODY = "log-group-declared", "goes to a log group that nobody declared"
EXPORTS = {"enabledCloudwatchLogsExports": ["postgresql", UNKNOWN]}
DATABASES = [
    ("rds/cluster", {"clusterIdentifier": "one", **EXPORTS}, "/aws/rds/cluster/one/postgresql"),
    ("rds/instance", {"identifier": "one", **EXPORTS}, "/aws/rds/instance/one/postgresql"),
]


@pytest.mark.parametrize(("path", "properties", "name"), DATABASES)
def test_a_database_s_log_needs_its_group(path: str, properties: dict[str, Any], name: str) -> None:
    database, group = resource(path, properties), resource("cloudwatch/logGroup", {"name": name}, "group")
    expected = [("thing", "enabledCloudwatchLogsExports[0]", NOBODY)]
    assert judged(GROUPS, [database]) == expected
    assert judged(GROUPS, hidden([database, resource("cloudwatch/logGroup", {"name": "/other"}, "other")])) == expected
    assert judged(GROUPS, [database, group]) == []
    assert judged(GROUPS, [database], groups=[name]) == []


@pytest.mark.parametrize(
    ("properties", "group", "found"),
    [
        ({"name": "one", "loggingConfig": {"logGroup": "/mine"}}, "/mine", False),
        ({"name": "one", "loggingConfig": {"logGroup": "/mine"}}, "/other", True),
        ({"name": "one"}, "/aws/lambda/one", False),
        ({"name": "one"}, "/aws/lambda/two", True),
        ({"name": "one", "loggingConfig": {"logGroup": UNKNOWN}}, "/other", False),
        ({"name": "one"}, UNKNOWN, False),
        ({}, "/other", False),
    ],
)
def test_a_function_s_log_needs_its_group(properties: dict[str, Any], group: str, found: bool) -> None:
    stack = [resource("lambda/function", properties), resource("cloudwatch/logGroup", {"name": group}, "group")] * 20
    assert judged(GROUPS, stack) == [("thing", "loggingConfig.logGroup", NOBODY)] * 20 * found


# ---- things of other accounts

ACCOUNTS, ANOTHER, OWN, OTHER = "policy-names-known-accounts", "names another account", "123456789012", "210987654321"


@pytest.mark.parametrize(
    ("path", "properties", "where"),
    [
        ("rds/cluster", {"kmsKeyId": f"arn:aws:kms:eu-west-1:{OTHER}:key/1"}, "kmsKeyId"),
        ("lambda/function", {"layers": [UNKNOWN, f"arn:aws:lambda:eu-west-1:{OTHER}:layer:one:1"]}, "layers[1]"),
        ("lambda/function", {"imageUri": f"{OTHER}.dkr.ecr.eu-west-1.amazonaws.com/one:1"}, "imageUri"),
        ("s3/inventory", {"destination": {"bucket": {"accountId": OTHER}}}, "destination.bucket.accountId"),
        ("dlm/lifecyclePolicy", {"targetAccounts": [OTHER]}, "targetAccounts[0]"),
        ("lambda/permission", {"principal": "s3.amazonaws.com", "sourceArn": f"arn:aws:sns:eu-west-1:{OTHER}:one"}, "sourceArn"),
    ],
)  # fmt: skip
def test_whatever_is_of_another_account_is_found(path: str, properties: dict[str, Any], where: str) -> None:
    own = resource("sqs/queue", {"arn": f"arn:aws:sqs:eu-west-1:{OWN}:one"}, "own")
    stack = [own, resource(path, properties)]
    assert judged(ACCOUNTS, stack) == [("thing", where, ANOTHER)]
    assert judged(ACCOUNTS, hidden(stack)) == [("thing", where, ANOTHER)]
    assert judged(ACCOUNTS, stack, accounts=[OTHER]) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"AWS:PrincipalAccount": OTHER}},
        {"ArnLike": {"aws:PrincipalArn": ["arn:aws:iam::123456789012:role/one", f"arn:aws:iam::{OTHER}:role/*"]}},
    ],
)
def test_a_condition_that_lets_another_account_through_is_found(condition: dict[str, Any]) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*", "Condition": condition}
    own = resource("sqs/queue", {"arn": f"arn:aws:sqs:eu-west-1:{OWN}:one"}, "own")
    for effect, found in (("Allow", 1), ("Deny", 0)):
        key = resource("kms/key", {"policy": {"Statement": [statement | {"Effect": effect}]}}, "key")
        assert [(name, problem) for name, _, problem in judged(ACCOUNTS, [own, key])] == [("key", ANOTHER)] * found


def test_words_about_a_resource_and_numbers_that_are_no_accounts_pass() -> None:
    own = resource("sqs/queue", {"arn": f"arn:aws:sqs:eu-west-1:{OWN}:one"}, "own")
    words = {"description": f"arn:aws:iam::{OTHER}:root", "tags": {"account": OTHER}, "threshold": OTHER}
    assert judged(ACCOUNTS, [own, resource("cloudwatch/metricAlarm", words)]) == []
