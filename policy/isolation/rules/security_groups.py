"""Security groups admit private sources only, in every form that a rule can take."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.declared import PRIVATE_CIDRS, private_cidrs, strings
from isolation.reading.addresses import problem
from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, Setting, aws

_LEGACY_RULE = aws("ec2/securityGroupRule")
_INGRESS_RULE = aws("vpc/securityGroupIngressRule")
_EGRESS_RULE = aws("vpc/securityGroupEgressRule")

GROUPS = (aws("ec2/securityGroup"), aws("ec2/defaultSecurityGroup"))
INGRESS_TYPES = (*GROUPS, _LEGACY_RULE, _INGRESS_RULE)
EGRESS_TYPES = (*GROUPS, _LEGACY_RULE, _EGRESS_RULE)
CIDRS = ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6")
PREFIX_LISTS = ("prefixListIds", "prefixListId")
SOURCE_GROUPS = ("securityGroups", "sourceSecurityGroupId", "referencedSecurityGroupId")


def ingress(resource: Resource) -> Iterator[Property]:
    """The known ingress rules that a resource of `INGRESS_TYPES` declares."""
    return _rules(resource, "ingress", _INGRESS_RULE)


def egress(resource: Resource) -> Iterator[Property]:
    """The known egress rules that a resource of `EGRESS_TYPES` declares."""
    return _rules(resource, "egress", _EGRESS_RULE)


def _rules(resource: Resource, direction: str, modern: str) -> Iterator[Property]:
    if resource.type == modern:
        yield resource.root
    elif resource.type == _LEGACY_RULE:
        # Whatever is not known to be of the other direction is taken for this one.
        if resource.at("type").text != ("egress" if direction == "ingress" else "ingress"):
            yield resource.root
    else:
        yield from resource.at(direction).each()


def public_blocks(rule: Property, private: list[str]) -> Iterator[Finding]:
    """A finding for each block of a security group's rule that is not private."""
    for key in CIDRS:
        for cidr in rule.at(key).each():
            if wrong := problem(cidr, private):
                yield Finding(cidr.path, wrong)


def _check(resource: Resource) -> Iterator[Finding]:
    for rule in ingress(resource):
        yield from public_blocks(rule, private_cidrs(resource.settings))


SECURITY_GROUP_INGRESS = ResourceRule(
    id="security-group-ingress-private",
    title="Security groups admit ingress from private addresses only.",
    severity=Severity.CRITICAL,
    remedy="Admit a security group or a private CIDR block.",
    why=(
        "A security group is the last door before an interface, and it is the only one that most stacks have. A block is "
        "judged by what it holds and not by how it is written: 0.0.0.0/1 beside 128.0.0.0/1, 2000::/3 or "
        "::ffff:0.0.0.0/96 admit the internet as 0.0.0.0/0 does, on every port and not only on 22 and 3389 "
        "(Amazon VPC User Guide, Security group rules)."
    ),
    settings=(PRIVATE_CIDRS,),
    frameworks=Frameworks(
        fsbp=("EC2.18", "EC2.19"),
        cis=("5.2", "5.3"),
        cdk_nag=("AwsSolutions-EC23",),
        checkov=("CKV_AWS_24", "CKV_AWS_25", "CKV_AWS_260", "CKV_AWS_277"),
    ),
    checks=dict.fromkeys(INGRESS_TYPES, _check),
)


def _foreign(resource: Resource) -> Iterator[Finding]:
    accounts = strings(resource.settings, "accounts")
    for rule in ingress(resource):
        for key in SOURCE_GROUPS:
            for group in rule.at(key).each():
                # `account/sg-…` is the only form in which a group of another account can be named.
                account, foreign, _ = (group.text or "").partition("/")
                if foreign and account not in accounts:
                    yield Finding(group.path, "names a security group of another account")


FOREIGN_GROUPS = ResourceRule(
    id="security-group-of-own-account",
    title="Security groups admit groups of their own account only.",
    severity=Severity.HIGH,
    remedy="Admit a group of this account, or name the other account in the setting accounts.",
    why=(
        "Over a peering connection a rule may name another account's group as `account/sg-id`. Who is in that group is "
        "decided over there, and no plan of this stack shows it (Amazon VPC Peering Guide, Update your security groups to "
        "reference peer security groups)."
    ),
    settings=(
        Setting(
            name="accounts",
            default=[],
            schema={"type": "array", "items": {"type": "string", "pattern": "^[0-9]{12}$"}},
            description="The other accounts whose security groups may be admitted.",
        ),
    ),
    checks=dict.fromkeys(INGRESS_TYPES, _foreign),
)
