"""Doors past the rules: other providers, commands, ignored changes, a provider that asks somebody else."""

from dataclasses import replace
from typing import Any

import pytest

from isolation.rule import Resource
from tests.policy.stages import hidden, judged
from tests.policy.support import UNKNOWN, resource

OWN = 'exec "${VECTORDB_PYTHON:-.venv/bin/python}" -m vectordb '


def typed(token: str, properties: dict[str, Any] | None = None) -> Resource:
    return replace(resource("ec2/vpc", properties or {}), type=token)


PROVIDERS = "providers-are-read"


@pytest.mark.parametrize(
    "token",
    [
        "aws-native:ec2:SecurityGroup",
        "awscc:ec2/securityGroup:SecurityGroup",
        "eks:index:Cluster",
        "kubernetes:core/v1:Service",
        "pulumi-python:dynamic:Resource",
        "pulumi-nodejs:dynamic:Resource",
    ],
)
def test_a_resource_of_a_provider_that_no_rule_reads_is_found(token: str) -> None:
    expected = [("thing", "", "is of a provider whose resources no rule here reads")]
    assert judged(PROVIDERS, [typed(token), typed("aws:ec2/vpc:Vpc")]) == expected
    assert judged(PROVIDERS, hidden([typed(token, {"anything": UNKNOWN})])) == expected
    assert judged(PROVIDERS, [typed(token)], packages=[token.partition(":")[0]]) == []


def test_resources_and_components_of_this_program_pass() -> None:
    tokens = (
        "aws:ec2/vpc:Vpc",
        "vectordb:index:Network",
        "command:local:Command",
        "pulumi:pulumi:Stack",
        "pulumi:providers:aws",
    )
    assert judged(PROVIDERS, [typed(token) for token in tokens for _ in range(200)]) == []
    assert judged(PROVIDERS, []) == []


COMMANDS = "commands-declared"
FOREIGN = "is a command that the setting commands does not name"


@pytest.mark.parametrize("key", ["create", "update", "delete"])
@pytest.mark.parametrize(
    "script",
    [
        "aws ec2 authorize-security-group-ingress --group-id sg-1 --cidr 0.0.0.0/0",
        f"{OWN}migrate apply; aws ec2 create-internet-gateway",
        f"{OWN}migrate apply && aws ec2 create-internet-gateway",
        f"{OWN}migrate $(aws ec2 create-internet-gateway)",
        f"{OWN}migrate `aws ec2 create-internet-gateway`",
        f"{OWN}migrate apply\naws ec2 create-internet-gateway",
        f" {OWN}migrate apply",
        7,
    ],
)
def test_a_command_that_is_not_the_program_s_own_is_found(script: Any, key: str) -> None:
    command = typed("command:local:Command", {"create": f"{OWN}migrate apply", key: script})
    assert judged(COMMANDS, [command]) == [("thing", key, FOREIGN)]
    assert judged(COMMANDS, hidden([command])) == [("thing", key, FOREIGN)]


def test_the_program_s_own_commands_pass() -> None:
    command = typed("command:local:Command", {"create": f"{OWN}migrate apply", "delete": UNKNOWN})
    assert judged(COMMANDS, [command] * 500) == []
    elsewhere = OWN.replace(".venv/bin/python", "../../.venv/bin/python")
    assert judged(COMMANDS, [typed("command:local:Command", {"create": f"{elsewhere}indexes apply"})]) == []
    assert judged(COMMANDS, [typed("command:local:Command")]) == []
    assert judged(COMMANDS, [typed("command:local:Command", {"create": "make x"})], commands=["make "]) == []
    assert judged(COMMANDS, [typed("command:local:Command", {"create": "make x"})], commands=[""]) != []


def test_a_command_on_another_machine_is_found() -> None:
    found = judged(COMMANDS, [typed("command:remote:Command", {"create": f"{OWN}migrate apply"})])
    assert found == [("thing", "", "runs commands on another machine")]


IGNORED = "doors-not-ignored"


@pytest.mark.parametrize(
    ("path", "ignored", "where"),
    [
        ("ec2/securityGroup", "ingress", "ingress"),
        ("ec2/securityGroup", "ingress[0].cidrBlocks", "ingress"),
        ("ec2/securityGroup", '["egress"]', "egress"),
        ("vpc/securityGroupIngressRule", "cidrIpv4", "cidrIpv4"),
        ("ec2/routeTable", "routes", "routes"),
        ("ec2/networkAcl", "*", ""),
        ("ec2/vpcEndpointPolicy", "policy", "policy"),
        ("ec2/instance", "metadataOptions.httpTokens", "metadataOptions"),
        ("kms/key", "policy", "policy"),
    ],
)
def test_a_door_whose_changes_are_ignored_is_found(path: str, ignored: str, where: str) -> None:
    judged_ = [replace(resource(path, {"ingress": UNKNOWN}), ignored=("tags", ignored))]
    assert judged(IGNORED, judged_) == [("thing", where, "is of those whose changes are ignored")]
    assert judged(IGNORED, hidden(judged_)) == [("thing", where, "is of those whose changes are ignored")]


def test_changes_of_other_things_may_be_ignored() -> None:
    harmless = [
        replace(resource("ec2/defaultNetworkAcl", {}), ignored=("subnetIds",)),
        replace(resource("ec2/subnet", {}), ignored=("availabilityZone",)),
        replace(resource("rds/cluster", {}), ignored=("engineVersion", "ingressRules")),
        replace(resource("ec2/vpc", {}), ignored=("ingress",)),
    ]
    assert judged(IGNORED, harmless * 250) == []


PROVIDER = "provider-asks-aws"


@pytest.mark.parametrize(
    ("properties", "path", "problem"),
    [
        ({"insecure": True}, "insecure", "lets the provider accept any certificate"),
        ({"insecure": "true"}, "insecure", "lets the provider accept any certificate"),
        ({"endpoints": [{"ec2": "http://elsewhere"}]}, "endpoints", "sends the provider's requests somewhere else"),
        ({"endpoints": '[{"s3":"http://x"}]'}, "endpoints", "sends the provider's requests somewhere else"),
    ],
)
def test_a_provider_that_asks_somebody_else_is_found(properties: dict[str, Any], path: str, problem: str) -> None:
    provider = typed("pulumi:providers:aws", properties)
    assert judged(PROVIDER, [provider]) == [("thing", path, problem)]
    assert judged(PROVIDER, hidden([provider])) == [("thing", path, problem)]


@pytest.mark.parametrize(
    "properties", [{}, {"insecure": "false", "endpoints": "[]"}, {"insecure": UNKNOWN, "endpoints": UNKNOWN}]
)
def test_a_provider_that_asks_aws_passes(properties: dict[str, Any]) -> None:
    assert judged(PROVIDER, [typed("pulumi:providers:aws", properties), typed("aws:ec2/vpc:Vpc", {"insecure": True})]) == []  # fmt: skip
