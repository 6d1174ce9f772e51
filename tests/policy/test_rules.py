"""Each case, then what holds for every rule whatever it checks."""

import re
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pulumi_aws
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_policy import Severity

import isolation.rules
from isolation.registry import RULES
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, StackRule, aws
from isolation.stack import Stack
from tests.policy.cases import CASES, COMPLIANT, VIOLATING, Case
from tests.policy.support import (
    NAME,
    UNKNOWN,
    found,
    messages,
    plain_resource,
    resource,
    resource_rule,
    secret,
    stack_rule,
)

RESOURCE_RULES = [rule for rule in RULES if isinstance(rule, ResourceRule)]
CHECKS = [pytest.param(rule, token, id=f"{rule.id}-{token}") for rule in RESOURCE_RULES for token in rule.checks]


def mapped(value: Any, leaf: Any) -> Any:
    """`value` with `leaf` applied to everything that is neither an object nor a list."""
    if isinstance(value, dict):
        return {key: mapped(item, leaf) for key, item in value.items()}
    if isinstance(value, list):
        return [mapped(item, leaf) for item in value]
    return leaf(value)


# ---- the cases


@pytest.mark.parametrize("case", VIOLATING, ids=str)
def test_a_violation_is_found(case: Case) -> None:
    assert found(case.rule, case.type, case.properties) == list(case.found)


