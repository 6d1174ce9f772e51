"""Prefix lists hold private blocks only, and ingress names no list but the stack's own."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.addresses import problem
from isolation.rule import Finding, Resource, ResourceRule, StackRule, aws
from isolation.rules.security_groups import TYPES, ingress
from isolation.stack import Stack

_LIST = aws("ec2/managedPrefixList")
_KEYS = ("prefixListIds", "prefixListId")


def _entries(pattern: str, resource: Resource) -> Iterator[Finding]:
    for cidr in resource.select(pattern):
        if wrong := problem(cidr):
            yield Finding(cidr.path, wrong)


PREFIX_LIST_ENTRIES = ResourceRule(
    id="prefix-list-private",
    title="Prefix lists hold private CIDR blocks only.",
    severity=Severity.CRITICAL,
    remedy="Keep private CIDR blocks in it: a security group that names the list admits all of them.",
    checks={
        _LIST: lambda resource: _entries("entries[].cidr", resource),
        aws("ec2/managedPrefixListEntry"): lambda resource: _entries("cidr", resource),
    },
)


def _undeclared(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    # A list of this stack has an id once it is made; before that, what refers to it is unknown too.
    declared = {resource.at("id").text for resource in stack.resources if resource.type == _LIST} - {None}
    for resource in stack.resources:
        if resource.type not in TYPES:
            continue
        for rule in ingress(resource):
            for key in _KEYS:
                for identifier in rule.at(key).each():
                    if identifier.text not in declared:
                        yield resource, Finding(identifier.path, "names a prefix list that this stack does not declare")


INGRESS_PREFIX_LISTS = StackRule(
    id="security-group-ingress-prefix-list-declared",
    title="Security groups admit only prefix lists that the same stack declares, whose entries are checked.",
    severity=Severity.CRITICAL,
    remedy="Declare the list as an aws.ec2.ManagedPrefixList in this stack, or admit a security group.",
    check=_undeclared,
)
