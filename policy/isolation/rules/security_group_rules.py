"""The rules of security groups: which ports, why, and in one place."""

from collections.abc import Iterator, Mapping
from typing import Final

from pulumi_policy import Severity

from isolation.reading.properties import Property
from isolation.rule import Finding, Frameworks, Resource, ResourceRule, Setting, StackRule, aws
from isolation.rules.security_groups import GROUPS, egress, ingress
from isolation.stack import Stack

_STANDALONE: Final = (
    "ec2/securityGroupRule",
    "vpc/securityGroupIngressRule",
    "vpc/securityGroupEgressRule",
)
_TYPES: Final = (*GROUPS, *(aws(path) for path in _STANDALONE))
_PROTOCOLS: Final = {"tcp": 6, "udp": 17}  # IANA protocol numbers


def _rules(resource: Resource) -> Iterator[Property]:
    if resource.type in GROUPS:
        yield from ingress(resource)
        yield from egress(resource)
    else:
        yield resource.root


def _ports(resource: Resource) -> Iterator[Finding]:
    for rule in _rules(resource):
        protocol = rule.at("protocol") if rule.at("ipProtocol").absent else rule.at("ipProtocol")
        if protocol.unknown:
            continue
        if (protocol.text or "").casefold() not in _PROTOCOLS and protocol.number not in _PROTOCOLS.values():
            yield Finding(protocol.path, _protocol_problem(protocol))
            continue
        first, last = rule.at("fromPort"), rule.at("toPort")
        if first.unknown or last.unknown:
            continue
        if first.number is None or first.number != last.number:
            yield Finding(first.path, "and toPort are a range of ports, or all of them")
        elif wrong := _port_problem(first.number, resource.settings):
            yield Finding(first.path, wrong)


def _port_problem(port: int, settings: Mapping[str, object]) -> str | None:
    allowed, refused = settings["ports"], settings["refusedPorts"]
    if isinstance(allowed, list) and allowed and port not in allowed:
        return "is a port that the setting ports does not name"
    return "is a port of a shell, of files or of mail" if isinstance(refused, list) and port in refused else None


def _protocol_problem(protocol: Property) -> str:
    if protocol.absent:
        return "is absent"
    if protocol.text in ("-1", "all") or protocol.value == -1:
        return "is every protocol"
    return "is neither TCP nor UDP"


_PORT_LIST: Final = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 65535}}

SECURITY_GROUP_PORTS = ResourceRule(
    id="security-group-ports-named",
    title="Each rule of a security group names one port, and none of a shell, of files or of mail.",
    severity=Severity.HIGH,
    remedy="Give tcp with fromPort and toPort equal to the port that is needed; reach shells through Session Manager.",
    why=(
        "A rule of every protocol, or of ports 0 to 65535, lets in whatever else listens: the agent, SSH, a debugger. This "
        "system needs HTTPS to AWS's endpoints, PostgreSQL, and the ports of model servers where there are some, so each "
        "port is one decision. Shells, file shares and mail are what Security Hub calls high-risk ports (control EC2.19)."
    ),
    settings=(
        Setting(
            name="ports",
            default=[],
            schema=_PORT_LIST,
            description="The only ports that rules may name; empty for any but the refused ones.",
        ),
        Setting(
            name="refusedPorts",
            default=[20, 21, 22, 23, 25, 110, 135, 139, 143, 445, 3389],
            schema=_PORT_LIST,
            description="The ports that no rule may name.",
        ),
    ),
    frameworks=Frameworks(
        fsbp=("EC2.19",),
        cdk_nag=("AwsSolutions-EC23",),
        checkov=("CKV_AWS_24", "CKV_AWS_25", "CKV_AWS_277"),
    ),
    checks=dict.fromkeys(_TYPES, _ports),
)

_MANAGED = frozenset({"managed by pulumi", "managed by terraform"})


def _described(holder: Property) -> Iterator[Finding]:
    description = holder.at("description")
    if description.unknown:
        return
    if description.text is None or not description.text.strip():
        yield Finding(description.path, "says nothing" if description.text else f"is {description.described}")
    elif description.text.strip().casefold() in _MANAGED:
        yield Finding(description.path, "is the provider's default, which says nothing")


def _descriptions(resource: Resource) -> Iterator[Finding]:
    # AWS describes the default group itself, and no program can.
    if resource.type != aws("ec2/defaultSecurityGroup"):
        yield from _described(resource.root)
    if resource.type in GROUPS:
        for rule in _rules(resource):
            yield from _described(rule)


DESCRIPTIONS = ResourceRule(
    id="security-group-described",
    title="Security groups and their rules say what they are for.",
    severity=Severity.LOW,
    remedy="Say in one line who talks to whom and why.",
    why=(
        "Whoever reads the console in an incident must know whether a rule may go. A group's description cannot be changed "
        "later, a change makes a new group (EC2 API Reference, CreateSecurityGroup), so it has to be right at once; without "
        "one the provider writes `Managed by Pulumi`."
    ),
    frameworks=Frameworks(cdk_nag=("AwsSolutions-EC27",), checkov=("CKV_AWS_23",)),
    checks=dict.fromkeys(_TYPES, _descriptions),
)


def _mixed(stack: Stack) -> Iterator[tuple[Resource, Finding]]:
    inline = {
        resource.urn
        for resource in stack.resources
        if resource.type in GROUPS and (list(resource.at("ingress").each()) or list(resource.at("egress").each()))
    }
    for rule in stack.of(*_STANDALONE):
        for group in stack.referenced(rule, "securityGroupId", "ec2/securityGroup", "ec2/defaultSecurityGroup"):
            if group.urn in inline:
                yield rule, Finding("securityGroupId", f"names {group.name}, which has rules of its own inline")


RULES_IN_ONE_PLACE = StackRule(
    id="security-group-rules-in-one-place",
    title="A security group has its rules inline or standalone, never both.",
    severity=Severity.MEDIUM,
    remedy="Move the group's inline rules to SecurityGroupIngressRule and SecurityGroupEgressRule.",
    why=(
        "Inline rules are the whole truth to the provider: each update removes the standalone ones, and the next puts them "
        "back (provider documentation, aws.ec2.SecurityGroup). So a plan shows a door shut that is open every other time."
    ),
    check=_mixed,
)