@pytest.mark.parametrize("case", COMPLIANT, ids=str)
def test_what_is_harmless_passes(case: Case) -> None:
    assert found(case.rule, case.type, case.properties) == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_plain_dicts_are_judged_as_the_sdk_s_proxies_are(case: Case) -> None:
    rule = resource_rule(case.rule)
    assert messages(rule, plain_resource(case.type, case.properties)) == messages(
        rule, resource(case.type, case.properties)
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_secret_is_judged_as_what_it_holds(case: Case) -> None:
    hidden = mapped(case.properties, secret)
    assert found(case.rule, case.type, hidden) == list(case.found)
    rule = resource_rule(case.rule)
    assert messages(rule, plain_resource(case.type, hidden)) == messages(rule, resource(case.type, case.properties))


@pytest.mark.parametrize("case", [case for case in VIOLATING if not case.about_absence], ids=str)
def test_an_unknown_beside_it_hides_no_violation(case: Case) -> None:
    def with_unknowns(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: with_unknowns(item) for key, item in value.items()} | {"tags": UNKNOWN, "region": UNKNOWN}
        return [*map(with_unknowns, value), UNKNOWN] if isinstance(value, list) else value

    assert found(case.rule, case.type, with_unknowns(case.properties)) == list(case.found)


@pytest.mark.parametrize("case", [case for case in VIOLATING if case.about_absence], ids=str)
def test_an_unknown_element_may_be_the_one_that_is_missed(case: Case) -> None:
    extended = {key: [*value, UNKNOWN] if isinstance(value, list) else value for key, value in case.properties.items()}
    assert found(case.rule, case.type, extended) == []


@pytest.mark.parametrize("case", [case for case in CASES if case.properties], ids=str)
def test_no_value_is_repeated_unless_it_is_a_cidr_block(case: Case) -> None:
    replaced = mapped(case.properties, lambda value: "hunter2" if isinstance(value, str) else value)
    judged = resource(case.type, replaced)
    assert "hunter2" not in "".join(messages(resource_rule(case.rule), judged))
    spoken = "".join(messages(resource_rule(case.rule), resource(case.type, case.properties)))
    assert "correct horse" not in spoken
    assert "arn:aws" not in spoken


# ---- every rule


@pytest.mark.parametrize(("rule", "token"), CHECKS)
def test_a_resource_of_which_nothing_is_known_is_not_judged(rule: ResourceRule, token: str) -> None:
    """Unless being there is the violation, or the exemption."""
    present = {rule.id for rule in RESOURCE_RULES if rule.id in ("no-internet-gateway", "no-default-network")}
    present_types = {aws(path) for path in ("ec2/eip", "ec2/eipAssociation", "ec2/natGatewayEipAssociation")}

    class Everything(dict[str, Any]):
        def __missing__(self, key: str) -> str:
            return UNKNOWN

    unknown = Resource(token, NAME, f"urn:{NAME}", Everything())
    expected = int(rule.id in present or token in present_types)
    assert len(list(rule.findings(unknown))) == expected


@pytest.mark.parametrize(("rule", "token"), CHECKS)
def test_each_check_has_a_violation_and_a_harmless_neighbour(rule: ResourceRule, token: str) -> None:
    violating = {(case.rule, aws(case.type)) for case in VIOLATING}
    assert (rule.id, token) in violating


@pytest.mark.parametrize("rule", RESOURCE_RULES, ids=lambda rule: rule.id)
def test_each_rule_has_a_compliant_case(rule: ResourceRule) -> None:
    if rule.id == "no-default-network":  # being there is the violation
        return
    assert rule.id in {case.rule for case in COMPLIANT}


names = st.sampled_from(
    sorted(
        {
            word
            for case in CASES
            for word in re.findall(r"[A-Za-z0-9:]+", repr(case.properties))
            if not word[0].isdigit()
        }
        | {"Statement", "Effect", "Principal", "AWS", "Action", "Resource", "Condition", "Bool", "aws:SecureTransport"}
    )
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        [UNKNOWN, "0.0.0.0/0", "true", "{}", '{"Statement":[{}]}', "tcp", "rds.force_ssl", "igw-1", "default.x"]
    ),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(names, children, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150)
@given(st.dictionaries(names, json_values, max_size=8))
def test_any_input_is_judged_without_failing(properties: dict[str, Any]) -> None:
    """The checks digest any JSON by themselves: the net below them is not needed."""
    for rule in RESOURCE_RULES:
        for token in rule.checks:
            path = token.split(":")[1]
            for judged in (resource(path, properties), plain_resource(path, properties)):
                for finding in rule.findings(judged):
                    assert "could not be judged" not in finding.problem
                    assert rule.message(judged, finding).startswith(NAME)
    everything = [resource(token.split(":")[1], properties) for rule in RESOURCE_RULES for token in rule.checks]
    for _, finding in stack_rule("security-group-ingress-prefix-list-declared").findings(Stack(everything)):
        assert "could not be judged" not in finding.problem


def test_many_resources_are_judged_each_by_itself() -> None:
    rule = resource_rule("security-group-ingress-private")
    ports = {"protocol": "tcp", "fromPort": 1, "toPort": 1}
    groups = [
        resource(
            "ec2/securityGroup", {"ingress": [ports | {"cidrBlocks": [f"{10 if n != 777 else 11}.0.0.0/8"]}]}, f"g{n}"
        )
        for n in range(1000)
    ]
    assert [message for group in groups for message in messages(rule, group)] == [
        (
            "g777: ingress[0].cidrBlocks[0] is 11.0.0.0/8, which reaches outside private address space. "
            "Admit a security group or a private CIDR block."
        )
    ]


# ---- prefix lists that ingress names


def _named(identifier: Any, path: str = "vpc/securityGroupIngressRule") -> Resource:
    properties = {
        "vpc/securityGroupIngressRule": {"prefixListId": identifier},
        "ec2/securityGroupRule": {"type": "ingress", "prefixListIds": [identifier]},
        "ec2/securityGroup": {"ingress": [{"prefixListIds": [UNKNOWN, identifier]}]},
        "ec2/defaultSecurityGroup": {"ingress": [{"prefixListIds": [identifier]}]},
    }[path]
    return resource(path, properties)


DECLARED = resource("ec2/managedPrefixList", {"id": "pl-own", "entries": []}, "own")
UNMADE = resource("ec2/managedPrefixList", {"entries": []}, "unmade")
CLOUDFRONT = "pl-a3a144ca"


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("vpc/securityGroupIngressRule", "prefixListId"),
        ("ec2/securityGroupRule", "prefixListIds[0]"),
        ("ec2/securityGroup", "ingress[0].prefixListIds[1]"),
        ("ec2/defaultSecurityGroup", "ingress[0].prefixListIds[0]"),
    ],
)
def test_ingress_from_a_prefix_list_of_somebody_else_is_found(path: str, where: str) -> None:
    rule = stack_rule("security-group-ingress-prefix-list-declared")
    judged = _named(CLOUDFRONT, path)
    [(at, finding)] = rule.findings(Stack([DECLARED, UNMADE, judged]))
    assert at is judged
    assert rule.message(judged, finding) == (
        f"thing: {where} names a prefix list that this stack does not declare. "
        "Declare the list as an aws.ec2.ManagedPrefixList in this stack, or admit a security group."
    )


@pytest.mark.parametrize("identifier", ["pl-own", UNKNOWN, None])
def test_ingress_from_the_stack_s_own_prefix_list_passes(identifier: Any) -> None:
    rule = stack_rule("security-group-ingress-prefix-list-declared")
    assert list(rule.findings(Stack([_named(identifier), DECLARED, UNMADE]))) == []


def test_a_list_without_an_id_declares_nothing() -> None:
    rule = stack_rule("security-group-ingress-prefix-list-declared")
    assert len(list(rule.findings(Stack([_named(7.0), UNMADE])))) == 1


