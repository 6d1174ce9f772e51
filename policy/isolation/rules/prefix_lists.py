"""Prefix lists hold private blocks only, and ingress names no list but the stack's own."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.declared import PRIVATE_CIDRS, private_cidrs
from isolation.reading.addresses import problem
from isolation.reading.properties import Property
from isolation.rule import Finding, Resource, ResourceRule, StackRule, aws
from isolation.rules.security_groups import INGRESS_TYPES, PREFIX_LISTS, ingress
from isolation.stack import Stack

_LIST = aws("ec2/managedPrefixList")


def _entries(pattern: str, resource: Resource) -> Iterator[Finding]:
    for cidr in resource.select(pattern):
        if wrong := problem(cidr, private_cidrs(resource.settings)):
            yield Finding(cidr.path, wrong)


PREFIX_LIST_ENTRIES = ResourceRule(
    id="prefix-list-private",
    title="Prefix lists hold private CIDR blocks only.",
    severity=Severity.CRITICAL,
    remedy="Keep private CIDR blocks in it: a security group that names the list admits all of them.",
    why=(
        "A rule that names a prefix list reads as one harmless id, and admits every block that the list holds, now and after "
        "each change of the list (Amazon VPC User Guide, Managed prefix lists). No public catalogue looks into the list."
    ),
    settings=(PRIVATE_CIDRS,),
    checks={
        _LIST: lambda resource: _entries("entries[].cidr", resource),
        aws("ec2/managedPrefixListEntry"): lambda resource: _entries("cidr", resource),
    },
)


def _is_of_something_else(stack: Stack, resource: Resource, identifier: Property) -> bool:
    """Whether an unknown id is made of other resources and of no list: of the S3 endpoint's `prefixListId`, say.

    That can be told where the property is the resource's own; within an inline rule everything is mixed.
    """
    made_of = stack.referenced(resource, identifier.path.partition("[")[0])
    return identifier.unknown and bool(made_of) and all(other.type != _LIST for other in made_of)


def _undeclared(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    # A list of this stack has an id once it is made; before that, what refers to it is unknown too.
    declared = {resource.at("id").text for resource in stack.of("ec2/managedPrefixList")} - {None}
    for resource in stack.resources:
        if resource.type not in INGRESS_TYPES:
            continue
        for rule in ingress(resource):
            for identifier in _lists(rule):
                foreign = identifier.given and identifier.text not in declared
                if foreign or (rule.path == "" and _is_of_something_else(stack, resource, identifier)):
                    yield resource, Finding(identifier.path, "names a prefix list that this stack does not declare")


def _lists(rule: Property) -> Iterator[Property]:
    """The prefix lists that a rule names, unknown ones too."""
    for key in PREFIX_LISTS:
        named = rule.at(key)
        yield from [named] if named.unknown else named.elements()


INGRESS_PREFIX_LISTS = StackRule(
    id="security-group-ingress-prefix-list-declared",
    title="Security groups admit only prefix lists that the same stack declares, whose entries are checked.",
    severity=Severity.CRITICAL,
    remedy="Declare the list as an aws.ec2.ManagedPrefixList in this stack, or admit a security group.",
    why=(
        "The entries of a list that somebody else keeps are in no plan: AWS's list of CloudFront's addresses admits every "
        "distribution of everybody's (Amazon CloudFront Developer Guide, Locations and IP address ranges), a shared list "
        "whatever its owner adds tomorrow. A list of this stack is checked entry by entry."
    ),
    check=_undeclared,
)
