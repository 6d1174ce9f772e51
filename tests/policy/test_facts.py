"""Facts about a stack: from a plan, from a state, from whatever else; and what is known only after `pulumi up`."""

import io
import json
import re
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isolation import __main__ as command
from isolation.facts.unknowns import to_check
from isolation.facts.whole import facts
from isolation.loading import NoPlanError, load
from isolation.registry import RULES
from isolation.rule import StackRule, aws
from tests.policy.cases import CASES
from tests.policy.support import UNKNOWN, secret
from tests.policy.test_any_input import ANYTHING, leaves

KEYS = {
    "version", "exposure", "nodes", "vpcs", "flows", "missing_flows", "stores", "access", "to_check", "errors",
}  # fmt: skip
TYPES = sorted({aws(case.type) for case in CASES})
STACK_RULES = [rule for rule in RULES if isinstance(rule, StackRule)]


def entry(token, inputs, name="thing", **others):
    return {"urn": f"urn:pulumi:dev::vectordb::{token}::{name}", "type": token, "inputs": inputs, **others}


def loaded(*entries, **others):
    return load(json.dumps({"resources": list(entries), **others}))


# ---- reading


def test_a_plan():
    group = entry(
        aws("ec2/securityGroup"),
        {"vpcId": UNKNOWN, "tags": "[secret]", "description": secret("hunter2")},
        parent="urn:parent",
        propertyDependencies={"vpcId": ["urn:vpc"]},
        protect=True,
        ignoreChanges=["tags"],
    )
    [resource] = loaded(group).stack.resources
    assert (resource.name, resource.parent, resource.protect, resource.ignored) == (
        "thing",
        "urn:parent",
        True,
        ("tags",),
    )
    assert resource.references == {"vpcId": ("urn:vpc",)}
    assert [resource.at(key).unknown for key in ("vpcId", "tags", "description")] == [True] * 3


def test_a_state():
    hidden = {**secret(None), "ciphertext": "v1:hunter2"}
    del hidden["value"]
    arn = "arn:aws:kms:us-east-1:123456789012:key/1"
    key = entry(aws("kms/key"), {"policy": "{}"}, id="key-1", outputs={"arn": arn, "policy": hidden, "keyId": "1"})
    gone = entry(aws("kms/key"), {}, "gone", delete=True)
    read = load(json.dumps({"version": 3, "deployment": {"resources": [key, gone]}}))
    [resource] = read.stack.resources
    assert (resource.at("id").text, resource.at("keyId").text, resource.at("policy").unknown) == ("key-1", "1", True)
    assert read.account == "123456789012"


def test_what_a_plan_presumes():
    role = entry(aws("iam/role"), {"assumeRolePolicy": UNKNOWN, "name": "r"})
    read = loaded(
        role,
        presumed={
            "properties": {role["urn"]: {"assumeRolePolicy": "{}"}},
            "identifiers": {"1": "x.id"},
            "account": "7",
        },
    )
    assert read.stack.resources[0].at("assumeRolePolicy").text == "{}"
    assert read.presumed == {(role["urn"], "assumeRolePolicy")}
    assert (read.identifiers, read.account) == ({"1": "x.id"}, "7")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[]", "no object"),
        ("null", "no object"),
        ("{}", "no list of resources"),
        ('{"resources": {}}', "no list of resources"),
        ('{"deployment": 7}', "no list of resources"),
        ("[" * 100_000, "too deeply"),
    ],
)
def test_what_is_neither_a_plan_nor_a_state(text, why):
    with pytest.raises(NoPlanError, match=why):
        load(text)


def run(monkeypatch, capsys, content):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    code = command.main()
    return code, *capsys.readouterr()


def test_the_command_writes_facts(monkeypatch, capsys):
    code, out, err = run(monkeypatch, capsys, b'{"resources": []}')
    assert (code, err) == (0, "")
    assert set(json.loads(out)) >= KEYS


def test_the_command_refuses_in_one_line(monkeypatch, capsys):
    code, out, err = run(monkeypatch, capsys, b'{"secret": "hunter2", "\xff')
    assert (code, out, err) == (2, "", "No facts: the text is no JSON.\n")


