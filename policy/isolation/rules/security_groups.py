"""Security groups admit private sources only, in every form that a rule can take."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.addresses import problem
from isolation.reading import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, aws

_LEGACY_RULE = aws("ec2/securityGroupRule")
_RULE = aws("vpc/securityGroupIngressRule")

TYPES = (aws("ec2/securityGroup"), aws("ec2/defaultSecurityGroup"), _LEGACY_RULE, _RULE)
_CIDRS = ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6")


def ingress(resource: Resource) -> Iterator[Property]:
    """The known ingress rules that a resource of `TYPES` declares."""
    if resource.type == _RULE:
        yield resource.root
    elif resource.type == _LEGACY_RULE:
        if resource.at("type").text != "egress":
            yield resource.root
    else:
        yield from resource.at("ingress").each()


def _check(resource: Resource) -> Iterator[Finding]:
    for rule in ingress(resource):
        for key in _CIDRS:
            for cidr in rule.at(key).each():
                if wrong := problem(cidr):
                    yield Finding(cidr.path, wrong)


SECURITY_GROUP_INGRESS = ResourceRule(
    id="security-group-ingress-private",
    title="Security groups admit ingress from private addresses only.",
    severity=Severity.CRITICAL,
    remedy="Admit a security group or a private CIDR block.",
    frameworks=Frameworks(
        fsbp=("EC2.13", "EC2.14", "EC2.18", "EC2.19"),
        cis=("5.2", "5.3"),
        cdk_nag=("AwsSolutions-EC23",),
        checkov=("CKV_AWS_24", "CKV_AWS_25", "CKV_AWS_260", "CKV_AWS_277"),
    ),
    checks=dict.fromkeys(TYPES, _check),
)
