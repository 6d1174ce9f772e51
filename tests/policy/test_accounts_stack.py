"""Which accounts the policies of a stack name."""

import json
from typing import Any

from isolation.rule import Resource
from tests.policy.stages import hidden, judged
from tests.policy.support import UNKNOWN, resource

_RULE = "policy-names-known-accounts"
_OWN, _OTHER = "123456789012", "210987654321"


def _document(*principals: Any) -> str:
    found = [{"Effect": "Allow", "Principal": each, "Action": "kms:*", "Resource": "*"} for each in principals]
    return json.dumps({"Statement": found})


def _root(account: str) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{account}:root"}


def _key(*principals: Any, name: str = "key", **properties: Any) -> Resource:
    return resource("kms/key", {"policy": _document(*principals), **properties}, name)


def test_the_stack_s_own_account_passes() -> None:
    assert judged(_RULE, [_key(_root(_OWN)), _key(_root(_OWN), {"Service": "sns.amazonaws.com"}, name="two")]) == []


def test_another_account_is_found_in_every_spelling() -> None:
    strangers = [_root(_OTHER), {"AWS": _OTHER}, {"AWS": [f"arn:aws:sts::{_OTHER}:assumed-role/one/two"]}]
    stack = [_key(_root(_OWN), _root(_OWN), _root(_OWN), _root(_OWN), name="own"), _key(*strangers)]
    expected = [("key", f"policy.Statement[{n}].Principal.AWS{'[0]' if n == 2 else ''}", "names another account") for n in range(3)]  # fmt: skip
    assert judged(_RULE, stack) == expected
    assert judged(_RULE, hidden(stack)) == expected


def test_the_arns_of_resources_say_which_account_is_the_stack_s() -> None:
    made = resource("sqs/queue", {"arn": f"arn:aws:sqs:eu-west-1:{_OWN}:one"}, "made")
    assert [name for name, *_ in judged(_RULE, [_key(_root(_OTHER), _root(_OTHER)), made])] == ["key", "key"]


def test_conditions_say_which_account_is_the_stack_s() -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": _OWN}},
    }
    key = resource("kms/key", {"policy": json.dumps({"Statement": [statement]})}, "own")
    assert [name for name, *_ in judged(_RULE, [key, _key(_root(_OTHER))])] == ["key"]


def test_a_declared_account_passes() -> None:
    stack = [_key(_root(_OWN), _root(_OWN), name="own"), _key(_root(_OTHER))]
    assert judged(_RULE, stack, accounts=[_OTHER]) == []


def test_trust_and_grants_of_keys_are_read_and_other_grants_left_to_their_own_rule() -> None:
    own = _key(_root(_OWN), _root(_OWN), _root(_OWN), _root(_OWN), name="own")
    snapshot = resource("rds/clusterSnapshot", {"sharedAccounts": [_OWN, _OTHER]}, "snapshot")
    grant = resource(
        "kms/grant", {"granteePrincipal": f"arn:aws:iam::{_OTHER}:role/one", "operations": ["Decrypt"]}, "grant"
    )
    trust = resource("iam/role", {"assumeRolePolicy": _document(_root(_OTHER))}, "role")
    assert judged(_RULE, [own, snapshot, grant, trust]) == [
        ("grant", "granteePrincipal", "names another account"),
        ("role", "assumeRolePolicy.Statement[0].Principal.AWS", "names another account"),
    ]


def test_what_is_unknown_or_no_document_or_denied_is_passed_over() -> None:
    denied = json.dumps({"Statement": [{"Effect": "Deny", "Principal": {"AWS": _OTHER}}]})
    others = [
        resource("kms/key", {"policy": text}, name)
        for name, text in {"unknown": UNKNOWN, "broken": "{", "denied": denied}.items()
    ]
    assert judged(_RULE, [_key(_root(_OWN)), *others]) == []


def test_among_many_the_one_is_found() -> None:
    many = [_key(_root(_OTHER if n == 77 else _OWN), name=f"key{n}") for n in range(200)]
    assert [name for name, *_ in judged(_RULE, many)] == ["key77"]


def test_what_sends_data_to_another_account_is_found() -> None:
    def arn(service: str) -> str:
        return f"arn:aws:{service}:eu-west-1:{_OTHER}:one"

    own = _key(_root(_OWN), arn=f"arn:aws:kms:eu-west-1:{_OWN}:key/1")
    senders = [
        resource("cloudwatch/logSubscriptionFilter", {"destinationArn": arn("logs")}, "filter"),
        resource("sns/topicSubscription", {"endpoint": arn("sqs")}, "subscription"),
        resource("scheduler/schedule", {"target": {"arn": arn("sqs")}}, "schedule"),
        resource(
            "backup/plan",
            {
                "rules": [
                    {"copyActions": [{"destinationVaultArn": f"arn:aws:backup:eu-west-1:{_OTHER}:backup-vault:v"}]}
                ]
            },
            "plan",
        ),
        resource("cloudwatch/eventTarget", {"arn": f"arn:aws:sqs:eu-west-1:{_OWN}:one"}, "target"),
        resource("sns/topicSubscription", {"endpoint": "someone@example.org"}, "mail"),
        resource("ec2/flowLog", {"logDestination": UNKNOWN}, "flows"),
    ]
    assert [(name, path) for name, path, _ in judged(_RULE, [own, *senders])] == [
        ("filter", "destinationArn"),
        ("subscription", "endpoint"),
        ("schedule", "target.arn"),
        ("plan", "rules[0].copyActions[0].destinationVaultArn"),
    ]


def test_acting_on_things_of_another_account_is_found() -> None:
    def allowed(account: str) -> str:
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::{account}:role/one"}
        return json.dumps({"Statement": [statement]})

    own = _key(_root(_OWN), arn=f"arn:aws:kms:eu-west-1:{_OWN}:key/1")
    policies = [resource("iam/rolePolicy", {"policy": allowed(account)}, account) for account in (_OWN, _OTHER)]
    assert judged(_RULE, [own, *policies]) == [(_OTHER, "policy.Statement[0].Resource", "names another account")]