# ---- what is known only after `pulumi up`


def test_unknown_properties_that_rules_read():
    key = entry(aws("kms/key"), {}, "key")
    cluster = entry(
        aws("rds/cluster"), {"kmsKeyId": UNKNOWN, "nobodyReadsThis": UNKNOWN}, propertyDependencies={"kmsKeyId": [key["urn"]]}
    )  # fmt: skip
    group = entry(aws("ec2/securityGroup"), {"ingress": [{"cidrBlocks": [UNKNOWN, "10.0.0.0/8"]}]}, "group")
    found = {(row["name"], row["property"]): row for row in to_check(loaded(key, cluster, group), RULES)}
    assert set(found) == {("group", "ingress[0].cidrBlocks[0]"), ("thing", "kmsKeyId")}
    assert "security-group-ingress-private" in found["group", "ingress[0].cidrBlocks[0]"]["rules"]
    assert found["thing", "kmsKeyId"]["refers_to"] == ["key"]


def test_a_presumed_document_is_to_be_checked_too():
    endpoint = entry(aws("ec2/vpcEndpointPolicy"), {"policy": UNKNOWN})
    presumed = {
        "properties": {endpoint["urn"]: {"policy": '{"Statement": []}'}, "urn:of-another-plan": {"policy": "{}"}}
    }
    [row] = to_check(loaded(endpoint, presumed=presumed), RULES)
    assert (row["property"], row["presumed"]) == ("policy", True)
    assert row["rules"]


def test_what_is_known_is_not_to_be_checked():
    assert to_check(loaded(entry(aws("ec2/securityGroup"), {"ingress": [{"cidrBlocks": ["0.0.0.0/0"]}]})), RULES) == []


# ---- whatever comes


anything = leaves | st.lists(leaves, max_size=3) | ANYTHING
entries = st.lists(
    st.builds(
        entry,
        st.sampled_from(TYPES),
        ANYTHING,
        st.sampled_from("abc"),
        propertyDependencies=ANYTHING,
        outputs=anything,
    )
    | anything,
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(entries, anything)
def test_any_json_has_facts(resources, presumed):
    read = loaded(*resources, presumed=presumed)
    told = facts(read)
    assert set(told) >= KEYS
    assert told["errors"] == []
    json.dumps(told)
    for rule in STACK_RULES:
        for _, finding in rule.findings(read.stack):
            assert "could not be judged" not in finding.problem


@pytest.mark.parametrize("depth", [50, 200, 400, 900])
def test_what_is_nested_deeply_ends_in_an_answer_or_a_refusal(depth):
    nested = json.loads("[" * depth + "]" * depth)
    document = json.dumps({"Statement": nested})
    entries = [entry(aws("iam/role"), {"inlinePolicies": nested, "assumeRolePolicy": document}) for _ in range(2)]
    try:
        read = loaded(*entries)
    except NoPlanError:
        return
    assert set(facts(read)) >= KEYS


PLANTED = "hunter2 correct/horse!"


def planted(value):
    """`value` with a secret in place of every string, and within every policy document."""
    if isinstance(value, dict):
        return {key: planted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [planted(item) for item in value]
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.dumps(planted(json.loads(value)))
        except ValueError:
            return PLANTED
    return PLANTED if isinstance(value, str) and not re.fullmatch("Allow|Deny|ingress|egress|[0-9]+", value) else value


@pytest.mark.parametrize("secrets", ["plain", "wrapped"])
def test_no_secret_is_told(secrets):
    entries = [
        entry(
            aws(case.type), planted(case.properties) if secrets == "plain" else secret_leaves(case.properties), f"r{n}"
        )
        for n, case in enumerate(CASES)
    ]
    read = loaded(*entries)
    told = facts(read)
    assert told["errors"] == []
    assert PLANTED not in json.dumps(told)
    said = [str(finding) for rule in STACK_RULES for _, finding in rule.findings(read.stack)]
    assert PLANTED not in "".join(said)


def secret_leaves(value):
    if isinstance(value, dict):
        return {key: secret_leaves(item) for key, item in value.items()}
    if isinstance(value, list):
        return [secret_leaves(item) for item in value]
    return secret(PLANTED)