def test_egress_may_name_any_prefix_list() -> None:
    rule = stack_rule("security-group-ingress-prefix-list-declared")
    egress = resource("ec2/securityGroupRule", {"type": "egress", "prefixListIds": [CLOUDFRONT]})
    other = resource("vpc/securityGroupEgressRule", {"prefixListId": CLOUDFRONT})
    assert list(rule.findings(Stack([egress, other]))) == []


# ---- the net below the checks


def _failing(judged: Any) -> Any:
    yield Finding("size", "is hunter1")
    raise ValueError("hunter2")


def test_a_check_that_fails_is_a_finding_beside_what_it_found_before() -> None:
    rule = ResourceRule(id="x", title="X.", severity=Severity.LOW, remedy="Do.", checks={aws("ebs/volume"): _failing})
    assert messages(rule, resource("ebs/volume", {})) == [
        "thing: size is hunter1. Do.",
        (
            "thing could not be judged (ValueError). Correct the resource's inputs; if they are right, the rule is wrong: "
            "please report it."
        ),
    ]


def test_a_stack_check_that_fails_is_a_finding() -> None:
    def check(stack: Stack) -> Any:
        yield stack.resources[0], Finding("", "is there")
        raise KeyError("hunter2")

    rule = StackRule(id="x", title="X.", severity=Severity.LOW, remedy="Do.", check=check)
    judged = resource("ebs/volume", {})
    assert [(at, finding.problem) for at, finding in rule.findings(Stack([judged]))] == [
        (judged, "is there"),
        (None, "could not be judged (KeyError)"),
    ]


def test_other_types_are_not_looked_at() -> None:
    rule = ResourceRule(id="x", title="X.", severity=Severity.LOW, remedy="Do.", checks={aws("ebs/volume"): _failing})
    assert list(rule.findings(resource("ebs/snapshot", {}))) == []


# ---- the registry


def test_every_rule_of_every_module_is_registered_once() -> None:
    modules = sorted(path.stem for path in Path(isolation.rules.__file__).parent.glob("[!_]*.py"))
    defined = {
        value.id
        for name in modules
        for value in vars(__import__(f"isolation.rules.{name}", fromlist=["*"])).values()
        if isinstance(value, ResourceRule | StackRule)
    }
    assert sorted(rule.id for rule in RULES) == sorted(defined)
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_it_is(rule: ResourceRule | StackRule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
    assert rule.title.endswith(".")
    assert rule.remedy.endswith(".")
    assert len(set(rule.frameworks.labels())) == len(rule.frameworks.labels())
    with pytest.raises(FrozenInstanceError):
        rule.id = "other"  # type: ignore[misc]  # the assignment is what must fail


def test_labels_name_the_catalogue() -> None:
    frameworks = Frameworks(fsbp=("RDS.3",), cis=("2.3.1",), cdk_nag=("AwsSolutions-RDS2",), checkov=("CKV_AWS_16",))
    assert frameworks.labels() == ["FSBP RDS.3", "CIS 3.0.0 2.3.1", "cdk-nag AwsSolutions-RDS2", "Checkov CKV_AWS_16"]


# ---- the names that rules read are the provider's


def _source(path: str) -> str:
    """The text of the provider's module that declares a resource; importing all of them would take seconds."""
    module, _, name = path.partition("/")
    folder = {"lambda": "lambda_"}.get(module, module)
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return (Path(pulumi_aws.__path__[0]) / folder / f"{snake}.py").read_text()


@pytest.mark.parametrize(("rule", "token"), CHECKS)
def test_every_type_is_one_of_the_provider_s(rule: ResourceRule, token: str) -> None:
    assert f"'{token}'" in _source(token.split(":")[1])


@pytest.mark.parametrize("case", [case for case in CASES if case.properties], ids=str)
def test_every_property_of_a_case_is_one_of_the_provider_s(case: Case) -> None:
    """So a rule that reads a misspelt property finds nothing in its cases."""
    source = _source(case.type)
    nested = (
        (Path(pulumi_aws.__path__[0]) / case.type.split("/")[0] / "_inputs.py").read_text()
        if case.type[:6] != "lambda"
        else ""
    )

    def known(name: str, text: str) -> bool:
        return f'@pulumi.getter(name="{name}")' in text or f'pulumi.set(__self__, "{name}"' in text

    def below(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [*value, *(name for item in value.values() for name in below(item))]
        return [name for item in value for name in below(item)] if isinstance(value, list) else []

    assert [name for name in case.properties if not known(name, source)] == []
    inner = [name for key, value in case.properties.items() if key != "policy" for name in below(value)]
    assert [name for name in inner if not known(name, nested)] == []
