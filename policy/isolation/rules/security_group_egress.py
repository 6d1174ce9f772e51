"""Security groups let out to private destinations, and to S3 through its gateway endpoint."""

from collections.abc import Iterator

from pulumi_policy import Severity

from isolation.declared import PRIVATE_CIDRS, private_cidrs
from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, StackRule
from isolation.rules.security_groups import EGRESS_TYPES, PREFIX_LISTS, egress, public_blocks
from isolation.stack import Stack

_HTTPS = 443
_TCP = 6  # IANA protocol number


def _check(resource: Resource) -> Iterator[Finding]:
    for rule in egress(resource):
        yield from public_blocks(rule, private_cidrs(resource.settings))


SECURITY_GROUP_EGRESS = ResourceRule(
    id="security-group-egress-private",
    title="Security groups let traffic out to private addresses only.",
    severity=Severity.HIGH,
    remedy="Name a security group, a private CIDR block, or S3's prefix list for its gateway endpoint.",
    why=(
        "Who has taken an instance over sends the data out by the rule that nobody needed. AWS gives a new group an egress "
        "rule to 0.0.0.0/0 (Amazon VPC User Guide, Security group rules), and the provider takes it away: what is written "
        "is all there is. No route to the internet exists today; this rule keeps the group closed on the day one does."
    ),
    settings=(PRIVATE_CIDRS,),
    frameworks=Frameworks(checkov=("CKV_AWS_382",)),
    checks=dict.fromkeys(EGRESS_TYPES, _check),
)


def _is_https(rule: Property) -> bool:
    """Whether the rule is TCP 443, or may be."""
    protocol = rule.at("ipProtocol") if not rule.at("ipProtocol").absent else rule.at("protocol")
    is_tcp = protocol.unknown or protocol.number == _TCP or (protocol.text or "").casefold() == "tcp"
    return is_tcp and all(port.unknown or port.number == _HTTPS for port in (rule.at("fromPort"), rule.at("toPort")))


def _undeclared(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    # The id of a list of this stack is known once it is made; before that it is unknown wherever it is used.
    declared = {resource.at("id").text for resource in stack.of("ec2/managedPrefixList")} - {None}
    for resource in stack.resources:
        if resource.type not in EGRESS_TYPES:
            continue
        for rule in egress(resource):
            for key in PREFIX_LISTS:
                for identifier in rule.at(key).each():
                    if identifier.text not in declared and not _is_https(rule):
                        yield resource, Finding(identifier.path, "is not this stack's own, and more than HTTPS passes")


EGRESS_PREFIX_LISTS = StackRule(
    id="security-group-egress-prefix-list-https",
    title="Security groups let out to a prefix list of AWS's over HTTPS only.",
    severity=Severity.MEDIUM,
    remedy="Set the rule to TCP 443, which is what S3's gateway endpoint needs, or declare the list in this stack.",
    why=(
        "S3's prefix list holds public addresses, and it is the only way to name its gateway endpoint in a security group "
        "(AWS PrivateLink Guide, Gateway endpoints). What AWS or another account puts into a list changes without a plan, "
        "so the rule that names one must not let more pass than the endpoint needs."
    ),
    check=_undeclared,
)
